"""What people without an account see of a link: a file, a folder, a drop box; with scripts and without."""

import io
import re
from typing import Any
from zlib import crc32

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from tests.web.conftest import PHONE, Opener, both_origins
from tests.web.listing import make_many
from tests.web.people import Person
from tests.web.samples import archive
from tests.web.watch import Watch, check_axe

HOSTILE = "<img src=x onerror=alert(1)> {{ 7*7 }} \u202egpj.exe & \"co\" 'x'.txt"
PASSWORD = "marble-otter-lantern-7"


@pytest.fixture
def person(ada: Person, request: pytest.FixtureRequest) -> Person:
    """Somebody of this test's own."""
    return ada.invite(f"l{crc32(request.node.name.encode())}")


def link(person: Person, file: Any, **terms: Any) -> str:
    """Make a link; return its address."""
    return str(person.call("POST", "/api/v1/links", {"file_id": file["file_id"], **terms}).json["url"])


def picture() -> bytes:
    body = io.BytesIO()
    Image.new("RGB", (300, 200), (20, 90, 140)).save(body, "JPEG")
    return body.getvalue()


def names(person: Person, path: str) -> list[str]:
    folder = person.call("GET", f"/api/v1/files?path={path}").json["file_id"]
    return [item["name"] for item in person.call("GET", f"/api/v1/folders/{folder}/children").json["items"]]


def sent(*files: tuple[str, bytes]) -> list[Any]:
    """Files as a person chooses them."""
    return [{"name": name, "mimeType": "application/octet-stream", "buffer": body} for name, body in files]


@pytest.fixture
def trip(person: Person) -> Any:
    """A folder with a bit of everything."""
    folder = person.folder("/Trip")
    person.put("/Trip/plan.txt", b"to the sea")
    person.put("/Trip/fjord.jpg", picture())
    person.put("/Trip/More/song.mp3", b"la")
    return folder


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "none"])
def test_a_folder_is_walked_and_its_files_are_fetched(
    open_page: Opener, person: Person, trip: Any, *, scripts: bool
) -> None:
    page = open_page(link(person, trip), java_script_enabled=scripts)
    expect(page.get_by_role("heading", name="Trip")).to_be_visible()
    expect(page.get_by_role("link", name="Download all")).to_be_visible()

    with page.expect_download() as fetched:
        page.get_by_role("link", name="Download “plan.txt”").click()
    assert fetched.value.path().read_bytes() == b"to the sea"
    page.get_by_role("link", name="More").click()
    expect(page.get_by_role("heading", name="More")).to_be_visible()
    page.get_by_role("link", name="song.mp3", exact=True).click()
    expect(page.get_by_role("heading", name="song.mp3")).to_be_visible()
    if scripts:  # they show it over the page
        page.keyboard.press("Escape")
    page.get_by_role("link", name="Back to the beginning").click()
    expect(page.get_by_role("link", name="fjord.jpg")).to_be_visible()


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "none"])
def test_sizes_are_written_as_the_visitors_language_writes_them(
    open_page: Opener, person: Person, *, scripts: bool
) -> None:
    address = link(person, person.folder("/Sizes"))
    person.put("/Sizes/song.mp3", bytes(1_500))

    page = open_page(address, locale="de-DE", java_script_enabled=scripts)

    expect(page.locator(".link-size")).to_have_text("1,5 kB")
    expect(open_page(address).locator(".link-size")).to_have_text("1.5 kB")


@pytest.mark.parametrize("size", [(1280, 800), PHONE], ids=["desktop", "phone"])
def test_pictures_are_seen_small_and_then_large(
    open_page: Opener, person: Person, trip: Any, size: tuple[int, int]
) -> None:
    page = open_page(link(person, trip), size=size)
    loaded = "(image) => image.decode().then(() => image.naturalWidth)"
    small = page.get_by_role("list", name="Pictures").locator("img")
    assert small.evaluate(loaded) == 256
    check_axe(page)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")

    page.goto(page.get_by_role("list", name="Pictures").get_by_role("link").evaluate("(link) => link.href"))

    assert page.get_by_role("img", name="Picture “fjord.jpg”").evaluate(loaded) == 300
    check_axe(page)
    [known] = person.call("GET", "/api/v1/links").json["items"]
    assert known["downloads"] == 0


@both_origins
def test_a_password_opens_a_link_and_all_below_it(open_page: Opener, person: Person, trip: Any, watch: Watch) -> None:
    watch.allow("403")
    page = open_page(link(person, trip, password=PASSWORD))
    check_axe(page)
    page.fill("input[name=password]", "not that")
    page.get_by_role("button", name="Open").click()
    expect(page.get_by_role("alert")).to_have_text("The password is wrong.")

    page.fill("input[name=password]", PASSWORD)
    page.get_by_role("button", name="Open").click()

    expect(page.get_by_role("heading", name="Trip")).to_be_visible()
    page.get_by_role("link", name="plan.txt", exact=True).click()
    expect(page.locator("body")).to_contain_text("to the sea")


