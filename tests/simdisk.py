"""A disk in memory that can lose power between any two calls and then keeps only what a real one would have to keep.

For each file it holds what was seen and what is durable, and the same for names. `crash` gives back a disk with a
random legal rest: unsynced data in any subset of its 512-byte pieces, unsynced names in any subset. Databases are real
files; of them the state at the last commit is durable, whole (they are tested by kill -9 elsewhere).
"""

import contextlib
import errno
import os
import random
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

from storage.base import Buffer
from storage.disk import DiskUsage, FileState

PIECE = 512  # what a disk writes whole or not at all


class PowerCutError(OSError):
    """The power is off: this call and all after it do nothing."""


class Mode(Enum):
    """What a file system keeps without being asked to."""

    STRICT = "strict"
    """Nothing: each unsynced name and piece of data is kept or lost by itself."""
    EXT4 = "ext4-like"
    """Names become durable in order, any sync takes all names before it along, data grows from the front."""
    NO_SYNCFS = "syncfs ignored"
    """As strict, and syncfs does nothing, which the probe tells."""


@dataclass(slots=True)
class _Inode:
    is_folder: bool
    mode: int
    seen: bytearray = field(default_factory=bytearray)
    durable: bytes = b""
    unsynced: bool = False

    def sync(self) -> None:
        if self.unsynced:
            self.durable = bytes(self.seen)
            self.unsynced = False


@dataclass(frozen=True, slots=True)
class _NameChange:
    """A name in a folder now stands for this inode, or for none."""

    folder: int
    name: str
    inode: int | None


_ROOT = 0


