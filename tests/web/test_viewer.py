"""The viewer: what each kind of file shows, and that none of them is ever run."""

import base64
import re
import struct
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, Response, expect

from tests.web import samples
from tests.web.conftest import PHONE, Opener, both_origins
from tests.web.listing import row, undo
from tests.web.people import Person
from tests.web.test_core import run
from tests.web.watch import Watch, check_axe

PLACE = "/Trip"
FILES = {
    "a.jpg": samples.photo(),
    "b.jpg": samples.photo(1_200, 1_800),
    "broken.jpg": b"\xff\xd8\xff\xe0" + bytes(2_000),
    "broken.zip": bytes(5_000),
    "code.py": samples.PYTHON.encode(),
    "doc.pdf": samples.PDF,
    "lake.jpg": samples.photo(600, 400),
    "list.csv": samples.TABLE.encode(),
    "logo.svg": samples.SVG,
    "notes.md": samples.MARKDOWN.encode(),
    "pack.zip": samples.archive(),
    "page.html": samples.HTML,
    "song.wav": samples.tone(400),
    "song 2.wav": samples.tone(2),
    "thing.bin": bytes(range(256)) * 20,
    "unplayable.mp4": bytes(5_000),
}


@pytest.fixture(scope="module")
def trip(ada: Person) -> str:
    """A folder with a file of every kind; its address."""
    for name, content in FILES.items():
        ada.put(f"{PLACE}/{name}", content)
    return "/files/Trip"


@pytest.fixture
def folder(open_page: Opener, ada: Person, trip: str, watch: Watch) -> Iterator[Page]:
    """That folder in ada's browser; no script of any file has run when the test is over."""
    page = open_page(trip, who=ada)
    yield page
    assert page.evaluate("window.hit") is None


def show(page: Page, name: str) -> None:
    """Open a file from the list."""
    row(page, name).get_by_role("link", name=name, exact=True).click()
    expect(title(page)).to_have_text(name)


def title(page: Page):  # type: ignore[no-untyped-def] # of Playwright's own kind
    return page.locator("dialog.viewer .viewer-title")


def current(page: Page) -> str:
    """The address of the picture that is seen."""
    return str(page.locator(".pswp__item[aria-hidden=false] img:not(.pswp__img--placeholder)").get_attribute("src"))


@both_origins
def test_one_goes_from_file_to_file_and_comes_back_to_the_last_one(folder: Page) -> None:
    show(folder, "a.jpg")
    expect(folder.locator(".viewer-position")).to_have_text(f"1 of {len(FILES)}")
    folder.keyboard.press("ArrowRight")
    expect(title(folder)).to_have_text("b.jpg")
    folder.get_by_role("button", name="Next").first.click()
    expect(title(folder)).to_have_text("broken.jpg")
    folder.keyboard.press("ArrowLeft")
    expect(title(folder)).to_have_text("b.jpg")

    folder.keyboard.press("Escape")

    expect(folder.locator("dialog.viewer")).to_have_count(0)
    expect(row(folder, "b.jpg")).to_be_focused()
    expect(folder).to_have_url(re.compile("/files/Trip$"))


