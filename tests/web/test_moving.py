"""Files: moving and copying, by dialog, drag and paste; conflicts; links; the details beside the list."""

import zipfile
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.web.conftest import PHONE, Opener, both_origins
from tests.web.listing import act, choose, row, undo
from tests.web.people import Person
from tests.web.watch import Watch, check_axe

OLD_MS, NEW_MS = 1_600_000_000_000, 1_700_000_000_000


@pytest.fixture
def place(ada: Person, request: pytest.FixtureRequest) -> Any:
    """A folder for one test: two folders, and files of which one is in both."""
    name = f"/{request.node.name[:60]}"
    folder = ada.folder(name)
    ada.folder(f"{name}/Target/Inner")
    ada.put(f"{name}/a.txt", b"new", mtime_ms=NEW_MS)
    ada.put(f"{name}/b.txt", b"bee")
    ada.put(f"{name}/Target/a.txt", b"older", mtime_ms=OLD_MS)
    return folder


@pytest.fixture
def inside(open_page: Opener, ada: Person, place: Any) -> Page:
    """Ada's browser in that folder."""
    page = open_page(f"/files{place['path']}", who=ada)
    expect(row(page, "a.txt")).to_be_visible()
    return page


def below(ada: Person, folder: Any) -> dict[str, bytes | None]:
    """All that is below a folder of a test, by path in it: content, or None for a folder."""
    found: dict[str, bytes | None] = {}
    for item in ada.call("GET", f"/api/v1/folders/{folder['file_id']}/children").json["items"]:
        path = item["path"].removeprefix(folder["path"]).lstrip("/")
        if item["kind"] == "folder":
            found[path] = None
            found |= {f"{path}/{rest}": content for rest, content in below(ada, item).items()}
        else:
            found[path] = ada.call("GET", f"/api/v1/files/{item['file_id']}/content").body
    return found


def item(page: Page, name: str) -> Locator:
    """A folder of the tree in the dialog."""
    return page.get_by_role("treeitem", name=name, exact=True).locator(".tree-name").first


@both_origins
def test_entries_are_moved_by_the_dialog_and_back(page: Page, ada: Person, place: Any) -> None:
    page.goto(f"/files{place['path']}")
    choose(page, "b.txt", "a.txt")
    page.get_by_role("toolbar", name="Selection").get_by_role("button", name="Move").click()
    dialog = page.get_by_role("dialog", name="Move 2 items")
    expect(dialog.get_by_role("button", name="Move here")).to_be_disabled()  # they are there already
    item(page, "Target").click()
    item(page, "Inner").click()
    dialog.get_by_role("button", name="Move here").click()
    expect(row(page, "a.txt").or_(row(page, "b.txt"))).to_have_count(0)
    assert below(ada, place) == {
        "Target": None, "Target/Inner": None, "Target/Inner/a.txt": b"new", "Target/Inner/b.txt": b"bee",
        "Target/a.txt": b"older",
    }  # fmt: skip

    undo(page)

    expect(row(page, "a.txt").or_(row(page, "b.txt"))).to_have_count(2)
    assert below(ada, place)["a.txt"] == b"new"


def test_no_folder_goes_into_itself(inside: Page, ada: Person, place: Any) -> None:
    act(inside, "Target", "Move to …")

    expect(inside.get_by_role("treeitem", name="Target", exact=True)).to_have_attribute("aria-disabled", "true")
    assert inside.get_by_role("treeitem", name="Target", exact=True).get_attribute("aria-expanded") is None


def test_the_dialog_goes_by_keyboard_finds_folders_and_makes_them(inside: Page, ada: Person, place: Any) -> None:
    row(inside, "b.txt").focus()
    inside.keyboard.press("Shift+F10")
    inside.keyboard.type("m")
    inside.keyboard.press("Enter")
    here = inside.get_by_role("treeitem", name=place["name"], exact=True)
    expect(here).to_be_focused()
    check_axe(inside, "dialog")
    inside.keyboard.press("ArrowDown")
    expect(inside.get_by_role("treeitem", name="Target", exact=True)).to_be_focused()
    inside.get_by_role("button", name="New folder").click()
    inside.get_by_role("textbox", name="Name").fill("Newest")
    inside.keyboard.press("Enter")
    expect(inside.get_by_role("treeitem", name="Newest")).to_be_focused()
    inside.get_by_role("textbox", name="Find a folder").fill("newes")
    expect(inside.get_by_role("treeitem")).to_have_count(1)
    inside.keyboard.press("ArrowDown")
    inside.keyboard.press("Space")
    inside.keyboard.press("Enter")

    expect(inside.get_by_role("dialog")).to_have_count(0)
    expect(row(inside, "b.txt")).to_have_count(0)
    assert below(ada, place)["Target/Newest/b.txt"] == b"bee"


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        ("Keep both", {"Target/a.txt": b"older", "Target/a (2).txt": b"new"}),
        ("Replace", {"Target/a.txt": b"new"}),
        ("Skip", {"Target/a.txt": b"older", "a.txt": b"new"}),
    ],
)
def test_where_a_name_is_in_use_one_is_asked(
    inside: Page, ada: Person, place: Any, watch: Watch, choice: str, expected: dict[str, bytes]
) -> None:
    watch.allow("409")
    choose(inside, "a.txt", "b.txt")
    row(inside, "b.txt").drag_to(row(inside, "Target"))
    dialog = inside.get_by_role("dialog", name="“a.txt” is already in “Target”")
    expect(dialog.locator(".conflict-side")).to_contain_text(["5 bytes", "3 bytes"])
    check_axe(inside, "dialog")
    dialog.get_by_role("radio", name=choice).check()
    dialog.get_by_role("button", name="Continue").click()
    expect(dialog).to_have_count(0)
    expect(inside.get_by_role("status").get_by_text("Moved").first).to_be_visible()

    files = {path: content for path, content in below(ada, place).items() if content is not None}
    assert files == {**expected, "Target/b.txt": b"bee"}


