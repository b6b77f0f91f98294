"""What stands in the way of files: names, other files, no room, no session, a change on the disk, and people."""

import os
import re

import pytest
from playwright.sync_api import Page, expect

from tests.server import PASSWORD
from tests.web.conftest import PHONE, Opener, both_origins, ready
from tests.web.people import Person
from tests.web.upload.conftest import MIB, Barring, Files, Panel, arrived, content, find, names
from tests.web.watch import Watch, check_axe

PASTE = """() => {
  const transfer = new DataTransfer();
  for (const text of ["picture", "another"]) transfer.items.add(new File([text], "image.png", {type: "image/png"}));
  document.body.dispatchEvent(new ClipboardEvent("paste", {clipboardData: transfer, bubbles: true, cancelable: true}));
}"""


NEW_FOLDER = """async (folder) => {
  const {post} = await import(document.querySelector("script[type=module]").src.replace(/js\\/.*/, "js/core/api.js"));
  return post("folders", {path: `${folder}/made by a page of ada's`}).then(() => "made", ({code}) => code);
}"""


def choose(page: Page, choice: str) -> None:
    """Answer the question about a name that is taken."""
    page.get_by_role("dialog").get_by_role("radio", name=choice).check()
    page.get_by_role("dialog").get_by_role("button", name="Continue").click()


@pytest.mark.parametrize(
    ("choice", "title", "left", "old"),
    [
        ("Keep both", "4 files uploaded", ["a (2).txt", "a.txt", "b (2).txt", "b.txt", "c.txt", "d.txt"], b"old"),
        ("Replace", "4 files uploaded", ["a.txt", "b.txt", "c.txt", "d.txt"], b"new a.txt"),
        ("Skip", "2 files uploaded", ["a.txt", "b.txt", "c.txt", "d.txt"], b"old"),
    ],
)
def test_taken_names_are_asked_about_once_for_all(
    panel: Panel, files: Files, ada: Person, choice: str, title: str, left: list[str], old: bytes
) -> None:
    for name in ("a.txt", "b.txt"):
        ada.put(f"{panel.folder}/{name}", b"old", mtime_ms=1)
    sources = [files.make(name, 0) for name in ("a.txt", "b.txt", "c.txt", "d.txt")]
    for source in sources:
        source.write_bytes(b"new " + source.name.encode())

    panel.put(*sources)
    expect(panel.page.get_by_role("dialog")).to_contain_text("“a.txt” is there already")
    choose(panel.page, choice)

    panel.says(title)
    assert names(ada, panel.folder) == sorted(left)
    assert content(ada, f"{panel.folder}/a.txt") == old
    versions = ada.call("GET", f"/api/v1/files/{find(ada, f'{panel.folder}/a.txt')['file_id']}/versions").json["items"]
    assert len(versions) == (2 if choice == "Replace" else 1)


def test_taken_names_can_be_looked_at_one_by_one_and_later(panel: Panel, files: Files, ada: Person) -> None:
    for name in ("a.txt", "b.txt"):
        ada.put(f"{panel.folder}/{name}", b"old", mtime_ms=1)
    panel.put(files.make("a.txt", 10), files.make("b.txt", 10))
    panel.page.get_by_role("dialog").get_by_role("button", name="Later").click()
    panel.says("2 names are taken")

    panel.press("Decide")
    panel.page.get_by_label("The same for one more").uncheck()
    choose(panel.page, "Skip")
    expect(panel.page.get_by_role("dialog")).to_contain_text("“b.txt” is there already")
    choose(panel.page, "Replace")

    panel.says("One file uploaded")
    assert (content(ada, f"{panel.folder}/a.txt"), find(ada, f"{panel.folder}/b.txt")["size"]) == (b"old", 10)


