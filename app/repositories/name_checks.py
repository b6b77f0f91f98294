"""What fsck asks of the index of names: whether it has the nodes that it should, by the names that they should have."""

from collections.abc import Iterator

from app.db.transaction import Snapshot

_MISSING = """
    SELECT n.id FROM nodes n CROSS JOIN name_index i
     WHERE (n.dead_seq = 0 OR n.dead_ms IS NOT NULL) AND (n.id <= i.done_id OR n.id > i.end_id)
       AND NOT EXISTS (SELECT 1 FROM unsettled_names u WHERE u.node_id = n.id)
       AND NOT EXISTS (SELECT 1 FROM found_names_docsize d WHERE d.id = n.id)
"""
_SURPLUS = """
    SELECT d.id FROM found_names_docsize d LEFT JOIN nodes n ON n.id = d.id
     WHERE NOT EXISTS (SELECT 1 FROM unsettled_names u WHERE u.node_id = d.id)
       AND (n.id IS NULL OR (n.dead_seq > 0 AND n.dead_ms IS NULL AND n.id NOT IN (SELECT j.node_id FROM jobs j)))
"""
_INDEXED = """
    SELECT d.id, coalesce(u.indexed, n.name, '') AS name FROM found_names_docsize d
      LEFT JOIN unsettled_names u ON u.node_id = d.id LEFT JOIN nodes n ON n.id = d.id ORDER BY d.id
"""
_TRIGRAMS = "SELECT term, doc FROM found_names_trigrams"


def missing(tx: Snapshot) -> Iterator[int]:
    """Yield the nodes that the index should have and does not."""
    for row in tx.execute(_MISSING):
        yield row["id"]


def surplus(tx: Snapshot) -> Iterator[int]:
    """Yield what the index has and should not."""
    for row in tx.execute(_SURPLUS):
        yield row["id"]


def indexed(tx: Snapshot) -> Iterator[tuple[int, str]]:
    """Yield every node that the index has, with the name that it should have there."""
    for row in tx.execute(_INDEXED):
        yield row["id"], row["name"]


def trigrams(tx: Snapshot) -> dict[str, int]:
    """Return how many names the index has for each trigram."""
    return {row["term"]: row["doc"] for row in tx.execute(_TRIGRAMS)}
