"""Operations that wait to be begun, and those under way: what may run beside what, and what goes into one job."""

from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from client.sync.model import PARKED_LID, ROOT_LID, Kind
from client.sync.operations import (
    Compare,
    DeleteHere,
    DeleteThere,
    Fetch,
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
    Upload,
)
from client.sync.seams.executor import Lane
from client.sync.trees.state import State

SMALL_UPLOAD = 256 * 1024  # one chunk, so that many fit a bundle
SMALL_FETCH = 1024 * 1024
SMALL_FILES = 256
"""In one lot: enough to make little of what a lot costs, and so few that the first are soon on their way on."""

Key = str | int
"""The id of a node or the lid of an entry."""


class Lot(NamedTuple):
    """Operations that can share a job: at most so many, of so many bytes in all."""

    name: str
    lane: Lane
    most: int
    most_bytes: int = 8 * 1024 * 1024


_FOLDERS_HERE = Lot("folders here", Lane.SMALL, 512)
_MOVES_HERE = Lot("moves here", Lane.SMALL, 512)
_CALLS = Lot("calls", Lane.SMALL, 64)
_HASHES = Lot("hashes", Lane.LOOK, 256, 64 * 1024 * 1024)
_COMPARES = Lot("compares", Lane.LOOK, 16, 64 * 1024 * 1024)
_SMALL_UPLOADS = Lot("small uploads", Lane.SMALL, SMALL_FILES)
_SMALL_FETCHES = Lot("small fetches", Lane.SMALL, SMALL_FILES)
_LARGE_UPLOADS = Lot("large uploads", Lane.LARGE, 1)
_LARGE_FETCHES = Lot("large fetches", Lane.LARGE, 1)
_DELETES_HERE = Lot("deletes here", Lane.SMALL, 512)
LOTS = (
    *(_FOLDERS_HERE, _MOVES_HERE, _CALLS, _HASHES, _COMPARES),
    *(_SMALL_UPLOADS, _SMALL_FETCHES, _LARGE_UPLOADS, _LARGE_FETCHES, _DELETES_HERE),
)
UPLOADS = frozenset({_SMALL_UPLOADS, _LARGE_UPLOADS})
FETCHES = frozenset({_SMALL_FETCHES, _LARGE_FETCHES})
AT_SERVER = frozenset({_CALLS, _COMPARES, *UPLOADS, *FETCHES})

_LOT_OF: dict[type[Operation], Lot] = {
    MakeFolderHere: _FOLDERS_HERE,
    MoveHere: _MOVES_HERE,
    SetAside: _MOVES_HERE,
    SetHere: _MOVES_HERE,
    MakeFolderThere: _CALLS,
    MoveThere: _CALLS,
    SetThere: _CALLS,
    DeleteThere: _CALLS,
    ReadHash: _HASHES,
    Compare: _COMPARES,
    DeleteHere: _DELETES_HERE,
}


def lot_of(operation: Operation) -> Lot:
    """Return the lot that an operation belongs to."""
    size = size_of(operation)
    if isinstance(operation, Upload):
        return _SMALL_UPLOADS if size <= SMALL_UPLOAD else _LARGE_UPLOADS
    if isinstance(operation, (Fetch, Replace)):
        node = operation.node
        known = node is not None and (node.sha256 is not None or node.size == 0)
        return _SMALL_FETCHES if known and size <= SMALL_FETCH else _LARGE_FETCHES
    return _LOT_OF[type(operation)]


def size_of(operation: Operation) -> int:
    """Return the bytes that an operation reads, sends or fetches."""
    if isinstance(operation, (Fetch, Replace)):
        return operation.node.size if operation.node is not None else 0
    if isinstance(operation, (Upload, ReadHash, Compare)):
        return operation.entry.stat.size if operation.entry is not None else 0
    return 0


def keys_of(operation: Operation) -> frozenset[Key]:
    """Return the nodes and entries that an operation is about."""
    keys: set[Key] = set()
    if operation.node is not None:
        keys.add(operation.node.id)
    if operation.entry is not None:
        keys.add(operation.entry.lid)
    if operation.base is not None:
        keys |= {operation.base.id, operation.base.lid}
    return frozenset(keys)


def count_files(counts: "Counter[str]", operation: Operation, times: int = 1) -> None:
    """Add the files that go by a delete to those of the side where they go, as client.sync.known.Held has it."""
    if isinstance(operation, (DeleteHere, DeleteThere)):
        counts["here" if isinstance(operation, DeleteHere) else "there"] += times * operation.files


def still_holds(state: State, operation: Operation) -> bool:
    """Tell whether the trees hold the rows that an operation was decided on, and a free place for it to go to."""
    node, entry, base = operation.node, operation.entry, operation.base
    return (
        (node is None or state.remote(node.id) == node)
        and (entry is None or state.local(entry.lid) == entry)
        and (base is None or state.synced(base.id) == base)
        and _is_place_free(state, operation)
    )


def _is_place_free(state: State, operation: Operation) -> bool:
    """Tell whether the folder here that an operation puts something into is there, and nothing has the name in it."""
    if not isinstance(operation, (MakeFolderHere, Fetch, MoveHere)):
        return True
    folder, name = operation.parent, operation.name
    is_there = folder in {ROOT_LID, PARKED_LID} or state.local(folder) is not None
    return is_there and state.local_child(folder, name) is None


@dataclass(frozen=True, slots=True)
class _Footprint:
    """What an operation under way stands on: what it is about, the folders above, and the folder that it moves."""

    keys: frozenset[Key]
    above: frozenset[Key]
    moves: frozenset[Key]


