"""Statements that find what breaks a rule of the schema; used by fsck alone, which only reads."""

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass

from app.db.transaction import Snapshot

_OLDEST = "SELECT oldest_seq, oldest_mark FROM meta"
_FOREIGN_KEYS = "PRAGMA foreign_key_check"
_INTEGRITY = "PRAGMA integrity_check(100)"
_QUICK = "PRAGMA quick_check(1)"
_FOLDERS = """
    SELECT n.id, n.parent_id, n.dead_seq, n.dead_seq > 0 AND n.dead_ms IS NULL AS is_purged, f.size, f.items,
           coalesce((SELECT sum(c.size) FROM nodes c WHERE c.parent_id = n.id AND c.dead_seq = 0), 0) AS size_here,
           (SELECT count(*) FROM nodes c WHERE c.parent_id = n.id AND c.dead_seq = 0) AS items_here
      FROM nodes n JOIN folders f ON f.node_id = n.id
     WHERE n.kind = 1
       AND n.space_id NOT IN (SELECT r.space_id FROM jobs j JOIN nodes r ON r.id = j.node_id WHERE j.kind = 8)
"""
_MANIFESTS = "SELECT id, node_id, size, manifest FROM versions WHERE manifest IS NOT NULL ORDER BY id"

_WAY_UP = """
    WITH RECURSIVE up(id, parent_id, name) AS (SELECT id, parent_id, name FROM nodes WHERE id = :id
      UNION SELECT n.id, n.parent_id, n.name FROM nodes n JOIN up ON n.id = up.parent_id)
    SELECT name FROM up
"""
_OWNER = """
    SELECT u.name FROM nodes n JOIN spaces s ON s.id = n.space_id JOIN users u ON u.id = s.owner_id WHERE n.id = :id
"""

