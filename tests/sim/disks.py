"""What the harness does to simulated disks beside their own calls: looks at all of one, and puts an old state back."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from client.sync.model import DISPLACED, MARKER, PARKED, PRIVATE, TMP, TRASH, Kind, Path
from tests.sim.fs import SimFs
from tests.sim.fs_tree import Inode

Saved = list[tuple[Path, Kind, bytes, int, int]]


def entries(fs: SimFs) -> dict[Path, Kind]:
    """Return what stands below the root, but for what is the engine's own."""
    return {path: inode.kind for path, inode in fs.walk() if path[0] != PRIVATE}


def live_files(fs: SimFs) -> dict[Path, bytes]:
    """Return the content of each live file."""
    return {path: bytes(inode.data) for path, inode in fs.walk() if inode.kind is Kind.FILE and path[0] != PRIVATE}


def contents(fs: SimFs) -> Iterator[bytes]:
    """Yield the content of each file, also of the engine's own."""
    for _, inode in fs.walk():
        if inode.kind is Kind.FILE:
            yield bytes(inode.data)


def lasting(fs: SimFs) -> Iterator[bytes]:
    """Yield the same but for what is on its way out.

    What was displaced goes after a minute (sync-engine.md, 9), what is in the trash after a week, or as soon as a clock
    jumps by one.
    """
    for path, inode in fs.walk():
        if inode.kind is Kind.FILE and path[:2] not in {DISPLACED, TMP, TRASH}:
            yield bytes(inode.data)


def is_executable(fs: SimFs, path: Path) -> bool:
    """Tell whether a file has the executable bit."""
    return fs.get(path).stat().executable


def has_parked(fs: SimFs) -> bool:
    """Tell whether something waits aside for its name to be free."""
    return any(path[:-1] == PARKED for path, _ in fs.walk())


@dataclass(frozen=True, slots=True)
class Before:
    """The files of a disk as they were before its power was cut."""

    files: Mapping[Inode, bytes]

    @classmethod
    def of(cls, fs: SimFs) -> "Before":
        """Look at a disk."""
        return cls({inode: bytes(inode.data) for _, inode in fs.walk() if inode.kind is Kind.FILE})

    def torn(self, fs: SimFs) -> Iterator[tuple[bytes, bytes]]:
        """Yield content before and after of each file that is there in another state now."""
        for _, inode in fs.walk():
            if inode in self.files and bytes(inode.data) != self.files[inode]:
                yield self.files[inode], bytes(inode.data)


def save(fs: SimFs) -> Saved:
    """Return a backup of a folder with all that is in it."""
    return [(path, inode.kind, bytes(inode.data), inode.mode, inode.mtime_ns) for path, inode in fs.walk()]


def put_back(fs: SimFs, saved: Saved) -> None:
    """Let the folder be as the backup was, in new files; nothing of the engine may be open."""
    for path, _ in reversed(list(fs.walk())):
        if len(path) == 1:
            fs.user_move_out(path)
    for path, kind, data, mode, mtime_ns in saved:
        if kind is Kind.FOLDER:
            fs.user_make_folder(path)
        else:
            fs.user_write(path, data, mtime_ns)
            fs.get(path).mode = mode


def hide_marker(fs: SimFs) -> Inode | None:
    """Take the root's marker away, as if another disk were mounted there."""
    return fs.user_move_out(MARKER) if entries_of(fs, MARKER) else None


def show_marker(fs: SimFs, marker: Inode | None) -> None:
    """Put it back, unless there is a new one."""
    if marker is not None and not entries_of(fs, MARKER):
        fs.user_move_in(marker, MARKER)


def entries_of(fs: SimFs, path: Path) -> bool:
    """Tell whether something stands at a path."""
    return any(each == path for each, _ in fs.walk())