def test_what_goes_to_the_trash_makes_room_and_is_taken_back_once_the_viewer_is_closed(
    open_page: Opener, ada: Person
) -> None:
    ids = {
        name: ada.put(f"/Making room/{name}", name.encode())["file_id"] for name in ("1.txt", "2.txt", "3\u202e.txt")
    }
    page = open_page("/files/Making room", who=ada, size=PHONE)
    show(page, "2.txt")
    heading = page.locator(".viewer-heading").bounding_box()
    assert heading is not None
    assert heading["width"] > 100  # beside all buttons of a text

    page.get_by_role("button", name="More", exact=True).last.click()
    page.get_by_role("menuitem", name="Move to trash").click()
    expect(title(page)).to_have_text("3[U+202E].txt")
    expect(page.locator(".viewer-position")).to_have_text("2 of 2")
    page.get_by_role("button", name="Edit").click()
    page.get_by_role("textbox", name="3[U+202E].txt").fill("unsaved")
    for gone in ("1.txt", "3\u202e.txt"):
        ada.call("DELETE", f"/api/v1/files/{ids[gone]}")
    expect(page.locator(".viewer-position")).to_have_text("")
    expect(page.get_by_role("textbox", name="3[U+202E].txt")).to_have_value("unsaved")
    page.get_by_role("button", name="Close").first.click()
    page.get_by_role("button", name="Discard").click()

    expect(page.locator("dialog.viewer")).to_have_count(0)
    undo(page)
    expect(row(page, "2.txt")).to_be_visible()
    expect(page.get_by_role("status").get_by_text("Undone")).to_be_visible()


def test_going_back_closes_the_viewer_and_leaves_the_folder_alone(folder: Page) -> None:
    folder.evaluate("window.stays = document.querySelector('.files-grid')")
    for _ in range(2):
        show(folder, "a.jpg")
        folder.go_back()
        expect(folder.locator("dialog.viewer")).to_have_count(0)

    expect(folder).to_have_url(re.compile("/files/Trip$"))
    assert folder.evaluate("window.stays === document.querySelector('.files-grid')")


def test_keys_mean_nothing_to_what_lies_below(folder: Page) -> None:
    show(folder, "a.jpg")

    folder.keyboard.press("Delete")
    folder.keyboard.press("F2")
    folder.keyboard.press("?")
    help_ = folder.get_by_role("dialog", name="Keyboard shortcuts")
    expect(help_.get_by_text("Full screen")).to_be_visible()
    expect(help_.get_by_text("Rename")).to_have_count(0)
    folder.keyboard.press("Escape")
    expect(help_).to_have_count(0)
    folder.keyboard.press("Escape")

    expect(folder.locator("dialog.viewer")).to_have_count(0)
    expect(row(folder, "a.jpg")).to_be_visible()
    expect(folder.locator("#toasts .toast")).to_have_count(0)


def test_picture_comes_small_first_and_whole_where_one_looks_closer(folder: Page) -> None:
    show(folder, "a.jpg")
    expect(folder.locator(".pswp__item[aria-hidden=false] img").last).to_be_visible()
    assert "thumbnail?size=1600" in current(folder)

    with folder.expect_response(lambda reply: "/content" in reply.url):
        folder.locator(".pswp__item[aria-hidden=false] img").last.click()

    folder.wait_for_function("() => document.querySelector('.pswp__item[aria-hidden=false] img').naturalWidth === 2400")
    expect(title(folder)).to_have_text("a.jpg")


def test_picture_keeps_its_shape_however_early_one_goes_on(folder: Page) -> None:
    show(folder, "a.jpg")
    folder.keyboard.press("ArrowRight")
    expect(title(folder)).to_have_text("b.jpg")
    folder.keyboard.press("i")
    expect(folder.get_by_role("complementary", name="Details")).to_contain_text("b.jpg")

    folder.wait_for_function(
        """() => {
          const box = document.querySelector(".pswp__item[aria-hidden=false] img:last-child").getBoundingClientRect();
          return box.width > 100 && Math.abs(box.width / box.height - 2 / 3) < 0.01 && box.right < innerWidth - 310;
        }"""
    )


def test_what_is_no_picture_after_all_says_so(folder: Page) -> None:
    show(folder, "broken.jpg")

    expect(folder.get_by_text("This picture cannot be shown.")).to_be_visible()


def test_drawing_of_lines_is_an_image_and_runs_nothing(folder: Page) -> None:
    show(folder, "logo.svg")
    folder.wait_for_function("() => document.querySelector('.pswp__item[aria-hidden=false] img')?.naturalWidth > 0")

    assert current(folder).startswith("blob:")


