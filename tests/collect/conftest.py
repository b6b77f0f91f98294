"""A whole server for each test, with a collector whose clock the test sets forward."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from app.application import Cairn
from app.config import Settings
from app.services.collector import GRACE_S, UNUSED_FOR_S, Collected, Collector, Patience
from app.services.uptime import DAY_S, Uptime
from storage.offload import Offload
from storage.store import INDEX_NAME
from tests.api.conftest import (
    Running,
    Template,
    ada,
    bob,
    copy_template,
    nothing_is_logged_as_error,
    serving,
    settings,
    template,
)
from tests.tree.conftest import assert_clean, working

__all__ = ["ada", "bob", "nothing_is_logged_as_error", "settings", "template"]

DAY, GRACE = UNUSED_FOR_S, GRACE_S


class Runtime(Uptime):
    """An uptime that goes on when it is told to, too."""

    def __init__(self, begin_s: int) -> None:
        super().__init__(begin_s)
        self.added_s = 0

    def now_s(self) -> int:
        return super().now_s() + self.added_s


@dataclass(frozen=True, slots=True)
class Keeper:
    """Who collects, and sees what that does to the disk."""

    collector: Collector
    runtime: Runtime
    folder: Path

    async def collect(self, *, after_s: int = 0, over_half: bool = True) -> Collected:
        """Let time pass, and collect."""
        self.runtime.added_s += after_s
        return await self.collector.collect(over_half=over_half)

    async def collect_all(self) -> list[Collected]:
        """Let all that is unused go: two collections, and the grace."""
        first = await self.collect()
        second = await self.collect(after_s=DAY)
        return [first, second, await self.collect(after_s=GRACE)]

    def files(self) -> set[str]:
        """Return the names of the files of chunks."""
        return {path.name for path in (self.folder / "store" / "chunks").rglob("*") if path.is_file()}

    def count(self, table: str) -> int:
        """Return how many rows a table of the chunk index has."""
        with closing(sqlite3.connect(f"file:{self.folder / 'store' / INDEX_NAME}?mode=ro", uri=True)) as connection:
            return int(connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0])  # noqa: S608 - our own names


@asynccontextmanager
async def keeping(cairn: Cairn, folder: Path, *, begin_s: int = DAY) -> AsyncIterator[Keeper]:
    """Give a collector with the patience of a server, and a clock of its own that stands at `begin_s`."""
    runtime, offload = Runtime(begin_s), Offload("collect", threads=1, queue=8)
    patience = Patience(UNUSED_FOR_S, GRACE_S, DAY_S)
    collector = Collector(cairn.database, cairn.store, runtime, offload, folder / "collection", patience, cairn.room)
    try:
        yield Keeper(collector, runtime, folder)
    finally:
        await asyncio.to_thread(offload.close)


@pytest.fixture
def folder(template: Template, tmp_path: Path) -> Path:
    """A data folder of two users, whom no server serves yet."""
    return copy_template(template, tmp_path / "data")


@pytest.fixture
async def server(folder: Path, settings: Settings) -> AsyncIterator[Running]:
    """A server with the users ada and bob, who have nothing yet."""
    async with serving(folder, settings) as running:
        async with working(running.cairn):
            yield running
        await asyncio.to_thread(assert_clean, folder)


@pytest.fixture
async def keeper(server: Running) -> AsyncIterator[Keeper]:
    """Who collects on the server."""
    async with keeping(server.cairn, server.folder) as made:
        yield made
