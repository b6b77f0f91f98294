"""Inodes and names of a disk in memory: what is seen, what is durable, and what a power cut leaves of it."""

import random
import unicodedata
from collections.abc import Callable, Iterable, Iterator

from client.sync.model import PRIVATE, Kind, Path
from client.sync.seams.files import FsError, Trouble
from tests.sim.fs_crash import surviving, torn
from tests.sim.fs_inodes import Inode, NameChange, SimMode, Slot

__all__ = ["Inode", "OutsideError", "SimMode", "SimTree", "files_below"]

_WINDOWS = frozenset('<>:"\\|?*')


class OutsideError(AssertionError):
    """The engine asked for a path that could lead out of its root."""


class SimTree:
    """The state of the disk, and its lookups. Nothing here switches or fails by chance."""

    def __init__(self, now_ns: Callable[[], int], mode: SimMode) -> None:
        self.mode = mode
        self.clock_ns = now_ns
        self.used = 0
        self.crashes = 0
        self._next = 1
        self._free: list[int] = []
        self._changes: list[NameChange] = []
        self._operation = 0
        self.root = self._new(Kind.FOLDER, 0o755, device=1)
        self.on_event: list[Callable[[Inode, str, bool], None]] = []

    # Names

    def key(self, name: str) -> str:
        """Return what two names have in common that this disk cannot tell apart."""
        stored = self.stored(name)
        return stored if self.mode.case_sensitive else unicodedata.normalize("NFC", stored).casefold()

    def stored(self, name: str) -> str:
        """Return a name as the disk keeps it."""
        return name if self.mode.keeps_form else unicodedata.normalize("NFC", name)

    def check_name(self, name: str, path: Path) -> None:
        """Raise NAME for what the disk cannot hold."""
        if len(name.encode("utf-8", "surrogateescape")) > self.mode.max_name_bytes:
            raise FsError(Trouble.NAME, path)
        if self.mode.windows_names and (name[-1] in ". " or any(c in _WINDOWS or c < " " for c in name)):
            raise FsError(Trouble.NAME, path)

    def folder(self, path: Path, asked: Path | None = None) -> Inode:
        """Return a folder; raise what is in the way."""
        inode = self.root
        asked = path if asked is None else asked
        for name in path:
            self.check_name(name, asked)
            entry = inode.names.get(self.key(name))
            if entry is None:
                raise FsError(Trouble.ABSENT, asked)
            inode = entry[1]
            if inode.kind is not Kind.FOLDER:
                raise FsError(Trouble.LINK if inode.kind is Kind.LINK else Trouble.NOT_FOLDER, asked)
        return inode

    def find(self, path: Path) -> Inode | None:
        """Return what stands at a path whose parent is there."""
        if not path:
            return self.root
        parent = self.folder(path[:-1], path)
        self.check_name(path[-1], path)
        entry = parent.names.get(self.key(path[-1]))
        return None if entry is None else entry[1]

    def get(self, path: Path) -> Inode:
        """Return what stands at a path, or raise ABSENT."""
        inode = self.find(path)
        if inode is None:
            raise FsError(Trouble.ABSENT, path)
        return inode

    def path_of(self, inode: Inode) -> Path | None:
        """Return where an inode is, by its first name; None if it is outside."""
        names: list[str] = []
        while inode is not self.root:
            if not inode.places:
                return None
            inode, key = inode.places[0]
            names.append(inode.names[key][0])
        return tuple(reversed(names))

    def walk(self, path: Path = (), inode: Inode | None = None) -> Iterator[tuple[Path, Inode]]:
        """Yield all that is below a folder, in the order of names."""
        for name, below in sorted((inode or self.root).names.values(), key=lambda entry: entry[0]):
            yield (*path, name), below
            if below.kind is Kind.FOLDER:
                yield from self.walk((*path, name), below)

    # Inspection

    def tree(self) -> dict[Path, bytes | None]:
        """Return all files with their bytes, and folders with None, without `.cairn`."""
        return {path: content for path, content in self._contents() if path[0] != PRIVATE}

    def private(self) -> dict[Path, bytes | None]:
        """Return the same of `.cairn`, as paths from the root."""
        return {path: content for path, content in self._contents() if path[0] == PRIVATE}

    def all_contents(self) -> set[bytes]:
        """Return the bytes of all files below the root, `.cairn` too."""
        return {content for _, content in self._contents() if content is not None}

    def _contents(self) -> Iterator[tuple[Path, bytes | None]]:
        for path, inode in self.walk():
            if inode.kind in {Kind.FILE, Kind.FOLDER}:
                yield path, bytes(inode.data) if inode.kind is Kind.FILE else None

    # Changes

    def now_ns_stepped(self) -> int:
        """Return the time as the disk keeps it."""
        return self.clock_ns() // self.mode.step_ns * self.mode.step_ns

    def _new(self, kind: Kind, mode: int, device: int) -> Inode:
        if self._free and self.mode.reuses_inodes:
            number = self._free.pop()
        else:
            number = self._next
            self._next += 1
        return Inode(number, device, kind, self.kept_mode(mode), self.now_ns_stepped())

    def kept_mode(self, mode: int) -> int:
        """Return the mode that a file has which was given this one: the same for all where there are no bits."""
        return mode if self.mode.keeps_bits else 0o755

    def begin(self) -> None:
        """Begin an operation, whose names a journal keeps or loses together."""
        self._operation += 1

    def set_name(self, path: Path, folder: Inode, name: str, inode: Inode | None) -> None:
        """Let a name stand for an inode, or for none."""
        key = self.key(name)
        before = folder.names.get(key)
        if inode is None:
            entry = None
            folder.names.pop(key, None)
        else:
            self.check_name(name, path)
            entry = (self.stored(name), inode)
            folder.names[key] = entry
            inode.places.append((folder, key))
        if before is not None:
            before[1].places.remove((folder, key))
            before[1].ctime_ns = self.now_ns_stepped()
        folder.mtime_ns = folder.ctime_ns = self.now_ns_stepped()
        self._changes.append(NameChange(self._operation, folder, key, entry, before[1] if before else None))

    def touch_content(self, inode: Inode) -> None:
        """Note that the bytes of a file changed just now."""
        inode.mtime_ns = inode.ctime_ns = self.now_ns_stepped()
        inode.unsynced = True

    def grow(self, inode: Inode, size: int, path: Path) -> None:
        """Make room for a file of `size` bytes, zeros at its end; raise FULL."""
        more = size - len(inode.data)
        if more > 0:
            if self.used + more > self.mode.size:
                raise FsError(Trouble.FULL, path)
            inode.data.extend(bytes(more))
            self.used += more

    def cut(self, inode: Inode, size: int, path: Path) -> None:
        """Give a file this size."""
        self.grow(inode, size, path)
        self.used -= len(inode.data) - size
        del inode.data[size:]

    def release(self, inode: Inode) -> None:
        """Free an inode that has no name and is not open."""
        if not inode.places and not inode.opens and inode is not self.root:
            self.used -= len(inode.data)
            if inode.kind is Kind.FILE or not inode.names:
                self._free.append(inode.number)

    def tell(self, folder: Inode, name: str, *, closed: bool = False) -> None:
        """Tell those who watch."""
        for listener in self.on_event:
            listener(folder, name, closed)

    # Durability

    def sync_names(self, folder: Inode | None = None) -> None:
        """Make the names in a folder durable, or all: as a journal always does."""
        if folder is None or self.mode.journal:
            self._commit({change.slot for change in self._changes})
        else:
            self._commit({change.slot for change in self._changes if change.folder is folder})

    def sync_way(self, path: Path) -> None:
        """Make all names on the way to a path durable."""
        if self.mode.journal:
            self.sync_names()
            return
        slots: set[Slot] = set()
        inode = self.root
        for name in path:
            slots.add((inode, self.key(name)))
            entry = inode.names.get(self.key(name))
            if entry is None:
                break
            inode = entry[1]
        self._commit(slots)

    def _commit(self, slots: set[Slot]) -> None:
        """Make slots durable, and what must not come later: where a file went that has left, and the way there."""
        count = -1
        while count != len(slots):
            count = len(slots)
            leaving = [change for change in self._changes if change.before is not None and change.slot in slots]
            operations = {change.operation for change in leaving}
            removed = {change.before for change in leaving if change.removes_folder}
            for change in self._changes:
                if change.folder in removed or (change.entry is not None and change.operation in operations):
                    slots.add(change.slot)
                    slots |= self._way(change.folder)
        rest: list[NameChange] = []
        for change in self._changes:
            if change.slot in slots:
                change.apply()
            else:
                rest.append(change)
        self._changes = rest

    def _way(self, folder: Inode) -> set[Slot]:
        """Return the slots that lead to a folder."""
        slots: set[Slot] = set()
        while folder.places:
            slots.add(folder.places[0])
            folder = folder.places[0][0]
        return slots

    def crash(self, chance: random.Random) -> None:
        """Cut the power: keep what is durable, and any part of the rest that such a disk may have written.

        With a journal names survive up to some operation. Without, each by itself; but a file that was renamed has
        its old name, the new one or both, and folders do not multiply.
        """
        for change in surviving(self._changes, chance, journal=self.mode.journal):
            change.apply()
        self._changes = []
        self.crashes += 1
        self.used = 0
        numbers: set[int] = set()
        seen: set[Inode] = {self.root}
        waiting = [self.root]
        while waiting:
            inode = waiting.pop(0)
            self._restore(inode, chance, seen, waiting)
            if inode.number in numbers:
                inode.number = self._next
                self._next += 1
            numbers.add(inode.number)
            self.used += len(inode.data)
        self._place()
        self._free = [number for number in self._free if number not in numbers]

    def _restore(self, inode: Inode, chance: random.Random, seen: set[Inode], waiting: list[Inode]) -> None:
        inode.opens = 0
        inode.is_lost = False
        if inode.kind is Kind.FOLDER:
            inode.names = {}
            for key, (name, below) in inode.durable_names.items():
                if below not in seen or below.kind is not Kind.FOLDER:
                    inode.names[key] = (name, below)
                if below not in seen:
                    seen.add(below)
                    waiting.append(below)
            inode.durable_names = dict(inode.names)
            return
        if inode.unsynced:
            state = torn(inode, chance)
            inode.durable = state
            inode.unsynced = False
        content, inode.mode, inode.mtime_ns, inode.ctime_ns = inode.durable
        inode.data = bytearray(content)

    def _place(self) -> None:
        inodes = [self.root, *dict.fromkeys(inode for _, inode in self.walk())]
        for inode in inodes:
            inode.places = []
        for folder in inodes:
            for key, (_, below) in folder.names.items():
                below.places.append((folder, key))


def files_below(path: Path, inode: Inode, walk: Iterable[tuple[Path, Inode]]) -> list[tuple[Path, bytes]]:
    """Return the files at and below a path with their bytes."""
    found = [(path, inode), *walk]
    return [(at, bytes(below.data)) for at, below in found if below.kind is Kind.FILE]
