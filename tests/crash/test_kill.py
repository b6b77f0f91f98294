"""Kill -9 at random moments under four writers: what was acknowledged is there, what was not is whole or absent.

The seed is printed and can be given as CRASH_SEED. It settles what the writers do and when the server is killed; what
it was doing at that moment depends on the machine.
"""

import asyncio
import contextlib
import os
import random
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.crash.busy import WRITERS, check_all, prepare, session_with
from tests.crash.content import Content
from tests.crash.doors import Opened, OpenedUpload, UnansweredError, Wish
from tests.crash.powered import assert_journal
from tests.crash.writer import Writer
from tests.server import RunningServer

ROUNDS = 20
BIG = 70_000  # of a chunk that becomes a file as soon as it is received
SHORTEST_S, LONGEST_S = 0.050, 2.000
KILLED_STARTS = 0.2
ALSO_READ = 10


@dataclass(slots=True)
class Figures:
    """What a series came to."""

    rounds: int = 0
    acknowledged: int = 0
    cut_off: int = 0
    came_to_pass: int = 0
    resumed: int = 0


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RunningServer]:
    running = RunningServer(tmp_path / "data")
    yield running
    running.close()


@pytest.mark.parametrize("bundle", [False, True])
async def test_what_an_open_upload_has_received_outlives_a_kill(server: RunningServer, *, bundle: bool) -> None:
    wish = Wish(Content("begun", (BIG,) * 3), path="/writer-0/begun")
    server.start()
    async with session_with(server) as session:
        client = (await prepare(server, session, random.Random(1)))[0].client  # noqa: S311 - the same ones each time
        opened = await client.request(wish, bundle=bundle)
        first = dict(list(opened.uploads[0].missing.items())[:2])
        half = OpenedUpload(opened.uploads[0].upload_id, first)
        await client.send(Opened([half], opened.bundle_url), [wish])

        server.kill()
        server.start()
        progress = await client.door.progress(half.upload_id)

        assert list(progress.upload.missing) == [2]
        await client.resume()
        await client.oracle.check(client.door)


@pytest.mark.timeout(600)
async def test_kills_at_random_moments_lose_nothing_acknowledged(server: RunningServer) -> None:
    await run_series(server, int(os.environ.get("CRASH_SEED", "2")))


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("series", range(10))
async def test_two_hundred_kills_lose_nothing_acknowledged(server: RunningServer, series: int) -> None:
    seed = int(os.environ.get("CRASH_SEED", random.SystemRandom().randrange(10**6)))
    await run_series(server, seed * 100 + series)


async def run_series(server: RunningServer, seed: int) -> None:
    """Run ROUNDS rounds on one folder: write, kill, start, check."""
    print(f"CRASH_SEED={seed}")  # noqa: T201 - a failure shows it
    chance = random.Random(seed)  # noqa: S311 - a failure must come back with its seed
    figures = Figures()
    server.start()
    async with session_with(server) as session:
        writers = await prepare(server, session, chance)
        for _ in range(ROUNDS):
            await write_until_killed(server, writers, moment_s(chance))
            restart(server, chance)
            await asyncio.gather(settle(server, writers, chance, figures), check_all(server.data))
            figures.rounds += 1
    server.stop()
    await check_all(server.data)
    assert figures.acknowledged > ROUNDS * WRITERS, figures
    print(figures)  # noqa: T201 - with -s for who wants to know what was covered


def moment_s(chance: random.Random) -> float:
    """Return after how many seconds to kill; as many below a quarter second as above."""
    return float(SHORTEST_S * (LONGEST_S / SHORTEST_S) ** chance.random())


async def write_until_killed(server: RunningServer, writers: Sequence[Writer], after_s: float) -> None:
    """Let all writers work at once and kill the server in the midst of it."""

    async def work(writer: Writer) -> None:
        try:
            while True:
                await writer.step()
        except UnansweredError:
            pass

    async with asyncio.TaskGroup() as group:
        for writer in writers:
            group.create_task(work(writer))
        await asyncio.sleep(after_s)  # the moment of the kill is what this test is about
        server.kill()


def restart(server: RunningServer, chance: random.Random) -> None:
    """Start again; now and then a kill meets the start as well."""
    if chance.random() < KILLED_STARTS:
        kill_while_starting(server, chance.uniform(0.2, 0.8))
    server.start()


def kill_while_starting(server: RunningServer, after_s: float) -> None:
    """Start and kill, whether it serves by then or not."""

    def kill() -> None:
        if server.process is not None:
            server.process.kill()

    timer = threading.Timer(after_s, kill)
    timer.start()
    with contextlib.suppress(AssertionError):  # it was dead before it could serve
        server.start()
    timer.join()
    server.kill()


async def settle(server: RunningServer, writers: Sequence[Writer], chance: random.Random, figures: Figures) -> None:
    """Hold what the server has against the answers that the writers got, then end what was cut off."""
    for writer in writers:
        oracle = writer.client.oracle
        assert_journal(server.data / "metadata.db", oracle.acknowledged)
        in_doubt, before = len(oracle.doubts), {known.seen for known in oracle.known.values()}
        figures.acknowledged += len(oracle.acknowledged)
        figures.cut_off += in_doubt
        oracle.acknowledged.clear()
        names = sorted(oracle.known)
        await oracle.check(writer.client.door, also=set(chance.sample(names, min(ALSO_READ, len(names)))))
        if in_doubt:
            figures.came_to_pass += len({known.seen for known in oracle.known.values()} - before)
        figures.resumed += len(writer.client.opened)
        await writer.client.resume()
