"""The statements of the chunk index: its tables, what a barrier writes, and what is asked of it. Plain functions."""

import itertools
import sqlite3
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from storage import unused
from storage.base import Backend, Blob, Buffer, ChunkId, ChunkState, Encoding, Form, Place, Seal
from storage.group_writer import PlainSession
from storage.slices import sliced

SCHEMA_VERSION = 5

PACK_SIZE = 8 * 1024 * 1024
"""Bytes of chunks in a pack; it is as long as they are, and a table."""

_FIRST = (
    """
    CREATE TABLE chunks (
      seq         INTEGER PRIMARY KEY,   -- order of arrival: new rows append, and the newest are found at the end
      id          BLOB NOT NULL UNIQUE,  -- SHA-256 of the plain bytes
      size        INTEGER NOT NULL,      -- plain bytes
      stored_size INTEGER NOT NULL,      -- bytes of the stored form
      encoding    INTEGER NOT NULL,      -- Encoding
      key_number  INTEGER,               -- number of the data key; NULL while not encrypted
      backend     INTEGER NOT NULL,      -- Backend
      place       INTEGER NOT NULL,      -- Place: a row of `small`, a file of its own, or part of a pack
      pack        INTEGER,               -- which pack; NULL unless place says so
      pack_offset INTEGER,               -- where in the pack; NULL unless place says so
      state       INTEGER NOT NULL       -- ChunkState
    ) STRICT
    """,
    """
    CREATE TABLE small (
      chunk INTEGER PRIMARY KEY,         -- chunks.seq
      data  BLOB NOT NULL                -- stored form
    ) STRICT
    """,
    """
    CREATE TABLE claims (
      claim TEXT NOT NULL,               -- upload or bundle, opaque here
      chunk INTEGER NOT NULL,            -- chunks.seq
      PRIMARY KEY (claim, chunk)
    ) STRICT, WITHOUT ROWID
    """,
)
_PACKS = (
    """
    CREATE TABLE packs (
      number  INTEGER PRIMARY KEY,       -- chunks.pack
      hash    BLOB NOT NULL UNIQUE,      -- SHA-256 of the object
      size    INTEGER NOT NULL,          -- bytes of the object
      held    INTEGER NOT NULL,          -- bytes of the chunks in it when it was made
      backend INTEGER NOT NULL           -- Backend
    ) STRICT
    """,
    "CREATE INDEX chunks_in_packs ON chunks(pack, stored_size) WHERE pack IS NOT NULL",
)
_MOVES = (
    """
    CREATE TABLE moves (
      one     INTEGER PRIMARY KEY CHECK (one = 1),
      target  INTEGER NOT NULL,          -- Backend to which chunks go, or have gone
      bucket  TEXT NOT NULL,             -- what keeps the bucket that is one of the two sides, opaque here
      stage   INTEGER NOT NULL,          -- Stage
      since_s INTEGER NOT NULL           -- since when it is at this stage, by the clock of who moves
    ) STRICT
    """,
)
_NAMES = (
    "ALTER TABLE chunks ADD COLUMN name BLOB",  # under which it is sealed; NULL while not encrypted
    "CREATE UNIQUE INDEX chunks_by_name ON chunks(name) WHERE name IS NOT NULL",
)
_STEPS = (_FIRST, unused.SCHEMA, _PACKS, _MOVES, _NAMES)  # one for each version of the schema

