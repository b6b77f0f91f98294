"""Browser sessions: what the cookie is, when it ends, and what a foreign page cannot do with it (security.md, S, C)."""

import asyncio
import re
from http import HTTPStatus
from urllib.parse import urlencode

import pytest

from app.api.routes import Access
from app.application import Cairn, route_table
from app.auth.endings import Endings
from app.auth.identity import ActorKind
from app.auth.lifetimes import DAY_MS
from app.auth.recent import RecentActors
from app.auth.throttle import Throttle
from app.config import Limits, Server, Settings
from app.db.database import Use
from app.errors import UnauthenticatedError
from app.services.authentication import AuthenticationService, noting_uses
from tests.accounts.api import ADMIN, PASSWORD, Api, Reply
from tests.accounts.browser import Browser, until_one_waits

pytestmark = pytest.mark.usefixtures("admin")


@pytest.fixture
async def browser(api: Api) -> Browser:
    """Ada's browser, signed in."""
    browser = Browser(api)
    assert (await browser.sign_in()).status == HTTPStatus.CREATED
    return browser


async def test_a_browser_is_signed_in_by_a_cookie_that_no_script_reads(api: Api) -> None:
    browser = Browser(api)

    reply = await browser.sign_in(device_name="Firefox")

    name, *attributes = reply.headers["Set-Cookie"].split("; ")
    assert name.startswith("cairn-session=")
    assert {"HttpOnly", "SameSite=Lax", "Path=/", f"Max-Age={30 * 24 * 3600}"} <= set(attributes)
    assert not any(attribute.startswith(("Domain", "Secure")) for attribute in attributes)
    assert "token" not in reply.json
    me = await browser.call("GET", "/api/v1/me")
    assert (me.json["user"]["username"], me.json["csrf_token"]) == (ADMIN, browser.csrf)
    devices = (await browser.call("GET", "/api/v1/devices")).json["items"]
    assert [(item["name"], item["kind"], item["current"]) for item in devices] == [("Firefox", "session", True)]


async def test_a_session_that_shall_not_be_remembered_goes_with_the_browser(api: Api) -> None:
    forgotten = await Browser(api).sign_in(remember=False)
    by_form = await sign_in_by_form(Browser(api))
    kept = await sign_in_by_form(Browser(api), remember="1")

    assert "Max-Age" not in forgotten.headers["Set-Cookie"]
    assert "Max-Age" not in by_form.headers["Set-Cookie"]
    assert "Max-Age" in kept.headers["Set-Cookie"]


async def test_a_session_is_called_after_its_browser(api: Api) -> None:
    browser = Browser(api, **{"User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:150.0) Gecko/20100101 Firefox/150.0"})
    await browser.sign_in()

    devices = (await browser.call("GET", "/api/v1/devices")).json["items"]
    assert [item["name"] for item in devices] == ["Firefox, Linux"]


async def sign_in_by_form(browser: Browser, **fields: str | None) -> Reply:
    """Send the form of the page; a field that is None is left out, and `origin` is what the browser names."""
    sent = {"username": ADMIN, "password": PASSWORD, **fields}
    origin = sent.pop("origin", browser.origin)
    data = {name: value for name, value in sent.items() if value is not None}
    return await browser.call("POST", "/", data=data, headers={"Origin": origin}, allow_redirects=False)


async def test_the_form_signs_in_from_an_own_page_alone(api: Api) -> None:
    for origin in (None, "null", "https://evil.example"):
        reply = await sign_in_by_form(Browser(api), origin=origin)
        assert (reply.status, "Set-Cookie" in reply.headers) == (HTTPStatus.FORBIDDEN, False), origin

    assert (await sign_in_by_form(Browser(api))).status == HTTPStatus.SEE_OTHER


@pytest.mark.parametrize(
    ("wanted", "location"),
    [
        ("files/a%20b?sort=name", "./files/a%20b?sort=name"),
        ("settings", "./settings"),
        ("", "./"),
        ("//evil.example", "./"),
        ("/files", "./"),
        ("https://evil.example/", "./"),
        ("files\\..\\..", "./"),
        ("files/../../other", "./"),
        ("files/%2e%2E/other", "./"),
        ("files/a\r\nSet-Cookie: x=y", "./"),
        ("filesystem:x", "./"),
        ("api/v1/me", "./"),
    ],
)
async def test_the_form_leads_to_places_of_this_server_alone(api: Api, wanted: str, location: str) -> None:
    reply = await sign_in_by_form(Browser(api), next=wanted)

    assert reply.headers["Location"] == location