def test_two_files_of_one_name_are_both_kept(panel: Panel, files: Files, ada: Person) -> None:
    """As a phone gives them, of two of its folders."""
    sources = [files.make("one/twin.txt", 10), files.make("two/twin.txt", 20)]

    panel.put(*sources)
    choose(panel.page, "Keep both")

    panel.says("2 files uploaded")
    assert {content(ada, f"{panel.folder}/{name}") for name in ("twin.txt", "twin (2).txt")} == {
        source.read_bytes() for source in sources
    }


def test_a_name_that_was_taken_meanwhile_is_asked_about_too(
    panel: Panel, files: Files, ada: Person, bar: Barring, watch: Watch
) -> None:
    watch.allow("409")
    source = files.make("raced.bin", 6 * MIB)
    barrier = bar()
    panel.put(source)
    barrier.wait(panel.page)
    ada.put(f"{panel.folder}/raced.bin", b"somebody else's")

    barrier.lift()
    choose(panel.page, "Keep both")

    panel.says("One file uploaded")
    assert content(ada, f"{panel.folder}/raced.bin") == b"somebody else's"
    assert content(ada, f"{panel.folder}/raced (2).bin") == source.read_bytes()


def test_a_name_that_cannot_be_waits_for_another_and_holds_up_nothing(panel: Panel, files: Files, ada: Person) -> None:
    bad = files.make("two\nlines.txt", 20)
    good = files.make("good.txt", 20)

    panel.put(bad, good)
    panel.says("One file could not be uploaded")
    assert names(ada, panel.folder) == ["good.txt"]
    panel.press("Use the proposed names")

    panel.says("2 files uploaded")
    assert content(ada, f"{panel.folder}/two_lines.txt") == bad.read_bytes()


@both_origins
def test_a_file_that_changes_while_it_is_sent_is_chosen_again(
    panel: Panel, files: Files, ada: Person, bar: Barring, watch: Watch
) -> None:
    watch.allow("ERR_UPLOAD_FILE_CHANGED|Failed to load")
    source = files.make("edited.bin", 9 * MIB)
    barrier = bar()
    panel.put(source)
    barrier.wait(panel.page)
    files.make("edited.bin", 9 * MIB)

    barrier.lift()
    expect(panel.row("edited.bin")).to_contain_text("Cannot be read any more")
    with panel.page.expect_file_chooser() as chooser:
        panel.press("Choose edited.bin again")
    chooser.value.set_files(source)

    panel.says("One file uploaded")
    assert arrived(ada, panel.folder, source)


def test_a_full_quota_pauses_and_room_makes_it_go_on(
    open_page: Opener, files: Files, ada: Person, watch: Watch
) -> None:
    watch.allow("507")
    ben = ada.invite("ben", quota=2 * MIB)
    panel = Panel(open_page("/files", who=ben), "")
    sources = [files.make("large.bin", 3 * MIB), *(files.make(f"{n}.bin", 700_000) for n in range(4))]
    panel.put(*sources)
    expect(panel.notice).to_contain_text("There is no room left")

    ada.call("PATCH", "/api/v1/users/ben", {"quota": 100 * MIB})
    panel.press("Continue")

    panel.says("5 files uploaded")
    assert arrived(ben, "", *sources)


@both_origins
def test_a_session_that_ended_is_renewed_in_place_and_the_upload_goes_on(
    open_page: Opener, files: Files, ada: Person, watch: Watch, origin: str
) -> None:
    watch.allow("401")
    watch.allow("ERR_FAILED")
    carl = ada.invite(f"carl{len(origin)}")
    page = open_page(None, who=carl)
    page.route("**/api/v1/events", lambda route: route.abort())  # which would ask to sign in as well
    page.goto("/files")
    ready(page)
    panel = Panel(page, "")
    page.wait_for_selector("#upload-files", state="attached")
    for device in carl.call("GET", "/api/v1/devices").json["items"]:
        if device["kind"] == "session":
            carl.call("DELETE", f"/api/v1/devices/{device['device_id']}")
    source = files.make("later.bin", 3 * MIB)

    panel.put(source)
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="Cancel").click()
    expect(panel.notice).to_contain_text("You are signed out")
    panel.press("Sign in")
    dialog.locator("input[type=password]").fill(PASSWORD)
    dialog.get_by_role("button", name="Continue").click()

    panel.says("One file uploaded")
    assert arrived(carl, "", source)


