"""Search: as one types, here or everywhere, with filters, and what can be done with what was found."""

import re
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from tests.web.conftest import PHONE, Opener, both_origins
from tests.web.listing import act, names, row, rows, undo
from tests.web.people import Person
from tests.web.watch import check_axe

LONG_AGO_MS = 1_500_000_000_000


@pytest.fixture(scope="module")
def found(ada: Person) -> Any:
    """Files of several kinds, sizes, times and folders; the folder of some of them."""
    ada.put("/Trips/Café Île.txt", b"coffee")
    ada.put("/Trips/2019/café old.txt", b"coffee", mtime_ms=LONG_AGO_MS)
    ada.put("/Trips/2019/cafe.pdf", b"%PDF-1.4")
    ada.put("/Elsewhere/CAFETERIA.txt", bytes(2_000_000))
    ada.folder("/Elsewhere/Cafés")
    return ada.call("GET", "/api/v1/files?path=/Trips").json


@both_origins
def test_one_finds_while_one_types_and_the_box_keeps_the_focus(page: Page, found: Any) -> None:
    page.keyboard.press("/")
    page.keyboard.type("caf")
    expect(rows(page)).to_have_count(5)
    page.keyboard.type("e i")
    expect(rows(page)).to_have_count(1)

    expect(page.get_by_role("searchbox", name="Search")).to_be_focused()
    expect(page.locator("#view mark")).to_have_text("Café Î")
    expect(page).to_have_title("Search for “cafe i” · Cairn")
    expect(page.get_by_role("status").get_by_text("1 result")).to_be_visible()
    check_axe(page)


def test_a_result_leads_to_its_folder(page: Page, found: Any) -> None:
    page.goto("/search?q=old")
    row(page, "café old.txt").get_by_role("link", name="Trips \u203a 2019").click()

    expect(page).to_have_url(re.compile("/files/Trips/2019"))
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowUp")
    expect(row(page, "café old.txt")).to_be_focused()


def test_filters_are_chips(page: Page, found: Any) -> None:
    page.goto("/search?q=caf")
    expect(rows(page)).to_have_count(5)

    def choose(chip: str, choice: str, *expected: str) -> None:
        page.get_by_role("group", name="Filters").get_by_role("button", name=chip, exact=True).click()
        page.get_by_role("menuitemradio", name=choice).click()
        expect(rows(page)).to_have_count(len(expected))
        assert sorted(names(page)) == sorted(expected)

    choose("Type", "Folders", "Cafés")
    choose("Folders", "PDF documents", "cafe.pdf")
    choose("PDF documents", "Texts", "Café Île.txt", "café old.txt", "CAFETERIA.txt")
    choose("Size", "1 to 100 MB", "CAFETERIA.txt")
    choose("1 to 100 MB", "Under 1 MB", "Café Île.txt", "café old.txt")
    choose("Modified", "Before this year", "café old.txt")
    page.reload()
    expect(rows(page)).to_have_count(1)
    page.get_by_role("button", name="Clear filters").click()

    expect(rows(page)).to_have_count(5)


def test_one_searches_in_the_folder_that_one_came_from(page: Page, found: Any) -> None:
    row(page, "Trips").click()
    expect(row(page, "2019")).to_be_visible()
    page.keyboard.press("/")
    page.keyboard.type("cafe")
    expect(rows(page)).to_have_count(5)
    page.get_by_role("button", name="Where").click()
    page.get_by_role("menuitemradio", name="In “Trips”").click()

    expect(rows(page)).to_have_count(3)
    page.reload()
    expect(page.get_by_role("button", name="In “Trips”")).to_be_visible()


