"""Admins manage accounts over the API, and get nobody's files by that (security.md, P7)."""

import asyncio
from http import HTTPStatus

import pytest

from app.application import Cairn
from tests.accounts.api import ADMIN, PASSWORD, Api
from tests.api.people import NONSENSE_ID

USERS = "/api/v1/users"


@pytest.fixture
async def ada(api: Api, admin: object) -> Api:
    """The first admin's device."""
    return await api.log_in()


async def make(ada: Api, name: str, **more: object) -> None:
    reply = await ada.post(USERS, {"username": name, "password": PASSWORD, **more})
    assert reply.status == HTTPStatus.CREATED, reply.body


async def change(ada: Api, name: str, **changes: object) -> int:
    return (await ada.call("PATCH", f"{USERS}/{name}", json=changes)).status


async def test_an_account_is_made_shown_listed_in_pages_and_signs_in(ada: Api, api: Api) -> None:
    await make(ada, "ben", quota=1000)
    await make(ada, "Carl", is_admin=True)

    first = await ada.get(USERS, params={"limit": 2})
    rest = await ada.get(USERS, params={"limit": 2, "after": first.json["next"]})
    shown = await ada.get(f"{USERS}/BEN")

    assert [item["username"] for item in first.json["items"]] == [ADMIN, "ben"]
    assert ([item["username"] for item in rest.json["items"]], rest.json["next"]) == (["Carl"], None)
    assert shown.json.items() >= {"username": "ben", "is_admin": False, "disabled": False, "quota": 1000}.items()
    assert (await (await api.log_in("Carl")).get(USERS)).status == HTTPStatus.OK
    assert (await (await api.log_in("ben")).get(USERS)).status == HTTPStatus.FORBIDDEN


@pytest.mark.parametrize(
    "extra",
    [{"role": "admin"}, {"user_id": NONSENSE_ID}, {"generation": 9}, {"disabled": False}, {"password_hash": "x"}],
)
async def test_a_field_that_is_not_ones_to_set_is_refused(ada: Api, extra: dict[str, object]) -> None:
    made = await ada.post(USERS, {"username": "ben", "password": PASSWORD, **extra})

    assert (made.status, made.code) == (HTTPStatus.BAD_REQUEST, "invalid_request")
    assert (await ada.get(f"{USERS}/ben")).status == HTTPStatus.NOT_FOUND


@pytest.mark.parametrize(
    "body", [{"username": "eve"}, {"quota": -1}, {"quota": 2**53 + 1}, {"quota": True}, {"is_admin": 1}, {"used": 0}]
)
async def test_a_change_of_what_cannot_be_changed_is_refused(ada: Api, body: dict[str, object]) -> None:
    await make(ada, "ben")

    assert await change(ada, "ben", **body) == HTTPStatus.BAD_REQUEST


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", USERS),
        ("POST", USERS),
        ("GET", f"{USERS}/{ADMIN}"),
        ("PATCH", f"{USERS}/{ADMIN}"),
        ("DELETE", f"{USERS}/{ADMIN}?files=delete"),
        ("POST", f"{USERS}/{ADMIN}/reset"),
        ("POST", f"{USERS}/{ADMIN}/sign-out"),
        ("GET", "/api/v1/invitations"),
        ("POST", "/api/v1/invitations"),
        ("DELETE", f"/api/v1/invitations/{NONSENSE_ID}"),
        ("GET", "/api/v1/audit"),
    ],
)
async def test_only_admins_manage_accounts(ada: Api, api: Api, method: str, path: str) -> None:
    await make(ada, "ben")
    ben = await api.log_in("ben")

    assert (await ben.call(method, path, json={})).status == HTTPStatus.FORBIDDEN
    assert (await api.call(method, path, json={})).status == HTTPStatus.UNAUTHORIZED


async def test_who_is_no_admin_any_more_is_none_at_once_and_stays_logged_in(ada: Api, api: Api) -> None:
    await make(ada, "ben", is_admin=True)
    ben = await api.log_in("ben")
    assert (await ben.get(USERS)).status == HTTPStatus.OK

    assert await change(ada, "ben", is_admin=False) == HTTPStatus.OK

    assert (await ben.get(USERS)).status == HTTPStatus.FORBIDDEN
    assert (await ben.get("/api/v1/me")).json["user"]["is_admin"] is False
    assert await change(ada, "ben", is_admin=True) == HTTPStatus.OK
    assert (await ben.get(USERS)).status == HTTPStatus.OK


