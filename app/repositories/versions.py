"""Versions of files: one immutable state of content each, and the chunks that a space may skip sending."""

import sqlite3
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from app.db.transaction import Snapshot, Transaction
from app.manifest import Manifest
from app.repositories.nodes import Content
from app.repositories.references import end_possession
from storage.base import ChunkId

CHUNK_ROW = 36

_INSERT = """
    INSERT INTO versions (id, tag, node_id, size, mtime_ms, executable, content_type, sha256, claimed_sha256, base_id,
      ancestors, actor_id, created_ms, manifest)
    VALUES (:id, :tag, :node, :size, :mtime, :executable, :content_type, :sha256, :claimed, :base, :ancestors, :actor,
      :now, :manifest)
"""
_BY_ID = """
    SELECT id, tag, node_id, size, mtime_ms, executable, content_type, sha256, manifest FROM versions WHERE id = :id
"""
_NAMED = """
    SELECT id, tag, node_id, size, mtime_ms, executable, content_type, sha256, manifest FROM versions
     WHERE id = :id AND tag = :tag AND node_id = :node
"""
_NODE_OF = "SELECT node_id FROM versions WHERE id = :id AND tag = :tag"
_COPY = """
    INSERT INTO versions (id, tag, node_id, size, mtime_ms, executable, content_type, sha256, claimed_sha256, base_id,
      actor_id, created_ms, manifest)
    SELECT :id, :tag, :node, size, :mtime, :executable, content_type, sha256, claimed_sha256, :base, :actor, :now,
      manifest FROM versions WHERE id = :source
"""
_OF_NODE = """
    SELECT v.id, v.tag, v.size, v.mtime_ms, v.created_ms, v.sha256, v.label, v.base_id, b.tag AS base_tag,
           a.id AS actor_id, a.tag AS actor_tag, u.name AS username, v.manifest IS NULL AS is_gone
      FROM versions v
      LEFT JOIN versions b ON b.id = v.base_id AND b.node_id = v.node_id
      JOIN actors a ON a.id = v.actor_id
      JOIN users u ON u.id = a.user_id
     WHERE v.node_id = :node AND v.id < :before ORDER BY v.id DESC LIMIT :limit
"""
_HAND_OVER = """
    UPDATE versions SET node_id = :node, base_id = :base, mtime_ms = :mtime, executable = :executable WHERE id = :id
"""
_COUNT = "SELECT count(*) FROM (SELECT 1 FROM versions WHERE node_id = :node LIMIT :most)"
_MANIFEST = "SELECT manifest FROM versions WHERE id = :id"
_LENGTH = "SELECT coalesce(sum(length(manifest)), 0) FROM versions WHERE node_id = :node"
_DELETE_OF_NODE = "DELETE FROM versions WHERE node_id = :node RETURNING size, manifest"
_POSSESS = "INSERT INTO possession (space_id, chunk) VALUES (?, ?) ON CONFLICT DO NOTHING"
_POSSESSED = "SELECT 1 FROM possession WHERE space_id = ? AND chunk = ?"
_UNCHECKED = "SELECT id FROM versions WHERE claimed_sha256 IS NOT NULL AND id > :after ORDER BY id LIMIT 1"
_CHECKED = """
    UPDATE versions SET sha256 = CASE WHEN :sha256 = claimed_sha256 THEN :sha256 END, claimed_sha256 = NULL
     WHERE id = :id AND claimed_sha256 IS NOT NULL RETURNING sha256
"""


@dataclass(frozen=True, slots=True)
class Version:
    """One state of a file's content; `manifest` is None once retention took it."""

    id: int
    tag: bytes
    node_id: int
    size: int
    mtime_ms: int
    executable: bool
    content_type: str
    sha256: bytes | None
    manifest: Manifest | None


def find(tx: Snapshot, version_id: int) -> Version | None:
    """Return the version."""
    row = tx.one(_BY_ID, {"id": version_id})
    return None if row is None else _version(row)


def find_named(tx: Snapshot, number: int, tag: bytes, *, node_id: int) -> Version | None:
    """Return the version of a node that a wire id names.

    Of one with another tag, or of another node, nothing is read: not its manifest, which may be long.
    """
    row = tx.one(_NAMED, {"id": number, "tag": tag, "node": node_id})
    return None if row is None else _version(row)


def named_node(tx: Snapshot, number: int, tag: bytes) -> int | None:
    """Return the node whose version a wire id names."""
    row = tx.one(_NODE_OF, {"id": number, "tag": tag})
    return None if row is None else row["node_id"]


def add(
    tx: Transaction,
    *,
    version_id: int,
    tag: bytes,
    node_id: int,
    size: int,
    mtime_ms: int,
    executable: bool,
    content_type: str,
    sha256: bytes | None,
    claimed_sha256: bytes | None,
    base_id: int | None,
    ancestors: bytes | None,
    actor_id: int,
    manifest: Manifest,
) -> None:
    """Write a version of a node that exists.

    Args:
        version_id: taken before, for the node already names it.
        sha256: of the whole content, if this server computed it.
        claimed_sha256: of the whole content, as the uploader says; a later read checks it.
    """
    tx.execute(
        _INSERT,
        {
            "id": version_id,
            "tag": tag,
            "node": node_id,
            "size": size,
            "mtime": mtime_ms,
            "executable": executable,
            "content_type": content_type,
            "sha256": sha256,
            "claimed": claimed_sha256,
            "base": base_id,
            "ancestors": ancestors,
            "actor": actor_id,
            "now": tx.clock_ms(),
            "manifest": manifest.packed,
        },
    )


