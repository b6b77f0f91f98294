"""The cache of thumbnails: a database of its own, that may be deleted at any time and that no backup needs.

It holds what was made of contents and remembers what could not be made, up to so many bytes; what was not asked for
longest gives way. Whoever asks it was let through before: it knows nothing of people.
"""

import logging
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Self

logger = logging.getLogger(__name__)

KEPT = 1024 * 1024 * 1024
"""Bytes of thumbnails: of some 100,000 photos the small ones."""
ROOM_MADE = 0.9
TOUCH_MS = 24 * 3600 * 1000
"""How exactly it is known when one was last asked for: each note of it is a write."""
FAILED_FOR_MS = 7 * 24 * 3600 * 1000
"""How long one failed try is remembered; a picture that only came at a bad moment gets another one some day."""
ROW_SIZE = 100
_TAG = "Signature: 8a477f597d28d172789f06886806bc55\n# This folder holds a cache of Cairn: it may be deleted.\n"

_TABLE = """
    CREATE TABLE IF NOT EXISTS thumbnails (
      key BLOB PRIMARY KEY,               -- names a content in a space, and the edge
      media_type TEXT,                    -- NULL: none could be made
      body BLOB NOT NULL,
      size INTEGER NOT NULL,              -- of the body, and of what stands around it
      made_ms INTEGER NOT NULL,
      used_ms INTEGER NOT NULL
    ) STRICT
"""
_BY_USE = "CREATE INDEX IF NOT EXISTS thumbnail_use ON thumbnails(used_ms, size)"
_FIND = "SELECT media_type, body, made_ms, used_ms FROM thumbnails WHERE key = :key"
_TOUCH = "UPDATE thumbnails SET used_ms = :now WHERE key = :key"
_KEEP = """
    INSERT OR REPLACE INTO thumbnails (key, media_type, body, size, made_ms, used_ms)
    VALUES (:key, :media_type, :body, :size, :now, :now)
"""
_SIZE = "SELECT coalesce(sum(size), 0) FROM thumbnails"
_OLDEST = "SELECT key, size FROM thumbnails ORDER BY used_ms"
_DROP = "DELETE FROM thumbnails WHERE key = :key"


@dataclass(frozen=True, slots=True)
class Thumbnail:
    """A small picture as it goes over the wire; `media_type` is None where none can be made."""

    media_type: str | None
    body: bytes


class ThumbnailCache:
    """One connection, used by one thread at a time. Every method blocks."""

    def __init__(self, connection: sqlite3.Connection, *, most: int) -> None:
        """Take a connection that is open, see `open`."""
        self._connection = connection
        self._most = most
        self._size: int = connection.execute(_SIZE).fetchone()[0]

    @classmethod
    def open(cls, path: Path, *, most: int = KEPT) -> Self:
        """Open the file, made anew if it is missing or damaged: nothing in it is worth a stop.

        Args:
            most: bytes that are kept.

        Raises:
            OSError: it cannot be made, or cannot be read.
        """
        path.parent.mkdir(mode=0o700, exist_ok=True)
        tag = path.with_name("CACHEDIR.TAG")  # tells programs that back up to leave it out
        if not tag.exists():
            tag.write_text(_TAG, "ascii")
        try:
            return cls(_connect(path), most=most)
        except sqlite3.DatabaseError:
            for piece in ("", "-wal", "-shm"):
                path.with_name(path.name + piece).unlink(missing_ok=True)
        try:
            return cls(_connect(path), most=most)
        except sqlite3.Error as error:
            raise OSError(str(error)) from error

    def find(self, key: bytes, now_ms: int, *, may_write: bool) -> Thumbnail | None:
        """Return what is kept under a key; None if that is nothing.

        Args:
            may_write: whether it may be noted that it was asked for.
        """
        try:
            row = self._connection.execute(_FIND, {"key": key}).fetchone()
            if row is None or (row["media_type"] is None and not 0 <= now_ms - row["made_ms"] < FAILED_FOR_MS):
                return None
            if may_write and not 0 <= now_ms - row["used_ms"] < TOUCH_MS:
                self._connection.execute(_TOUCH, {"key": key, "now": now_ms})
        except sqlite3.Error as error:
            logger.warning("the cache of thumbnails cannot be used: %s", error)
            return None
        return Thumbnail(row["media_type"], row["body"])

    def keep(self, key: bytes, thumbnail: Thumbnail, now_ms: int) -> None:
        """Keep a thumbnail, and let go of others if there are too many; one that finds no room is not kept."""
        size = len(thumbnail.body) + ROW_SIZE
        values = {"key": key, "media_type": thumbnail.media_type, "body": thumbnail.body, "size": size, "now": now_ms}
        try:
            self._connection.execute(_KEEP, values)
            self._size += size
            if self._size > self._most:
                self._make_room()
        except sqlite3.Error as error:
            logger.warning("a thumbnail could not be kept: %s", error)

    def _make_room(self) -> None:
        """Drop what was not asked for longest, some more than must be: it is not done for each new one."""
        connection = self._connection
        self._size = connection.execute(_SIZE).fetchone()[0]
        dropped = list[dict[str, bytes]]()
        for row in connection.execute(_OLDEST):
            if self._size <= self._most * ROOM_MADE:
                break
            self._size -= row["size"]
            dropped.append({"key": row["key"]})
        connection.execute("BEGIN")
        connection.executemany(_DROP, dropped)
        connection.execute("COMMIT")

    def close(self) -> None:
        """Close the file."""
        self._connection.close()


def _connect(path: Path) -> sqlite3.Connection:
    """Open a file that may lose what was written last, and no more."""
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    try:
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA cache_size = -1024")
        connection.execute(_TABLE)
        connection.execute(_BY_USE)
    except BaseException:
        connection.close()
        raise
    return connection
