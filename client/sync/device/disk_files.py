"""Open files of the real disk."""

import contextlib
import errno
import os
from collections import deque
from collections.abc import Iterator

from client.sync.device import syscalls
from client.sync.device.disk_errors import trouble_of
from client.sync.device.disk_root import Root, open_file
from client.sync.device.disk_stat import identity_of, to_stat
from client.sync.device.disk_unsynced import Unsynced
from client.sync.model import Path, Stat
from client.sync.seams.files import FsError, Trouble

_KEPT = frozenset({"system.posix_acl_access", "system.nfs4_acl", "security.selinux"})
"""Attributes that a new version keeps, beside those of the user. Not security.capability: new bytes must not run with
the rights that a person gave to others."""

_ACLS = frozenset({"system.posix_acl_access", "system.nfs4_acl"})


PIECES_IN_MEMORY = 64
"""So many pieces of a file that is written stay in the system's memory: some 64 MiB of a download."""


class DiskReading:
    """Implements files.Reading."""

    descriptor: int | None

    def __init__(self, path: Path, descriptor: int, device: int) -> None:
        """Take over an open descriptor; `device` is the number of its mount."""
        self.path = path
        self.descriptor = descriptor
        self._device = device

    def stat(self) -> Stat:
        """Look at the open file, whatever its name is now."""
        with self._calling() as descriptor:
            return to_stat(os.fstat(descriptor), self._device)

    def read(self, size: int, offset: int) -> bytes:
        """Return up to `size` bytes; fewer only at the end."""
        with self._calling() as descriptor:
            data = os.pread(descriptor, size, offset)
            if not data or len(data) == size:
                return data
            pieces = [data]
            got = len(data)
            while got < size and (data := os.pread(descriptor, size - got, offset + got)):
                pieces.append(data)
                got += len(data)
            return b"".join(pieces)

    def close(self) -> None:
        """Let go of it."""
        if self.descriptor is not None:
            descriptor, self.descriptor = self.descriptor, None
            with contextlib.suppress(OSError):  # nothing was written through it that is not synced by a call that tells
                os.close(descriptor)

    @contextlib.contextmanager
    def _calling(self, *, writes: bool = False) -> Iterator[int]:
        if self.descriptor is None:
            raise FsError(Trouble.OTHER, self.path, "the file is closed")
        try:
            yield self.descriptor
        except OSError as error:
            raise FsError(trouble_of(error, writes=writes), self.path, error.strerror or "") from error
        except OverflowError as error:
            raise FsError(Trouble.OTHER, self.path, str(error)) from error


