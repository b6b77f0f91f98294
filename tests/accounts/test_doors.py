"""Every door at which a secret can be tried, and proof that one limiter stands before them all (security.md, T1)."""

from base64 import b64encode
from http import HTTPStatus

import msgspec
import pytest

from app.api.routes import Access
from app.api.shell import PLACES
from app.application import Cairn, route_table
from tests.accounts.api import ADMIN, PASSWORD, Api
from tests.accounts.browser import Browser

OPEN = {Access.ALWAYS, Access.PUBLIC, Access.SETUP}
WITH_A_SECRET = {
    ("POST", "/"),
    ("POST", "/reset"),
    ("POST", "/api/v1/login"),
    ("POST", "/api/v1/session"),
    ("POST", "/api/v1/reauth"),
    ("POST", "/api/v1/password"),
    ("POST", "/api/v1/totp/confirm"),
    ("POST", "/api/v1/totp/disable"),
    ("POST", "/api/v1/totp/recovery-codes"),
    ("GET", "/setup/{token}"),
    ("POST", "/setup/{token}"),
    ("GET", "/invite/{token}"),
    ("POST", "/invite/{token}"),
    ("GET", "/api/v1/invite/{token}"),
    ("POST", "/api/v1/invite/{token}"),
    ("POST", "/api/v1/reset"),
}
WITHOUT = {
    *(("GET", f"/{place}{below}") for place in PLACES for below in ("", "/{place}")),
    ("GET", "/"),
    ("GET", "/reset"),
    ("GET", "/manifest.webmanifest"),
    ("GET", "/service-worker.js"),
    ("GET", "/offline"),
    ("GET", "/.well-known/security.txt"),
    ("GET", "/favicon.ico"),
    ("GET", "/ca.crt"),
    ("GET", "/trust"),
    ("OPTIONS", "/"),
    ("GET", "/api/v1/openapi.json"),
    ("GET", "/healthz"),
    ("GET", "/readyz"),
    ("GET", "/static/{build}/{name}"),
}
SECRETS = {"password", "current", "totp", "code"}
SET_ONLY: set[tuple[str, str]] = {
    ("POST", "/api/v1/links"),
    ("PATCH", "/api/v1/links/{link_id}"),
    ("POST", "/api/v1/users"),
}
"""Calls that give something a password, and check none."""


def test_every_route_open_to_strangers_is_known_to_check_a_secret_or_to_need_none() -> None:
    for route in route_table():
        if route.access in OPEN:
            assert route.checks_secret == ((route.method, route.path) not in WITHOUT), route


def test_every_route_that_takes_a_secret_says_so() -> None:
    """So that the list of doors is complete: what is marked here is tried at the one throttle below."""
    marked = {(route.method, route.path) for route in route_table() if route.checks_secret}

    assert marked >= WITH_A_SECRET
    for route in route_table():
        kinds = [
            kind for kinds in (route.contract.body.content if route.contract.body else {}).values() for kind in kinds
        ]
        takes = {field.name for kind in kinds for field in msgspec.structs.fields(kind)} & SECRETS
        assert not takes or (route.method, route.path) in marked | SET_ONLY, route


@pytest.mark.usefixtures("admin")
async def test_a_network_that_failed_too_often_at_several_doors_is_shut_out_at_all(api: Api, cairn: Cairn) -> None:
    await cairn.services.accounts.create("ben", PASSWORD)
    ada, ben = await api.log_in(), await api.log_in("ben")
    browser = Browser(api)
    for number in range(9):
        assert (await api.try_login(f"user {number}", "wrong password")).status == HTTPStatus.UNAUTHORIZED
        reply = await browser.sign_in(f"guest {number}", "wrong password")
        assert reply.status == HTTPStatus.UNAUTHORIZED
        basic = {"Authorization": f"Basic {b64encode(f'app {number}:wrong'.encode()).decode()}"}
        assert (await api.get("/api/v1/files?path=/", headers=basic)).status == HTTPStatus.UNAUTHORIZED
    for path, body in (
        ("/api/v1/reauth", {"password": "wrong password 1"}),
        ("/api/v1/password", {"current": "wrong password 2", "new": "another-kettle-harbour"}),
    ):
        assert (await ben.post(path, body)).status == HTTPStatus.UNAUTHORIZED
    await ben.post("/api/v1/totp")
    assert (await ben.post("/api/v1/totp/confirm", {"code": "none"})).status == HTTPStatus.UNAUTHORIZED

    assert (await api.try_login()).status == HTTPStatus.TOO_MANY_REQUESTS
    assert (await ada.post("/api/v1/reauth", {"password": PASSWORD})).status == HTTPStatus.TOO_MANY_REQUESTS
    assert (await ada.get("/api/v1/me")).status == HTTPStatus.OK


async def test_guesses_at_the_set_up_address_count_at_both_its_methods_and_for_the_network(
    api: Api, cairn: Cairn
) -> None:
    address = str(await cairn.services.setup.start({}))
    for number in range(5):
        method = ("GET", "POST")[number % 2]
        assert (await api.call(method, f"/setup/guess{number}", json={})).status == HTTPStatus.NOT_FOUND

    for method in ("GET", "POST"):
        reply = await api.call(method, address, json={"username": ADMIN, "password": PASSWORD})
        assert reply.status == HTTPStatus.TOO_MANY_REQUESTS
        assert int(reply.headers["Retry-After"]) > 0
