"""What carries nodes over from one space to another: the books of single nodes, and of stretches of a folder at once.

A stretch is a page of a folder's children, dead or alive, in the order of the index that holds them: what is said of
one node after the other in Python takes four times as long.

A space that content leaves possesses its chunks no more: who comes to read the space later never could read them
(security.md, X1). What stays there and has the same chunks is not looked for: they are sent once more.
"""

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass

from app.db.transaction import Snapshot, Transaction
from app.manifest import Manifest
from app.repositories import properties, versions
from app.repositories.nodes import KINDS, Kind
from app.repositories.references import end_possession

_CHILDREN = """
    SELECT id, kind, dead_seq, name, space_id FROM nodes
     WHERE parent_id = :parent AND (dead_seq, name) > (:dead_seq, :name) ORDER BY dead_seq, name LIMIT :limit
"""
_ANY_CHILD = "SELECT 1 FROM nodes WHERE parent_id = :parent LIMIT 1"
_STRAYS = """
    n.parent_id = :parent AND (n.dead_seq, n.name) > (:dead_seq, :name)
    AND (n.dead_seq, n.name) <= (:last_dead_seq, :last_name) AND n.space_id <> :space
"""
_VERSIONS = "nodes n JOIN versions v ON v.node_id = n.id"
_LEFT = """
    n.space_id, coalesce(sum(iif(v.manifest IS NULL, 0, v.size)), 0), coalesce(sum(length(v.manifest)), 0) / 36
      FROM nodes n LEFT JOIN versions v ON v.node_id = n.id
"""
_CHUNK = "(space_id, chunk) SELECT :space, substr(v.manifest, 1, 32)"
_POSSESS_STRAYS = f"""
    INSERT OR IGNORE INTO possession {_CHUNK} FROM {_VERSIONS} WHERE length(v.manifest) = 36 AND {_STRAYS}
"""
_POSSESS_ONE = f"""
    INSERT OR IGNORE INTO possession {_CHUNK} FROM {_VERSIONS} WHERE length(v.manifest) = 36 AND n.id = :id
"""
_DISPOSSESS_STRAYS = f"""
    DELETE FROM possession WHERE space_id = :from AND chunk IN
      (SELECT substr(v.manifest, 1, 32) FROM {_VERSIONS}
        WHERE length(v.manifest) = 36 AND n.space_id = :from AND {_STRAYS})
"""  # noqa: S608 - constants
_DISPOSSESS_ONE = f"""
    DELETE FROM possession WHERE space_id = :from AND chunk IN
      (SELECT substr(v.manifest, 1, 32) FROM {_VERSIONS} WHERE length(v.manifest) = 36 AND n.id = :id)
"""  # noqa: S608
_LONG_OF_STRAYS = f"SELECT n.space_id, v.manifest FROM {_VERSIONS} WHERE length(v.manifest) > 36 AND {_STRAYS}"  # noqa: S608
_LONG_OF_ONE = f"SELECT :from, v.manifest FROM {_VERSIONS} WHERE length(v.manifest) > 36 AND n.id = :id"  # noqa: S608
_USED_BY_STRAYS = f"SELECT {_LEFT} WHERE {_STRAYS} GROUP BY n.space_id"
_USED_BY_ONE = f"SELECT {_LEFT} WHERE n.id = :id"
_PROPERTIES_OF_STRAYS = f"""
    SELECT n.space_id, sum(length(CAST(p.xml AS BLOB))) FROM nodes n JOIN properties p ON p.node_id = n.id
     WHERE {_STRAYS} GROUP BY n.space_id
"""  # noqa: S608 - constants
_DEPART_STRAYS = f"""
    INSERT OR IGNORE INTO departures (space_id, seq, node_id) SELECT n.space_id, :seq, n.id FROM nodes n WHERE {_STRAYS}
"""  # noqa: S608
_DEPART_ONE = "INSERT OR IGNORE INTO departures (space_id, seq, node_id) VALUES (:from, :seq, :id)"
_CARRY = f"UPDATE nodes AS n SET space_id = :space, feed_seq = :seq WHERE {_STRAYS}"  # noqa: S608 - constants
_SIZE_BELOW = """
    WITH RECURSIVE below(id) AS (SELECT :id UNION ALL SELECT n.id FROM nodes n JOIN below b ON n.parent_id = b.id)
    SELECT (SELECT coalesce(sum(v.size), 0) FROM below b JOIN versions v ON v.node_id = b.id AND v.manifest IS NOT NULL)
      + (SELECT coalesce(sum(length(CAST(p.xml AS BLOB))), 0) FROM below b JOIN properties p ON p.node_id = b.id)
"""