_LAST_SEQ = "SELECT coalesce(max(seq), 0) FROM chunks"
_ADD = """
    INSERT INTO chunks (seq, id, size, stored_size, encoding, key_number, name, backend, place, state)
    VALUES (:seq, :id, :size, :stored_size, :encoding, :key_number, :name, :backend, :place, :state)
"""
_HEAL = """
    UPDATE chunks SET stored_size = :stored_size, encoding = :encoding, key_number = :key_number, name = :name,
           backend = :backend, place = :place, pack = NULL, pack_offset = NULL, state = :state
     WHERE seq = :seq
"""
_ADD_SMALL = "INSERT INTO small (chunk, data) VALUES (:chunk, :data) ON CONFLICT DO UPDATE SET data = excluded.data"
_CLAIM = "INSERT INTO claims (claim, chunk) VALUES (:claim, :chunk) ON CONFLICT DO NOTHING"
_DROP_CLAIM = "DELETE FROM claims WHERE claim = :claim"
_NEXT_CLAIM = "SELECT min(claim) FROM claims WHERE claim > :claim"
_SET_STATE = "UPDATE chunks SET state = :state WHERE id = :id"
_STATES = "SELECT id, seq, state FROM chunks WHERE id IN ({marks})"
_BLOBS = """
    SELECT c.id, c.encoding, c.backend, c.stored_size, p.hash, p.size, c.key_number, c.name
      FROM chunks AS c LEFT JOIN packs AS p ON p.number = c.pack
     WHERE c.id IN ({marks}) AND c.state IN (0, 1) AND c.place > 0
"""
_SIZES = "SELECT id, size FROM chunks WHERE id IN ({marks}) AND state = 0"
_CLAIMED = """
    SELECT c.id FROM chunks AS c CROSS JOIN claims AS k ON k.claim = ? AND k.chunk = c.seq
     WHERE c.id IN ({marks}) AND c.state = 0
"""
_FIND = """
    SELECT c.seq, c.id, c.size, c.stored_size, c.encoding, c.place, c.backend, c.state, s.data, p.hash, c.pack_offset,
           c.key_number, c.name
      FROM chunks AS c LEFT JOIN small AS s ON s.chunk = c.seq LEFT JOIN packs AS p ON p.number = c.pack
     WHERE c.id IN ({marks})
"""
_PLAIN_OBJECTS = """
    SELECT id FROM chunks
     WHERE id IN ({marks}) AND state = 0 AND place = 1 AND backend = 1 AND encoding = 0 AND name IS NULL
"""
_NEWEST_FILES = """
    SELECT seq, id, size, stored_size, encoding, place, backend, state, NULL, NULL, NULL, key_number, name
      FROM chunks
     WHERE state = 0 AND place = 1 AND backend = 0 ORDER BY seq DESC LIMIT :limit
"""
_PAGE = """
    SELECT c.seq, c.id, c.size, c.stored_size, c.encoding, c.place, c.backend, c.state, s.data, p.hash, c.pack_offset,
           c.key_number, c.name
      FROM chunks AS c LEFT JOIN small AS s ON s.chunk = c.seq LEFT JOIN packs AS p ON p.number = c.pack
     WHERE c.seq > :after ORDER BY c.seq LIMIT :limit
"""


_OLDEST_ROWS = """
    SELECT c.seq, c.id, c.size, c.stored_size, c.encoding, c.place, c.backend, c.state, s.data, NULL, NULL,
           c.key_number, c.name
      FROM small AS s JOIN chunks AS c ON c.seq = s.chunk
     WHERE c.state = 0 AND c.place = 0 AND c.key_number IS :key_number ORDER BY s.chunk
"""
_ADD_PACK = """
    INSERT INTO packs (hash, size, held, backend) VALUES (:hash, :size, :held, :backend)
        ON CONFLICT (hash) DO UPDATE SET size = excluded.size RETURNING number
"""
_TO_PACK = """
    UPDATE chunks SET place = 2, backend = :backend, pack = :pack, pack_offset = :offset
     WHERE seq = :seq AND id = :id AND place = 0 AND state IN (0, 1)
       AND stored_size = :stored_size AND encoding = :encoding AND key_number IS :key_number
"""
_OUT_OF_SMALL = "DELETE FROM small WHERE chunk = :seq AND (SELECT place FROM chunks WHERE seq = :seq) = 2"
_IN_PACK = """
    SELECT c.seq, c.id, c.size, c.stored_size, c.encoding, c.place, c.backend, c.state, NULL, p.hash, c.pack_offset,
           c.key_number, c.name
      FROM packs AS p JOIN chunks AS c ON c.pack = p.number WHERE p.number = :number ORDER BY c.pack_offset
"""
_TO_ROW = """
    UPDATE chunks SET place = 0, backend = 0, pack = NULL, pack_offset = NULL,
           stored_size = :stored_size, key_number = :key_number, name = :name
     WHERE seq = :seq AND pack = :number
"""
_INTO_SMALL = """
    INSERT INTO small (chunk, data) SELECT seq, :data FROM chunks WHERE seq = :seq AND place = 0
        ON CONFLICT DO NOTHING
"""
_OTHERS = """
    SELECT c.seq, c.id, c.size, c.stored_size, c.encoding, c.place, c.backend, c.state, s.data, NULL, NULL,
           c.key_number, c.name
      FROM chunks AS c LEFT JOIN small AS s ON s.chunk = c.seq
     WHERE c.seq > :after AND c.key_number IS NOT :key_number AND c.place < 2 AND c.state IN (0, 1)
     ORDER BY c.seq LIMIT :limit
"""
_KEY_NUMBERS = "SELECT DISTINCT key_number FROM chunks WHERE key_number IS NOT NULL"
_IS_SEALED = "SELECT 1 FROM chunks WHERE name IS NOT NULL LIMIT 1"
_RESEAL = "UPDATE chunks SET stored_size = :stored_size, key_number = :key_number, name = :name WHERE seq = :seq"
_RESEAL_SMALL = "UPDATE small SET data = :data WHERE chunk = :seq"
_NEXT_PACK = "SELECT number, hash, backend FROM packs WHERE number > :after ORDER BY number LIMIT 1"
_THIN_PACKS = """
    SELECT number, hash, backend FROM packs AS p
     WHERE backend = :backend AND 2 * (SELECT coalesce(sum(stored_size), 0) FROM chunks WHERE pack = p.number) < p.held
"""
_FORGET_PACK = "DELETE FROM packs WHERE number = :number"


