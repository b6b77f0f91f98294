"""The settings: what people change about themselves, and what they are signed in with."""

import base64
import json
import re
import shlex
import sqlite3
import time
from http import HTTPStatus
from zlib import crc32

import pytest
from playwright.sync_api import Page, expect

from app.auth.totp import STEP_S, code_at
from tests.server import PASSWORD, RunningServer
from tests.web.conftest import DESKTOP, PHONE, Opener, both_origins, ready
from tests.web.people import Person, ask
from tests.web.watch import Watch, check_axe

PAGES = ("profile", "security", "devices", "apps", "storage", "connect")
JSON = {"Content-Type": "application/json"}
NEW_PASSWORD = "lantern-orchard-gravel-7"


@pytest.fixture
def ben(ada: Person, request: pytest.FixtureRequest) -> Person:
    """Somebody new for each test, who is no admin."""
    name = f"ben-{crc32(request.node.name.encode())}"
    return ada.invite(name, quota=1_000_000)


@pytest.fixture
def stale(open_page: Opener, server: RunningServer, ben: Person) -> Page:
    """Ben's browser, whose proof of identity is older than ten minutes."""
    cookie = ben.session("127.0.0.1")
    with sqlite3.connect(server.data / "metadata.db", timeout=10) as database:
        database.execute("UPDATE actors SET proved_ms = 0 WHERE kind = 1")
    database.close()
    page = open_page(None)
    page.context.add_cookies([cookie])  # type: ignore[list-item] # Playwright's own TypedDict
    page.goto("/settings/apps")
    ready(page)
    return page


def devices(person: Person) -> list[str]:
    return [one["name"] for one in person.call("GET", "/api/v1/devices").json["items"]]


@pytest.mark.parametrize("name", PAGES)
def test_every_page_is_clean_and_fits_a_phone(open_page: Opener, ada: Person, name: str) -> None:
    page = open_page(f"/settings/{name}", who=ada)
    page.wait_for_load_state("networkidle")
    check_axe(page)
    page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})

    assert page.evaluate("document.querySelector('#view').scrollWidth <= innerWidth")
    expect(page.locator("#view h1")).to_have_count(1)


@both_origins
def test_a_phone_goes_from_the_list_to_a_page_and_back(open_page: Opener, ada: Person) -> None:
    page = open_page("/settings", who=ada, size=PHONE, has_touch=True)
    expect(page.get_by_role("heading", level=1)).to_have_text("Settings")
    check_axe(page, "#view")
    page.get_by_role("link", name="Devices").tap()
    expect(page.get_by_role("heading", level=1)).to_have_text("Devices")
    page.locator(".panels-back").tap()

    expect(page.get_by_role("heading", level=1)).to_have_text("Settings")


def test_the_pages_go_by_keyboard(open_page: Opener, ben: Person) -> None:
    page = open_page("/settings", who=ben)
    page.get_by_role("navigation", name="Settings").get_by_role("link", name="Profile").focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page).to_have_title("Sign-in · Settings · Cairn")
    expect(page.get_by_role("link", name="Sign-in")).to_be_focused()
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")
    page.get_by_label("Like the device").focus()
    with page.expect_response(lambda reply: reply.request.method == "PATCH"):
        page.keyboard.press("ArrowRight")

    expect(page.locator("html")).to_have_attribute("data-theme", "light")


def test_theme_language_and_shortcuts_are_kept(open_page: Opener, ben: Person) -> None:
    page = open_page("/settings", who=ben)
    with page.expect_response(lambda reply: reply.request.method == "PATCH"):
        page.get_by_label("Dark").check()
    with page.expect_response(lambda reply: reply.request.method == "PATCH"):
        page.get_by_role("switch", name="Single-letter shortcuts").uncheck()
    with page.expect_navigation():
        page.get_by_label("Language").select_option("Deutsch")
    ready(page)

    expect(page.get_by_role("heading", level=1)).to_have_text("Profil")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    expect(page.get_by_role("switch")).not_to_be_checked()
    preferences = ben.call("GET", "/api/v1/me").json["preferences"]
    assert preferences == {"theme": "dark", "language": "de", "shortcuts": False}


