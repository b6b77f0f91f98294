"""Folders here that downloads are written into, held open so that no link can lead a write elsewhere."""

import ctypes
import errno
import hashlib
import os
import stat
import sys
import threading
from collections.abc import Callable, Sequence
from typing import Self, cast

from client.errors import ConflictError, LocalFileError
from client.locks import try_lock
from client.names import PART_PREFIX

_FOLDER_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_PART_FLAGS = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
_NANOSECONDS_PER_MS = 1_000_000


class Folder:
    """An open folder. It is shared by the downloads into it, and closed when the last one lets go."""

    def __init__(self, descriptor: int, path: str) -> None:
        """Take over an open folder; `path` is for messages."""
        self.descriptor = descriptor
        self.path = path
        self.device = os.fstat(descriptor).st_dev
        self._users = 1
        self._lock = threading.Lock()

    @classmethod
    def open(cls, path: str) -> Self:
        """Open the folder that a person named, through links too, and make it if it is not there."""
        try:
            os.makedirs(path, exist_ok=True)  # noqa: PTH103 -- a str, as all paths of a transfer
            return cls(os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC), path)
        except (FileExistsError, NotADirectoryError):
            raise ConflictError(f"{path} is no folder.") from None
        except OSError as error:
            raise LocalFileError(f"{path} cannot be used: {error.strerror}.") from error

    def open_below(self, names: Sequence[str]) -> "Folder":
        """Open a folder below this one, step by step, and make what is missing; a link on the way is refused."""
        path = "/".join((self.path, *names))
        descriptor = os.dup(self.descriptor)
        try:
            for name in names:
                try:
                    below = os.open(name, _FOLDER_FLAGS, dir_fd=descriptor)
                except FileNotFoundError:
                    os.mkdir(name, dir_fd=descriptor)
                    below = os.open(name, _FOLDER_FLAGS, dir_fd=descriptor)
                os.close(descriptor)
                descriptor = below
        except OSError as error:
            os.close(descriptor)
            if error.errno in {errno.ELOOP, errno.ENOTDIR}:
                raise ConflictError(f"{path}: something that is no folder stands in its place") from None
            raise LocalFileError(f"{path} cannot be made: {error.strerror}") from error
        return Folder(descriptor, path)

    def held(self) -> Self:
        """Count one more user of this folder."""
        with self._lock:
            self._users += 1
        return self

    def let_go(self) -> None:
        """Count one user less, and close the folder after the last."""
        with self._lock:
            self._users -= 1
            if self._users == 0:
                os.close(self.descriptor)

    def find(self, name: str) -> os.stat_result | None:
        """Return what stands under a name, a link itself and not where it leads; None if nothing does."""
        try:
            return os.stat(name, dir_fd=self.descriptor, follow_symlinks=False)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise LocalFileError(f"{self.path}/{name} cannot be looked at: {error.strerror}") from error

    def open_file(self, name: str) -> int:
        """Open a plain file that is here, for reading."""
        return os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=self.descriptor)

    def open_part(self, name: str) -> tuple[str, int]:
        """Open the unfinished download of `name`, with what an earlier run left in it; return its name too.

        It is this process's alone until the descriptor is closed: two that write into one part would mix two versions,
        or write into what the other has finished and given its name.
        """
        part = PART_PREFIX + hashlib.sha256(name.encode()).hexdigest()[:24]
        while True:
            descriptor = os.open(part, _PART_FLAGS, 0o666, dir_fd=self.descriptor)
            try:
                status = os.fstat(descriptor)
                if not stat.S_ISREG(status.st_mode):
                    raise LocalFileError(f"{part} is in the way and no plain file")  # noqa: TRY301 -- closed below
                if not try_lock(descriptor):
                    raise LocalFileError("another command is fetching it; run this one again when that has ended")  # noqa: TRY301 -- closed below
                now = self.find(part)
                if now is not None and os.path.samestat(now, status):
                    return part, descriptor
            except BaseException:
                os.close(descriptor)
                raise
            os.close(descriptor)  # the other command finished it between our look and our lock

    def replace(self, part: str, name: str) -> None:
        """Give a finished download its name."""
        os.rename(part, name, src_dir_fd=self.descriptor, dst_dir_fd=self.descriptor)


def write_at(descriptor: int, content: bytes | bytearray | memoryview, offset: int) -> None:
    """Write all of `content`: a disk that fills up takes a part of it first, and refuses only the next call."""
    rest = memoryview(content)
    while rest:
        count = os.pwrite(descriptor, rest, offset)
        rest, offset = rest[count:], offset + count


def set_state(descriptor: int, mtime_ms: int | None, *, executable: bool) -> None:
    """Set time and executable bit of an open file; who may read it may run it."""
    mode = stat.S_IMODE(os.fstat(descriptor).st_mode)
    wanted = mode | (mode & 0o444) >> 2 if executable else mode & ~0o111
    if wanted != mode:
        os.fchmod(descriptor, wanted)
    if mtime_ms is not None:
        os.utime(descriptor, ns=(mtime_ms * _NANOSECONDS_PER_MS, mtime_ms * _NANOSECONDS_PER_MS))


def _find_syncfs() -> Callable[[int], int] | None:
    if not sys.platform.startswith("linux"):
        return None
    function = ctypes.CDLL(None, use_errno=True).syncfs
    function.argtypes = [ctypes.c_int]
    return cast(Callable[[int], int], function)


_SYNCFS = _find_syncfs()
CAN_SYNC_ALL = _SYNCFS is not None


def sync_all(folder: Folder) -> None:
    """Make everything written to the file system of `folder` durable in one call; only where CAN_SYNC_ALL."""
    if _SYNCFS is not None and _SYNCFS(folder.descriptor) != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
