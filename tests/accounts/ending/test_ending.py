"""Nothing that a disabled, deleted, reset or signed out user holds works a second later (security.md, S3)."""

import asyncio
from collections.abc import Awaitable, Callable
from http import HTTPStatus

import pytest

from tests.accounts.api import PASSWORD, Reply
from tests.api.conftest import Running
from tests.api.people import MIB, Person, noise
from tests.api.wire import connected, eventually, head

SOON_S = 40.0
"""Half a second and what a busy machine adds; the calls would go on for a minute."""
End = Callable[[Running], Awaitable[None]]


async def disable(server: Running) -> None:
    await server.cairn.services.accounts.disable("bob")


async def delete(server: Running) -> None:
    await server.cairn.services.removal.delete("bob", heir=None, by=None)


async def reset(server: Running) -> None:
    code = (await server.cairn.services.resets.begin("bob", by=None)).code
    await server.cairn.services.resets.finish("bob", code, "another-kettle-harbour", "192.0.2.1")


async def sign_out(server: Running) -> None:
    await server.cairn.services.accounts.sign_out("bob")


@pytest.fixture(params=[disable, delete, reset, sign_out])
def end(request: pytest.FixtureRequest) -> End:
    """One way in which all ends that a user holds."""
    found: End = request.param
    return found


async def wait_for_waiters(server: Running, count: int) -> None:
    async def holds() -> bool:
        return server.cairn.services.feed.waiting_now == count

    await eventually(holds)


async def test_a_hanging_sync_returns_and_nobody_elses_does(
    server: Running, ada: Person, bob: Person, end: End
) -> None:
    async def poll(person: Person) -> Reply:
        cursor = (await person.get("/api/v1/sync")).json["cursor"]
        return await person.get("/api/v1/sync", params={"cursor": cursor, "wait": "60"})

    async with asyncio.TaskGroup() as group:
        his, hers = group.create_task(poll(bob)), group.create_task(poll(ada))
        await wait_for_waiters(server, 2)

        await end(server)

        reply = await asyncio.wait_for(his, SOON_S)
        assert (reply.status, reply.code) == (HTTPStatus.UNAUTHORIZED, "unauthenticated")
        assert not hers.done()
        hers.cancel()


async def test_a_stream_of_events_ends(server: Running, bob: Person, end: End) -> None:
    headers = {"Authorization": f"Bearer {bob.token}"}
    async with bob.client.get("/api/v1/events", headers=headers) as stream:
        await wait_for_waiters(server, 1)

        await end(server)

        told = await asyncio.wait_for(stream.read(), SOON_S)

    assert b"event: change" not in told


async def test_an_open_upload_takes_no_byte_more(server: Running, bob: Person, end: End) -> None:
    content = noise(1000)
    upload = await bob.open_upload("/f", content)

    await end(server)

    put = await bob.send(upload["chunks"][0]["url"], content)
    assert (put.status, put.code) == (HTTPStatus.FORBIDDEN, "forbidden")
    assert (await bob.commit(upload["upload_id"])).status == HTTPStatus.UNAUTHORIZED


async def test_a_download_under_way_is_cut_off(server: Running, bob: Person, end: End) -> None:
    size = 24 * MIB
    reply = await bob.put("/big", noise(MIB) * 24)
    async with connected(server.port) as line:
        await line.send(head("GET", f"/api/v1/files/{reply.json['file_id']}/content", bob))
        assert b"200 OK" in await line.head()

        await end(server)

        await asyncio.wait_for(eventually(lambda: _none_is_under_way(server)), SOON_S)
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await line.reader.readexactly(size)


async def test_a_body_that_was_still_coming_changes_nothing(server: Running, bob: Person, end: End) -> None:
    body = b'{"path": "/late"}'
    async with connected(server.port) as line:
        sent = head("POST", "/api/v1/folders", bob, Content_Length=str(len(body)), Content_Type="application/json")
        await line.send(sent + body[:5])
        await eventually(lambda: _is_under_way(server))

        await end(server)

        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await line.reader.readexactly(1)
    row = await server.cairn.database.read(lambda tx: tx.one("SELECT count(*) FROM nodes WHERE name = 'late'"))
    assert row is not None
    assert row[0] == 0


async def _is_under_way(server: Running) -> bool:
    return server.cairn.services.calls.count > 0


async def _none_is_under_way(server: Running) -> bool:
    return server.cairn.services.calls.count == 0


async def test_a_call_that_ends_its_own_credential_is_answered(server: Running, bob: Person) -> None:
    assert (await bob.post("/api/v1/logout")).status == HTTPStatus.NO_CONTENT
    assert server.cairn.services.calls.count == 0


@pytest.mark.parametrize("end", [disable, delete, reset])  # after a sign-out the same password lets one in again
async def test_a_login_under_way_gives_no_token_that_outlives_the_end(
    server: Running, stranger: Person, end: End
) -> None:
    before = _hash_runs(server)
    logins = [asyncio.create_task(stranger.try_login("bob", PASSWORD)) for _ in range(4)]
    await eventually(lambda: _hashes(server, before))

    await end(server)

    for reply in await asyncio.gather(*logins):
        assert reply.status in (HTTPStatus.CREATED, HTTPStatus.UNAUTHORIZED)
        if reply.status == HTTPStatus.CREATED:
            assert (await stranger.holding(reply.json["token"]).get("/api/v1/me")).status == HTTPStatus.UNAUTHORIZED


async def _hashes(server: Running, before: int) -> bool:
    return _hash_runs(server) > before


def _hash_runs(server: Running) -> int:
    return server.cairn.services.sign_in._hasher.runs  # noqa: SLF001 - the one thing that tells that a login is under way