def test_a_folder_of_more_than_a_page_shows_goes_on(open_page: Opener, person: Person) -> None:
    make_many(person, "/Many", 1001)
    folder = person.call("GET", "/api/v1/files?path=/Many").json
    page = open_page(link(person, folder), java_script_enabled=False)
    expect(page.locator(".link-row")).to_have_count(1000)
    page.get_by_role("link", name="Next page").click()

    expect(page.locator(".link-row")).to_have_text([re.compile("1000.txt")])
    expect(page.get_by_role("link", name="Next page")).to_have_count(0)
    page.get_by_role("link", name="First page").click()
    expect(page.locator(".link-row").first).to_contain_text("0000.txt")


def test_names_are_text_whatever_they_hold(open_page: Opener, person: Person, watch: Watch) -> None:
    folder = person.folder("/Odd")
    body = {"parent_id": folder["file_id"], "name": HOSTILE.replace("/", "")}
    made = person.call("POST", "/api/v1/folders", body).json
    for name in ("day 10.txt", "day 9.txt"):
        person.put(f"/Odd/{name}", b"x")
    page = open_page(link(person, folder))
    expect(page.locator(".link-row .link-name")).to_have_text([re.compile("img src"), "day 9.txt", "day 10.txt"])

    expect(page.get_by_role("link", name="<img src=x onerror=alert(1)> {{ 7*7 }}")).to_be_visible()
    assert page.locator("img").count() == 1  # of the server's own sign
    page.goto(link(person, made, mode="drop"))
    expect(page.get_by_role("heading")).to_contain_text("<img src=x onerror=alert(1)> {{ 7*7 }}")
    watch.check()


def test_a_password_guessed_in_a_loop_is_slowed_down_in_words(
    open_page: Opener, person: Person, trip: Any, watch: Watch
) -> None:
    watch.allow("403|429")
    page = open_page(link(person, trip, password=PASSWORD), locale="de-DE")
    for number in range(11):
        page.fill("input[name=password]", f"guess number {number}")
        page.get_by_role("button", name="Öffnen").click()
        expect(page.get_by_role("alert")).to_have_text(re.compile("stimmt nicht" if number < 10 else r"\d+ Sekunden"))

    page.fill("input[name=password]", PASSWORD)
    page.get_by_role("button", name="Öffnen").click()
    expect(page.get_by_role("alert")).to_have_text(re.compile(r"\d+ Sekunden"))


def test_a_drop_box_speaks_the_visitors_language_without_scripts_too(
    open_page: Opener, person: Person, ada: Person, watch: Watch
) -> None:
    watch.allow("507")
    ada.call("PATCH", f"/api/v1/users/{person.name}", {"quota": 1000})
    address = link(person, person.folder("/Inbox"), mode="drop")
    for scripts in (True, False):
        page = open_page(address, locale="de-DE", java_script_enabled=scripts)
        page.set_input_files("input[type=file]", sent(("large.bin", bytes(5000))))
        if not scripts:
            page.get_by_role("button", name="Senden").click()
        expect(page.get_by_text("Hier ist kein Platz mehr")).to_be_visible()


@both_origins
def test_files_are_dropped_and_each_says_that_it_arrived(open_page: Opener, person: Person) -> None:
    folder = person.folder("/Inbox")
    page = open_page(link(person, folder, mode="drop"))
    check_axe(page)
    with page.expect_file_chooser() as choosing:
        page.get_by_role("button", name="Choose files").click()

    choosing.value.set_files(sent(("a.txt", b"one"), ("b.bin", bytes(2_000_000)), ("a.txt", b"two")))

    expect(page.get_by_role("status")).to_have_text("3 files have arrived. Thank you.")
    expect(page.get_by_role("list", name="Files to send").get_by_text("arrived")).to_have_count(3)
    check_axe(page)
    assert names(person, "/Inbox") == ["a (2).txt", "a.txt", "b.bin"]


def test_a_whole_folder_is_dragged_into_a_drop_box(open_page: Opener, person: Person) -> None:
    page = open_page(link(person, person.folder("/Inbox"), mode="drop"))
    expect(page.get_by_role("button", name="Choose files")).to_be_visible()

    drag(page, ["one.txt", "two.txt"])

    expect(page.get_by_role("status")).to_have_text("2 files have arrived. Thank you.")
    assert names(person, "/Inbox") == ["one.txt", "two.txt"]


