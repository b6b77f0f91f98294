"""Nodes as they are now, their closed states, and what folders sum up.

A change is one call here: it closes the present state into `past`, writes the new one under a compare-and-set on the
seq that the caller saw, and appends the journal's row. Sums are handed to `Sums`, applied once a unit.
"""

import sqlite3
from dataclasses import dataclass
from enum import IntEnum

from msgspec import Struct
from msgspec.structs import replace

from app.db.transaction import Snapshot, Transaction
from app.errors import ConflictError, NameTakenError
from app.repositories import found_names
from app.repositories.journal import Operation
from app.repositories.photos import is_photo

COLUMNS = """
    n.id, n.tag, n.space_id, n.parent_id, n.name, n.kind, n.version_id, n.version_tag, n.size, n.mtime_ms,
    n.executable, n.seq, n.content_seq, n.created_seq, n.created_ms, n.actor_id, n.modified_ms, n.dead_seq, n.dead_ms,
    n.feed_seq, n.target_id
"""
_BY_ID = f"SELECT {COLUMNS} FROM nodes n WHERE n.id = :id"  # noqa: S608 - put together from constants, as all here
_NAMED = f"SELECT {COLUMNS} FROM nodes n WHERE n.id = :id AND n.tag = :tag"  # noqa: S608
_CHILD = f"SELECT {COLUMNS} FROM nodes n WHERE n.parent_id = :parent AND n.dead_seq = 0 AND n.name = :name"  # noqa: S608
_CHILDREN = f"""
    SELECT {COLUMNS} FROM nodes n WHERE n.parent_id = :parent AND n.dead_seq = 0 AND n.name > :after
     ORDER BY n.name LIMIT :limit
"""  # noqa: S608
_NAME_IN_USE = "SELECT id FROM nodes WHERE parent_id = :parent AND dead_seq = 0 AND name = :name"
_UP = "SELECT parent_id, name, dead_seq, space_id FROM nodes WHERE id = :id"
_SPACE = "SELECT space_id FROM nodes WHERE id = :id"
_INSERT = """
    INSERT INTO nodes (id, tag, space_id, parent_id, name, kind, target_id, version_id, version_tag, size, mtime_ms,
      executable, is_photo, seq, content_seq, feed_seq, created_seq, created_ms, actor_id, modified_ms)
    VALUES (:id, :tag, :space, :parent, :name, :kind, :target, :version, :version_tag, :size, :mtime,
      :executable, :is_photo, :seq, :seq, :seq, :seq, :now, :actor, :now)
"""
_INSERT_FOLDER = "INSERT INTO folders (node_id, size, items, below_seq) VALUES (:id, 0, 0, :seq)"
_CLOSE = """
    INSERT INTO past (node_id, to_seq, from_seq, space_id, parent_id, name, version_id, mtime_ms, executable, dead_seq,
      actor_id)
    SELECT id, :to_seq, seq, space_id, parent_id, name, version_id, mtime_ms, executable, dead_seq, actor_id
      FROM nodes WHERE id = :id
"""
_SET_CONTENT = """
    UPDATE nodes SET version_id = :version, version_tag = :version_tag, size = :size, mtime_ms = :mtime,
      executable = :executable, is_photo = :is_photo, seq = :seq, content_seq = :seq, feed_seq = :seq,
      actor_id = :actor, modified_ms = :now
     WHERE id = :id AND seq = :if_seq
"""
_SET_PLACE = """
    UPDATE nodes SET parent_id = :parent, name = :name, space_id = :space, mtime_ms = :mtime, executable = :executable,
      content_seq = :content_seq, seq = :seq, feed_seq = :seq, actor_id = :actor, modified_ms = :now
     WHERE id = :id AND seq = :if_seq
"""
_REACHES = """
    WITH RECURSIVE below(id, levels) AS (
      SELECT :id, :levels
      UNION ALL
      SELECT n.id, b.levels - 1 FROM below b
        JOIN nodes n ON n.parent_id = b.id AND n.dead_seq = 0 AND n.kind > 0
        JOIN folders f ON f.node_id = n.id
       WHERE b.levels > 1 AND f.items >= b.levels - 1
       ORDER BY 2
    )
    SELECT 1 FROM below WHERE levels = 1 LIMIT 1
"""
_FOLDER = "SELECT size, items, below_seq FROM folders WHERE node_id = :id"
_ADD_TO_FOLDER = """
    UPDATE folders SET size = size + :size, items = items + :items, below_seq = max(below_seq, :seq)
     WHERE node_id = :id
"""


