"""Kill -9 at each step of collections that never pause, under clients that use again what is about to go.

What was acknowledged is there byte for byte after each kill, at any time a full check finds nothing, and in the end all
room comes back. The seed is printed and can be given as CRASH_SEED: it settles what the clients do, at which call to
the disk the server dies, and how its wall clock jumps. Which of them comes first depends on the machine.
"""

import asyncio
import contextlib
import os
import random
import sqlite3
from collections import Counter
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest

from app.ids import encode_id
from tests.collect.recycler import Answers, Recycler
from tests.crash.busy import check_all, session_with
from tests.crash.doors import UnansweredError
from tests.server import ADMIN, PASSWORD, RunningServer

ROUNDS = 8
CLIENTS = 4
LEAST_CALLS, MOST_CALLS = 15, 2500  # a start makes some of them


class HastyServer(RunningServer):
    """Collects without a pause, and can be told when to die."""

    def __init__(self, data: Path, seed: int) -> None:
        self.mortality = {"HASTY_CLOCK": f"{seed}"}
        super().__init__(data, self.mortality, module="tests.collect.hasty_server")

    def start_to_die(self, at: int, *, after: bool) -> bool:
        """Start; the server dies at this call to its disk, which may be one of the start: then give False."""
        self.environment |= {"HASTY_DIES_AT": f"{at}", "HASTY_DIES_AFTER": "yes" if after else ""}
        with contextlib.suppress(AssertionError):
            self.start()
            return True
        return False

    def start_to_live(self) -> None:
        """Start."""
        self.environment.pop("HASTY_DIES_AT", None)
        self.start()


@pytest.mark.timeout(600)
async def test_kills_at_each_step_of_a_collection_lose_no_chunk_and_leave_no_waste(tmp_path: Path) -> None:
    await run_series(tmp_path, int(os.environ.get("CRASH_SEED", "3")), ROUNDS)


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("series", range(4))
async def test_many_kills_at_each_step_of_a_collection_lose_no_chunk(tmp_path: Path, series: int) -> None:
    seed = int(os.environ.get("CRASH_SEED", random.SystemRandom().randrange(10**6)))
    await run_series(tmp_path, seed * 100 + series, 100)


async def run_series(folder: Path, seed: int, rounds: int) -> None:
    """Let the server die `rounds` times, at another call each time, and hold it to what it said."""
    print(f"CRASH_SEED={seed}")  # noqa: T201 - a failure shows it
    chance = random.Random(seed)  # noqa: S311 - a failure must come back with its seed
    server = HastyServer(folder / "data", seed)
    with contextlib.closing(server):
        server.start_to_live()
        async with session_with(server) as session:
            token = (await Answers(session).log_in(ADMIN, PASSWORD)).token
            clients = [
                Recycler(Answers(session, token), f"/{number}", random.Random(chance.random()))  # noqa: S311 - as above
                for number in range(CLIENTS)
            ]
            for _ in range(rounds):
                server.stop()
                at = int(LEAST_CALLS * (MOST_CALLS / LEAST_CALLS) ** chance.random())
                if server.start_to_die(at, after=chance.random() < 0.5):
                    await use_until_dead(clients)
                server.close()
                await check_all(server.data)
                server.start_to_live()
                await asyncio.gather(*(client.settle() for client in clients))
            await wait_until_empty(server, clients)
        server.stop()
    await check_all(server.data)
    told = sum((client.told for client in clients), Counter())
    print(told)  # noqa: T201 - with -s for who wants to know what was covered
    assert min(told["chunks skipped"], told["chunks sent"], told["removed"]) > rounds, told


async def use_until_dead(clients: list[Recycler]) -> None:
    """Let all clients work until the server does not answer any more."""

    async def work(client: Recycler) -> None:
        with contextlib.suppress(UnansweredError):
            while True:
                await client.step()

    async with asyncio.TaskGroup() as group:
        for client in clients:
            group.create_task(work(client))


async def wait_until_empty(server: RunningServer, clients: list[Recycler]) -> None:
    """Delete all, and wait until no file and no row is left of it."""
    person = clients[0].person
    for client in clients:
        await client.clear()
    for item in (await person.get("/api/v1/trash")).json["items"]:  # of those that died between two calls
        assert (await person.delete(f"/api/v1/trash/{item['trash_id']}")).status == HTTPStatus.NO_CONTENT
    for number, tag in ask(server.data / "metadata.db", "SELECT id, tag FROM uploads WHERE state = 0"):
        assert (await person.delete(f"/api/v1/uploads/{encode_id(number, tag)}")).status == HTTPStatus.NO_CONTENT
    async with asyncio.timeout(60):
        while left(server.data):  # noqa: ASYNC110 - collections come by themselves, and tell nobody
            await asyncio.sleep(0.05)


def left(data: Path) -> list[object]:
    """Return what is left of chunks."""
    files = [path.name for path in (data / "store" / "chunks").rglob("*") if path.is_file()]
    return [*files, *ask(data / "store" / "chunks.db", "SELECT id FROM chunks")]


def ask(path: Path, statement: str) -> list[Any]:
    with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        return connection.execute(statement).fetchall()