def test_page_of_somebody_is_text(folder: Page) -> None:
    show(folder, "page.html")

    expect(folder.locator(".viewer-lines")).to_contain_text("<script>window.hit = 6</script>")


def test_code_has_its_colours_and_its_lines(folder: Page) -> None:
    show(folder, "code.py")

    expect(folder.locator(".hl-keyword").first).to_have_text("import")
    expect(folder.locator(".hl-comment")).to_have_text("# quickly")
    assert folder.locator(".viewer-lines").inner_text() == samples.PYTHON


def test_empty_text_says_so_and_can_be_written_to(folder: Page, ada: Person) -> None:
    made = ada.put(f"{PLACE}/empty.txt", b"")
    show(folder, "empty.txt")

    expect(folder.locator(".viewer-document")).to_have_text("This file is empty.")
    folder.get_by_role("button", name="Edit").click()
    folder.locator("textarea").fill("first")
    folder.keyboard.press("Control+s")
    expect(folder.locator(".viewer-state")).to_have_text("Saved")
    assert content(ada, "empty.txt") == b"first"
    ada.call("DELETE", f"/api/v1/files/{made['file_id']}")


def test_markdown_is_a_page_of_the_harmless_part_of_it(folder: Page, watch: Watch) -> None:
    show(folder, "notes.md")
    page = folder.locator(".viewer-markdown")
    expect(page.get_by_role("heading", name="Trip to the lake")).to_be_visible()
    expect(page.get_by_role("checkbox")).to_be_checked()
    expect(page.locator("b")).to_have_text("bold")
    pictures = page.locator("img[src]").evaluate_all("(all) => all.map((one) => new URL(one.src).pathname)")
    assert len(pictures) == 1
    assert pictures[0].startswith("/api/v1/files/")
    assert page.locator("script, iframe, style, [onclick], [onerror], a[href^='javascript']").count() == 0
    assert page.get_by_role("link", name="the site").get_attribute("rel") == "noopener noreferrer"

    page.get_by_role("link", name="the list").click()

    expect(title(folder)).to_have_text("list.csv")


def test_table_shows_the_first_rows_and_few_at_a_time(folder: Page) -> None:
    show(folder, "list.csv")
    table = folder.get_by_role("table")
    expect(table.get_by_role("cell", name='Quoted, "twice"')).to_be_visible()
    expect(folder.get_by_text("You see the first 5,000 rows.")).to_be_visible()
    assert table.get_attribute("aria-rowcount") == "5001"
    assert table.get_by_role("row").count() < 100

    table.evaluate("(table) => (table.scrollTop = table.scrollHeight)")

    expect(table.get_by_role("cell", name="Person 4998", exact=True)).to_be_visible()


def test_archive_is_a_list_of_which_the_end_alone_is_fetched(folder: Page) -> None:
    fetched: list[Response] = []
    folder.on("response", lambda reply: fetched.append(reply) if "/content" in reply.url else None)
    show(folder, "pack.zip")
    table = folder.get_by_role("table", name="pack.zip")
    expect(folder.get_by_text(f"{len(samples.PACKED) - 1} files, 3 MB once they are unpacked")).to_be_visible()
    picture = table.get_by_role("row").filter(has_text="Ünd 1.jpg")
    expect(picture.get_by_role("cell")).to_have_text(["photos/Ünd 1.jpg", "3 MB", "3 Feb 2024"])
    expect(table.get_by_role("cell", name="<img src=x onerror='window.hit = 7'>", exact=True)).to_be_visible()
    expect(table.get_by_role("cell", name="../../etc/passwd", exact=True)).to_be_visible()
    expect(table.get_by_role("cell", name="gpj.[U+202E]exe.txt", exact=True)).to_be_visible()
    assert table.get_by_role("cell").filter(has_text="xxxx").inner_text() == "x" * 1_000 + "…"
    assert table.get_by_role("row").count() < 100
    assert table.get_attribute("aria-rowcount") == str(len(samples.PACKED) + 1)
    assert {reply.status for reply in fetched} == {206}
    assert sum(int(reply.headers["content-length"]) for reply in fetched) < 100_000

    table.focus()
    folder.keyboard.press("End")
    expect(table.get_by_role("cell", name="notes/499.txt")).to_be_visible()
    folder.keyboard.press("Escape")
    show(folder, "broken.zip")

    expect(folder.get_by_text("This archive cannot be read here.")).to_be_visible()
    expect(folder.locator(".viewer-card").get_by_role("link", name="Download")).to_be_visible()


