"""Files: going through folders, and changing what is in them."""

import re
from urllib.parse import quote

import pytest
from playwright.sync_api import APIResponse, Page, Route, expect

from tests.web.conftest import DESKTOP, PHONE, TABLET, Opener, both_origins
from tests.web.listing import act, names, row, rows, undo
from tests.web.people import Person
from tests.web.watch import Watch, check_axe


@pytest.fixture(scope="module")
def home(ada: Person) -> Person:
    """Ada, with a few files and folders."""
    for name in ("Documents", "Taxes 2", "Taxes 10", "Recipes/Soup"):
        ada.folder(f"/{name}")
    ada.put("/notes 10.txt", b"ten", mtime_ms=1_700_000_000_000)
    ada.put("/notes 2.txt", b"four", mtime_ms=1_600_000_000_000)
    ada.put("/Recipes/Soup/leek.md", b"# Leek")
    return ada


@both_origins
def test_a_folder_is_opened_by_a_click_and_left_by_the_path(page: Page, home: Person) -> None:
    row(page, "Recipes").click()
    expect(page).to_have_url(re.compile("/files/Recipes$"))
    row(page, "Soup").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Soup")
    expect(page).to_have_title("Soup · Cairn")
    expect(row(page, "leek.md")).to_be_visible()

    page.get_by_role("navigation", name="Path").get_by_role("link", name="Recipes").click()
    expect(row(page, "Soup")).to_be_visible()
    page.go_back()

    expect(row(page, "leek.md")).to_be_visible()


def test_the_open_folder_keeps_its_name_where_the_way_to_it_is_long(open_page: Opener, home: Person) -> None:
    long = "A folder with a name that does not come to an end"
    home.folder(f"/{long}/{long}/Letters/Summer of 2026")
    top = home.call("GET", f"/api/v1/files?path=/{quote(long)}").json["file_id"]

    page = open_page(f"/files/{long}/{long}/Letters/Summer of 2026", who=home)

    here = page.get_by_role("heading", name="Summer of 2026")
    expect(here).to_be_visible()
    assert here.evaluate("(element) => element.scrollWidth <= element.clientWidth")
    page.close()  # it would ask for what is gone
    home.call("DELETE", f"/api/v1/files/{top}")


def test_folders_come_first_and_numbers_count_as_people_count(page: Page, home: Person) -> None:
    expect(row(page, "Recipes")).to_be_visible()

    assert names(page) == ["Documents", "Recipes", "Taxes 2", "Taxes 10", "notes 2.txt", "notes 10.txt"]


def test_sorting_is_chosen_by_head_or_menu_and_kept(page: Page, home: Person) -> None:
    with page.expect_response(re.compile("sort=mtime&order=desc")):
        page.get_by_role("columnheader", name="Modified").get_by_role("button").click()
    expect(page.locator(".files-rows .file-name").nth(4)).to_have_text("notes 10.txt")
    page.get_by_role("button", name="Sorted by Modified").click()
    with page.expect_response(re.compile("sort=size&order=desc")):
        page.get_by_role("menuitemradio", name="Size").click()
    page.reload()

    expect(page.get_by_role("columnheader", name="Size")).to_have_attribute("aria-sort", "descending")
    expect(page.locator(".files-rows .file-name").nth(4)).to_have_text("notes 2.txt")


def test_a_folder_is_made_renamed_and_trashed_and_each_is_taken_back(page: Page, home: Person) -> None:
    page.get_by_role("button", name="New", exact=True).first.click()
    page.get_by_role("menuitem", name="New folder").click()
    page.get_by_role("textbox", name="Name").fill("Garden")
    page.keyboard.press("Enter")
    expect(row(page, "Garden")).to_be_focused()

    page.keyboard.press("F2")
    page.keyboard.type("Garden 2026")
    page.keyboard.press("Enter")
    expect(row(page, "Garden 2026")).to_be_focused()
    page.keyboard.press("Delete")
    expect(row(page, "Garden 2026")).to_have_count(0)

    undo(page)
    expect(row(page, "Garden 2026")).to_be_visible()
    page.keyboard.press("Control+z")
    expect(row(page, "Garden")).to_be_visible()
    expect(row(page, "Garden 2026")).to_have_count(0)
    page.keyboard.press("Control+z")
    expect(row(page, "Garden")).to_have_count(0)


