"""The audit log tells admins who did what about accounts; nobody edits it, and it does not grow for ever (E2)."""

from functools import partial
from http import HTTPStatus
from typing import Any

import pytest

from app.application import Cairn
from app.db.database import Use
from app.repositories import audit
from tests.accounts.api import ADMIN, PASSWORD, Api

AUDIT = "/api/v1/audit"


@pytest.fixture
async def ada(api: Api, admin: object) -> Api:
    """The first admin's device."""
    return await api.log_in()


async def lines(ada: Api, **query: Any) -> list[dict[str, Any]]:
    reply = await ada.get(AUDIT, params=query)
    assert reply.status == HTTPStatus.OK, reply.body
    return list(reply.json["items"])


async def test_what_is_done_to_an_account_is_told_with_who_when_and_from_where(ada: Api, api: Api) -> None:
    await ada.post("/api/v1/users", {"username": "ben", "password": PASSWORD})
    await ada.call("PATCH", "/api/v1/users/ben", json={"quota": 7, "is_admin": True, "disabled": True})
    await ada.call("PATCH", "/api/v1/users/ben", json={"disabled": False})
    code = (await ada.post("/api/v1/users/ben/reset")).json["code"]
    await api.post("/api/v1/reset", {"username": "ben", "code": "wrong", "password": PASSWORD})
    await api.post("/api/v1/reset", {"username": "ben", "code": code, "password": f"{PASSWORD}s"})
    await ada.call("DELETE", "/api/v1/users/ben?files=delete")

    about = [line for line in reversed(await lines(ada, username="ben")) if line["event"] != "login"]

    assert [(line["event"], line["username"], line["outcome"]) for line in about] == [
        ("user_created", ADMIN, "ok"),
        ("quota_set", ADMIN, "ok"),
        ("admin_set", ADMIN, "ok"),
        ("user_disabled", ADMIN, "ok"),
        ("user_enabled", ADMIN, "ok"),
        ("reset_started", ADMIN, "ok"),
        ("reset_finished", None, "refused"),
        ("reset_finished", None, "ok"),
        ("user_deleted", ADMIN, "ok"),
    ]
    assert about[1]["detail"] == {"quota": 7}
    device = (await ada.get("/api/v1/me")).json["device_id"]
    assert {line["device_id"] for line in about if line["username"] == ADMIN} == {device}
    assert {line["address"] for line in about if line["username"] is None} == {"127.0.0.1"}
    assert code not in repr(about)


async def test_an_invitation_and_its_acceptance_are_told_without_the_link(ada: Api, api: Api) -> None:
    made = (await ada.post("/api/v1/invitations", {})).json
    await api.post(f"/api/v1{made['url']}", {"username": "ben", "password": PASSWORD})

    told = [line for line in await lines(ada) if line["event"] != "login"][:3]

    assert [line["event"] for line in told] == ["user_created", "invitation_ended", "invited"]
    assert {line["about"] for line in told[1:]} == {made["invitation_id"]}
    assert made["url"][-22:] not in repr(told)


async def test_the_log_comes_in_pages_the_newest_first_and_by_event(ada: Api) -> None:
    for name in ("ben", "carl", "dora"):
        await ada.post("/api/v1/users", {"username": name, "password": PASSWORD})

    first = await ada.get(AUDIT, params={"event": "user_created", "limit": 2})
    rest = await ada.get(AUDIT, params={"event": "user_created", "limit": 3, "after": first.json["next"]})

    assert [line["about"] for line in first.json["items"]] == ["dora", "carl"]
    assert [line["about"] for line in rest.json["items"]] == ["ben", ADMIN]
    assert rest.json["next"] is None
    assert await lines(ada, event="no such event") == []


async def test_no_name_can_break_a_line(ada: Api, api: Api) -> None:
    await api.post("/api/v1/reset", {"username": "ben\r\nuser_deleted \x1b[2J", "code": "x", "password": PASSWORD})

    reply = await ada.get(AUDIT, params={"event": "reset_finished"})

    assert not set(b"\r\n\x1b") & set(reply.body)
    assert reply.json["items"][0]["about"] == "ben\r\nuser_deleted \x1b[2J"


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
async def test_nobody_edits_it(ada: Api, method: str) -> None:
    assert (await ada.call(method, AUDIT)).status == HTTPStatus.METHOD_NOT_ALLOWED


async def test_old_lines_and_those_beyond_the_number_go_from_the_oldest_on(cairn: Cairn) -> None:
    def fill(tx: Any) -> None:
        rows = [(number * 1000,) for number in range(1, 11)]
        tx.execute("DELETE FROM audit")
        columns, values = "at_ms, event, address, object, outcome, detail", "?, 'login', '', '', 'ok', '{}'"
        tx.connection.executemany(f"INSERT INTO audit ({columns}) VALUES ({values})", rows)  # noqa: S608 - constants

    await cairn.database.write(fill, use=Use.FREES)

    def left(tx: Any) -> list[int]:
        return [line.at_ms // 1000 for line in audit.page(tx, before=2**53, event=None, limit=100)]

    for keep, since_ms, limit, gone, expected in (
        (100, 3000, 100, 2, [10, 9, 8, 7, 6, 5, 4, 3]),
        (5, 0, 2, 2, [10, 9, 8, 7, 6, 5]),
        (5, 0, 100, 1, [10, 9, 8, 7, 6]),
        (5, 0, 100, 0, [10, 9, 8, 7, 6]),
    ):
        trim = partial(audit.trim, keep=keep, since_ms=since_ms, limit=limit)
        done = await cairn.database.write(trim, use=Use.FREES)
        assert (done, await cairn.database.read(left)) == (gone, expected)


async def test_the_chore_lets_go_of_what_is_older_than_four_hundred_days(ada: Api, cairn: Cairn) -> None:
    before = len(await lines(ada))
    await cairn.database.write(lambda tx: tx.execute("UPDATE audit SET at_ms = 5 WHERE id = 1"), use=Use.FREES)

    await cairn.services.audit.trim()

    assert len(await lines(ada)) == before - 1


async def test_who_did_something_is_found_by_a_name_that_another_has_now(ada: Api, api: Api) -> None:
    for _ in range(2):
        await ada.post("/api/v1/users", {"username": "eve", "password": PASSWORD, "is_admin": True})
        eve = await api.log_in("eve")
        await eve.post("/api/v1/users", {"username": "ben", "password": PASSWORD})
        await ada.call("DELETE", "/api/v1/users/ben?files=delete")
        await ada.call("DELETE", "/api/v1/users/eve?files=delete")

    made = [line for line in await lines(ada, username="eve", event="user_created") if line["about"] == "ben"]

    assert len(made) == 2