def test_what_cannot_be_shown_is_offered(folder: Page) -> None:
    show(folder, "thing.bin")
    expect(folder.get_by_text("There is no preview of this kind of file.")).to_be_visible()

    with folder.expect_download() as download:
        folder.locator(".viewer-card").get_by_role("link", name="Download").click()

    assert download.value.suggested_filename == "thing.bin"


def test_pdf_is_shown_by_the_browser(folder: Page, watch: Watch) -> None:
    watch.allow("foreign request: chrome(-extension)?://")  # the browser's own viewer, and what it is made of
    with folder.expect_response(lambda reply: "frame=1" in reply.url) as response:
        show(folder, "doc.pdf")

    assert response.value.headers["content-type"] == "application/pdf"
    expect(folder.locator("iframe.viewer-frame")).to_be_visible()


def test_music_plays_from_where_it_was_left_and_fetches_only_that(folder: Page) -> None:
    show(folder, "song.wav")
    player = folder.locator("audio")
    folder.wait_for_function("() => document.querySelector('audio')?.duration > 390")
    with folder.expect_response(
        lambda reply: reply.status == 206 and not reply.request.headers["range"].endswith("=0-")
    ):
        player.evaluate("(player) => (player.currentTime = 300)")
    folder.keyboard.press("l")
    folder.keyboard.press("l")
    folder.keyboard.press("j")
    folder.wait_for_function("() => document.querySelector('audio').currentTime >= 310")
    folder.keyboard.press(" ")
    folder.wait_for_function("() => !document.querySelector('audio').paused")
    folder.keyboard.press(" ")
    folder.wait_for_function("() => document.querySelector('audio').paused")
    folder.keyboard.press("Escape")
    expect(folder.locator("dialog.viewer")).to_have_count(0)

    show(folder, "song.wav")

    expect(folder.get_by_text("Going on at 5:1")).to_be_visible()
    folder.get_by_role("button", name="From the start").click()
    folder.wait_for_function("() => document.querySelector('audio').currentTime < 5")


def test_what_comes_after_in_the_folder_plays_next(folder: Page) -> None:
    show(folder, "song 2.wav")
    expect(folder.get_by_role("list", name="Plays next").get_by_role("button")).to_have_count(2)

    folder.keyboard.press(" ")

    expect(title(folder)).to_have_text("song.wav")
    folder.wait_for_function("() => !document.querySelector('audio').paused")


def test_film_plays(folder: Page, ada: Person) -> None:
    film = folder.evaluate(
        """async () => {
          const canvas = Object.assign(document.createElement("canvas"), { width: 64, height: 48 });
          const pen = canvas.getContext("2d");
          const draw = () => { pen.fillStyle = `hsl(${Date.now() % 360} 80% 50%)`; pen.fillRect(0, 0, 64, 48); };
          const timer = setInterval(draw, 30);
          const recorder = new MediaRecorder(canvas.captureStream(), { mimeType: "video/webm" });
          const parts = [];
          recorder.ondataavailable = ({ data }) => parts.push(data);
          const ended = new Promise((resolve) => (recorder.onstop = resolve));
          recorder.start();
          await new Promise((resolve) => setTimeout(resolve, 700));
          recorder.stop();
          await ended;
          clearInterval(timer);
          return [...new Uint8Array(await new Blob(parts).arrayBuffer())];
        }"""
    )
    ada.put(f"{PLACE}/film.webm", bytes(film))
    try:
        show(folder, "film.webm")
        folder.locator("video").evaluate(
            """(film) => film.addEventListener("timeupdate", () => {
              window.played = Math.max(window.played || 0, film.currentTime);
            })"""
        )
        folder.keyboard.press(" ")

        folder.wait_for_function("() => window.played > 0.2")
    finally:
        ada.call("DELETE", f"/api/v1/files/{ada.call('GET', f'/api/v1/files?path={PLACE}/film.webm').json['file_id']}")