def test_a_password_is_changed_and_what_is_wrong_is_said_in_place(open_page: Opener, ben: Person, watch: Watch) -> None:
    watch.allow("40[01]")
    devices(ben)
    page = open_page("/settings/security", who=ben)
    problem = page.locator(".form .problem")

    def change(current: str, new: str, again: str) -> None:
        page.get_by_label("Current password").fill(current)
        page.get_by_label("New password", exact=True).fill(new)
        page.get_by_label("New password again").fill(again)
        page.get_by_role("button", name="Change password").click()

    change(PASSWORD, NEW_PASSWORD, "lantern")
    expect(problem).to_have_text("The two passwords differ.")
    change("not-my-password", NEW_PASSWORD, NEW_PASSWORD)
    expect(problem).to_have_text("Your current password is another one.")
    expect(page.get_by_label("Current password")).to_be_focused()
    change(PASSWORD, "password123", "password123")
    expect(problem).to_contain_text("among the commonest")
    change(PASSWORD, NEW_PASSWORD, NEW_PASSWORD)

    expect(page.locator(".toast")).to_have_text("Your password is changed.")
    expect(problem).to_be_hidden()
    again = Person(ben.server, ben.name, NEW_PASSWORD)
    assert len(devices(again)) == 2  # this browser, and the device that asks: the old one is signed out


def test_a_session_that_has_ended_is_renewed_when_the_password_is_changed(
    open_page: Opener, ben: Person, watch: Watch
) -> None:
    watch.allow("401")
    page = open_page("/settings/security", who=ben)
    session = next(one for one in ben.call("GET", "/api/v1/devices").json["items"] if one["kind"] == "session")
    ben.call("DELETE", f"/api/v1/devices/{session['device_id']}")
    page.get_by_label("Current password").fill(PASSWORD)
    page.get_by_label("New password", exact=True).fill(NEW_PASSWORD)
    page.get_by_label("New password again").fill(NEW_PASSWORD)
    page.get_by_role("button", name="Change password").click()
    dialog = page.get_by_role("dialog", name="Please sign in again")
    dialog.get_by_label("Password of").fill(PASSWORD)
    dialog.get_by_role("button", name="Continue").click()

    expect(page.locator(".toast")).to_have_text("Your password is changed.")


