"""Signing in and out, with scripts and without."""

import base64
import re
import time

import pytest
from playwright.sync_api import Page, expect

from app.auth.totp import STEP_S, code_at
from tests.server import ADMIN, PASSWORD
from tests.web.conftest import PHONE, Opener, both_origins, ready
from tests.web.people import Person
from tests.web.watch import Watch, check_axe

REFUSED = r"status of (401|429)"
WRONG = "not-the-password"


def sign_in(page: Page, username: str = ADMIN, password: str = PASSWORD) -> None:
    page.fill("input[name=username]", username)
    page.fill("input[name=password]", password)
    page.click("button[type=submit]")


@both_origins
@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "plain"])
def test_one_signs_in_at_the_place_one_wanted_and_lands_there(open_page: Opener, *, scripts: bool) -> None:
    page = open_page("/trash/a%20b?x=1", java_script_enabled=scripts)
    sign_in(page)

    page.wait_for_selector("body.shell", timeout=15_000)

    assert page.url.endswith("/trash/a%20b?x=1")


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "plain"])
def test_a_wrong_password_is_told_in_the_page_and_the_name_stays(
    open_page: Opener, watch: Watch, *, scripts: bool
) -> None:
    watch.allow(REFUSED)
    page = open_page(java_script_enabled=scripts)
    sign_in(page, password=f"{WRONG}-{scripts}")

    expect(page.get_by_role("alert")).to_have_text("The user name or the password is wrong.")

    assert page.input_value("#username") == ADMIN
    assert PASSWORD not in page.content()


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "plain"])
def test_who_tries_too_often_is_told_how_many_seconds_are_left(
    open_page: Opener, watch: Watch, *, scripts: bool
) -> None:
    watch.allow(REFUSED)
    page = open_page(java_script_enabled=scripts)
    for number in range(6):
        sign_in(page, f"mallory-{scripts}", f"{WRONG}-{number}")
        expect(page.get_by_role("alert")).to_have_text(re.compile("wrong" if number < 5 else r"Wait \d+ seconds"))

    shown = page.get_by_role("alert").inner_text()
    if scripts:
        expect(page.get_by_role("button", name="Sign in")).to_be_disabled()
        expect(page.get_by_role("alert")).not_to_have_text(shown)  # it counts down


def test_a_password_can_be_shown_and_hidden(visitor: Page) -> None:
    visitor.fill("#password", "secret")

    visitor.get_by_role("button", name="Show password").click()
    assert visitor.get_attribute("#password", "type") == "text"

    visitor.get_by_role("button", name="Hide password").click()
    assert visitor.get_attribute("#password", "type") == "password"


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "plain"])
def test_the_second_factor_is_asked_for_when_it_is_needed(
    open_page: Opener, ada: Person, watch: Watch, *, scripts: bool
) -> None:
    watch.allow(REFUSED)
    eve = ada.invite(f"eve-{scripts}")
    secret = base64.b32decode(eve.call("POST", "/api/v1/totp").json["secret"])
    code = code_at(secret, int(time.time()) // STEP_S)
    recovery = eve.call("POST", "/api/v1/totp/confirm", {"code": code}).json["recovery_codes"]
    page = open_page(java_script_enabled=scripts)
    assert page.is_hidden("#totp")

    sign_in(page, eve.name)
    page.wait_for_selector("#totp", state="visible")
    if not scripts:  # no page holds a password, so it is typed again
        page.fill("#password", PASSWORD)
    page.fill("#totp", recovery[0])
    page.click("button[type=submit]")

    ready(page) if scripts else page.wait_for_selector("body.shell")


@both_origins
def test_signing_out_ends_the_session_and_shows_the_sign_in_page(open_page: Opener, watch: Watch) -> None:
    page = open_page()
    sign_in(page)
    ready(page)
    cookie = page.context.cookies()[0]

    page.get_by_role("button", name="Account of ada").click()
    page.get_by_role("menuitem", name="Sign out").click()
    page.wait_for_selector("#username")

    page.context.add_cookies([cookie])  # type: ignore[list-item] # read and written are two types of one shape
    page.reload()
    page.wait_for_selector("#username")


def test_a_session_that_ends_is_renewed_where_one_is(open_page: Opener, ada: Person, watch: Watch) -> None:
    watch.allow(REFUSED)
    tom = ada.invite("tom")
    page = open_page(who=tom)
    for device in tom.call("GET", "/api/v1/devices").json["items"]:
        if device["kind"] == "session":
            tom.call("DELETE", f"/api/v1/devices/{device['device_id']}")

    page.get_by_role("button", name="Account of tom").click()
    page.get_by_role("menuitemradio", name="Dark").click()
    page.get_by_label("Password of tom").fill(WRONG)
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("alert")).to_have_text("That is not your password.")
    page.get_by_label("Password of tom").fill(PASSWORD)
    with page.expect_response(lambda reply: reply.url.endswith("/me") and reply.status == 200):
        page.get_by_role("button", name="Continue").click()

    expect(page.get_by_role("dialog")).to_have_count(0)
    page.reload()
    ready(page)
    assert page.get_attribute("html", "data-theme") == "dark"


@pytest.mark.parametrize("size", [(1280, 800), PHONE])
def test_the_sign_in_page_is_clean_and_fits(open_page: Opener, size: tuple[int, int]) -> None:
    page = open_page(size=size)

    check_axe(page)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_one_signs_in_by_keyboard_alone(visitor: Page) -> None:
    expect(visitor.locator("#username")).to_be_focused()
    visitor.keyboard.type(ADMIN)
    visitor.keyboard.press("Tab")
    visitor.keyboard.type(PASSWORD)
    visitor.keyboard.press("Enter")

    ready(visitor)
