"""Kill -9 while a purge or a reveal is under way: the next start finishes it, and nothing is counted twice."""

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from aiohttp import ClientSession, DummyCookieJar

from tests.api.people import Person
from tests.api.wire import eventually
from tests.server import ADMIN, PASSWORD, RunningServer
from tests.tree.conftest import assert_clean
from tests.tree.keeper import deleted, grow, purge, restored, tree_below, used

FILES = 4000
LEAF = b"leaf"
KILLS = 2
PURGED = "SELECT count(*) FROM nodes WHERE dead_seq > 0 AND version_id IS NULL"
REVEALED = "SELECT count(*) FROM nodes WHERE feed_seq > (SELECT max(seq) FROM journal WHERE op = 6)"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RunningServer]:
    running = RunningServer(tmp_path / "data").start()
    yield running
    running.close()


def counted(server: RunningServer, statement: str) -> int:
    with closing(sqlite3.connect(f"file:{server.data / 'metadata.db'}?mode=ro", uri=True)) as connection:
        return int(connection.execute(statement).fetchone()[0])


@pytest.mark.parametrize("kind", ["purge", "reveal"])
async def test_a_server_that_is_killed_again_and_again_finishes_its_job(server: RunningServer, kind: str) -> None:
    statement = PURGED if kind == "purge" else REVEALED
    async with ClientSession(server.url, cookie_jar=DummyCookieJar()) as session:
        ada = Person(session, (await Person(session).log_in(ADMIN, PASSWORD)).token)
        await ada.upload("/seed", LEAF)
        await grow(ada, [f"/top/{n // 50}/{n}" for n in range(FILES)], LEAF)
        top = await deleted(ada, (await ada.at("/top")).json)
        await (purge if kind == "purge" else restored)(ada, top)

        for _ in range(KILLS):
            before = counted(server, statement)

            async def goes_on(before: int = before) -> bool:
                return counted(server, statement) > before or not counted(server, "SELECT count(*) FROM jobs")

            await eventually(goes_on)
            server.kill()
            await asyncio.to_thread(assert_clean, server.data)
            await asyncio.to_thread(server.start)

        async def is_done() -> bool:
            return not counted(server, "SELECT count(*) FROM jobs")

        await eventually(is_done)
        left = await tree_below(ada)
        if kind == "purge":
            assert (list(left), await used(ada)) == (["/seed"], len(LEAF))
        else:
            assert len(left) == 1 + 1 + FILES // 50 + FILES
            assert counted(server, REVEALED) == FILES // 50 + FILES
    server.stop()
    await asyncio.to_thread(assert_clean, server.data)
