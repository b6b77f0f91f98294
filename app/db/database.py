"""The metadata database: many readers, one writer that commits for all who wait.

One awaited statement costs about a hundred times the statement itself, nearly all of it the hop to the database's
thread. So callers hand over a whole unit of work, a plain function that runs inside that thread (house-style.md, 6).
"""

import asyncio
import sqlite3
from collections.abc import Callable
from enum import Enum
from pathlib import Path
from typing import Self, TypeVar

import aiosqlite

from app.db.transaction import Listeners, Snapshot, Transaction, read_counters
from app.listing import natural_key
from storage.base import ChunkStates
from storage.disk import Disk
from storage.errors import StorageError, StoreFullError
from storage.group_writer import GroupWriter, translated

T = TypeVar("T")

READERS = 3
BUSY_S = 10.0
WRITER_CACHE_KIB = 32 * 1024
READER_CACHE_KIB = 8 * 1024


class Use(Enum):
    """What a change does to the disk, which decides what it may take of one that is nearly full."""

    GROWS = "grows"
    """It leaves more behind than there was: refused once only the reserve is left, and never given the ballast."""

    FREES = "frees"
    """It frees room, or lets people in who come to do so: goes on below the reserve, and gets the ballast."""

    NOTES = "notes"
    """It writes over what is there, and can wait: goes on below the reserve, but is not given the ballast."""


class _Reader(aiosqlite.Connection):
    """A read-only connection with a thread of its own."""

    async def open(self) -> None:
        """Start the thread and connect."""
        _ = await super().__aenter__()

    async def run(self, work: Callable[[Snapshot], T]) -> T:
        """Run `work` in this connection's thread, in one hop, on one consistent snapshot."""
        return await self._execute(self._in_snapshot, work)  # type: ignore[no-any-return, no-untyped-call] # aiosqlite leaves it untyped

    def _in_snapshot(self, work: Callable[[Snapshot], T]) -> T:
        connection = self._conn
        connection.execute("BEGIN")
        try:
            return work(Snapshot(connection))
        finally:
            connection.execute("COMMIT")


class Reads:
    """Reads of metadata, and no way to write: all that a process beside the main one has of it."""

    def __init__(self, readers: list[_Reader]) -> None:
        """Take over connections that are open."""
        self._readers = readers
        self._free: asyncio.Queue[_Reader] = asyncio.Queue()
        for reader in readers:
            self._free.put_nowait(reader)

    @classmethod
    async def open_reads(cls, path: Path) -> "Reads":
        """Open a database that another process writes."""
        return Reads(await _open_readers(path))

    async def read(self, work: Callable[[Snapshot], T]) -> T:
        """Run `work` on a snapshot that no writer holds up."""
        reader = await self._free.get()
        try:
            return await reader.run(work)
        except sqlite3.Error as error:
            raise translated(error) or error from error
        finally:
            self._free.put_nowait(reader)

    async def close(self) -> None:
        """Close the connections."""
        for reader in self._readers:
            await reader.close()


