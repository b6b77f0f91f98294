"""Operations become jobs: paths are looked up, what must be noted is noted, and workers do the rest."""

from collections.abc import Callable, Sequence

from client.sync.loop import echoes
from client.sync.loop.tools import Tools, World
from client.sync.loop.work import FETCHES, UPLOADS, Lot
from client.sync.model import PARKED_LID, ROOT_LID, LocalEntry, Path, SyncedNode, Verdict
from client.sync.names import key
from client.sync.observe.hashing import read_hash
from client.sync.operations import (
    HERE,
    THERE,
    Compare,
    DeleteThere,
    Fetch,
    MakeFolderHere,
    MoveHere,
    Operation,
    ReadHash,
    Replace,
    SetAside,
    Upload,
)
from client.sync.outcome import Done, Outcome, Prepared, Source, Task
from client.sync.seams.files import Traits
from client.sync.trees.state import State

MOST_SOURCES = 4
MAX_DEPTH = 1000  # more folders in one another than any server keeps

Job = Callable[[], list[Outcome]]


class Jobs:
    """Makes jobs of operations. Everything but the jobs themselves runs in the engine's thread."""

    def __init__(self, state: State, world: World, tools: Tools, traits: Traits) -> None:
        """Use the tools of an engine; `traits` are the disk's."""
        self._state = state
        self._world = world
        self._tools = tools
        self._traits = traits
        self._opened: dict[int, str] = {}  # uploads of large files by lid, to go on with

    def task_of(self, operation: Operation) -> Task[Operation]:
        """Return an operation with the paths that it has now."""
        path = self._path(operation)
        return Task(
            *(operation, path, self._target(operation, path), self._resume(operation)),
            *(self._sources(operation), self._standing(operation, path)),
        )

    def job_of(self, lot: Lot, tasks: Sequence[Task[Operation]]) -> Job:
        """Return what does a lot of one kind; notes of what is sent are durable on return."""
        many = list(tasks)
        if lot in UPLOADS:
            return self._uploads(lot, many)
        if lot in FETCHES:
            return self._fetches(lot, many)
        return self._others(many)

    def _fetches(self, lot: Lot, tasks: list[Task[Operation]]) -> Job:
        fetcher = self._tools.fetcher
        if lot.most > 1:
            return lambda: fetcher.fetch_small(tasks)
        return lambda: [fetcher.fetch_large(task) for task in tasks]

    def _others(self, tasks: list[Task[Operation]]) -> Job:
        first, tools, fs, traits = tasks[0].operation, self._tools, self._world.fs, self._traits
        if isinstance(first, ReadHash):
            return lambda: [read_hash(fs, task, traits) for task in tasks]
        if isinstance(first, Compare):
            return self._compares(tasks)
        if isinstance(first, HERE):
            return lambda: tools.applier.run_many(tasks)
        assert isinstance(first, THERE), first  # noqa: S101 -- there is nothing else
        self.note([(task.operation, None) for task in tasks])
        return lambda: tools.sender.call_many(tasks)

    def note(self, operations: Sequence[tuple[Operation, Prepared | None]]) -> None:
        """Note what is about to be sent; durable on return."""
        attempts = [(operation, echoes.attempt_of(operation, prepared)) for operation, prepared in operations]
        echoes.note(self._state, [(operation, attempt) for operation, attempt in attempts if attempt is not None])

    def commit_of(self, lot: list[tuple[Task[Operation], Prepared]]) -> Job:
        """Return what makes uploads visible whose bytes are at the server."""
        return lambda: self._tools.sender.commit(lot)

    def forget_upload(self, operation: Operation) -> None:
        """Forget an open upload: it was committed, or belongs to a state of the file that is past."""
        if operation.entry is not None:
            self._opened.pop(operation.entry.lid, None)

    def _uploads(self, lot: Lot, tasks: list[Task[Operation]]) -> Job:
        sender = self._tools.sender
        if lot.most > 1:
            return lambda: sender.upload_small(tasks)
        return lambda: [sender.upload_large(task, self._opener(task)) for task in tasks]

    def _opener(self, task: Task[Operation]) -> Callable[[str], None]:
        """Return what notes an upload that was opened: a broken one is then gone on with."""
        entry = task.operation.entry
        assert entry is not None  # noqa: S101 -- an upload has one
        lid = entry.lid

        def keep(upload_id: str) -> None:
            self._opened[lid] = upload_id
            with self._state.transaction():
                self._state.set_meta(f"upload:{lid}", upload_id)

        return lambda upload_id: self._world.executor.post(lambda: keep(upload_id))

    def _compares(self, tasks: list[Task[Operation]]) -> Job:
        lineages = [self._state.lineage(task.operation.node.id) if task.operation.node else () for task in tasks]
        sender = self._tools.sender
        return lambda: [sender.compare(task, lineage) for task, lineage in zip(tasks, lineages, strict=True)]

    def _path(self, operation: Operation) -> Path | None:
        if operation.entry is not None:
            return self._state.path_of(operation.entry.lid)
        return path_then(self._state, operation.base) if operation.base is not None else None

    def _standing(self, operation: Operation, path: Path | None) -> LocalEntry | None:
        """Return the other entry that by now is where something was that is gone here."""
        if not isinstance(operation, DeleteThere) or operation.base is None or path is None:
            return None
        folder = self._state.lid_at(path[:-1])
        if folder is None:
            return None
        if self._traits.tells_spellings:
            found = [row for row in [self._state.local_child(folder, path[-1])] if row is not None]
        else:  # such a disk finds what stands there under another spelling too
            same = key(path[-1], self._traits)
            found = [row for row in self._state.local_children(folder) if key(row.name, self._traits) == same]
        return next((row for row in found if row.lid != operation.base.lid), None)

    def _target(self, operation: Operation, path: Path | None) -> Path | None:
        if isinstance(operation, (MakeFolderHere, Fetch, MoveHere)):
            return (*self._state.path_of(operation.parent), operation.name)
        if isinstance(operation, SetAside) and path is not None:
            return (*path[:-1], operation.name)
        return path if isinstance(operation, Replace) else None

    def _resume(self, operation: Operation) -> str | None:
        if not isinstance(operation, Upload) or operation.entry is None:
            return None
        lid = operation.entry.lid
        return self._opened.get(lid) or self._state.meta(f"upload:{lid}")

    def _sources(self, operation: Operation) -> tuple[Source, ...]:
        """Return files here with the same content as what is to be fetched."""
        node = operation.node
        if not isinstance(operation, (Fetch, Replace)) or node is None or node.sha256 is None:
            return ()
        sources: list[Source] = []
        for lid in self._state.files_with_hash(node.sha256, MOST_SOURCES):
            base = self._state.synced_at(lid)
            if base is not None and base.version_id is not None and self._state.local(lid) is not None:
                sources.append(Source(self._state.path_of(lid), base.id, base.version_id, base.sha256))
        return tuple(sources)


