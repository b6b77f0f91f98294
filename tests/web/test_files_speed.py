"""Files: what a page may cost (web-ui.md, 11). Times are of a quiet machine, so those are behind `-m soak`."""

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.server import RunningServer
from tests.web.conftest import PHONE, Opener
from tests.web.listing import make_many, row, rows
from tests.web.people import Person, ask

MANY = 10_000
SLOWED = 4
TRIES = 5
FIRST_ROWS_MS = 1_000
FRAME_MS = 34
PAINT_MS = 200
LISTING_BYTES = 150_000
NOTE_FIRST = """
    new MutationObserver((_, observer) => {
      if (!document.querySelector(".file:not(.waiting)")) return;
      observer.disconnect();
      requestAnimationFrame(() => setTimeout(() => (window.firstRows = performance.now())));
    }).observe(document, { subtree: true, childList: true });
"""
FIRST = """new Promise((done) => {
    const look = () => (window.firstRows ? done(window.firstRows) : setTimeout(look, 5));
    look();
})"""
SCROLL = """(step) => new Promise((done) => {
    const scroller = document.querySelector(".files-scroller");
    const frames = [];
    let last = performance.now();
    const frame = () => {
      frames.push(performance.now() - last);
      last = performance.now();
      scroller.scrollTop += step;
      if (frames.length < 200) requestAnimationFrame(frame);
      else done(frames.slice(2));
    };
    scroller.scrollTop = 0;
    requestAnimationFrame(frame);
})"""


@pytest.fixture(scope="module")
def many(ada: Person) -> Person:
    """Ada, with a folder of ten thousand files and one of two hundred."""
    make_many(ada, "/Many", MANY)
    make_many(ada, "/Some", 200)
    return ada


def test_a_listing_of_a_thousand_entries_is_short_on_the_wire(many: Person, server: RunningServer) -> None:
    folder = many.call("GET", "/api/v1/files?path=/Many").json["file_id"]

    page = ask(
        server,
        "GET",
        f"/api/v1/folders/{folder}/children?limit=1000&sort=natural",
        headers={"Authorization": f"Bearer {many.token}", "Accept-Encoding": "gzip"},
    )

    assert page.headers["content-encoding"] == "gzip"
    assert len(page.body) < LISTING_BYTES


@pytest.mark.soak
@pytest.mark.parametrize("folder", ["", "/Some", "/Many"])
def test_the_first_rows_stand_within_a_second_on_a_slow_phone(
    browser: Browser, server: RunningServer, many: Person, folder: str
) -> None:
    cookie = many.session("127.0.0.1")
    took_ms = []
    for _ in range(TRIES):
        context = browser.new_context(viewport={"width": PHONE[0], "height": PHONE[1]}, is_mobile=True, has_touch=True)
        context.add_cookies([cookie])  # type: ignore[list-item] # Playwright's own TypedDict
        context.add_init_script(NOTE_FIRST)
        page = context.new_page()
        context.new_cdp_session(page).send("Emulation.setCPUThrottlingRate", {"rate": SLOWED})
        page.goto(f"{server.url}/files{folder}")
        took_ms.append(page.evaluate(FIRST))
        context.close()

    assert sorted(took_ms)[TRIES // 2] < FIRST_ROWS_MS, took_ms


@pytest.fixture
def long(open_page: Opener, many: Person) -> Page:
    """The folder of ten thousand files, loaded to its end."""
    page = open_page("/files/Many", who=many)
    expect(rows(page).first).to_be_visible()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("End")
    expect(row(page, f"{MANY - 1:04}.txt")).to_be_focused()
    return page


@pytest.mark.soak
@pytest.mark.parametrize(
    ("layout", "step"), [("list", 120), ("list", 600), ("list", 2_000), ("grid", 120), ("grid", 600)]
)
def test_ten_thousand_rows_scroll_smoothly(long: Page, layout: str, step: int) -> None:
    if layout == "grid":
        long.get_by_role("button", name="Show as grid").click()
    assert rows(long).count() < 200

    frames_ms = sorted(long.evaluate(SCROLL, step))

    assert frames_ms[int(len(frames_ms) * 0.95)] < FRAME_MS


@pytest.mark.soak
def test_ten_thousand_rows_are_drawn_anew_at_once(long: Page) -> None:
    """Filtered to all but a few of them: what is there is laid out from nothing."""
    took_ms = long.evaluate("""async () => {
        const input = document.querySelector(".files-filter input");
        const begun = performance.now();
        input.value = "txt";
        input.dispatchEvent(new Event("input"));
        await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
        return performance.now() - begun;
    }""")

    assert took_ms < PAINT_MS
