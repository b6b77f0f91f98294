"""One thread that owns the writing connection of one SQLite database and commits for many at once.

A commit with `synchronous=FULL` costs a sync of the disk. Units of work that arrive while one transaction is being
synced share the next, so the number of syncs follows the disk and not the number of callers (group commit).
"""

import asyncio
import contextlib
import queue
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

from storage.disk import Disk
from storage.errors import NO_ROOM, StorageError, StoreFailedError, StoreFullError, StoreUnavailableError

T = TypeVar("T")

GROUP_UNITS = 256
GROUP_WORK_S = 0.010
CHECKPOINT_SIZE = 64 * 1024 * 1024
MAYBE_FULL = ("SQLITE_IOERR_WRITE", "SQLITE_IOERR_SHMSIZE")
"""What SQLite answers where a quota is used up, or the WAL's index finds no room: it calls ENOSPC alone full."""
PROBE_SIZE = 16 * 1024 * 1024
"""More than one group writes, so that what it found no room for finds none again."""
FROM_THE_DISK = ("SQLITE_IOERR", "SQLITE_CORRUPT", "SQLITE_NOTADB", "SQLITE_CANTOPEN", "SQLITE_READONLY")


class Session(Protocol):
    """What a unit of work is handed: the connection and whatever must follow a unit's undo."""

    @property
    def connection(self) -> sqlite3.Connection:
        """The writing connection; only the writer's thread may use it."""

    def mark(self) -> object:
        """Return what `reset` needs to take this session back to now."""

    def reset(self, mark: Any) -> None:
        """Forget all that happened in memory since `mark`."""

    def flush(self) -> None:
        """Write what the session kept in memory, as the last step before COMMIT."""

    def committed(self) -> None:
        """Hear that all up to here is durable; must not raise."""

    def checkpointed(self) -> None:
        """Hear that the database file itself holds what is durable, as far as readers let it; must not raise."""


@dataclass(slots=True)
class PlainSession:
    """A session with nothing in memory."""

    connection: sqlite3.Connection

    def mark(self) -> object:
        """There is nothing to go back to."""
        return None

    def reset(self, mark: object) -> None:
        """There is nothing to forget."""

    def flush(self) -> None:
        """There is nothing to write."""

    def committed(self) -> None:
        """There is nobody to tell."""

    def checkpointed(self) -> None:
        """There is nobody to tell."""


S = TypeVar("S", bound=Session)


@dataclass(slots=True)
class _Unit:
    """A unit of work on its way: the future is one of `loop`, or of no loop where a thread waits for it."""

    work: Callable[[Any], Any]
    done: asyncio.Future[Any] | Future[Any]
    loop: asyncio.AbstractEventLoop | None
    result: object = None
    error: BaseException | None = None

    def settle(self) -> None:
        """Hand the outcome to whoever waits; one that was cancelled has left."""
        if self.done.done():
            return
        if self.error is not None:
            self.done.set_exception(self.error)
        else:
            self.done.set_result(self.result)


def translated(error: sqlite3.Error) -> StorageError | None:
    """Return our error for one that speaks of the disk, None for a mistake in a statement."""
    name = getattr(error, "sqlite_errorname", "")
    if name.startswith("SQLITE_FULL"):
        return StoreFullError("the disk is full")
    if name.startswith("SQLITE_BUSY"):
        return StoreUnavailableError("the database is held by another process")
    if name.startswith(FROM_THE_DISK):
        return StoreFailedError(f"the database answered {name}")
    return None


