"""What a unit of work is handed: SQL, the counters of the database, and the journal's next row.

`meta` holds the counters. Reading and writing it for every change would cost two statements each, so the writer
keeps them here and writes them once a group; `mark` and `reset` take them back when a unit is undone.
"""

import hashlib
import secrets
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

from storage.base import ChunkStates

T = TypeVar("T")

TAG_SIZE = 5
TAGS_AT_ONCE = 256
MARK_SIZE = 8
Parameters = Mapping[str, object]


_SAVE_COUNTERS = """
    UPDATE meta SET seq = :seq, mark = :mark, next_id = :next_id, last_ms = :last_ms
"""
_RECORD = """
    INSERT INTO journal (seq, node_id, op, actor_id, at_ms, mark) VALUES (:seq, :node, :op, :actor, :at, :mark)
"""
_READ_IDENTITY = "SELECT instance, epoch FROM meta"
_READ_COUNTERS = "SELECT epoch, seq, mark, next_id, last_ms FROM meta"
_MARK_AT = "SELECT mark FROM journal WHERE seq = :seq"
_OLDEST_MARK = "SELECT oldest_mark FROM meta WHERE oldest_seq = :seq + 1"


@dataclass(frozen=True, slots=True)
class Counters:
    """The counters of `meta`: the journal's head with its mark, and the next free id."""

    epoch: str
    seq: int
    chain_mark: bytes
    next_id: int
    last_ms: int


def read_counters(connection: sqlite3.Connection) -> Counters:
    """Return the counters as the database holds them."""
    row = connection.execute(_READ_COUNTERS).fetchone()
    return Counters(row["epoch"], row["seq"], row["mark"], row["next_id"], row["last_ms"])


def mark_at(connection: sqlite3.Connection, seq: int) -> bytes | None:
    """Return the chain mark at a place of the journal, also just before its oldest row; None beyond its ends."""
    for statement in (_MARK_AT, _OLDEST_MARK):
        row = connection.execute(statement, {"seq": seq}).fetchone()
        if row is not None:
            return bytes(row[0])
    return None


def chain_mark(epoch: str, before: bytes, seq: int, node_id: int, operation: int, actor_id: int, at_ms: int) -> bytes:
    """Return a journal row's mark: BLAKE2b-8 over the mark before and the row, keyed by the epoch (metadata.md, 2)."""
    row = before + b"".join(n.to_bytes(8, "big") for n in (seq, node_id, operation, actor_id, at_ms))
    return hashlib.blake2b(row, digest_size=MARK_SIZE, key=epoch.encode()).digest()


@dataclass(frozen=True, slots=True)
class Identity:
    """Random names: of the installation, and of the journal, which gets another one after a restore."""

    instance: str
    epoch: str


