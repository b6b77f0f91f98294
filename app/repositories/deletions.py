"""What deleting does to nodes: into the trash and back, into view again, and gone for good.

The trash is one mark on the top node (metadata.md, 5). While `dead_ms` stands it is an entry of the trash; a dead node
without it is purged, or about to be: a tombstone, kept for devices that may know it.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from msgspec.structs import replace

from app.db.transaction import Snapshot, Transaction
from app.repositories import found_names
from app.repositories.journal import Operation
from app.repositories.nodes import KINDS, Kind, Node, close, expect_one_row

_SET_DEAD = """
    UPDATE nodes SET dead_seq = :seq, dead_ms = :now, seq = :seq, feed_seq = :seq, actor_id = :actor
     WHERE id = :id AND seq = :if_seq AND dead_seq = 0
"""
_SET_ALIVE = """
    UPDATE nodes SET dead_seq = 0, dead_ms = NULL, parent_id = :parent, name = :name, space_id = :space, seq = :seq,
      feed_seq = :seq, actor_id = :actor, modified_ms = :now WHERE id = :id AND seq = :if_seq
"""
_CHILDREN = """
    SELECT id, kind, name FROM nodes WHERE parent_id = :parent AND dead_seq = 0 AND name > :after
     ORDER BY name LIMIT :limit
"""
_REVEAL = "UPDATE nodes SET feed_seq = :seq WHERE id = :id"
_DATE_SHOWN = "UPDATE folders SET shown_seq = :seq WHERE node_id = :id"
_SHOWN = "SELECT shown_seq FROM folders WHERE node_id = :id"
_HIDE = "UPDATE nodes SET dead_ms = NULL WHERE id = :id"
_PURGE = """
    UPDATE nodes SET version_id = NULL, version_tag = NULL, size = NULL, mtime_ms = NULL, dead_seq = :seq,
      dead_ms = NULL WHERE id = :id
"""
_PURGE_PAST = "DELETE FROM past WHERE node_id = :id"
_PURGE_SUMS = "DELETE FROM folders WHERE node_id = :id"
_PURGE_LOCKS = "DELETE FROM locks WHERE node_id = :id"


@dataclass(frozen=True, slots=True)
class Child:
    """What a walk down a subtree needs of a node."""

    id: int
    kind: Kind
    name: str


def trash(tx: Transaction, node: Node, *, actor_id: int) -> int:
    """Put a node and all below it into the trash with one row; return the seq.

    Raises:
        ConflictError: it changed since `node` was read.
    """
    seq = close(tx, node, Operation.TRASH, actor_id)
    values = {"id": node.id, "if_seq": node.seq, "seq": seq, "actor": actor_id, "now": tx.now_ms()}
    expect_one_row(tx.execute(_SET_DEAD, values), node)
    return seq


def restore(
    tx: Transaction, node: Node, *, parent_id: int | None, name: str, actor_id: int, space_id: int | None = None
) -> Node:
    """Bring a node back at a place where its name is free: one that is dead, or one from below a dead folder.

    Args:
        space_id: the space of the new parent where it may be another one: `conversion.carry_over` does the rest.

    Raises:
        ConflictError: it changed since `node` was read.
    """
    seq, now = close(tx, node, Operation.RESTORE, actor_id), tx.now_ms()
    if name != node.name:
        found_names.change(tx, [node.id])
    values = {
        "id": node.id,
        "if_seq": node.seq,
        "parent": parent_id,
        "name": name,
        "space": node.space_id if space_id is None else space_id,
        "seq": seq,
        "actor": actor_id,
        "now": now,
    }
    expect_one_row(tx.execute(_SET_ALIVE, values), node)
    return replace(
        node,
        parent_id=parent_id,
        name=name,
        space_id=node.space_id if space_id is None else space_id,
        dead_seq=0,
        dead_ms=None,
        seq=seq,
        feed_seq=seq,
        actor_id=actor_id,
        modified_ms=now,
    )


def next_children(tx: Snapshot, parent_id: int, *, after: str, limit: int) -> list[Child]:
    """Return live children behind the name `after` ("" begins), up to the first folder, at most `limit`."""
    found = []
    for row in tx.execute(_CHILDREN, {"parent": parent_id, "after": after, "limit": limit}):
        child = Child(row["id"], KINDS[row["kind"]], row["name"])
        found.append(child)
        if child.kind is Kind.FOLDER:
            break
    return found


def reveal(tx: Transaction, node_ids: Iterable[int], seq: int) -> None:
    """Give nodes that came into view unchanged a new place in the feed."""
    tx.connection.executemany(_REVEAL, [{"id": node_id, "seq": seq} for node_id in node_ids])


def note_shown(tx: Transaction, folder_ids: Iterable[int], seq: int) -> None:
    """Note for folders that something below them came into view at `seq`."""
    tx.connection.executemany(_DATE_SHOWN, [{"id": folder_id, "seq": seq} for folder_id in folder_ids])


def shown_seq(tx: Snapshot, node_id: int) -> int:
    """Return the highest seq with which something below a folder came into view; 0 for never, and for a file."""
    row = tx.one(_SHOWN, {"id": node_id})
    return 0 if row is None else int(row["shown_seq"])


def hide_from_trash(tx: Transaction, node_id: int) -> None:
    """Let a trashed node show no more; it is about to be purged."""
    tx.execute(_HIDE, {"id": node_id})


def purge(tx: Transaction, node_ids: Iterable[int], *, dead_seq: int) -> None:
    """Forget what nodes held and were; the rows stay as tombstones of their own, for devices that know them.

    Args:
        dead_seq: of the trashed node at or above them: their names must not stand among the living.
    """
    rows = [{"id": node_id, "seq": dead_seq} for node_id in node_ids]
    found_names.change(tx, [row["id"] for row in rows])
    for statement in (_PURGE_PAST, _PURGE_SUMS, _PURGE_LOCKS, _PURGE):
        tx.connection.executemany(statement, rows)
