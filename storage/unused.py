"""The statements of collection: chunks on their way out of the index, and files that no row names. Plain functions.

A chunk that nobody uses takes four steps, each durable before the next: found, condemned, judged, removing. A put of
the chunk takes it off that way at any step but the last, which only the barrier's thread takes.
"""

import sqlite3
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum

from storage.base import Backend, Blob, ChunkId, ChunkState, Encoding, Form, Place, Seal
from storage.group_writer import PlainSession
from storage.slices import sliced

SCHEMA = (
    """
    CREATE TABLE unused (
      chunk       INTEGER PRIMARY KEY,   -- chunks.seq
      found_s     INTEGER NOT NULL,      -- when the run began that found it unused first, by the clock of who collects
      step        INTEGER NOT NULL,      -- Step
      condemned_s INTEGER                -- when it was judged, by the same clock; NULL before
    ) STRICT
    """,
    "CREATE INDEX unused_step ON unused(step, condemned_s) WHERE step > 0",
    """
    CREATE TABLE strays (
      name    TEXT PRIMARY KEY,          -- of a file among the chunks
      found_s INTEGER NOT NULL           -- as above
    ) STRICT, WITHOUT ROWID
    """,
    """
    CREATE TABLE collection (
      one   INTEGER PRIMARY KEY CHECK (one = 1),
      run_s INTEGER NOT NULL,            -- when the last whole run began, by the clock of who collects
      basis TEXT NOT NULL                -- what the users of chunks were judged by, opaque here
    ) STRICT
    """,
)
END_OF_IDS = b"\xff" * 33  # behind every id


class Step(IntEnum):
    """How far a chunk that nobody uses has come. The numbers are in the index and never change."""

    FOUND = 0
    CONDEMNED = 1
    """No longer there for commits; whether one came before is not known yet."""
    JUDGED = 2
    """None came before: it goes when its grace is over."""
    REMOVING = 3


@dataclass(frozen=True, slots=True)
class Held:
    """A chunk as a collection sees it; `found_s` is None where no run found it unused, `size` bytes as stored."""

    chunk_id: ChunkId
    size: int
    state: ChunkState
    found_s: int | None
    step: Step | None


@dataclass(frozen=True, slots=True)
class Leaving:
    """A chunk that is being removed; `size` bytes as stored.

    Attributes:
        blob: the object that holds it, alone or among others.
        blob_size: its length in bytes.
    """

    seq: int
    chunk_id: ChunkId
    size: int
    is_damaged: bool
    blob: Blob | None
    blob_size: int