def test_a_name_that_is_taken_is_said_in_place(page: Page, home: Person) -> None:
    act(page, "notes 2.txt", "Rename")
    field = page.get_by_role("textbox", name="New name of notes 2.txt")
    expect(field).to_be_focused()
    assert field.evaluate("(field) => field.value.slice(field.selectionStart, field.selectionEnd)") == "notes 2"
    field.fill("notes 10.txt")
    field.press("Enter")

    expect(page.get_by_role("alert")).to_have_text("There is already something of this name here.")
    field.press("Escape")
    expect(row(page, "notes 2.txt")).to_be_focused()


def test_a_text_file_is_made(page: Page, home: Person) -> None:
    row(page, "Taxes 2").click()
    expect(page.get_by_role("heading", name="Nothing here yet")).to_be_visible()
    page.get_by_role("button", name="New", exact=True).first.click()
    page.get_by_role("menuitem", name="New text file").click()
    page.keyboard.press("Enter")

    expect(row(page, "Note.txt")).to_be_focused()
    assert home.call("GET", "/api/v1/files?path=/Taxes%202/Note.txt").json["size"] == 0


def test_a_drop_box_is_made_with_its_address(page: Page, home: Person) -> None:
    page.get_by_role("button", name="New", exact=True).first.click()
    page.get_by_role("menuitem", name="New drop box").click()
    page.keyboard.press("Enter")

    made = page.get_by_role("dialog", name="Share “Drop box”").locator(".share-links li")
    expect(made).to_contain_text("Drop box")
    [link] = home.call("GET", "/api/v1/links").json["items"]
    assert link["mode"] == "drop"
    expect(made.locator("code")).to_contain_text(link["url"].rpartition("/")[2])
    page.keyboard.press("Escape")
    expect(row(page, "Drop box")).to_be_visible()
    home.call("DELETE", f"/api/v1/files/{link['file_id']}")


def test_what_others_do_shows_at_once_and_focus_and_selection_stay(page: Page, home: Person) -> None:
    row(page, "Documents").get_by_role("checkbox").check()
    row(page, "notes 2.txt").focus()

    made = home.put("/aaa.txt", b"new")
    expect(row(page, "aaa.txt")).to_be_visible()
    assert names(page)[4] == "aaa.txt"
    home.call("PATCH", f"/api/v1/files/{made['file_id']}", {"name": "zzz.txt"})
    expect(page.locator(".files-rows .file-name").last).to_have_text("zzz.txt")
    home.call("DELETE", f"/api/v1/files/{made['file_id']}")
    expect(row(page, "zzz.txt")).to_have_count(0)

    expect(row(page, "notes 2.txt")).to_be_focused()
    expect(row(page, "Documents")).to_have_attribute("aria-selected", "true")


def test_what_changes_while_a_folder_is_on_its_way_is_not_missed(page: Page, home: Person) -> None:
    home.put("/On its way/here.txt", b"x")
    expect(row(page, "On its way")).to_be_visible()
    held: list[tuple[Route, APIResponse]] = []

    def hold(route: Route) -> None:
        listing = route.fetch()
        home.put("/On its way/late.txt", b"x")
        held.append((route, listing))

    page.route("**/children?*", hold)
    with page.expect_response(lambda reply: "cursor=" in reply.url and "late.txt" in reply.text()):
        row(page, "On its way").locator(".file-when").click()

    route, listing = held[0]
    route.fulfill(response=listing)

    expect(row(page, "late.txt")).to_be_visible()
    page.unroute("**/children?*")
    page.keyboard.press("Alt+ArrowUp")
    expect(row(page, "On its way")).to_be_focused()