class GroupWriter(Generic[S]):
    """Runs units of work in one thread and acknowledges each only after the commit that holds it.

    A unit is a plain function of the session: SQL and nothing else. One that raises undoes only itself. If COMMIT
    fails, every unit of the group fails; after an I/O error the writer refuses all further work, since Linux may
    call the same pages clean at the next sync (durability.md, 8).
    """

    def __init__(
        self,
        path: Path,
        *,
        open_session: Callable[[], S],
        disk: Disk,
        on_failure: Callable[[StorageError], None] | None = None,
    ) -> None:
        """Start the thread and wait until `open_session` has run in it; its error is raised here.

        Args:
            path: the database file, for `Disk.commit` and for the size of its WAL.
            open_session: opens the connection (`isolation_level=None`) in the thread that will use it.
            disk: the seam through which COMMIT goes.
            on_failure: called once, from the writer's thread, when the disk has failed.
        """
        self._path = path
        self._open_session = open_session
        self._disk = disk
        self._on_failure = on_failure
        self._queue: queue.SimpleQueue[_Unit | None] = queue.SimpleQueue()
        self._failed: StorageError | None = None
        self._was_full = False
        self._closed = False
        self.commits = 0
        opened: Future[None] = Future()
        self._thread = threading.Thread(target=self._serve, args=(opened,), name=f"writer {path.name}", daemon=True)
        self._thread.start()
        opened.result()

    async def write(self, work: Callable[[S], T]) -> T:
        """Run `work` in a transaction and return its result once that is durable.

        Raises:
            StoreFullError: there was no room; nothing of `work` is kept.
            StoreFailedError: the disk failed, now or earlier; whether `work` is kept is unknown.
        """
        loop = asyncio.get_running_loop()
        done: asyncio.Future[T] = loop.create_future()
        self._put(_Unit(work, done, loop))
        return await done

    def write_blocking(self, work: Callable[[S], T]) -> T:
        """Do as `write` does, for a thread that has no event loop."""
        done: Future[T] = Future()
        self._put(_Unit(work, done, None))
        return done.result()

    def close(self) -> None:
        """Finish what waits, checkpoint, close the connection and end the thread. Blocks; more calls do nothing."""
        if not self._closed:
            self._closed = True
            self._queue.put(None)
        self._thread.join()

    def _put(self, unit: _Unit) -> None:
        if self._closed:
            raise StoreUnavailableError("the database is closed")
        self._queue.put(unit)

    def _serve(self, opened: Future[None]) -> None:
        try:
            session = self._open_session()
        except BaseException as error:  # noqa: BLE001 - handed to the thread that waits for the start
            opened.set_exception(error)
            return
        opened.set_result(None)
        while (first := self._queue.get()) is not None:
            self._settle(self._run_group(session, first))
            if self._failed is None and self._is_wal_long():
                with _impatient(session.connection):  # readers may be at work: what they hold up comes next time
                    self._checkpoint(session)
        if self._failed is None:
            self._checkpoint(session)
        session.connection.close()

    def _run_group(self, session: S, first: _Unit) -> list[_Unit]:
        """Run `first` and what has queued up behind it in one transaction; return the settled units."""
        group: list[_Unit] = []
        start = session.mark()
        unit: _Unit | None = first
        enough = time.monotonic() + GROUP_WORK_S
        try:
            self._refuse_if_failed()
            session.connection.execute("BEGIN IMMEDIATE")
            while unit is not None:
                group.append(unit)
                self._run_unit(session, unit)
                unit = self._next_of_group() if len(group) < GROUP_UNITS and time.monotonic() < enough else None
            session.flush()
            self._disk.commit(session.connection, self._path)
            self.commits += 1
        except Exception as error:  # noqa: BLE001 - a thread that died would leave all who wait hanging
            self._abandon(session, start, group or [first], error)
        else:
            session.committed()
        return group or [first]

    def _next_of_group(self) -> _Unit | None:
        try:
            unit = self._queue.get_nowait()
        except queue.Empty:
            return None
        if unit is None:  # the call to close: first end this group, then meet it again
            self._queue.put(None)
        return unit

    def _run_unit(self, session: S, unit: _Unit) -> None:
        """Run one unit in a savepoint; raise only when the whole transaction is gone."""
        connection = session.connection
        mark = session.mark()
        connection.execute("SAVEPOINT unit")
        try:
            unit.result = unit.work(session)
        except Exception as error:
            if not connection.in_transaction:  # SQLite rolls all back by itself when the disk is full or fails
                raise sqlite3.OperationalError("the transaction was rolled back") from error
            connection.execute("ROLLBACK TO unit")
            session.reset(mark)
            unit.error = (self._translated(error) if isinstance(error, sqlite3.Error) else None) or error
            if isinstance(unit.error, StoreFailedError):
                raise unit.error from error
        connection.execute("RELEASE unit")

    def _abandon(self, session: S, start: object, group: list[_Unit], error: Exception) -> None:
        """Undo the whole group and make each unit of it fail."""
        cause = error.__cause__ if isinstance(error.__cause__, sqlite3.Error) else error
        if isinstance(cause, StorageError):
            ours = cause
        else:
            known = self._translated(cause) if isinstance(cause, sqlite3.Error) else None
            ours = known or StoreFailedError(f"the database refused a commit: {cause}")
        if isinstance(ours, StoreFailedError) and self._failed is None:
            self._failed = ours
            if self._on_failure is not None:
                self._on_failure(ours)
        self._was_full = isinstance(ours, StoreFullError)
        if session.connection.in_transaction:
            with contextlib.suppress(sqlite3.Error):  # a disk that failed may fail this as well
                session.connection.execute("ROLLBACK")
        session.reset(start)
        for unit in group:
            unit.error = unit.error or ours

    def _translated(self, error: sqlite3.Error) -> StorageError | None:
        """Return what `translated` does, but tell a disk without room from one that failed."""
        if getattr(error, "sqlite_errorname", "") in MAYBE_FULL and self._has_no_room():
            return StoreFullError("the disk is full")
        return translated(error)

    def _has_no_room(self) -> bool:
        """Tell whether a file beside the database finds no room either: SQLite keeps the error's number to itself."""
        probe = self._path.with_name(f"{self._path.name}-room")
        try:
            self._disk.unlink(probe)
            descriptor = self._disk.create(probe)
            try:
                self._disk.write(descriptor, [bytes(PROBE_SIZE)])
            finally:
                self._disk.close(descriptor)
        except OSError as error:
            return error.errno in NO_ROOM
        finally:
            with contextlib.suppress(OSError):
                self._disk.unlink(probe)
        return False

    def _refuse_if_failed(self) -> None:
        if self._failed is not None:
            raise self._failed

    def _settle(self, group: list[_Unit]) -> None:
        """Wake all who wait, with one call into each event loop (a call costs more than a statement)."""
        by_loop: dict[asyncio.AbstractEventLoop, list[_Unit]] = {}
        for unit in group:
            if unit.loop is None:
                unit.settle()
            else:
                by_loop.setdefault(unit.loop, []).append(unit)
        for loop, units in by_loop.items():
            with contextlib.suppress(RuntimeError):  # the loop has ended: nobody waits any more
                loop.call_soon_threadsafe(_settle_all, units)

    def _is_wal_long(self) -> bool:
        """Tell whether it is time for a checkpoint, while the disk still has room for all that it may take over."""
        try:
            size = self._path.with_name(self._path.name + "-wal").stat().st_size
            room = 0 if self._was_full else self._disk.usage(self._path).free
        except OSError:
            return False
        self._was_full = False
        return size > min(CHECKPOINT_SIZE, room // 2)

    def _checkpoint(self, session: S) -> None:
        """Take the WAL over into the database, and cut it off if no reader needs it: else it would stay as long."""
        try:
            session.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        except sqlite3.Error as error:
            ours = self._translated(error)
            if isinstance(ours, StoreFailedError):
                self._failed = ours
                if self._on_failure is not None:
                    self._on_failure(ours)
        else:
            session.checkpointed()


@contextlib.contextmanager
def _impatient(connection: sqlite3.Connection) -> Iterator[None]:
    """Let nothing wait for others while entered."""
    patience_ms = connection.execute("PRAGMA busy_timeout").fetchone()[0]
    connection.execute("PRAGMA busy_timeout = 0")
    try:
        yield
    finally:
        connection.execute(f"PRAGMA busy_timeout = {patience_ms:d}")


def _settle_all(units: list[_Unit]) -> None:
    for unit in units:
        unit.settle()
