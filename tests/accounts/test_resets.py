"""A reset is a code from an admin, with which its holder alone chooses a password, once (security.md, A6, T1)."""

import asyncio
from http import HTTPStatus
from typing import Any

import pytest

from app.application import Cairn
from app.db.database import Use
from tests.accounts.api import PASSWORD, Api, Reply

NEW = "another-kettle-harbour"


@pytest.fixture
async def ada(api: Api, admin: object) -> Api:
    """The first admin's device."""
    return await api.log_in()


@pytest.fixture
async def ben(ada: Api, api: Api) -> Api:
    """A device of somebody who will forget the password."""
    await ada.post("/api/v1/users", {"username": "ben", "password": PASSWORD})
    return await api.log_in("ben")


async def begin(ada: Api) -> Any:
    reply = await ada.post("/api/v1/users/ben/reset")
    assert reply.status == HTTPStatus.CREATED, reply.body
    return reply.json


async def finish(api: Api, code: str, name: str = "ben", password: str = NEW) -> Reply:
    return await api.post("/api/v1/reset", {"username": name, "code": code, "password": password})


async def test_a_code_sets_a_password_once_and_ends_what_was_held(ada: Api, api: Api, ben: Api) -> None:
    code = (await begin(ada))["code"]
    assert (await ben.get("/api/v1/me")).status == HTTPStatus.OK, "a code that nobody uses changes nothing"

    assert (await finish(api, code)).status == HTTPStatus.NO_CONTENT

    assert (await ben.get("/api/v1/me")).status == HTTPStatus.UNAUTHORIZED
    assert (await api.try_login("ben")).status == HTTPStatus.UNAUTHORIZED
    assert (await api.try_login("ben", NEW)).status == HTTPStatus.CREATED
    assert (await finish(api, code, password=PASSWORD)).status == HTTPStatus.UNAUTHORIZED


@pytest.mark.usefixtures("ben")
async def test_a_code_may_be_typed_as_people_type(ada: Api, api: Api) -> None:
    code = (await begin(ada))["code"]

    typed = code.lower().replace("-", " ").replace("0", "o").replace("1", "l")

    assert (await finish(api, typed)).status == HTTPStatus.NO_CONTENT


@pytest.mark.usefixtures("ben")
async def test_unknown_user_wrong_code_and_no_code_are_answered_alike(ada: Api, api: Api) -> None:
    await begin(ada)

    replies = [await finish(api, "00000-00000-00000-00000", name) for name in ("ben", "nobody", "ada")]

    assert {reply.status for reply in replies} == {HTTPStatus.UNAUTHORIZED}
    assert len({(reply.json["code"], reply.json["detail"]) for reply in replies}) == 1


@pytest.mark.usefixtures("ben")
async def test_a_new_code_voids_the_one_before_and_time_voids_all(ada: Api, api: Api, cairn: Cairn) -> None:
    first, second = await begin(ada), await begin(ada)

    assert (await finish(api, first["code"])).status == HTTPStatus.UNAUTHORIZED
    await cairn.database.write(lambda tx: tx.execute("UPDATE resets SET expires_ms = 1"), use=Use.FREES)
    assert (await finish(api, second["code"])).status == HTTPStatus.UNAUTHORIZED


@pytest.mark.usefixtures("ben")
async def test_a_password_that_is_refused_leaves_the_code_good(ada: Api, api: Api) -> None:
    code = (await begin(ada))["code"]

    assert (await finish(api, code, password="short")).status == HTTPStatus.BAD_REQUEST
    assert (await finish(api, code)).status == HTTPStatus.NO_CONTENT


@pytest.mark.usefixtures("ben")
async def test_of_two_who_use_a_code_at_once_one_wins(ada: Api, api: Api) -> None:
    code = (await begin(ada))["code"]

    replies = await asyncio.gather(*(finish(api, code, password=f"{NEW}-{number}") for number in range(2)))

    assert sorted(reply.status for reply in replies) == [HTTPStatus.NO_CONTENT, HTTPStatus.UNAUTHORIZED]


