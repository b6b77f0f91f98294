"""Chunks move into a bucket and back under writers and readers, with faults of its server, and kill -9 at random.

The seed is printed and can be given as CRASH_SEED. MIGRATE_MIB says how much lies there before, in the long form.
"""

import asyncio
import contextlib
import json
import os
import random
import sys
import time
from asyncio.subprocess import PIPE
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from app.control import ask_server
from app.data_folder import DataFolder
from storage.disk import LocalDisk
from tests.crash.busy import prepare, session_with
from tests.crash.content import Content
from tests.crash.doors import RefusedError, UnansweredError
from tests.crash.test_kill import Figures, moment_s, restart, settle
from tests.crash.writer import Writer
from tests.migrate.hasty_server import COLLECTS
from tests.server import NO_RESERVE, RunningServer
from tests.storage.faulty import Proxy, faulty
from tests.storage.servers import BUCKET, KEY, SECRET, running

FAULTS = 0.05
READERS = 2
MIB = 2**20
MOVED_S = 900.0
TO_BUCKET, BACK = ("--to", "s3"), ("--to", "local")


@dataclass
class Site:
    """A server with files, a bucket behind a proxy that errs, and what is known of both."""

    server: RunningServer
    proxy: Proxy
    environment: dict[str, str]
    chance: random.Random
    old: dict[str, Content] = field(default_factory=dict)
    figures: Figures = field(default_factory=Figures)
    kills: int = 0
    read: int = 0
    refused: int = 0

    async def run(self, *arguments: str) -> str:
        """Run `cairn` on the data folder and return what it says."""
        code, out, err = await self.end_of(*arguments)
        assert code == 0, f"{arguments} ended with {code}: {out} {err}"
        return out

    async def end_of(self, *arguments: str) -> tuple[int, str, str]:
        """Run `cairn` on the data folder and return how it ends."""
        command = [sys.executable, "-m", "client", *arguments, "--data", str(self.server.data)]
        environment = {**os.environ, **self.environment}
        process = await asyncio.create_subprocess_exec(*command, stdout=PIPE, stderr=PIPE, env=environment)
        out, err = await process.communicate()
        return process.returncode or 0, out.decode(), err.decode()

    async def ask(self, operation: str, **arguments: Any) -> Any:
        """Do as `cairn store` does beside a running server, without the start of a process."""
        return await ask_server(DataFolder(self.server.data, LocalDisk()), operation, arguments)

    async def refuses(self, work: Callable[[], Awaitable[None]]) -> bool:
        """Do something, and tell whether it was refused for want of the object server."""
        try:
            await work()
        except RefusedError as error:
            if error.code != "unavailable":
                raise
            self.refused += 1
            return True
        return False

    async def patiently(self, work: Callable[[], Awaitable[None]]) -> None:
        """Do something again until it is not refused any more, as devices do."""
        if await self.refuses(work):
            await asyncio.sleep(0.2)  # as the answer says
            await self.patiently(work)

    async def stage(self) -> str:
        return str((await self.ask("store.status"))["move"]["stage"])


@pytest.fixture(params=["rclone", pytest.param("seaweedfs", marks=pytest.mark.soak)])
def site(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Site]:
    seed = int(os.environ.get("CRASH_SEED", "3"))
    print(f"CRASH_SEED={seed}")  # noqa: T201 - a failure shows it
    with running(request.param, tmp_path) as bucket, faulty(bucket.port) as (proxy, address):
        settings = {"ENDPOINT": address, "BUCKET": BUCKET, "ACCESS_KEY": KEY, "SECRET_KEY": SECRET}
        environment = {**NO_RESERVE, **{f"CAIRN_STORAGE__S3__{name}": settings[name] for name in settings}}
        collects = {COLLECTS: "1"} if request.node.get_closest_marker("soak") else {}
        server = RunningServer(tmp_path / "data", {**environment, **collects}, module="tests.migrate.hasty_server")
        yield Site(server, proxy, environment, random.Random(seed))  # noqa: S311 - the same each time
        server.close()


async def fill(site: Site, writer: Writer, size: int) -> None:
    """Put files that nobody changes any more: large ones, and many small ones."""
    door, left, number = writer.client.door, size, 0
    folder = (await door.make_folder("/old")).name
    while left > 0:
        sizes = (MIB,) * 8 if number % 4 == 0 and size > 64 * MIB else (300_000,) * 3 if number % 2 else (30_000,) * 20
        content = Content(f"old {number}", sizes)
        site.old[(await door.put_whole(f"/{folder}/{number}", content.data())).file_id] = content
        left, number = left - content.size, number + 1


