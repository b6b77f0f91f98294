"""The statements of a move: where a store's chunks go, how far that is, and what is still to be done. Plain functions.

There is at most one move. It stays in the index when it is over, and says where the chunks lie from then on.
"""

import contextlib
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

from storage.base import Backend, Place
from storage.errors import StorageError
from storage.group_writer import PlainSession
from storage.index import connect_reader
from storage.rows import IndexRow, Pack, pack_of, row_of

SEQS = 20_000
"""So many places in the order of arrival are looked at in one read."""


class Stage(IntEnum):
    """How far a move is. The numbers are in the index and never change."""

    COPY = 0
    """What is put goes to the new side; chunks are copied there, one slice after the other."""
    VERIFY = 1
    """All chunks lie on the new side, which is listed as a whole."""
    RETAIN = 2
    """Only the new side is used; the old one keeps its copies for some time."""
    EMPTY = 3
    """The old side's copies are being removed."""
    DONE = 4


@dataclass(frozen=True, slots=True)
class Move:
    """A move as the index has it; fields as in the table."""

    target: Backend
    bucket: str
    stage: Stage
    since_s: int

    @property
    def source(self) -> Backend:
        """The old side."""
        return Backend.S3 if self.target is Backend.LOCAL else Backend.LOCAL

    @property
    def is_both(self) -> bool:
        """Whether chunks lie on both sides."""
        return self.stage < Stage.RETAIN


@dataclass(frozen=True, slots=True)
class Held:
    """How many chunks lie somewhere, and their bytes as stored; of `damaged` ones there are no sound bytes."""

    backend: Backend
    place: Place
    chunks: int
    size: int
    damaged: int


_READ = "SELECT target, bucket, stage, since_s FROM moves"
_WRITE = """
    INSERT INTO moves (one, target, bucket, stage, since_s) VALUES (1, :target, :bucket, :stage, :since)
        ON CONFLICT DO UPDATE SET target = :target, bucket = :bucket, stage = :stage, since_s = :since
"""
_LAST = "SELECT coalesce(max(seq), 0) FROM chunks"
_FILES = """
    SELECT seq, id, size, stored_size, encoding, place, backend, state, NULL, NULL, NULL, key_number, name
      FROM chunks
     WHERE seq > :after AND seq <= :end AND place = 1 AND backend = :backend AND state IN (0, 1)
     ORDER BY seq LIMIT :limit
"""
_MOVED = """
    UPDATE chunks SET backend = :backend
     WHERE seq = :seq AND id = :id AND place = 1 AND backend != :backend AND state IN (0, 1)
       AND stored_size = :stored_size AND encoding = :encoding AND name IS :name
"""
_DAMAGED = """
    UPDATE chunks SET state = 3, backend = :backend
     WHERE seq = :seq AND id = :id AND place = 1 AND backend != :backend AND state IN (0, 1)
"""
_DAMAGED_IN_PACK = """
    UPDATE chunks SET state = 3, place = 0, backend = 0, pack = NULL, pack_offset = NULL
     WHERE seq = :seq AND id = :id AND place = 2 AND pack = :pack AND state IN (0, 1)
"""
_USED_PACKS = """
    SELECT number, hash, backend FROM packs AS p
     WHERE backend = :backend AND EXISTS (SELECT 1 FROM chunks WHERE pack = p.number AND state IN (0, 1))
     ORDER BY number LIMIT :limit
"""
_LEFT = """
    SELECT EXISTS (SELECT 1 FROM chunks WHERE place > 0 AND backend = :backend AND state != 3)
"""
_REST_OF_FILES = "UPDATE chunks SET backend = :target WHERE place = 1 AND backend = :source AND state = 3"
_REST_OF_PACKS = """
    UPDATE chunks SET place = 0, backend = 0, pack = NULL, pack_offset = NULL
     WHERE place = 2 AND backend = :source AND state = 3
"""
_FORGET_PACKS = """
    DELETE FROM packs WHERE backend = :backend AND NOT EXISTS (SELECT 1 FROM chunks WHERE pack = packs.number)
"""
_ON = """
    SELECT seq, id, size, stored_size, encoding, place, backend, state, NULL, NULL, NULL, key_number, name
      FROM chunks
     WHERE id > :after AND id < :end AND place = 1 AND backend = :backend AND state IN (0, 1) ORDER BY id LIMIT :limit
"""
_PACKS_ON = "SELECT number, hash, backend, size FROM packs WHERE hash >= :first AND hash < :end AND backend = :backend"
_HELD = """
    SELECT backend, place, count(*), sum(stored_size), sum(state = 3) FROM chunks GROUP BY backend, place
"""