def copy(
    tx: Transaction, source: Version, content: Content, *, node_id: int, base_id: int | None, actor_id: int
) -> None:
    """Write a version that holds what `source` holds, under the id, times and bit of `content`."""
    tx.execute(
        _COPY,
        {
            "id": content.version_id,
            "tag": content.version_tag,
            "node": node_id,
            "mtime": content.mtime_ms,
            "executable": content.executable,
            "base": base_id,
            "actor": actor_id,
            "now": tx.clock_ms(),
            "source": source.id,
        },
    )


def hand_over(tx: Transaction, content: Content, *, node_id: int, base_id: int | None) -> None:
    """Let a version be one of another file of the same space, grown from `base_id`, with the time and bit of `content`.

    Both nodes must say the same.
    """
    values = {"mtime": content.mtime_ms, "executable": content.executable, "id": content.version_id}
    tx.execute(_HAND_OVER, {**values, "node": node_id, "base": base_id})


def count_of(tx: Snapshot, node_id: int, *, most: int) -> int:
    """Return how many versions a file has, or `most` if it has more."""
    return int(tx.execute(_COUNT, {"node": node_id, "most": most}).fetchone()[0])


@dataclass(frozen=True, slots=True)
class PastVersion:
    """One line of a file's history; size in bytes, `…_ms` Unix milliseconds; `is_gone` once its content went."""

    id: int
    tag: bytes
    size: int
    mtime_ms: int
    created_ms: int
    sha256: bytes | None
    label: str | None
    base: tuple[int, bytes] | None
    actor: tuple[int, bytes]
    username: str
    is_gone: bool


def of_node(tx: Snapshot, node_id: int, *, before: int, limit: int) -> list[PastVersion]:
    """Return up to `limit` versions of a node that are older than the version `before`, the newest first."""
    rows = tx.all(_OF_NODE, {"node": node_id, "before": before, "limit": limit})
    return [
        PastVersion(
            id=row["id"],
            tag=row["tag"],
            size=row["size"],
            mtime_ms=row["mtime_ms"],
            created_ms=row["created_ms"],
            sha256=row["sha256"],
            label=row["label"],
            base=None if row["base_tag"] is None else (row["base_id"], row["base_tag"]),
            actor=(row["actor_id"], row["actor_tag"]),
            username=row["username"],
            is_gone=bool(row["is_gone"]),
        )
        for row in rows
    ]


def first_of(tx: Snapshot, node_ids: Sequence[int], *, chunks: int) -> tuple[int, int]:
    """Return how many of these nodes come first until their versions have so many chunks, and how many they have."""
    found = 0
    for n, node_id in enumerate(node_ids, start=1):
        found += tx.execute(_LENGTH, {"node": node_id}).fetchone()[0] // CHUNK_ROW
        if found >= chunks:
            return n, found
    return len(node_ids), found


def delete_of_nodes(tx: Transaction, node_ids: Iterable[int], *, space_id: int) -> int:
    """Delete every version of these nodes of a space, which possesses their chunks no more; return the bytes they had.

    What else in the space has the same chunks is not looked for: they are sent once more.
    """
    freed, chunks = 0, set[ChunkId]()
    for node_id in node_ids:
        for size, packed in tx.execute(_DELETE_OF_NODE, {"node": node_id}).fetchall():
            if packed is not None:
                freed += size
                chunks.update(Manifest(packed).ids())
    end_possession(tx, ((space_id, chunk_id) for chunk_id in chunks))
    return freed


def chunks_of(tx: Snapshot, version_ids: Iterable[int | None]) -> set[ChunkId]:
    """Return the chunks that versions still have."""
    rows = (tx.one(_MANIFEST, {"id": version_id}) for version_id in version_ids)
    packed = (row["manifest"] for row in rows if row is not None and row["manifest"] is not None)
    return {chunk_id for one in packed for chunk_id in Manifest(one).ids()}


def possess(tx: Transaction, rows: Iterable[tuple[int, ChunkId]]) -> None:
    """Note of each (space, chunk) that a version in the space holds the chunk."""
    tx.connection.executemany(_POSSESS, rows)


def possessed(tx: Snapshot, space_ids: Collection[int], ids: Iterable[ChunkId]) -> set[ChunkId]:
    """Return those of `ids` which a version of one of the spaces holds."""
    execute = tx.connection.execute
    return {
        chunk_id
        for chunk_id in ids
        if any(execute(_POSSESSED, (space, chunk_id)).fetchone() is not None for space in space_ids)
    }


def next_unchecked(tx: Snapshot, after: int) -> int | None:
    """Return the next version after `after` whose whole hash is claimed and not yet checked."""
    row = tx.one(_UNCHECKED, {"after": after})
    return None if row is None else row["id"]


def settle_sha256(tx: Transaction, version_id: int, sha256: bytes) -> bool:
    """Keep the claimed hash if `sha256`, as read from the store, agrees, else drop it; tell which."""
    row = tx.one(_CHECKED, {"id": version_id, "sha256": sha256})
    return row is None or row["sha256"] is not None


def _version(row: sqlite3.Row) -> Version:
    packed: bytes | None = row["manifest"]
    return Version(
        id=row["id"],
        tag=row["tag"],
        node_id=row["node_id"],
        size=row["size"],
        mtime_ms=row["mtime_ms"],
        executable=bool(row["executable"]),
        content_type=row["content_type"],
        sha256=row["sha256"],
        manifest=None if packed is None else Manifest(packed),
    )