class DiskWriting(DiskReading):
    """Implements files.Writing. `sync_on_close`: no later call would make all files here durable at once."""

    def __init__(
        self, path: Path, descriptor: int, device: int, root: Root, unsynced: Unsynced, *, sync_on_close: bool
    ) -> None:
        """Take over an open descriptor; `device` is the number of its mount."""
        super().__init__(path, descriptor, device)
        self._root = root
        self._unsynced = unsynced
        self._sync_on_close = sync_on_close
        self._is_synced = True
        self._identity = identity_of(os.fstat(descriptor))
        self._behind: deque[tuple[int, int]] = deque()

    def write(self, data: bytes | memoryview, offset: int) -> None:
        """Write all of `data`."""
        with self._writing() as descriptor:
            rest, at = memoryview(data).cast("B"), offset
            while rest:
                written = os.pwrite(descriptor, rest, at)
                rest = rest[written:]
                at += written
            self._write_behind(descriptor, offset, at - offset)

    def truncate(self, size: int) -> None:
        """Cut it to `size` bytes."""
        with self._writing() as descriptor:
            os.ftruncate(descriptor, size)

    def set_state(self, mtime_ms: int | None, *, executable: bool, like: Path | None = None) -> None:
        """Set mtime and executable bit; other mode bits, extended attributes and ACLs as of the file at `like`.

        Without `like`, or if it is not there any more, the mode is what the umask leaves of 0666.
        """
        with self._writing() as descriptor:
            mode = None if like is None else self._take_after(descriptor, like)
            mode = 0o666 & ~self._root.umask if mode is None else mode
            with contextlib.suppress(PermissionError):  # file systems without modes; the file is ours
                os.fchmod(descriptor, with_executable(mode, executable=executable))
            set_mtime(descriptor, mtime_ms)

    def sync(self) -> None:
        """Make content and state durable. A failure is final: the file is not used."""
        with self._calling(writes=True) as descriptor:
            if self._unsynced.is_lost(self._identity):
                raise OSError(errno.EIO, "an earlier sync failed")
            try:
                syscalls.flush(descriptor)
            except OSError:
                self._unsynced.failed(self._identity)
                raise
            self._unsynced.synced(self._identity)
            self._is_synced = True

    def close(self) -> None:
        """Let go of it."""
        try:
            if self._sync_on_close and not self._is_synced and self.descriptor is not None:
                self.sync()
        finally:
            super().close()

    def _write_behind(self, descriptor: int, offset: int, size: int) -> None:
        """Have a large file written to the disk while it comes, and let its older pieces leave the memory.

        The last sync then finds little to do, new pieces get memory that was in use already, and what other programs
        have in memory stays there. It is advice: what is durable is for `sync` to say, which also tells of errors.
        """
        self._behind.append((offset, size))
        if len(self._behind) <= PIECES_IN_MEMORY or not hasattr(os, "posix_fadvise"):
            return
        with contextlib.suppress(OSError, IndexError):  # a file system that takes no advice; others took the rest
            os.posix_fadvise(descriptor, offset, size, os.POSIX_FADV_DONTNEED)  # begins to write what was not written
            os.posix_fadvise(descriptor, *self._behind.popleft(), os.POSIX_FADV_DONTNEED)  # drops what was

    @contextlib.contextmanager
    def _writing(self) -> Iterator[int]:
        with self._calling(writes=True) as descriptor:
            self._unsynced.wrote(self._identity)
            self._is_synced = False
            yield descriptor

    def _take_after(self, descriptor: int, like: Path) -> int | None:
        """Copy owner, group and attributes of a file, and return the mode to set; None if it is not there."""
        try:
            with self._root.parent(like) as folder:
                model = open_file(folder, like, os.O_RDONLY)
        except FsError as error:
            if error.trouble is Trouble.ABSENT:
                return None
            raise
        try:
            found = os.fstat(model)
            same_rights = _copy_owner(descriptor, found)
            same_rights &= _copy_attributes(descriptor, model)
        finally:
            os.close(model)
        mode = found.st_mode & 0o777  # neither setuid nor setgid, as for security.capability
        # The group's bits meant another group, or were the mask of an ACL: it gets what all others get.
        return mode if same_rights else mode & 0o707 | (mode & 0o007) << 3


def with_executable(mode: int, *, executable: bool) -> int:
    """Return a mode in which all who may read may also execute, or nobody may."""
    return mode | (mode & 0o444) >> 2 | 0o100 if executable else mode & ~0o111


def set_mtime(descriptor: int, mtime_ms: int | None) -> None:
    """Set the time of the last change, in Unix milliseconds; None leaves it."""
    if mtime_ms is not None:
        os.utime(descriptor, ns=(os.fstat(descriptor).st_atime_ns, mtime_ms * 1_000_000))


def _copy_owner(descriptor: int, model: os.stat_result) -> bool:
    """Give the file the owner and group of another; tell whether it has its group."""
    found = os.fstat(descriptor)
    if (found.st_uid, found.st_gid) == (model.st_uid, model.st_gid):
        return True
    for uid in (model.st_uid, -1):
        with contextlib.suppress(OSError):
            os.fchown(descriptor, uid, model.st_gid)
            return True
    return False


def _copy_attributes(descriptor: int, model: int) -> bool:
    """Copy extended attributes; tell whether the access list, if there is one, came along. Only FULL is an error."""
    if not hasattr(os, "listxattr"):
        return True
    names: list[str] = []
    with contextlib.suppress(OSError):
        names = os.listxattr(model)
    whole = True
    for name in names:
        if name.startswith("user.") or name in _KEPT:
            try:
                os.setxattr(descriptor, name, os.getxattr(model, name))
            except OSError as error:
                if error.errno in {errno.ENOSPC, errno.EDQUOT}:
                    raise
                whole &= name not in _ACLS
    return whole