class SimDisk:
    """Implements storage.disk.Disk. Give every test its own, with `folder` a real empty folder for the databases."""

    def __init__(self, folder: Path, mode: Mode = Mode.STRICT) -> None:
        self.mode = mode
        self.trace: list[tuple[str, str]] = []
        self.counts: Counter[str] = Counter()
        self._folder = folder
        self._lock = threading.RLock()
        self._inodes = {_ROOT: _Inode(is_folder=True, mode=0o700)}
        self._names: dict[int, dict[str, int]] = {_ROOT: {}}
        self._durable_names: dict[int, dict[str, int]] = {_ROOT: {}}
        self._changes: list[_NameChange] = []
        self._open: dict[int, int] = {}
        self._next = 1
        self._databases: dict[Path, bytes] = {}
        self._cut_at: int | None = None
        self._unheard = False
        self._faults: dict[tuple[str, int], int] = {}

    # What tests do to it

    def cut_power_at(self, call: int) -> None:
        """Let the call with this number, from 0 and counted from now, and all after it fail."""
        self.trace.clear()
        self._cut_at = call

    def cut_power_after(self, call: int) -> None:
        """Let the call with this number be done though it fails too: it came to the disk, and nobody heard of it."""
        self.cut_power_at(call + 1)
        self._unheard = True

    @property
    def is_off(self) -> bool:
        """Whether the power was cut by now."""
        return self._cut_at is not None and len(self.trace) >= self._cut_at

    def fail(self, operation: str, nth: int, code: int) -> None:
        """Let the nth call of an operation from now, from 0, fail with this errno."""
        self._faults[operation, self.counts[operation] + nth] = code

    def crash(self, seed: int | str) -> "SimDisk":
        """Return the disk as it may be found after a power cut now; this one is dead. Databases must be closed."""
        chance = random.Random(seed)  # noqa: S311 - a failure must come back with its seed
        after = SimDisk(self._folder, self.mode)
        after._next = self._next
        names = {folder: dict(entries) for folder, entries in self._durable_names.items()}
        for change in self._surviving(chance):
            _apply(names, change)
        for inode in _reachable(names):
            old = self._inodes[inode]
            content = self._torn(old, chance) if old.unsynced else old.durable
            after._inodes[inode] = _Inode(old.is_folder, old.mode, bytearray(content), content)
            if old.is_folder:
                after._names[inode] = dict(names[inode])
                after._durable_names[inode] = dict(names[inode])
        after._put_back(self._databases)
        self._cut_at = -1
        return after

    def revive(self) -> None:
        """Go on after a kill of the process, which loses nothing that it had written. Databases must be closed."""
        self._cut_at = None
        self._open.clear()
        self._put_back(self._databases)

    def copy(self, folder: Path) -> "SimDisk":
        """Return an equal disk for another folder. All must be synced and closed."""
        with self._lock:
            self._sync_all()
        moved = SimDisk(folder, self.mode)
        moved._next = self._next
        moved._inodes = {
            number: _Inode(i.is_folder, i.mode, bytearray(i.seen), i.durable) for number, i in self._inodes.items()
        }
        for number, entries in self._names.items():
            moved._names[number] = dict(entries)
            moved._durable_names[number] = dict(entries)
        moved._put_back({folder / path.relative_to(self._folder): data for path, data in self._databases.items()})
        return moved

    # storage.disk.Disk

    def make_folder(self, path: Path) -> None:
        with self._call("make_folder", path):
            parent = self._find(path.parent)
            if path.name not in self._names[parent]:
                inode = self._new(is_folder=True, mode=0o700)
                self._names[inode] = {}
                self._durable_names[inode] = {}
                self._change(parent, path.name, inode)

    def create(self, path: Path) -> int:
        with self._call("create", path):
            parent = self._find(path.parent)
            if path.name in self._names[parent]:
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path))
            inode = self._new(is_folder=False, mode=0o600)
            self._change(parent, path.name, inode)
            return self._descriptor(inode)

    def open_(self, path: Path) -> int:
        with self._lock:
            return self._descriptor(self._find(path))

    def write(self, descriptor: int, pieces: Sequence[Buffer]) -> None:
        with self._call("write", descriptor):
            inode = self._inodes[self._open[descriptor]]
            for piece in pieces:
                inode.seen += piece
            inode.unsynced = True

    def allocate(self, descriptor: int, size: int) -> None:
        self.write(descriptor, [bytes(size)])

    def fsync(self, descriptor: int) -> None:
        inode = self._inodes[self._open[descriptor]]
        with self._call("fsync", descriptor, lost=[inode]):
            inode.sync()
            if self.mode is Mode.EXT4:
                self._sync_names()

    def close(self, descriptor: int) -> None:
        with self._lock:
            del self._open[descriptor]

    def open_folder(self, path: Path) -> int:
        return self.open_(path)

    def syncfs(self, descriptor: int) -> None:
        with self._call("syncfs", descriptor, lost=list(self._inodes.values())):
            if self.mode is not Mode.NO_SYNCFS:
                self._sync_all()

    def can_syncfs(self, path: Path) -> bool:  # noqa: ARG002 - the whole disk is one file system
        return self.mode is not Mode.NO_SYNCFS

    def sync_folder(self, path: Path) -> None:
        with self._call("sync_folder", path):
            self._sync_names(None if self.mode is Mode.EXT4 else self._find(path))

    def rename(self, source: Path, target: Path) -> None:
        with self._call("rename", source):
            inode = self._find(source)
            self._change(self._find(target.parent), target.name, inode)
            self._change(self._find(source.parent), source.name, None)

    def unlink(self, path: Path) -> None:
        with self._call("unlink", path):
            parent = self._find(path.parent)
            if path.name in self._names[parent]:
                self._change(parent, path.name, None)

    def list_(self, folder: Path) -> list[str]:
        with self._lock:
            return sorted(self._names[self._find(folder)])

    def read(self, path: Path) -> bytes:
        with self._lock:
            return bytes(self._inodes[self._find(path)].seen)

    def stat(self, path: Path) -> FileState:
        with self._lock:
            inode = self._inodes[self._find(path)]
            return FileState(len(inode.seen), inode.mode, time.time_ns())  # as if changed just now

    def usage(self, path: Path) -> DiskUsage:  # noqa: ARG002 - as above
        return DiskUsage(total=1 << 40, free=1 << 39)

    def commit(self, connection: sqlite3.Connection, path: Path) -> None:
        with self._call("commit", path):
            connection.execute("COMMIT")
            self._databases[path] = connection.serialize()

    # How it works

    @contextlib.contextmanager
    def _call(self, operation: str, subject: object, lost: Sequence[_Inode] = ()) -> Iterator[None]:
        """Count a call and let it fail if its time has come; a failed sync loses the bytes for good, as Linux does."""
        with self._lock:
            number = self.counts[operation]
            self.counts[operation] += 1
            if self.is_off:
                raise PowerCutError(errno.EIO, "the power is off")
            self.trace.append((operation, str(subject)))
            if code := self._faults.pop((operation, number), 0):
                for inode in lost:
                    inode.unsynced = False
                raise OSError(code, os.strerror(code))
            yield
            if self._unheard and self.is_off:
                raise PowerCutError(errno.EIO, "the power is off")

    def _new(self, *, is_folder: bool, mode: int) -> int:
        number = self._next
        self._next += 1
        self._inodes[number] = _Inode(is_folder, mode)
        return number

    def _descriptor(self, inode: int) -> int:
        number = 1 + max(self._open, default=0)
        self._open[number] = inode
        return number

    def _find(self, path: Path) -> int:
        inode = _ROOT
        for name in path.relative_to(self._folder).parts:
            try:
                inode = self._names[inode][name]
            except KeyError:
                raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path)) from None
        return inode

    def _change(self, folder: int, name: str, inode: int | None) -> None:
        change = _NameChange(folder, name, inode)
        _apply(self._names, change)
        self._changes.append(change)

    def _sync_names(self, folder: int | None = None) -> None:
        """Make the names in one folder durable, or in all."""
        rest = []
        for change in self._changes:
            if folder is None or change.folder == folder:
                _apply(self._durable_names, change)
            else:
                rest.append(change)
        self._changes = rest

    def _sync_all(self) -> None:
        for inode in self._inodes.values():
            inode.sync()
        self._sync_names()

    def _surviving(self, chance: random.Random) -> list[_NameChange]:
        """Choose which unsynced changes of names came to the disk."""
        if self.mode is Mode.EXT4:
            return self._changes[: chance.randint(0, len(self._changes))]
        return [change for change in self._changes if chance.random() < 0.5]

    def _torn(self, inode: _Inode, chance: random.Random) -> bytes:
        """Choose what of an inode with unsynced data came to the disk; files only ever grow here."""
        seen, durable = bytes(inode.seen), inode.durable
        if self.mode is Mode.EXT4:
            return seen[: max(len(durable), PIECE * chance.randint(0, len(seen) // PIECE))]
        kept = bytearray(durable.ljust(chance.choice([len(durable), len(seen)]), b"\0"))
        for start in range(0, len(kept), PIECE):
            if chance.random() < 0.5:
                kept[start : start + PIECE] = seen[start : start + PIECE][: len(kept) - start]
        return bytes(kept)

    def _put_back(self, databases: dict[Path, bytes]) -> None:
        """Let real database files be what was durable."""
        for path in self._folder.rglob("*.db*"):
            path.unlink()
        for path, content in databases.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        self._databases = dict(databases)


def _apply(names: dict[int, dict[str, int]], change: _NameChange) -> None:
    if change.inode is None:
        names[change.folder].pop(change.name, None)
    else:
        names[change.folder][change.name] = change.inode


def _reachable(names: dict[int, dict[str, int]]) -> Iterator[int]:
    """Yield the inodes that have a path."""
    waiting = [_ROOT]
    found = {_ROOT}
    while waiting:
        inode = waiting.pop()
        yield inode
        for child in names.get(inode, {}).values():
            if child not in found:
                found.add(child)
                waiting.append(child)
