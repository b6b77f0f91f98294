"""Files: what is selected, by keyboard alone, by mouse, by finger, and in folders longer than a page."""

import re
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.web.conftest import DESKTOP, PHONE, Opener
from tests.web.listing import act, make_many, row, rows
from tests.web.people import Person
from tests.web.watch import check_axe

MANY = 2_500


@pytest.fixture(scope="module")
def home(ada: Person) -> Person:
    """Ada, with a folder of a few files, and one of many."""
    for name in ("Alpha", "Beta"):
        ada.folder(f"/Few/{name}")
    for name in ("bear.txt", "bee.txt", "bird.txt", "cat.txt", "cow.txt", "nightingale.txt"):
        ada.put(f"/Few/{name}", name.encode())
    make_many(ada, "/Many", MANY)
    return ada


@pytest.fixture
def few(open_page: Opener, home: Person) -> Page:
    """The folder of a few files."""
    page = open_page("/files/Few", who=home)
    expect(rows(page)).to_have_count(8)
    return page


def selected(page: Page) -> list[str]:
    """The names of the rows that are selected."""
    chosen = page.locator(".files-rows [aria-selected=true] .file-name")
    return [str(link.get_attribute("aria-label")) for link in chosen.all()]


def focused(page: Page) -> Locator:
    """The row that has the focus."""
    return page.locator(".files-rows [role=row]:focus")


def test_the_list_is_one_stop_and_goes_by_arrows(few: Page) -> None:
    few.keyboard.press("ArrowDown")
    expect(row(few, "Alpha")).to_be_focused()
    few.keyboard.press("Tab")
    expect(focused(few)).to_have_count(0)
    few.keyboard.press("Shift+Tab")
    expect(row(few, "Alpha")).to_be_focused()
    for key, name in (
        ("End", "nightingale.txt"),
        ("ArrowUp", "cow.txt"),
        ("Home", "Alpha"),
        ("PageDown", "nightingale.txt"),
    ):
        few.keyboard.press(key)
        expect(row(few, name)).to_be_focused()
    few.keyboard.press("PageUp")
    few.keyboard.press("ArrowDown")
    few.keyboard.press("Enter")

    expect(few).to_have_url(re.compile("/Few/Beta$"))
    few.keyboard.press("Alt+ArrowUp")
    expect(row(few, "Beta")).to_be_focused()


def test_ranges_are_extended_and_single_entries_added_by_keyboard(few: Page) -> None:
    few.keyboard.press("ArrowDown")
    few.keyboard.press("Shift+ArrowDown")
    few.keyboard.press("Shift+ArrowDown")
    assert selected(few) == ["Alpha", "Beta", "bear.txt"]
    few.keyboard.press("Shift+ArrowUp")
    few.keyboard.press("Control+ArrowDown")
    few.keyboard.press("Control+ArrowDown")
    few.keyboard.press("Space")
    assert selected(few) == ["Alpha", "Beta", "bee.txt"]
    few.keyboard.press("ArrowDown")
    assert selected(few) == []
    few.keyboard.press("Control+a")
    assert len(selected(few)) == 8
    few.keyboard.press("Escape")

    assert selected(few) == []
    expect(focused(few)).to_have_count(1)


def test_letters_jump_and_those_of_shortcuts_too_once_a_name_is_begun(few: Page) -> None:
    few.clock.install()
    few.keyboard.press("ArrowDown")
    for letter, name in (("b", "Beta"), ("b", "bear.txt"), ("b", "bee.txt"), ("b", "bird.txt"), ("b", "Beta")):
        few.keyboard.press(letter)
        expect(row(few, name)).to_be_focused()
    few.clock.fast_forward(2_000)
    few.keyboard.type("bi")
    expect(row(few, "bird.txt")).to_be_focused()
    few.clock.fast_forward(2_000)
    few.keyboard.type("i")

    few.clock.run_for(1_000)
    expect(few.get_by_role("complementary", name="Details")).to_be_visible()


def test_the_grid_goes_in_four_directions(few: Page) -> None:
    few.keyboard.press("v")
    expect(few.locator(".file.tile")).to_have_count(8)
    few.keyboard.press("ArrowDown")
    few.keyboard.press("ArrowRight")
    expect(row(few, "Beta")).to_be_focused()
    few.keyboard.press("ArrowDown")
    below = row(few, "Beta").bounding_box()
    here = focused(few).bounding_box()
    assert below is not None
    assert here is not None
    assert (here["x"], here["y"] > below["y"]) == (below["x"], True)
    few.keyboard.press("ArrowLeft")
    few.keyboard.press("v")

    expect(focused(few)).to_have_count(1)


def test_the_mouse_selects_by_box_range_and_single_clicks(few: Page) -> None:
    row(few, "bear.txt").locator(".file-when").click(modifiers=["Control"])
    row(few, "cow.txt").locator(".file-when").click(modifiers=["Shift"])
    assert selected(few) == ["bear.txt", "bee.txt", "bird.txt", "cat.txt", "cow.txt"]
    row(few, "cat.txt").get_by_role("checkbox").click()
    assert selected(few) == ["bear.txt", "bee.txt", "bird.txt", "cow.txt"]
    few.locator(".files-scroller").click(position={"x": 300, "y": 600})
    assert selected(few) == []

    last = row(few, "nightingale.txt").bounding_box()
    first = row(few, "cat.txt").bounding_box()
    assert last is not None
    assert first is not None
    few.mouse.move(last["x"] + 200, last["y"] + last["height"] + 60)
    few.mouse.down()
    few.mouse.move(first["x"] + 40, first["y"] + 10, steps=4)
    expect(few.locator(".files-box")).to_be_visible()
    few.mouse.up()

    assert selected(few) == ["cat.txt", "cow.txt", "nightingale.txt"]