class Kind(IntEnum):
    """What a node is; the numbers stand in the database."""

    FILE = 0
    FOLDER = 1
    MOUNT = 2


KINDS = tuple(Kind)


class Node(Struct, frozen=True, gc=False):
    """One node as it is now. Sizes are bytes, `…_ms` Unix milliseconds; `version_id` and what follows are a file's."""

    id: int
    tag: bytes
    space_id: int
    parent_id: int | None
    name: str
    kind: Kind
    version_id: int | None
    version_tag: bytes | None
    size: int | None
    mtime_ms: int | None
    executable: bool
    seq: int
    content_seq: int
    created_seq: int
    created_ms: int
    actor_id: int
    modified_ms: int
    dead_seq: int
    dead_ms: int | None
    feed_seq: int
    target_id: int | None

    @property
    def is_folder(self) -> bool:
        """Whether it can have children; a mount has none, what shows in it is below the root of another space."""
        return self.kind is Kind.FOLDER

    @property
    def is_file(self) -> bool:
        """Whether it has content."""
        return self.kind is Kind.FILE


@dataclass(frozen=True, slots=True)
class Content:
    """What a file has since its last version or PATCH."""

    version_id: int
    version_tag: bytes
    size: int
    mtime_ms: int
    executable: bool
    content_type: str


@dataclass(frozen=True, slots=True)
class Step:
    """One node on the way up."""

    id: int
    parent_id: int | None
    name: str
    dead_seq: int
    space_id: int


class WaysKept(Snapshot):
    """A snapshot that reads each step of the ways up once; for one reading unit of work, in which none changes."""

    def __init__(self, tx: Snapshot) -> None:
        """Begin with no step known."""
        super().__init__(tx.connection)
        self.steps: dict[int, Step] = {}


@dataclass(slots=True)
class _Sum:
    size: int = 0
    items: int = 0
    seq: int = 0


class Sums:
    """Adds up what changes do to the folders above them, so that a batch writes each folder once."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._by_folder: dict[int, _Sum] = {}

    def add(self, ancestors: tuple[int, ...], *, seq: int, size: int = 0, items: int = 0) -> None:
        """Note a change below `ancestors` (nearest first): bytes and nodes more or fewer, and its seq."""
        for folder in ancestors:
            entry = self._by_folder.setdefault(folder, _Sum())
            entry.size += size
            entry.items += items
            entry.seq = max(entry.seq, seq)

    def apply(self, tx: Transaction) -> None:
        """Write the sums."""
        for folder, entry in self._by_folder.items():
            tx.execute(_ADD_TO_FOLDER, {"id": folder, "size": entry.size, "items": entry.items, "seq": entry.seq})
        self._by_folder.clear()


def find(tx: Snapshot, node_id: int) -> Node | None:
    """Return the node, dead or alive."""
    return _node(tx.one(_BY_ID, {"id": node_id}))


def find_named(tx: Snapshot, number: int, tag: bytes) -> Node | None:
    """Return the node that a wire id names, dead or alive.

    The tag is held against the row inside SQLite: for a number whose node has another tag no more is done than for one
    that has no node, not even to read its row, so that a thousand guesses at once show no difference either.
    """
    return _node(tx.one(_NAMED, {"id": number, "tag": tag}))


def find_child(tx: Snapshot, parent_id: int, name: str) -> Node | None:
    """Return the live child of this name."""
    return _node(tx.one(_CHILD, {"parent": parent_id, "name": name}))


def live_children(tx: Snapshot, parent_id: int, *, after: str, limit: int) -> list[Node]:
    """Return up to `limit` live children behind the name `after`; "" begins."""
    return [node_of(row) for row in tx.all(_CHILDREN, {"parent": parent_id, "after": after, "limit": limit})]


def name_in_use(tx: Snapshot, parent_id: int, name: str) -> int | None:
    """Return the id of the live child that has this name."""
    row = tx.one(_NAME_IN_USE, {"parent": parent_id, "name": name})
    return None if row is None else row["id"]


def way_up(tx: Snapshot, node_id: int) -> list[Step]:
    """Return the node and all above it, up to the root of its space; empty if there is no such node."""
    known = tx.steps if isinstance(tx, WaysKept) else {}
    steps = []
    at: int | None = node_id
    while at is not None:
        step = known.get(at)
        if step is None:
            row = tx.one(_UP, {"id": at})
            if row is None:
                return []
            step = known[at] = Step(at, row["parent_id"], row["name"], row["dead_seq"], row["space_id"])
        steps.append(step)
        at = step.parent_id
    return steps


def space_of(tx: Snapshot, node_id: int) -> int:
    """Return the space that a node's row names."""
    return int(tx.execute(_SPACE, {"id": node_id}).fetchone()["space_id"])


