"""What spaces hold, added up: live, in the trash, and kept of what was."""

from dataclasses import dataclass

from app.db.transaction import Snapshot

_SPACES = """
    SELECT s.id, s.tag, s.root_id, s.used, s.property_size, s.head_seq, f.size, f.items, r.dead_seq > 0 AS is_dead,
           r.name
      FROM spaces s JOIN nodes r ON r.id = s.root_id LEFT JOIN folders f ON f.node_id = r.id
     WHERE s.owner_id = :owner ORDER BY s.id
"""
_FOLDERS = """
    WITH RECURSIVE tree(id) AS (
      SELECT :root
      UNION ALL
      SELECT n.id FROM tree t CROSS JOIN nodes n WHERE n.parent_id = t.id AND n.dead_seq = 0 AND n.kind > 0
    )
    SELECT count(*) - 1 FROM tree
"""
_TRASH = """
    SELECT coalesce(sum(coalesce(f.size, n.size)), 0) FROM nodes n LEFT JOIN folders f ON f.node_id = n.id
     WHERE n.space_id = :space AND n.dead_ms IS NOT NULL AND n.dead_seq <= :seq AND n.dead_ms <= :before
"""
_LOGICAL = "SELECT coalesce(sum(used), 0) FROM spaces"
_IDS = "SELECT id FROM spaces"
FOR_EVER = 2**62


@dataclass(frozen=True, slots=True)
class Held:
    """A space and what is told of it at once. Sizes in bytes; `live` and `items` of what is not deleted.

    Attributes:
        used: by all versions, trash included.
        property_size: of what programs keep on its nodes.
        head_seq: changes with every change of it.
    """

    id: int
    tag: bytes
    root_id: int
    name: str
    used: int
    property_size: int
    head_seq: int
    live: int
    items: int


def held_by(tx: Snapshot, owner_id: int) -> list[Held]:
    """Return what somebody owns, the home first."""
    return [
        Held(
            id=row["id"],
            tag=row["tag"],
            root_id=row["root_id"],
            name=row["name"],
            used=row["used"],
            property_size=row["property_size"],
            head_seq=row["head_seq"],
            live=0 if row["is_dead"] else row["size"] or 0,
            items=0 if row["is_dead"] else row["items"] or 0,
        )
        for row in tx.all(_SPACES, {"owner": owner_id})
    ]


def count_folders(tx: Snapshot, root_id: int) -> int:
    """Return how many live folders are below one; looks at folders alone."""
    number: int = tx.connection.execute(_FOLDERS, {"root": root_id}).fetchone()[0]
    return number


def trash_size(tx: Snapshot, space_id: int, *, seq: int = FOR_EVER, before_ms: int = FOR_EVER) -> int:
    """Return the bytes of what is in a trash since before both."""
    values = {"space": space_id, "seq": seq, "before": before_ms}
    number: int = tx.connection.execute(_TRASH, values).fetchone()[0]
    return number


def logical_size(tx: Snapshot) -> int:
    """Return the bytes of all versions of all spaces, as if nothing were stored only once."""
    number: int = tx.connection.execute(_LOGICAL).fetchone()[0]
    return number


def space_ids(tx: Snapshot) -> list[int]:
    """Return all spaces."""
    return [row["id"] for row in tx.all(_IDS)]
