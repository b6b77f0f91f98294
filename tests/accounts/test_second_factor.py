"""The second factor, end to end (security.md, A4, A6, S3)."""

import base64
import itertools
import time
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from app.application import Cairn
from app.auth import totp
from tests.accounts.api import PASSWORD, Api, Reply
from tests.accounts.browser import Browser

pytestmark = pytest.mark.usefixtures("admin")


class Phone:
    """An authenticator app under a clock that each code moves on, so that none comes twice."""

    def __init__(self, cairn: Cairn, secret: str) -> None:
        self.secret = base64.b32decode(secret)
        self._steps = itertools.count(int(time.time()) // totp.STEP_S)
        self._cairn = cairn

    def code(self) -> str:
        """Return the code of the next step; the server's clock goes there too."""
        step = next(self._steps)
        factor = self._cairn.services.second_factor
        factor._clock_ms = lambda: step * totp.STEP_S * 1000  # noqa: SLF001 - a clock of ours
        return totp.code_at(self.secret, step)


@pytest.fixture
async def ada(api: Api) -> Api:
    """Ada's laptop."""
    return await api.log_in(device_name="laptop")


async def turn_on(ada: Api, cairn: Cairn) -> tuple[Phone, list[str]]:
    """Turn the second factor on; return the app and the recovery codes."""
    begun = await ada.post("/api/v1/totp")
    assert begun.status == HTTPStatus.CREATED
    phone = Phone(cairn, begun.json["secret"])
    confirmed = await ada.post("/api/v1/totp/confirm", {"code": phone.code()})
    assert confirmed.status == HTTPStatus.OK, confirmed.body
    return phone, confirmed.json["recovery_codes"]


def outcome(reply: Reply) -> tuple[int, Any]:
    """Return status and code."""
    return reply.status, None if reply.status < HTTPStatus.BAD_REQUEST else reply.code


WANTED = (HTTPStatus.UNAUTHORIZED, "totp_required")


async def test_a_secret_counts_once_a_code_of_it_was_shown(ada: Api, cairn: Cairn) -> None:
    begun = (await ada.post("/api/v1/totp")).json
    assert parse_qs(urlsplit(begun["uri"]).query)["secret"] == [begun["secret"]]
    assert (await ada.try_login()).status == HTTPStatus.CREATED

    assert outcome(await ada.post("/api/v1/totp/confirm", {"code": "000000"})) == WANTED
    phone, codes = await turn_on(ada, cairn)

    assert len(codes) == 10
    assert outcome(await ada.try_login()) == WANTED
    assert outcome(await ada.try_login(totp="")) == WANTED
    assert (await ada.try_login(totp=phone.code())).status == HTTPStatus.CREATED
    assert (await ada.get("/api/v1/totp")).json == {"enabled": True, "recovery_codes_left": 10}
    assert (await ada.post("/api/v1/totp")).status == HTTPStatus.CONFLICT


async def test_who_does_not_know_the_password_does_not_learn_of_it(ada: Api, cairn: Cairn) -> None:
    await turn_on(ada, cairn)

    reply = await ada.try_login(password="wrong " + PASSWORD, totp="123456")

    assert outcome(reply) == (HTTPStatus.UNAUTHORIZED, "unauthenticated")


async def test_each_code_counts_once_at_all_doors_together(ada: Api, cairn: Cairn) -> None:
    phone, _ = await turn_on(ada, cairn)
    code = phone.code()

    assert (await ada.post("/api/v1/reauth", {"password": PASSWORD, "totp": code})).status == HTTPStatus.NO_CONTENT
    assert outcome(await ada.try_login(totp=code)) == WANTED
    assert outcome(await Browser(ada).sign_in(totp=code)) == WANTED
    assert outcome(await ada.post("/api/v1/reauth", {"password": PASSWORD, "totp": code})) == WANTED
    assert (await Browser(ada).sign_in(totp=phone.code())).status == HTTPStatus.CREATED


async def test_a_recovery_code_stands_for_a_code_once(ada: Api, cairn: Cairn) -> None:
    phone, codes = await turn_on(ada, cairn)

    assert (await ada.try_login(totp=codes[0])).status == HTTPStatus.CREATED
    assert outcome(await ada.try_login(totp=codes[0])) == WANTED
    assert (await ada.get("/api/v1/totp")).json["recovery_codes_left"] == 9
    fresh = (await ada.post("/api/v1/totp/recovery-codes", {"code": phone.code()})).json["recovery_codes"]
    assert outcome(await ada.try_login(totp=codes[1])) == WANTED
    assert (await ada.try_login(totp=fresh[1].upper().replace("-", ""))).status == HTTPStatus.CREATED


async def test_wrong_codes_are_throttled_with_wrong_passwords(ada: Api, cairn: Cairn) -> None:
    phone, _ = await turn_on(ada, cairn)
    for number in range(3):
        assert outcome(await ada.try_login(totp=f"wrong {number}")) == WANTED
    for number in range(2):
        assert outcome(await ada.post("/api/v1/totp/disable", {"code": f"bad {number}"})) == WANTED

    assert (await ada.try_login(totp=phone.code())).status == HTTPStatus.TOO_MANY_REQUESTS
    assert (await ada.get("/api/v1/me")).status == HTTPStatus.OK


@pytest.mark.parametrize("door", ["login", "reauth", "disable", "recovery-codes"])
async def test_a_repeated_code_counts_each_time_for_it_may_come_to_be_right(ada: Api, cairn: Cairn, door: str) -> None:
    phone, _ = await turn_on(ada, cairn)
    to_come = [totp.code_at(phone.secret, int(time.time()) // totp.STEP_S + step) for step in (20, 21)]

    async def show(code: str) -> Reply:
        if door == "login":
            return await ada.try_login(totp=code)
        if door == "reauth":
            return await ada.post("/api/v1/reauth", {"password": PASSWORD, "totp": code})
        return await ada.post(f"/api/v1/totp/{door}", {"code": code})

    for code in (to_come * 3)[:5]:
        assert outcome(await show(code)) == WANTED

    assert (await show(to_come[0])).status == HTTPStatus.TOO_MANY_REQUESTS
    assert (await ada.try_login(totp=phone.code())).status == HTTPStatus.TOO_MANY_REQUESTS


async def test_a_repeated_recovery_code_counts_each_time(ada: Api, cairn: Cairn) -> None:
    _, codes = await turn_on(ada, cairn)
    assert (await ada.try_login(totp=codes[0])).status == HTTPStatus.CREATED
    for _ in range(5):
        assert outcome(await ada.try_login(totp=codes[0])) == WANTED

    assert (await ada.try_login(totp=codes[1])).status == HTTPStatus.TOO_MANY_REQUESTS


async def test_a_repeated_code_counts_each_time_before_the_second_factor_is_on(ada: Api, cairn: Cairn) -> None:
    secret = (await ada.post("/api/v1/totp")).json["secret"]
    wrong = totp.code_at(base64.b32decode(secret), int(time.time()) // totp.STEP_S + 20)
    for _ in range(5):
        assert outcome(await ada.post("/api/v1/totp/confirm", {"code": wrong})) == WANTED

    shut = await ada.post("/api/v1/totp/confirm", {"code": Phone(cairn, secret).code()})
    assert shut.status == HTTPStatus.TOO_MANY_REQUESTS


async def test_turning_it_on_and_off_ends_other_sessions_and_devices_where_asked(ada: Api, cairn: Cairn) -> None:
    browser = Browser(ada)
    await browser.sign_in()
    other = await ada.log_in(device_name="other")

    phone, _ = await turn_on(ada, cairn)

    assert (await browser.call("GET", "/api/v1/me")).status == HTTPStatus.UNAUTHORIZED
    assert (await other.get("/api/v1/me")).status == HTTPStatus.OK
    off = await ada.post("/api/v1/totp/disable", {"code": phone.code(), "end_devices": True})
    assert off.status == HTTPStatus.NO_CONTENT
    assert (await other.get("/api/v1/me")).status == HTTPStatus.UNAUTHORIZED
    assert (await ada.get("/api/v1/me")).status == HTTPStatus.OK
    assert (await ada.try_login()).status == HTTPStatus.CREATED
    assert (await ada.post("/api/v1/totp/disable", {"code": phone.code()})).status == HTTPStatus.CONFLICT


async def test_nothing_of_it_can_be_read_from_the_database(ada: Api, cairn: Cairn) -> None:
    phone, codes = await turn_on(ada, cairn)

    rows = await cairn.database.read(
        lambda tx: (
            [bytes(row[0]) for row in tx.all("SELECT totp_secret FROM users WHERE totp_secret IS NOT NULL")]
            + [bytes(row[0]) for row in tx.all("SELECT digest FROM recovery_codes")]
        )
    )

    assert len(rows) == 11
    for canary in (phone.secret, *(code.replace("-", "").encode() for code in codes)):
        assert not any(canary in row for row in rows)


async def test_what_happened_stands_in_the_audit_log(ada: Api, cairn: Cairn) -> None:
    phone, codes = await turn_on(ada, cairn)
    await ada.try_login(totp=codes[0])
    await ada.try_login(password="wrong password")
    await ada.try_login(username="her-password-by-mistake", password="wrong password")
    await ada.post("/api/v1/totp/disable", {"code": phone.code()})

    lines = await cairn.database.read(
        lambda tx: [(row[0], row[1], row[2]) for row in tx.all("SELECT event, outcome, object FROM audit ORDER BY id")]
    )

    events = [(event, outcome) for event, outcome, _ in lines]
    for expected in (
        ("login", "ok"),
        ("totp_enabled", "ok"),
        ("recovery_used", "ok"),
        ("login", "wrong password"),
        ("totp_disabled", "ok"),
    ):
        assert expected in events
    assert "her-password-by-mistake" not in str(lines)


async def test_failures_are_noted_once_a_minute(ada: Api, cairn: Cairn) -> None:
    for number in range(4):
        await ada.try_login(password=f"wrong password {number}")

    count = await cairn.database.read(lambda tx: tx.one("SELECT count(*) FROM audit WHERE outcome <> 'ok'"))

    assert count is not None
    assert count[0] == 1
