"""What a finished operation changes in the trees: its facts, and nothing that anyone hopes for.

A local row is only set to a state in which the entry was seen by the job, and a synced row only names content that both
sides were seen to have. What came to pass meanwhile shows as a difference when the entry, or the feed, is next read.
"""

from contextlib import nullcontext
from dataclasses import replace as with_facts

from msgspec.structs import replace

from client.protocol import File
from client.sync.model import PARKED_LID, ROOT_LID, Kind, LocalEntry, RemoteNode, Stat, SyncedNode, Verdict
from client.sync.operations import (
    Adopt,
    Compare,
    DeleteHere,
    DeleteThere,
    Fetch,
    Forget,
    MakeFolderHere,
    MakeFolderThere,
    MoveHere,
    MoveThere,
    Operation,
    ReadHash,
    Replace,
    SetAside,
    SetHere,
    SetThere,
    TakeOver,
    Upload,
)
from client.sync.outcome import Done, Task
from client.sync.trees.decay import hash_of_read
from client.sync.trees.state import State


def node_of(file: File) -> RemoteNode:
    """Return the row for a node as the server shows it; an empty list of permissions is that of an older server."""
    is_file = file.kind == "file"
    return RemoteNode(
        id=file.file_id,
        parent_id=file.parent_id,
        name=file.name,
        kind=Kind(file.kind),
        version_id=file.version_id if is_file else None,
        sha256=file.sha256 if is_file else None,
        size=file.size if is_file else 0,
        mtime_ms=file.mtime_ms if is_file else None,
        executable=file.executable,
        seq=file.seq,
        writable=not file.permissions or "write" in file.permissions,
    )


def put_node(state: State, node: RemoteNode, fed_seq: int = 0) -> RemoteNode:
    """Set a remote row unless a newer one is there; return the node as it is then known.

    A hash that is known for a version is kept. A node that is not there although the feed was read past its seq has
    been deleted since, and does not come back.
    """
    before = state.remote(node.id)
    if before is None:
        if node.seq > fed_seq:
            state.put_remote(node)
        return node
    if before.version_id == node.version_id:
        sha256 = node.sha256 or before.sha256
        node, before = replace(node, sha256=sha256), replace(before, sha256=sha256)
    newest = node if node.seq > before.seq else before  # an answer that is repeated may show an old version at its seq
    if newest != state.remote(node.id):
        state.put_remote(newest)
    return node


def forget_gone(state: State, node_id: str) -> None:
    """Forget what was agreed on for a node that is gone here, with all below it that is gone: it is back, and new."""
    with state.transaction():
        todo = [node_id]
        for each in todo:
            base = state.synced(each)
            if base is not None and state.local(base.lid) is None:
                todo += [row.id for row in state.synced_children(each)]
                state.drop_synced(each)


def has_left_view(state: State, lid: int) -> bool:
    """Tell whether an entry has no row, and not since it was deleted: rules leave it out, or it went out of view."""
    return lid in state.out_of_view and state.local(lid) is None


def record(state: State, task: Task[Operation], done: Done, fed_seq: int = 0) -> bool:
    """Apply the facts of a finished operation.

    Return False for what was put where there is no row to put it under any more: new rules have left the folder out
    meanwhile, or somebody took it away. It is to be looked at, and nothing is agreed on.

    Args:
        state: the trees.
        task: what was done.
        done: how it went. `done.file` must be there for all that was sent, but for deletes.
        fed_seq: the number up to which all changes at the server are in the remote tree.
    """
    with nullcontext() if state.db.is_in_transaction else state.transaction():
        if not _has_place(state, task.operation):
            return False
        _Recorder(state, task, done, fed_seq).record(task.operation)
    return True


def _has_place(state: State, operation: Operation) -> bool:
    """Tell whether what was put, moved or changed here still has the row, or the folder, that it had when it began."""
    match operation:
        case MakeFolderHere() | Fetch():
            return _is_folder(state, operation.parent)
        case MoveHere(entry=LocalEntry(lid=lid), parent=parent):
            return state.local(lid) is not None and _is_folder(state, parent)
        case (
            Replace(entry=LocalEntry(lid=lid))
            | SetHere(entry=LocalEntry(lid=lid))
            | SetAside(entry=LocalEntry(lid=lid))
        ):
            return state.local(lid) is not None
    return True