@pytest.mark.usefixtures("ben")
async def test_guesses_are_throttled_but_a_lost_password_that_was_tried_is_no_guess_at_the_code(
    ada: Api, api: Api
) -> None:
    code = (await begin(ada))["code"]
    for number in range(5):
        assert (await api.try_login("ben", f"wrong password {number}")).status == HTTPStatus.UNAUTHORIZED
    assert (await api.try_login("ben")).status == HTTPStatus.TOO_MANY_REQUESTS
    for number in range(5):
        assert (await finish(api, f"{number}")).status == HTTPStatus.UNAUTHORIZED

    assert (await finish(api, code)).status == HTTPStatus.TOO_MANY_REQUESTS


async def test_a_reset_turns_the_second_factor_off(ada: Api, api: Api, ben: Api, cairn: Cairn) -> None:
    def arm(tx: Any) -> None:
        tx.execute("UPDATE users SET totp_secret = x'00' WHERE name = 'ben'")
        tx.execute("INSERT INTO recovery_codes SELECT id, x'01' FROM users WHERE name = 'ben'")

    await cairn.database.write(arm, use=Use.FREES)

    await finish(api, (await begin(ada))["code"])

    left = await cairn.database.read(
        lambda tx: tx.one("SELECT totp_secret, (SELECT count(*) FROM recovery_codes) FROM users WHERE name = 'ben'")
    )
    assert left is not None
    assert tuple(left) == (None, 0)


async def test_a_disabled_account_takes_the_password_and_stays_disabled(ada: Api, api: Api, ben: Api) -> None:
    await ada.call("PATCH", "/api/v1/users/ben", json={"disabled": True})

    assert (await finish(api, (await begin(ada))["code"])).status == HTTPStatus.NO_CONTENT

    assert (await api.try_login("ben", NEW)).status == HTTPStatus.UNAUTHORIZED
    await ada.call("PATCH", "/api/v1/users/ben", json={"disabled": False})
    assert (await api.try_login("ben", NEW)).status == HTTPStatus.CREATED


@pytest.mark.usefixtures("ben")
async def test_the_database_holds_no_code(ada: Api, cairn: Cairn) -> None:
    code = (await begin(ada))["code"]

    dump = await cairn.database.read(lambda tx: [tuple(row) for row in tx.all("SELECT * FROM resets")])
    assert code not in repr(dump)
    assert len(code.replace("-", "")) == 20


@pytest.mark.parametrize("loss", ["disabled", "demoted", "deleted"])
@pytest.mark.usefixtures("ben")
async def test_a_code_ends_with_the_right_of_whoever_made_it(ada: Api, api: Api, loss: str) -> None:
    await ada.post("/api/v1/users", {"username": "eve", "password": PASSWORD, "is_admin": True})
    code = (await begin(await api.log_in("eve")))["code"]

    if loss == "deleted":
        ended = await ada.call("DELETE", "/api/v1/users/eve?files=delete")
    else:
        change = {"disabled": True} if loss == "disabled" else {"is_admin": False}
        ended = await ada.call("PATCH", "/api/v1/users/eve", json=change)
    assert ended.status < HTTPStatus.BAD_REQUEST, ended.body

    assert (await finish(api, code)).status == HTTPStatus.UNAUTHORIZED
    assert (await api.try_login("ben")).status == HTTPStatus.CREATED


@pytest.mark.usefixtures("ben")
async def test_a_code_of_the_machine_itself_has_no_maker_and_stays_good(api: Api, cairn: Cairn) -> None:
    code = (await cairn.services.resets.begin("ben", by=None)).code

    assert (await finish(api, code)).status == HTTPStatus.NO_CONTENT


@pytest.mark.parametrize("way", ["by its holder", "on the machine"])
async def test_a_changed_password_ends_a_code_that_was_made_before(
    ada: Api, api: Api, ben: Api, cairn: Cairn, way: str
) -> None:
    code = (await begin(ada))["code"]

    if way == "by its holder":
        changed = await ben.post("/api/v1/password", {"current": PASSWORD, "new": NEW})
        assert changed.status == HTTPStatus.NO_CONTENT, changed.body
    else:
        await cairn.services.accounts.set_password("ben", NEW)

    assert (await finish(api, code, password="a-third-kettle-harbour")).status == HTTPStatus.UNAUTHORIZED
    assert (await api.try_login("ben", NEW)).status == HTTPStatus.CREATED