@both_origins
def test_nothing_goes_in_the_name_of_somebody_who_signed_in_meanwhile(
    panel: Panel, files: Files, ada: Person, bar: Barring, watch: Watch, origin: str
) -> None:
    watch.allow("403")
    host = origin.partition("://")[2].partition(":")[0]
    dora = ada.invite(f"dora{len(origin)}")
    cookies = panel.page.context
    cookies.add_cookies([ada.session(host)])  # type: ignore[list-item] # Playwright's own TypedDict
    inner = f"{panel.folder}/Inner"
    ada.folder(inner)
    renewed = files.make("renewed.txt", 10)
    panel.put(renewed)
    panel.says("One file uploaded")  # in the new session, which this page knows nothing of

    barrier = bar()
    begun, like_hers = files.make("begun.bin", 6 * MIB), files.make("like hers.txt", 10)
    os.utime(like_hers, (1_600_000_000, 1_600_000_000))
    dora.put(f"{inner}/{like_hers.name}", b"0" * 10, mtime_ms=1_600_000_000_000)
    panel.put(begun)
    barrier.wait(panel.page)
    panel.tab("Active")  # a browser asks before it leaves only what a person has touched
    panel.page.on("dialog", lambda dialog: dialog.dismiss())
    cookies.add_cookies([dora.session(host)])  # type: ignore[list-item]
    made = panel.page.evaluate(NEW_FOLDER, panel.folder)
    panel.drop(like_hers, on=panel.page.get_by_role("row").filter(has_text="Inner"))
    barrier.lift()
    expect(panel.notice).to_contain_text("Somebody else has signed in")
    expect(panel.element.get_by_role("button", name="Continue all")).to_be_hidden()

    panel.press("Sign in")
    dialog = panel.page.get_by_role("dialog")
    dialog.locator("input[type=password]").fill(PASSWORD)
    dialog.get_by_role("button", name="Continue").click()

    panel.says("3 files uploaded")
    assert arrived(ada, panel.folder, renewed, begun)
    assert arrived(ada, inner, like_hers)
    assert made == "forbidden"
    assert (names(dora, panel.folder), content(dora, f"{inner}/{like_hers.name}")) == (["Inner"], b"0" * 10)


def test_a_file_in_the_place_of_a_folder_is_told_of(panel: Panel, files: Files, ada: Person, watch: Watch) -> None:
    watch.allow("409")
    ada.put(f"{panel.folder}/Trip", b"a file")
    files.make("Trip/a.txt", 10)
    (files.folder / "Trip" / "empty").mkdir()

    panel.drop(files.folder / "Trip")

    panel.says("2 files could not be uploaded")
    expect(panel.row("A file is in the way")).to_have_count(2)
    assert content(ada, f"{panel.folder}/Trip") == b"a file"


@both_origins
def test_tabs_share_one_queue_and_go_on_without_each_other(
    panel: Panel, files: Files, ada: Person, bar: Barring
) -> None:
    first, second = files.make("first.bin", 2 * MIB), files.make("second.bin", 3 * MIB)
    barrier = bar()
    panel.put(first)
    barrier.wait(panel.page)
    other = Panel(panel.page.context.new_page(), panel.folder)
    other.page.goto(f"/files{panel.folder}")
    other.says("Uploading one file")
    other.put(second)
    panel.says("Uploading 2 files")
    other.says("Uploading 2 files")

    panel.page.close()
    barrier.drop()

    expect(other.row("second.bin")).to_have_count(1)
    other.says("One file uploaded")
    assert arrived(ada, panel.folder, second)
    expect(other.notice).to_contain_text("One upload is unfinished")  # the file of the tab that was closed