def test_film_of_a_kind_that_no_browser_plays_is_offered(folder: Page) -> None:
    show(folder, "unplayable.mp4")

    expect(folder.get_by_text("Your browser cannot play this file.")).to_be_visible()


@pytest.fixture
def letter(ada: Person, trip: str) -> Iterator[str]:
    """A text with the line ends of Windows, which is gone after the test."""
    ada.put(f"{PLACE}/letter.txt", b"\xef\xbb\xbfone\r\ntwo\r\n")
    yield "letter.txt"
    items = ada.call("GET", "/api/v1/search?q=letter").json["items"]
    for item in items:
        ada.call("DELETE", f"/api/v1/files/{item['file_id']}")


def content(ada: Person, name: str) -> bytes:
    file_id = ada.call("GET", f"/api/v1/files?path={PLACE}/{name.replace(' ', '%20')}").json["file_id"]
    return ada.call("GET", f"/api/v1/files/{file_id}/content").body


def edit(page: Page, name: str, text: str) -> None:
    """Open a text, write another one into it, and save."""
    show(page, name)
    page.get_by_role("button", name="Edit").click()
    page.locator("textarea").fill(text)
    page.keyboard.press("Control+s")


def test_text_is_saved_with_the_line_ends_it_had(folder: Page, ada: Person, letter: str) -> None:
    edit(folder, letter, "one\nthree\n")

    expect(folder.locator(".viewer-state")).to_have_text("Saved")
    assert content(ada, letter) == b"\xef\xbb\xbfone\r\nthree\r\n"
    folder.locator("textarea").fill("four\n")
    folder.keyboard.press("Control+s")
    expect(folder.locator(".viewer-state")).to_have_text("Saved")
    assert content(ada, letter) == b"\xef\xbb\xbffour\r\n"


def test_both_texts_survive_where_somebody_else_was_faster(
    folder: Page, ada: Person, letter: str, watch: Watch
) -> None:
    watch.allow("412")
    show(folder, letter)
    folder.get_by_role("button", name="Edit").click()
    ada.put(f"{PLACE}/{letter}", b"theirs")
    folder.locator("textarea").fill("mine")
    folder.keyboard.press("Control+s")
    dialog = folder.get_by_role("dialog", name="This file has changed")
    check_axe(folder, "dialog.dialog")

    dialog.get_by_role("button", name="Keep both").click()

    expect(folder.get_by_role("status").get_by_text("Saved as letter (my copy).txt")).to_be_visible()
    assert content(ada, "letter.txt") == b"theirs"
    assert content(ada, "letter (my copy).txt") == b"\xef\xbb\xbfmine"


def test_replaced_text_stays_among_the_versions(folder: Page, ada: Person, letter: str, watch: Watch) -> None:
    watch.allow("412")
    show(folder, letter)
    folder.get_by_role("button", name="Edit").click()
    theirs = ada.put(f"{PLACE}/{letter}", b"theirs")
    folder.locator("textarea").fill("mine")
    folder.keyboard.press("Control+s")

    folder.get_by_role("button", name="Replace with mine").click()

    expect(folder.locator(".viewer-state")).to_have_text("Saved")
    assert content(ada, letter) == b"\xef\xbb\xbfmine"
    versions = ada.call("GET", f"/api/v1/files/{theirs['file_id']}/versions").json["items"]
    assert theirs["version_id"] in [version["version_id"] for version in versions]