@pytest.mark.parametrize("settings", [Settings(server=Server(trusted_proxies=("127.0.0.1",)))])
async def test_over_tls_at_a_trusted_proxy_the_cookie_is_another_and_secure(api: Api) -> None:
    browser = Browser(api, **{"X-Forwarded-Proto": "https"})
    browser.origin = browser.origin.replace("http:", "https:")

    reply = await browser.sign_in()

    assert reply.headers["Set-Cookie"].startswith("__Host-cairn=")
    assert "; Secure" in reply.headers["Set-Cookie"]
    assert (await browser.call("GET", "/api/v1/me")).status == HTTPStatus.OK
    plain = await browser.call("GET", "/api/v1/me", headers={"X-Forwarded-Proto": ""})
    assert plain.status == HTTPStatus.UNAUTHORIZED
    sniffed = browser.cookie.replace("__Host-cairn", "cairn-session")
    assert (await browser.call("GET", "/api/v1/me", headers={"Cookie": sniffed})).status == HTTPStatus.UNAUTHORIZED


async def test_nobody_but_a_trusted_proxy_says_that_the_way_was_tls(api: Api) -> None:
    reply = await Browser(api, **{"X-Forwarded-Proto": "https"}).sign_in()

    assert reply.headers["Set-Cookie"].startswith("cairn-session=")


FOREIGN = [
    {"Origin": "http://evil.example"},
    {"Origin": "null"},
    {"Origin": ""},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "none"},
]


@pytest.mark.parametrize("headers", [*FOREIGN, {"X-CSRF-Token": ""}, {"X-CSRF-Token": "0" * 64}, {"X-CSRF-Token": "é"}])
async def test_a_change_by_cookie_needs_the_token_and_an_own_page(browser: Browser, headers: dict[str, str]) -> None:
    refused = await browser.call("POST", "/api/v1/folders", json={"path": "/a"}, headers=headers)
    taken = await browser.call("POST", "/api/v1/folders", json={"path": "/b"})
    modern = await browser.call(
        "POST", "/api/v1/folders", json={"path": "/c"}, headers={"Origin": "", "Sec-Fetch-Site": "same-origin"}
    )

    assert (refused.status, refused.code) == (HTTPStatus.FORBIDDEN, "forbidden")
    assert (taken.status, modern.status) == (HTTPStatus.CREATED, HTTPStatus.CREATED)


async def test_the_token_of_another_session_does_not_count(api: Api, browser: Browser) -> None:
    other = Browser(api)
    await other.sign_in()

    change = await browser.call("POST", "/api/v1/logout", headers={"X-CSRF-Token": other.csrf})
    read = await browser.call("GET", "/api/v1/folders/root/children", headers={"X-CSRF-Token": other.csrf})

    assert (change.status, read.status) == (HTTPStatus.FORBIDDEN, HTTPStatus.FORBIDDEN)


@pytest.mark.parametrize("headers", FOREIGN)
async def test_a_foreign_page_signs_nobody_in(api: Api, headers: dict[str, str]) -> None:
    body = {"username": ADMIN, "password": PASSWORD}

    reply = await Browser(api).call("POST", "/api/v1/session", json=body, headers=headers)

    assert (reply.status, "Set-Cookie" in reply.headers) == (HTTPStatus.FORBIDDEN, False)


@pytest.mark.parametrize("headers", FOREIGN)
async def test_a_foreign_page_signs_nobody_in_by_the_form(api: Api, headers: dict[str, str]) -> None:
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    body = urlencode({"username": ADMIN, "password": PASSWORD})

    reply = await Browser(api).call("POST", "/", data=body, headers=form | headers)

    assert (reply.status, "Set-Cookie" in reply.headers) == (HTTPStatus.FORBIDDEN, False)


async def test_a_foreign_page_tries_no_code_at_the_form_for_a_new_password(api: Api) -> None:
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Origin": "https://elsewhere.example"}
    body = urlencode({"username": ADMIN, "code": "none", "password": PASSWORD})

    reply = await Browser(api).call("POST", "/reset", data=body, headers=headers)

    assert reply.status == HTTPStatus.FORBIDDEN


async def test_every_route_that_changes_something_refuses_a_cookie_alone(browser: Browser) -> None:
    held = {Access.FILES, Access.ACCOUNT, Access.ADMIN}
    for route in route_table():
        if route.access in held and route.method != "GET":
            path = re.sub(r"{\w+}", "0" * 21, route.path)
            reply = await browser.call(route.method, path, headers={"X-CSRF-Token": ""})
            assert (reply.status, reply.code) == (HTTPStatus.FORBIDDEN, "forbidden"), route


async def test_no_page_of_another_origin_reads_an_answer_with_the_cookie(browser: Browser) -> None:
    for route in route_table():
        if route.method == "GET" and "{" not in route.path:
            reply = await browser.call("GET", route.path, headers={"Origin": "http://evil.example"})
            assert not any(name.lower().startswith("access-control") for name in reply.headers)
            if route.access in {Access.FILES, Access.ACCOUNT, Access.ADMIN}:
                assert reply.status == HTTPStatus.FORBIDDEN, route


