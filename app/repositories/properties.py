"""Properties that WebDAV programs keep on nodes, word for word (RFC 4918, 4)."""

import json
from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from app.db.transaction import Snapshot, Transaction

_OF_NODES = """
    SELECT node_id, namespace, name, xml FROM properties
     WHERE node_id IN (SELECT value FROM json_each(:nodes)) ORDER BY node_id, namespace, name
"""
_SIZES = """
    SELECT node_id, sum(length(CAST(xml AS BLOB))) AS size FROM properties
     WHERE node_id IN (SELECT value FROM json_each(:nodes)) GROUP BY node_id
"""
_USED = """
    SELECT count(*) AS number, coalesce(sum(length(CAST(xml AS BLOB))), 0) AS size FROM properties WHERE node_id = :node
"""
_PUT = """
    INSERT INTO properties (node_id, namespace, name, xml) VALUES (:node, :namespace, :name, :xml)
    ON CONFLICT (node_id, namespace, name) DO UPDATE SET xml = excluded.xml
"""
_REMOVE = "DELETE FROM properties WHERE node_id = :node AND namespace = :namespace AND name = :name"
_DELETE = "DELETE FROM properties WHERE node_id = :node RETURNING length(CAST(xml AS BLOB))"
_COPY = """
    INSERT INTO properties (node_id, namespace, name, xml)
    SELECT :to, namespace, name, xml FROM properties WHERE node_id = :node
"""


@dataclass(frozen=True, slots=True)
class Kept:
    """A property of a node; `xml` is its whole element, well-formed by itself."""

    namespace: str
    name: str
    xml: str


def of_nodes(tx: Snapshot, node_ids: Collection[int]) -> dict[int, tuple[Kept, ...]]:
    """Return the properties of nodes, by node; those that have none are left out."""
    found: dict[int, list[Kept]] = defaultdict(list)
    for node_id, namespace, name, xml in tx.all(_OF_NODES, {"nodes": json.dumps(list(node_ids))}):
        found[node_id].append(Kept(namespace, name, xml))
    return {node_id: tuple(kept) for node_id, kept in found.items()}


def sizes_of(tx: Snapshot, node_ids: Collection[int]) -> dict[int, int]:
    """Return how many bytes the properties of nodes are, by node; those that have none are left out."""
    return {row["node_id"]: row["size"] for row in tx.all(_SIZES, {"nodes": json.dumps(list(node_ids))})}


def used(tx: Snapshot, node_id: int) -> tuple[int, int]:
    """Return how many properties a node has, and how many bytes they are."""
    row = tx.execute(_USED, {"node": node_id}).fetchone()
    return row["number"], row["size"]


def put(tx: Transaction, node_id: int, kept: Kept) -> None:
    """Set a property."""
    tx.execute(_PUT, {"node": node_id, "namespace": kept.namespace, "name": kept.name, "xml": kept.xml})


def remove(tx: Transaction, node_id: int, namespace: str, name: str) -> None:
    """Remove a property; one that is not there is fine."""
    tx.execute(_REMOVE, {"node": node_id, "namespace": namespace, "name": name})


def delete_of_nodes(tx: Transaction, node_ids: Iterable[int]) -> int:
    """Remove all properties of nodes; return the bytes that they had."""
    return sum(row[0] for node_id in node_ids for row in tx.execute(_DELETE, {"node": node_id}).fetchall())


def copy(tx: Transaction, node_id: int, *, to: int) -> int:
    """Give a node that has none the properties of another; return how many these are."""
    return tx.execute(_COPY, {"node": node_id, "to": to}).rowcount