def test_a_cancelled_upload_can_be_taken_back(panel: Panel, files: Files, ada: Person, bar: Barring) -> None:
    sources = [files.make("one.bin", 6 * MIB), files.make("two.txt", 100)]
    barrier = bar()
    panel.put(*sources)
    barrier.wait(panel.page)

    panel.press("Cancel one.bin")
    barrier.drop()
    panel.page.get_by_role("button", name="Undo").click()

    panel.says("2 files uploaded")
    assert arrived(ada, panel.folder, *sources)


def test_files_are_paused_one_by_one_while_others_go_on(panel: Panel, files: Files, ada: Person, bar: Barring) -> None:
    waiting = [files.make("small.txt", 100), files.make("one.bin", 6 * MIB), files.make("two.bin", 6 * MIB)]
    barrier = bar()
    panel.put(*waiting)
    barrier.wait(panel.page)
    panel.tab("Active")
    with panel.page.context.expect_event("requestfailed"):
        for source in waiting:
            panel.press(f"Pause {source.name}")
            panel.tab("Active")
    panel.says("Paused, 3 files to go")
    expect(panel.element.get_by_role("button", name="Continue all")).to_be_visible()
    barrier.drop()

    goes = [files.make("goes.bin", 6 * MIB), files.make("goes.txt", 100)]
    panel.put(*goes)
    panel.tab("Done")
    expect(panel.row("goes")).to_have_count(2)
    assert names(ada, panel.folder) == ["goes.bin", "goes.txt"]
    panel.press("Continue all")

    panel.says("5 files uploaded")
    assert arrived(ada, panel.folder, *waiting, *goes)


def test_pasted_pictures_are_named_after_their_time(panel: Panel, ada: Person) -> None:
    panel.page.wait_for_selector("#upload-files", state="attached")

    panel.page.evaluate(PASTE)

    panel.says("2 files uploaded")
    second, first = names(ada, panel.folder)
    assert re.fullmatch(r"Pasted \d{4}-\d\d-\d\d \d\d-\d\d-\d\d\.png", first)
    assert second == first.replace(".png", " (2).png")
    assert content(ada, f"{panel.folder}/{second}") == b"another"


def test_leaving_with_files_on_their_way_is_warned_of(panel: Panel, files: Files, bar: Barring) -> None:
    barrier = bar()
    panel.put(files.make("leaving.bin", 2 * MIB))
    barrier.wait(panel.page)
    panel.element.get_by_role("tab", name="Active").click()  # a browser warns only of what a person has touched

    with panel.page.expect_event("dialog") as asked:
        panel.page.close(run_before_unload=True)

    assert asked.value.type == "beforeunload"
    asked.value.accept()


@pytest.mark.parametrize("size", [(1280, 800), PHONE], ids=["desktop", "phone"])
def test_the_panel_is_clean_and_works_by_keyboard(
    open_page: Opener, files: Files, ada: Person, folder: str, size: tuple[int, int]
) -> None:
    ada.put(f"{folder}/taken.txt", b"old", mtime_ms=1)
    panel = Panel(open_page(f"/files{folder}", who=ada, size=size), folder)
    page = panel.page
    panel.put(files.make("taken.txt", 5), files.make("two\nlines.txt", 5), files.make("fine.txt", 5))
    expect(page.get_by_role("dialog")).to_be_visible()
    check_axe(page)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")  # replaces
    panel.says("One file could not be uploaded")
    head = panel.element.locator(".upload-head")
    if size == PHONE:  # there it lies folded at the bottom, and fills the screen once opened
        expect(head).to_have_attribute("aria-expanded", "false")
        head.press("Enter")
    check_axe(page)
    panel.element.get_by_role("tab", name="Problems").press("ArrowLeft")
    expect(panel.element.get_by_role("tab", name="Done")).to_be_focused()
    check_axe(page)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    panel.element.get_by_role("button", name="Close the list").press("Enter")

    expect(panel.element).to_be_hidden()
    assert content(ada, f"{folder}/taken.txt") != b"old"