def _is_folder(state: State, lid: int) -> bool:
    return lid in {ROOT_LID, PARKED_LID} or state.local(lid) is not None


class _Recorder:
    def __init__(self, state: State, task: Task[Operation], done: Done, fed_seq: int) -> None:
        self._state = state
        self._path = task.path
        self._done = done
        self._fed_seq = fed_seq

    def record(self, operation: Operation) -> None:  # noqa: C901, PLR0912 - one line for each class of operation
        match operation:
            case Adopt():
                self._adopt(operation)
            case Forget():
                self._forget(_base(operation))
            case TakeOver():
                self._take_over(_base(operation), _entry(operation))
            case ReadHash():
                self._read(_entry(operation))
            case Compare():
                self._compare(operation)
            case MakeFolderHere() | Fetch():
                self._fetched(operation)
            case Replace():
                self._replaced(operation)
            case SetHere():
                self._set_here(operation)
            case MoveHere():
                self._moved_here(operation)
            case SetAside():
                self._set_aside(operation)
            case DeleteHere():
                self._deleted_here(operation)
            case MakeFolderThere():
                self._folder_made(operation)
            case Upload():
                self._uploaded(operation)
            case MoveThere():
                self._moved_there(operation)
            case SetThere():
                self._set_there(operation)
            case DeleteThere():
                pass  # the feed takes the row away; until then the node counts as leaving
            case _:
                raise AssertionError(operation)

    # Knowledge

    def _adopt(self, operation: Adopt) -> None:
        node, entry = _node(operation), _entry(operation)
        if node.sha256 is None and entry.sha256 is not None:
            node = put_node(self._state, replace(node, sha256=entry.sha256), self._fed_seq)
        self._tie(_agreed(node, entry))

    def _forget(self, base: SyncedNode) -> None:
        self._wake(base)
        self._state.drop_synced(base.id)

    def _take_over(self, base: SyncedNode, entry: LocalEntry) -> None:
        self._tie(replace(base, lid=entry.lid, local_parent=entry.parent, local_name=entry.name))

    def _read(self, entry: LocalEntry) -> None:
        if self._done.sha256 is not None:
            self._done = with_facts(self._done, sha256=hash_of_read(self._state, entry, self._done.sha256))
        self._seen(entry)

    def _compare(self, operation: Compare) -> None:
        entry = self._seen(_entry(operation))
        if self._done.verdict is Verdict.EQUAL and entry.sha256 is not None:
            self._learn(replace(_node(operation), sha256=entry.sha256))

    # Here

    def _fetched(self, operation: MakeFolderHere | Fetch) -> None:
        node = self._answered(_node(operation))
        entry = self._appeared(operation.parent, operation.name, _stat(self._done), node.sha256)
        if not entry.is_folder:
            self._state.note_applied(entry.lid)
        self._tie(_agreed(node, entry))

    def _replaced(self, operation: Replace) -> None:
        node, entry = self._answered(_node(operation)), _entry(operation)
        self._kept(entry, operation.keep_as)
        now = self._put(replace(entry, stat=_stat(self._done), sha256=node.sha256, sure=self._is_sure))
        self._state.note_applied(now.lid)
        self._tie(_with_content(operation.base, node, now))

    def _kept(self, entry: LocalEntry, name: str | None) -> None:
        """Set a row for what was kept beside: a new file. If it went to another folder, the observer finds it there."""
        stat, path = self._done.kept, self._done.kept_as
        if path is not None:
            name = path[-1] if self._path is not None and path[:-1] == self._path[:-1] else None
        if stat is not None and name is not None:
            sha256 = entry.sha256 if _is_same(stat, entry.stat) else None
            self._appeared(entry.parent, name, stat, sha256, sure=False)

    def _set_here(self, operation: SetHere) -> None:
        node, entry = _node(operation), _entry(operation)
        now = self._put(replace(entry, stat=_stat(self._done), sure=self._is_sure))
        base = operation.base
        if base is not None and base.version_id == node.version_id:
            self._tie(replace(base, executable=node.executable, mtime_ms=node.mtime_ms))
        else:  # other versions of one content
            self._tie(_with_content(base, replace(node, sha256=node.sha256 or entry.sha256), now))

    def _moved_here(self, operation: MoveHere) -> None:
        entry, base = _entry(operation), operation.base
        stat = self._done.stat or entry.stat
        now = self._put(replace(entry, parent=operation.parent, name=operation.name, stat=stat))
        if base is None or operation.parent == PARKED_LID:
            return
        node = operation.node
        place = (base.parent_id, base.name) if node is None else (node.parent_id or base.parent_id, node.name)
        self._tie(
            replace(base, parent_id=place[0], name=place[1], local_parent=now.parent, local_name=now.name),
        )

    def _set_aside(self, operation: SetAside) -> None:
        entry = _entry(operation)
        self._put(replace(entry, name=operation.name, stat=self._done.stat or entry.stat))
        base = self._state.synced_at(entry.lid)
        if base is not None:
            self._forget(base)

    def _deleted_here(self, operation: DeleteHere) -> None:
        self._state.drop_local(_entry(operation).lid)
        if operation.base is not None:
            self._state.drop_synced(operation.base.id)

    # There

    def _folder_made(self, operation: MakeFolderThere) -> None:
        node, entry = self._answered(None), _entry(operation)
        tied = self._state.synced(node.id)
        if tied is None or tied.lid == entry.lid or self._state.local(tied.lid) is None:
            self._tie(_agreed(node, entry))

    def _uploaded(self, operation: Upload) -> None:
        entry = self._seen(_entry(operation))
        if self._done.file is None:
            base = _base(operation)
            self._tie(replace(base, sha256=entry.sha256 or base.sha256))
            return
        node, base_row = self._answered(None), operation.base
        if base_row is None or base_row.id != node.id:
            self._tie(_agreed(node, entry))
            return
        row = _with_content(base_row, node, entry)
        if operation.how == "restore" and node.parent_id is not None:
            row = replace(row, parent_id=node.parent_id, name=node.name)
        self._tie(row)

    def _moved_there(self, operation: MoveThere) -> None:
        node, entry = self._answered(None), _entry(operation)
        local = (PARKED_LID, "") if operation.is_parking else (entry.parent, entry.name)
        base = _base(operation)
        self._tie(
            replace(
                base,
                parent_id=node.parent_id or base.parent_id,
                name=node.name,
                local_parent=local[0],
                local_name=local[1],
            )
        )

    def _set_there(self, operation: SetThere) -> None:
        # Not `_answered`: the node may have newer content than the entry whose bits were sent.
        assert self._done.file is not None, "an answer without a node"  # noqa: S101 - a fault of the job
        node = put_node(self._state, node_of(self._done.file), self._fed_seq)
        self._tie(replace(_base(operation), executable=node.executable, mtime_ms=node.mtime_ms))

    # Rows

    @property
    def _is_sure(self) -> bool:
        return self._done.sure and not self._done.overtaken

    def _answered(self, asked: RemoteNode | None) -> RemoteNode:
        """Return the node as the job showed it, with the hash of what the job has read; the remote tree learns it."""
        file = self._done.file
        node = node_of(file) if file is not None else asked
        assert node is not None, "an answer without a node"  # noqa: S101 - a fault of the job, not of the world
        if node.kind is Kind.FILE and self._done.sha256 is not None:
            node = replace(node, sha256=self._done.sha256)
        if file is not None:
            return put_node(self._state, node, self._fed_seq)
        self._learn(node)
        return node

    def _learn(self, node: RemoteNode) -> None:
        """Fill in the hash of a version that is still the current one."""
        now = self._state.remote(node.id)
        if now is not None and now.version_id == node.version_id and now.sha256 is None and node.sha256 is not None:
            self._state.put_remote(replace(now, sha256=node.sha256))

    def _seen(self, entry: LocalEntry) -> LocalEntry:
        """Set what the job saw of an entry whose row is still the one that it was given."""
        seen = replace(
            entry,
            stat=self._done.stat or entry.stat,
            sha256=self._done.sha256 or entry.sha256,
            sure=self._is_sure if self._done.sha256 is not None else entry.sure,
        )
        now = self._state.local(entry.lid)
        if now is not None and now.stat in {entry.stat, seen.stat}:
            self._put(replace(seen, parent=now.parent, name=now.name))
        return seen

    def _appeared(
        self, parent: int, name: str, stat: Stat, sha256: str | None, *, sure: bool | None = None
    ) -> LocalEntry:
        """Set a row for what the job put somewhere; the observer may have met it first.

        A row for another kind of thing stands for what has left that place: a file has nothing below it.
        """
        met = self._state.local_child(parent, name)
        lid = self._state.new_lid() if met is None or met.stat.kind is not stat.kind else met.lid
        is_sure = self._is_sure if sure is None else sure
        return self._put(LocalEntry(lid, parent, name, stat, sha256, is_sure))

    def _put(self, entry: LocalEntry) -> LocalEntry:
        """Set a row; one that has its place in the tree stands for what is gone from there, and was not deleted."""
        other = self._state.local_child(entry.parent, entry.name)
        if other is not None and other.lid != entry.lid:
            self._cut(other.lid)
            self._state.drop_local(other.lid)
        self._state.put_local(entry)
        return entry

    def _cut(self, lid: int) -> None:
        lids = [lid]
        for each in lids:
            base = self._state.synced_at(each)
            if base is not None:
                self._state.drop_synced(base.id)
            lids += [child.lid for child in self._state.local_children(each)]

    def _tie(self, row: SyncedNode) -> None:
        """Set a synced row; what the entry was tied to before is forgotten.

        An entry that has left the view meanwhile is tied to nothing: its absence would look like a delete.
        """
        if has_left_view(self._state, row.lid):
            self._forget(row)
            return
        before = self._state.synced_at(row.lid)
        if before is not None and before.id != row.id:
            self._state.drop_synced(before.id)
        is_new = before is None or before.id != row.id
        self._state.put_synced(row)
        if is_new and row.kind is Kind.FOLDER:
            self._wake(row)

    def _wake(self, folder: SyncedNode) -> None:
        """Let what lies in a folder be looked at again: it could not be planned while the folder was not in step."""
        dirty = self._state.dirty
        dirty.ids.update(node.id for node in self._state.remote_children(folder.id))
        dirty.ids.update(row.id for row in self._state.synced_children(folder.id))
        untied = (entry.lid for entry in self._state.local_children(folder.lid))
        dirty.lids.update(lid for lid in untied if self._state.synced_at(lid) is None)