def test_a_second_factor_is_set_up_used_and_turned_off(open_page: Opener, ben: Person, watch: Watch) -> None:
    watch.allow("401")
    page = open_page("/settings/security", who=ben)
    page.get_by_role("button", name="Set up").click()
    dialog = page.get_by_role("dialog", name="Set up the second factor")
    expect(dialog.get_by_role("img", name="QR code of the key")).to_have_js_property("complete", value=True)
    check_axe(page, "dialog")
    secret = base64.b32decode(dialog.locator(".copy-text").inner_text().replace(" ", ""))
    dialog.get_by_label("Code that the app shows").fill("000000")
    dialog.get_by_role("button", name="Turn on").click()
    expect(dialog.get_by_role("alert")).to_contain_text("This code is wrong")
    dialog.get_by_label("Code that the app shows").fill(code_at(secret, int(time.time()) // STEP_S))
    dialog.get_by_role("button", name="Turn on").click()
    codes = page.get_by_role("dialog", name="Your recovery codes")
    expect(codes.get_by_role("listitem")).to_have_count(10)
    check_axe(page, "dialog")
    spare = codes.get_by_role("listitem").first.inner_text()
    codes.get_by_role("button", name="I have put them away").click()
    expect(page.locator("#view")).to_contain_text("10 are left.")

    page.get_by_role("button", name="Turn off").click()
    dialog = page.get_by_role("dialog", name="Turn off")
    dialog.get_by_label("Code").fill(spare)
    dialog.get_by_role("button", name="Turn off").click()

    expect(page.get_by_role("button", name="Set up")).to_be_visible()
    assert Person(ben.server, ben.name).call("GET", "/api/v1/totp").json["enabled"] is False


def test_one_device_is_signed_out_and_then_all_others(open_page: Opener, ben: Person) -> None:
    for name in ("laptop", "phone"):
        body = {"username": ben.name, "password": PASSWORD, "device_name": name}
        ask(ben.server, "POST", "/api/v1/login", _json(body), {"Content-Type": "application/json"})
    page = open_page("/settings/devices", who=ben)
    expect(page.locator(".row", has_text="This browser").get_by_role("button", name="Sign out")).to_have_count(0)
    page.get_by_role("button", name="Sign out “laptop”").click()
    check_axe(page, "dialog")
    page.get_by_role("dialog").get_by_role("button", name="Sign out").click()
    expect(page.locator(".toast")).to_have_text("“laptop” is signed out.")
    expect(page.get_by_text("laptop", exact=True)).to_have_count(0)
    assert "phone" in devices(ben)

    page.get_by_role("button", name="Sign out all").click()
    page.get_by_role("dialog").get_by_role("button", name="Sign out all").click()

    expect(page.locator(".toast").last).to_have_text("You are signed out everywhere else.")
    assert "phone" not in devices(Person(ben.server, ben.name))


def test_an_app_password_asks_for_a_fresh_proof_and_opens_what_it_is_for(
    stale: Page, ben: Person, watch: Watch
) -> None:
    watch.allow("40[134]")
    ben.put("/Photos/a.txt", b"a")
    ben.put("/b.txt", b"b")
    page = stale
    page.get_by_role("button", name="New app password").click()
    dialog = page.get_by_role("dialog", name="New app password")
    dialog.get_by_label("What is it for?").fill("Photo frame")
    dialog.get_by_label("It may").select_option("Only read files")
    dialog.get_by_label("One folder only").fill("/Fotos")
    dialog.get_by_role("button", name="Make password").click()
    expect(dialog.get_by_role("alert")).to_have_text("There is no folder /Fotos.")
    dialog.get_by_label("One folder only").fill("/Photos")
    check_axe(page, "dialog")
    dialog.get_by_role("button", name="Make password").click()
    proof = page.get_by_role("dialog", name="Is it you?")
    proof.get_by_label("Password of").fill(PASSWORD)
    proof.get_by_role("button", name="Continue").click()
    shown = page.get_by_role("dialog", name="Password for “Photo frame”")
    password = shown.locator(".copy-text").first.inner_text()
    shown.get_by_role("button", name="Copy the password").click()
    expect(shown.get_by_text("Copied")).to_be_visible()
    shown.get_by_role("button", name="Done").click()

    expect(page.locator(".badge")).to_have_text(["Read only", "/Photos"])
    basic = {"Authorization": "Basic " + base64.b64encode(f"{ben.name}:{password}".encode()).decode()}
    assert ask(ben.server, "GET", "/dav/a.txt", headers=basic).body == b"a"
    assert ask(ben.server, "PUT", "/dav/c.txt", b"c", basic).status == HTTPStatus.FORBIDDEN
    page.get_by_role("button", name="Revoke “Photo frame”").click()
    page.get_by_role("dialog").get_by_role("button", name="Revoke").click()
    expect(page.locator("#view")).to_contain_text("No program has one yet.")
    assert ask(ben.server, "GET", "/dav/a.txt", headers=basic).status == HTTPStatus.UNAUTHORIZED


def test_a_browser_that_is_new_itself_says_where_else_a_sign_in_is_vouched_for(open_page: Opener, ben: Person) -> None:
    ben.session("127.0.0.1")
    body = _json({"username": ben.name, "password": PASSWORD})
    answer = ask(ben.server, "POST", "/api/v1/session", body, JSON | {"Sec-Fetch-Site": "same-origin"})
    name, _, value = answer.headers["set-cookie"].partition(";")[0].partition("=")
    page = open_page(None)
    page.context.add_cookies([{"name": name, "value": value, "domain": "127.0.0.1", "path": "/"}])
    page.goto("/")
    ready(page)
    login = {"username": ben.name, "password": PASSWORD, "device_name": "Tablet"}
    ask(ben.server, "POST", "/api/v1/login", _json(login), JSON)
    page.reload()

    card = page.get_by_role("region", name="A new sign-in to your account")
    expect(card).to_contain_text("This browser is new itself")
    expect(card.get_by_role("button", name="It was me")).to_have_count(0)
    card.get_by_role("button", name="Sign out “Tablet”").click()
    expect(card).to_be_hidden()


@both_origins
def test_a_sign_in_elsewhere_is_told_once_and_can_be_ended_there(open_page: Opener, ben: Person) -> None:
    page = open_page(who=ben)
    for name in ("Fire\u202efox", "Tablet"):
        login = {"username": ben.name, "password": PASSWORD, "device_name": name}
        assert ask(ben.server, "POST", "/api/v1/login", _json(login), JSON).status == HTTPStatus.CREATED
    page.reload()
    card = page.get_by_role("region", name="2 new sign-ins to your account")
    expect(card.get_by_role("listitem")).to_contain_text(
        [re.compile("Tablet.*Device · .* from 127.0.0.1"), "Fire[U+202E]fox"]
    )
    check_axe(page, ".sign-ins")

    card.get_by_role("button", name="It was me: Tablet").click()
    page.get_by_role("region", name="A new sign-in to your account").get_by_role("button", name="Sign out").click()
    expect(page.locator(".sign-ins")).to_be_hidden()
    page.locator(".toast").get_by_role("button", name="Change password").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign-in")
    page.goto("/settings/devices")
    ready(page)
    expect(page.locator("#view")).to_contain_text(re.compile("Tablet.*127.0.0.1 · "))
    page.wait_for_load_state("networkidle")
    expect(page.locator(".sign-ins")).to_be_hidden()
    assert "Tablet" in devices(ben)
    assert "Fire\u202efox" not in devices(ben)


def test_storage_tells_what_takes_room_and_leads_to_the_biggest_folders(open_page: Opener, ben: Person) -> None:
    ben.put("/Photos/big.bin", bytes(300_000))
    ben.put("/Docs/small.bin", bytes(100_000))
    ben.put("/Docs/small.bin", bytes(150_000))
    old = ben.put("/old.bin", bytes(50_000))
    ben.call("DELETE", f"/api/v1/files/{old['file_id']}")
    page = open_page("/settings/storage", who=ben)

    bar, same = page.locator("#view .storage-bar"), page.locator("#storage")
    expect(bar.locator(".meter")).to_have_attribute("aria-valuenow", "60")
    assert bar.inner_html() == same.inner_html()
    expect(page.locator(".stack-legend")).to_have_text("Files450 kBVersions100 kBTrash50 kB")
    expect(page.locator(".big-folder")).to_have_text([re.compile("Photos.*300 kB"), re.compile("Docs.*150 kB")])
    expect(page.locator("#view")).not_to_contain_text("Saved on this server")
    ben.put("/Photos/bigger.bin", bytes(300_000))
    expect(bar.locator(".meter")).to_have_class("meter nearly", timeout=15_000)
    assert bar.inner_html() == same.inner_html()
    page.get_by_role("link", name="Photos 300 kB").click()
    expect(page).to_have_url(re.compile("/files/Photos$"))


@both_origins
def test_the_commands_to_connect_are_exact_and_can_be_copied(page: Page, origin: str) -> None:
    page.goto("/settings/connect")
    ready(page)
    fields = page.locator("#view .copy-text")

    assert shlex.split(fields.nth(1).inner_text()) == ["cairn", "login", origin, "--user", "ada"]
    assert fields.nth(2).inner_text() == "cairn sync ~/Cairn"
    assert fields.nth(4).inner_text() == f"{origin}/dav/"
    image = page.get_by_role("img", name="QR code of the address")
    page.wait_for_function("(image) => image.naturalWidth > 0", arg=image.element_handle())
    page.get_by_role("button", name="Copy the command").first.click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    page.keyboard.press("/")
    page.keyboard.press("Control+v")
    expect(page.get_by_role("searchbox")).to_have_value(fields.nth(1).inner_text())


def test_german_pages_say_german_and_fit(open_page: Opener, ada: Person) -> None:
    page = open_page("/settings", who=ada, locale="de-DE", size=DESKTOP)
    for name, title in (("security", "Anmeldung"), ("apps", "App-Passwörter"), ("connect", "Gerät verbinden")):
        page.get_by_role("navigation", name="Einstellungen").get_by_role("link", name=title).click()
        expect(page.get_by_role("heading", level=1)).to_have_text(title)
        expect(page).to_have_url(re.compile(f"/settings/{name}$"))
        page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
        assert page.evaluate("document.querySelector('#view').scrollWidth <= innerWidth")
        page.set_viewport_size({"width": DESKTOP[0], "height": DESKTOP[1]})


def _json(body: object) -> bytes:
    return json.dumps(body).encode()
