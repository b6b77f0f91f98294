"""A disk in memory with the engine's calls: each may switch, fail by chance, or be the last before a crash."""

import contextlib
import random
from collections.abc import Callable, Iterable, Iterator, Mapping

from client.sync.device.disk_files import with_executable
from client.sync.model import LASTING, PRIVATE, TMP, Kind, Path, Stat
from client.sync.seams.files import FsError, Listed, Traits, Trouble
from tests.sim.fs_tree import Inode, OutsideError, SimMode, SimTree, files_below
from tests.sim.fs_users import UserHandle, Users
from tests.sim.fs_watch import SimWatch, WatchFaults

__all__ = ["OutsideError", "SimFs", "SimMode", "SimTree", "SimWatch", "UserHandle", "WatchFaults"]

OnChange = Callable[[Path, bytes | None, bytes | None], None]

_CHANGES = frozenset({"create", "make_folder", "remove_folder", "move", "exchange", "replace", "set_state"})
_FAULTS: Mapping[Trouble, frozenset[str]] = {
    Trouble.DAMAGED: frozenset({"look", "list", "open", "read", "write", "sync", "sync_all"}) | _CHANGES,
    Trouble.UNREADABLE: frozenset({"look", "list", "open"}),
    Trouble.READ_ONLY: _CHANGES,
    Trouble.BUSY: frozenset({"open", "move", "exchange", "replace", "remove_folder", "set_state"}),
    Trouble.FULL: frozenset({"create", "write", "sync", "make_folder", "sync_all"}),
    Trouble.CHANGED: frozenset({"list"}),
}
"""Which call may answer with which trouble when nothing is wrong with the path."""

_PIECES = 3  # a write gives way so often, and may be cut there
_LEAST_PIECE = 4096


