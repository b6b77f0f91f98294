import asyncio
import sqlite3
import statistics
import time
from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path

import pytest

from app.application import Cairn
from app.auth.passwords import Cost, PasswordHasher
from app.config import Server, Settings
from app.repositories import users
from app.repositories.users import User
from tests.accounts.api import ADMIN, PASSWORD, Api

pytestmark = pytest.mark.usefixtures("admin")


async def test_name_and_password_give_a_device_a_token_that_works(api: Api) -> None:
    reply = await api.try_login(device_name="Ada's laptop")

    assert reply.status == HTTPStatus.CREATED
    assert reply.json["user"]["username"] == ADMIN
    assert reply.json["token"].startswith(f"cairn_{reply.json['device_id']}_")
    me = await api.holding(reply.json["token"]).get("/api/v1/me")
    assert me.status == HTTPStatus.OK
    assert me.json["device_id"] == reply.json["device_id"]


@pytest.mark.parametrize("spelling", ["ADA", "Ada", "\uff21da"])
async def test_a_user_name_is_one_whatever_its_case_and_width(api: Api, spelling: str) -> None:
    assert (await api.try_login(spelling)).status == HTTPStatus.CREATED


@pytest.mark.parametrize("password", [PASSWORD.upper(), PASSWORD + " ", PASSWORD[:-1], "", "x" * 257, "é" * 300])
async def test_any_other_password_is_401(api: Api, password: str) -> None:
    reply = await api.try_login(password=password)

    assert (reply.status, reply.code) == (HTTPStatus.UNAUTHORIZED, "unauthenticated")


async def test_unknown_wrong_and_disabled_get_one_answer_for_the_same_work(api: Api, cairn: Cairn) -> None:
    await cairn.services.accounts.create("ben", PASSWORD)
    await cairn.services.accounts.disable("ben")

    answers, runs = [], []
    for username, password in (("nobody", PASSWORD), (ADMIN, "wrong-" + PASSWORD), ("ben", PASSWORD)):
        before = _hash_runs(cairn)
        reply = await api.try_login(username, password)
        runs.append(_hash_runs(cairn) - before)
        answers.append((reply.status, {**reply.json, "request_id": ""}, _without_chance(reply.headers)))

    assert answers[0] == answers[1] == answers[2]
    assert runs == [1, 1, 1]


@pytest.mark.parametrize("settings", [Settings(server=Server(trusted_proxies=("127.0.0.1",)))])
async def test_unknown_and_wrong_cost_the_same(api: Api) -> None:
    async def cost(username: str, number: int) -> float:
        before = time.process_time()  # of all threads, whatever else this machine does
        body = {"username": username, "password": f"wrong password {number}", "device_name": "d"}
        reply = await api.post("/api/v1/login", body, headers={"X-Forwarded-For": f"203.0.113.{number}"})
        assert reply.status == HTTPStatus.UNAUTHORIZED
        return time.process_time() - before

    unknown, wrong = [], []
    for number in range(15):
        unknown.append(await cost("nobody", number))
        wrong.append(await cost(ADMIN, number))

    assert statistics.median(unknown) == pytest.approx(statistics.median(wrong), rel=0.25)


async def test_a_password_of_a_megabyte_is_refused_fast_and_without_a_hash(api: Api, cairn: Cairn) -> None:
    before, started = _hash_runs(cairn), time.process_time()

    reply = await api.try_login(password="x" * (1024 * 1024 - 200))

    assert reply.status == HTTPStatus.UNAUTHORIZED
    assert _hash_runs(cairn) == before
    assert time.process_time() - started < 0.1


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b'{"username": "ada"}',
        b'{"username": 1, "password": "x", "device_name": "d"}',
        b'{"username": "ada", "password": "x", "device_name": ""}',
        b'{"username": "ada", "password": "x", "device_name": "a\\u0000b"}',
        b'{"username": "ada", "password": "x", "device_name": "d", "install_id": "a b"}',
        b'{"username": "ada", "password": "x", "device_name": "d", "is_admin": true}',
        b'{"username": "ada", "password": "\\ud800", "device_name": "d"}',
        b"\xff",
    ],
)
async def test_a_malformed_login_is_400(api: Api, body: bytes) -> None:
    reply = await api.call("POST", "/api/v1/login", data=body)

    assert (reply.status, reply.code) == (HTTPStatus.BAD_REQUEST, "invalid_request")


async def test_the_sixth_try_is_429_with_the_right_password_too_and_names_the_wait(api: Api) -> None:
    device = await api.log_in()
    for number in range(5):
        assert (await api.try_login(password=f"wrong password {number}")).status == HTTPStatus.UNAUTHORIZED

    reply = await api.try_login()

    assert (reply.status, reply.code) == (HTTPStatus.TOO_MANY_REQUESTS, "rate_limited")
    assert 290 <= int(reply.headers["Retry-After"]) <= 300
    assert (await device.get("/api/v1/me")).status == HTTPStatus.OK  # valid tokens go on


async def test_no_hash_is_run_for_a_throttled_try(api: Api, cairn: Cairn) -> None:
    for number in range(5):
        await api.try_login(password=f"wrong password {number}")
    before = _hash_runs(cairn)

    await api.try_login()

    assert _hash_runs(cairn) == before


