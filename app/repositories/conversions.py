"""What a job needs that carries nodes over from one space to another: a folder's children in order, and their books."""

from collections.abc import Iterable
from dataclasses import dataclass

from app.db.transaction import Snapshot, Transaction
from app.manifest import Manifest
from app.repositories.nodes import KINDS, Kind

_CHILDREN = """
    SELECT id, kind, dead_seq, name, space_id FROM nodes
     WHERE parent_id = :parent AND (dead_seq, name) > (:dead_seq, :name) ORDER BY dead_seq, name LIMIT :limit
"""
_ANY_CHILD = "SELECT 1 FROM nodes WHERE parent_id = :parent LIMIT 1"
_CARRY = "UPDATE nodes SET space_id = :space, feed_seq = :seq WHERE id = :id"
_VERSIONS = "SELECT size, manifest FROM versions WHERE node_id = :node"
_SIZE_BELOW = """
    WITH RECURSIVE below(id) AS (SELECT :id UNION ALL SELECT n.id FROM nodes n JOIN below b ON n.parent_id = b.id)
    SELECT coalesce(sum(v.size), 0) FROM below b JOIN versions v ON v.node_id = b.id
"""


@dataclass(frozen=True, slots=True)
class Child:
    """A child of a folder, dead or alive, and the space that its row names."""

    id: int
    kind: Kind
    dead_seq: int
    name: str
    space_id: int


def children(tx: Snapshot, parent_id: int, *, after: tuple[int, str], limit: int) -> list[Child]:
    """Return up to `limit` children behind a place, which is `dead_seq` and name; (0, "") begins."""
    dead_seq, name = after
    rows = tx.all(_CHILDREN, {"parent": parent_id, "dead_seq": dead_seq, "name": name, "limit": limit})
    return [Child(row[0], KINDS[row[1]], *row[2:]) for row in rows]


def has_children(tx: Snapshot, folder_id: int) -> bool:
    """Tell whether there ever was something in a folder that is not forgotten."""
    return tx.one(_ANY_CHILD, {"parent": folder_id}) is not None


def set_space(tx: Transaction, node_ids: Iterable[int], space_id: int, *, seq: int) -> None:
    """Give nodes to a space, with a new place in the feed."""
    tx.connection.executemany(_CARRY, [{"id": node_id, "space": space_id, "seq": seq} for node_id in node_ids])


def contents(tx: Snapshot, node_id: int) -> list[tuple[int, Manifest | None]]:
    """Return size in bytes and manifest of each version of a node."""
    rows = tx.execute(_VERSIONS, {"node": node_id})
    return [(row["size"], None if row["manifest"] is None else Manifest(row["manifest"])) for row in rows]


def size_below(tx: Snapshot, node_id: int) -> int:
    """Return the bytes of all versions of a node and of all below it, trash too. Reads every one of these rows."""
    return int(tx.execute(_SIZE_BELOW, {"id": node_id}).fetchone()[0])