def test_what_fails_without_the_server_says_so_and_can_be_done_afterwards(
    open_page: Opener, home: Person, watch: Watch
) -> None:
    watch.allow("ERR_INTERNET_DISCONNECTED")
    home.put("/Gone/lost.txt", b"x")
    home.put("/Gone/kept.txt", b"kept")
    page = open_page("/files/Gone", who=home)
    row(page, "lost.txt").focus()
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/api/v1/files/trash", hold)
    with page.expect_request("**/api/v1/files/trash"):
        page.keyboard.press("Delete")
    page.keyboard.press("Delete")  # while the first is on its way
    for route in held:
        route.continue_()
    page.unroute("**/api/v1/files/trash", hold)
    expect(row(page, "lost.txt")).to_have_count(0)
    expect(page.get_by_role("status").get_by_text("is in the trash")).to_have_count(1)

    page.context.set_offline(True)
    undo(page)
    expect(page.get_by_role("status").get_by_text("cannot be reached")).to_have_count(1)
    row(page, "kept.txt").get_by_role("link").click()
    expect(page.get_by_role("status").get_by_text("cannot be reached")).to_have_count(2)
    page.context.set_offline(False)
    page.keyboard.press("Control+z")
    expect(row(page, "lost.txt")).to_be_visible()
    row(page, "kept.txt").get_by_role("link").click()

    expect(page.locator("dialog.viewer .viewer-code").get_by_text("kept")).to_be_visible()


def test_who_does_not_sign_in_again_is_told_in_words_for_people(open_page: Opener, home: Person, watch: Watch) -> None:
    watch.allow("401")
    page = open_page("/files", who=home)
    page.context.clear_cookies()
    row(page, "Documents").locator(".file-when").click()
    page.get_by_role("dialog", name="Please sign in again").get_by_role("button", name="Cancel").click()

    expect(page.get_by_role("alert").get_by_text("Please sign in again.")).to_be_visible()


def test_a_folder_that_is_renamed_or_deleted_elsewhere_is_followed(page: Page, home: Person) -> None:
    above = home.folder("/Above")
    below = home.folder("/Above/Below")
    row(page, "Above").click()
    row(page, "Below").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Below")

    home.call("PATCH", f"/api/v1/files/{above['file_id']}", {"name": "Over"})
    expect(page).to_have_url(re.compile("/files/Over/Below$"))
    home.call("DELETE", f"/api/v1/files/{below['file_id']}")
    expect(page.get_by_role("heading", name="This folder is not here any more")).to_be_visible()
    home.call("POST", f"/api/v1/trash/{below['file_id']}/restore")
    expect(page.get_by_role("heading", name="Nothing here yet")).to_be_visible()
    home.call("DELETE", f"/api/v1/files/{below['file_id']}")
    expect(page.get_by_role("heading", name="This folder is not here any more")).to_be_visible()
    page.get_by_role("link", name="To the folder above").click()

    expect(page.get_by_role("heading", level=1)).to_have_text("Over")
    expect(page.get_by_role("heading", name="Nothing here yet")).to_be_visible()
    home.call("DELETE", f"/api/v1/files/{above['file_id']}")


def test_the_filter_looks_at_names(page: Page, home: Person) -> None:
    page.keyboard.press("Control+f")
    page.keyboard.type("NOTES 1")
    expect(rows(page)).to_have_count(1)
    page.keyboard.type("0000")
    expect(page.get_by_role("heading", name="Nothing matches")).to_be_visible()
    page.keyboard.press("Escape")

    expect(row(page, "Documents")).to_be_visible()


@pytest.mark.parametrize("size", [DESKTOP, TABLET, PHONE], ids=["desktop", "tablet", "phone"])
def test_a_folder_is_clean_and_fits_at_every_width(open_page: Opener, home: Person, size: tuple[int, int]) -> None:
    page = open_page("/files", who=home, size=size)
    expect(row(page, "Documents")).to_be_visible()
    check_axe(page)
    page.get_by_role("button", name="Show as grid").click()
    row(page, "Documents").focus()
    page.keyboard.press("Space")
    expect(page.get_by_role("toolbar", name="Selection")).to_be_visible()
    check_axe(page)

    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_an_empty_folder_says_what_goes_here(open_page: Opener, home: Person) -> None:
    page = open_page("/files/Documents", who=home)
    expect(page.get_by_role("heading", name="Nothing here yet")).to_be_visible()

    check_axe(page)


def test_a_path_that_does_not_exist_says_so(open_page: Opener, home: Person, watch: Watch) -> None:
    watch.allow("404")
    page = open_page("/files/No such folder/at all", who=home)

    expect(page.get_by_role("heading", name="This folder is not here any more")).to_be_visible()
    expect(page.locator("#view h1")).to_have_count(1)
