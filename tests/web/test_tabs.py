"""Tabs of one browser share a session: none is left behind, and none shows one person what belongs to another."""

from zlib import crc32

import pytest
from playwright.sync_api import Page, expect

from tests.server import PASSWORD
from tests.web.conftest import Opener, both_origins, ready
from tests.web.people import Person
from tests.web.watch import Watch

REFUSED = "status of 40[13]"


@pytest.fixture
def eve(ada: Person, request: pytest.FixtureRequest) -> Person:
    """Somebody of this test's own, with a file."""
    made = ada.invite(f"e{crc32(request.node.name.encode())}")
    made.put("/diary.txt", b"canary")
    return made


@pytest.fixture
def tabs(open_page: Opener, eve: Person) -> tuple[Page, Page]:
    """Two tabs of one browser, on eve's files."""
    first = open_page("/files", who=eve)
    second = first.context.new_page()
    second.goto("/files")
    ready(second)
    return first, second


def choose_dark(page: Page, eve: Person) -> None:
    page.get_by_role("button", name=f"Account of {eve.name}").click()
    page.get_by_role("menuitemradio", name="Dark").click()


@both_origins
def test_who_signs_in_again_at_one_tab_goes_on_in_all(tabs: tuple[Page, Page], eve: Person, watch: Watch) -> None:
    watch.allow(REFUSED)
    watch.allow("ERR_FAILED")
    first, second = tabs
    first.context.route("**/api/v1/events", lambda route: route.abort())  # which would ask before anybody does anything
    for device in eve.call("GET", "/api/v1/devices").json["items"]:
        if device["kind"] == "session":
            eve.call("DELETE", f"/api/v1/devices/{device['device_id']}")
    for page in tabs:
        choose_dark(page, eve)
        expect(page.get_by_label(f"Password of {eve.name}")).to_be_visible()

    first.get_by_label(f"Password of {eve.name}").fill(PASSWORD)
    first.get_by_role("button", name="Continue").click()

    for page in tabs:
        expect(page.get_by_role("dialog")).to_have_count(0)
    with second.expect_response(lambda reply: reply.url.endswith("/me") and reply.request.method == "PATCH") as changed:
        choose_dark(second, eve)
    assert changed.value.status == 200


@both_origins
def test_signing_out_at_one_tab_leaves_nothing_in_any(tabs: tuple[Page, Page], eve: Person, watch: Watch) -> None:
    watch.allow(REFUSED)
    first, _ = tabs
    first.evaluate("localStorage.setItem('cairn-searches', '[\"canary\"]')")
    first.get_by_role("button", name=f"Account of {eve.name}").click()
    first.get_by_role("menuitem", name="Sign out").click()

    for page in tabs:
        page.wait_for_selector("#username")
        assert "diary.txt" not in page.content()
    first.go_back()
    first.wait_for_selector("#username")
    assert "canary" not in first.evaluate("JSON.stringify({ ...localStorage, ...sessionStorage })")


def test_a_page_gives_way_when_somebody_else_has_signed_in(
    tabs: tuple[Page, Page], ada: Person, eve: Person, watch: Watch
) -> None:
    """Without scripts no tab tells the others."""
    watch.allow(REFUSED)
    page, _ = tabs
    page.context.add_cookies([ada.session("127.0.0.1")])  # type: ignore[list-item] # Playwright's own TypedDict

    choose_dark(page, eve)

    expect(page.get_by_role("button", name="Account of ada")).to_be_visible()
    assert "diary.txt" not in page.content()


def test_a_page_that_was_put_away_whole_is_looked_at_anew(open_page: Opener, eve: Person, watch: Watch) -> None:
    watch.allow(REFUSED)
    page = open_page("/files", who=eve)
    page.context.clear_cookies()

    page.evaluate("dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))")

    page.wait_for_selector("#username")
