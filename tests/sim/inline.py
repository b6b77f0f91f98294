"""The server's own parts without their threads: what they hand to a thread is done at once, where it is asked for.

So a call to the server ends before it gives way, nothing depends on how threads are scheduled, and one seed gives one
history. The code that decides is the server's own; what is replaced are its queues and hops.
"""

import asyncio
import contextlib
import queue
import random
import secrets
import sqlite3
import threading
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import Future
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TypeVar
from unittest.mock import patch

import app.application
import app.clock
import app.foundation
import app.services.uptime
import storage.keyring
import storage.offload
import storage.store
from app.db import database
from app.db.transaction import Snapshot
from storage import group_writer
from storage.barrier import Barriers
from storage.disk import LocalDisk
from storage.index import connect_reader
from storage.received import Batch
from storage.signing import UrlSigner

T = TypeVar("T")


class FreeDisk(LocalDisk):
    """The disk of this machine, whose syncs cost nothing: the simulated server's own power never fails."""

    def fsync(self, descriptor: int) -> None:
        """Do nothing."""

    def syncfs(self, descriptor: int) -> None:
        """Do nothing."""

    def sync_folder(self, path: Path) -> None:
        """Do nothing."""


class _Writer(group_writer.GroupWriter[Any]):
    """The writer, in the thread of whoever asks."""

    def __init__(self, path: Path, *, open_session: Any, disk: Any, on_failure: Any = None) -> None:
        self._path = path
        self._disk = disk
        self._on_failure = on_failure
        self._failed = None
        self._was_full = False
        self._closed = False
        self._queue = _Nothing()  # type: ignore[assignment] # nothing ever waits
        self.commits = 0
        self._session = open_session()
        self._session.connection.execute("PRAGMA synchronous = OFF")
        self._serving = False

    async def write(self, work: Callable[[Any], T]) -> T:
        return self.write_blocking(work)

    def write_blocking(self, work: Callable[[Any], T]) -> T:
        done: Future[T] = Future()
        unit = group_writer._Unit(work, done, None)  # noqa: SLF001 -- the writer's own
        self._settle(self._run_group(self._session, unit))
        return done.result()

    def close(self) -> None:
        if not self._closed:
            self._closed = True
            self._checkpoint(self._session)
            self._session.connection.close()


class _Nothing:
    """A queue that is always empty."""

    def get_nowait(self) -> None:
        raise queue.Empty


class _Reader:
    """A reader of the metadata, in the thread of whoever asks."""

    def __init__(self, connect: Callable[[], sqlite3.Connection], **_: object) -> None:
        self._connect = connect
        self._connection: sqlite3.Connection | None = None

    async def open(self) -> None:
        self._connection = self._connect()

    async def run(self, work: Callable[[Snapshot], T]) -> T:
        connection = self._connection
        assert connection is not None
        connection.execute("BEGIN")
        try:
            return work(Snapshot(connection))
        finally:
            connection.execute("COMMIT")

    async def close(self) -> None:
        assert self._connection is not None
        self._connection.close()


class _IndexReader:
    """A reader of the chunk index, in the thread of whoever asks."""

    def __init__(self, path: Path) -> None:
        self._connection = connect_reader(path)

    async def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        return work(self._connection)

    async def close(self) -> None:
        self._connection.close()


async def _open_reader(path: Path) -> _IndexReader:
    return _IndexReader(path)


class _Barriers(Barriers):
    """The barrier, in the thread of whoever waits for it."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        with patch.object(threading.Thread, "start", lambda _: None):
            super().__init__(*arguments, **named)

    async def wait(self, claims: Collection[str]) -> None:
        if self._failed is not None:
            raise self._failed
        if not self._pending.claims.keys().isdisjoint(claims):
            self._flush()

    async def room(self) -> None:
        return

    async def run(self, work: Callable[[], T]) -> T:
        return work()

    def close(self) -> None:
        self._closing = True
        if self._pending.chunks or self._dropped:
            self._flush()
        self._states.close()

    def _flush(self) -> None:
        batch, self._pending = self._pending, Batch()
        dropped, self._dropped = self._dropped, set()
        self._asked = False
        self._run(batch, dropped)


class _Loop(asyncio.SelectorEventLoop):
    """An event loop that does at once what is meant for a thread."""

    def run_in_executor(self, _: Any, func: Any, *arguments: Any) -> Any:  # type: ignore[override] # of any types
        future = self.create_future()
        try:
            future.set_result(func(*arguments))
        except Exception as error:  # noqa: BLE001 -- handed to whoever waits, as a thread would
            future.set_exception(error)
        return future


class Moment:
    """The server's clock: Unix milliseconds, set by the simulation."""

    def __init__(self, now_ms: int) -> None:
        """Begin at `now_ms`."""
        self.now_ms = now_ms


@contextlib.contextmanager
def inline(chance: random.Random, moment: Moment) -> Iterator[asyncio.AbstractEventLoop]:
    """Give the event loop in which servers run without threads, with numbers from `chance` and time from `moment`."""
    clock = SimpleNamespace(
        time=lambda: moment.now_ms / 1000,
        time_ns=lambda: moment.now_ms * 1_000_000,
        monotonic=lambda: moment.now_ms / 1000,
    )
    loop = _Loop()
    with contextlib.ExitStack() as patches:
        for module in (app.clock, app.foundation, app.services.uptime, storage.keyring):
            patches.enter_context(patch.object(module, "time", clock))
        signer = partial(UrlSigner, now_s=clock.time, uptime_s=clock.monotonic)
        patches.enter_context(patch.object(app.application, "UrlSigner", signer))
        patches.enter_context(patch.object(database, "GroupWriter", _Writer))
        patches.enter_context(patch.object(storage.store, "GroupWriter", _Writer))
        patches.enter_context(patch.object(database, "_Reader", _Reader))
        patches.enter_context(patch.object(storage.store, "open_reader", _open_reader))
        patches.enter_context(patch.object(storage.store, "Barriers", _Barriers))
        patches.enter_context(patch.object(secrets, "token_bytes", lambda size=32: chance.randbytes(size)))
        patches.enter_context(patch.object(secrets, "randbelow", chance.randrange))
        try:
            yield loop
        finally:
            loop.close()
