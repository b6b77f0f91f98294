"""Jobs: work in slices whose rest is stored with each slice."""

from dataclasses import dataclass
from enum import IntEnum

import msgspec

from app.db.transaction import Snapshot, Transaction

_INSERT = """
    INSERT INTO jobs (id, tag, kind, user_id, actor_id, node_id, state, created_ms)
    VALUES (:id, :tag, :kind, :user, :actor, :node, :state, :now)
"""
_BY_ID = "SELECT id, kind, actor_id, node_id, state FROM jobs WHERE id = :id"
_ALL = "SELECT id FROM jobs ORDER BY id"
_NODES = "SELECT node_id FROM jobs WHERE kind = :kind"
_SAVE = "UPDATE jobs SET state = :state WHERE id = :id"
_DELETE = "DELETE FROM jobs WHERE id = :id"


class JobKind(IntEnum):
    """What a job does; the numbers stand in the database."""

    REVEAL = 1
    PURGE = 2


@dataclass(frozen=True, slots=True)
class Walk:
    """Where a walk down a subtree stands: as many steps as the tree is deep, however wide it is.

    Attributes:
        steps: the folders that are being walked, the top first: id, and name of the last child that is done.
    """

    steps: tuple[tuple[int, str], ...]


@dataclass(frozen=True, slots=True)
class Job:
    """A job as it stands."""

    id: int
    kind: JobKind
    actor_id: int
    node_id: int
    walk: Walk


def add(tx: Transaction, kind: JobKind, *, user_id: int, actor_id: int, node_id: int) -> None:
    """Write a new job about a node and all below it."""
    tx.execute(
        _INSERT,
        {
            "id": tx.next_id(),
            "tag": tx.next_tag(),
            "kind": kind,
            "user": user_id,
            "actor": actor_id,
            "node": node_id,
            "state": msgspec.json.encode(Walk(((node_id, ""),))),
            "now": tx.now_ms(),
        },
    )


def find(tx: Snapshot, job_id: int) -> Job | None:
    """Return the job; None once it is done."""
    row = tx.one(_BY_ID, {"id": job_id})
    if row is None:
        return None
    walk = msgspec.json.decode(row["state"], type=Walk)
    return Job(row["id"], JobKind(row["kind"]), row["actor_id"], row["node_id"], walk)


def unfinished(tx: Snapshot) -> list[int]:
    """Return the ids of all jobs, oldest first."""
    return [row["id"] for row in tx.all(_ALL)]


def nodes_of(tx: Snapshot, kind: JobKind) -> set[int]:
    """Return the nodes that jobs of a kind are about."""
    return {row["node_id"] for row in tx.all(_NODES, {"kind": kind})}


def save(tx: Transaction, job_id: int, walk: Walk) -> None:
    """Store what is left of a job; with nothing left it is done and goes."""
    if walk.steps:
        tx.execute(_SAVE, {"id": job_id, "state": msgspec.json.encode(walk)})
    else:
        tx.execute(_DELETE, {"id": job_id})
