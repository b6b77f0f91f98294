"""Nodes with all that a listing shows of them, in one query a page."""

import sqlite3
from collections.abc import Sequence

from msgspec import Struct

from app.db.transaction import Snapshot
from app.listing import Order, Place, Sort, natural_key
from app.repositories.nodes import COLUMNS, Node, node_of

LISTED = f"""
    SELECT {COLUMNS}, f.size AS below_size, f.below_seq, v.sha256, v.content_type, u.name AS username
      FROM nodes n
      LEFT JOIN spaces m ON m.id = n.target_id
      LEFT JOIN folders f ON f.node_id = coalesce(m.root_id, n.id)
      LEFT JOIN versions v ON v.id = n.version_id
      JOIN actors a ON a.id = n.actor_id
      JOIN users u ON u.id = a.user_id
"""  # noqa: S608 - put together from constants, as all below
_ONE = f"{LISTED} WHERE n.id = :id"
_OF_KIND = f"{LISTED} WHERE n.parent_id = :parent AND n.dead_seq = 0 AND (n.kind > 0) = :is_folder"
_COUNT = "SELECT count(*) FROM nodes n WHERE n.parent_id = :parent AND n.dead_seq = 0"
_TRASH = f"""
    SELECT {COLUMNS}, f.size AS below_size, f.below_seq, v.sha256, v.content_type, u.name AS username,
           d.name AS deleted_by
      FROM nodes n
      LEFT JOIN folders f ON f.node_id = n.id
      LEFT JOIN versions v ON v.id = n.version_id
      LEFT JOIN past p ON p.node_id = n.id AND p.to_seq = n.dead_seq
      JOIN actors a ON a.id = coalesce(p.actor_id, n.actor_id)
      JOIN users u ON u.id = a.user_id
      JOIN actors b ON b.id = n.actor_id
      JOIN users d ON d.id = b.user_id
     WHERE n.space_id = :space AND n.dead_ms IS NOT NULL AND n.dead_seq < :before
     ORDER BY n.dead_seq DESC LIMIT :limit
"""  # noqa: S608 - put together from constants
_KEYS: dict[Sort, str] = {
    "name": "n.name",
    "natural": "natural_key(n.name)",  # a function of ours, see app.db.database
    "size": "coalesce(f.size, n.size)",
    "mtime": "coalesce(n.mtime_ms, n.modified_ms)",
    "type": "coalesce(v.content_type, '')",
}


class Listed(Struct, frozen=True, gc=False):
    """A node with its version's and its folder's figures.

    Attributes:
        size: bytes of a file, or of all files below a folder; of a mount, of those below the root that it shows.
        below_seq: highest seq below a folder; 0 for a file.
        username: who made the last change.
    """

    node: Node
    size: int
    below_seq: int
    sha256: bytes | None
    content_type: str | None
    username: str


def one(tx: Snapshot, node_id: int) -> Listed | None:
    """Return one node as a listing shows it."""
    row = tx.one(_ONE, {"id": node_id})
    return None if row is None else listed_of(row)


def children(
    tx: Snapshot, parent_id: int, *, sort: Sort, order: Order, after: Place | None, limit: int
) -> tuple[list[Listed], Place | None]:
    """Return up to `limit` live children after a place, and the place where they end; None at the end."""
    found: list[Listed] = []
    for is_folder in (True, False):
        if after is not None and after.is_folder < is_folder:
            continue
        here = after if after is not None and after.is_folder == is_folder else None
        found += _of_kind(tx, parent_id, sort, order, is_folder, here, limit + 1 - len(found))
    page = found[:limit]
    return page, _place(page[-1], sort) if len(found) > limit else None


def count(tx: Snapshot, parent_id: int) -> int:
    """Return how many live children a folder has."""
    row = tx.one(_COUNT, {"parent": parent_id})
    return 0 if row is None else int(row[0])


def trash(tx: Snapshot, space_id: int, *, before: int, limit: int) -> list[tuple[Listed, str]]:
    """Return up to `limit` entries of a space's trash, the latest first, each with who put it there.

    Args:
        before: only what was trashed before this seq.
    """
    rows = tx.all(_TRASH, {"space": space_id, "before": before, "limit": limit})
    return [(listed_of(row), row["deleted_by"]) for row in rows]


def _of_kind(
    tx: Snapshot,
    parent_id: int,
    sort: Sort,
    order: Order,
    is_folder: bool,  # noqa: FBT001 - as it stands in Place
    after: Place | None,
    limit: int,
) -> Sequence[Listed]:
    key, way, beyond = _KEYS[sort], order, "<" if order == "desc" else ">"
    where = "" if after is None else f" AND ({key}, n.name) {beyond} (:key, :name)"
    by = f"n.name {way}" if sort == "name" else f"{key} {way}, n.name {way}"
    if sort == "name" and after is not None:
        where = f" AND n.name {beyond} :name"
    rows = tx.all(
        f"{_OF_KIND}{where} ORDER BY {by} LIMIT :limit",
        {"parent": parent_id, "is_folder": is_folder, "limit": limit}
        | ({} if after is None else {"key": after.key, "name": after.name}),
    )
    return [*map(listed_of, rows)]


def _place(listed: Listed, sort: Sort) -> Place:
    node = listed.node
    keys: dict[Sort, str | int] = {
        "name": node.name,
        "natural": natural_key(node.name),
        "size": listed.size,
        "mtime": node.modified_ms if node.mtime_ms is None else node.mtime_ms,
        "type": listed.content_type or "",
    }
    return Place(node.kind > 0, keys[sort], node.name)


def listed_of(row: sqlite3.Row) -> Listed:
    """Return what a row of `LISTED` holds."""
    node = node_of(row)
    below_size, below_seq, sha256, content_type, username = row[21:26]
    return Listed(
        node, (node.size or 0) if below_size is None else below_size, below_seq or 0, sha256, content_type, username
    )
