"""The chunk index is one SQLite file that alone says which chunks exist; here are its connections and readers."""

import sqlite3
from collections.abc import Callable, Collection
from pathlib import Path
from typing import TypeVar

import aiosqlite

from storage import rows, unused
from storage.base import ChunkId
from storage.errors import BadStoreError, StoreFailedError
from storage.group_writer import translated

T = TypeVar("T")

_BUSY_S = 10.0
_WRITER_CACHE_KIB = 16 * 1024
_READER_CACHE_KIB = 4 * 1024
_PAGE_SIZE = (
    16 * 1024
)  # 52,000 durable 4 KiB rows/s against 39,000 with the default of 4 KiB, which needs a second page


def connect_writer(path: Path) -> sqlite3.Connection:
    """Open the one connection that writes and checkpoints; make the tables in a new file.

    Raises:
        BadStoreError: the file is no index, or one of a newer program.
        StoreFailedError: the disk failed.
    """
    connection = sqlite3.connect(path, isolation_level=None, timeout=_BUSY_S, check_same_thread=False)
    try:
        connection.execute("PRAGMA auto_vacuum = INCREMENTAL")  # of a new file: the room of removed chunks comes back
        connection.execute(f"PRAGMA page_size = {_PAGE_SIZE}")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA fullfsync = ON")  # macOS alone looks at these two
        connection.execute("PRAGMA checkpoint_fullfsync = ON")
        connection.execute("PRAGMA wal_autocheckpoint = 0")  # the writer checkpoints between groups
        connection.execute("PRAGMA secure_delete = OFF")  # Debian's build has it on, and it doubles the writes
        connection.execute(f"PRAGMA cache_size = -{_WRITER_CACHE_KIB}")
        connection.execute("PRAGMA mmap_size = 0")
        version = connection.execute("PRAGMA user_version").fetchone()[0]
    except sqlite3.DatabaseError as error:
        connection.close()
        raise translated(error) or BadStoreError(f"{path} is not a chunk index: {error}") from error
    if version > rows.SCHEMA_VERSION:
        connection.close()
        raise BadStoreError(f"{path} has the form {version} of a newer program; this one knows {rows.SCHEMA_VERSION}")
    return connection


def connect_reader(path: Path) -> sqlite3.Connection:
    """Open a connection that cannot write or checkpoint, from this or another process.

    Raises:
        StorageError: it cannot be opened.
    """
    uri = f"{path.absolute().as_uri()}?mode=ro"
    try:
        connection = sqlite3.connect(uri, uri=True, isolation_level=None, timeout=_BUSY_S, check_same_thread=False)
        connection.execute("PRAGMA query_only = ON")
        connection.execute("PRAGMA wal_autocheckpoint = 0")
        connection.execute(f"PRAGMA cache_size = -{_READER_CACHE_KIB}")
        connection.execute("PRAGMA mmap_size = 0")
    except sqlite3.Error as error:
        raise translated(error) or BadStoreError(f"{path} is not a chunk index: {error}") from error
    return connection


class IndexStates:
    """ChunkStates on a read-only connection, opened by the first call in the thread that makes it."""

    def __init__(self, path: Path) -> None:
        """Remember where the index lies."""
        self._path = path
        self._connection: sqlite3.Connection | None = None

    def present(self, ids: Collection[ChunkId]) -> set[ChunkId]:
        """Return those of `ids` that exist."""
        return set(self.sizes(ids))

    def kept(self, ids: Collection[ChunkId]) -> set[ChunkId]:
        """Return those of `ids` whose bytes will stay as long as a version names them, for fsck."""
        return self.run(lambda connection: unused.kept(connection, ids))

    def sizes(self, ids: Collection[ChunkId]) -> dict[ChunkId, int]:
        """Return those of `ids` that exist, with their plain sizes in bytes."""
        return self.run(lambda connection: rows.sizes(connection, ids))

    def claimed(self, claims: Collection[str], ids: Collection[ChunkId]) -> set[ChunkId]:
        """Return those of `ids` that exist and were received under one of `claims`."""
        return self.run(lambda connection: rows.claimed(connection, claims, ids))

    def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Return what `work` reads."""
        if self._connection is None:
            self._connection = connect_reader(self._path)
        return _reading(work)(self._connection)

    def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


class IndexReader(aiosqlite.Connection):
    """A read-only connection with a thread of its own, for tasks of the event loop."""

    async def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Return what `work` reads, in one hop to the thread and back."""
        return await self._execute(_reading(work), self._conn)  # type: ignore[no-any-return, no-untyped-call] # aiosqlite's own is untyped


async def open_reader(path: Path) -> IndexReader:
    """Start a reader."""
    reader = IndexReader(lambda: connect_reader(path), iter_chunk_size=64)
    _ = await reader  # it answers with itself, under the type of its base
    return reader


def _reading(work: Callable[[sqlite3.Connection], T]) -> Callable[[sqlite3.Connection], T]:
    def run(connection: sqlite3.Connection) -> T:
        try:
            return work(connection)
        except sqlite3.Error as error:
            raise translated(error) or StoreFailedError(f"the chunk index cannot be read: {error}") from error

    return run
