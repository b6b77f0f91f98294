"""The tree as it was: the state of a node after any seq, now or in the past (metadata.md, 3 and 7)."""

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass

from app.db.transaction import Snapshot
from app.repositories.nodes import KINDS, Kind

_COLUMNS = "node_id, space_id, parent_id, name, version_id, mtime_ms, executable, dead_seq, actor_id, from_seq"
_NOW = """
    SELECT id AS node_id, space_id, parent_id, name, version_id, mtime_ms, executable, dead_seq, actor_id,
           seq AS from_seq FROM nodes WHERE id = :id
"""
_THEN = f"""
    SELECT {_COLUMNS} FROM past WHERE node_id = :id AND to_seq > :seq AND from_seq <= :seq ORDER BY to_seq LIMIT 1
"""  # noqa: S608 - put together from constants, as all here
_BACKWARDS = f"SELECT {_COLUMNS} FROM past WHERE node_id = :id ORDER BY to_seq DESC"  # noqa: S608


def _held(more: str) -> str:
    """Return the beginning of a statement about what a folder held; `more` is asked of each state."""
    return f"""
    SELECT s.id, n.tag, s.space_id, s.name, n.kind, s.version_id, s.mtime_ms, s.executable, s.from_seq, n.created_ms,
           v.tag AS version_tag, v.size, v.sha256, v.content_type, v.manifest IS NOT NULL AS is_kept,
           u.name AS username, coalesce(j.at_ms, n.created_ms) AS at_ms, n.parent_id, n.target_id
      FROM (SELECT id, space_id, name, version_id, mtime_ms, executable, seq AS from_seq, actor_id FROM nodes
             WHERE parent_id = :parent AND dead_seq = 0 AND seq <= :seq {more}
            UNION ALL
            SELECT node_id, space_id, name, version_id, mtime_ms, executable, from_seq, actor_id FROM past
             WHERE parent_id = :parent AND to_seq > :seq AND from_seq <= :seq AND dead_seq = 0 {more}) s
      JOIN nodes n ON n.id = s.id
      JOIN actors a ON a.id = s.actor_id
      JOIN users u ON u.id = a.user_id
      LEFT JOIN versions v ON v.id = s.version_id
      LEFT JOIN journal j ON j.seq = s.from_seq
    """  # noqa: S608 - constants


_CHILDREN = f"""
    {_held("")}
     WHERE n.kind <= :kind AND (n.kind = 0, s.name) > (:is_file, :name)
     ORDER BY n.kind = 0, s.name LIMIT :limit
"""
_CHILD = _held("AND name = :name")
_KEPT_BEFORE = """
    SELECT id, tag, size, sha256, content_type, created_ms FROM versions
     WHERE node_id = :node AND id < :version AND manifest IS NOT NULL ORDER BY id DESC LIMIT 1
"""
_KEPT_AFTER = """
    SELECT id, tag, size, sha256, content_type, created_ms FROM versions
     WHERE node_id = :node AND id > :version AND manifest IS NOT NULL ORDER BY id LIMIT 1
"""
_MADE = "SELECT created_ms FROM versions WHERE id = :version"
_CHANGED = """
    SELECT id, feed_seq FROM nodes WHERE space_id = :space AND (feed_seq, id) > (:seq, :id) AND feed_seq <= :upto
     ORDER BY feed_seq, id LIMIT :limit
"""
_LATEST_IN = """
    SELECT j.node_id, n.parent_id, j.at_ms
      FROM (SELECT seq, node_id, at_ms FROM journal WHERE seq > :after ORDER BY seq DESC LIMIT :limit) j
      JOIN nodes n ON n.id = j.node_id
     WHERE n.space_id = :space
"""
_PARENT = "SELECT parent_id FROM nodes WHERE id = :id"
_HISTORY = "SELECT history_seq FROM spaces WHERE id = :space"
_ACTORS = "SELECT id FROM actors WHERE user_id = :user ORDER BY id"
_TOUCHED = """
    SELECT seq, node_id, op FROM journal WHERE actor_id = :actor AND seq > :after AND seq <= :upto
     ORDER BY seq LIMIT :limit
"""
_ANY_IN_FEED = "SELECT 1 FROM nodes WHERE space_id = :space AND feed_seq > :after AND feed_seq <= :upto LIMIT 1"
_ANY_BY = "SELECT 1 FROM journal WHERE actor_id = :actor AND seq > :after AND seq <= :upto LIMIT 1"
_ANY_BY_IN = """
    SELECT 1 FROM (SELECT node_id FROM journal WHERE actor_id = :actor AND seq > :after AND seq <= :upto
                    ORDER BY seq DESC LIMIT 1000) j
      JOIN nodes n ON n.id = j.node_id
     WHERE n.space_id = :space LIMIT 1
"""