def folder_sums(tx: Snapshot, node_id: int) -> tuple[int, int, int]:
    """Return bytes below, nodes below, and the highest seq below a folder."""
    row = tx.one(_FOLDER, {"id": node_id})
    return (0, 0, 0) if row is None else (row["size"], row["items"], row["below_seq"])


def reaches(tx: Snapshot, folder_id: int, levels: int) -> bool:
    """Tell whether there is a live node `levels` levels below a folder, from 1 for its children.

    Only folders with at least as many nodes below as levels are still to go can lead there, and no others are looked
    into, the deepest first.
    """
    _, items, _ = folder_sums(tx, folder_id)
    return items >= levels and tx.one(_REACHES, {"id": folder_id, "levels": levels}) is not None


def figures(tx: Snapshot, node: Node) -> tuple[int, int]:
    """Return the bytes and nodes that a node brings to the folders above it, itself included."""
    if not node.is_folder:
        return node.size or 0, 1
    size, items, _ = folder_sums(tx, node.id)
    return size, items + 1


def create(
    tx: Transaction,
    *,
    space_id: int,
    parent_id: int | None,
    name: str,
    kind: Kind,
    actor_id: int,
    content: Content | None = None,
    target_id: int | None = None,
) -> Node:
    """Make a node and its journal row; a folder begins empty.

    Args:
        target_id: the space that a mount shows.

    Raises:
        NameTakenError: a live node has this name there.
    """
    node_id, tag, now = tx.next_id(), tx.next_tag(), tx.now_ms()
    seq = tx.record(node_id=node_id, operation=Operation.CREATE, actor_id=actor_id)
    values = {
        "id": node_id,
        "tag": tag,
        "space": space_id,
        "parent": parent_id,
        "name": name,
        "kind": kind,
        "target": target_id,
        "seq": seq,
        "actor": actor_id,
        "now": now,
        **_content(content),
    }
    try:
        tx.execute(_INSERT, values)
    except sqlite3.IntegrityError as error:
        raise _taken(tx, parent_id, name) from error
    found_names.appear(tx, node_id)
    if kind is Kind.FOLDER:
        tx.execute(_INSERT_FOLDER, {"id": node_id, "seq": seq})
    return Node(
        id=node_id,
        tag=tag,
        space_id=space_id,
        parent_id=parent_id,
        name=name,
        kind=kind,
        version_id=None if content is None else content.version_id,
        version_tag=None if content is None else content.version_tag,
        size=None if content is None else content.size,
        mtime_ms=None if content is None else content.mtime_ms,
        executable=content is not None and content.executable,
        seq=seq,
        content_seq=seq,
        created_seq=seq,
        created_ms=now,
        actor_id=actor_id,
        modified_ms=now,
        dead_seq=0,
        dead_ms=None,
        feed_seq=seq,
        target_id=target_id,
    )