def verdict_of(task: Task[Operation], outcome: Outcome) -> tuple[tuple[str, str], Verdict] | None:
    """Return what a comparison gave: by the version compared with, and the hash of what is here."""
    operation = task.operation
    if not isinstance(operation, Compare) or not isinstance(outcome, Done) or outcome.verdict is None:
        return None
    node, sha256 = operation.node, outcome.sha256
    if node is None or node.version_id is None or sha256 is None:
        return None
    return (node.version_id, sha256), outcome.verdict


def path_then(state: State, base: SyncedNode) -> Path | None:
    """Return where something was that is gone here; None if that is known no more.

    Of each folder above it that is the row here, or where it was when it was in step, or its place at the server. What
    only waited at the server for its place has none here: it would have come where it waits.
    """
    lid, name = _place_of(base)
    names, node_id = [name], base.parent_id
    while len(names) <= MAX_DEPTH:  # rows that are wrong may lead round in a ring
        if lid is not None and (lid == ROOT_LID or state.local(lid) is not None):
            return (*state.path_of(lid), *reversed(names))
        above = None if lid is None else state.synced_at(lid)
        if above is None and node_id == state.root_id:
            return tuple(reversed(names))
        above = above or state.synced(node_id)
        if above is not None:
            lid, name = _place_of(above)
            names.append(name)
            node_id = above.parent_id
            continue
        node = state.remote(node_id)
        if node is None or node.parent_id is None:
            return None
        names.append(node.name)
        lid, node_id = None, node.parent_id
    return None


def _place_of(base: SyncedNode) -> tuple[int | None, str]:
    """Return folder and name of something when it was in step here; None for the folder of its node."""
    return (None, base.name) if base.local_parent == PARKED_LID else (base.local_parent, base.local_name)