async def read_old(site: Site, writer: Writer, file_id: str = "") -> None:
    """Read a file that lay there before, any if none is named, and compare it."""
    file_id = file_id or site.chance.choice(list(site.old))
    assert await writer.client.door.read(file_id) == site.old[file_id].data()
    site.read += 1


async def work(site: Site, writers: Sequence[Writer], until: "asyncio.Event") -> None:
    """Let writers and readers work until an event, or the server's end."""

    async def write(writer: Writer) -> None:
        while not until.is_set():
            if await site.refuses(writer.step):
                writer.client.oracle.answered()
                await site.patiently(writer.client.resume)

    async def read() -> None:
        while not until.is_set():
            await site.patiently(partial(read_old, site, writers[0]))

    async with asyncio.TaskGroup() as group:
        for task in (*map(write, writers), *(read() for _ in range(READERS))):
            group.create_task(_until_unanswered(task))


async def _until_unanswered(task: Any) -> None:
    with contextlib.suppress(UnansweredError):
        await task


async def work_until_killed(site: Site, writers: Sequence[Writer], after_s: float) -> None:
    working = asyncio.create_task(work(site, writers, asyncio.Event()))
    await asyncio.sleep(after_s)  # the moment of the kill is what this test is about
    site.server.kill()
    site.kills += 1
    await working


async def work_until_moved(site: Site, writers: Sequence[Writer]) -> None:
    """Work until the new store alone is in use, and the old one is empty."""
    moved = asyncio.Event()
    working = asyncio.create_task(work(site, writers, moved))
    end = time.monotonic() + MOVED_S
    while (stage := await site.stage()) != "done":
        if stage == "retain":
            await site.ask("store.empty")
        assert time.monotonic() < end, await site.ask("store.status")
        if working.done():  # of those who work, one has failed
            working.result()
        await asyncio.sleep(0.2)  # between two questions
    moved.set()
    await working


async def run_series(site: Site, moves: Sequence[tuple[str, ...]], *, size: int, kills: int) -> dict[str, float]:
    """Move all one way after the other, and with `--undo` half of it and back again; return how long each took."""
    took: dict[str, float] = {}
    site.server.start()
    async with session_with(site.server) as session:
        writers = await prepare(site.server, session, site.chance)
        await fill(site, writers[0], size)
        site.proxy.fail_at_random(FAULTS, site.chance.randrange(10**6))
        for ways in moves:
            begun = time.monotonic()
            await site.ask("store.migrate", to=ways[1], undo=False)
            for _ in range(kills):
                await work_until_killed(site, writers, moment_s(site.chance))
                restart(site.server, site.chance)
                await site.patiently(partial(settle, site.server, writers, site.chance, site.figures))
            if "--undo" in ways and await site.stage() in {"copy", "verify"}:
                await site.ask("store.migrate", to=None, undo=True)
            await work_until_moved(site, writers)
            await site.patiently(partial(settle, site.server, writers, site.chance, site.figures))
            took[" ".join(ways)] = time.monotonic() - begun
        site.proxy.mend()
        for file_id in site.old:
            await site.patiently(partial(read_old, site, writers[0], file_id))
    site.server.stop()
    assert json.loads(await site.run("fsck", "--content", "--json"))["damage"] == []
    return took


@pytest.mark.timeout(300)
async def test_nothing_acknowledged_is_lost_on_the_way(site: Site) -> None:
    await run_series(site, (TO_BUCKET,), size=2 * MIB, kills=1)
    assert site.read > 0
    assert site.kills == 1


@pytest.mark.soak
@pytest.mark.timeout(3600)
async def test_much_moves_there_and_back_and_nothing_is_lost(site: Site) -> None:
    moves = (TO_BUCKET, BACK, (*TO_BUCKET, "--undo"))
    took = await run_series(site, moves, size=int(os.environ.get("MIGRATE_MIB", "1024")) * MIB, kills=5)
    told = f"{site.figures}, {site.kills} kills, {site.read} read, {site.refused} refused, {site.proxy.calls} calls"
    print({way: round(seconds) for way, seconds in took.items()}, told)  # noqa: T201 - with -s for who wants to know