def test_fingers_select_by_a_long_press_and_go_on_by_taps(open_page: Opener, home: Person) -> None:
    page = open_page("/files/Few", who=home, size=PHONE, has_touch=True, is_mobile=True)
    expect(rows(page)).to_have_count(8)
    box = row(page, "bee.txt").locator(".file-text").bounding_box()
    assert box is not None
    at = [{"x": box["x"] + 30, "y": box["y"] + 20}]
    touch = page.context.new_cdp_session(page)
    touch.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": at})
    expect(row(page, "bee.txt")).to_have_attribute("aria-selected", "true")
    touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    assert selected(page) == ["bee.txt"]
    row(page, "cow.txt").locator(".file-text").tap()
    assert selected(page) == ["bee.txt", "cow.txt"]

    bar = page.get_by_role("toolbar", name="Selection")
    place = bar.bounding_box()
    assert place is not None
    assert (place["y"], place["width"]) == (0, PHONE[0])
    check_axe(page)
    bar.get_by_role("button", name="Clear selection").tap()
    row(page, "Beta").locator(".file-text").tap()
    expect(page).to_have_url(re.compile("/Few/Beta$"))


def test_a_long_folder_is_windowed_and_told_as_a_whole(open_page: Opener, home: Person) -> None:
    page = open_page("/files/Many", who=home)
    grid = page.get_by_role("grid")
    expect(grid).to_have_attribute("aria-rowcount", str(MANY + 1))
    assert rows(page).count() < 100
    page.keyboard.press("ArrowDown")
    page.keyboard.press("End")
    expect(row(page, f"{MANY - 1:04}.txt")).to_be_focused()
    expect(row(page, f"{MANY - 1:04}.txt")).to_have_attribute("aria-rowindex", str(MANY + 1))
    page.locator(".files-scroller").evaluate("(scroller) => (scroller.scrollTop = 0)")
    expect(row(page, "0000.txt")).to_be_visible()

    expect(row(page, f"{MANY - 1:04}.txt")).to_be_focused()  # it was not recycled


def test_all_of_a_long_folder_is_selected_with_what_is_not_loaded(open_page: Opener, home: Person) -> None:
    page = open_page(None, who=home)
    held: list[Any] = []
    page.route(re.compile("children.*after="), lambda route: held.append(route))  # noqa: PLW0108 - Playwright asks its signature
    page.goto("/files/Many")
    expect(row(page, "0000.txt")).to_be_visible()
    page.keyboard.press("Control+a")
    expect(page.get_by_role("toolbar", name="Selection")).to_contain_text("2,500 selected")

    page.keyboard.press("Control+x")
    for route in held:
        route.continue_()
    page.unroute_all()
    expect(page.get_by_role("status").get_by_text("2,500 items cut")).to_be_visible()


def test_rows_of_a_long_folder_stay_in_place_while_files_come(open_page: Opener, home: Person) -> None:
    make_many(home, "/Growing", 600)
    page = open_page("/files/Growing", who=home)
    expect(row(page, "0000.txt")).to_be_visible()
    page.locator(".files-scroller").evaluate("(scroller) => (scroller.scrollTop = 12_000)")
    expect(row(page, "0280.txt")).to_be_visible()
    row(page, "0280.txt").focus()

    home.put("/Growing/zzz.txt", b"x")
    expect(page.get_by_role("grid")).to_have_attribute("aria-rowcount", "602")

    expect(row(page, "0280.txt")).to_be_focused()
    assert page.locator(".files-scroller").evaluate("(scroller) => scroller.scrollTop") == 12_000


def test_forced_colours_show_what_is_selected(open_page: Opener, home: Person) -> None:
    page = open_page("/files/Few", who=home, forced_colors="active")
    expect(rows(page)).to_have_count(8)
    row(page, "bee.txt").get_by_role("checkbox").check()

    assert row(page, "bee.txt").evaluate("(row) => getComputedStyle(row).outlineStyle") == "solid"
    assert row(page, "cow.txt").evaluate("(row) => getComputedStyle(row).outlineStyle") == "none"


def test_a_page_at_four_times_the_size_does_not_scroll_sideways(open_page: Opener, home: Person) -> None:
    page = open_page("/files/Few", who=home, size=(DESKTOP[0] // 4, DESKTOP[1] // 4))
    expect(row(page, "Alpha")).to_be_visible()

    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_hostile_names_are_renamed_and_told_as_they_are(open_page: Opener, home: Person) -> None:
    name, turned = "<b>\"'{{7*7}}", "\u202egpj.exe"
    home.put(f"/Odd/{name}", b"x")
    page = open_page("/files/Odd", who=home)
    act(page, name, "Rename")
    field = page.get_by_role("textbox", name=f"New name of {name}")
    expect(field).to_have_value(name)
    field.fill(turned)
    field.press("Enter")

    expect(row(page, "[U+202E]gpj.exe")).to_be_focused()
    expect(page.get_by_role("status").get_by_text("Renamed to “[U+202E]gpj.exe”")).to_be_visible()
    act(page, "[U+202E]gpj.exe", "Rename")
    expect(page.get_by_role("textbox", name="New name of [U+202E]gpj.exe")).to_have_value(turned)
    page.keyboard.press("Escape")
    for wrong, said in (
        ("a/b", "must not hold"),
        ("ä" * 128, "too long"),
        (" ", "Enter a name"),
        ("..", "must not be"),
    ):
        act(page, "[U+202E]gpj.exe", "Rename")
        page.keyboard.press("Control+a")
        page.keyboard.insert_text(wrong)
        page.keyboard.press("Enter")
        expect(page.get_by_role("alert")).to_contain_text(said)
        page.keyboard.press("Escape")