def test_what_is_unsaved_is_asked_about(folder: Page, ada: Person, letter: str) -> None:
    show(folder, letter)
    folder.get_by_role("button", name="Edit").click()
    folder.locator("textarea").fill("mine")
    folder.go_back()
    folder.get_by_role("button", name="Cancel").click()
    expect(folder.locator("textarea")).to_have_value("mine")

    folder.get_by_role("button", name="Close", exact=True).click()
    folder.get_by_role("button", name="Discard").click()

    expect(folder.locator("dialog.viewer")).to_have_count(0)
    assert content(ada, letter) == b"\xef\xbb\xbfone\r\ntwo\r\n"


def test_who_may_not_write_is_not_offered_to(open_page: Opener, ada: Person, trip: str) -> None:
    ben = ada.invite("ben")
    shared = ada.put("/Shared/read.txt", b"only to read")
    folder_id = ada.call("GET", f"/api/v1/files/{shared['file_id']}").json["parent_id"]
    ada.call("POST", f"/api/v1/files/{folder_id}/members", {"username": "ben", "role": "viewer"})
    page = open_page("/files/Shared", who=ben)

    show(page, "read.txt")

    expect(page.locator(".viewer-lines")).to_have_text("only to read")
    expect(page.get_by_role("button", name="Edit")).to_have_count(0)


@pytest.mark.parametrize("size", [(1280, 800), PHONE], ids=["desktop", "phone"])
@pytest.mark.parametrize("name", ["a.jpg", "code.py", "list.csv", "notes.md", "pack.zip", "song.wav", "thing.bin"])
def test_viewer_is_clean(open_page: Opener, ada: Person, trip: str, size: tuple[int, int], name: str) -> None:
    page = open_page(trip, who=ada, size=size)
    show(page, name)
    page.keyboard.press("i")
    expect(page.get_by_role("complementary", name="Details")).to_be_visible()
    check_axe(page, "dialog.viewer")
    page.keyboard.press("i")

    assert page.evaluate("document.querySelector('dialog.viewer').scrollWidth <= innerWidth")
    for button in page.locator("dialog.viewer .viewer-bar :is(button, a):visible").all():
        box = button.bounding_box()
        assert box is not None
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= size[0]


READ = """
const bytes = Uint8Array.from(atob(given.tail), (sign) => sign.charCodeAt(0));
const read = async (from, to) => {
  if (from < 0 || to > given.size || to - from > 5_000_000) throw new Error(`${from} to ${to} of ${given.size}`);
  const held = new Uint8Array(to - from);
  const start = given.size - bytes.length; // zeros before it
  held.set(bytes.subarray(Math.max(0, from - start), Math.max(0, to - start)), Math.max(0, start - from));
  return held;
};
try {
  const { entries, isWhole } = await m.readZip(read, given.size);
  const year = ({ time }) => time && new Date(time).getFullYear();
  const first = entries[0] && [entries[0].name, entries[0].size, year(entries[0])];
  return [entries.length, isWhole, first];
} catch (error) {
  return error instanceof m.NotZip ? "no zip" : String(error);
}
"""


def list_(*names: bytes, size: int = 7, extra: bytes = b"", day: int = 0x5843) -> bytes:
    """Return the list of a zip that holds files of these names."""
    head = struct.pack("<4s6H3L", b"PK\1\2", 20, 20, 0, 0, 0, day, 0, size, size)
    return b"".join(head + struct.pack("<2H14x", len(name), len(extra)) + name + extra for name in names)


def ended(listed: bytes, *, length: int | None = None, comment: bytes = b"") -> bytes:
    """Return such a list with what stands behind it."""
    size = len(listed) if length is None else length
    return listed + struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 9, 9, size, 0, len(comment)) + comment


