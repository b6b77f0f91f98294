import asyncio
from http import HTTPStatus
from pathlib import Path

import pytest

from app.application import Cairn
from app.auth.throttle import Throttle
from app.config import SettingsError
from app.errors import NotFoundError
from app.services.setup import LIFETIME_S, SetUpService
from tests.accounts.api import ADMIN, PASSWORD, Api, disable_the_last_admin

OTHER = "another-kettle-harbour"


@pytest.fixture
async def address(cairn: Cairn) -> str:
    """The one-time path that the server would print."""
    path = await cairn.services.setup.start({})
    assert path is not None
    return path


async def names(cairn: Cairn) -> list[str]:
    return [account.user.name for account in await cairn.services.accounts.list_page(after="", limit=10)]


async def test_before_there_is_an_admin_nothing_is_served_but_health_set_up_and_its_assets(
    api: Api, address: str, cairn: Cairn
) -> None:
    for path in ("/healthz", "/readyz", address, f"/static/{cairn.services.pages.build}/css/page.css"):
        assert (await api.get(path)).status == HTTPStatus.OK, path
    for path in ("/", "/api/v1/me", "/api/v1/files/root", "/nowhere", "/setup", "/chunks/00"):
        reply = await api.get(path)
        assert (reply.status, reply.code) == (HTTPStatus.SERVICE_UNAVAILABLE, "unavailable"), path
    assert (await api.get("/dav/")).status == HTTPStatus.SERVICE_UNAVAILABLE
    assert (await api.try_login()).status == HTTPStatus.SERVICE_UNAVAILABLE


async def test_the_address_makes_the_first_admin_and_dies(api: Api, address: str) -> None:
    reply = await api.post(address, {"username": ADMIN, "password": PASSWORD})

    assert (reply.status, reply.json) == (HTTPStatus.CREATED, {"username": ADMIN})
    me = (await (await api.log_in()).get("/api/v1/me")).json
    assert me["user"]["is_admin"] is True
    assert (await api.get("/")).status == HTTPStatus.OK
    for method in ("GET", "POST"):
        again = await api.call(method, address, json={"username": "mallory", "password": OTHER})
        assert (again.status, again.code) == (HTTPStatus.NOT_FOUND, "not_found")


async def test_the_page_has_a_form_that_makes_the_first_admin(api: Api, address: str, cairn: Cairn) -> None:
    page = await api.get(address)
    form = {"username": ADMIN, "password": PASSWORD, "password_again": PASSWORD}

    done = await api.call("POST", address, data=form)

    assert b'name="username"' in page.body
    assert page.body.count(b'type="password"') == 2
    assert done.status == HTTPStatus.CREATED
    assert b'href="../"' in done.body
    assert await names(cairn) == [ADMIN]


@pytest.mark.parametrize(
    ("form", "complaint"),
    [
        ({"username": ADMIN, "password": "short"}, "at least 10"),
        ({"username": ADMIN, "password": "qwertyuiop"}, "commonest"),
        ({"username": "a b", "password": PASSWORD}, "A user name has"),
        ({"username": ADMIN, "password": PASSWORD, "password_again": OTHER}, "passwords differ"),
    ],
)
async def test_a_refused_form_comes_back_with_the_reason_and_the_address_stays_good(
    api: Api, address: str, form: dict[str, str], complaint: str
) -> None:
    reply = await api.call("POST", address, data=form)

    assert reply.status == HTTPStatus.BAD_REQUEST
    assert complaint in reply.body.decode()
    assert f'value="{form["username"]}"' in reply.body.decode()
    assert form["password"] not in reply.body.decode()
    assert (await api.post(address, {"username": ADMIN, "password": PASSWORD})).status == HTTPStatus.CREATED


@pytest.mark.parametrize(
    ("data", "content_type", "status"),
    [
        (b"username=ada", "application/x-www-form-urlencoded", 400),
        (b"username=ada&password=%ff%ff%ff", "application/x-www-form-urlencoded", 400),
        (b"username=ada&password=violet-harbour-kettle-42&is_admin=1", "application/x-www-form-urlencoded", 400),
        (b"a=1&" * 1000, "application/x-www-form-urlencoded", 400),
        (b"x" * (1024 * 1024 + 1), "application/x-www-form-urlencoded", 413),
        (b"\xff", "application/json", 400),
        (b'{"username": "ada"}', "application/json", 400),
        (b'{"username": "ada", "password": "short"}', "application/json", 400),
        (b"username=ada", "text/plain", 415),
        (b"--x--", "multipart/form-data; boundary=x", 415),
    ],
)
async def test_a_malformed_set_up_makes_nobody(
    api: Api, address: str, cairn: Cairn, data: bytes, content_type: str, status: int
) -> None:
    reply = await api.call("POST", address, data=data, headers={"Content-Type": content_type})

    assert reply.status == status
    assert await names(cairn) == []


async def test_two_set_ups_at_once_make_one_admin(api: Api, address: str, cairn: Cairn) -> None:
    replies = await asyncio.gather(
        *(api.post(address, {"username": name, "password": PASSWORD}) for name in ("ada", "mallory"))
    )

    assert sorted(reply.status for reply in replies) == [HTTPStatus.CREATED, HTTPStatus.NOT_FOUND]
    winner = next(reply for reply in replies if reply.status == HTTPStatus.CREATED)
    assert await names(cairn) == [winner.json["username"]]


@pytest.mark.parametrize("token", ["x", "A" * 22, "%00", "a%2Fb", "..%2f..", "\u00e9"])
async def test_a_wrong_token_is_404(api: Api, address: str, token: str) -> None:
    reply = await api.get(f"/setup/{token}")

    assert (reply.status, reply.code) == (HTTPStatus.NOT_FOUND, "not_found")