@dataclass(frozen=True, slots=True)
class Pack:
    """An object of many small chunks; `number` is the index's own."""

    number: int
    blob: Blob


@dataclass(slots=True)
class NewChunk:
    """What a barrier writes of one chunk: its row, the bytes of a small one, and by whom it was received."""

    chunk_id: ChunkId
    size: int
    stored_size: int
    encoding: Encoding
    place: Place
    data: Buffer | None = None
    seal: Seal | None = None
    claims: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class IndexRow:
    """What the index says of one chunk.

    Attributes:
        data: the stored form, where the index itself holds it.
        blob: the object that holds it else, from the byte `start` on.
        seal: how it is sealed; None if it is not.
    """

    seq: int
    chunk_id: ChunkId
    size: int
    stored_size: int
    encoding: Encoding
    place: Place
    state: ChunkState
    data: bytes | None
    blob: Blob | None
    start: int
    seal: Seal | None

    @property
    def is_alone(self) -> bool:
        """Whether its stored form is an object by itself."""
        return self.place is Place.FILE


@dataclass(frozen=True, slots=True)
class Resealed:
    """A chunk in another form: how it is sealed then, the stored form, and the object that it becomes, if any."""

    row: IndexRow
    seal: Seal | None
    data: bytes
    blob: Blob | None = None


def install(session: PlainSession) -> None:
    """Make the tables that are not there."""
    connection = session.connection
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    for statement in itertools.chain.from_iterable(_STEPS[version:]):
        connection.execute(statement)
    connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")


def record(
    session: PlainSession,
    chunks: Sequence[NewChunk],
    dropped: Collection[str],
    lost: Collection[ChunkId],
    backend: Backend = Backend.LOCAL,
) -> None:
    """Write the rows of a barrier: chunks that are new or whose bytes were gone, all claims but the dropped ones.

    Of the `lost` nobody knew so far; `backend` holds what is no row.

    Bytes of files are durable in their place by now; a row whose bytes are there stays as it is. No chunk of a barrier
    is unused any more.
    """
    connection = session.connection
    set_states(session, lost, ChunkState.DAMAGED)
    known = states_of(connection, [chunk.chunk_id for chunk in chunks])
    seq = connection.execute(_LAST_SEQ).fetchone()[0]
    added: list[dict[str, object]] = []
    healed: list[dict[str, object]] = []
    small: list[dict[str, object]] = []
    claims: list[dict[str, object]] = []
    for chunk in chunks:
        old = known.get(chunk.chunk_id)
        if old is None:
            seq += 1
            added.append(_values(chunk, seq, backend))
        elif not has_bytes(old[1]):
            healed.append(_values(chunk, old[0], backend))
        number = old[0] if old else seq
        if chunk.data is not None and (old is None or not has_bytes(old[1])):
            small.append({"chunk": number, "data": chunk.data})
        claims.extend({"claim": claim, "chunk": number} for claim in chunk.claims if claim not in dropped)
    connection.executemany(_ADD, added)
    connection.executemany(_HEAL, healed)
    connection.executemany(_ADD_SMALL, small)
    unused.lift_put(session, [old[0] for old in known.values()])
    connection.executemany(_CLAIM, claims)
    connection.executemany(_DROP_CLAIM, [{"claim": claim} for claim in dropped])


def sweep_claims(session: PlainSession, open_claims: Collection[str]) -> None:
    """Remove the claims of uploads that are no longer open. Steps over the claims, not over their rows."""
    connection = session.connection
    claim: str | None = ""
    while (claim := connection.execute(_NEXT_CLAIM, {"claim": claim}).fetchone()[0]) is not None:
        if claim not in open_claims:
            connection.execute(_DROP_CLAIM, {"claim": claim})


