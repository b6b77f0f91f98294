"""The one door to the disk: every file operation whose order or failure matters goes through `Disk`.

It is thin on purpose. The real one calls the operating system; the simulated one of the tests keeps what was seen
apart from what is durable, and cuts the power between any two calls.
"""

import contextlib
import ctypes
import errno
import fcntl
import os
import re
import sqlite3
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from storage.base import Buffer

SYNCFS_FILE_SYSTEMS = frozenset({"ext4", "xfs", "btrfs", "zfs", "f2fs", "bcachefs"})
"""File systems whose syncfs writes all back and reports errors. FUSE mounts often ignore it (durability.md, 3)."""

UNFINISHED = ".new"
"""How the name of a file ends that `replace_file` has not finished."""

_IOV_MAX = 1024  # of Linux and macOS; more pieces in one call are EINVAL
_OCTAL = re.compile(r"\\([0-7]{3})")  # how mountinfo writes spaces and the like


@dataclass(frozen=True, slots=True)
class FileState:
    """What the disk says of a file or folder: size in bytes, permission bits, time of the last change in ns."""

    size: int
    mode: int
    changed_ns: int


@dataclass(frozen=True, slots=True)
class DiskUsage:
    """Room on a file system in bytes; `free` is what an ordinary user may still take."""

    total: int
    free: int


class Disk(Protocol):
    """File operations, all blocking; failures are OSError. Descriptors are numbers of the implementation."""

    def make_folder(self, path: Path) -> None:
        """Make a folder, mode 0700, unless it is there. Its name is durable after `sync_folder` of the parent."""

    def create(self, path: Path) -> int:
        """Make a new file, mode 0600, and return a descriptor to write it; FileExistsError if the name is taken."""

    def open_(self, path: Path) -> int:
        """Return a descriptor of a file that is there, for `fsync`."""

    def write(self, descriptor: int, pieces: Sequence[Buffer]) -> None:
        """Append all of `pieces` in order, without joining them."""

    def allocate(self, descriptor: int, size: int) -> None:
        """Give an empty new file `size` bytes of room on the disk, of any content."""

    def fsync(self, descriptor: int) -> None:
        """Make the content of an open file durable. A failed call must never be repeated (durability.md, 8)."""

    def close(self, descriptor: int) -> None:
        """Close a descriptor."""

    def open_folder(self, path: Path) -> int:
        """Return a descriptor of a folder for `syncfs`, to be kept: errors before it was opened are not reported."""

    def syncfs(self, descriptor: int) -> None:
        """Make all that was written to the file system of an open folder durable."""

    def can_syncfs(self, path: Path) -> bool:
        """Tell whether `syncfs` can be relied on for the file system that holds `path`."""

    def sync_folder(self, path: Path) -> None:
        """Make the names in a folder durable."""

    def rename(self, source: Path, target: Path) -> None:
        """Move a file, replacing `target`, in one step as seen by others."""

    def unlink(self, path: Path) -> None:
        """Remove a file; one that is not there is fine."""

    def list_(self, folder: Path) -> list[str]:
        """Return the sorted names in a folder."""

    def read(self, path: Path) -> bytes:
        """Return the content of a file."""

    def stat(self, path: Path) -> FileState:
        """Return the state of a file or folder; FileNotFoundError if there is none."""

    def usage(self, path: Path) -> DiskUsage:
        """Return the room on the file system that holds `path`."""

    def commit(self, connection: sqlite3.Connection, path: Path) -> None:
        """End the open transaction of the database at `path` durably; failures are sqlite3.Error."""


