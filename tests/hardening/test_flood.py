"""What one user asks for at once waits for each other and holds up nobody else (security.md, H4).

Work is stopped in the middle by a lock on the database that the writer waits for: a change then keeps its turn.
"""

import asyncio
import json
import sqlite3
from collections.abc import Iterator
from contextlib import AsyncExitStack, closing, contextmanager

import pytest

from app.application import WORK_AT_ONCE
from app.config import Limits, Settings
from tests.api.conftest import Running
from tests.api.people import MIB, Person, noise
from tests.api.wire import Line, connected, eventually, head, status_of

MOST = 8


@pytest.fixture
def settings() -> Settings:
    """Of a server that lets few requests of one user wait."""
    return Settings(limits=Limits(requests_per_user=MOST, free_disk_bytes=0, free_disk_percent=0))


@contextmanager
def nothing_is_written(server: Running) -> Iterator[None]:
    """Let all that changes something wait while entered."""
    with closing(sqlite3.connect(server.folder / "metadata.db", isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield
        connection.execute("ROLLBACK")


async def under_way(server: Running, count: int) -> None:
    """Wait until so many calls are under way."""

    async def there_are() -> bool:
        return server.cairn.services.calls.count == count

    await eventually(there_are)


async def ask_for_folder(line: Line, person: Person, path: str) -> None:
    """Ask for a folder, and wait for nothing."""
    body = json.dumps({"path": path}).encode()
    top = head("POST", "/api/v1/folders", person, Content_Length=str(len(body)), Content_Type="application/json")
    await line.send(top + body)


async def test_a_flood_of_one_user_waits_for_itself_and_holds_up_nobody_else(
    server: Running, ada: Person, bob: Person
) -> None:
    async with AsyncExitStack() as stack:
        lines = [await stack.enter_async_context(connected(server.port)) for _ in range(MOST - 1)]
        with nothing_is_written(server):
            for number, line in enumerate(lines):
                await ask_for_folder(line, ada, f"/{number}")
                await under_way(server, number + 1)
            own = asyncio.ensure_future(ada.get("/api/v1/me"))
            await under_way(server, MOST)

            others = [await bob.get("/api/v1/me") for _ in range(10)]

            assert [reply.status for reply in others] == [200] * 10
            assert not own.done()  # or the turns count for nothing
        assert [status_of(await line.answer()) for line in lines] == [201] * len(lines)
        assert (await own).status == 200


async def test_turns_come_in_the_order_in_which_they_were_asked_for(server: Running, ada: Person) -> None:
    async with AsyncExitStack() as stack:
        lines = [await stack.enter_async_context(connected(server.port)) for _ in range(MOST)]
        with nothing_is_written(server):
            for number, line in enumerate(lines):
                await ask_for_folder(line, ada, f"/{number}")
                await under_way(server, number + 1)
        for line in lines:
            assert status_of(await line.answer()) == 201

    made = (await ada.get("/api/v1/folders/root/children")).json["items"]
    assert [item["name"] for item in sorted(made, key=lambda item: item["seq"])] == [str(n) for n in range(MOST)]


async def test_what_would_wait_behind_too_many_is_told_when_to_come_again(
    server: Running, ada: Person, bob: Person
) -> None:
    async with AsyncExitStack() as stack:
        lines = [await stack.enter_async_context(connected(server.port)) for _ in range(MOST)]
        with nothing_is_written(server):
            for number, line in enumerate(lines):
                await ask_for_folder(line, ada, f"/{number}")
                await under_way(server, number + 1)

            refused, other = await ada.get("/api/v1/me"), await bob.get("/api/v1/me")

    assert (refused.status, refused.code, other.status) == (429, "rate_limited", 200)
    assert int(refused.headers["Retry-After"]) > 0


async def test_who_hangs_up_gives_the_turn_to_the_next_and_gets_nothing_done(server: Running, ada: Person) -> None:
    async with AsyncExitStack() as stack:
        lines = [await stack.enter_async_context(connected(server.port)) for _ in range(MOST - 1)]
        with nothing_is_written(server):
            for number, line in enumerate(lines):
                await ask_for_folder(line, ada, f"/{number}")
                await under_way(server, number + 1)
            own = asyncio.ensure_future(ada.get("/api/v1/me"))
            await under_way(server, MOST)
            for line in lines:
                line.hang_up()
            await eventually(lambda: hung_up(server))
        assert (await own).status == 200

    await under_way(server, 0)
    assert sorted(await ada.names()) == [str(number) for number in range(WORK_AT_ONCE)]  # whose turn it was before


async def hung_up(server: Running) -> bool:
    """Tell whether the server knows that all have hung up but one."""
    return len(server.connections) == 1


class TestWhatOnlyWaits:
    """It has no turn, however long it lasts."""

    async def test_long_polls(self, server: Running, ada: Person) -> None:
        cursor = (await ada.get("/api/v1/sync")).json["cursor"]
        async with AsyncExitStack() as stack:
            lines = [await stack.enter_async_context(connected(server.port)) for _ in range(MOST - 1)]
            for line in lines:
                await line.send(head("GET", f"/api/v1/sync?cursor={cursor}&wait=60", ada))
            await eventually(lambda: all_wait(server))

            assert (await ada.make_folder("/news"))["name"] == "news"

            for line in lines:
                answer = await line.answer()
                assert status_of(answer) == 200
                assert b'"news"' in answer

    async def test_streams_of_events(self, server: Running, ada: Person) -> None:
        async with AsyncExitStack() as stack:
            for _ in range(MOST - 1):
                line = await stack.enter_async_context(connected(server.port))
                await line.send(head("GET", "/api/v1/events", ada))
            await eventually(lambda: all_wait(server))

            assert (await ada.get("/api/v1/me")).status == 200

    async def test_bodies_that_come_slowly(self, server: Running, ada: Person) -> None:
        targets = [
            ("POST", "/api/v1/folders"),
            ("POST", "/api/v1/uploadRequest"),
            ("PUT", "/api/v1/files/content?path=/f"),
        ]
        async with AsyncExitStack() as stack:
            for number in range(MOST - 1):
                method, target = targets[number % 3]
                line = await stack.enter_async_context(connected(server.port))
                await line.send(head(method, target, ada, Content_Length="14", Expect="100-continue"))
                assert status_of(await line.head()) == 100

            assert (await ada.get("/api/v1/me")).status == 200

    @pytest.mark.parametrize("way", ["content", "bundle", "zip"])
    async def test_readers_who_take_nothing(self, server: Running, ada: Person, way: str) -> None:
        folder = await ada.make_folder("/a")
        file = await ada.upload("/a/f", *([noise(4 * MIB)] * 4 if way != "bundle" else [noise(MIB)]))
        wish = json.dumps({"files": [{"file_id": file["file_id"]}] * 8}).encode()
        requests = {
            "content": head("GET", f"/api/v1/files/{file['file_id']}/content", ada),
            "zip": head("GET", f"/api/v1/folders/{folder['file_id']}/archive.zip", ada),
            "bundle": head("POST", "/api/v1/downloadBundle", ada, Content_Length=str(len(wish))) + wish,
        }
        count = 2 if way == "zip" else MOST - 1  # of bundles, the later ones wait for memory
        async with AsyncExitStack() as stack:
            for _ in range(count):
                line = await stack.enter_async_context(connected(server.port))
                await line.send(requests[way])
            await under_way(server, count)

            assert (await ada.get("/api/v1/me")).status == 200
            assert server.cairn.services.calls.count == count


async def all_wait(server: Running) -> bool:
    """Tell whether so many wait for news."""
    return server.cairn.services.feed.waiting_now == MOST - 1