async def test_a_wrong_token_is_404_whatever_is_sent_with_it(api: Api, address: str) -> None:
    for data in (b"\xff", b"x" * (1024 * 1024 + 1)):
        assert (await api.call("POST", "/setup/guess", data=data)).status == HTTPStatus.NOT_FOUND


async def test_guessing_at_the_token_is_throttled(api: Api, address: str) -> None:
    statuses = [(await api.get(f"/setup/guess{number}")).status for number in range(6)]

    assert statuses == [HTTPStatus.NOT_FOUND] * 5 + [HTTPStatus.TOO_MANY_REQUESTS]


async def test_the_token_has_128_bits_and_is_another_at_each_start(cairn: Cairn) -> None:
    addresses = {await cairn.services.setup.start({}) for _ in range(20)}

    assert len(addresses) == 20
    assert {len(path or "") for path in addresses} == {len("/setup/") + 22}


async def test_an_older_token_is_dead_after_a_new_start(api: Api, address: str, cairn: Cairn) -> None:
    newer = await cairn.services.setup.start({})

    assert (await api.get(address)).status == HTTPStatus.NOT_FOUND
    assert (await api.get(str(newer))).status == HTTPStatus.OK


async def test_the_token_dies_after_a_day(cairn: Cairn) -> None:
    now_s = 5.0
    setup = SetUpService(cairn.services.accounts, Throttle(lambda: now_s), clock_s=lambda: now_s)
    token = str(await setup.start({})).rpartition("/")[2]

    now_s += LIFETIME_S - 1
    setup.check(token, "192.0.2.1")
    now_s += 1

    with pytest.raises(NotFoundError):
        setup.check(token, "192.0.2.1")
    with pytest.raises(NotFoundError):
        await setup.complete(token, ADMIN, PASSWORD, "192.0.2.1")


async def test_the_environment_names_the_first_admin(api: Api, cairn: Cairn) -> None:
    address = await cairn.services.setup.start({"CAIRN_ADMIN_USER": ADMIN, "CAIRN_ADMIN_PASSWORD": PASSWORD})

    assert address is None
    assert (await (await api.log_in()).get("/api/v1/me")).json["user"]["is_admin"] is True


@pytest.mark.parametrize("ending", ["", "\n", "\r\n"])
async def test_the_password_may_stand_in_a_file_with_or_without_a_line_end(
    api: Api, cairn: Cairn, tmp_path: Path, ending: str
) -> None:
    secret = tmp_path / "password"
    secret.write_bytes((PASSWORD + ending).encode())

    await cairn.services.setup.start({"CAIRN_ADMIN_USER": ADMIN, "CAIRN_ADMIN_PASSWORD_FILE": str(secret)})

    assert (await api.try_login()).status == HTTPStatus.CREATED


async def test_the_environment_has_no_effect_once_there_is_an_admin(api: Api, cairn: Cairn) -> None:
    await cairn.services.setup.start({"CAIRN_ADMIN_USER": ADMIN, "CAIRN_ADMIN_PASSWORD": PASSWORD})

    for environ in (
        {"CAIRN_ADMIN_USER": ADMIN, "CAIRN_ADMIN_PASSWORD": OTHER},
        {"CAIRN_ADMIN_USER": "mallory", "CAIRN_ADMIN_PASSWORD": OTHER},
        {"CAIRN_ADMIN_USER": "mallory", "CAIRN_ADMIN_PASSWORD_FILE": "/nowhere"},
        {"CAIRN_ADMIN_USER": "mallory"},
    ):
        assert await cairn.services.setup.start(environ) is None

    assert await names(cairn) == [ADMIN]
    assert (await api.try_login()).status == HTTPStatus.CREATED


@pytest.mark.parametrize(
    ("environ", "sentence"),
    [
        ({"CAIRN_ADMIN_USER": ADMIN}, "needs CAIRN_ADMIN_PASSWORD or CAIRN_ADMIN_PASSWORD_FILE"),
        ({"CAIRN_ADMIN_USER": ADMIN, "CAIRN_ADMIN_PASSWORD": "short"}, "at least 10 characters"),
        ({"CAIRN_ADMIN_USER": "a b", "CAIRN_ADMIN_PASSWORD": PASSWORD}, "A user name has"),
        ({"CAIRN_ADMIN_USER": ADMIN, "CAIRN_ADMIN_PASSWORD_FILE": "/nowhere"}, "/nowhere cannot be read"),
    ],
)
async def test_an_environment_that_cannot_make_an_admin_stops_the_start(
    cairn: Cairn, environ: dict[str, str], sentence: str
) -> None:
    with pytest.raises(SettingsError, match=sentence):
        await cairn.services.setup.start(environ)


async def test_a_disabled_admin_named_in_the_environment_leaves_the_set_up_page(api: Api, cairn: Cairn) -> None:
    environ = {"CAIRN_ADMIN_USER": ADMIN, "CAIRN_ADMIN_PASSWORD": PASSWORD}
    await cairn.services.setup.start(environ)
    await disable_the_last_admin(cairn)

    address = await cairn.services.setup.start(environ)

    assert (await api.post(str(address), {"username": "ben", "password": PASSWORD})).status == HTTPStatus.CREATED
    assert (await api.try_login()).status == HTTPStatus.UNAUTHORIZED


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", ""])
async def test_a_foreign_host_reaches_neither_set_up_nor_login(api: Api, address: str, host: str) -> None:
    for call in (
        api.get(address, headers={"Host": host}),
        api.post(
            "/api/v1/login", {"username": ADMIN, "password": PASSWORD, "device_name": "d"}, headers={"Host": host}
        ),
    ):
        reply = await call
        assert (reply.status, reply.code) == (HTTPStatus.MISDIRECTED_REQUEST, "misdirected")