# Each statement gives the ids of what breaks its rule.
_RULES = (
    ("node", "is in no folder of its space", """
        SELECT n.id FROM nodes n LEFT JOIN nodes p ON p.id = n.parent_id
         WHERE n.parent_id IS NOT NULL AND (p.id IS NULL OR p.kind <> 1 OR (p.space_id <> n.space_id
           AND NOT EXISTS (SELECT 1 FROM jobs j WHERE j.kind = 5 AND j.done_ms IS NULL)))"""),
    ("node", "stands above a space without being its root", """
        SELECT n.id FROM nodes n JOIN spaces s ON s.id = n.space_id WHERE n.parent_id IS NULL AND s.root_id <> n.id"""),
    ("space", "has no root", """
        SELECT s.id FROM spaces s LEFT JOIN nodes n ON n.id = s.root_id AND n.space_id = s.id WHERE n.id IS NULL"""),
    ("node", "is a mount and shows no shared space", """
        SELECT n.id FROM nodes n LEFT JOIN spaces s ON s.id = n.target_id
         WHERE n.kind = 2 AND (s.id IS NULL OR s.is_shared = 0)"""),
    ("node", "shows a space and is no mount", "SELECT id FROM nodes WHERE kind <> 2 AND target_id IS NOT NULL"),
    ("node", "is a mount that no member has in the home", """
        SELECT n.id FROM nodes n JOIN spaces h ON h.id = n.space_id
          LEFT JOIN members m ON m.mount_id = n.id AND m.user_id = h.owner_id AND m.space_id = n.target_id
         WHERE n.kind = 2 AND n.dead_seq = 0 AND (h.is_shared = 1 OR m.user_id IS NULL OR m.left_seq IS NOT NULL)"""),
    ("space", "has a member without a mount", """
        SELECT m.space_id FROM members m JOIN spaces s ON s.id = m.space_id JOIN nodes r ON r.id = s.root_id
          LEFT JOIN nodes n ON n.id = m.mount_id AND n.target_id = m.space_id
         WHERE m.left_seq IS NULL AND (n.id IS NULL OR (n.dead_seq > 0) <> (r.dead_seq > 0))"""),
    ("space", "is shared and its owner is not the one member with that role", """
        SELECT s.id FROM spaces s WHERE s.is_shared = 1
           AND NOT EXISTS (SELECT 1 FROM nodes r WHERE r.id = s.root_id AND r.dead_seq > 0 AND r.dead_ms IS NULL)
           AND (SELECT group_concat(m.user_id) FROM members m
             WHERE m.space_id = s.id AND m.left_seq IS NULL AND m.role = 2) IS NOT s.owner_id || ''"""),
    ("space", "is a home and has members", """
        SELECT s.id FROM spaces s WHERE s.is_shared = 0 AND s.id IN (SELECT space_id FROM members)"""),
    ("user", "has no home, or several", """
        SELECT u.id FROM users u
         WHERE (SELECT count(*) FROM spaces s WHERE s.owner_id = u.id AND s.is_shared = 0) <> 1"""),
    ("space", "has a member who joined or left after the journal's end", """
        SELECT space_id FROM members WHERE max(joined_seq, coalesce(left_seq, 0)) > (SELECT seq FROM meta)"""),
    ("node", "can not be reached from the root of its space", """
        WITH RECURSIVE reached(id) AS (SELECT root_id FROM spaces
          UNION ALL SELECT n.id FROM nodes n JOIN reached r ON n.parent_id = r.id)
        SELECT id FROM nodes WHERE id NOT IN (SELECT id FROM reached)"""),
    ("node", "is a file and does not agree with its version", """
        SELECT n.id FROM nodes n LEFT JOIN versions v ON v.id = n.version_id
         WHERE n.kind = 0 AND n.version_id IS NOT NULL
           AND (v.id IS NULL OR v.node_id <> n.id OR v.tag <> n.version_tag OR v.size <> n.size)"""),
    ("node", "is a live file without a version", """
        SELECT id FROM nodes WHERE kind = 0 AND dead_seq = 0 AND version_id IS NULL"""),
    ("node", "is a folder without sums", """
        SELECT n.id FROM nodes n LEFT JOIN folders f ON f.node_id = n.id
         WHERE n.kind = 1 AND f.node_id IS NULL AND NOT (n.dead_seq > 0 AND n.dead_ms IS NULL)"""),
    ("node", "is alive and has a time of deletion", "SELECT id FROM nodes WHERE dead_seq = 0 AND dead_ms IS NOT NULL"),
    ("node", "is in the trash by no change that the journal knows", """
        SELECT n.id FROM nodes n LEFT JOIN journal j ON j.seq = n.dead_seq
         WHERE n.dead_ms IS NOT NULL AND n.dead_seq >= (SELECT oldest_seq FROM meta)
           AND (j.seq IS NULL OR j.node_id <> n.id OR n.seq <> n.dead_seq)"""),
    ("node", "is purged, still holds something, and no job goes on with it", """
        SELECT n.id FROM nodes n WHERE n.dead_seq > 0 AND n.dead_ms IS NULL
           AND n.id NOT IN (SELECT j.node_id FROM jobs j WHERE j.kind = 2)
           AND n.space_id NOT IN (SELECT r.space_id FROM jobs j JOIN nodes r ON r.id = j.node_id WHERE j.kind = 8)
           AND (n.version_id IS NOT NULL OR EXISTS (SELECT 1 FROM versions v WHERE v.node_id = n.id)
             OR EXISTS (SELECT 1 FROM past p WHERE p.node_id = n.id)
             OR EXISTS (SELECT 1 FROM folders f WHERE f.node_id = n.id)
             OR EXISTS (SELECT 1 FROM nodes c WHERE c.parent_id = n.id AND c.dead_seq = 0))"""),
    ("node", "stands in the feed before its last change, or after the journal's end", """
        SELECT id FROM nodes WHERE feed_seq < seq OR feed_seq > (SELECT seq FROM meta)"""),
    ("space", "has an end of its feed that is before its last node's place", """
        SELECT s.id FROM spaces s WHERE s.head_seq < (SELECT max(n.feed_seq) FROM nodes n WHERE n.space_id = s.id)"""),
    ("job", "is about no node", "SELECT id FROM jobs WHERE done_ms IS NULL AND node_id NOT IN (SELECT id FROM nodes)"),
    ("folder", "has an etag older than a change below it", """
        SELECT n.id FROM nodes n JOIN folders f ON f.node_id = n.id
         WHERE f.below_seq < (SELECT max(c.seq) FROM nodes c WHERE c.parent_id = n.id)"""),
    ("node", "is newer than the journal", "SELECT id FROM nodes WHERE seq > (SELECT seq FROM meta)"),
    ("node", "has a last change that the journal gives to another", """
        SELECT n.id FROM nodes n LEFT JOIN journal j ON j.seq = n.seq
         WHERE n.seq >= (SELECT oldest_seq FROM meta) AND (j.seq IS NULL OR j.node_id <> n.id)"""),
    ("node", "has a hole in its past", """
        SELECT node_id FROM (SELECT p.node_id, p.to_seq,
            coalesce(lead(p.from_seq) OVER (PARTITION BY p.node_id ORDER BY p.to_seq), n.seq) AS then_seq
          FROM past p JOIN nodes n ON n.id = p.node_id) WHERE to_seq <> then_seq"""),
    ("node", "has a hole in its past before all that is known", """
        SELECT n.id FROM nodes n JOIN spaces s ON s.id = n.space_id
         WHERE n.created_seq >= s.history_seq AND NOT (n.dead_seq > 0 AND n.dead_ms IS NULL)
           AND n.created_seq <> coalesce((SELECT min(p.from_seq) FROM past p WHERE p.node_id = n.id), n.seq)"""),
    ("space", "counts other bytes than its versions have", """
        SELECT s.id FROM spaces s WHERE s.used <> coalesce(
          (SELECT sum(v.size) FROM nodes n JOIN versions v ON v.node_id = n.id
            WHERE n.space_id = s.id AND v.manifest IS NOT NULL), 0)"""),
    ("space", "counts other bytes of properties than its nodes have", """
        SELECT s.id FROM spaces s LEFT JOIN (
          SELECT n.space_id, sum(length(CAST(p.xml AS BLOB))) AS size FROM properties p JOIN nodes n ON n.id = p.node_id
           GROUP BY n.space_id) h ON h.space_id = s.id WHERE s.property_size <> coalesce(h.size, 0)"""),
    ("space", "promises other bytes than its open uploads have", """
        SELECT s.id FROM spaces s WHERE s.reserved <> coalesce(
          (SELECT sum(u.reserved) FROM uploads u WHERE u.space_id = s.id AND u.state = 0), 0)"""),
    ("upload", "counts other chunks than its list has", """
        SELECT u.id FROM uploads u WHERE u.state = 0 AND u.chunk_count * 36 <> coalesce(
          (SELECT sum(length(c.chunks)) FROM upload_chunks c WHERE c.upload_id = u.id), 0)"""),
    ("id", "was given out and can be given out again", """
        SELECT max(id) FROM (SELECT max(id) AS id FROM nodes UNION ALL SELECT max(id) FROM versions
          UNION ALL SELECT max(id) FROM uploads UNION ALL SELECT max(id) FROM users UNION ALL SELECT max(id) FROM actors
          UNION ALL SELECT max(id) FROM spaces UNION ALL SELECT max(id) FROM jobs
          UNION ALL SELECT max(number) FROM upload_chunks)
        HAVING max(id) >= (SELECT next_id FROM meta)"""),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Oldest:
    """Where the journal begins, and the chain mark of the row before."""

    seq: int
    mark_before: bytes


@dataclass(frozen=True, slots=True)
class Problem:
    """A row that breaks a rule."""

    subject: str
    rule: str
    id: int


@dataclass(frozen=True, slots=True)
class FolderFigures:
    """What a folder says of all below it (`size` bytes, `items` nodes), and what its own children add up to.

    `is_purged` where a job is forgetting it and what is below: its sums are left as they were.
    """

    node_id: int
    parent_id: int | None
    is_alive: bool
    is_purged: bool
    size: int
    items: int
    size_here: int
    items_here: int


def oldest(tx: Snapshot) -> Oldest:
    """Return where the journal begins."""
    row = tx.connection.execute(_OLDEST).fetchone()
    return Oldest(row["oldest_seq"], row["oldest_mark"])


def integrity(tx: Snapshot) -> list[str]:
    """Return what SQLite finds wrong with its own file."""
    return [row[0] for row in tx.all(_INTEGRITY) if row[0] != "ok"]


def broken_foreign_keys(tx: Snapshot) -> Iterator[tuple[str, int]]:
    """Yield table and row of each reference that leads nowhere."""
    for row in tx.execute(_FOREIGN_KEYS):
        yield row[0], row[1]


def all_rules(tx: Snapshot) -> Iterator[Problem]:
    """Yield every row that breaks a rule."""
    for subject, rule, statement in _RULES:
        for row in tx.execute(statement):
            yield Problem(subject, rule, row[0])


def folder_figures(tx: Snapshot) -> Iterator[FolderFigures]:
    """Yield the figures of every folder."""
    for row in tx.execute(_FOLDERS):
        yield FolderFigures(
            node_id=row["id"],
            parent_id=row["parent_id"],
            is_alive=row["dead_seq"] == 0,
            is_purged=bool(row["is_purged"]),
            size=row["size"],
            items=row["items"],
            size_here=row["size_here"],
            items_here=row["items_here"],
        )


def manifests(tx: Snapshot) -> Iterator[tuple[int, int, int, bytes]]:
    """Yield version, node, size and packed manifest of every version that has content."""
    row: sqlite3.Row
    for row in tx.execute(_MANIFESTS):
        yield row["id"], row["node_id"], row["size"], row["manifest"]


def way_up(tx: Snapshot, node_id: int) -> list[str]:
    """Return the names of a node and of all above it; ends in a tree that is broken as well."""
    return [row["name"] for row in tx.all(_WAY_UP, {"id": node_id})]


def owner_name(tx: Snapshot, node_id: int) -> str:
    """Return the name of the user in whose space a node is."""
    row = tx.one(_OWNER, {"id": node_id})
    return "nobody" if row is None else row["name"]


def quick_fault(connection: sqlite3.Connection) -> str | None:
    """Return the first fault in the structure of a database, without comparing indexes with their tables.

    Raises:
        sqlite3.Error: it cannot be read to the end.
    """
    found = str(connection.execute(_QUICK).fetchone()[0])
    return None if found == "ok" else " ".join(found.split())