class Database(Reads):
    """Reads and writes of metadata; open it with `Database.open`, which expects a migrated file."""

    def __init__(
        self,
        writer: GroupWriter[Transaction],
        readers: list[_Reader],
        make_room: Callable[[], object],
        require_room: Callable[[], None],
        require_writable: Callable[[], None],
    ) -> None:
        """Take over connections that are open; see `open` for the rest."""
        super().__init__(readers)
        self._writer = writer
        self._make_room = make_room
        self._require_room = require_room
        self.require_writable = require_writable

    @classmethod
    async def open(
        cls,
        path: Path,
        *,
        disk: Disk,
        chunks: ChunkStates,
        clock_ms: Callable[[], int],
        listeners: Listeners,
        on_failure: Callable[[StorageError], None] | None = None,
        make_room: Callable[[], object] = lambda: None,
        require_room: Callable[[], None] = lambda: None,
        require_writable: Callable[[], None] = lambda: None,
    ) -> Self:
        """Open the writer and the readers.

        Args:
            path: the database file.
            disk: the seam through which COMMIT goes.
            chunks: asked by units of work in the writer's thread.
            clock_ms: wall clock, Unix milliseconds.
            listeners: told from the writer's thread after commits and checkpoints.
            on_failure: called from the writer's thread when the disk has failed.
            make_room: called in a thread when a change that frees room finds none, before it is tried once more.
            require_room: called before each change that grows the database; raises NoRoomError to refuse it.
            require_writable: called before each change; raises StorageError to refuse it.
        """

        def open_session() -> Transaction:
            connection = connect_writer(path)
            return Transaction(connection, read_counters(connection), clock_ms, chunks, listeners)

        writer = await asyncio.to_thread(GroupWriter, path, open_session=open_session, disk=disk, on_failure=on_failure)
        return cls(writer, await _open_readers(path), make_room, require_room, require_writable)

    @property
    def commits(self) -> int:
        """Transactions committed since the start."""
        return self._writer.commits

    async def write(self, work: Callable[[Transaction], T], *, use: Use = Use.GROWS) -> T:
        """Run `work` in a transaction; its result comes after the commit is durable.

        Args:
            work: the unit; one that frees room is run once more where the disk is full, after room was made.
            use: what it does to the disk. Whoever says nothing grows the database, so that none can forget to ask.

        Raises:
            NoRoomError: only the reserve is left, and `work` would grow the database.
            StorageError: the server only reads, or the disk is full or failed.
        """
        if use is Use.GROWS:
            self._require_room()
        self.require_writable()
        try:
            return await self._writer.write(work)
        except StoreFullError:
            if use is not Use.FREES:
                raise
        await asyncio.to_thread(self._make_room)
        return await self._writer.write(work)

    async def close(self) -> None:
        """Let what waits finish, checkpoint and close."""
        await super().close()
        await asyncio.to_thread(self._writer.close)


class Watch:
    """Tells whether others have written to a database, for who is not told by them. All calls block."""

    def __init__(self, path: Path) -> None:
        """Open a connection of its own, for the number is one of the connection."""
        self._connection = connect_reader(path)
        self._seen = self._version()

    def has_moved(self) -> bool:
        """Tell whether anything was committed since the last call; the cost is a look into shared memory."""
        before, self._seen = self._seen, self._version()
        return self._seen != before

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _version(self) -> int:
        return int(self._connection.execute("PRAGMA data_version").fetchone()[0])


async def _open_readers(path: Path) -> list[_Reader]:
    readers = [_Reader(lambda: connect_reader(path), iter_chunk_size=64) for _ in range(READERS)]
    for reader in readers:
        await reader.open()
    return readers


def connect_writer(path: Path) -> sqlite3.Connection:
    """Open the one connection that writes, and the only one that checkpoints (durability.md, 2)."""
    connection = _connect(path.absolute().as_uri(), WRITER_CACHE_KIB)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA fullfsync = ON")  # macOS alone looks at these two
    connection.execute("PRAGMA checkpoint_fullfsync = ON")
    connection.execute("PRAGMA wal_autocheckpoint = 0")
    return connection


def connect_reader(path: Path) -> sqlite3.Connection:
    """Open a connection that can only read, and that leaves the WAL alone even as the last one to close."""
    connection = _connect(f"{path.absolute().as_uri()}?mode=ro", READER_CACHE_KIB)
    connection.execute("PRAGMA query_only = ON")
    connection.execute("PRAGMA wal_autocheckpoint = 0")
    return connection


def _connect(address: str, cache_kib: int) -> sqlite3.Connection:
    connection = sqlite3.connect(address, uri=True, isolation_level=None, timeout=BUSY_S, check_same_thread=False)
    connection.row_factory = sqlite3.Row
    connection.create_function("natural_key", 1, natural_key, deterministic=True)
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA secure_delete = OFF")  # Debian's build has it on, and it doubles the writes
    connection.execute(f"PRAGMA cache_size = -{cache_kib}")
    connection.execute("PRAGMA mmap_size = 0")
    return connection
