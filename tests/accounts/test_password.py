"""Changing one's own password (security.md, A1, A6, S3)."""

from http import HTTPStatus

import pytest

from app.application import Cairn
from tests.accounts.api import ADMIN, PASSWORD, Api
from tests.accounts.browser import Browser

NEW = "another-kettle-harbour"

pytestmark = pytest.mark.usefixtures("admin")


@pytest.mark.parametrize("end_devices", [None, True, False])
async def test_it_ends_all_other_sessions_and_devices_unless_told_and_keeps_the_caller(
    api: Api, *, end_devices: bool | None
) -> None:
    laptop, phone, browser = await api.log_in(), await api.log_in(), Browser(api)
    await browser.sign_in()
    app = (await laptop.post("/api/v1/app-passwords", {"name": "app"})).json["password"]
    assert (await api.holding(app).get("/api/v1/folders/root/children")).status == HTTPStatus.OK
    more = {} if end_devices is None else {"end_devices": end_devices}

    reply = await laptop.post("/api/v1/password", {"current": PASSWORD, "new": NEW, **more})

    assert reply.status == HTTPStatus.NO_CONTENT
    expected = HTTPStatus.OK if end_devices is False else HTTPStatus.UNAUTHORIZED
    assert (await laptop.get("/api/v1/me")).status == HTTPStatus.OK
    assert (await browser.call("GET", "/api/v1/me")).status == HTTPStatus.UNAUTHORIZED
    assert (await phone.get("/api/v1/me")).status == expected
    assert (await api.holding(app).get("/api/v1/folders/root/children")).status == expected
    assert (await api.try_login()).status == HTTPStatus.UNAUTHORIZED
    assert (await api.try_login(password=NEW)).status == HTTPStatus.CREATED


async def test_a_session_may_change_it_and_stays(api: Api) -> None:
    browser, other = Browser(api), Browser(api)
    await browser.sign_in()
    await other.sign_in()

    reply = await browser.call("POST", "/api/v1/password", json={"current": PASSWORD, "new": NEW})

    assert reply.status == HTTPStatus.NO_CONTENT
    assert (await browser.call("GET", "/api/v1/me")).status == HTTPStatus.OK
    assert (await other.call("GET", "/api/v1/me")).status == HTTPStatus.UNAUTHORIZED


async def test_what_is_remembered_of_those_who_stay_is_of_the_new_generation(api: Api, cairn: Cairn) -> None:
    laptop = await api.log_in()
    before = await cairn.services.authentication.actor_of(laptop.token or "")

    await laptop.post("/api/v1/password", {"current": PASSWORD, "new": NEW, "end_devices": False})

    after = await cairn.services.authentication.actor_of(laptop.token or "")
    assert (after.username, after.generation) == (ADMIN, before.generation + 1)
    assert after.proved_ms >= before.proved_ms


@pytest.mark.parametrize(
    ("current", "new", "status", "reason"),
    [
        ("wrong password", NEW, HTTPStatus.UNAUTHORIZED, None),
        (PASSWORD, "short", HTTPStatus.BAD_REQUEST, "password_short"),
        (PASSWORD, "password123", HTTPStatus.BAD_REQUEST, "password_common"),
        (PASSWORD, "x" * 300, HTTPStatus.BAD_REQUEST, "password_long"),
    ],
)
async def test_a_wrong_password_or_a_bad_new_one_changes_nothing(
    api: Api, current: str, new: str, status: HTTPStatus, reason: str | None
) -> None:
    laptop, other = await api.log_in(), await api.log_in()

    reply = await laptop.post("/api/v1/password", {"current": current, "new": new})

    assert (reply.status, reply.json.get("reason")) == (status, reason)
    assert (await other.get("/api/v1/me")).status == HTTPStatus.OK
    assert (await api.try_login()).status == HTTPStatus.CREATED
