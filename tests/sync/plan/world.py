"""A server and a disk that do at once what is planned, in any order, and that notice what no plan may ask of them."""

import random
import re
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from msgspec.structs import replace

from client.protocol import File
from client.sync import names
from client.sync.known import Confirmed, Known, Limits, Plan
from client.sync.model import PARKED_LID, ROOT_LID, Kind, LocalEntry, Path, RemoteNode, Stat, SyncedNode, Verdict
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
from client.sync.plan import plan
from client.sync.seams.files import Traits
from client.sync.trees.database import Database
from client.sync.trees.record import record
from client.sync.trees.state import State

ROOT = "n00000"
NO_GUARDS = Limits(deletes=10**9, whole_from=10**9, shrinks=10**9)
ROUNDS = 200


def file_of(node: RemoteNode) -> File:
    """Return a node as the server shows it."""
    return File(
        file_id=node.id,
        name=node.name,
        path="",
        kind="file" if node.kind is Kind.FILE else "folder",
        size=node.size,
        mtime_ms=node.mtime_ms,
        seq=node.seq,
        executable=node.executable,
        version_id=node.version_id,
        parent_id=node.parent_id,
        sha256=node.sha256,
        permissions=["read", "write"] if node.writable else ["read"],
    )


@dataclass
class World:
    """Both sides of one root. What a file holds is the name of its content, which stands for the hash as well."""

    traits: Traits = field(default_factory=Traits)
    limits: Limits = NO_GUARDS
    seq: int = 1
    number: int = 0
    history: dict[str, set[str]] = field(default_factory=dict)
    """What the server keeps of each node, live or not."""

    dead: dict[str, RemoteNode] = field(default_factory=dict)
    content: dict[int, str] = field(default_factory=dict)
    trash: set[str] = field(default_factory=set)
    verdicts: dict[tuple[str, str], Verdict] = field(default_factory=dict)
    split: set[str] = field(default_factory=set)
    leaving: set[str] = field(default_factory=set)
    uncertain: set[int] = field(default_factory=set)
    hidden: dict[str, str] = field(default_factory=dict)
    """Contents of versions whose hash the server does not know."""

    busy: set[str | int] = field(default_factory=set)
    others: set[int] = field(default_factory=set)
    may_delete: Sequence[Confirmed] = ()
    is_ignored: Callable[[Path, bool], bool] = lambda path, _folder: path[-1].endswith(".swp")
    feed_is_late: bool = False
    planned_seq: int = 0
    restored: set[str] = field(default_factory=set)
    made_by_restore: set[str] = field(default_factory=set)
    done: list[Operation] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.state = State(Database(sqlite3.connect(":memory:", isolation_level=None)))
        self.state.set_meta("remote_root", ROOT)
        self.state.put_remote(RemoteNode(ROOT, None, "", Kind.FOLDER, None, None, 0, None, executable=False, seq=1))

    # What people do

    def new_id(self) -> str:
        self.number += 1
        return f"n{self.number:05}"

    def next_seq(self) -> int:
        self.seq += 1
        return self.seq

    def there(self, name: str, content: str | None = None, parent: str = ROOT, **fields: Any) -> RemoteNode:
        """Make a file (with content) or a folder at the server."""
        kind = Kind.FOLDER if content is None else Kind.FILE
        node = RemoteNode(
            id=self.new_id(),
            parent_id=parent,
            name=name,
            kind=kind,
            version_id=None if content is None else f"v{self.next_seq()}",
            sha256=content,
            size=0 if content is None else 10,
            mtime_ms=None if content is None else 1_000_000,
            executable=False,
            seq=self.next_seq(),
        )
        return self.put_there(replace(node, **fields))

    def put_there(self, node: RemoteNode) -> RemoteNode:
        if node.sha256 is not None:
            self.history.setdefault(node.id, set()).add(node.sha256)
        self.state.put_remote(node)
        return node

    def edit_there(self, node_id: str, **fields: Any) -> RemoteNode:
        """Change fields of a node; `sha256` makes a new version."""
        node = self.state.remote(node_id)
        assert node is not None
        if "sha256" in fields:
            fields.setdefault("version_id", f"v{self.next_seq()}")
        return self.put_there(replace(node, seq=self.next_seq(), **fields))

    def delete_there(self, node_id: str) -> None:
        self._bury(node_id)
        self.state.drop_remote(node_id)

    def _bury(self, node_id: str) -> None:
        node = self.state.remote(node_id)
        assert node is not None
        self.dead[node_id] = node
        for child in self.state.remote_children(node_id):
            self._bury(child.id)

    def here(
        self, name: str, content: str | None = None, parent: int = ROOT_LID, *, is_read: bool = True
    ) -> LocalEntry:
        """Make a file (with content) or a folder on this device."""
        lid = self.state.new_lid()
        kind = Kind.FOLDER if content is None else Kind.FILE
        if content is not None:
            self.content[lid] = content
        entry = LocalEntry(lid, parent, name, self.stat(kind), content if is_read else None, sure=True)
        self.state.put_local(entry)
        return entry

    def stat(self, kind: Kind, mtime_ms: int | None = 1_000_000, *, executable: bool = False) -> Stat:
        step = max(self.traits.step_ns, 1) if self.traits.step_ns > 10_000_000 else 1
        mtime_ns = (1_000_000 if mtime_ms is None else mtime_ms) * 1_000_000 // step * step
        return Stat(kind, 0 if kind is Kind.FOLDER else 10, mtime_ns, self.next_seq(), self.next_seq(), 1, executable)

    def edit_here(self, lid: int, content: str, *, is_read: bool = True) -> None:
        entry = self.entry(lid)
        self.content[lid] = content
        stat = self.stat(Kind.FILE, 2_000_000 + self.next_seq() * 10, executable=entry.stat.executable)
        self.state.put_local(replace(entry, stat=stat, sha256=content if is_read else None))

    def shrink_here(self, lid: int) -> None:
        """Leave nothing in a file whose time stays."""
        entry = self.entry(lid)
        self.content[lid] = ""
        self.state.put_local(replace(entry, stat=replace(entry.stat, size=0), sha256=""))

    def touch_here(self, lid: int, mtime_ms: int | None = None, *, executable: bool | None = None) -> None:
        entry = self.entry(lid)
        time = entry.stat.mtime_ms if mtime_ms is None else mtime_ms
        bit = entry.stat.executable if executable is None else executable
        self.state.put_local(replace(entry, stat=self.stat(Kind.FILE, time, executable=bit)))

    def move_here(self, lid: int, name: str, parent: int) -> None:
        self.state.put_local(replace(self.entry(lid), name=name, parent=parent))

    def delete_here(self, lid: int) -> None:
        self.state.drop_local(lid)

    def entry(self, lid: int) -> LocalEntry:
        entry = self.state.local(lid)
        assert entry is not None
        return entry

    def both(
        self, name: str, content: str | None = None, parent: str = ROOT, **fields: Any
    ) -> tuple[RemoteNode, LocalEntry]:
        """Make something that is in step."""
        node = self.there(name, content, parent, **fields)
        base = self.state.synced(parent)
        entry = self.here(name, content, ROOT_LID if base is None else base.lid)
        self.tie(node, entry)
        return node, entry

    def tie(self, node: RemoteNode, entry: LocalEntry) -> None:
        self.state.put_synced(
            SyncedNode(
                *(node.id, node.parent_id or "", node.name, node.kind, node.version_id, node.sha256),
                *(node.executable, node.mtime_ms, entry.lid, entry.parent, entry.name),
            )
        )

    def settle(self) -> None:
        """Forget what may differ, as if all had been found to agree."""
        self.state.dirty.ids.clear()
        self.state.dirty.lids.clear()
        self.state.dirty.left.clear()

    # Planning

    def known(self) -> Known:
        return Known(
            traits=self.traits,
            device_name="laptop",
            stamp="2026-11-23 14-05-09",
            below_seq=self.seq,
            is_certain=lambda lid: lid not in self.uncertain,
            is_ignored=self.is_ignored,
            verdicts=self.verdicts,
            split=self.split,
            leaving=self.leaving,
            busy=self.busy,
            limits=self.limits,
            holds_others=lambda lid: lid in self.others,
            may_delete=self.may_delete,
        )

    def plan(self) -> Plan:
        dirty = self.state.dirty
        self.planned_seq = self.seq
        left, dirty.left = list(dirty.left), set()
        return plan(self.state, self.known(), list(dirty.ids), list(dirty.lids), left)

    def plan_all(self) -> Plan:
        self.state.mark_differences()
        return self.plan()

    def run(self, rng: random.Random | None = None) -> Plan:
        """Plan and do, until there is nothing to do; return the last plan."""
        made = Plan()
        for _ in range(ROUNDS):
            made = self.plan()
            self.state.dirty.ids.update(made.found_ids)
            self.state.dirty.ids.difference_update(made.agreed_ids)
            self.state.dirty.lids.difference_update(made.agreed_lids)
            if not made.operations and not self.leaving:
                return made
            operations = list(made.operations)
            if rng is not None:
                rng.shuffle(operations)
            for operation in operations:
                self.do(operation)
            self.check()
            if not self.feed_is_late or not operations:
                self.tell_of_deletes()
        raise AssertionError(f"not quiet after {ROUNDS} rounds: {made.operations[:6]}")

    def tell_of_deletes(self) -> None:
        for node_id in sorted(self.leaving):
            if self.state.remote(node_id) is not None:
                self.delete_there(node_id)
        self.leaving.clear()

    # Doing

    def do(self, operation: Operation) -> None:
        """Do it if the rows are still those that the planner saw."""
        if not self.is_fresh(operation):
            return
        self.done.append(operation)
        getattr(self, "_do" + re.sub("([A-Z])", r"_\1", type(operation).__name__).lower())(operation)

    def is_fresh(self, operation: Operation) -> bool:
        node, entry, base = operation.node, operation.entry, operation.base
        if node is not None and self.state.remote(node.id) != node:
            return False
        if entry is not None and self.state.local(entry.lid) != entry:
            return False
        return base is None or self.state.synced(base.id) == base

    def _record(self, operation: Operation, done: Done | None = None) -> None:
        record(self.state, Task(operation), done or Done())

    def _do_adopt(self, op: Adopt) -> None:
        assert op.node is not None
        assert op.entry is not None
        if op.node.kind is Kind.FILE:
            assert self.content[op.entry.lid] in self.history[op.node.id]
        self._record(op)

    def _do_forget(self, op: Forget) -> None:
        self._record(op)

    def _do_take_over(self, op: TakeOver) -> None:
        self._record(op)

    def _do_read_hash(self, op: ReadHash) -> None:
        assert op.entry is not None
        self._record(op, Done(stat=op.entry.stat, sha256=self.content[op.entry.lid], sure=True))

    def _do_compare(self, op: Compare) -> None:
        assert op.entry is not None
        assert op.node is not None
        content = self.content[op.entry.lid]
        verdict = Verdict.EQUAL if content == self.true_content(op.node) else Verdict.UNRELATED
        if verdict is Verdict.UNRELATED and content in self.history[op.node.id]:
            verdict = Verdict.ANCESTOR
        elif verdict is Verdict.UNRELATED:
            lineage = [version for version, _ in self.state.lineage(op.node.id)]
            verdict = Verdict.DESCENDANT if op.node.version_id in lineage else verdict
        assert op.node.version_id is not None
        self.verdicts[op.node.version_id, content] = verdict
        self._record(op, Done(stat=op.entry.stat, sha256=content, sure=True, verdict=verdict))
        self.state.dirty.ids.add(op.node.id)

    def true_content(self, node: RemoteNode) -> str:
        return node.sha256 or self.hidden[node.version_id or ""]

    def hide(self, node_id: str) -> None:
        node = self.state.remote(node_id)
        assert node is not None
        assert node.sha256 is not None
        self.hidden[node.version_id or ""] = node.sha256
        self.state.put_remote(replace(node, sha256=None))

    def _expect_free(self, parent: int, name: str, *, but: int | None = None) -> None:
        assert parent in {ROOT_LID, PARKED_LID} or self.entry(parent).is_folder
        for child in self.state.local_children(parent):
            same = names.key(child.name, self.traits) == names.key(name, self.traits)
            assert child.lid == but or not same, f"{name} is taken by {child}"

    def _do_make_folder_here(self, op: MakeFolderHere) -> None:
        self._expect_free(op.parent, op.name)
        self._record(op, Done(stat=self.stat(Kind.FOLDER)))

    def _do_fetch(self, op: Fetch) -> None:
        assert op.node is not None
        self._expect_free(op.parent, op.name)
        stat = self.stat(Kind.FILE, op.node.mtime_ms, executable=op.node.executable)
        self._record(op, Done(stat=stat, sha256=self.true_content(op.node), sure=True))
        entry = self.state.local_child(op.parent, op.name)
        assert entry is not None
        self.content[entry.lid] = self.true_content(op.node)

    def _do_replace(self, op: Replace) -> None:
        assert op.node is not None
        assert op.entry is not None
        mine = self.content[op.entry.lid]
        if op.keep_as is not None:
            self._expect_free(op.entry.parent, op.keep_as)
        else:
            copies = [self.content.get(child.lid) for child in self.state.local_children(op.entry.parent)]
            assert mine in self.all_history() or copies.count(mine) > 1, f"{mine} is overwritten"
        stat = self.stat(Kind.FILE, op.node.mtime_ms, executable=op.node.executable)
        kept = None if op.keep_as is None else op.entry.stat
        self._record(op, Done(stat=stat, sha256=self.true_content(op.node), sure=True, kept=kept))
        self.content[op.entry.lid] = self.true_content(op.node)
        if op.keep_as is not None:
            copy = self.state.local_child(op.entry.parent, op.keep_as)
            assert copy is not None
            self.content[copy.lid] = mine

    def all_history(self) -> set[str]:
        return set().union(*self.history.values())

    def _do_set_here(self, op: SetHere) -> None:
        assert op.node is not None
        self._record(op, Done(stat=self.stat(Kind.FILE, op.node.mtime_ms, executable=op.node.executable)))

    def _do_move_here(self, op: MoveHere) -> None:
        assert op.entry is not None
        self._expect_free(op.parent, op.name, but=op.entry.lid)
        self._record(op)
        self.state.path_of(op.entry.lid)  # ends: no ring

    def _do_set_aside(self, op: SetAside) -> None:
        assert op.entry is not None
        self._expect_free(op.entry.parent, op.name)
        self._record(op)

    def _do_delete_here(self, op: DeleteHere) -> None:
        assert op.entry is not None
        assert not self.state.local_children(op.entry.lid), "rmdir of a folder that is not empty"
        assert op.entry.lid not in self.others
        if not op.entry.is_folder:
            assert op.base is not None
            assert self.content[op.entry.lid] in self.history[op.base.id], "bytes that the server does not hold"
            assert self.content[op.entry.lid] == op.base.sha256, "a delete of what nobody who deleted had seen"
            self.trash.add(self.content[op.entry.lid])
        self._record(op)

    def _answer(self, operation: Operation, node: RemoteNode, **fields: Any) -> None:
        """Let the server hold a node, and the device hear of it as the answer to its call."""
        if node.sha256 is not None:
            self.history.setdefault(node.id, set()).add(node.sha256)
        self._record(operation, Done(file=file_of(node), **fields))

    def _expect_free_there(self, parent_id: str, name: str) -> None:
        parent = self.state.remote(parent_id)
        assert parent is not None
        assert parent.kind is Kind.FOLDER
        assert parent.writable
        assert names.server_name(name) == name
        assert self.state.remote_child(parent_id, name) is None, f"{name} is taken at the server"

    def _is_taken_by_restore(self, parent_id: str, name: str) -> bool:
        """Whether the server refuses a name, since what was restored came back to where nobody here knew of."""
        found = self.state.remote_child(parent_id, name)
        return found is not None and found.seq > self.planned_seq and (found.id in self.restored)

    def _do_make_folder_there(self, op: MakeFolderThere) -> None:
        made = self.state.remote_child(op.parent_id, op.name)
        if made is not None and made.id in self.made_by_restore:  # a file that came back needed it first
            self._answer(op, made)
            return
        self._expect_free_there(op.parent_id, op.name)
        node = RemoteNode(
            self.new_id(),
            op.parent_id,
            op.name,
            Kind.FOLDER,
            None,
            None,
            0,
            None,
            executable=False,
            seq=self.next_seq(),
        )
        self._answer(op, node)

    def _do_upload(self, op: Upload) -> None:
        assert op.entry is not None
        content = self.content[op.entry.lid]
        if op.base is not None and content == op.base.sha256 and op.how == "version":
            self._record(op, Done(stat=op.entry.stat, sha256=content, sure=True))
            return
        if op.how == "new" and self._is_taken_by_restore(op.parent_id, op.name):
            return
        if op.how == "new":
            self._expect_free_there(op.parent_id, op.name)
            before = RemoteNode(
                self.new_id(), op.parent_id, op.name, Kind.FILE, None, None, 0, None, executable=False, seq=0
            )
        elif op.how == "version":
            assert op.node is not None
            assert op.node.version_id == op.base_version
            assert op.node.writable
            before = op.node
        else:
            assert op.base is not None
            assert op.base_version is not None
            before = self._restored(self.dead.pop(op.base.id))
            self.restored.add(before.id)
        node = replace(
            before,
            version_id=f"v{self.next_seq()}",
            sha256=content,
            size=10,
            mtime_ms=op.entry.stat.mtime_ms,
            executable=op.entry.stat.executable,
            seq=self.next_seq(),
        )
        self._answer(op, node, stat=op.entry.stat, sha256=content, sure=True)

    def _restored(self, node: RemoteNode) -> RemoteNode:
        """Find the old place by names, as the server does; what is missing is made there."""
        parents: list[str] = []
        at = node.parent_id
        while at is not None and self.state.remote(at) is None:
            parents.append(self.dead[at].name)
            at = self.dead[at].parent_id
        assert at is not None
        for name in reversed(parents):
            found = self.state.remote_child(at, name)
            if found is None or found.kind is Kind.FILE:
                found = self.there(self._free_name(at, name), None, at)
                self.made_by_restore.add(found.id)
            at = found.id
        return replace(node, parent_id=at, name=self._free_name(at, node.name))

    def _free_name(self, parent_id: str, name: str) -> str:
        return names.free_name(name, lambda each: self.state.remote_child(parent_id, each) is not None)

    def _do_move_there(self, op: MoveThere) -> None:
        assert op.node is not None
        assert op.node.writable
        if self._is_taken_by_restore(op.parent_id, op.name):
            return
        self._expect_free_there(op.parent_id, op.name)
        at: str | None = op.parent_id
        while at is not None:
            assert at != op.node.id, "a folder into itself"
            node = self.state.remote(at)
            assert node is not None
            at = node.parent_id
        self._answer(op, replace(op.node, parent_id=op.parent_id, name=op.name, seq=self.next_seq()))

    def _do_set_there(self, op: SetThere) -> None:
        assert op.node is not None
        assert op.entry is not None
        assert op.node.writable
        stat = op.entry.stat
        node = replace(op.node, executable=stat.executable, mtime_ms=stat.mtime_ms, seq=self.next_seq())
        self._answer(op, node)

    def _do_delete_there(self, op: DeleteThere) -> None:
        assert op.node is not None
        if op.node.kind is Kind.FOLDER:
            assert op.below_seq is not None
            if self._newest_below(op.node) > op.below_seq:  # a file was restored to where nobody here knew it had been
                self.split.add(op.node.id)
                return
        self._expect_seen(op.node)
        self.leaving.add(op.node.id)
        self._record(op)

    def _newest_below(self, node: RemoteNode) -> int:
        return max((self._newest_below(child) for child in self.state.remote_children(node.id)), default=node.seq)

    def _expect_seen(self, node: RemoteNode) -> None:
        """Whoever deleted had seen this version, and all that is below: and it is not here."""
        base = self.state.synced(node.id)
        assert base is not None, f"{node} is new there"
        assert base.version_id == node.version_id
        assert self.state.local(base.lid) is None, "it is still here"
        assert not self.state.is_excluded(node.id)
        for child in self.state.remote_children(node.id):
            if child.id not in self.leaving:
                self._expect_seen(child)

    # Checks

    def check(self) -> None:
        """No orphan, no ring, no two siblings with one name."""
        remote = {row[0]: row[1:] for row in self.rows("SELECT id, parent_id, name FROM remote")}
        seen = set()
        for node_id, (parent_id, name) in remote.items():
            assert parent_id is None or parent_id in remote, f"orphan {node_id}"
            assert (parent_id, name) not in seen, f"two of {name}"
            seen.add((parent_id, name))
            self._climb(node_id, remote)
        for (lid,) in self.rows("SELECT lid FROM local"):
            self.state.path_of(lid)

    def _climb(self, node_id: str, remote: dict[str, tuple[str | None, str]]) -> None:
        at: str | None = node_id
        for _ in range(len(remote) + 1):
            if at is None:
                return
            at = remote[at][0]
        raise AssertionError(f"ring at {node_id}")

    def rows(self, query: str) -> list[Any]:
        return self.state.db.rows(query)

    def tree_there(self, node_id: str = ROOT) -> dict[str, Any]:
        """Return names and contents as the server has them."""
        return {
            child.name: self.tree_there(child.id) if child.kind is Kind.FOLDER else self.true_content(child)
            for child in self.state.remote_children(node_id)
        }

    def tree_here(self, lid: int = ROOT_LID) -> dict[str, Any]:
        """Return names and contents as this disk has them."""
        return {
            child.name: self.tree_here(child.lid) if child.is_folder else self.content[child.lid]
            for child in self.state.local_children(lid)
        }

    def names_done(self) -> list[str]:
        """Return what was done, by the names of the operations."""
        return [type(operation).__name__ for operation in self.done]