_PAGE = """
    SELECT c.id, c.stored_size, c.state, u.found_s, u.step FROM chunks c LEFT JOIN unused u ON u.chunk = c.seq
     WHERE c.id > :after AND c.id < :end ORDER BY c.id LIMIT :limit
"""
_FIND = """
    INSERT INTO unused (chunk, found_s, step) SELECT seq, :found, 0 FROM chunks WHERE id = :id ON CONFLICT DO NOTHING
"""
_LIFT_STATE = "UPDATE chunks SET state = 0 WHERE id = :id AND state = 1"
_LIFT = "DELETE FROM unused WHERE step < 3 AND chunk = (SELECT seq FROM chunks WHERE id = :id)"
_LIFT_PUT = "DELETE FROM unused WHERE chunk = :seq"
_LIFT_PUT_STATE = "UPDATE chunks SET state = 0 WHERE seq = :seq AND state = 1"
_CONDEMN = "UPDATE unused SET step = 1 WHERE step = 0 AND chunk = (SELECT seq FROM chunks WHERE id = :id)"
_CONDEMN_STATE = """
    UPDATE chunks SET state = 1
     WHERE id = :id AND state = 0 AND EXISTS (SELECT 1 FROM unused WHERE chunk = chunks.seq AND step = 1)
"""
_JUDGE = """
    UPDATE unused SET step = 2, condemned_s = :now WHERE step = 1 AND chunk = (SELECT seq FROM chunks WHERE id = :id)
"""
_UNJUDGED = "SELECT c.id FROM unused u JOIN chunks c ON c.seq = u.chunk WHERE u.step = 1"
_BACK_TO_FOUND = "UPDATE unused SET step = 0 WHERE step = 1"
_LIFT_CONDEMNED = (
    "UPDATE chunks SET state = 0 WHERE state = 1 AND seq IN (SELECT chunk FROM unused WHERE step IN (1, 2))"
)
_DOUBT = "UPDATE unused SET step = 0, condemned_s = NULL WHERE step IN (1, 2)"
_STAY_STATE = "UPDATE chunks SET state = 0 WHERE seq = :seq AND state = 2"
_STAY = "UPDATE unused SET step = 0, condemned_s = NULL WHERE chunk = :seq"
_LEAVING = """
    SELECT c.seq, c.id, c.stored_size, c.encoding, c.place, c.backend, c.state, p.hash, p.size, c.key_number, c.name
      FROM unused u JOIN chunks c ON c.seq = u.chunk LEFT JOIN packs p ON p.number = c.pack
     WHERE u.step = :step AND (u.step = 3 OR u.condemned_s <= :due) LIMIT :limit
"""
_LEAVE = "UPDATE unused SET step = 3 WHERE chunk = :seq"
_LEAVE_STATE = "UPDATE chunks SET state = 2 WHERE seq = :seq AND state = 1"
_DELETE = (
    "DELETE FROM small WHERE chunk = :seq",
    "DELETE FROM unused WHERE chunk = :seq",
    "DELETE FROM chunks WHERE seq = :seq",
)
_SOME = "SELECT c.id FROM unused u JOIN chunks c ON c.seq = u.chunk WHERE u.step < 3 LIMIT :limit"
_CLAIMS = "SELECT DISTINCT claim FROM claims WHERE claim > :after ORDER BY claim LIMIT :limit"
_END_CLAIM = "DELETE FROM claims WHERE claim = :claim"
_CLAIMED = """
    SELECT k.claim, k.chunk, c.id FROM claims k JOIN chunks c ON c.seq = k.chunk
     WHERE (k.claim, k.chunk) > (:claim, :chunk) ORDER BY k.claim, k.chunk LIMIT :limit
"""
_KEPT = """
    SELECT c.id FROM chunks c WHERE c.id IN ({marks}) AND (c.state = 0
      OR (c.state = 1 AND NOT EXISTS (SELECT 1 FROM unused u WHERE u.chunk = c.seq AND u.step > 1)))
"""
_FILES = "SELECT id, encoding, backend FROM chunks WHERE id IN ({marks}) AND place = 1 AND key_number IS NULL"
_SEALED = "SELECT name, backend FROM chunks WHERE name IN ({marks}) AND place = 1"
_PACKS = "SELECT hash, backend FROM packs WHERE hash IN ({marks})"
_STRAYS = "SELECT name, found_s FROM strays WHERE name > :after AND name < :end"
_ADD_STRAY = "INSERT INTO strays (name, found_s) VALUES (:name, :found) ON CONFLICT DO NOTHING"
_DELETE_STRAY = "DELETE FROM strays WHERE name = :name"
_FORGET_STRAYS = "DELETE FROM strays"
_FORGET_RUNS = "DELETE FROM collection"
_READ = "SELECT run_s, basis FROM collection"
_SET_BASIS = """
    INSERT INTO collection (one, run_s, basis) VALUES (1, 0, :basis) ON CONFLICT DO UPDATE SET basis = excluded.basis
"""
_TOTALS = "SELECT coalesce(sum(size), 0), coalesce(sum(stored_size), 0) FROM chunks"
_UNUSED = """
    SELECT coalesce(sum(c.size), 0), coalesce(sum(c.stored_size), 0),
           coalesce(sum(CASE WHEN u.step > 0 THEN c.stored_size ELSE 0 END), 0)
      FROM unused u JOIN chunks c ON c.seq = u.chunk
"""
_SET_RUN = "UPDATE collection SET run_s = :run"


@dataclass(frozen=True, slots=True)
class Totals:
    """What the store holds, in bytes: chunks in use, plain and as stored, and unused ones, as stored.

    `leaving_size` is the part of `unused_size` that was condemned.
    """

    size: int
    stored_size: int
    unused_size: int
    leaving_size: int


def totals(connection: sqlite3.Connection) -> Totals:
    """Add up all chunks; a walk through the index of a few hundred milliseconds a million."""
    size, stored = connection.execute(_TOTALS).fetchone()
    unused_plain, unused_stored, leaving = connection.execute(_UNUSED).fetchone()
    return Totals(size - unused_plain, stored - unused_stored, unused_stored, leaving)


def page(connection: sqlite3.Connection, first: int, after: bytes, limit: int) -> list[Held]:
    """Return up to `limit` chunks whose ids begin with the byte `first`, in order, those behind `after`."""
    begin, end = bounds(first)
    values = {"after": after or begin, "end": end, "limit": limit}
    return [
        Held(ChunkId(chunk_id), size, ChunkState(state), found_s, None if step is None else Step(step))
        for chunk_id, size, state, found_s, step in connection.execute(_PAGE, values)
    ]