class SimFs(Users):
    """Implements files.Fs.

    Args:
        now_ns: the clock of the machine.
        switch: called at the start of each call of the engine's, and between the pieces of a write.
        mode: what kind of disk.
        chance: for faults.
        rates: how often a call fails with a Trouble, of those in `_FAULTS`; may be changed at any time.
        on_change: told of each change of bytes at a live path (not in `.cairn`) by the engine: path, before, after.
    """

    def __init__(
        self,
        now_ns: Callable[[], int],
        switch: Callable[[], None] = lambda: None,
        mode: SimMode | None = None,
        chance: random.Random | None = None,
        rates: Mapping[Trouble, float] | None = None,
        on_change: OnChange | None = None,
    ) -> None:
        super().__init__(now_ns, mode or SimMode())
        self.switch = switch
        self.rates = dict(rates or {})
        self.on_change = on_change
        self.denied: dict[Path, Trouble] = {}  # subtrees, for the calls of `_FAULTS`
        self.is_gone = False
        self._open: list[SimReading] = []
        self._chance = chance or random.Random(0)  # noqa: S311 - a failure must come back with its seed
        self._device = LASTING
        self._covered: dict[Path, Inode] = {}
        self.tells_open = True  # whether `is_open` can tell

    # What tests do to it

    def crash(self, chance: random.Random) -> None:
        """Cut the power (SimTree.crash); all that was open is closed."""
        self.kill()
        super().crash(chance)

    def kill(self) -> None:
        """End the engine's process: nothing that it did is lost, and its open files are closed."""
        for reading in list(self._open):
            reading.drop()

    def mount(self, path: Path) -> None:
        """Put an empty file system of its own over a folder."""
        self._device += 1
        self.begin()
        self._put_over(path, self._new(Kind.FOLDER, 0o755, self._device))

    def mount_again(self, path: Path, top: Inode) -> None:
        """Put a file system over a folder that `unmount` has taken away."""
        self.begin()
        self._put_over(path, top)

    def unmount(self, path: Path) -> Inode:
        """Take a mount away, so that the folder below it is seen again."""
        self.begin()
        top = self.folder(path)
        self.set_name(path, self.folder(path[:-1]), path[-1], self._covered.pop(path))
        self.sync_names()
        return top

    def _put_over(self, path: Path, top: Inode) -> None:
        self._covered[path] = self.folder(path)
        self.set_name(path, self.folder(path[:-1]), path[-1], top)
        self.sync_names()

    # files.Fs

    def probe(self) -> Traits:
        with self._call("probe", TMP):
            for path in (TMP[:1], TMP):
                if self.find(path) is None:
                    self._make_folder(path)
            self.folder(TMP)
            return Traits(
                case_sensitive=self.mode.case_sensitive,
                keeps_form=self.mode.keeps_form,
                windows_names=self.mode.windows_names,
                stable_inodes=self.mode.stable_inodes,
                exchanges=self.mode.exchanges,
                keeps_bits=self.mode.keeps_bits,
                events=self.mode.events,
                max_name_bytes=self.mode.max_name_bytes,
                step_ns=max(4_000_000, self.mode.step_ns),
            )

    def now_ns(self) -> int:
        with self._call("now_ns", TMP):
            self.folder(TMP)
            return self.now_ns_stepped()

    def look(self, path: Path) -> Stat | None:
        with self._call("look", path):
            try:
                inode = self.find(path)
            except FsError as error:
                if error.trouble is Trouble.ABSENT:
                    return None
                raise
            return None if inode is None else inode.stat()

    def list(self, path: Path) -> list[Listed]:
        with self._call("list", path):
            return [Listed(name, inode.stat()) for name, inode in self.folder(path).names.values()]

    def open(self, path: Path) -> "SimReading":
        with self._call("open", path):
            return SimReading(self, path, self._want_file(path))

    def is_open(self, path: Path) -> bool | None:
        with self._call("look", path):
            inode = self._want_file(path)
            return inode.opens > 0 if self.tells_open else None

    def create(self, path: Path) -> "SimWriting":
        with self._call("create", path):
            self._want_below(path)
            if self.find(path) is not None:
                raise FsError(Trouble.EXISTS, path)
            self.begin()
            inode = self._make(path, Kind.FILE, 0o600)
            inode.unsynced = inode.is_ours = True
            self.report(path, None, b"")
            return SimWriting(self, path, inode)

    def reopen(self, path: Path) -> "SimWriting":
        with self._call("open", path):
            self._want_private(path)
            inode = self._want_file(path)
            if len(inode.places) > 1:
                raise FsError(Trouble.CHANGED, path)
            return SimWriting(self, path, inode)

    def make_folder(self, path: Path) -> Stat:
        with self._call("make_folder", path):
            self._want_below(path)
            if self.find(path) is not None:
                raise FsError(Trouble.EXISTS, path)
            return self._make_folder(path)

    def remove_folder(self, path: Path) -> None:
        with self._call("remove_folder", path):
            self._want_below(path)
            inode = self.get(path)
            if inode.kind is not Kind.FOLDER:
                raise FsError(Trouble.LINK if inode.kind is Kind.LINK else Trouble.NOT_FOLDER, path)
            self._want_no_mount(inode, path)
            if inode.names:
                raise FsError(Trouble.NOT_EMPTY, path)
            self._unname(path, inode)

    def move(self, source: Path, target: Path) -> None:
        with self._call("move", source, target):
            inode = self._source(source)
            folder, to_folder = self._parents(source, target)
            if self.find(target) is not None:
                raise FsError(Trouble.EXISTS, target)
            if self._is_within(to_folder, inode):
                raise FsError(Trouble.OTHER, target)
            self._want_no_mount(inode, source)
            moved = files_below((), inode, self.walk((), inode))
            self._rename(source, folder, target, to_folder, inode)
            for below, data in moved:
                self.report(source + below, data, None)
                self.report(target + below, None, data)

    def exchange(self, one: Path, other: Path) -> None:
        with self._call("exchange", one, other):
            first = self._source(one)
            self._want_kind_file(first, one)
            second = self._source(other)
            self._want_kind_file(second, other)
            folder, to_folder = self._parents(one, other)
            if not self.mode.exchanges:
                raise FsError(Trouble.OTHER, one)
            self.begin()
            self.set_name(one, folder, folder.names[self.key(one[-1])][0], second)
            self.set_name(other, to_folder, to_folder.names[self.key(other[-1])][0], first)
            first.ctime_ns = second.ctime_ns = self.now_ns_stepped()
            self.tell(folder, one[-1], closed=True)
            self.tell(to_folder, other[-1], closed=True)
            self.report(one, bytes(first.data), bytes(second.data))
            self.report(other, bytes(second.data), bytes(first.data))

    def replace(self, source: Path, target: Path) -> None:
        with self._call("replace", source, target):
            inode = self._source(source)
            self._want_kind_file(inode, source)
            folder, to_folder = self._parents(source, target)
            there = self.find(target)
            if there is not None:
                self._want_kind_file(there, target)
            if there is inode:
                raise FsError(Trouble.CHANGED, target)
            before = None if there is None else bytes(there.data)
            self._rename(source, folder, target, to_folder, inode)
            if there is not None:
                self.release(there)
            self.report(source, bytes(inode.data), None)
            self.report(target, before, bytes(inode.data))

    def remove(self, path: Path) -> None:
        with self._call("remove", path):
            self._want_private(path)
            try:
                inode = self.get(path)
            except FsError as error:
                if error.trouble is Trouble.ABSENT:
                    return
                raise
            if inode.kind is Kind.FOLDER:
                raise FsError(Trouble.CHANGED, path)
            self._unname(path, inode)

    def set_state(self, path: Path, expected: Stat, mtime_ms: int | None, *, executable: bool) -> Stat:
        with self._call("set_state", path):
            inode = self._want_file(path)
            if inode.stat() != expected:
                raise FsError(Trouble.CHANGED, path)
            if executable != expected.executable:
                inode.mode = self.kept_mode(with_executable(inode.mode, executable=executable))
            if executable != expected.executable or mtime_ms is not None:
                self.set_attributes(inode, mtime_ms)
                self.tell(self.folder(path[:-1]), path[-1])
            return inode.stat()

    def sync_folders(self, paths: Iterable[Path]) -> None:
        for path in dict.fromkeys(paths):
            with self._call("sync", path):
                self.sync_names(self.folder(path))

    def sync_all(self) -> None:
        try:
            with self._call("sync_all", ()):
                for _, inode in self.walk():
                    inode.sync()
                self.sync_names()
        except FsError as error:
            if error.trouble is not Trouble.GONE:
                for _, inode in self.walk():
                    self.lose(inode)
            raise

    def room(self) -> tuple[int, int]:
        with self._call("room", ()):
            return self.mode.size - self.used, self.mode.size

    # How it works

    @contextlib.contextmanager
    def _call(self, name: str, *paths: Path) -> Iterator[None]:
        """Give way, then fail if that is to be; what follows is one step."""
        for path in paths:
            for part in path:
                if part in {"", ".", ".."} or "/" in part or "\0" in part:
                    raise OutsideError(f"{name} {path}")
        self.switch()
        if self.is_gone:
            raise FsError(Trouble.GONE, paths[0])
        for path in paths:
            self._deny(name, path)
        self.fail_by_chance(name, paths[0])
        yield

    def _deny(self, name: str, path: Path) -> None:
        for denied, trouble in self.denied.items():
            if path[: len(denied)] != denied:
                continue
            calls = _FAULTS[trouble]
            if trouble in {Trouble.UNREADABLE, Trouble.READ_ONLY} and path == denied:
                calls = frozenset({"list", "open"}) & calls  # its own name lies in the folder above
            if name in calls:
                raise FsError(trouble, path, "denied")

    def deny(self, path: Path, trouble: Trouble) -> None:
        """Let what is at a path and below it answer with a trouble, as after a chmod, which is told."""
        self.denied[path] = trouble
        self._tell_mode(path)

    def allow(self, path: Path) -> None:
        """End what `deny` began."""
        if self.denied.pop(path, None) is not None:
            self._tell_mode(path)

    def _tell_mode(self, path: Path) -> None:
        if not path:
            self.tell(self.root, "")
            return
        with contextlib.suppress(FsError):  # what it is in went meanwhile, or was moved
            self.tell(self.folder(path[:-1]), path[-1])

    def fail_by_chance(self, name: str, path: Path) -> None:
        """Raise a Trouble that this call may answer with, as often as `rates` says."""
        for trouble, rate in self.rates.items():
            if rate and name in _FAULTS.get(trouble, ()) and self._chance.random() < rate:
                raise FsError(trouble, path, "by chance")

    def opened(self, reading: "SimReading") -> None:
        """Note what is open."""
        self._open.append(reading)

    def closed(self, reading: "SimReading") -> None:
        """Note what is open no more."""
        self._open.remove(reading)

    def mode_of(self, path: Path) -> int | None:
        """Return the mode of a file, None if it is not there."""
        try:
            return self._want_file(path).mode & 0o777
        except FsError as error:
            if error.trouble is Trouble.ABSENT:
                return None
            raise

    def lose(self, inode: Inode) -> None:
        """Let a sync have failed: what was not durable never will be, and the next sync says nothing of it."""
        if inode.unsynced and inode.is_ours:
            inode.unsynced = False
            inode.is_lost = True

    def report(self, path: Path, before: bytes | None, after: bytes | None) -> None:
        """Tell of a change of bytes at a live path."""
        if self.on_change is not None and path[0] != PRIVATE and before != after:
            self.on_change(path, before, after)

    def _want_below(self, path: Path) -> None:
        if not path:
            raise FsError(Trouble.READ_ONLY, path)

    def _want_private(self, path: Path) -> None:
        if len(path) < 2 or path[0] != PRIVATE:
            raise FsError(Trouble.READ_ONLY, path)

    def _want_no_mount(self, inode: Inode, path: Path) -> None:
        if inode.places[0][0].device != inode.device:
            raise FsError(Trouble.BUSY, path, "a mount")

    def _want_kind_file(self, inode: Inode, path: Path) -> None:
        if inode.kind is not Kind.FILE:
            raise FsError(Trouble.LINK if inode.kind is Kind.LINK else Trouble.CHANGED, path)

    def _want_file(self, path: Path) -> Inode:
        self._want_below(path)
        inode = self.get(path)
        self._want_kind_file(inode, path)
        return inode

    def _source(self, path: Path) -> Inode:
        self._want_below(path)
        inode = self.get(path)
        if inode.kind is Kind.LINK:
            raise FsError(Trouble.LINK, path)
        if inode.is_lost:
            raise FsError(Trouble.DAMAGED, path, "a sync of it failed")
        return inode

    def _parents(self, source: Path, target: Path) -> tuple[Inode, Inode]:
        self._want_below(target)
        folder, to_folder = self.folder(source[:-1], source), self.folder(target[:-1], target)
        if folder.device != to_folder.device:
            raise FsError(Trouble.CROSS_DEVICE, target)
        self.check_name(target[-1], target)
        return folder, to_folder

    def _is_within(self, folder: Inode, inode: Inode) -> bool:
        while folder is not inode:
            if not folder.places:
                return False
            folder = folder.places[0][0]
        return True

    def _make_folder(self, path: Path) -> Stat:
        self.begin()
        return self._make(path, Kind.FOLDER, 0o755).stat()

    def _unname(self, path: Path, inode: Inode) -> None:
        self.begin()
        folder = self.folder(path[:-1])
        self.set_name(path, folder, path[-1], None)
        self.release(inode)
        self.tell(folder, path[-1])

    def _rename(self, source: Path, folder: Inode, target: Path, to_folder: Inode, inode: Inode) -> None:
        self.begin()
        self.set_name(source, folder, source[-1], None)
        self.set_name(target, to_folder, target[-1], inode)
        inode.ctime_ns = self.now_ns_stepped()
        self.tell(folder, source[-1])
        self.tell(to_folder, target[-1], closed=True)

    def set_attributes(self, inode: Inode, mtime_ms: int | None) -> None:
        """Set the mtime, if there is one, and note that the attributes changed."""
        inode.unsynced = True
        inode.ctime_ns = self.now_ns_stepped()
        if mtime_ms is not None:
            step = self.mode.step_ns if self.mode.step_ns >= 1_000_000_000 else 1
            inode.mtime_ns = mtime_ms * 1_000_000 // step * step


