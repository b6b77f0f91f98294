"""Kill -9 while eight clients put files: what was acknowledged is there, what was not is whole or as it was before."""

import asyncio
import random
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.api.people import noise
from tests.dav.conftest import Dav
from tests.server import ADMIN, PASSWORD, RunningServer
from tests.tree.conftest import assert_clean

CLIENTS, FILES, KILLS = 8, 5, 3
SIZES = (0, 4096, 300_000, 1_500_000)
PUTS_BETWEEN = 40


class Writers:
    """Clients that put files over and over, and remember what may be in each."""

    def __init__(self, dav: Dav) -> None:
        self.dav = dav
        self.certain: dict[str, bytes | None] = defaultdict(lambda: None)
        self.begun: dict[str, bytes] = {}
        self.acknowledged = 0
        self.enough = asyncio.Event()

    async def write(self, client: int, chance: random.Random) -> None:
        """Put one file after the other until the server is gone."""
        while True:
            path, body = f"/dav/{client}-{chance.randrange(FILES)}", noise(chance.choice(SIZES))
            self.begun[path] = body
            try:
                answer = await self.dav.call("PUT", path, body)
            except (OSError, asyncio.IncompleteReadError):
                return
            assert answer.status in (201, 204), answer.body
            self.certain[path] = self.begun.pop(path)
            self.acknowledged += 1
            if self.acknowledged % PUTS_BETWEEN == 0:
                self.enough.set()

    async def check(self) -> None:
        """Find every file as it was acknowledged, or as a put that was cut off would have left it."""
        for path in {*self.certain, *self.begun}:
            answer = await self.dav.call("GET", path)
            found = answer.body if answer.status == 200 else None
            assert found in (self.certain[path], self.begun.get(path, self.certain[path])), path
            self.certain[path] = found
        self.begun.clear()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RunningServer]:
    running = RunningServer(tmp_path / "data").start()
    yield running
    running.close()


async def test_a_server_that_is_killed_keeps_all_that_it_acknowledged(server: RunningServer) -> None:
    writers = Writers(Dav(0))
    for kill in range(KILLS):
        writers.dav = Dav(int(server.url.rpartition(":")[2])).showing(ADMIN, PASSWORD)
        writers.enough.clear()
        async with asyncio.TaskGroup() as group:
            for client in range(CLIENTS):
                group.create_task(writers.write(client, random.Random(f"{kill} {client}")))  # noqa: S311 - not for secrets
            await writers.enough.wait()
            await asyncio.to_thread(server.kill)
        await asyncio.to_thread(assert_clean, server.data)
        await asyncio.to_thread(server.start)
        writers.dav = Dav(int(server.url.rpartition(":")[2])).showing(ADMIN, PASSWORD)
        await writers.check()

    assert writers.acknowledged >= KILLS * PUTS_BETWEEN