class LocalDisk:
    """The disk of this machine."""

    def make_folder(self, path: Path) -> None:
        """Make a folder, mode 0700, unless it is there."""
        with contextlib.suppress(FileExistsError):
            path.mkdir(mode=0o700)

    def create(self, path: Path) -> int:
        """Make a new file, mode 0600, and return a descriptor to write it."""
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)

    def open_(self, path: Path) -> int:
        """Return a descriptor of a file that is there, for `fsync`."""
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC)

    def write(self, descriptor: int, pieces: Sequence[Buffer]) -> None:
        """Append all of `pieces` in order, without joining them."""
        waiting = [memoryview(piece).cast("B") for piece in pieces if len(piece)]
        while waiting:
            written = os.writev(descriptor, waiting[:_IOV_MAX])
            while waiting and written >= len(waiting[0]):
                written -= len(waiting.pop(0))
            if written:
                waiting[0] = waiting[0][written:]

    def allocate(self, descriptor: int, size: int) -> None:
        """Give an empty new file `size` bytes of room on the disk."""
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(descriptor, 0, size)
        else:  # macOS
            self.write(descriptor, [bytes(size)])

    def fsync(self, descriptor: int) -> None:
        """Make the content of an open file durable."""
        if sys.platform == "darwin":  # fsync there leaves the bytes in the drive's cache
            fcntl.fcntl(descriptor, fcntl.F_FULLFSYNC)
        else:
            os.fsync(descriptor)

    def close(self, descriptor: int) -> None:
        """Close a descriptor."""
        os.close(descriptor)

    def open_folder(self, path: Path) -> int:
        """Return a descriptor of a folder for `syncfs`."""
        return os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)

    def syncfs(self, descriptor: int) -> None:
        """Make all that was written to the file system of an open folder durable."""
        if _SYNCFS is None:
            raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
        if _SYNCFS(descriptor) != 0:
            code = ctypes.get_errno()
            raise OSError(code, os.strerror(code))

    def can_syncfs(self, path: Path) -> bool:
        """Tell whether `syncfs` can be relied on: a kernel that reports errors, a file system that is known to obey."""
        return _SYNCFS is not None and _kernel() >= (5, 8) and file_system_type(path) in SYNCFS_FILE_SYSTEMS

    def sync_folder(self, path: Path) -> None:
        """Make the names in a folder durable."""
        descriptor = self.open_folder(path)
        try:
            self.fsync(descriptor)
        finally:
            os.close(descriptor)

    def rename(self, source: Path, target: Path) -> None:
        """Move a file, replacing `target`."""
        source.replace(target)

    def unlink(self, path: Path) -> None:
        """Remove a file; one that is not there is fine."""
        path.unlink(missing_ok=True)

    def list_(self, folder: Path) -> list[str]:
        """Return the sorted names in a folder."""
        return sorted(os.listdir(folder))  # noqa: PTH208 - names are wanted, not a Path for each

    def read(self, path: Path) -> bytes:
        """Return the content of a file."""
        return path.read_bytes()

    def stat(self, path: Path) -> FileState:
        """Return the state of a file or folder."""
        state = path.stat()
        return FileState(state.st_size, state.st_mode & 0o7777, state.st_mtime_ns)

    def usage(self, path: Path) -> DiskUsage:
        """Return the room on the file system that holds `path`."""
        state = os.statvfs(path)
        return DiskUsage(state.f_blocks * state.f_frsize, state.f_bavail * state.f_frsize)

    def commit(self, connection: sqlite3.Connection, path: Path) -> None:  # noqa: ARG002 - the name is for the simulated disk
        """End the open transaction durably."""
        connection.execute("COMMIT")


def replace_file(disk: Disk, path: Path, content: bytes) -> None:
    """Give `path` this content so that after a power cut it has either the old or the new one, whole; then durable."""
    temporary = path.with_name(path.name + UNFINISHED)
    disk.unlink(temporary)
    descriptor = disk.create(temporary)
    try:
        disk.write(descriptor, [content])
        disk.fsync(descriptor)
    finally:
        disk.close(descriptor)
    disk.rename(temporary, path)
    disk.sync_folder(path.parent)


def file_system_type(path: Path) -> str:
    """Return the name of the file system that holds `path`, as Linux calls it; empty if it cannot be told."""
    try:
        mounts = Path("/proc/self/mountinfo").read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return ""
    folder = path.resolve()
    best, found = -1, ""
    for line in mounts.splitlines():  # "36 35 98:0 /root /mount options - ext4 /dev/sda1 rw" (proc_pid_mountinfo(5))
        before, _, after = line.partition(" - ")
        mount = Path(_OCTAL.sub(lambda code: chr(int(code[1], 8)), before.split(" ")[4]))
        if folder.is_relative_to(mount) and len(mount.parts) >= best:  # of two on one place the later hides the first
            best, found = len(mount.parts), after.split(" ", 1)[0]
    return found


def _kernel() -> tuple[int, int]:
    """Return version and patch level of the running kernel."""
    major, minor = os.uname().release.split(".")[:2]
    return int(major), int("".join(c for c in minor if c.isdigit()) or 0)


def _find_syncfs() -> Callable[[int], int] | None:
    """Return the C library's syncfs(2), which Python does not offer; None where there is none."""
    function = getattr(ctypes.CDLL(None, use_errno=True), "syncfs", None)
    if sys.platform != "linux" or function is None:
        return None
    function.argtypes = [ctypes.c_int]
    function.restype = ctypes.c_int
    call: Callable[[int], int] = function
    return call


_SYNCFS = _find_syncfs()