@dataclass(frozen=True, slots=True)
class Child:
    """A child of a folder, dead or alive, and the space that its row names."""

    id: int
    kind: Kind
    dead_seq: int
    name: str
    space_id: int


@dataclass(frozen=True, slots=True)
class Left:
    """What nodes took from a space that they left: bytes of their versions, of their properties, and chunks."""

    space_id: int
    used: int
    property_size: int
    chunks: int


def children(tx: Snapshot, parent_id: int, *, after: tuple[int, str], limit: int) -> list[Child]:
    """Return up to `limit` children behind a place, which is `dead_seq` and name; (0, "") begins."""
    dead_seq, name = after
    rows = tx.all(_CHILDREN, {"parent": parent_id, "dead_seq": dead_seq, "name": name, "limit": limit})
    return [Child(row[0], KINDS[row[1]], *row[2:]) for row in rows]


def has_children(tx: Snapshot, folder_id: int) -> bool:
    """Tell whether there ever was something in a folder that is not forgotten."""
    return tx.one(_ANY_CHILD, {"parent": folder_id}) is not None


def carry(
    tx: Transaction, parent_id: int, space_id: int, *, after: tuple[int, str], last: tuple[int, str], seq: int
) -> list[Left]:
    """Give the children behind a place, up to another one, to a space, with a new place in the feed."""
    values: dict[str, object] = {
        "parent": parent_id,
        "dead_seq": after[0],
        "name": after[1],
        "last_dead_seq": last[0],
        "last_name": last[1],
        "space": space_id,
        "seq": seq,
    }
    kept = {row[0]: row[1] for row in tx.all(_PROPERTIES_OF_STRAYS, values)}
    left = [Left(from_id, used, kept.get(from_id, 0), n) for from_id, used, n in tx.all(_USED_BY_STRAYS, values)]
    for one in left:
        tx.execute(_DISPOSSESS_STRAYS, {**values, "from": one.space_id})
    tx.execute(_POSSESS_STRAYS, values)
    _give_long(tx, space_id, tx.all(_LONG_OF_STRAYS, values))
    tx.execute(_DEPART_STRAYS, values)
    tx.execute(_CARRY, values)
    return left


def settle(tx: Transaction, node_id: int, space_id: int, *, came_from: int, seq: int) -> Left:
    """Note of one node, whose row names its new space already, that it left another one."""
    values: dict[str, object] = {"id": node_id, "space": space_id, "from": came_from, "seq": seq}
    tx.execute(_DISPOSSESS_ONE, values)
    tx.execute(_POSSESS_ONE, values)
    _give_long(tx, space_id, tx.all(_LONG_OF_ONE, values))
    tx.execute(_DEPART_ONE, values)
    _, used, chunks = tx.execute(_USED_BY_ONE, values).fetchone()
    return Left(came_from, used, properties.used(tx, node_id)[1], chunks)


def size_below(tx: Snapshot, node_id: int) -> int:
    """Return the bytes of all versions and properties of a node and of all below it, trash too. Reads every row."""
    return int(tx.execute(_SIZE_BELOW, {"id": node_id}).fetchone()[0])


def _give_long(tx: Transaction, space_id: int, lists: Iterable[sqlite3.Row]) -> None:
    """Let a space possess the chunks of versions that have more than one, and the spaces that these left no more."""
    for left, packed in lists:
        held = set(Manifest(packed).ids())
        end_possession(tx, ((left, chunk_id) for chunk_id in held))
        versions.possess(tx, ((space_id, chunk_id) for chunk_id in held))
