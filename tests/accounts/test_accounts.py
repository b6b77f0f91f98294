import hashlib
from http import HTTPStatus

import pytest

from app.application import Cairn
from app.errors import ForbiddenError, InvalidRequestError, NameTakenError, NotFoundError
from app.repositories import uploads
from tests.accounts.api import ADMIN, PASSWORD, Api, disable_the_last_admin

pytestmark = pytest.mark.usefixtures("admin")

CHUNK = b"a chunk of an upload that is never finished"


async def open_upload(device: Api) -> str:
    """Request an upload and return the URL of its one chunk."""
    sha256 = hashlib.sha256(CHUNK).hexdigest()
    body = {"path": "/a.txt", "size": len(CHUNK), "chunks": [{"sha256": sha256, "size": len(CHUNK)}]}
    reply = await device.post("/api/v1/uploadRequest", body)
    assert reply.status == HTTPStatus.CREATED, reply.body
    return str(reply.json["chunks"][0]["url"])


async def test_two_names_that_fold_alike_are_one(cairn: Cairn) -> None:
    with pytest.raises(NameTakenError):
        await cairn.services.accounts.create(ADMIN.upper(), PASSWORD)


@pytest.mark.parametrize("password", ["short", "qwertyuiop", "benedict.c", "x" * 257])
async def test_a_bad_password_makes_no_account(cairn: Cairn, password: str) -> None:
    with pytest.raises(InvalidRequestError):
        await cairn.services.accounts.create("benedict.c", password)

    assert [account.user.name for account in await cairn.services.accounts.list_page(after="", limit=10)] == [ADMIN]


@pytest.mark.parametrize("quota", [-1, 2**53 + 1])
async def test_a_quota_out_of_range_is_refused(cairn: Cairn, quota: int) -> None:
    with pytest.raises(InvalidRequestError):
        await cairn.services.accounts.create("ben", PASSWORD, quota=quota)
    with pytest.raises(InvalidRequestError):
        await cairn.services.accounts.set_quota(ADMIN, quota)


async def test_accounts_are_listed_by_name_in_pages(cairn: Cairn) -> None:
    accounts = cairn.services.accounts
    for name in ("Zoe", "ben", "Carl"):
        await accounts.create(name, PASSWORD)

    first = await accounts.list_page(after="", limit=3)
    second = await accounts.list_page(after=first[-1].user.name, limit=3)

    assert [[account.user.name for account in page] for page in (first, second)] == [["ada", "ben", "Carl"], ["Zoe"]]


async def test_disabling_ends_devices_logins_and_open_uploads_at_once(api: Api, cairn: Cairn) -> None:
    await cairn.services.accounts.create("ben", PASSWORD)
    ben = await api.log_in("ben")
    url = await open_upload(ben)

    await cairn.services.accounts.disable("ben")

    assert (await ben.get("/api/v1/me")).status == HTTPStatus.UNAUTHORIZED
    assert (await api.try_login("ben")).status == HTTPStatus.UNAUTHORIZED
    put = await api.call("PUT", url, data=CHUNK)
    assert (put.status, put.code) == (HTTPStatus.FORBIDDEN, "forbidden")


async def test_disabling_gives_back_what_open_uploads_had_reserved(api: Api, cairn: Cairn) -> None:
    user = await cairn.services.accounts.create("ben", PASSWORD)
    await open_upload(await api.log_in("ben"))
    assert await cairn.database.read(lambda tx: uploads.usage_of_user(tx, user.id)) == (1, len(CHUNK))

    await cairn.services.accounts.disable("ben")

    assert await cairn.database.read(lambda tx: uploads.usage_of_user(tx, user.id)) == (0, 0)
    row = await cairn.database.read(lambda tx: tx.one("SELECT sum(reserved) FROM spaces"))
    assert row is not None
    assert row[0] == 0


async def test_an_enabled_user_logs_in_anew_and_old_tokens_stay_dead(api: Api, cairn: Cairn) -> None:
    await cairn.services.accounts.create("ben", PASSWORD)
    ben = await api.log_in("ben")
    await cairn.services.accounts.disable("ben")
    assert (await api.try_login("ben")).status == HTTPStatus.UNAUTHORIZED

    await cairn.services.accounts.enable("ben")

    assert (await ben.get("/api/v1/me")).status == HTTPStatus.UNAUTHORIZED
    assert (await api.try_login("ben")).status == HTTPStatus.CREATED


async def test_a_new_password_ends_the_devices(api: Api, cairn: Cairn) -> None:
    device = await api.log_in()

    await cairn.services.accounts.set_password(ADMIN, "another-kettle-harbour")

    assert (await device.get("/api/v1/me")).status == HTTPStatus.UNAUTHORIZED
    assert (await api.try_login()).status == HTTPStatus.UNAUTHORIZED
    assert (await api.try_login(password="another-kettle-harbour")).status == HTTPStatus.CREATED


async def test_a_new_password_can_leave_the_devices_logged_in(api: Api, cairn: Cairn) -> None:
    device = await api.log_in()

    await cairn.services.accounts.set_password(ADMIN, "another-kettle-harbour", keep_devices=True)

    assert (await device.get("/api/v1/me")).status == HTTPStatus.OK
    assert (await api.try_login()).status == HTTPStatus.UNAUTHORIZED


async def test_one_users_end_is_not_anothers(api: Api, cairn: Cairn) -> None:
    await cairn.services.accounts.create("ben", PASSWORD)
    ada = await api.log_in()
    url = await open_upload(ada)

    await cairn.services.accounts.disable("ben")

    assert (await ada.get("/api/v1/me")).status == HTTPStatus.OK
    assert (await api.call("PUT", url, data=CHUNK)).status == HTTPStatus.NO_CONTENT


async def test_the_last_enabled_admin_stays_enabled(api: Api, cairn: Cairn) -> None:
    ada = await api.log_in()

    with pytest.raises(ForbiddenError, match="last enabled admin"):
        await cairn.services.accounts.disable(ADMIN)

    assert (await ada.get("/api/v1/me")).status == HTTPStatus.OK


async def test_without_an_enabled_admin_the_server_serves_nothing_until_there_is_one(api: Api, cairn: Cairn) -> None:
    await cairn.services.accounts.create("ben", PASSWORD)
    ben = await api.log_in("ben")

    await disable_the_last_admin(cairn)
    closed = await ben.get("/api/v1/me")
    await cairn.services.accounts.enable(ADMIN)

    assert (closed.status, closed.code) == (HTTPStatus.SERVICE_UNAVAILABLE, "unavailable")
    assert (await ben.get("/api/v1/me")).status == HTTPStatus.OK


@pytest.mark.parametrize("call", ["disable", "enable"])
async def test_an_unknown_name_is_not_found(cairn: Cairn, call: str) -> None:
    with pytest.raises(NotFoundError):
        await getattr(cairn.services.accounts, call)("nobody")
    with pytest.raises(NotFoundError):
        await cairn.services.accounts.set_password("nobody", PASSWORD)
    with pytest.raises(NotFoundError):
        await cairn.services.accounts.set_quota("nobody", 1)