class SimReading:
    """Implements files.Reading."""

    descriptor: int | None = None

    def __init__(self, fs: SimFs, path: Path, inode: Inode) -> None:
        self._fs = fs
        self.path = path
        self._inode = inode
        self._is_open = True
        inode.opens += 1
        fs.opened(self)

    def stat(self) -> Stat:
        self._check("stat")
        return self._inode.stat()

    def read(self, size: int, offset: int) -> bytes:
        self._check("read")
        return bytes(self._inode.data[offset : offset + size])

    def close(self) -> None:
        self.drop()

    def drop(self) -> None:
        """Let go of it, as the end of the process does."""
        if self._is_open:
            self._is_open = False
            self._fs.closed(self)
            self._inode.opens -= 1
            self._fs.release(self._inode)

    def _check(self, name: str) -> None:
        self._fs.switch()
        if not self._is_open:
            raise FsError(Trouble.OTHER, self.path, "the file is closed")
        self._fs.fail_by_chance(name, self.path)


class SimWriting(SimReading):
    """Implements files.Writing. What it writes is ours until a sync: that alone is lost where a sync fails."""

    _wrote = False

    def write(self, data: bytes | memoryview, offset: int) -> None:
        rest = bytes(data)
        step = max(_LEAST_PIECE, -(-len(rest) // _PIECES))
        for start in range(0, len(rest), step):
            piece = rest[start : start + step]
            self._check("write")
            self._inode.is_ours = True
            with self._changing():
                self._fs.grow(self._inode, offset + start + len(piece), self.path)
                self._inode.data[offset + start : offset + start + len(piece)] = piece

    def truncate(self, size: int) -> None:
        self._check("write")
        self._inode.is_ours = True
        with self._changing():
            self._fs.cut(self._inode, size, self.path)

    def set_state(self, mtime_ms: int | None, *, executable: bool, like: Path | None = None) -> None:
        self._check("set_state")
        self._inode.is_ours = True
        mode = 0o644
        if like is not None:
            mode = self._fs.mode_of(like) or mode
        self._inode.mode = self._fs.kept_mode(with_executable(mode, executable=executable))
        self._fs.set_attributes(self._inode, mtime_ms)

    def sync(self) -> None:
        try:
            self._check("sync")
        except FsError:
            self._fs.lose(self._inode)
            raise
        if self._inode.is_lost:
            raise FsError(Trouble.DAMAGED, self.path, "an earlier sync failed")
        self._inode.sync()
        if self._fs.mode.journal:
            self._fs.sync_names()

    def close(self) -> None:
        is_open = self._is_open
        super().close()
        if is_open and self._wrote and self._inode.places:
            folder, key = self._inode.places[0]
            self._fs.tell(folder, folder.names[key][0], closed=True)

    @contextlib.contextmanager
    def _changing(self) -> Iterator[None]:
        path = self._fs.path_of(self._inode)
        before = None if path is None or path[0] == PRIVATE else bytes(self._inode.data)
        yield
        if path is not None:
            self._fs.report(path, before, bytes(self._inode.data))
        self._wrote = True
        self._fs.touch_content(self._inode)
        if self._inode.places:
            folder, key = self._inode.places[0]
            self._fs.tell(folder, folder.names[key][0])