class Snapshot:
    """A read-only view for one unit of work."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        """Wrap a connection; only the thread that runs the unit may use it."""
        self.connection = connection

    def execute(self, statement: str, parameters: Parameters = {}) -> sqlite3.Cursor:  # noqa: B006 - never written to
        """Run one statement with named parameters."""
        return self.connection.execute(statement, parameters)

    def one(self, statement: str, parameters: Parameters = {}) -> sqlite3.Row | None:  # noqa: B006 - never written to
        """Return the first row, or None."""
        row: sqlite3.Row | None = self.connection.execute(statement, parameters).fetchone()
        return row

    def all(self, statement: str, parameters: Parameters = {}) -> list[sqlite3.Row]:  # noqa: B006 - never written to
        """Return all rows; the statement bounds their number."""
        return self.connection.execute(statement, parameters).fetchall()

    def identity(self) -> Identity:
        """Return the names of this installation and of its journal."""
        row = self.connection.execute(_READ_IDENTITY).fetchone()
        return Identity(row["instance"], row["epoch"])


@dataclass(frozen=True, slots=True)
class Mark:
    """Where a unit began: the counters, and how many notes of touched spaces there were."""

    counters: Counters
    touched: int


def _to_nobody(_: object) -> None:
    """Tell nobody."""


@dataclass(frozen=True, slots=True)
class Listeners:
    """Who is told what, from the writer's thread; none of them may raise.

    Attributes:
        changed: which spaces have something new in their feed, after the commit.
        checkpointed: where the journal stands, after a checkpoint.
    """

    changed: Callable[[frozenset[int]], None] = _to_nobody
    checkpointed: Callable[[Counters], None] = _to_nobody


class Transaction(Snapshot):
    """The writing side of a unit of work."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        counters: Counters,
        clock_ms: Callable[[], int],
        chunks: ChunkStates,
        listeners: Listeners,
    ) -> None:
        """Begin with the counters as `meta` has them.

        Args:
            connection: the writing connection.
            counters: as read from `meta` at the start.
            clock_ms: wall clock, Unix milliseconds.
            chunks: which chunks the store has, asked in this thread (durability.md, 5).
            listeners: told after each commit and each checkpoint.
        """
        super().__init__(connection)
        self.counters = counters
        self.chunks = chunks
        self._stored = counters
        self._clock_ms = clock_ms
        self._unit_ms = clock_ms()
        self._listeners = listeners
        self._tags: list[bytes] = []
        self._touched: list[int] = []

    def mark(self) -> Mark:
        """Begin a unit: read the clock, which then stands still until the next one; return what `reset` needs."""
        self._unit_ms = self._clock_ms()
        return Mark(self.counters, len(self._touched))

    def reset(self, mark: Mark) -> None:
        """Take the counters back to `mark`, and forget what was touched since."""
        self.counters = mark.counters
        del self._touched[mark.touched :]

    def attempt(self, work: Callable[[], T]) -> T:
        """Run a part of a unit: if it raises, that part alone is undone, and the unit may go on with another."""
        mark = Mark(self.counters, len(self._touched))
        self.execute("SAVEPOINT part")
        try:
            done = work()
        except Exception:
            if self.connection.in_transaction:  # else SQLite has rolled all of it back by itself
                self.execute("ROLLBACK TO part")
                self.execute("RELEASE part")
                self.reset(mark)
            raise
        self.execute("RELEASE part")
        return done

    def flush(self) -> None:
        """Write the counters, once a group of units."""
        if self.counters is not self._stored:
            now = self.counters
            values = {"seq": now.seq, "mark": now.chain_mark, "next_id": now.next_id, "last_ms": now.last_ms}
            self.execute(_SAVE_COUNTERS, values)
            self._stored = self.counters

    def committed(self) -> None:
        """Tell whose feed has something new; only now is it durable (durability.md, 1)."""
        if self._touched:
            self._listeners.changed(frozenset(self._touched))
            self._touched.clear()

    def checkpointed(self) -> None:
        """Tell where the journal stands."""
        self._listeners.checkpointed(self.counters)

    def touch(self, space_id: int) -> None:
        """Note that the feed of a space has something new."""
        self._touched.append(space_id)

    def now_ms(self) -> int:
        """Return the time for all rows of this unit; never less than that of the journal's last row."""
        return max(self._unit_ms, self.counters.last_ms)

    def clock_ms(self) -> int:
        """Return what the clock says, for what is judged by age: one jump ahead spoils no later row."""
        return self._unit_ms

    def next_id(self) -> int:
        """Return an id that no row ever had."""
        taken = self.counters.next_id
        self.counters = replace(self.counters, next_id=taken + 1)
        return taken

    def next_tag(self) -> bytes:
        """Return the random part that completes an id on the wire."""
        if not self._tags:
            fresh = secrets.token_bytes(TAG_SIZE * TAGS_AT_ONCE)
            self._tags = [fresh[at : at + TAG_SIZE] for at in range(0, len(fresh), TAG_SIZE)]
        return self._tags.pop()

    def record(self, *, node_id: int, operation: int, actor_id: int) -> int:
        """Append a row to the journal and return its seq."""
        before = self.counters
        seq = before.seq + 1
        at_ms = self.now_ms()
        mark = chain_mark(before.epoch, before.chain_mark, seq, node_id, operation, actor_id, at_ms)
        self.execute(
            _RECORD,
            {"seq": seq, "node": node_id, "op": operation, "actor": actor_id, "at": at_ms, "mark": mark},
        )
        self.counters = replace(before, seq=seq, chain_mark=mark, last_ms=at_ms)
        return seq
