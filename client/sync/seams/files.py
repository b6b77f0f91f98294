"""The seam to the disk: the root folder of this device and what is below it, and nothing else.

Every path is walked component by component without following links, so nothing outside the root is read or written.
All methods raise FsError and nothing else. Private places (`.cairn/…`) are paths like any other.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple, Protocol

from client.sync.model import Path, Stat


class Trouble(Enum):
    """Why the disk did not do what was asked."""

    ABSENT = "absent"  # the parent was read, and the name is not there; or the parent itself is not there
    EXISTS = "exists"  # something stands where nothing should
    NOT_EMPTY = "not_empty"
    NOT_FOLDER = "not_folder"  # something that is no folder stands where one should, on the way or at the end
    LINK = "link"  # a link on the way, or in place of what was asked for
    UNREADABLE = "unreadable"  # no right to read, or to go through
    READ_ONLY = "read_only"  # no right to write, or a file system that is read only
    DAMAGED = "damaged"  # EIO, ESTALE: the medium failed
    CHANGED = "changed"  # a folder that changed while it was listed, a file that is not the one expected
    BUSY = "busy"  # ETXTBSY, sharing violations: in use
    FULL = "full"  # ENOSPC, EDQUOT
    NAME = "name"  # this disk cannot hold such a name
    CROSS_DEVICE = "cross_device"  # another mount
    GONE = "gone"  # the root itself is not there, or no longer the one that was opened
    OTHER = "other"


class FsError(Exception):
    """The disk refused; `trouble` says why."""

    def __init__(self, trouble: Trouble, path: Path, reason: str = "") -> None:
        """Keep what a message needs: `reason` is the system's own sentence."""
        super().__init__(f"{'/'.join(path)}: {reason or trouble.value}")
        self.trouble = trouble
        self.path = path
        self.reason = reason


class Listed(NamedTuple):
    """A name in a folder, as found on disk, and its Stat."""

    name: str
    stat: Stat


@dataclass(frozen=True, slots=True)
class Traits:
    """What this disk can do, probed once a start."""

    case_sensitive: bool = True
    keeps_form: bool = True  # two names with one NFC form can stand side by side
    windows_names: bool = False
    stable_inodes: bool = True  # an inode number names a file for as long as it lives
    exchanges: bool = True
    keeps_bits: bool = True  # each file has an executable bit of its own
    events: bool = True  # false on network and FUSE mounts: only scans see what changed
    max_name_bytes: int = 255
    step_ns: int = 4_000_000  # of mtime and ctime

    @property
    def tells_spellings(self) -> bool:
        """Whether a name stands for what bears just this name: else other cases or forms of it find it too."""
        return self.case_sensitive and self.keeps_form


class Reading(Protocol):
    """An open plain file. `descriptor` is the system's own, None where there is none (a simulation)."""

    descriptor: int | None

    def stat(self) -> Stat:
        """Look at the open file, whatever its name is now."""

    def read(self, size: int, offset: int) -> bytes:
        """Return up to `size` bytes; fewer only at the end."""

    def close(self) -> None:
        """Let go of it."""


class Writing(Reading, Protocol):
    """A file of our own that is being made."""

    def write(self, data: bytes | memoryview, offset: int) -> None:
        """Write all of `data`."""

    def truncate(self, size: int) -> None:
        """Cut it to `size` bytes."""

    def set_state(self, mtime_ms: int | None, *, executable: bool, like: Path | None = None) -> None:
        """Set mtime and executable bit; other mode bits, extended attributes and ACLs as of the file at `like`."""

    def sync(self) -> None:
        """Make content and state durable. A failure is final: the file is not used."""


class Fs(Protocol):
    """A root folder."""

    def probe(self) -> Traits:
        """Find out what this disk can do, with files in `.cairn/tmp`, which is made if it is not there."""

    def now_ns(self) -> int:
        """Return the file system's own time: the mtime that a file touched now gets."""

    def look(self, path: Path) -> Stat | None:
        """Return what stands at `path`; None if its parent is there and does not hold it, or is itself not there."""

    def list(self, path: Path) -> list[Listed]:
        """Return all that a folder holds, or raise: what is returned is whole."""

    def open(self, path: Path) -> Reading:
        """Open a plain file for reading. What is stored into it from then on gives it new times, also by a mapping."""

    def is_open(self, path: Path) -> bool | None:
        """Tell whether anybody has a plain file open, or mapped; None where that cannot be told."""

    def create(self, path: Path) -> Writing:
        """Make a new file, which only this user may read until `set_state`; raise EXISTS if something stands there."""

    def reopen(self, path: Path) -> Writing:
        """Open a file of ours in `.cairn` for writing on."""

    def make_folder(self, path: Path) -> Stat:
        """Make a folder; raise EXISTS if something stands there."""

    def remove_folder(self, path: Path) -> None:
        """Remove an empty folder; raise NOT_EMPTY if it is not."""

    def move(self, source: Path, target: Path) -> None:
        """Rename without replacing: raise EXISTS if something stands at the target, CHANGED if it cannot be told.

        Where the disk cannot do that in one step, link and unlink (files), or look and rename.
        """

    def exchange(self, one: Path, other: Path) -> None:
        """Let two files change places in one step. Where the disk cannot (Traits.exchanges), raise OTHER."""

    def replace(self, source: Path, target: Path) -> None:
        """Rename over what stands at `target`. For files in `.cairn`."""

    def remove(self, path: Path) -> None:
        """Unlink a file in `.cairn`; any other path is refused with READ_ONLY. Absent is fine."""

    def set_state(self, path: Path, expected: Stat, mtime_ms: int | None, *, executable: bool) -> Stat:
        """Set mtime and executable bit of a file if it is still in the state `expected`; raise CHANGED otherwise."""

    def sync_folders(self, paths: Iterable[Path]) -> None:
        """Make the names in these folders durable."""

    def sync_all(self) -> None:
        """Make all that was written to this file system durable: content and names, in one call where there is one."""

    def room(self) -> tuple[int, int]:
        """Return free bytes for this user, and bytes in all."""


class Hint(NamedTuple):
    """Something happened at a path; or, with `path` None, events were lost or the root was unmounted: scan all.

    `closed` tells that a writer has closed the file, or that a whole one was moved there: it can be read at once.
    """

    path: Path | None
    closed: bool = False


class Watch(Protocol):
    """Tells of changes below the root. Hints come through the callable that it was made with, from any thread."""

    def add(self, folder: Path) -> bool:
        """Watch a folder, not what is below it; False if the system allows no more, and the folder is to be polled."""

    def forget(self, folder: Path) -> None:
        """Watch a folder and all below it no more: it moved or is gone."""

    def close(self) -> None:
        """End."""