@pytest.mark.parametrize("ending", [{"is_admin": False}, {"disabled": True}])
async def test_the_last_enabled_admin_stays_one(ada: Api, ending: dict[str, object]) -> None:
    await make(ada, "ben", is_admin=True)
    await change(ada, "ben", disabled=True)

    assert await change(ada, ADMIN, **ending) == HTTPStatus.FORBIDDEN
    assert (await ada.call("DELETE", f"{USERS}/{ADMIN}?files=delete")).status == HTTPStatus.FORBIDDEN

    assert await change(ada, "ben", disabled=False) == HTTPStatus.OK
    assert await change(ada, ADMIN, **ending) == HTTPStatus.OK


async def test_of_two_admins_who_demote_each_other_at_once_one_stays(ada: Api, api: Api) -> None:
    await make(ada, "ben", is_admin=True)
    ben = await api.log_in("ben")

    results = await asyncio.gather(change(ada, "ben", is_admin=False), change(ben, ADMIN, is_admin=False))

    assert sorted(results) in ([HTTPStatus.OK, HTTPStatus.FORBIDDEN], [HTTPStatus.OK, HTTPStatus.OK])
    assert results.count(HTTPStatus.OK) == 1


async def test_a_change_that_is_refused_in_part_changes_nothing(ada: Api) -> None:
    assert await change(ada, ADMIN, quota=5, disabled=True) == HTTPStatus.FORBIDDEN

    assert (await ada.get(f"{USERS}/{ADMIN}")).json["quota"] is None


async def test_who_is_signed_out_everywhere_signs_in_again_with_the_same_password(ada: Api, api: Api) -> None:
    await make(ada, "ben")
    ben = await api.log_in("ben")

    assert (await ada.post(f"{USERS}/ben/sign-out")).status == HTTPStatus.NO_CONTENT

    assert (await ben.get("/api/v1/me")).status == HTTPStatus.UNAUTHORIZED
    assert (await (await api.log_in("ben")).get("/api/v1/me")).status == HTTPStatus.OK
    line = (await ada.get("/api/v1/audit", params={"event": "signed_out"})).json["items"][0]
    assert (line["username"], line["about"]) == (ADMIN, "ben")


async def test_an_admin_sees_when_somebody_was_there_last(ada: Api, api: Api) -> None:
    await make(ada, "ben")
    before = (await ada.get(f"{USERS}/ben")).json
    await api.log_in("ben")

    after = (await ada.get(f"{USERS}/ben")).json

    assert before["last_used_ms"] is None
    assert after["last_used_ms"] >= before["created_ms"]


async def test_an_admin_sees_nothing_of_anothers_files(ada: Api, api: Api) -> None:
    await make(ada, "ben")
    ben = await api.log_in("ben")
    folder = (await ben.post("/api/v1/folders", {"path": "/secret"})).json

    assert (await ada.get(f"/api/v1/files/{folder['file_id']}")).status == HTTPStatus.NOT_FOUND
    assert (await ada.get("/api/v1/files", params={"path": "/secret"})).status == HTTPStatus.NOT_FOUND


async def test_an_unknown_name_is_not_found(ada: Api) -> None:
    for name in ("nobody", "%2F1", "%2F3"):
        assert (await ada.get(f"{USERS}/{name}")).status in (HTTPStatus.NOT_FOUND, HTTPStatus.BAD_REQUEST)
    assert await change(ada, "nobody", quota=1) == HTTPStatus.NOT_FOUND
    assert (await ada.post(f"{USERS}/nobody/reset")).status == HTTPStatus.NOT_FOUND
    assert (await ada.post(f"{USERS}/nobody/sign-out")).status == HTTPStatus.NOT_FOUND
    assert (await ada.call("DELETE", f"{USERS}/nobody?files=delete")).status == HTTPStatus.NOT_FOUND


async def test_whoever_was_admin_when_the_server_started_is_asked_of_the_database(ada: Api, cairn: Cairn) -> None:
    await make(ada, "ben", is_admin=True)
    await change(ada, ADMIN, is_admin=False)

    assert cairn.services.accounts.has_admin
