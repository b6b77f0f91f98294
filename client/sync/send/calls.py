"""Changes of the tree at the server: folders made, nodes moved, set and deleted, each as its author had seen it."""

from collections.abc import Sequence

from client.errors import ClientError, ConflictError
from client.protocol import ChangeRequest
from client.sync.model import Kind
from client.sync.observe.hashing import not_read
from client.sync.operations import DeleteThere, MakeFolderThere, MoveThere, Operation, SetThere
from client.sync.outcome import Done, Outcome, Stale, Task
from client.sync.seams.executor import Executor
from client.sync.seams.files import Fs, FsError, Traits
from client.sync.seams.net import Net
from client.sync.send.absence import Absence
from client.sync.send.refusals import sent

WIDTH = 4


class Calls:
    """Makes changes of the tree, one call each."""

    def __init__(self, fs: Fs, net: Net, executor: Executor, traits: Traits) -> None:
        """Make them at `net`; `fs` is looked at before a delete."""
        self._fs = fs
        self._traits = traits
        self._net = net
        self._executor = executor

    def call_many(self, tasks: Sequence[Task[Operation]]) -> list[Outcome]:
        """Make changes that are independent of each other, a few at a time."""
        absence = Absence(self._fs, self._traits)
        return list(self._executor.map(lambda task: self.call(task, absence), tasks, WIDTH))

    def call(self, task: Task[Operation], absence: Absence | None = None) -> Outcome:
        """Make one change. `absence` remembers listings that deletes of one lot share."""
        try:
            match task.operation:
                case MakeFolderThere() as operation:
                    return self._make(operation)
                case MoveThere() as operation:
                    return self._move(operation)
                case SetThere() as operation:
                    return self._set(operation)
                case DeleteThere() as operation:
                    return self._delete(task, operation, absence or Absence(self._fs, self._traits))
                case _:
                    raise AssertionError(task.operation)
        except FsError as error:
            return not_read(error)
        except ClientError as error:
            return sent(error, task.shown)

    def _make(self, operation: MakeFolderThere) -> Outcome:
        stat = None if operation.entry is None else operation.entry.stat
        try:
            file = self._net.make_child(operation.parent_id, operation.name)
        except ConflictError as error:
            current = error.current
            if error.code != "name_taken" or current is None or current.kind != "folder":
                raise
            file = current  # two folders of one name are one
        return Done(file=file, stat=stat)

    def _move(self, operation: MoveThere) -> Outcome:
        node = operation.node
        if node is None:
            return Stale("nobody knows what is to be moved")
        change = ChangeRequest(
            name=None if operation.name == node.name else operation.name,
            parent_id=None if operation.parent_id == node.parent_id else operation.parent_id,
            if_seq=node.seq,
        )
        file = self._net.patch(node.id, change)
        return Done(file=file, stat=None if operation.entry is None else operation.entry.stat)

    def _set(self, operation: SetThere) -> Outcome:
        node, entry = operation.node, operation.entry
        if node is None or entry is None:
            return Stale("nobody knows what is to be set")
        stat = entry.stat
        change = ChangeRequest(mtime_ms=stat.mtime_ms, executable=stat.executable, if_seq=node.seq)
        return Done(file=self._net.patch(node.id, change), stat=stat, sha256=entry.sha256, sure=entry.sure)

    def _delete(self, task: Task[Operation], operation: DeleteThere, absence: Absence) -> Outcome:
        """Delete what its author had seen, if it is still absent here; nothing is ever deleted without a base."""
        node, base = operation.node, operation.base
        if node is None or task.path is None:
            return Stale("nobody knows where it was")
        if not absence.is_sure(task.path, task.standing):
            return Stale("it is here again, or its folder cannot be told to be without it")
        if node.kind is Kind.FOLDER:
            return self._delete_folder(node.id, operation.below_seq)
        if base is None or base.version_id is None:
            return Stale("nobody knows which version was seen")
        self._net.delete_node(node.id, base_version=base.version_id, if_seq=node.seq)
        return Done()

    def _delete_folder(self, node_id: str, below_seq: int | None) -> Outcome:
        if below_seq is None:
            return Stale("nobody knows what of it was seen")
        try:
            self._net.delete_node(node_id, if_below_seq=below_seq)
        except ConflictError as error:
            return Stale(str(error), refused=True, current=error.current)
        return Done()
