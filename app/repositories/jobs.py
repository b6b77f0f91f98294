"""Jobs: work in slices whose rest is stored with each slice."""

import sqlite3
from dataclasses import dataclass
from enum import IntEnum
from typing import TypeVar

import msgspec

from app.db.transaction import Snapshot, Transaction

T = TypeVar("T")

_INSERT = """
    INSERT INTO jobs (id, tag, kind, user_id, actor_id, node_id, state, created_ms, total)
    VALUES (:id, :tag, :kind, :user, :actor, :node, :state, :now, :total)
"""
_BY_ID = """
    SELECT id, tag, kind, user_id, actor_id, node_id, state, created_ms, done_ms, done, total, result
      FROM jobs WHERE id = :id
"""
_UNFINISHED = "SELECT id FROM jobs WHERE done_ms IS NULL ORDER BY id"
_UNFINISHED_PAGE = """
    SELECT id, tag, kind, user_id, actor_id, node_id, state, created_ms, done_ms, done, total, result
      FROM jobs WHERE done_ms IS NULL AND id > :after ORDER BY id LIMIT :limit
"""
_NODES = "SELECT node_id FROM jobs WHERE done_ms IS NULL AND kind = :kind"
_SAVE = """
    UPDATE jobs SET state = :state, done = done + :done, total = coalesce(:total, total),
      result = coalesce(:result, result), done_ms = :done_ms WHERE id = :id
"""
_ENDED = "SELECT id FROM jobs WHERE done_ms < :before ORDER BY id LIMIT :limit"
_DELETE = "DELETE FROM jobs WHERE id = :id"
_NOTHING = b"null"


class JobKind(IntEnum):
    """What a job does; the numbers stand in the database."""

    REVEAL = 1
    PURGE = 2
    REWIND = 3
    UNDO = 4
    CARRY = 5
    ERASE = 8


TOLD = frozenset({JobKind.REWIND, JobKind.UNDO})
"""Kinds whose id is told to who asks for them: these stay for a while when they are done, others go at once."""


@dataclass(frozen=True, slots=True)
class Rest:
    """What a slice leaves, and what it did.

    Attributes:
        state: what is left to do, of the kind's own type; None once nothing is.
        done: how much of the job this slice did.
        total: how much there is to do in all, where this slice found out; None leaves it.
        result: what came of the job so far, of the kind's own type; None leaves it.
    """

    state: object | None
    done: int = 0
    total: int | None = None
    result: object | None = None


DONE = Rest(None)


@dataclass(frozen=True, slots=True)
class Walk:
    """Where a walk down a subtree stands: as many steps as the tree is deep, however wide it is.

    Attributes:
        steps: the folders that are being walked, the top first: id, and name of the last child that is done.
    """

    steps: tuple[tuple[int, str], ...]

    @classmethod
    def from_top(cls, node_id: int) -> "Walk":
        """Return the beginning of a walk through all below a folder."""
        return cls(((node_id, ""),))

    def rest(self, done: int = 0) -> Rest:
        """Return what is left of a job that is nothing but this walk, after a slice that did `done` nodes."""
        return Rest(self if self.steps else None, done)


@dataclass(frozen=True, slots=True)
class Job:
    """A job as it stands; `…_ms` in Unix milliseconds, `done_ms` None while there is work left."""

    id: int
    tag: bytes
    kind: JobKind
    user_id: int
    actor_id: int
    node_id: int
    packed_state: bytes
    created_ms: int
    done_ms: int | None
    done: int
    total: int
    packed_result: bytes | None

    def state(self, kind: type[T]) -> T:
        """Return what is left to do, as the type that this kind of job has for it."""
        return msgspec.json.decode(self.packed_state, type=kind)

    def result(self, kind: type[T]) -> T | None:
        """Return what came of it so far, as the type that this kind of job has for it."""
        return None if self.packed_result is None else msgspec.json.decode(self.packed_result, type=kind)


def add(
    tx: Transaction, kind: JobKind, *, user_id: int, actor_id: int, node_id: int, state: object, total: int = 0
) -> Job:
    """Write a new job about a node; once this is committed, tell the JobService.

    Args:
        state: what there is to do, of the kind's own type.
        total: how much that is, where it is known.
    """
    job_id = tx.next_id()
    values = {
        "id": job_id,
        "tag": tx.next_tag(),
        "kind": kind,
        "user": user_id,
        "actor": actor_id,
        "node": node_id,
        "state": msgspec.json.encode(state),
        "now": tx.now_ms(),
        "total": total,
    }
    tx.execute(_INSERT, values)
    made = find(tx, job_id)
    if made is None:
        raise AssertionError(f"job {job_id} is gone inside the transaction that wrote it")
    return made


def find(tx: Snapshot, job_id: int) -> Job | None:
    """Return the job; None once it is done and forgotten."""
    row = tx.one(_BY_ID, {"id": job_id})
    return None if row is None else _job(row)


def unfinished(tx: Snapshot) -> list[int]:
    """Return the ids of all jobs that have work left, oldest first."""
    return [row["id"] for row in tx.all(_UNFINISHED)]


def unfinished_page(tx: Snapshot, *, after: int, limit: int) -> list[Job]:
    """Return up to `limit` jobs that have work left, behind the id `after`, oldest first."""
    return [_job(row) for row in tx.all(_UNFINISHED_PAGE, {"after": after, "limit": limit})]


def nodes_of(tx: Snapshot, kind: JobKind) -> set[int]:
    """Return the nodes that jobs of a kind with work left are about."""
    return {row["node_id"] for row in tx.all(_NODES, {"kind": kind})}


def save(tx: Transaction, job: Job, rest: Rest) -> bool:
    """Store what is left of a job, and tell whether it is done; one that nobody was told of then goes."""
    is_done = rest.state is None
    if is_done and job.kind not in TOLD:
        delete(tx, job.id)
        return True
    values = {
        "id": job.id,
        "state": _NOTHING if is_done else msgspec.json.encode(rest.state),
        "done": rest.done,
        "total": rest.total,
        "result": None if rest.result is None else msgspec.json.encode(rest.result),
        "done_ms": tx.now_ms() if is_done else None,
    }
    tx.execute(_SAVE, values)
    return is_done


def ended(tx: Snapshot, *, before_ms: int, limit: int) -> list[int]:
    """Return up to `limit` jobs that were done before a time."""
    return [row["id"] for row in tx.all(_ENDED, {"before": before_ms, "limit": limit})]


def delete(tx: Transaction, job_id: int) -> None:
    """Forget a job."""
    tx.execute(_DELETE, {"id": job_id})


def _job(row: sqlite3.Row) -> Job:
    number, tag, kind, *rest = row
    return Job(number, tag, JobKind(kind), *rest)