def test_results_can_be_worked_with(page: Page, found: Any, ada: Person) -> None:
    ada.put("/Trips/passing.txt", b"x")
    page.goto("/search?q=passing")
    act(page, "passing.txt", "Rename")
    page.keyboard.type("passing by")
    page.locator(".file-rename").evaluate("""(input) => {
        for (let times = 0; times < 2; times += 1) input.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter" }));
    }""")
    expect(row(page, "passing by.txt")).to_be_visible()
    expect(page.get_by_role("status").get_by_text("Renamed to")).to_have_count(1)
    act(page, "passing by.txt", "Move to trash")
    expect(page.get_by_role("heading", name="Nothing found")).to_be_visible()
    undo(page)

    expect(row(page, "passing by.txt")).to_be_visible()


def test_a_shared_folder_that_was_found_is_asked_about_before_it_goes(
    page: Page, open_page: Opener, found: Any, ada: Person
) -> None:
    dora = ada.invite("dora")
    shared = ada.folder("/Trips/Sharing this")
    ada.call("POST", f"/api/v1/files/{shared['file_id']}/members", {"username": "dora", "role": "editor"})
    page.goto("/search?q=sharing")
    act(page, "Sharing this", "Move to trash")

    page.get_by_role("dialog", name="Sharing this").get_by_role("button", name="Cancel").click()

    assert ada.call("GET", f"/api/v1/files/{shared['file_id']}").json["deleted"] is False
    other = open_page("/search?q=sharing", who=dora)
    row(other, "Sharing this").focus()
    other.keyboard.press("Delete")
    other.get_by_role("dialog").get_by_role("button", name="Leave").click()
    expect(other.get_by_role("heading", name="Nothing found")).to_be_visible()
    expect(other.get_by_role("status").get_by_role("button", name="Undo")).to_have_count(0)


def test_results_stay_where_one_looks_while_something_changes(page: Page, found: Any, ada: Person) -> None:
    for number in range(30):
        ada.put(f"/Trips/many/standing {number}.txt", b"x")
    page.goto("/search?q=standing")
    expect(rows(page)).to_have_count(30)
    rows(page).last.focus()
    held: list[Route] = []
    page.route("**/api/v1/search?*", lambda route, _: held.append(route))
    with page.expect_request("**/api/v1/search?*"):
        ada.put("/Trips/many/standing still.txt", b"x")
    page.evaluate("new Promise((done) => setTimeout(done, 300))")  # until an answer counts as slow
    expect(rows(page)).to_have_count(30)
    held[0].continue_()

    expect(rows(page)).to_have_count(31)
    expect(page.locator(".file:focus")).to_be_visible()


def test_what_was_searched_for_is_offered_again(page: Page, found: Any) -> None:
    page.goto("/search?q=cafeteria")
    expect(rows(page)).to_have_count(1)
    page.goto("/search")
    kept = page.evaluate("Object.keys(localStorage).filter((key) => key.startsWith('cairn-searches'))")
    assert kept == ["cairn-searches ada"]  # not for others who sign in at this browser
    page.get_by_role("button", name="cafeteria").click()

    expect(rows(page)).to_have_count(1)


def test_a_phone_searches_too(open_page: Opener, found: Any, ada: Person) -> None:
    page = open_page("/files", who=ada, size=PHONE, has_touch=True, is_mobile=True)
    page.get_by_role("button", name="Search").tap()
    page.keyboard.type("cafeteria")
    expect(row(page, "CAFETERIA.txt")).to_be_visible()
    check_axe(page)

    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_going_back_from_the_results_closes_the_box(open_page: Opener, found: Any, ada: Person) -> None:
    page = open_page("/files", who=ada, size=PHONE, has_touch=True, is_mobile=True)
    page.get_by_role("button", name="Search").tap()
    page.keyboard.type("cafeteria")
    expect(row(page, "CAFETERIA.txt")).to_be_visible()

    page.go_back()

    expect(page.get_by_role("heading", level=1)).to_have_text("Files")
    expect(page.get_by_role("searchbox", name="Search")).to_be_hidden()
    page.get_by_role("button", name="Search").tap()
    expect(page.get_by_role("searchbox", name="Search")).to_have_value("")
