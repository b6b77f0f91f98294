"""An invitation is a link that makes one account, once (security.md, A5, P5, T1)."""

import asyncio
from http import HTTPStatus
from typing import Any

import pytest

from app.application import Cairn
from app.db.database import Use
from tests.accounts.api import ADMIN, PASSWORD, Api, Reply
from tests.api.people import NONSENSE_ID

INVITATIONS = "/api/v1/invitations"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.fixture
async def ada(api: Api, admin: object) -> Api:
    """The first admin's device."""
    return await api.log_in()


async def invite(ada: Api, **terms: Any) -> Any:
    reply = await ada.post(INVITATIONS, terms)
    assert reply.status == HTTPStatus.CREATED, reply.body
    return reply.json


async def accept(guest: Api, url: str, name: str | None = "ben") -> Reply:
    body = {"password": PASSWORD} if name is None else {"username": name, "password": PASSWORD}
    return await guest.post(f"/api/v1{url}", body)


@pytest.fixture
async def url(ada: Api) -> str:
    """A link without special terms."""
    return str((await invite(ada))["url"])


async def test_a_guest_sees_the_terms_and_gets_what_they_say(ada: Api, api: Api) -> None:
    made = await invite(ada, quota=5000, is_admin=True, days=2)

    terms = await api.get(f"/api/v1{made['url']}")
    reply = await accept(api, made["url"])

    assert terms.json == {
        "server_name": "Cairn",
        "username": None,
        "is_admin": True,
        "quota": 5000,
        "expires_ms": made["expires_ms"],
    }
    assert reply.status == HTTPStatus.CREATED
    account = (await ada.get("/api/v1/users/ben")).json
    assert (account["is_admin"], account["quota"]) == (True, 5000)
    assert (await api.try_login("ben")).status == HTTPStatus.CREATED


async def test_a_link_works_once(api: Api, url: str) -> None:
    assert (await accept(api, url)).status == HTTPStatus.CREATED

    again = await accept(api, url, "carl")

    assert (again.status, again.code) == (HTTPStatus.NOT_FOUND, "not_found")
    assert (await api.get(f"/api/v1{url}")).status == HTTPStatus.NOT_FOUND
    assert (await api.get(url)).status == HTTPStatus.NOT_FOUND


async def test_of_guests_who_accept_at_once_one_wins(ada: Api, api: Api, url: str) -> None:
    names = [f"guest{number}" for number in range(4)]

    replies = await asyncio.gather(*(accept(api, url, name) for name in names))

    assert sorted(reply.status for reply in replies) == [HTTPStatus.CREATED] + [HTTPStatus.NOT_FOUND] * 3
    assert len((await ada.get("/api/v1/users")).json["items"]) == 2


@pytest.mark.parametrize("body", [{"username": "a b"}, {"password": "short"}, {"quota": 9}, {"is_admin": True}])
async def test_what_cannot_be_leaves_the_link_good(api: Api, url: str, body: dict[str, object]) -> None:
    refused = await api.post(f"/api/v1{url}", {"username": "ben", "password": PASSWORD, **body})

    assert refused.status == HTTPStatus.BAD_REQUEST
    assert (await accept(api, url)).status == HTTPStatus.CREATED


async def test_a_name_that_is_taken_leaves_the_link_good(api: Api, url: str) -> None:
    refused = await accept(api, url, ADMIN.upper())

    assert (refused.status, refused.code) == (HTTPStatus.CONFLICT, "name_taken")
    assert (await accept(api, url)).status == HTTPStatus.CREATED


async def test_a_name_that_the_invitation_fixes_is_the_only_one(ada: Api, api: Api) -> None:
    url = (await invite(ada, username="ben"))["url"]

    assert (await accept(api, url, "carl")).status == HTTPStatus.BAD_REQUEST
    assert (await accept(api, url, None)).json["username"] == "ben"


async def test_a_link_that_was_revoked_or_is_over_makes_nothing(ada: Api, api: Api, cairn: Cairn) -> None:
    first, second = await invite(ada), await invite(ada)
    listed = await ada.get(INVITATIONS)

    assert (await ada.delete(f"{INVITATIONS}/{first['invitation_id']}")).status == HTTPStatus.NO_CONTENT
    await cairn.database.write(lambda tx: tx.execute("UPDATE invitations SET expires_ms = 1"), use=Use.FREES)

    assert [item["invitation_id"] for item in listed.json["items"]] == [i["invitation_id"] for i in (first, second)]
    assert [item["made_by"] for item in listed.json["items"]] == [ADMIN] * 2
    assert (await ada.get(INVITATIONS)).json == {"items": [], "next": None}
    for made in (first, second):
        assert (await accept(api, made["url"])).status == HTTPStatus.NOT_FOUND
    await cairn.services.invitations.forget_expired()
    assert (await ada.delete(f"{INVITATIONS}/{second['invitation_id']}")).status == HTTPStatus.NOT_FOUND
    assert (await ada.delete(f"{INVITATIONS}/{NONSENSE_ID}")).status == HTTPStatus.NOT_FOUND


@pytest.mark.parametrize("loss", [{"is_admin": False}, {"disabled": True}])
async def test_a_link_dies_with_its_makers_right(ada: Api, api: Api, loss: dict[str, object]) -> None:
    await ada.post("/api/v1/users", {"username": "eve", "password": PASSWORD, "is_admin": True})
    url = (await invite(await api.log_in("eve")))["url"]

    await ada.call("PATCH", "/api/v1/users/eve", json=loss)

    assert (await accept(api, url)).status == HTTPStatus.NOT_FOUND
    await ada.call("PATCH", "/api/v1/users/eve", json={"is_admin": True, "disabled": False})
    assert (await accept(api, url)).status == HTTPStatus.CREATED


async def test_the_database_holds_no_secret_of_a_link(cairn: Cairn, url: str) -> None:
    dump = await cairn.database.read(lambda tx: [tuple(row) for row in tx.all("SELECT * FROM invitations")])

    secret = url.rpartition("/")[2][21:]
    assert len(secret) == 22
    assert secret not in repr(dump)


async def test_guesses_are_throttled_and_hold_up_no_other_link(api: Api, url: str) -> None:
    known = url[: -len("x" * 22)]
    for number in range(5):
        assert (await api.get(f"/api/v1{known}{number:022}")).status == HTTPStatus.NOT_FOUND

    assert (await api.get(f"/api/v1{url}")).status == HTTPStatus.TOO_MANY_REQUESTS
    assert (await api.get(f"/api/v1/invite/{NONSENSE_ID}{'x' * 22}")).status == HTTPStatus.NOT_FOUND


async def test_the_page_makes_the_account_without_script(api: Api, url: str) -> None:
    form = await api.get(url)
    data = f"username=ben&password={PASSWORD}&password_again="
    differing = await api.call("POST", url, data=f"{data}other".encode(), headers=FORM)
    done = await api.call("POST", url, data=f"{data}{PASSWORD}".encode(), headers=FORM)

    assert b"<form" in form.body
    assert b'name="username"' in form.body
    assert (differing.status, b"The two passwords differ." in differing.body) == (HTTPStatus.BAD_REQUEST, True)
    assert (done.status, b"<strong>ben</strong>" in done.body) == (HTTPStatus.CREATED, True)
    assert (await api.try_login("ben")).status == HTTPStatus.CREATED


async def test_the_page_of_a_fixed_name_lets_nobody_change_it(ada: Api, api: Api) -> None:
    url = (await invite(ada, username="ben"))["url"]

    page = (await api.get(url)).body.decode()

    assert 'value="ben"' in page
    assert "readonly" in page