def test_one_that_fails_holds_up_no_other(inside: Page, ada: Person, place: Any) -> None:
    lock = b'<lockinfo xmlns="DAV:"><lockscope><exclusive/></lockscope><locktype><write/></locktype></lockinfo>'
    ada.call("LOCK", f"/dav{place['path']}/b.txt", lock, {"Content-Type": "application/xml"})
    ada.put(f"{place['path']}/c.txt", b"sea")
    choose(inside, "b.txt", "c.txt")
    inside.keyboard.press("Control+x")
    row(inside, "Target").locator(".file-when").click()
    expect(row(inside, "Inner")).to_be_visible()
    inside.keyboard.press("Control+v")

    expect(row(inside, "c.txt")).to_be_visible()
    expect(inside.get_by_role("status").get_by_text("has locked it")).to_be_visible()
    assert {"b.txt", "Target/c.txt"} <= set(below(ada, place))


def test_one_answer_is_for_all_if_one_likes(inside: Page, ada: Person, place: Any, watch: Watch) -> None:
    watch.allow("409")
    for number in range(3):
        ada.put(f"{place['path']}/c{number}", b"new")
        ada.put(f"{place['path']}/Target/c{number}", b"old")
    expect(row(inside, "c2")).to_be_visible()
    inside.keyboard.press("Control+a")
    row(inside, "Target").get_by_role("checkbox").uncheck()
    inside.keyboard.press("Control+c")
    row(inside, "Target").locator(".file-when").click()
    inside.keyboard.press("Control+v")
    dialog = inside.get_by_role("dialog")
    dialog.get_by_role("radio", name="Replace").check()
    dialog.get_by_role("checkbox", name="Do the same for 3 more like this").check()
    dialog.get_by_role("button", name="Continue").click()
    expect(row(inside, "b.txt")).to_be_visible()

    assert below(ada, place)["Target/c2"] == b"new"
    assert below(ada, place)["c2"] == b"new"


def test_a_drag_with_ctrl_copies_and_the_path_is_a_target_too(inside: Page, ada: Person, place: Any) -> None:
    row(inside, "b.txt").hover()
    inside.mouse.down()
    inside.keyboard.down("Control")
    row(inside, "Target").hover()
    row(inside, "Target").hover()
    inside.mouse.up()
    inside.keyboard.up("Control")
    expect(inside.get_by_role("status").get_by_text("Copied “b.txt” to “Target”")).to_be_visible()
    assert below(ada, place)["Target/b.txt"] == below(ada, place)["b.txt"] == b"bee"

    row(inside, "Target").locator(".file-when").click()
    row(inside, "Inner").drag_to(inside.get_by_role("navigation", name="Path").get_by_role("link", name=place["name"]))
    expect(row(inside, "Inner")).to_have_count(0)

    assert "Inner" in below(ada, place)


def test_cut_entries_wait_until_they_are_pasted(inside: Page, ada: Person, place: Any) -> None:
    row(inside, "b.txt").focus()
    inside.keyboard.press("Control+x")
    expect(row(inside, "b.txt")).to_have_class("file line cut")
    row(inside, "Target").locator(".file-when").click()
    expect(row(inside, "Inner")).to_be_visible()
    inside.keyboard.press("Control+v")
    expect(row(inside, "b.txt")).to_be_focused()
    assert "b.txt" not in below(ada, place)

    inside.keyboard.press("Control+v")  # nothing is held any more
    inside.keyboard.press("Control+z")
    expect(row(inside, "b.txt")).to_have_count(0)

    assert below(ada, place)["b.txt"] == b"bee"


def test_a_duplicate_stands_beside_and_is_taken_back(inside: Page, ada: Person, place: Any) -> None:
    act(inside, "Target", "Duplicate")
    expect(row(inside, "Target (2)")).to_be_visible()
    assert below(ada, place)["Target (2)/a.txt"] == b"older"
    undo(inside)

    expect(row(inside, "Target (2)")).to_have_count(0)


