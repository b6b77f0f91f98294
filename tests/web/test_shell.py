"""The frame around every view."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.web.conftest import DESKTOP, PHONE, TABLET, Opener, both_origins, ready
from tests.web.people import Person
from tests.web.watch import Watch, check_axe


@pytest.fixture
def ben(ada: Person) -> Person:
    """Somebody who is no admin."""
    if not [user for user in ada.call("GET", "/api/v1/users").json["items"] if user["username"] == "ben"]:
        return ada.invite("ben", quota=1_000_000)
    return Person(ada.server, "ben")


@both_origins
def test_every_place_is_a_page_of_its_own_and_a_click_goes_there(page: Page) -> None:
    for name in ("Photos", "Shared", "Trash", "Settings", "Admin", "Files"):
        page.get_by_role("navigation", name="Main").first.get_by_role("link", name=name).click()
        expect(page).to_have_url(re.compile(f"/{name.lower()}$"))
        expect(page.locator("#view h1")).to_have_count(1)
        expect(page.locator(f".nav [data-view={name.lower()}]")).to_have_attribute("aria-current", "page")
    page.go_back()

    expect(page).to_have_url(re.compile("/admin$"))
    page.reload()
    ready(page)
    expect(page).to_have_title(re.compile("Admin · Cairn$"))


def test_only_an_admin_is_offered_the_admin_pages(open_page: Opener, ben: Person) -> None:
    page = open_page("/admin/users", who=ben)

    assert page.locator("[data-view=admin]").count() == 0
    expect(page.locator("#view h1")).to_have_count(1)
    expect(page).not_to_have_title(re.compile("Admin"))
    page.get_by_role("button", name="Account of ben").click()
    assert page.get_by_role("menuitem", name="Admin").count() == 0


@pytest.mark.parametrize("size", [DESKTOP, TABLET, PHONE], ids=["desktop", "tablet", "phone"])
def test_the_shell_is_clean_and_fits_at_every_width(open_page: Opener, ada: Person, size: tuple[int, int]) -> None:
    page = open_page("/photos", who=ada, size=size)

    check_axe(page)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_phone_has_every_place(open_page: Opener, ada: Person) -> None:
    page = open_page("/files", who=ada, size=PHONE, has_touch=True, is_mobile=True)
    bottom = page.get_by_role("navigation", name="Main")
    for name in ("Photos", "Shared", "Files"):
        bottom.get_by_role("link", name=name).tap()
        expect(page).to_have_url(re.compile(f"/{name.lower()}$"))
    for name in ("Trash", "Settings", "Admin"):
        bottom.get_by_role("button", name="More").tap()
        page.get_by_role("menuitem", name=name).tap()
        expect(page).to_have_url(re.compile(f"/{name.lower()}$"))
    page.get_by_role("button", name="Search").tap()

    expect(page.get_by_role("searchbox")).to_be_focused()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_chosen_theme_stands_before_any_script_runs(
    open_page: Opener, ben: Person, watch: Watch, theme: str
) -> None:
    """The device wants the other one; without scripts the page shows all that the server alone decides."""
    watch.allow("ERR_FAILED")
    ben.call("PATCH", "/api/v1/me", {"theme": theme})
    page = open_page("/files", who=None, dark=theme == "light", java_script_enabled=True)
    page.context.add_cookies([ben.session("127.0.0.1")])  # type: ignore[list-item] # Playwright's own TypedDict
    page.route("**/*.js", lambda route: route.abort())
    page.reload()

    light = page.evaluate("getComputedStyle(document.documentElement).backgroundColor") == "rgb(245, 247, 248)"
    assert light == (theme == "light")


@pytest.fixture
def ben_again(ben: Person) -> Person:
    """Ben, who wants nothing in particular."""
    ben.call("PATCH", "/api/v1/me", {"theme": "auto", "language": "", "shortcuts": True})
    return ben


def test_a_theme_is_chosen_in_the_account_menu_and_kept(open_page: Opener, ben_again: Person) -> None:
    page = open_page("/files", who=ben_again)
    page.get_by_role("button", name="Account of ben").click()
    with page.expect_response(lambda reply: reply.request.method == "PATCH"):
        page.get_by_role("menuitemradio", name="Dark").click()
    page.reload()

    expect(page.locator("html")).to_have_attribute("data-theme", "dark")


def test_the_language_is_the_browsers_until_one_is_chosen(open_page: Opener, ben_again: Person) -> None:
    german = open_page("/files", who=ben_again, locale="de-AT")
    expect(german.locator("html")).to_have_attribute("lang", "de")
    expect(german.get_by_role("navigation", name="Hauptbereich").first).to_be_visible()

    ben_again.call("PATCH", "/api/v1/me", {"language": "en"})
    german.reload()

    expect(german.get_by_role("navigation", name="Main").first).to_be_visible()


def test_the_storage_bar_turns_amber_and_red(open_page: Opener, ben_again: Person) -> None:
    meters = []
    for number, size in enumerate((100_000, 700_000, 160_000)):
        ben_again.put(f"/filler-{number}.bin", bytes(size))
        page = open_page("/files", who=ben_again)
        meters.append(page.locator("#storage .meter").get_attribute("class"))

    assert meters == ["meter", "meter nearly", "meter full"]


def test_the_note_on_plain_http_stays_away_once_dismissed(open_page: Opener, ada: Person) -> None:
    assert open_page("/files", who=ada).locator("#plain-http").is_hidden()


@pytest.mark.parametrize("origin", ["nas.home"], indirect=True)
def test_the_note_on_plain_http_shows_by_name_and_is_dismissed_for_the_session(page: Page) -> None:
    note = page.get_by_role("region", name="Not encrypted")
    expect(note).to_contain_text("Run `cairn tls init` on the server")

    note.get_by_role("button", name="Dismiss").click()
    expect(note).to_be_hidden()
    page.reload()
    ready(page)

    expect(note).to_be_hidden()


def test_menus_go_by_keyboard(page: Page) -> None:
    button = page.get_by_role("button", name="Account of ada")
    button.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("menuitem", name="Settings")).to_be_focused()
    page.keyboard.press("End")
    expect(page.get_by_role("menuitem", name="Sign out")).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("menuitem", name="Settings")).to_be_focused()
    page.keyboard.type("k")
    expect(page.get_by_role("menuitem", name="Keyboard")).to_be_focused()
    page.keyboard.press("Escape")

    expect(page.get_by_role("menu")).to_have_count(0)
    expect(button).to_be_focused()


def test_the_first_stop_of_the_keyboard_skips_to_the_content(page: Page) -> None:
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    page.keyboard.press("Enter")

    expect(page.locator("#view")).to_be_focused()


def test_shortcuts_are_listed_and_single_letters_can_be_turned_off(open_page: Opener, ben_again: Person) -> None:
    page = open_page("/files", who=ben_again)
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_be_visible()
    check_axe(page, "dialog")
    page.keyboard.press("Escape")
    page.keyboard.press("/")
    expect(page.get_by_role("searchbox")).to_be_focused()

    ben_again.call("PATCH", "/api/v1/me", {"shortcuts": False})
    page.reload()
    ready(page)
    page.keyboard.press("/")

    expect(page.get_by_role("searchbox")).not_to_be_focused()


def test_searching_goes_to_the_search_page_as_one_types(page: Page) -> None:
    page.get_by_role("searchbox").fill("holiday")

    expect(page).to_have_url(re.compile(r"/search\?q=holiday$"))


def test_a_part_that_cannot_be_loaded_says_so_and_is_tried_again(page: Page, watch: Watch) -> None:
    watch.allow("trash.js|Failed to fetch|ERR_FAILED")
    page.route("**/time/trash.js", lambda route: route.abort(), times=1)
    page.get_by_role("link", name="Trash").first.click()
    expect(page.get_by_role("heading", name="This could not be shown")).to_be_visible()

    page.get_by_role("button", name="Try again").click()

    expect(page).to_have_title("Trash · Cairn")