def test_what_does_not_fit_says_so_and_is_tried_again(
    open_page: Opener, person: Person, ada: Person, watch: Watch
) -> None:
    watch.allow("507")
    ada.call("PATCH", f"/api/v1/users/{person.name}", {"quota": 1000})
    page = open_page(link(person, person.folder("/Inbox"), mode="drop"))
    page.set_input_files("input[type=file]", sent(("small.txt", b"x"), ("large.bin", bytes(5000))))
    expect(page.get_by_text("quota")).to_be_visible()
    expect(page.get_by_role("listitem").filter(has_text="small.txt")).to_contain_text("arrived")
    assert names(person, "/Inbox") == ["small.txt"]

    ada.call("PATCH", f"/api/v1/users/{person.name}", {"quota": None})
    page.get_by_role("button", name="Try again").click()

    expect(page.get_by_role("status")).to_have_text("2 files have arrived. Thank you.")
    assert names(person, "/Inbox") == ["large.bin", "small.txt"]


def test_a_drop_box_waits_out_a_network_that_is_away(open_page: Opener, person: Person, watch: Watch) -> None:
    watch.allow("ERR_INTERNET|net::ERR|Failed to load")
    page = open_page(link(person, person.folder("/Inbox"), mode="drop"))
    page.get_by_role("button", name="Choose files").wait_for()
    page.context.set_offline(True)
    page.set_input_files("input[type=file]", sent(("a.txt", b"one"), ("b.bin", bytes(2_000_000))))
    expect(page.get_by_role("status")).to_contain_text("goes on by itself")

    page.context.set_offline(False)

    expect(page.get_by_role("status")).to_have_text("2 files have arrived. Thank you.")
    assert names(person, "/Inbox") == ["a.txt", "b.bin"]


def test_a_drop_box_takes_files_without_scripts(open_page: Opener, person: Person) -> None:
    page = open_page(link(person, person.folder("/Inbox"), mode="drop"), java_script_enabled=False)
    page.set_input_files("input[type=file]", sent(("a.txt", b"one"), ("b.txt", b"two")))

    page.get_by_role("button", name="Send").click()

    expect(page.get_by_role("status")).to_have_text("2 files have arrived. Thank you.")
    assert names(person, "/Inbox") == ["a.txt", "b.txt"]


def drag(page: Page, files: list[str]) -> None:
    """Drop a folder of these files, as a browser gives it: as entries that are read in batches."""
    page.evaluate(
        """(names) => {
          const entry = (name) => ({ isFile: true, file: (take) => take(new File([name], name)) });
          const batches = [names.slice(0, 1).map(entry), names.slice(1).map(entry), []];
          const folder = { isFile: false, createReader: () => ({ readEntries: (take) => take(batches.shift()) }) };
          const event = new Event("drop", { cancelable: true });
          event.dataTransfer = { items: [{ webkitGetAsEntry: () => folder }], files: [] };
          dispatchEvent(event);
        }""",
        files,
    )


def test_files_of_a_link_are_shown_over_the_page_and_pictures_count_as_no_download(
    open_page: Opener, person: Person, trip: Any
) -> None:
    page = open_page(link(person, trip, max_downloads=1))
    page.get_by_role("link", name="fjord.jpg").click()
    viewer = page.locator("dialog.viewer")
    expect(viewer.locator(".viewer-title")).to_have_text("fjord.jpg")
    expect(viewer.locator("img.pswp__img").last).to_be_visible()
    check_axe(page, "dialog.viewer")
    page.keyboard.press("ArrowLeft")
    expect(viewer.locator(".viewer-lines")).to_have_text("to the sea")
    assert viewer.get_by_role("button", name="Edit").count() == 0

    page.keyboard.press("Escape")

    expect(viewer).to_have_count(0)
    expect(page.get_by_role("link", name="plan.txt", exact=True)).to_be_focused()


def test_what_is_in_a_zip_is_listed_and_no_download_and_not_where_one_may_only_look(
    open_page: Opener, person: Person, trip: Any, watch: Watch
) -> None:
    watch.allow("403")
    person.put("/Trip/pack.zip", archive())
    shared = person.call("POST", "/api/v1/links", {"file_id": trip["file_id"], "max_downloads": 1}).json
    page = open_page(shared["url"])
    page.locator(".link-row").get_by_role("link", name="pack.zip", exact=True).click()
    viewer = page.get_by_role("dialog", name="pack.zip")
    expect(viewer.get_by_role("cell", name="photos/Ünd 1.jpg")).to_be_visible()
    links = person.call("GET", "/api/v1/links").json["items"]
    assert [one["downloads"] for one in links] == [0]

    person.call("PATCH", f"/api/v1/links/{shared['link_id']}", {"allow_download": False})
    page.reload()
    page.locator(".link-row").get_by_role("link", name="pack.zip", exact=True).click()

    expect(viewer.get_by_text("There is no preview of this kind of file.")).to_be_visible()
    expect(viewer.get_by_role("link", name="Download")).to_have_count(0)