def set_states(session: PlainSession, ids: Iterable[ChunkId], state: ChunkState) -> None:
    """Give each of `ids` that state."""
    session.connection.executemany(_SET_STATE, [{"state": state, "id": chunk_id} for chunk_id in ids])


def states_of(connection: sqlite3.Connection, ids: Collection[ChunkId]) -> dict[ChunkId, tuple[int, ChunkState]]:
    """Return seq and state of those of `ids` that have a row."""
    rows = sliced(connection, _STATES, ids)
    return {ChunkId(chunk_id): (seq, ChunkState(state)) for chunk_id, seq, state in rows}


def has_bytes(state: ChunkState | None) -> bool:
    """Tell whether the bytes of a chunk in this state are in place and right, so that a put needs no new ones."""
    return state in {ChunkState.OK, ChunkState.CONDEMNED}


def blobs_of(connection: sqlite3.Connection, ids: Collection[ChunkId]) -> dict[ChunkId, tuple[Blob, int]]:
    """Return object and length of the object of those of `ids` whose bytes should be in one."""
    return {
        ChunkId(chunk_id): (
            Blob.of(ChunkId(chunk_id), Encoding(encoding), _seal(number, name)).at(Backend(backend)),
            stored_size,
        )
        if pack is None
        else (Blob(pack, Form.PACK, Backend(backend)), pack_size)
        for chunk_id, encoding, backend, stored_size, pack, pack_size, number, name in sliced(connection, _BLOBS, ids)
    }


def sizes(connection: sqlite3.Connection, ids: Collection[ChunkId]) -> dict[ChunkId, int]:
    """Return those of `ids` that exist, with their plain sizes in bytes."""
    return {ChunkId(chunk_id): size for chunk_id, size in sliced(connection, _SIZES, ids)}


def claimed(connection: sqlite3.Connection, claims: Collection[str], ids: Collection[ChunkId]) -> set[ChunkId]:
    """Return those of `ids` that exist and were received under one of `claims`."""
    return {ChunkId(row[0]) for claim in claims for row in sliced(connection, _CLAIMED, ids, claim)}


def find(connection: sqlite3.Connection, ids: Collection[ChunkId]) -> dict[ChunkId, IndexRow]:
    """Return the rows of those of `ids` that have one."""
    return {row.chunk_id: row for row in map(row_of, sliced(connection, _FIND, ids))}


def plain_objects(connection: sqlite3.Connection, ids: Collection[ChunkId]) -> set[ChunkId]:
    """Return those of `ids` that are objects of a bucket, each with the plain bytes of its chunk and nothing else."""
    return {ChunkId(row[0]) for row in sliced(connection, _PLAIN_OBJECTS, ids)}


def newest_files(connection: sqlite3.Connection, limit: int) -> list[IndexRow]:
    """Return the OK chunks in files of this machine that were indexed last, the latest first."""
    return list(map(row_of, connection.execute(_NEWEST_FILES, {"limit": limit})))


def page(connection: sqlite3.Connection, after: int, limit: int) -> list[IndexRow]:
    """Return rows in order of arrival, those that come next after the seq `after`."""
    return list(map(row_of, connection.execute(_PAGE, {"after": after, "limit": limit})))


def pack_of_rows(connection: sqlite3.Connection, key_number: int | None) -> list[IndexRow]:
    """Return the oldest small chunks of one data key, as many as fill a pack; none if there are fewer."""
    found: list[IndexRow] = []
    total = 0
    for values in connection.execute(_OLDEST_ROWS, {"key_number": key_number}):
        found.append(row_of(values))
        total += found[-1].stored_size
        if total >= PACK_SIZE:
            return found
    return []


def pack(session: PlainSession, blob: Blob, size: int, chunks: Sequence[tuple[IndexRow, int]]) -> None:
    """Let chunks lie in a pack, each from its offset on, and no more in rows; one that changed meanwhile stays."""
    connection = session.connection
    held = sum(row.stored_size for row, _ in chunks)
    values: dict[str, object] = {"hash": blob.hash, "size": size, "held": held, "backend": blob.backend}
    (number,) = connection.execute(_ADD_PACK, values).fetchall()[0]
    moved = [
        {
            "seq": row.seq,
            "id": row.chunk_id,  # the last seq is given anew once its chunk is gone
            "pack": number,
            "offset": offset,
            "backend": blob.backend,
            "stored_size": row.stored_size,
            "encoding": row.encoding,
            "key_number": None if row.seal is None else row.seal.key_number,
        }
        for row, offset in chunks
    ]
    connection.executemany(_TO_PACK, moved)
    connection.executemany(_OUT_OF_SMALL, [{"seq": row.seq} for row, _ in chunks])