async def test_a_request_with_a_token_and_a_cookie_is_the_tokens(api: Api, browser: Browser) -> None:
    device = await api.log_in(device_name="laptop")

    me = await browser.call("GET", "/api/v1/me", headers={"Authorization": f"Bearer {device.token}"})
    wrong = await browser.call("GET", "/api/v1/me", headers={"Authorization": "Bearer nonsense"})

    assert me.json["csrf_token"] is None
    assert wrong.status == HTTPStatus.UNAUTHORIZED


async def test_a_session_and_a_token_do_not_stand_for_each_other(api: Api, browser: Browser) -> None:
    device = await api.log_in()
    value = browser.cookie.partition("=")[2]
    assert (await browser.call("GET", "/api/v1/me")).status == HTTPStatus.OK  # so that both are remembered
    assert (await device.get("/api/v1/me")).status == HTTPStatus.OK

    assert (await api.holding(value).get("/api/v1/me")).status == HTTPStatus.UNAUTHORIZED
    cookie = {"Cookie": f"cairn-session={device.token}"}
    assert (await browser.call("GET", "/api/v1/me", headers=cookie)).status == HTTPStatus.UNAUTHORIZED


async def test_logging_out_ends_the_session_on_the_server(browser: Browser) -> None:
    reply = await browser.call("POST", "/api/v1/logout")

    assert reply.status == HTTPStatus.NO_CONTENT
    assert "Max-Age=0" in reply.headers["Set-Cookie"]
    assert (await browser.call("GET", "/api/v1/me")).status == HTTPStatus.UNAUTHORIZED


async def test_signing_in_makes_a_new_session_and_ends_the_one_shown(api: Api, browser: Browser) -> None:
    before = browser.cookie

    await browser.sign_in()

    assert browser.cookie != before
    assert (await browser.call("GET", "/api/v1/me")).status == HTTPStatus.OK
    assert (await browser.call("GET", "/api/v1/me", headers={"Cookie": before})).status == HTTPStatus.UNAUTHORIZED
    planted = Browser(api)
    planted.cookie = "cairn-session=cairn_" + "0" * 21 + "_" + "A" * 43
    await planted.sign_in()
    assert "A" * 43 not in planted.cookie


@pytest.mark.parametrize("settings", [Settings(limits=Limits(devices_per_user=2))])
async def test_past_the_limit_the_session_used_least_recently_makes_room(api: Api) -> None:
    browsers = [Browser(api) for _ in range(3)]
    for browser in browsers:
        assert (await browser.sign_in()).status == HTTPStatus.CREATED

    statuses = [(await browser.call("GET", "/api/v1/me")).status for browser in browsers]

    assert statuses == [HTTPStatus.UNAUTHORIZED, HTTPStatus.OK, HTTPStatus.OK]


async def test_a_session_ends_after_7_idle_days_and_after_30_in_any_case(browser: Browser, cairn: Cairn) -> None:
    token = browser.cookie.partition("=")[2]
    actor = await cairn.services.authentication.actor_of_session(token)
    made_ms = (await cairn.services.devices.list_page(actor, after=None, limit=1))[0].created_ms

    async def works(after_ms: int) -> bool:
        later = AuthenticationService(
            cairn.database,
            Throttle(lambda: 0.0),
            RecentActors(lambda: 0.0),
            Endings(),
            note_use=noting_uses(cairn.database),
            clock_ms=lambda: made_ms + after_ms,
        )
        try:
            return (await later.actor_of_session(token)).kind is ActorKind.SESSION
        except UnauthenticatedError:
            return False

    assert await works(7 * DAY_MS - 1)
    assert not await works(7 * DAY_MS + 3600_000)
    used = {"at": made_ms + 30 * DAY_MS, "id": actor.id}
    await cairn.database.write(
        lambda tx: tx.execute("UPDATE actors SET last_used_ms = :at WHERE id = :id", used), use=Use.FREES
    )
    assert await works(30 * DAY_MS - 1)
    assert not await works(30 * DAY_MS)


async def test_a_hanging_sync_of_a_session_ends_when_the_session_is_revoked(
    api: Api, browser: Browser, cairn: Cairn
) -> None:
    device = await api.log_in()
    items = (await device.get("/api/v1/devices")).json["items"]
    session_id = next(item["device_id"] for item in items if item["kind"] == "session")
    cursor = (await browser.call("GET", "/api/v1/sync")).json["cursor"]
    hanging = asyncio.create_task(browser.call("GET", f"/api/v1/sync?cursor={cursor}&wait=60"))
    await until_one_waits(cairn)

    await device.delete(f"/api/v1/devices/{session_id}")

    async with asyncio.timeout(20):  # it would hang for a minute
        assert (await hanging).status == HTTPStatus.UNAUTHORIZED
    assert (await browser.call("GET", "/api/v1/me")).status == HTTPStatus.UNAUTHORIZED