def note(session: PlainSession, found: Iterable[ChunkId], used: Iterable[ChunkId], run_s: int) -> None:
    """Note of `found` that the run which began at `run_s` found them unused; take `used` off the way out."""
    session.connection.executemany(_FIND, [{"id": chunk_id, "found": run_s} for chunk_id in found])
    lift(session, used)


def lift(session: PlainSession, ids: Iterable[ChunkId]) -> None:
    """Take chunks off the way out, unless they are being removed."""
    values = [{"id": chunk_id} for chunk_id in ids]
    session.connection.executemany(_LIFT_STATE, values)
    session.connection.executemany(_LIFT, values)


def lift_put(session: PlainSession, seqs: Iterable[int]) -> None:
    """Take chunks off the way out that were put anew; their bytes are in place."""
    values = [{"seq": seq} for seq in seqs]
    session.connection.executemany(_LIFT_PUT_STATE, values)
    session.connection.executemany(_LIFT_PUT, values)


def condemn(session: PlainSession, ids: Iterable[ChunkId]) -> None:
    """Let found chunks exist no more for commits; one that was put since is not found any more."""
    values = [{"id": chunk_id} for chunk_id in ids]
    session.connection.executemany(_CONDEMN, values)
    session.connection.executemany(_CONDEMN_STATE, values)


def judge(session: PlainSession, gone: Iterable[ChunkId], used: Iterable[ChunkId], now_s: int, basis: str) -> None:
    """Let those of the condemned that are `gone` go when their grace is over; take the `used` off the way out."""
    lift(session, used)
    session.connection.executemany(_JUDGE, [{"id": chunk_id, "now": now_s} for chunk_id in gone])
    session.connection.execute(_SET_BASIS, {"basis": basis})


def take_back_unjudged(session: PlainSession) -> None:
    """Lift what was condemned and not judged: a version that came just before may use it."""
    connection = session.connection
    connection.executemany(_LIFT_STATE, [{"id": row[0]} for row in connection.execute(_UNJUDGED).fetchall()])
    connection.execute(_BACK_TO_FOUND)


def doubt(session: PlainSession) -> list[Leaving]:
    """Take back that chunks were condemned or judged, and return those that were being removed.

    For a start: this may be an older index, put back from a copy, that has not seen by whom they came to be used since.
    """
    session.connection.execute(_LIFT_CONDEMNED)
    session.connection.execute(_DOUBT)
    return _leaving(session.connection, Step.REMOVING, due_s=0, limit=-1)


def stay(session: PlainSession, chunks: Iterable[Leaving]) -> None:
    """Let chunks that were being removed be found unused, and no more."""
    values = [{"seq": chunk.seq} for chunk in chunks]
    session.connection.executemany(_STAY_STATE, values)
    session.connection.executemany(_STAY, values)


def begin_removal(session: PlainSession, due_s: int, limit: int) -> list[Leaving]:
    """Let up to `limit` chunks that were judged at `due_s` or before be gone, and return them with what a stop left.

    Only for the thread that puts files into place: no put may come between this and the end.
    """
    connection = session.connection
    leaving = _leaving(connection, Step.REMOVING, due_s=due_s, limit=limit)
    leaving += _leaving(connection, Step.JUDGED, due_s=due_s, limit=limit - len(leaving))
    values_of_rows = [{"seq": chunk.seq} for chunk in leaving]
    connection.executemany(_LEAVE, values_of_rows)
    connection.executemany(_LEAVE_STATE, values_of_rows)
    return leaving


def end_removal(session: PlainSession, leaving: Sequence[Leaving]) -> None:
    """Forget chunks whose files are durably gone."""
    values = [{"seq": chunk.seq} for chunk in leaving]
    for statement in _DELETE:
        session.connection.executemany(statement, values)


def forget(session: PlainSession, limit: int) -> bool:
    """Take up to `limit` chunks off the way out, forget strays and runs; tell whether there may be more."""
    ids = [ChunkId(row[0]) for row in session.connection.execute(_SOME, {"limit": limit}).fetchall()]
    lift(session, ids)
    session.connection.execute(_FORGET_STRAYS)
    session.connection.execute(_FORGET_RUNS)
    return len(ids) == limit


def kept(connection: sqlite3.Connection, ids: Collection[ChunkId]) -> set[ChunkId]:
    """Return those of `ids` whose bytes will stay as long as a version names them: the others are lost or leaving."""
    return {ChunkId(row[0]) for row in sliced(connection, _KEPT, ids)}