def others(connection: sqlite3.Connection, after: int, key_number: int | None, limit: int) -> list[IndexRow]:
    """Return chunks that are not sealed with this key, rows and files, those that come next after the seq `after`."""
    return list(map(row_of, connection.execute(_OTHERS, {"after": after, "key_number": key_number, "limit": limit})))


def key_numbers(connection: sqlite3.Connection) -> set[int]:
    """Return the data keys that chunks are sealed with."""
    return {row[0] for row in connection.execute(_KEY_NUMBERS)}


def is_sealed(connection: sqlite3.Connection) -> bool:
    """Tell whether any chunk is sealed."""
    return connection.execute(_IS_SEALED).fetchone() is not None


def reseal(session: PlainSession, changes: Sequence[Resealed]) -> None:
    """Let chunks lie in another form at the same kind of place; nobody has changed their rows meanwhile."""
    connection = session.connection
    connection.executemany(
        _RESEAL,
        [{"seq": change.row.seq, "stored_size": len(change.data), **_sealing(change.seal)} for change in changes],
    )
    connection.executemany(
        _RESEAL_SMALL, [{"seq": change.row.seq, "data": change.data} for change in changes if change.blob is None]
    )


def next_pack(connection: sqlite3.Connection, after: int) -> Pack | None:
    """Return the pack that comes next after a number."""
    row = connection.execute(_NEXT_PACK, {"after": after}).fetchone()
    return None if row is None else pack_of(*row)


def thin_packs(connection: sqlite3.Connection, backend: Backend) -> list[Pack]:
    """Return the packs of which less than half is left."""
    return list(itertools.starmap(pack_of, connection.execute(_THIN_PACKS, {"backend": backend})))


def in_pack(connection: sqlite3.Connection, number: int) -> list[IndexRow]:
    """Return what is left in a pack."""
    return list(map(row_of, connection.execute(_IN_PACK, {"number": number})))


def unpack(session: PlainSession, number: int, chunks: Sequence[Resealed]) -> None:
    """Let chunks of a pack be rows in some form, those that are still in it."""
    connection = session.connection
    moved = [
        {"seq": chunk.row.seq, "number": number, "stored_size": len(chunk.data), **_sealing(chunk.seal)}
        for chunk in chunks
    ]
    connection.executemany(_TO_ROW, moved)
    connection.executemany(_INTO_SMALL, [{"seq": chunk.row.seq, "data": chunk.data} for chunk in chunks])


def forget_pack(session: PlainSession, number: int) -> None:
    """Forget a pack that is gone."""
    session.connection.execute(_FORGET_PACK, {"number": number})


def _values(chunk: NewChunk, seq: int, backend: Backend) -> dict[str, object]:
    return {
        "seq": seq,
        "id": chunk.chunk_id,
        "size": chunk.size,
        "stored_size": chunk.stored_size,
        "encoding": chunk.encoding,
        **_sealing(chunk.seal),
        "backend": Backend.LOCAL if chunk.place is Place.ROW else backend,
        "place": chunk.place,
        "state": ChunkState.OK,
    }


def pack_of(number: int, digest: bytes, backend: int) -> Pack:
    """Return the pack of a row of `packs`."""
    return Pack(number, Blob(digest, Form.PACK, Backend(backend)))


def _sealing(seal: Seal | None) -> dict[str, object]:
    return {"key_number": None, "name": None} if seal is None else {"key_number": seal.key_number, "name": seal.name}


def _seal(key_number: int | None, name: bytes | None) -> Seal | None:
    return None if key_number is None or name is None else Seal(key_number, name)


def row_of(values: tuple[Any, ...]) -> IndexRow:
    """Return what the columns of a chunk say, in the order that all statements here have."""
    seq, chunk_id, size, stored_size, encoding, place, backend, state, data, pack, offset, key_number, name = values
    seal = _seal(key_number, name)
    blob = Blob(pack, Form.PACK, Backend(backend)) if place == Place.PACK else None
    if place == Place.FILE:
        blob = Blob.of(chunk_id, Encoding(encoding), seal).at(Backend(backend))
    return IndexRow(
        seq,
        chunk_id,
        size,
        stored_size,
        Encoding(encoding),
        Place(place),
        ChunkState(state),
        data,
        blob,
        offset or 0,
        seal,
    )
