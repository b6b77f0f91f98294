"""Who may come in at this door, what that costs, and when it ends (security.md, A4, C1, S6, T)."""

import asyncio
import itertools
import time
from http import HTTPStatus

import pytest

from app.auth.recent import LIFETIME_S
from app.services import own_password
from tests.accounts.api import ADMIN, PASSWORD
from tests.accounts.browser import Browser
from tests.accounts.test_second_factor import turn_on
from tests.api.conftest import OTHER, Running
from tests.api.people import Person
from tests.dav.conftest import Dav, app_password

OK, REFUSED = HTTPStatus.OK, HTTPStatus.UNAUTHORIZED
ANOTHER = "copper-lantern-meadow-7"


async def enter(dav: Dav, **headers: str) -> int:
    """Knock, and return the status."""
    return (await dav.call("OPTIONS", "/dav/", **headers)).status


def hashes(server: Running) -> int:
    return server.cairn.services.sign_in._hasher.runs  # noqa: SLF001 - what no answer may show


async def test_a_device_an_app_password_and_the_accounts_own_password_open_it(
    anybody: Dav, dav: Dav, by_device: Dav, by_password: Dav, ada: Person
) -> None:
    only_webdav = await app_password(ada, webdav_only=True)

    assert [await enter(one) for one in (dav, by_device, by_password)] == [OK, OK, OK]
    assert await enter(anybody.showing(ADMIN, only_webdav)) == OK
    assert await enter(anybody.showing("ADA", only_webdav.upper())) == OK


async def test_what_is_wrong_is_refused_alike_whatever_is_wrong(anybody: Dav, dav: Dav) -> None:
    of_another = dav.authorization.removeprefix("Basic ")
    answers = [
        await one.call("PROPFIND", "/dav/", Depth="0")
        for one in (
            anybody,
            anybody.showing(ADMIN, "wrong password"),
            anybody.showing("nobody", PASSWORD),
            Dav(anybody.port, f"Bearer {of_another}"),
            Dav(anybody.port, "Basic !!"),
        )
    ]

    assert {answer.status for answer in answers} == {REFUSED}
    assert {answer.headers["www-authenticate"] for answer in answers} == {'Basic realm="Cairn", charset="UTF-8"'}
    assert answers[1].body == answers[2].body


async def test_an_app_password_of_one_opens_nothing_under_anothers_name(anybody: Dav, ada: Person) -> None:
    assert await enter(anybody.showing(OTHER, await app_password(ada))) == REFUSED


async def test_the_accounts_own_password_opens_no_other_door(server: Running, by_password: Dav) -> None:
    assert await enter(by_password) == OK

    for path in ("/api/v1/files?path=/", "/api/v1/me"):
        answer = await by_password.call("GET", path)
        assert answer.status == REFUSED, path


async def test_the_own_password_is_hashed_once_however_many_ask_at_once(server: Running, by_password: Dav) -> None:
    before = hashes(server)

    found = await asyncio.gather(*(enter(by_password) for _ in range(40)))
    again = [await enter(by_password) for _ in range(10)]

    assert set(found) | set(again) == {OK}
    assert hashes(server) == before + 1