async def test_a_header_that_claims_another_address_changes_nothing(api: Api) -> None:
    statuses = []
    for number in range(6):
        headers = {"X-Forwarded-For": f"203.0.113.{number}", "Forwarded": f"for=203.0.113.{number}"}
        body = {"username": ADMIN, "password": f"wrong password {number}", "device_name": "d"}
        statuses.append((await api.post("/api/v1/login", body, headers=headers)).status)

    assert statuses == [HTTPStatus.UNAUTHORIZED] * 5 + [HTTPStatus.TOO_MANY_REQUESTS]


async def test_failures_at_one_door_count_at_the_other(api: Api) -> None:
    device = await api.log_in()
    for number in range(3):
        await api.try_login(password=f"wrong password {number}")
    for number in range(3, 5):
        reply = await device.post("/api/v1/reauth", {"password": f"wrong password {number}"})
        assert reply.status == HTTPStatus.UNAUTHORIZED

    assert (await device.post("/api/v1/reauth", {"password": PASSWORD})).status == HTTPStatus.TOO_MANY_REQUESTS
    assert (await api.try_login()).status == HTTPStatus.TOO_MANY_REQUESTS


async def test_a_stale_password_tried_a_hundred_times_locks_nobody_out_and_costs_one_hash(
    api: Api, cairn: Cairn
) -> None:
    before = _hash_runs(cairn)
    for _ in range(100):
        assert (await api.try_login(password="the old password")).status == HTTPStatus.UNAUTHORIZED

    assert _hash_runs(cairn) - before == 1
    assert (await api.try_login()).status == HTTPStatus.CREATED


async def test_a_stale_password_works_once_it_is_set_again(api: Api, cairn: Cairn) -> None:
    assert (await api.try_login(password="the old password")).status == HTTPStatus.UNAUTHORIZED

    await cairn.services.accounts.set_password(ADMIN, "the old password")

    assert (await api.try_login(password="the old password")).status == HTTPStatus.CREATED


async def test_guesses_sent_all_at_once_are_not_more_than_those_sent_one_by_one(api: Api) -> None:
    replies = await asyncio.gather(*(api.try_login(password=f"wrong password {number}") for number in range(30)))

    statuses = [reply.status for reply in replies]
    assert statuses.count(HTTPStatus.UNAUTHORIZED) <= 5
    assert set(statuses) == {HTTPStatus.UNAUTHORIZED, HTTPStatus.TOO_MANY_REQUESTS}


async def test_a_rush_of_logins_is_served_or_told_to_come_back_and_does_not_hold_up_others(api: Api) -> None:
    lags: list[float] = []

    async def watch() -> None:
        while True:
            before = time.perf_counter()
            await asyncio.sleep(0.001)
            lags.append(time.perf_counter() - before - 0.001)

    watcher = asyncio.create_task(watch())
    replies = await asyncio.gather(*(api.try_login(f"user{number}", "a wrong password") for number in range(100)))
    watcher.cancel()

    statuses = {reply.status for reply in replies}
    assert statuses <= {HTTPStatus.UNAUTHORIZED, HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE}
    assert HTTPStatus.SERVICE_UNAVAILABLE in statuses
    assert all("Retry-After" in reply.headers for reply in replies if reply.status != HTTPStatus.UNAUTHORIZED)
    assert statistics.median(lags) < 0.05


async def test_the_same_installation_replaces_its_own_device_and_no_other(api: Api) -> None:
    await api.log_in(device_name="other")
    first = await api.log_in(device_name="old", install_id="install-1")

    second = await api.log_in(device_name="new", install_id="install-1")

    assert (await first.get("/api/v1/me")).status == HTTPStatus.UNAUTHORIZED
    names = [item["name"] for item in (await second.get("/api/v1/devices")).json["items"]]
    assert names == ["other", "new"]


async def test_a_user_has_no_more_devices_than_allowed_until_one_is_revoked(api: Api) -> None:
    devices = [await api.log_in(install_id=f"install-{number}") for number in range(5)]

    reply = await api.try_login()

    assert (reply.status, reply.code) == (HTTPStatus.CONFLICT, "limit_reached")
    assert (await api.try_login(install_id="install-0")).status == HTTPStatus.CREATED  # it replaces its own
    await devices[1].post("/api/v1/logout")
    assert (await api.try_login()).status == HTTPStatus.CREATED


async def test_a_cheap_hash_is_made_anew_at_login(api: Api, cairn: Cairn, admin: User) -> None:
    cheap = PasswordHasher(Cost(memory_kib=19 * 1024, passes=2))
    encoded = await cheap.hash(PASSWORD)
    cheap.close()
    await cairn.database.write(lambda tx: users.set_password(tx, admin, encoded))

    await api.log_in()

    stored = (await cairn.database.read(lambda tx: users.get(tx, admin.id))).password_hash
    assert stored.startswith("$argon2id$v=19$m=47104,t=1,p=1$")
    await api.log_in()


async def test_a_dump_of_the_database_gives_no_secret_away(api: Api, cairn: Cairn, tmp_path: Path) -> None:
    token = (await api.log_in()).token or ""
    secret = token.rpartition(token.split("_")[1] + "_")[2]

    with sqlite3.connect(tmp_path / "data" / "metadata.db") as connection:
        dump = "\n".join(connection.iterdump())
    connection.close()

    assert ADMIN in dump
    for canary in (PASSWORD, secret, token, PASSWORD.encode().hex(), secret.encode().hex()):
        assert canary.lower() not in dump.lower()


def _hash_runs(cairn: Cairn) -> int:
    return cairn.services.sign_in._hasher.runs  # noqa: SLF001 - what no answer may show


def _without_chance(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name.lower() not in ("date", "x-request-id")}