def _agreed(node: RemoteNode, entry: LocalEntry) -> SyncedNode:
    return SyncedNode(
        id=node.id,
        parent_id=node.parent_id or "",
        name=node.name,
        kind=node.kind,
        version_id=node.version_id,
        sha256=node.sha256,
        executable=node.executable,
        mtime_ms=node.mtime_ms,
        lid=entry.lid,
        local_parent=entry.parent,
        local_name=entry.name,
    )


def _with_content(base: SyncedNode | None, node: RemoteNode, entry: LocalEntry) -> SyncedNode:
    """Return the base with the content of `node`; its place stays as both sides last agreed on it."""
    if base is None:
        return _agreed(node, entry)
    return replace(
        base,
        version_id=node.version_id,
        sha256=node.sha256,
        executable=node.executable,
        mtime_ms=node.mtime_ms,
        lid=entry.lid,
    )


def _is_same(one: Stat, other: Stat) -> bool:
    """Tell whether a rename could have been all that happened between two looks."""
    return (one.size, one.mtime_ns, one.inode) == (other.size, other.mtime_ns, other.inode)


def _node(operation: Operation) -> RemoteNode:
    assert operation.node is not None, operation  # noqa: S101 - the planner's fault, not the world's
    return operation.node


def _entry(operation: Operation) -> LocalEntry:
    assert operation.entry is not None, operation  # noqa: S101 - the planner's fault, not the world's
    return operation.entry


def _base(operation: Operation) -> SyncedNode:
    assert operation.base is not None, operation  # noqa: S101 - the planner's fault, not the world's
    return operation.base


def _stat(done: Done) -> Stat:
    assert done.stat is not None, done  # noqa: S101 - a fault of the job, not of the world
    return done.stat
