"""Kill -9 while a rewind is under way, again and again: it ends as one that nobody disturbed."""

import asyncio
import random
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from aiohttp import ClientSession, DummyCookieJar

from tests.api.people import Person
from tests.api.wire import eventually
from tests.rewind.conftest import time_of
from tests.rewind.keeper import picture
from tests.server import ADMIN, PASSWORD, RunningServer
from tests.tree.conftest import assert_clean
from tests.tree.keeper import deleted, grow

FILES = 3000
KILLS = 4
SEED = 7
STATE = "SELECT state, done, (SELECT count(*) FROM plans), done_ms FROM jobs WHERE kind = 3"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RunningServer]:
    running = RunningServer(tmp_path / "data").start()
    yield running
    running.close()


def state_of(server: RunningServer) -> tuple[object, ...]:
    with closing(sqlite3.connect(f"file:{server.data / 'metadata.db'}?mode=ro", uri=True)) as connection:
        return tuple(connection.execute(STATE).fetchone())


async def test_a_server_that_is_killed_again_and_again_finishes_its_rewind(server: RunningServer) -> None:
    chance = random.Random(SEED)  # noqa: S311 - a failure must come back
    async with ClientSession(server.url, cookie_jar=DummyCookieJar()) as session:
        ada = Person(session, (await Person(session).log_in(ADMIN, PASSWORD)).token)
        await ada.upload("/seed", b"leaf")
        await ada.upload("/seed2", b"other")
        await grow(ada, [f"/a/{n // 100}/{n}" for n in range(FILES)], b"leaf")
        await ada.make_folder("/gone")
        wanted, time_ms = await picture(ada), time_of(server.data)
        await grow(ada, [f"/new/{n // 100}/{n}" for n in range(FILES)], b"other")
        for number in range(10):
            folder = (await ada.at(f"/a/{number}")).json
            await (deleted(ada, folder) if number % 2 else ada.change(folder["file_id"], name=f"moved{number}"))
        await deleted(ada, (await ada.at("/gone")).json)
        asked = await ada.post("/api/v1/folders/root/rewind", {"time_ms": time_ms})

        for _ in range(KILLS):
            before, slices = state_of(server), chance.randrange(1, 4)

            async def goes_on(before: tuple[object, ...] = before, left: list[int] = [slices]) -> bool:  # noqa: B006
                now = state_of(server)
                left[0] -= now != before
                return left[0] <= 0 or now[-1] is not None

            await eventually(goes_on)
            server.kill()
            await asyncio.to_thread(assert_clean, server.data)
            await asyncio.to_thread(server.start)

        async def is_done() -> bool:
            return bool((await ada.get(f"/api/v1/jobs/{asked.json['job_id']}")).json["state"] == "done")

        await eventually(is_done)
        job = (await ada.get(f"/api/v1/jobs/{asked.json['job_id']}")).json
        assert await picture(ada) == wanted
        assert job["result"]["kept"] == 0
    server.stop()
    await asyncio.to_thread(assert_clean, server.data)