@both_origins
def test_a_link_is_made_and_copied_in_one_step(page: Page, open_page: Opener, ada: Person, place: Any) -> None:
    page.goto(f"/files{place['path']}")
    act(page, "a.txt", "Copy link")
    expect(page.get_by_role("status").get_by_text("Link copied")).to_be_visible()
    page.evaluate("document.body.append(Object.assign(document.createElement('textarea'), {id: 'paste'}))")
    page.locator("#paste").focus()
    page.keyboard.press("Control+v")
    address = page.locator("#paste").input_value()

    visitor = open_page(address)
    expect(visitor.get_by_text("a.txt").first).to_be_visible()
    undo(page)
    expect(page.get_by_role("status").get_by_text("Undone")).to_be_visible()
    assert ada.call("GET", "/api/v1/links").json["items"] == []


def test_details_tell_what_has_the_focus_or_is_selected(inside: Page, ada: Person, place: Any) -> None:
    ada.invite("cleo")
    ada.call("POST", f"/api/v1/files/{place['file_id']}/members", {"username": "cleo", "role": "viewer"})
    inside.keyboard.press("i")
    pane = inside.get_by_role("complementary", name="Details")
    expect(pane.get_by_text("cleo", exact=True)).to_be_visible()
    row(inside, "a.txt").focus()
    expect(pane).to_contain_text("a.txt")
    expect(pane).to_contain_text("14 November 2023")
    choose(inside, "a.txt", "b.txt")
    expect(pane).to_contain_text("2 selected")
    check_axe(inside)
    inside.keyboard.press("i")

    expect(pane).to_have_count(0)


def test_one_file_comes_as_it_is_and_several_as_one_zip(inside: Page, ada: Person, place: Any) -> None:
    row(inside, "b.txt").focus()
    with inside.expect_download() as one:
        inside.keyboard.press("d")
    choose(inside, "b.txt", "Target")
    with inside.expect_download() as several:
        inside.get_by_role("toolbar", name="Selection").get_by_role("button", name="Download").click()

    assert (one.value.suggested_filename, one.value.path().read_bytes()) == ("b.txt", b"bee")
    assert several.value.suggested_filename == f"{place['name']}.zip"
    with zipfile.ZipFile(several.value.path()) as archive:
        assert sorted(archive.namelist()) == ["Target/", "Target/Inner/", "Target/a.txt", "b.txt"]


def test_who_may_only_look_is_offered_nothing_else(open_page: Opener, ada: Person, place: Any) -> None:
    dora = ada.invite("dora")
    ada.call("POST", f"/api/v1/files/{place['file_id']}/members", {"username": "dora", "role": "viewer"})
    page = open_page("/files", who=dora)
    row(page, place["name"]).locator(".file-when").click()
    row(page, "a.txt").click(button="right")

    expect(page.get_by_role("menuitem")).to_contain_text(["Open", "Download", "Copy to", "Details"])
    page.keyboard.press("Escape")
    for key in ("F2", "Delete", "n"):
        row(page, "a.txt").focus()
        page.keyboard.press(key)
    expect(page.get_by_role("textbox", name="Name")).to_have_count(0)
    page.locator("[data-new]:visible").click(force=True)
    expect(page.get_by_role("menuitem", name="New folder")).to_have_count(0)
    assert below(ada, place)["a.txt"] == b"new"


def test_a_phone_has_all_of_the_folder_and_takes_back_without_keys(open_page: Opener, ada: Person, place: Any) -> None:
    page = open_page(f"/files{place['path']}", who=ada, size=PHONE, has_touch=True, is_mobile=True)
    act(page, "b.txt", "Duplicate")
    expect(row(page, "b (2).txt")).to_be_visible()
    page.get_by_role("status").get_by_role("button", name="Dismiss").tap()
    page.get_by_role("button", name="This folder", exact=True).tap()

    expect(page.get_by_role("menuitem")).to_have_text(
        [
            "Upload files", "New folder", "New text file", "Undo", "Download", "Share", "Copy link",
            "Rewind this folder …", "Details",
        ],
        use_inner_text=True,
    )  # fmt: skip
    check_axe(page, ".menu")
    page.get_by_role("menuitem", name="Undo").tap()
    expect(row(page, "b (2).txt")).to_have_count(0)

    act(page, "b.txt", "Details")
    expect(page.get_by_role("button", name="Close details")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_role("complementary", name="Details")).to_have_count(0)
    expect(row(page, "b.txt")).to_be_focused()


def test_a_phone_moves_too(open_page: Opener, ada: Person, place: Any) -> None:
    page = open_page(f"/files{place['path']}", who=ada, size=PHONE, has_touch=True, is_mobile=True)
    row(page, "b.txt").get_by_role("button").tap()
    page.get_by_role("menuitem", name="Move to …").tap()
    item(page, "Target").tap()
    check_axe(page, "dialog")
    page.get_by_role("button", name="Move here").tap()
    expect(row(page, "b.txt")).to_have_count(0)

    assert below(ada, place)["Target/b.txt"] == b"bee"
