"""Passwords from the internet without TLS are refused, from everywhere else they are taken (security.md, E1)."""

from base64 import b64encode
from dataclasses import replace
from http import HTTPStatus

import pytest

from app.application import Cairn
from app.config import Server, Settings, Tls
from tests.accounts.api import ADMIN, PASSWORD, Api
from tests.accounts.browser import Browser

pytestmark = pytest.mark.usefixtures("admin")

HOME = ("127.0.0.1", "10.1.2.3", "172.20.0.9", "192.168.0.4", "169.254.3.3", "100.64.1.1", "fd00::1", "fe80::1%eth0")
INTERNET = ("8.8.8.8", "172.32.0.1", "100.128.0.1", "2a00:1450::1", "::ffff:8.8.8.8")
BASIC = "Basic " + b64encode(f"{ADMIN}:{PASSWORD}".encode()).decode()


@pytest.fixture
def settings() -> Settings:
    return Settings(server=Server(trusted_proxies=("127.0.0.1",)))


async def log_in(api: Api, address: str, **headers: str) -> HTTPStatus:
    body = {"username": ADMIN, "password": PASSWORD, "device_name": "test"}
    reply = await api.post("/api/v1/login", body, headers={"X-Forwarded-For": address, **headers})
    return HTTPStatus(reply.status)


@pytest.mark.parametrize("address", HOME)
async def test_a_password_from_the_own_network_is_taken(api: Api, address: str) -> None:
    assert await log_in(api, address) == HTTPStatus.CREATED


@pytest.mark.parametrize("address", INTERNET)
async def test_a_password_from_the_internet_is_taken_over_tls_alone(api: Api, address: str) -> None:
    assert await log_in(api, address) == HTTPStatus.FORBIDDEN
    assert await log_in(api, address, **{"X-Forwarded-Proto": "http"}) == HTTPStatus.FORBIDDEN
    assert await log_in(api, address, **{"X-Forwarded-Proto": "https"}) == HTTPStatus.CREATED


async def test_no_door_takes_one_and_a_token_goes_on(api: Api, cairn: Cairn) -> None:
    outside = {"X-Forwarded-For": "8.8.8.8"}
    ada = await api.log_in()
    doors = [
        await Browser(api, **outside).sign_in(),
        await api.call("PROPFIND", "/dav/", headers={**outside, "Authorization": BASIC, "Depth": "0"}),
        await ada.post("/api/v1/reauth", {"password": PASSWORD}, headers=outside),
        await api.get("/invite/guess", headers=outside),
    ]

    assert [door.status for door in doors] == [HTTPStatus.FORBIDDEN] * 4
    assert (await ada.get("/api/v1/me", headers=outside)).status == HTTPStatus.OK
    missing = [notice.missing for notice in cairn.services.surroundings.notices()]
    assert missing == ["tls_from_outside", "proxy_silent", "public_url"]


class TestWhereTheOperatorWantsIt:
    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        return replace(settings, tls=Tls(open_passwords=True))

    async def test_a_password_from_the_internet_is_taken(self, api: Api) -> None:
        assert await log_in(api, "8.8.8.8") == HTTPStatus.CREATED


class TestBehindAProxyThatNobodyNamed:
    @pytest.fixture
    def settings(self) -> Settings:
        return Settings(server=Server(host="0.0.0.0"))  # noqa: S104 - nothing listens there

    async def test_its_operator_is_told_what_to_set(self, api: Api, cairn: Cairn) -> None:
        before = [notice.missing for notice in cairn.services.surroundings.notices()]
        ada = await api.log_in()
        await ada.get("/api/v1/me", headers={"X-Forwarded-For": "8.8.8.8"})

        told = (await ada.get("/api/v1/server")).json["notices"]

        assert before == ["tls"]
        assert told == [{"missing": "proxy_unnamed", "about": "127.0.0.1"}, {"missing": "public_url", "about": ""}]
