"""The gallery: all photos by month, found again by their years."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from tests.web import samples
from tests.web.conftest import PHONE, Opener, both_origins, ready
from tests.web.people import Person
from tests.web.test_core import run
from tests.web.watch import check_axe

SMALL = samples.photo(64, 48)
MONTHS = {(2026, 8): 3, (2026, 7): 30, (2025, 1): 40, (2019, 5): 20}
PHOTOS = sum(MONTHS.values())


def shoot(person: Person, name: str, year: int, month: int, day: int = 15) -> str:
    """Put a photo of a day; return its id."""
    at = datetime(year, month, day, 12, tzinfo=UTC)
    made = person.put(f"/Photos {year}/{name}", SMALL + name.encode(), mtime_ms=int(at.timestamp() * 1000))
    return str(made["file_id"])


@pytest.fixture(scope="module")
def album(ada: Person) -> Person:
    """Ada with photos of four months in three folders."""
    for (year, month), count in MONTHS.items():
        for number in range(count):
            shoot(ada, f"{month}-{number:02}.jpg", year, month, 1 + number % 28)
    return ada


@pytest.fixture
def photos(open_page: Opener, album: Person) -> Page:
    """The gallery, with its first photos."""
    page = open_page("/photos", who=album)
    page.wait_for_selector("img.photo-picture.drawn")
    return page


def photo(page: Page, name: str) -> Locator:
    """A photo by its name."""
    return page.locator(".photo").filter(has=page.get_by_role("button", name=re.compile(f"^{re.escape(name)},")))


@both_origins
def test_months_come_newest_first_with_what_they_hold(photos: Page) -> None:
    assert photos.locator(".photos-head").all_inner_texts()[:2] == ["August 2026\n3 photos", "July 2026\n30 photos"]
    first = photos.locator(".photo-open").first

    expect(first).to_have_attribute("aria-label", re.compile("^8-02.jpg, 3 August 2026"))


def test_viewer_goes_on_from_month_to_month_and_comes_back_to_the_last(photos: Page) -> None:
    photo(photos, "8-00.jpg").locator(".photo-open").click()
    title = photos.locator("dialog.viewer .viewer-title")
    expect(title).to_have_text("8-00.jpg")

    photos.keyboard.press("ArrowRight")
    expect(title).to_have_text("7-27.jpg")
    photos.keyboard.press("Escape")

    expect(photo(photos, "7-27.jpg").locator(".photo-open")).to_be_focused()


def test_viewer_comes_to_months_on_both_sides_that_were_not_loaded(photos: Page, album: Person) -> None:
    photos.get_by_role("slider").focus()
    photos.keyboard.press("End")
    photo(photos, "5-19.jpg").locator(".photo-open").click()
    title = photos.locator("dialog.viewer .viewer-title")
    position = photos.locator("dialog.viewer .viewer-position")
    expect(title).to_have_text("5-19.jpg")
    expect(position).to_have_text(f"{PHOTOS - 19} of {PHOTOS}")

    photos.keyboard.press("ArrowLeft")
    expect(position).to_have_text(f"{PHOTOS - 20} of {PHOTOS}")
    expect(title).to_have_text("1-00.jpg")
    expect(photos.locator(".pswp__item[aria-hidden=false] img").last).to_have_js_property("naturalWidth", 64)
    photos.keyboard.press("ArrowRight")
    expect(title).to_have_text("5-19.jpg")

    photos.get_by_role("button", name="More", exact=True).last.click()
    photos.get_by_role("menuitem", name="Move to trash").click()
    expect(title).to_have_text("5-18.jpg")
    expect(position).to_have_text(f"{PHOTOS - 19} of {PHOTOS - 1}")
    photos.keyboard.press("Escape")
    expect(photo(photos, "5-18.jpg").locator(".photo-open")).to_be_focused()
    photos.get_by_role("status").get_by_role("button", name="Undo").click()
    expect(photo(photos, "5-19.jpg")).to_be_visible()


def test_strip_of_years_leads_to_any_month(photos: Page) -> None:
    strip = photos.get_by_role("slider", name="Go to a month")
    expect(strip).to_have_attribute("aria-valuetext", "August 2026")
    strip.focus()
    photos.keyboard.press("ArrowDown")
    expect(strip).to_have_attribute("aria-valuetext", "July 2026")
    photos.keyboard.press("PageDown")
    expect(strip).to_have_attribute("aria-valuetext", "January 2025")
    expect(photo(photos, "1-27.jpg").locator("img.drawn")).to_be_visible()

    box = strip.bounding_box()
    assert box is not None
    photos.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] - 2)

    expect(photo(photos, "5-00.jpg").locator("img.drawn")).to_be_visible()
    expect(strip).to_have_attribute("aria-valuetext", "May 2019")


def test_only_what_is_near_is_in_the_page(photos: Page) -> None:
    assert photos.locator(".photo").count() < PHOTOS


def test_arrows_keep_to_their_column_across_months(photos: Page) -> None:
    columns = int(photos.locator("[role=grid]").first.get_attribute("aria-colcount") or 0)
    photo(photos, "8-02.jpg").locator(".photo-open").focus()

    photos.keyboard.press("ArrowRight")
    photos.keyboard.press("ArrowDown")
    expect(photo(photos, "7-26.jpg").locator(".photo-open")).to_be_focused()
    photos.keyboard.press("ArrowDown")
    photos.keyboard.press("ArrowUp")
    photos.keyboard.press("ArrowUp")
    expect(photo(photos, "8-01.jpg").locator(".photo-open")).to_be_focused()
    photos.keyboard.press("End")

    assert columns >= 3
    expect(photo(photos, "5-00.jpg").locator(".photo-open")).to_be_focused()


def test_photo_keeps_the_focus_when_all_is_laid_out_anew(photos: Page) -> None:
    photo(photos, "7-26.jpg").locator(".photo-open").focus()

    photos.set_viewport_size({"width": 1000, "height": 500})
    expect(photos.locator("[role=grid]").first).to_have_attribute("aria-colcount", "4")
    expect(photo(photos, "7-26.jpg").locator(".photo-open")).to_be_focused()
    photos.locator(".photos-scroller").evaluate("(scroller) => (scroller.scrollTop = scroller.scrollHeight)")
    expect(photo(photos, "5-00.jpg")).to_be_visible()
    photos.set_viewport_size({"width": 700, "height": 500})
    expect(photos.locator("[role=grid]").first).to_have_attribute("aria-colcount", "4")
    photos.keyboard.press("ArrowRight")

    expect(photo(photos, "7-25.jpg").locator(".photo-open")).to_be_focused()


def test_photo_that_is_still_on_its_way_gets_the_focus_when_it_comes(open_page: Opener, album: Person) -> None:
    page = open_page("/files", who=album)
    asked: list[Route] = []

    def answer(route: Route) -> None:
        """The three photos of August come; what is asked for behind them waits."""
        asked.append(route)
        if len(asked) == 1:
            route.continue_(url=re.sub("limit=[0-9]+", "limit=3", route.request.url))

    page.route(re.compile("/api/v1/photos[?]"), answer)
    page.goto("/photos")
    photo(page, "8-02.jpg").locator(".photo-open").focus()
    page.keyboard.press("End")
    expect(page.locator(".photo.waiting").last).to_be_in_viewport()
    page.unroute(re.compile("/api/v1/photos[?]"))  # what waited goes on too

    expect(photo(page, "5-00.jpg").locator(".photo-open")).to_be_focused()


def test_range_is_selected_comes_as_a_zip_and_goes_to_the_trash_and_back(photos: Page) -> None:
    photo(photos, "8-01.jpg").hover()
    photo(photos, "8-01.jpg").get_by_role("checkbox").click()
    photo(photos, "7-26.jpg").locator(".photo-open").click(modifiers=["Shift"])
    bar = photos.get_by_role("toolbar", name="Selected photos")
    expect(bar).to_contain_text("4 selected")
    with photos.expect_download() as download:
        bar.get_by_role("button", name="Download").click()
    assert download.value.suggested_filename.endswith(".zip")

    photos.keyboard.press("Delete")
    expect(photos.locator(".photos-head").first).to_have_text(re.compile("1 photo$"))
    photos.get_by_role("status").get_by_role("button", name="Undo").click()

    expect(photos.locator(".photos-head").first).to_have_text(re.compile("3 photos$"))
    expect(photo(photos, "7-26.jpg")).to_be_visible()


def test_selection_goes_by_keyboard(photos: Page) -> None:
    photo(photos, "8-02.jpg").locator(".photo-open").focus()
    photos.keyboard.press(" ")
    photos.keyboard.press("Shift+ArrowRight")
    photos.keyboard.press("Shift+ArrowRight")
    expect(photos.locator(".photos-chosen")).to_have_text("3 selected")

    photos.keyboard.press("Escape")

    expect(photos.locator(".photos-bar")).to_be_hidden()


def test_long_touch_selects(open_page: Opener, album: Person) -> None:
    page = open_page("/photos", who=album, size=PHONE, has_touch=True, is_mobile=True)
    page.wait_for_selector("img.photo-picture.drawn")
    box = photo(page, "8-02.jpg").bounding_box()
    assert box is not None
    touch = page.context.new_cdp_session(page)
    point = {"x": box["x"] + 40, "y": box["y"] + 40}

    touch.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [point]})
    expect(page.locator(".photos-chosen")).to_have_text("1 selected")
    touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    photo(page, "8-01.jpg").locator(".photo-open").tap()

    expect(page.locator(".photos-chosen")).to_have_text("2 selected")


@pytest.fixture
def new_photo(ada: Person) -> Iterator[list[str]]:
    """Photos that are gone after the test."""
    made: list[str] = []
    yield made
    for file_id in made:
        ada.call("DELETE", f"/api/v1/files/{file_id}")


def test_photo_that_comes_while_one_looks_is_shown(photos: Page, ada: Person, new_photo: list[str]) -> None:
    photos.clock.install()
    new_photo.append(shoot(ada, "new.jpg", 2026, 9))

    with photos.expect_response(lambda reply: "photos/months" in reply.url):
        photos.clock.run_for(3_000)

    expect(photos.locator(".photos-head").first).to_have_text(re.compile("^September 2026"))
    photo(photos, "new.jpg").locator(".photo-open").click()
    title = photos.locator("dialog.viewer .viewer-title")
    expect(title).to_have_text("new.jpg")
    with photos.expect_response(lambda reply: "photos/months" in reply.url):
        ada.call("DELETE", f"/api/v1/files/{new_photo[0]}")
        photos.clock.run_for(3_000)
    expect(title).to_have_text("8-02.jpg")


def test_who_has_no_photos_is_told_what_comes_here(open_page: Opener, ada: Person) -> None:
    page = open_page("/photos", who=ada.invite("ben"))

    expect(page.get_by_role("heading", name="No photos yet")).to_be_visible()
    check_axe(page, "#view")
    page.get_by_role("link", name="Go to Files").click()
    expect(page).to_have_url(re.compile("/files$"))


@pytest.mark.parametrize("size", [(1280, 800), (768, 1024), PHONE], ids=["desktop", "tablet", "phone"])
def test_gallery_is_clean_and_fits(open_page: Opener, album: Person, size: tuple[int, int]) -> None:
    page = open_page("/photos", who=album, size=size)
    page.wait_for_selector("img.photo-picture.drawn")
    page.locator(".photo-open").first.click(modifiers=["ControlOrMeta"])

    check_axe(page, "#view")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_place_in_the_gallery_stays_when_the_window_changes(photos: Page) -> None:
    photos.get_by_role("slider").focus()
    photos.keyboard.press("End")
    expect(photos.get_by_role("slider")).to_have_attribute("aria-valuetext", "May 2019")

    photos.set_viewport_size({"width": 900, "height": 700})

    expect(photo(photos, "5-00.jpg")).to_be_visible()


def test_numbers_of_the_layout_fit_together(page: Page) -> None:
    given = [{"count": 7}, {"count": 1}, {"count": 12}]
    plan = run(page, "photos/layout", "return m.layOut(given, 620)", given)

    assert plan["columns"] == 4
    assert plan["starts"] == [0, 7, 8]
    assert plan["total"] == 20
    script = """
      const plan = m.layOut(given, 620);
      const { rows } = m.between(plan, given, 0, plan.height);
      return [m.monthAt(plan.starts, 7), m.monthAt(plan.starts, 19), rows.length];
    """
    assert run(page, "photos/layout", script, given) == [1, 2, 2 + 1 + 3]


def test_address_of_the_gallery_is_a_page_of_its_own(photos: Page) -> None:
    photos.reload()
    ready(photos)

    expect(photos).to_have_title("Photos · Cairn")
