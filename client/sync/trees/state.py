"""The state of one root in one SQLite file: the three trees, and what goes with them.

One connection, used by the engine's thread alone. What changes together is written in one transaction, and is durable
when that ends. Rows that a change made differ from each other, or may have, are kept in `dirty`.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Self

from client.sync.model import PARKED, PARKED_LID, ROOT_LID, LocalEntry, Path, RemoteNode, SyncedNode
from client.sync.trees.database import ClashError, Database, StateError
from client.sync.trees.kept import Kept
from client.sync.trees.notes import Notes
from client.sync.trees.rows import local_of, remote_of, row_of_local, row_of_remote, row_of_synced, synced_of

__all__ = ["ClashError", "Dirty", "State", "StateError"]

MAX_DEPTH = 10_000

_GET_REMOTE = "SELECT * FROM remote WHERE id = ?"
_REMOTE_CHILDREN = "SELECT * FROM remote WHERE parent_id = ? ORDER BY id"
_REMOTE_CHILD = "SELECT * FROM remote WHERE parent_id = ? AND name = ?"
_PUT_REMOTE = """
    INSERT INTO remote VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (id) DO UPDATE SET
      parent_id = excluded.parent_id, name = excluded.name, kind = excluded.kind, version_id = excluded.version_id,
      sha256 = excluded.sha256, size = excluded.size, mtime_ms = excluded.mtime_ms, executable = excluded.executable,
      seq = excluded.seq, writable = excluded.writable
"""
_BELOW_REMOTE = """
    WITH RECURSIVE below(id) AS (SELECT ? UNION SELECT r.id FROM remote AS r JOIN below ON r.parent_id = below.id)
    SELECT id FROM below
"""
_SET_WRITABLE_BELOW = """
    WITH RECURSIVE below(id) AS (SELECT ? UNION SELECT r.id FROM remote AS r JOIN below ON r.parent_id = below.id)
    UPDATE remote SET writable = ? WHERE id IN (SELECT id FROM below) AND writable <> ?
"""
_NODES_BELOW = """
    WITH RECURSIVE below(id) AS (
      SELECT id FROM remote WHERE parent_id = ?
      UNION SELECT r.id FROM remote AS r JOIN below ON r.parent_id = below.id)
    SELECT r.* FROM below JOIN remote AS r ON r.id = below.id
"""

_GET_LOCAL = "SELECT * FROM local WHERE lid = ?"
_LOCAL_CHILDREN = "SELECT * FROM local WHERE parent = ? ORDER BY lid"
_LOCAL_CHILD = "SELECT * FROM local WHERE parent = ? AND name = ?"
_LID_AT = "SELECT lid FROM local WHERE parent = ? AND name = ?"
_LOCAL_BY_INODE = "SELECT * FROM local WHERE inode = ? ORDER BY lid"
_LOCAL_BY_HASH = "SELECT lid FROM local WHERE sha256 = ? ORDER BY lid LIMIT ?"
_FILE_NAMES = "SELECT name FROM local WHERE kind = 'file' AND instr(name, ?) > 0 ORDER BY lid"
_PUT_LOCAL = """
    INSERT INTO local VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (lid) DO UPDATE SET
      parent = excluded.parent, name = excluded.name, kind = excluded.kind, size = excluded.size,
      mtime_ns = excluded.mtime_ns, ctime_ns = excluded.ctime_ns, inode = excluded.inode, device = excluded.device,
      executable = excluded.executable, sha256 = excluded.sha256, sure = excluded.sure
"""
_LIMBO = -2
_TO_LIMBO = "UPDATE local SET parent = -2, name = CAST(lid AS TEXT) WHERE parent = ? AND name = ? AND lid <> ?"
_IN_LIMBO = "SELECT lid FROM local WHERE parent = -2 LIMIT 1"
_BELOW_LOCAL = """
    WITH RECURSIVE below(lid) AS (SELECT ? UNION SELECT l.lid FROM local AS l JOIN below ON l.parent = below.lid)
    SELECT lid FROM below