def large(listed: bytes, *, at: int) -> bytes:
    """Return such a list as archives beyond 4 GiB have it, which stands at a place of the file."""
    end = struct.pack("<4sQ2H2L4Q", b"PK\6\6", 44, 45, 45, 0, 0, 1, 1, len(listed), at)
    locator = struct.pack("<4sLQL", b"PK\6\7", 0, at + len(listed), 1)
    return listed + end + locator + ended(b"", length=0xFFFFFFFF)


def test_list_of_an_archive_is_believed_no_further_than_it_goes(page: Page) -> None:
    one, many = list_(b"a.txt"), list_(*[b"n%d" % number for number in range(10_500)])
    beyond = 6_000_000_000
    huge = list_(b"big", size=0xFFFFFFFF, extra=struct.pack("<HHQ", 1, 8, beyond))
    cases: list[tuple[bytes, int, object]] = [
        (ended(one), 0, [1, True, ["a.txt", 7, 2024]]),
        (ended(one, comment=b"PK\5\6" * 9), 0, [1, True, ["a.txt", 7, 2024]]),
        (ended(one), 5_000, [1, True, ["a.txt", 7, 2024]]),  # a program before it
        (large(huge, at=beyond), beyond, [1, True, ["big", beyond, 2024]]),
        (ended(b""), 0, [0, True, None]),
        (ended(many), 0, [10_000, False, ["n0", 7, 2024]]),
        (ended(list_(*[b"n" * 60_000] * 80)), 0, [69, False, ["n" * 1_000 + "…", 7, 2024]]),
        (ended(list_(b"\x9fr", day=0)), 0, [1, True, ["ƒr", 7, None]]),
        (ended(one + one[:40]), 0, [1, False, ["a.txt", 7, 2024]]),
        (ended(list_(b"b", extra=b"\1\0\xff\xff")), 0, [1, True, ["b", 7, 2024]]),
        (ended(one, length=0xFFFFFFF0), 0, "no zip"),
        (ended(one, length=len(one) - 1), 0, "no zip"),
        (large(one, at=2**63), 0, "no zip"),
        (bytes(70_000), 0, "no zip"),
        (b"PK\5\6", 0, "no zip"),
        (b"", 0, "no zip"),
    ]
    for content, before, expected in cases:
        given = {"tail": base64.b64encode(content).decode(), "size": before + len(content)}

        assert run(page, "viewer/zip", READ, given) == expected, content[:80]


def test_tables_of_text_are_read_as_programs_write_them(page: Page) -> None:
    given = 'a;b;c\n"x;1";"two\nlines";"say ""hi"""\n\n1;;3'

    read = run(page, "viewer/csv", "return m.readTable(given, 100)", given)

    assert read == {
        "rows": [["a", "b", "c"], ["x;1", "two\nlines", 'say "hi"'], ["1", "", "3"]],
        "isWhole": True,
    }
    assert run(page, "viewer/csv", "return m.readTable(given, 2)", given)["isWhole"] is False


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"\xc3\xa4\r\nb", {"text": "ä\nb", "isUtf8": True, "lineEnd": "\r\n", "hasMark": False}),
        (b"\xef\xbb\xbfa", {"text": "a", "isUtf8": True, "lineEnd": "\n", "hasMark": True}),
        (b"\xff\xfea\0", {"text": "a", "isUtf8": False, "lineEnd": "\n", "hasMark": True}),
        (b"\xe4", {"text": "ä", "isUtf8": False, "lineEnd": "\n", "hasMark": False}),
    ],
)
def test_text_is_read_in_the_encoding_it_has(page: Page, data: bytes, text: dict[str, object]) -> None:
    read = run(page, "viewer/textfile", "return m.decode(new Uint8Array(given), true)", list(data))

    assert read == {**text, "isWhole": True}


def test_letter_that_the_first_part_of_a_text_cuts_in_two_spoils_nothing(page: Page) -> None:
    read = run(page, "viewer/textfile", "return m.decode(new Uint8Array(given), false)", list("aä".encode()[:2]))

    assert (read["text"], read["isUtf8"]) == ("a", True)