def set_content(tx: Transaction, node: Node, content: Content, *, actor_id: int) -> Node:
    """Give a file a new version.

    Raises:
        ConflictError: it changed since `node` was read.
    """
    seq, now = close(tx, node, Operation.CONTENT, actor_id), tx.now_ms()
    values = {"id": node.id, "if_seq": node.seq, "seq": seq, "actor": actor_id, "now": now, **_content(content)}
    expect_one_row(tx.execute(_SET_CONTENT, values), node)
    return replace(
        node,
        version_id=content.version_id,
        version_tag=content.version_tag,
        size=content.size,
        mtime_ms=content.mtime_ms,
        executable=content.executable,
        seq=seq,
        content_seq=seq,
        feed_seq=seq,
        actor_id=actor_id,
        modified_ms=now,
    )


def set_place(
    tx: Transaction,
    node: Node,
    *,
    parent_id: int | None,
    name: str,
    mtime_ms: int | None,
    executable: bool,
    actor_id: int,
    space_id: int | None = None,
) -> Node:
    """Rename, move or re-date a node, in one step whatever lies below it.

    Args:
        space_id: the space of the new parent where it is another one: `conversion.carry_over` does the rest.

    Raises:
        NameTakenError: a live node has this name there.
        ConflictError: it changed since `node` was read.
    """
    touched = (mtime_ms, executable) != (node.mtime_ms, node.executable)
    moved = (parent_id, name) != (node.parent_id, node.name)
    seq = close(tx, node, Operation.MOVE if moved else Operation.ATTRIBUTES, actor_id)
    if name != node.name:
        found_names.change(tx, [node.id])
    values = {
        "id": node.id,
        "if_seq": node.seq,
        "parent": parent_id,
        "name": name,
        "space": node.space_id if space_id is None else space_id,
        "mtime": mtime_ms,
        "executable": executable,
        "content_seq": seq if touched else node.content_seq,
        "seq": seq,
        "actor": actor_id,
        "now": tx.now_ms(),
    }
    try:
        cursor = tx.execute(_SET_PLACE, values)
    except sqlite3.IntegrityError as error:
        raise _taken(tx, parent_id, name) from error
    expect_one_row(cursor, node)
    return _must_find(tx, node.id)


def close(tx: Transaction, node: Node, operation: Operation, actor_id: int) -> int:
    """Begin a change: write its journal row and copy the present state into `past`; return the seq that ends it."""
    seq = tx.record(node_id=node.id, operation=operation, actor_id=actor_id)
    tx.execute(_CLOSE, {"id": node.id, "to_seq": seq})
    return seq


def expect_one_row(cursor: sqlite3.Cursor, node: Node) -> None:
    """Raise ConflictError if the compare-and-set on a node's seq changed nothing."""
    if cursor.rowcount != 1:
        raise ConflictError("It changed since it was looked at.", node.id)


def _taken(tx: Snapshot, parent_id: int | None, name: str) -> Exception:
    """Return the refusal of a name; what is no name clash stays a fault of ours."""
    taken = None if parent_id is None else name_in_use(tx, parent_id, name)
    if taken is None:
        return AssertionError("a node refused by the schema")
    return NameTakenError("There is already something of this name in this folder.", taken)


def _content(content: Content | None) -> dict[str, object]:
    if content is None:
        return dict.fromkeys(("version", "version_tag", "size", "mtime")) | {"executable": False, "is_photo": False}
    return {
        "version": content.version_id,
        "version_tag": content.version_tag,
        "size": content.size,
        "mtime": content.mtime_ms,
        "executable": content.executable,
        "is_photo": is_photo(content.content_type),
    }


def _must_find(tx: Snapshot, node_id: int) -> Node:
    node = find(tx, node_id)
    if node is None:
        raise AssertionError(f"node {node_id} is gone inside the transaction that wrote it")
    return node


def _node(row: sqlite3.Row | None) -> Node | None:
    return None if row is None else node_of(row)


def node_of(row: sqlite3.Row) -> Node:
    """Return the node whose columns are the first of `row`, in the order of `COLUMNS`."""
    number, tag, space, parent, name, kind, version, version_tag, size, mtime, executable, *rest = row[:21]
    return Node(
        number, tag, space, parent, name, KINDS[kind], version, version_tag, size, mtime, bool(executable), *rest
    )