class Work:
    """All operations that were planned and have not ended."""

    def __init__(self, state: State) -> None:
        """Begin with none."""
        self._state = state
        self._ready: dict[Lot, deque[Operation]] = {lot: deque() for lot in LOTS}
        self._waiting_keys: Counter[Key] = Counter()
        self._footprints: dict[int, _Footprint] = {}
        self._keys: Counter[Key] = Counter()
        self._inside: Counter[Key] = Counter()
        self._moving: Counter[Key] = Counter()
        self._deleting: Counter[str] = Counter()
        self.ready = 0
        """How many operations wait to be begun."""
        self.has_dropped = False
        """Whether something was found to be no longer right since this was last set to False."""

    @property
    def running(self) -> int:
        """How many operations are under way."""
        return len(self._footprints)

    def waiting_in(self, lot: Lot) -> int:
        """Return how many operations of a lot wait to be begun."""
        return len(self._ready[lot])

    def busy(self) -> set[Key]:
        """Return every node and entry that an operation is about."""
        return set(self._waiting_keys) | set(self._keys)

    def waiting(self) -> Iterator[Operation]:
        """Yield what waits to be begun."""
        for queue in self._ready.values():
            yield from queue

    def deleting(self) -> Counter[str]:
        """Return how many files go by deletes that wait or are under way, by the side where they go."""
        counts = Counter(self._deleting)
        for lot in (_CALLS, _DELETES_HERE):
            for operation in self._ready[lot]:
                count_files(counts, operation)
        return counts

    def add(self, operation: Operation) -> None:
        """Take a planned operation."""
        self._ready[lot_of(operation)].append(operation)
        self.ready += 1
        self._waiting_keys.update(keys_of(operation))

    def drop_waiting(self) -> None:
        """Forget what was not begun: it is planned again, if it is still right."""
        for queue in self._ready.values():
            queue.clear()
        self.ready = 0
        self._waiting_keys.clear()

    def take(self, lot: Lot) -> list[Operation]:
        """Begin as many operations of a lot as fit one job. What is no longer right is dropped, to be planned again."""
        taken: list[Operation] = []
        put_off: list[Operation] = []
        size = 0
        queue = self._ready[lot]
        while queue and len(taken) < lot.most:
            operation = queue[0]
            if taken and size + size_of(operation) > lot.most_bytes:
                break
            queue.popleft()
            if not still_holds(self._state, operation):
                self._unready(operation)
                self.has_dropped = True
                continue
            footprint = self._footprint(operation)
            if not self._allows(footprint):
                put_off.append(operation)
                continue
            self._unready(operation)
            self._begin(operation, footprint)
            taken.append(operation)
            size += size_of(operation)
        queue.extend(put_off)
        return taken

    def end(self, operation: Operation) -> None:
        """Note that an operation under way has ended."""
        footprint = self._footprints.pop(id(operation))
        count_files(self._deleting, operation, -1)
        for counter, keys in self._counted(footprint):
            counter.subtract(keys)
            for key in keys:
                if not counter[key]:
                    del counter[key]

    def _begin(self, operation: Operation, footprint: _Footprint) -> None:
        self._footprints[id(operation)] = footprint
        count_files(self._deleting, operation)
        for counter, keys in self._counted(footprint):
            counter.update(keys)

    def _counted(self, footprint: _Footprint) -> tuple[tuple[Counter[Key], frozenset[Key]], ...]:
        return (self._keys, footprint.keys), (self._inside, footprint.above), (self._moving, footprint.moves)

    def _unready(self, operation: Operation) -> None:
        self.ready -= 1
        for key in keys_of(operation):
            self._waiting_keys[key] -= 1
            if not self._waiting_keys[key]:
                del self._waiting_keys[key]

    def _allows(self, footprint: _Footprint) -> bool:
        """Tell whether nothing under way moves what an operation stands on, nor stands on what it moves."""
        return (
            self._keys.keys().isdisjoint(footprint.keys)
            and self._moving.keys().isdisjoint(footprint.above)
            and self._inside.keys().isdisjoint(footprint.moves)
        )

    def _footprint(self, operation: Operation) -> _Footprint:
        keys = keys_of(operation)
        above: set[Key] = set()
        for lid in _folders_here(operation):
            self._climb_here(lid, above)
        for node_id in _folders_there(operation):
            self._climb_there(node_id, above)
        return _Footprint(keys, frozenset(above), keys if _moves_folder(operation) else frozenset())

    def _climb_here(self, lid: int, above: set[Key]) -> None:
        while lid not in {ROOT_LID, PARKED_LID} and lid not in above:
            above.add(lid)
            entry = self._state.local(lid)
            if entry is None:
                return
            lid = entry.parent

    def _climb_there(self, node_id: str | None, above: set[Key]) -> None:
        while node_id is not None and node_id != self._state.root_id and node_id not in above:
            above.add(node_id)
            node = self._state.remote(node_id)
            if node is None:
                return
            node_id = node.parent_id


def _folders_here(operation: Operation) -> list[int]:
    folders = [] if operation.entry is None else [operation.entry.parent]
    if isinstance(operation, (MakeFolderHere, Fetch, MoveHere)):
        folders.append(operation.parent)
    return folders


def _folders_there(operation: Operation) -> list[str | None]:
    folders = [] if operation.node is None else [operation.node.parent_id]
    if isinstance(operation, (MakeFolderThere, Upload, MoveThere)):
        folders.append(operation.parent_id)
    return folders


def _moves_folder(operation: Operation) -> bool:
    if not isinstance(operation, (MoveHere, SetAside, DeleteHere, MoveThere, DeleteThere)):
        return False
    entry, node, base = operation.entry, operation.node, operation.base
    return (
        (entry is not None and entry.is_folder)
        or (node is not None and node.kind is Kind.FOLDER)
        or (base is not None and base.kind is Kind.FOLDER)
    )