"""
_DROP_LOCAL = "DELETE FROM local WHERE lid = ?"
_ALL_LIDS = "SELECT lid FROM local"
_LAST_LID = (
    "SELECT max((SELECT coalesce(max(seq), 0) FROM sqlite_sequence), (SELECT coalesce(max(lid), 0) FROM synced))"
)

_GET_SYNCED = "SELECT * FROM synced WHERE id = ?"
_ID_AT = "SELECT id FROM synced WHERE lid = ?"
_SYNCED_CHILDREN = "SELECT * FROM synced WHERE parent_id = ? ORDER BY id"
_PUT_SYNCED = """
    INSERT INTO synced VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (id) DO UPDATE SET
      parent_id = excluded.parent_id, name = excluded.name, kind = excluded.kind, version_id = excluded.version_id,
      sha256 = excluded.sha256, executable = excluded.executable, mtime_ms = excluded.mtime_ms, lid = excluded.lid,
      local_parent = excluded.local_parent, local_name = excluded.local_name
"""
_DROP_SYNCED = "DELETE FROM synced WHERE id = ?"
_TRACKED = "SELECT count(*) FROM synced WHERE kind = 'file'"

_DIFFERS = """
       r.id IS NULL OR l.lid IS NULL OR r.parent_id IS NOT s.parent_id OR r.name <> s.name
    OR r.version_id IS NOT s.version_id OR r.mtime_ms IS NOT s.mtime_ms OR r.executable <> s.executable
    OR l.parent <> s.local_parent OR l.name <> s.local_name OR l.kind <> s.kind OR s.local_name <> s.name
    OR (l.kind = 'file' AND (l.sha256 IS NOT s.sha256 OR l.executable <> s.executable
                             OR l.mtime_ns / 1000000 IS NOT s.mtime_ms))