@dataclass(frozen=True, slots=True)
class State:
    """One state of a node, from the seq `from_seq` on; `actor_id` brought it about."""

    node_id: int
    space_id: int
    parent_id: int | None
    name: str
    version_id: int | None
    mtime_ms: int | None
    executable: bool
    dead_seq: int
    actor_id: int
    from_seq: int


@dataclass(frozen=True, slots=True)
class Kept:
    """A version whose content is still there."""

    id: int
    tag: bytes
    size: int
    sha256: bytes | None
    content_type: str


@dataclass(frozen=True, slots=True)
class ChildThen:
    """A child of a folder as it was; sizes are bytes, `…_ms` Unix milliseconds.

    Attributes:
        version: of a file, the one that it had then, whether its content is kept or not.
        is_kept: whether that content is still there.
        from_seq, modified_ms: since when it was so.
        parent_now: the folder that it is in now, or was when it was deleted.
        target_id: of a mount, the space that it shows.
    """

    id: int
    tag: bytes
    space_id: int
    name: str
    kind: Kind
    version: Kept | None
    is_kept: bool
    mtime_ms: int | None
    executable: bool
    from_seq: int
    created_ms: int
    modified_ms: int
    username: str
    parent_now: int | None
    target_id: int | None


def state_at(tx: Snapshot, node_id: int, seq: int) -> State | None:
    """Return what a node was after `seq`; None if it was not there yet, or what it was is forgotten."""
    row = tx.one(_NOW, {"id": node_id})
    if row is not None and row["from_seq"] > seq:
        row = tx.one(_THEN, {"id": node_id, "seq": seq})
    return None if row is None else _state(row)


def states_backwards(tx: Snapshot, node_id: int) -> Iterator[State]:
    """Yield the states of a node, the present one first."""
    for statement in (_NOW, _BACKWARDS):
        for row in tx.execute(statement, {"id": node_id}):
            yield _state(row)


def children_at(
    tx: Snapshot,
    parent_id: int,
    seq: int,
    *,
    after: tuple[bool, str] | None,
    limit: int,
    with_mounts: bool = False,
) -> list[ChildThen]:
    """Return up to `limit` files and folders that a folder held after `seq`: folders first, by name.

    Args:
        after: whether the last one of the page before was a file, and its name.
        with_mounts: mounts as well, among the folders.
    """
    is_file, name = (False, "") if after is None else after
    kind = Kind.MOUNT if with_mounts else Kind.FOLDER
    values = {"parent": parent_id, "seq": seq, "is_file": is_file, "name": name, "limit": limit, "kind": kind}
    return [_child(row) for row in tx.execute(_CHILDREN, values)]


def child_at(tx: Snapshot, parent_id: int, seq: int, name: str) -> ChildThen | None:
    """Return what had a name in a folder after `seq`, a mount too."""
    row = tx.one(_CHILD, {"parent": parent_id, "seq": seq, "name": name})
    return None if row is None else _child(row)