def claims(connection: sqlite3.Connection, after: str, limit: int) -> list[str]:
    """Return up to `limit` claims in order, those behind `after`."""
    return [row[0] for row in connection.execute(_CLAIMS, {"after": after, "limit": limit})]


def end_claims(session: PlainSession, ended: Iterable[str]) -> None:
    """Delete claims; what was received under them is no longer kept for anybody."""
    session.connection.executemany(_END_CLAIM, [{"claim": claim} for claim in ended])


def claimed(
    connection: sqlite3.Connection, after: tuple[str, int], limit: int
) -> tuple[list[ChunkId], tuple[str, int]]:
    """Return up to `limit` chunks that claims name, those behind the place `after`, and the place where they end."""
    found = connection.execute(_CLAIMED, {"claim": after[0], "chunk": after[1], "limit": limit}).fetchall()
    return [ChunkId(row[2]) for row in found], (found[-1][0], found[-1][1]) if found else after


def strays(connection: sqlite3.Connection, first: int) -> dict[str, int]:
    """Return the files, by name, that were noted among the chunks whose ids begin with the byte `first`, and when."""
    values = {"after": f"{first:02x}", "end": f"{first:02x}g"}
    return dict(connection.execute(_STRAYS, values).fetchall())


def note_strays(session: PlainSession, found: Iterable[str], gone: Iterable[str], run_s: int) -> None:
    """Note files that no row names, and forget others."""
    session.connection.executemany(_ADD_STRAY, [{"name": name, "found": run_s} for name in found])
    session.connection.executemany(_DELETE_STRAY, [{"name": name} for name in gone])


def last_run(connection: sqlite3.Connection) -> tuple[int, str | None]:
    """Return when the last whole run began, 0 if there was none, and by what chunks were judged last."""
    row = connection.execute(_READ).fetchone()
    return (0, None) if row is None else (row[0], row[1])


def finish(session: PlainSession, run_s: int, basis: str) -> None:
    """Note that a run which began at `run_s` came to its end, and by what chunks were judged."""
    session.connection.execute(_SET_BASIS, {"basis": basis})
    session.connection.execute(_SET_RUN, {"run": run_s})


def named(connection: sqlite3.Connection, blobs: Collection[Blob]) -> set[Blob]:
    """Return those of some objects that a row names."""
    chunks = [blob.chunk_id for blob in blobs if blob.chunk_id is not None]
    sealed = [ChunkId(blob.hash) for blob in blobs if blob.form is Form.SEALED]
    packs = [ChunkId(blob.hash) for blob in blobs if blob.form is Form.PACK]
    found = {
        Blob.of(ChunkId(chunk_id), Encoding(encoding)).at(Backend(backend))
        for chunk_id, encoding, backend in sliced(connection, _FILES, chunks)
    }
    found |= {Blob(name, Form.SEALED, Backend(backend)) for name, backend in sliced(connection, _SEALED, sealed)}
    return found | {Blob(pack, Form.PACK, Backend(backend)) for pack, backend in sliced(connection, _PACKS, packs)}


def bounds(first: int) -> tuple[bytes, bytes]:
    """Return two values between which, neither counted, all ids lie that begin with the byte `first`."""
    return bytes([first]), bytes([first + 1]) if first < 0xFF else END_OF_IDS  # noqa: PLR2004 - of a byte


def _leaving(connection: sqlite3.Connection, step: Step, *, due_s: int, limit: int) -> list[Leaving]:
    found = connection.execute(_LEAVING, {"step": step, "due": due_s, "limit": limit})
    return [_leaver(*values) for values in found]


def _leaver(
    seq: int,
    chunk_id: bytes,
    size: int,
    encoding: int,
    place: int,
    backend: int,
    state: int,
    pack: bytes | None,
    pack_size: int | None,
    key_number: int | None,
    name: bytes | None,
) -> Leaving:
    is_damaged = state == ChunkState.DAMAGED
    if pack is not None and pack_size is not None:
        return Leaving(seq, ChunkId(chunk_id), size, is_damaged, Blob(pack, Form.PACK, Backend(backend)), pack_size)
    seal = None if key_number is None or name is None else Seal(key_number, name)
    blob = Blob.of(ChunkId(chunk_id), Encoding(encoding), seal).at(Backend(backend)) if place == Place.FILE else None
    return Leaving(seq, ChunkId(chunk_id), size, is_damaged, blob, size)