"""
_TRIPLES = " FROM synced AS s LEFT JOIN remote AS r ON r.id = s.id LEFT JOIN local AS l ON l.lid = s.lid WHERE "
_DIFFERENT = "SELECT s.id" + _TRIPLES + _DIFFERS
_ONLY_REMOTE = "SELECT r.id FROM remote AS r WHERE NOT EXISTS (SELECT 1 FROM synced AS s WHERE s.id = r.id)"
_ONLY_LOCAL = "SELECT l.lid FROM local AS l WHERE NOT EXISTS (SELECT 1 FROM synced AS s WHERE s.lid = l.lid)"

_CURSOR_SEQ = "cursor_seq"
_HAS_LEFT = "SELECT 1 FROM left_view WHERE id = ?"
_LEAVES = "INSERT INTO left_view VALUES (?) ON CONFLICT (id) DO NOTHING"
_STAYS = "DELETE FROM left_view WHERE id = ?"


@dataclass(slots=True)
class Dirty:
    """What may differ between the trees: nodes by id, and entries without a synced row by lid.

    And the folders at the server that something left: what made way for its name here may have its own back.
    """

    ids: set[str] = field(default_factory=set)
    lids: set[int] = field(default_factory=set)
    left: set[str] = field(default_factory=set)

    def __bool__(self) -> bool:
        """Whether there is anything."""
        return bool(self.ids or self.lids or self.left)


class State(Notes):
    """The trees of a root; see `client.sync.trees.protocol.Trees` for what each question means.

    Every method raises StateError if the file fails; then nothing of the transaction is written.
    """

    def __init__(self, db: Database) -> None:
        """Keep all in `db`."""
        super().__init__(db)
        self.dirty = Dirty()
        self.out_of_view: set[int] = set()  # entries without rows that nobody deleted, as far as this run knows of any
        self.base_changes = 0  # grows with each change of what both sides agreed on
        db.on_rollback = self._reload
        db.before_commit = self._check_places
        self._nodes = Kept(self._read_remote)
        self._entries = Kept(self._read_local)
        self._bases = Kept(self._read_synced)
        self._ids_at = Kept(self._read_id_at)
        self._last_lid: int = (db.row(_LAST_LID) or (0,))[0]
        self._has_limbo = False
        self.root_id = self.meta("remote_root") or ""
        self.fed_seq = int(self.meta(_CURSOR_SEQ) or 0)

    @classmethod
    def open(cls, path: str) -> Self:
        """Open the state in a file, or make it; raise StateError if the file is damaged or of a newer program."""
        return cls(Database.open(path))

    @property
    def db(self) -> Database:
        """The file, for statements over many rows that only one part needs."""
        return self._db

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def transaction(self) -> AbstractContextManager[None]:
        """Write all of the block or nothing. A block within a block undoes itself alone if it raises.

        Within it, entries may stand at one place for a while, as two that swap their names do; at its end that is a
        ClashError.
        """
        return self._db.transaction()

    def set_meta(self, key: str, value: str | None) -> None:
        """Set a value; None takes it away."""
        super().set_meta(key, value)
        if key == "remote_root":
            self.root_id = value or ""
        elif key == _CURSOR_SEQ:
            self.fed_seq = int(value or 0)

    def reread(self) -> None:
        """Forget the rows that are kept in memory: a statement over many rows has changed them."""
        for kept in (self._nodes, self._entries, self._bases, self._ids_at):
            kept.clear()

    def _reload(self) -> None:
        """Read again what is kept in memory, after a rollback; `dirty` may hold too much, never too little."""
        self.reread()
        super().reload()
        self.root_id = self.meta("remote_root") or ""
        self.fed_seq = int(self.meta(_CURSOR_SEQ) or 0)
        self._has_limbo = self._db.is_in_transaction and self._db.row(_IN_LIMBO) is not None

    # Remote

    def remote(self, node_id: str) -> RemoteNode | None:
        """Return a live node at the server."""
        return self._nodes.get(node_id)

    def _read_remote(self, node_id: str) -> RemoteNode | None:
        row = self._db.row(_GET_REMOTE, (node_id,))
        return None if row is None else remote_of(row)

    def remote_children(self, node_id: str) -> Sequence[RemoteNode]:
        """Return what a folder at the server holds, in the order of ids."""
        return [remote_of(row) for row in self._db.rows(_REMOTE_CHILDREN, (node_id,))]

    def remote_child(self, parent_id: str, name: str) -> RemoteNode | None:
        """Return the node of that name in a folder at the server."""
        row = self._db.row(_REMOTE_CHILD, (parent_id, name))
        return None if row is None else remote_of(row)

    def rows_below(self, node_id: str) -> list[RemoteNode]:
        """Return all nodes below a folder at the server, in no order."""
        return [remote_of(row) for row in self._db.rows(_NODES_BELOW, (node_id,))]

    def put_remote(self, node: RemoteNode) -> None:
        """Set a node of the remote tree."""
        self._note_left(node.id, node.parent_id)
        self._db.run(_PUT_REMOTE, row_of_remote(node))
        self._nodes.put(node.id, node)
        self.dirty.ids.add(node.id)

    def set_writable_below(self, folder_id: str, *, writable: bool) -> None:
        """Note for all that is below a folder at the server whether this account may write there."""
        if self._db.run(_SET_WRITABLE_BELOW, (folder_id, writable, writable)):
            self.reread()
            self.mark_differences()

    def drop_remote(self, node_id: str) -> list[str]:
        """Take a node with all below it out of the remote tree; return their ids."""
        self._note_left(node_id, None)
        gone = [row[0] for row in self._db.rows(_BELOW_REMOTE, (node_id,))]
        self._db.run_many("DELETE FROM remote WHERE id = ?", [(each,) for each in gone])
        for each in gone:
            self._nodes.put(each, None)
        self.dirty.ids.update(gone)
        return gone

    def _note_left(self, node_id: str, parent_id: str | None) -> None:
        before = self._nodes.get(node_id)
        if before is not None and before.parent_id is not None and before.parent_id != parent_id:
            self.dirty.left.add(before.parent_id)

    # Local

    def local(self, lid: int) -> LocalEntry | None:
        """Return an entry here."""
        return self._entries.get(lid)

    def _read_local(self, lid: int) -> LocalEntry | None:
        row = self._db.row(_GET_LOCAL, (lid,))
        return None if row is None else local_of(row)

    def local_children(self, lid: int) -> Sequence[LocalEntry]:
        """Return what a folder here holds, in the order of lids."""
        return [local_of(row) for row in self._db.rows(_LOCAL_CHILDREN, (lid,))]

    def local_child(self, parent: int, name: str) -> LocalEntry | None:
        """Return the entry of just that name in a folder here."""
        row = self._db.row(_LOCAL_CHILD, (parent, name))
        return None if row is None else local_of(row)

    def file_names_with(self, text: str) -> list[str]:
        """Return the names of all files here that hold a text."""
        return [row[0] for row in self._db.rows(_FILE_NAMES, (text,))]

    def locals_with_inode(self, inode: int) -> Sequence[LocalEntry]:
        """Return the entries that were last seen with an inode number."""
        return [local_of(row) for row in self._db.rows(_LOCAL_BY_INODE, (inode,))]

    def files_with_hash(self, sha256: str, limit: int) -> list[int]:
        """Return up to `limit` entries that were last seen with this content."""
        return [row[0] for row in self._db.rows(_LOCAL_BY_HASH, (sha256, limit))]

    def lid_at(self, path: Path) -> int | None:
        """Return the number of the entry at a path; ROOT_LID for the root."""
        lid = ROOT_LID
        for name in path:
            row = self._db.row(_LID_AT, (lid, name))
            if row is None:
                return None
            lid = row[0]
        return lid

    def path_of(self, lid: int) -> Path:
        """Return where an entry is; raise KeyError if there is none."""
        names: list[str] = []
        while lid not in {ROOT_LID, PARKED_LID}:
            entry = self._entries.get(lid)
            if entry is None:
                raise KeyError(lid)
            if len(names) == MAX_DEPTH:
                raise ClashError("The state of this folder is damaged: a folder is inside itself.")
            lid = entry.parent
            names.append(entry.name)
        return (*(PARKED if lid == PARKED_LID else ()), *reversed(names))

    def new_lid(self) -> int:
        """Return a number that no entry has had."""
        self._last_lid += 1
        return self._last_lid

    def put_local(self, entry: LocalEntry) -> None:
        """Set an entry of the local tree; raise ClashError if another holds its place, but see `transaction`."""
        try:
            self._db.run(_PUT_LOCAL, row_of_local(entry))
        except ClashError:
            if not self._db.is_in_transaction:
                raise
            self._has_limbo = True
            self._db.run(_TO_LIMBO, (entry.parent, entry.name, entry.lid))
            self._db.run(_PUT_LOCAL, row_of_local(entry))
            self._entries.clear()
        self._entries.put(entry.lid, entry)
        self.touch(entry.lid)

    def drop_local(self, lid: int) -> None:
        """Take an entry with all below it out of the local tree: it is known to be absent."""
        gone = [row[0] for row in self._db.rows(_BELOW_LOCAL, (lid,))]
        for each in gone:
            self.touch(each)
            self.dirty.lids.discard(each)
        self._db.run_many(_DROP_LOCAL, [(each,) for each in gone])
        for each in gone:
            self._entries.put(each, None)

    def all_lids(self) -> Iterator[int]:
        """Yield the number of every entry."""
        yield from (row[0] for row in self._db.rows(_ALL_LIDS))

    def _check_places(self) -> None:
        if self._has_limbo and (row := self._db.row(_IN_LIMBO)) is not None:
            raise ClashError(f"Another entry came to stand where entry {row[0]} was, which went nowhere.")
        self._has_limbo = False

    # Synced

    def synced(self, node_id: str) -> SyncedNode | None:
        """Return the synced row of a node."""
        return self._bases.get(node_id)

    def _read_synced(self, node_id: str) -> SyncedNode | None:
        row = self._db.row(_GET_SYNCED, (node_id,))
        return None if row is None else synced_of(row)

    def synced_at(self, lid: int) -> SyncedNode | None:
        """Return the synced row that an entry is tied to."""
        node_id = self._ids_at.get(lid)
        return None if node_id is None else self._bases.get(node_id)

    def _read_id_at(self, lid: int) -> str | None:
        row = self._db.row(_ID_AT, (lid,))
        return None if row is None else str(row[0])

    def synced_children(self, node_id: str) -> Sequence[SyncedNode]:
        """Return the synced rows whose place at the server was in a folder, in the order of ids."""
        return [synced_of(row) for row in self._db.rows(_SYNCED_CHILDREN, (node_id,))]

    def put_synced(self, node: SyncedNode) -> None:
        """Set a synced row. What the entry was tied to before is forgotten. The version is added to the lineage."""
        tied = self._ids_at.get(node.lid)
        if tied is not None and tied != node.id:
            self._db.run(_DROP_SYNCED, (tied,))
            self._db.run(_STAYS, (tied,))
            self._bases.put(tied, None)
            self.dirty.ids.add(tied)
        before = self._bases.get(node.id)
        self.base_changes += 1
        self._db.run(_PUT_SYNCED, row_of_synced(node))
        self._bases.put(node.id, node)
        if before is not None and before.lid != node.lid:
            self._ids_at.put(before.lid, None)
            self._loosen(before.lid)
        self._ids_at.put(node.lid, node.id)
        self.dirty.ids.add(node.id)
        self.dirty.lids.discard(node.lid)
        if node.version_id is not None and node.sha256 is not None:
            self.add_lineage(node.id, [(node.version_id, node.sha256)])

    def drop_synced(self, node_id: str) -> None:
        """Forget what was agreed on for a node; an entry that was tied to it is new."""
        before = self._bases.get(node_id)
        if before is not None:
            self.base_changes += 1
            self._db.run(_DROP_SYNCED, (node_id,))
            self._db.run(_STAYS, (node_id,))
            self._bases.put(node_id, None)
            self._ids_at.put(before.lid, None)
            self._loosen(before.lid)
            self.dirty.ids.add(node_id)

    def clear_synced(self) -> None:
        """Forget everything that was agreed on: a start without a base. Lineage stays, as a hint.

        What may differ is then all there is: `mark_differences` is to be called when both sides have been read.
        """
        self.base_changes += 1
        self._db.run("DELETE FROM synced")
        self._db.run("DELETE FROM left_view")
        self._bases.clear()
        self._ids_at.clear()

    def tracked_files(self) -> int:
        """Return how many files are in step, or were."""
        return self._count(_TRACKED)

    # What this account may see no more

    def has_left(self, node_id: str) -> bool:
        """Tell whether a synced node went since access ended: nobody deleted it. True until its synced row goes."""
        return self._db.row(_HAS_LEFT, (node_id,)) is not None

    def set_left(self, node_ids: Iterable[str], *, left: bool) -> None:
        """Note that access to nodes ended, or that they are back."""
        self._db.run_many(_LEAVES if left else _STAYS, [(each,) for each in node_ids])

    # What may differ

    def mark_differences(self) -> None:
        """Find by comparing all rows what may differ: at the start, and after anything that changed many rows.

        What has another name here than at the server is among it, as what it made way for may have left unseen.
        """
        self.dirty.ids.update(row[0] for row in self._db.rows(_DIFFERENT))
        self.dirty.ids.update(row[0] for row in self._db.rows(_ONLY_REMOTE))
        self.dirty.lids.update(row[0] for row in self._db.rows(_ONLY_LOCAL))

    def touch(self, lid: int) -> None:
        """Note that an entry may differ from what it is tied to."""
        node_id = self._ids_at.get(lid)
        if node_id is None:
            self.dirty.lids.add(lid)
        else:
            self.dirty.ids.add(node_id)

    def set_excluded(self, node_id: str, *, excluded: bool) -> None:
        """Leave a node out, or take it in again."""
        super().set_excluded(node_id, excluded=excluded)
        self.dirty.ids.add(node_id)

    def _loosen(self, lid: int) -> None:
        if self._entries.get(lid) is not None:
            self.dirty.lids.add(lid)

    def _count(self, query: str) -> int:
        row = self._db.row(query)
        return 0 if row is None else int(row[0])