def nearest_kept(tx: Snapshot, node_id: int, version_id: int) -> Kept | None:
    """Return the version of a file that was made nearest in time to one, of those whose content is still there."""
    made = tx.one(_MADE, {"version": version_id})
    values = {"node": node_id, "version": version_id}
    rows = [row for row in (tx.one(_KEPT_BEFORE, values), tx.one(_KEPT_AFTER, values)) if row is not None]
    if made is None or not rows:
        return None
    row = min(rows, key=lambda row: abs(row["created_ms"] - made["created_ms"]))
    return Kept(row["id"], row["tag"], row["size"], row["sha256"], row["content_type"])


def changed_after(
    tx: Snapshot, space_id: int, place: tuple[int, int], *, upto: int, limit: int
) -> list[tuple[int, int]]:
    """Return up to `limit` nodes of a space with a place in the feed behind `place`, up to seq `upto`: (seq, id)."""
    values = {"space": space_id, "seq": place[0], "id": place[1], "upto": upto, "limit": limit}
    return [(row["feed_seq"], row["id"]) for row in tx.all(_CHANGED, values)]


def touched_by(tx: Snapshot, actor_id: int, *, after: int, upto: int, limit: int) -> list[tuple[int, int, int]]:
    """Return up to `limit` changes of an actor after a seq: seq, node and operation."""
    values = {"actor": actor_id, "after": after, "upto": upto, "limit": limit}
    return [(row["seq"], row["node_id"], row["op"]) for row in tx.all(_TOUCHED, values)]


def is_last_changed(tx: Snapshot, space_id: int, *, after: int, upto: int) -> bool:
    """Tell whether the last change of any node of a space lies in a span of the journal."""
    return tx.one(_ANY_IN_FEED, {"space": space_id, "after": after, "upto": upto}) is not None


def is_changed_by(tx: Snapshot, actor_id: int, *, after: int, upto: int, space_id: int | None = None) -> bool:
    """Tell whether an actor changed anything in a span of the journal.

    Args:
        space_id: only what is in this space now counts, of the last 1,000 changes in the span.
    """
    values = {"actor": actor_id, "after": after, "upto": upto}
    if space_id is None:
        return tx.one(_ANY_BY, values) is not None
    return tx.one(_ANY_BY_IN, {**values, "space": space_id}) is not None


def latest_in(tx: Snapshot, space_id: int, *, after: int, limit: int) -> list[tuple[int, int | None, int]]:
    """Return what changed in a space, of the last `limit` changes after a seq: node, its parent now, and when."""
    values = {"space": space_id, "after": after, "limit": limit}
    return [(row["node_id"], row["parent_id"], row["at_ms"]) for row in tx.all(_LATEST_IN, values)]


def parent_of(tx: Snapshot, node_id: int) -> int | None:
    """Return the folder that a node is in, or was when it was deleted; None of a root, and where there is no node."""
    row = tx.one(_PARENT, {"id": node_id})
    return None if row is None else row["parent_id"]


def history_seq(tx: Snapshot, space_id: int) -> int:
    """Return the seq to which the history of a space reaches back."""
    row = tx.one(_HISTORY, {"space": space_id})
    return 0 if row is None else int(row["history_seq"])


def actors_of(tx: Snapshot, user_id: int) -> list[int]:
    """Return all in whose name a user ever changed something, working or not."""
    return [row["id"] for row in tx.all(_ACTORS, {"user": user_id})]


def _state(row: sqlite3.Row) -> State:
    number, space, parent, name, version, mtime_ms, executable, dead_seq, actor, from_seq = row
    return State(number, space, parent, name, version, mtime_ms, bool(executable), dead_seq, actor, from_seq)


def _child(row: sqlite3.Row) -> ChildThen:
    number, tag, space, name, kind, version_id, mtime_ms, executable, from_seq, created_ms, *rest = row
    version_tag, size, sha256, content_type, is_kept, username, at_ms, parent_now, target_id = rest
    version = None if version_tag is None else Kept(version_id, version_tag, size, sha256, content_type)
    return ChildThen(
        number,
        tag,
        space,
        name,
        KINDS[kind],
        version,
        bool(is_kept),
        mtime_ms,
        bool(executable),
        from_seq,
        created_ms,
        at_ms,
        username,
        parent_now,
        target_id,
    )