def read(connection: sqlite3.Connection) -> Move | None:
    """Return the move, None if there never was one."""
    found = connection.execute(_READ).fetchone()
    return None if found is None else Move(Backend(found[0]), found[1], Stage(found[2]), found[3])


def read_from(path: Path) -> Move | None:
    """Return the move that the index at `path` tells of; None also where it cannot be read, or is of an older form.

    A store that is then taken for another is refused by what its folder says of it.
    """
    if path.exists():
        with (
            contextlib.suppress(sqlite3.DatabaseError, StorageError),
            contextlib.closing(connect_reader(path)) as index,
        ):
            return read(index)
    return None


def write(session: PlainSession, move: Move) -> None:
    """Let this be the move."""
    values = {"target": move.target, "bucket": move.bucket, "stage": move.stage, "since": move.since_s}
    session.connection.execute(_WRITE, values)


def last_seq(connection: sqlite3.Connection) -> int:
    """Return the last place in the order of arrival."""
    return int(connection.execute(_LAST).fetchone()[0])


def files_on(connection: sqlite3.Connection, backend: Backend, after: int, limit: int) -> tuple[list[IndexRow], int]:
    """Return up to `limit` chunks on one side, alone in their objects, behind a place, and how far that looked."""
    values = {"after": after, "end": after + SEQS, "backend": backend, "limit": limit}
    found = [row_of(row) for row in connection.execute(_FILES, values)]
    return found, found[-1].seq if len(found) == limit else after + SEQS


def moved(session: PlainSession, backend: Backend, copied: Iterable[IndexRow], damaged: Sequence[IndexRow]) -> None:
    """Let chunks lie on the side `backend` from now on, unless their rows changed; no sound bytes of some are there."""
    values = [
        {
            "backend": backend,
            "seq": row.seq,
            "id": row.chunk_id,  # the last seq is given anew once its chunk is gone
            "stored_size": row.stored_size,
            "encoding": row.encoding,
            "name": None if row.seal is None else row.seal.name,
        }
        for row in copied
    ]
    session.connection.executemany(_MOVED, values)
    lost = [{"backend": backend, "seq": row.seq, "id": row.chunk_id} for row in damaged]
    session.connection.executemany(_DAMAGED, lost)


def damaged_in(session: PlainSession, pack: Pack, damaged: Sequence[IndexRow]) -> None:
    """Note of chunks in a pack that their bytes are wrong."""
    values = [{"pack": pack.number, "seq": row.seq, "id": row.chunk_id} for row in damaged]
    session.connection.executemany(_DAMAGED_IN_PACK, values)


def used_packs(connection: sqlite3.Connection, backend: Backend, limit: int) -> list[Pack]:
    """Return up to `limit` packs on one side in which there is something."""
    return [pack_of(*row) for row in connection.execute(_USED_PACKS, {"backend": backend, "limit": limit})]


def is_left(connection: sqlite3.Connection, backend: Backend) -> bool:
    """Tell whether any chunk lies in an object on one side. A walk through the index if there is none."""
    return bool(connection.execute(_LEFT, {"backend": backend}).fetchone()[0])


def settle_rest(session: PlainSession, move: Move) -> None:
    """Take from the old side what is only named there: damaged chunks, whose next put heals them."""
    session.connection.execute(_REST_OF_FILES, {"target": move.target, "source": move.source})
    session.connection.execute(_REST_OF_PACKS, {"source": move.source})


def forget_packs(session: PlainSession, backend: Backend) -> None:
    """Forget the packs on one side in which nothing is left."""
    session.connection.execute(_FORGET_PACKS, {"backend": backend})


def chunks_on(connection: sqlite3.Connection, backend: Backend, after: bytes, end: bytes, limit: int) -> list[IndexRow]:
    """Return up to `limit` chunks on one side between two ids, alone in their objects."""
    values = {"backend": backend, "after": after, "end": end, "limit": limit}
    return [row_of(row) for row in connection.execute(_ON, values)]


def packs_on(connection: sqlite3.Connection, backend: Backend, first: bytes, end: bytes) -> list[tuple[Pack, int]]:
    """Return the packs on one side whose hashes lie between two values, and their lengths."""
    found = connection.execute(_PACKS_ON, {"backend": backend, "first": first, "end": end})
    return [(pack_of(*row[:3]), row[3]) for row in found]


def held(connection: sqlite3.Connection) -> list[Held]:
    """Count what lies where. A walk through the index."""
    return [
        Held(Backend(backend), Place(place), count, size, damaged)
        for backend, place, count, size, damaged in connection.execute(_HELD)
    ]