async def test_it_is_asked_for_anew_after_a_minute(
    server: Running, by_password: Dav, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert await enter(by_password) == OK
    before = hashes(server)
    recent = server.cairn.services.own_password._recent  # noqa: SLF001 - a clock of ours
    monkeypatch.setattr(recent, "_clock_s", lambda: time.monotonic() + LIFETIME_S + 1)

    assert await enter(by_password) == OK

    assert hashes(server) == before + 1


async def test_it_is_one_and_the_same_device_to_the_journal_which_can_be_seen_and_ended(
    server: Running, by_password: Dav, ada: Person
) -> None:
    assert (await by_password.call("MKCOL", "/dav/one")).status == HTTPStatus.CREATED
    recent = server.cairn.services.own_password._recent  # noqa: SLF001 - as if a minute had passed
    recent._entries.clear()  # noqa: SLF001
    assert (await by_password.call("MKCOL", "/dav/two")).status == HTTPStatus.CREATED

    items = (await ada.get("/api/v1/devices")).json["items"]
    own = [item for item in items if item["name"] == own_password.NAME]
    assert len(own) == 1
    assert (await ada.delete(f"/api/v1/devices/{own[0]['device_id']}")).status == HTTPStatus.NO_CONTENT
    assert await enter(by_password) == OK  # the password still is the password


async def test_a_changed_password_ends_it_at_once(server: Running, by_password: Dav) -> None:
    assert await enter(by_password) == OK
    browser = Browser(server.stranger, Origin=f"http://127.0.0.1:{server.port}")
    assert (await browser.sign_in(ADMIN, PASSWORD)).status == HTTPStatus.CREATED
    body = {"current": PASSWORD, "new": ANOTHER, "end_devices": False}
    changed = await browser.call("POST", "/api/v1/password", json=body)
    assert changed.status == HTTPStatus.NO_CONTENT, changed.body

    assert await enter(by_password) == REFUSED
    assert await enter(by_password.showing(ADMIN, ANOTHER)) == OK


async def test_a_disabled_user_is_out_at_once(server: Running, bob: Person, bob_dav: Dav, anybody: Dav) -> None:
    by_own = anybody.showing(OTHER, PASSWORD)
    assert [await enter(bob_dav), await enter(by_own)] == [OK, OK]

    await server.cairn.services.accounts.disable(OTHER)

    assert [await enter(bob_dav), await enter(by_own)] == [REFUSED, REFUSED]


async def test_with_a_second_factor_app_passwords_alone_open_it(
    server: Running, by_password: Dav, dav: Dav, ada: Person
) -> None:
    assert await enter(by_password) == OK
    login = await server.stranger.try_login()
    await turn_on(server.stranger.holding(login.json["token"]), server.cairn)
    before = hashes(server)

    refused = [await enter(by_password) for _ in range(5)]

    assert set(refused) == {REFUSED}
    assert hashes(server) == before + 1  # what is known to open nothing is not hashed again and again
    assert await enter(dav) == OK


async def test_guesses_are_throttled_as_at_every_door_and_right_app_passwords_are_not(
    server: Running, anybody: Dav, dav: Dav
) -> None:
    numbers = itertools.count()
    found = [await enter(anybody.showing(ADMIN, f"wrong password {next(numbers)}")) for _ in range(7)]

    assert found == [REFUSED] * 5 + [HTTPStatus.TOO_MANY_REQUESTS] * 2
    assert (await server.stranger.try_login()).status == HTTPStatus.TOO_MANY_REQUESTS
    assert await enter(dav) == OK


async def test_a_stale_password_repeated_counts_once(server: Running, anybody: Dav, by_password: Dav) -> None:
    stale = anybody.showing(ADMIN, "wrong password")

    assert [await enter(stale) for _ in range(30)] == [REFUSED] * 30
    assert await enter(by_password) == OK


async def test_a_cookie_is_none_without_its_token_and_counts_with_it_on_an_own_page_alone(
    server: Running, anybody: Dav
) -> None:
    browser = Browser(server.stranger, Origin=f"http://127.0.0.1:{server.port}")
    await browser.sign_in(ADMIN, PASSWORD)
    cookie, own, evil = browser.cookie, browser.headers["Origin"], "https://evil.example"

    assert await enter(anybody, Cookie=cookie) == REFUSED
    assert await enter(anybody, Cookie=cookie, Origin=own) == REFUSED
    assert await enter(anybody, Cookie=cookie, Origin=own, X_CSRF_Token=browser.csrf) == OK
    assert await enter(anybody, Cookie=cookie, Origin=evil, X_CSRF_Token=browser.csrf) == HTTPStatus.FORBIDDEN
    made = await anybody.call("MKCOL", "/dav/x", Cookie=cookie, Origin=own, X_CSRF_Token="0" * 64)
    assert made.status == HTTPStatus.FORBIDDEN


async def test_basic_that_a_browser_adds_by_itself_changes_nothing_for_a_foreign_page(dav: Dav) -> None:
    for headers in ({"Origin": "https://evil.example"}, {"Sec_Fetch_Site": "same-site"}):
        answer = await dav.call("MKCOL", "/dav/x", **headers)
        assert answer.status == HTTPStatus.FORBIDDEN, headers


async def test_an_app_password_for_one_folder_sees_it_as_the_root(anybody: Dav, ada: Person) -> None:
    made = await ada.make_folder("/Music/Live", parents=True)
    await ada.put("/Music/Live/a.mp3", b"a")
    await ada.put("/secret.txt", b"s")
    inside = anybody.showing(ADMIN, await app_password(ada, folder_id=made["file_id"]))

    listed = await inside.propfind("/dav/", depth="1")

    assert listed.hrefs == ["/dav/", "/dav/a.mp3"]
    assert (await inside.propfind("/dav/secret.txt")).status == HTTPStatus.NOT_FOUND


async def test_a_reading_app_password_changes_nothing(anybody: Dav, ada: Person) -> None:
    await ada.put("/a.txt", b"a")
    reader = anybody.showing(ADMIN, await app_password(ada, reach="read"))

    assert (await reader.call("GET", "/dav/a.txt")).body == b"a"
    assert (await reader.call("MKCOL", "/dav/x")).status == HTTPStatus.FORBIDDEN
    patched = await reader.proppatch("/dav/a.txt", '<d:set><d:prop><x xmlns="urn:x"/></d:prop></d:set>')
    assert patched.status == HTTPStatus.FORBIDDEN


async def test_a_known_app_password_costs_microseconds(server: Running, dav: Dav, ada: Person) -> None:
    password = await app_password(ada)
    find = server.cairn.services.own_password.actor_of_basic
    await find(ADMIN, password, "local")
    times = []
    for _ in range(2_000):
        begun = time.perf_counter()
        await find(ADMIN, password, "local")
        times.append(time.perf_counter() - begun)

    assert sorted(times)[len(times) // 2] < 100e-6
