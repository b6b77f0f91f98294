"""What one user's programs ask of WebDAV at once takes turns, and holds up nobody else (decision 0023).

Work is stopped in the middle by a lock on the database that the writer waits for: a change then keeps its turn.
"""

import asyncio
from contextlib import AsyncExitStack

import pytest

from app.application import WORK_AT_ONCE
from app.config import Limits, Settings
from tests.api.conftest import Running
from tests.api.people import Person
from tests.dav.conftest import Dav, Wire
from tests.hardening.test_flood import nothing_is_written, under_way

MOST = 8
MORE = MOST - 1
LOCKING = (
    b'<lockinfo xmlns="DAV:"><lockscope><exclusive/></lockscope><locktype><write/></locktype>'
    b"<owner>ada</owner></lockinfo>"
)
SETTING = b'<propertyupdate xmlns="DAV:"><set><prop><mine xmlns="urn:x">1</mine></prop></set></propertyupdate>'
SYNC = b'<sync-collection xmlns="DAV:"><sync-token/><sync-level>1</sync-level><prop><getetag/></prop></sync-collection>'
XML = {"Content-Type": "application/xml"}


@pytest.fixture
def settings() -> Settings:
    """Of a server that lets few requests of one user wait."""
    return Settings(limits=Limits(requests_per_user=MOST, free_disk_bytes=0, free_disk_percent=0))


async def ask(wire: Wire, dav: Dav, method: str, path: str, body: bytes = b"", **headers: str) -> None:
    """Ask, and wait for nothing."""
    await wire.send(dav.head(method, path, {"Content-Length": str(len(body)), **headers}) + body)


@pytest.mark.parametrize(
    ("method", "body", "headers"),
    [
        ("MKCOL", b"", {}),
        ("COPY", b"", {"Destination": "/dav/copied"}),
        ("MOVE", b"", {"Destination": "/dav/moved"}),
        ("DELETE", b"", {}),
        ("PROPPATCH", SETTING, XML),
        ("LOCK", LOCKING, XML),
        ("UNLOCK", b"", {}),
    ],
)
async def test_changes_take_turns(
    server: Running, dav: Dav, ada: Person, bob: Person, method: str, body: bytes, headers: dict[str, str]
) -> None:
    await ada.put("/f", b"f")
    if method == "UNLOCK":
        locked = await dav.call("LOCK", "/dav/f", LOCKING, **XML)
        headers = {"Lock-Token": locked.headers["lock-token"]}
    async with AsyncExitStack() as stack:
        wires = [await stack.enter_async_context(dav.connected()) for _ in range(WORK_AT_ONCE)]
        with nothing_is_written(server):
            for number, wire in enumerate(wires):
                await ask(wire, dav, method, "/dav/new" if method == "MKCOL" else "/dav/f", body, **headers)
                await under_way(server, number + 1)
            own = asyncio.ensure_future(ada.get("/api/v1/me"))
            await under_way(server, WORK_AT_ONCE + 1)

            others = [await bob.get("/api/v1/me") for _ in range(10)]

            assert [reply.status for reply in others] == [200] * 10
            assert not own.done()
        for wire in wires:
            await wire.answer(method)
        assert (await own).status == 200


@pytest.mark.parametrize(
    ("method", "path", "body", "headers"),
    [
        ("PROPFIND", "/dav/", b"", {"Depth": "1"}),
        ("PROPFIND", "/dav/@/", b"", {"Depth": "1"}),
        ("REPORT", "/dav/", SYNC, XML),
        ("PATCH", "/dav/f", b"", {"X-Recalculate-Hash": "sha1"}),
        ("GET", "/dav/", b"", {}),
        ("GET", "/dav/f", b"", {}),
    ],
)
async def test_what_reads_waits_behind_ones_own_work_and_not_behind_that_of_others(
    server: Running,
    dav: Dav,
    bob_dav: Dav,
    ada: Person,
    bob: Person,
    method: str,
    path: str,
    body: bytes,
    headers: dict[str, str],
) -> None:
    await ada.put("/f", b"f")
    await bob.put("/f", b"f")
    async with AsyncExitStack() as stack:
        wires = [await stack.enter_async_context(dav.connected()) for _ in range(WORK_AT_ONCE)]
        with nothing_is_written(server):
            for number, wire in enumerate(wires):
                await ask(wire, dav, "MKCOL", f"/dav/{number}")
                await under_way(server, number + 1)
            own = asyncio.ensure_future(dav.call(method, path, body, **headers))
            await under_way(server, WORK_AT_ONCE + 1)

            others = [await bob_dav.call(method, path, body, **headers) for _ in range(10)]

            assert {answer.status for answer in others} <= {200, 204, 207}
            assert not own.done()
        assert [(await wire.answer()).status for wire in wires] == [201] * WORK_AT_ONCE
        assert (await own).status == others[0].status


@pytest.mark.parametrize("method", ["PROPFIND", "PROPPATCH", "REPORT", "MKCOL", "LOCK", "PUT"])
async def test_bodies_that_come_slowly_take_no_turn(server: Running, dav: Dav, ada: Person, method: str) -> None:
    async with AsyncExitStack() as stack:
        for _ in range(MORE):
            wire = await stack.enter_async_context(dav.connected())
            await wire.send(dav.head(method, "/dav/f", {"Content-Length": "9", "Expect": "100-continue", **XML}))
            assert (await wire.answer()).status == 100

        assert (await dav.call("PROPFIND", "/dav/", Depth="0")).status == 207
        assert (await ada.get("/api/v1/me")).status == 200
        assert server.cairn.services.calls.count == MORE


@pytest.mark.parametrize("path", ["/dav/f", "/api/v1/files/content?path=/f"])
async def test_a_file_that_comes_is_looked_at_when_it_is_its_turn(
    server: Running, by_device: Dav, ada: Person, bob: Person, path: str
) -> None:
    dav = by_device
    async with AsyncExitStack() as stack:
        wires = [await stack.enter_async_context(dav.connected()) for _ in range(WORK_AT_ONCE + 1)]
        with nothing_is_written(server):
            for number, wire in enumerate(wires[:WORK_AT_ONCE]):
                await ask(wire, dav, "MKCOL", f"/dav/{number}")
                await under_way(server, number + 1)
            refused = {"Content-Range": "bytes 0-0/9"}
            await ask(wires[-1], dav, "PUT", path, b"x", **refused)
            await under_way(server, WORK_AT_ONCE + 1)
            own = asyncio.ensure_future(wires[-1].answer())

            others = [await bob.get("/api/v1/me") for _ in range(10)]

            assert [reply.status for reply in others] == [200] * 10
            assert not own.done()
        assert (await own).status == 400


async def test_files_that_wait_for_the_disk_hold_up_nothing_of_their_owner(
    server: Running, dav: Dav, ada: Person
) -> None:
    """All of them are written by one commit, so no turn is kept until that."""
    async with AsyncExitStack() as stack:
        wires = [await stack.enter_async_context(dav.connected()) for _ in range(MORE)]
        with nothing_is_written(server):
            for number, wire in enumerate(wires):
                await ask(wire, dav, "PUT", f"/dav/{number}", b"x")
                await under_way(server, number + 1)

            assert (await ada.get("/api/v1/me")).status == 200
        assert [(await wire.answer()).status for wire in wires] == [201] * MORE
