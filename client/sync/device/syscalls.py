"""System calls that Python does not offer: rename without replacing, exchange, syncfs, what file system this is.

Linux: renameat2(2), syncfs(2), fstatfs(2), statx(2), sync_file_range(2), fcntl F_SETLEASE. macOS: renameatx_np(2),
fcntl F_FULLFSYNC, fstatfs(2).
"""

import contextlib
import ctypes
import errno
import fcntl
import os
import signal
import struct
import sys
from typing import NamedTuple

_LIBC = ctypes.CDLL(None, use_errno=True)
_FULLFSYNC = 51  # of macOS: fsync alone leaves the data in the cache of the drive
_STATFS_BYTES = 4096  # more than the struct has anywhere
_DARWIN_TYPE_NAME = slice(72, 88)  # f_fstypename

_STATX_BYTES = 256
_STATX = struct.Struct("=I4xQ16xQ16xQ72xIIQ")  # mask, attributes, ino, attributes_mask, dev_major, dev_minor, mnt_id
_AT_EMPTY_PATH = 0x1000
_AT_SYMLINK_NOFOLLOW = 0x100
_AT_NO_AUTOMOUNT = 0x800
_STATX_INO = 0x100
_STATX_MNT_ID = 0x1000  # Linux 5.8, as the next one
_STATX_ATTR_MOUNT_ROOT = 0x2000
_WAIT_BEFORE_AND_WRITE = 1 | 2  # SYNC_FILE_RANGE_WAIT_BEFORE, SYNC_FILE_RANGE_WRITE

_HAS_STATX = sys.platform == "linux" and hasattr(_LIBC, "statx")
if _HAS_STATX:
    _LIBC.statx.argtypes = (ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_uint, ctypes.c_char_p)

UNSUPPORTED = frozenset({errno.ENOSYS, errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP})
"""What a file system answers that cannot do such a rename. EINVAL also stands for a folder moved into itself."""

_FILE_SYSTEMS = {
    0xEF53: "ext4",
    0x58465342: "xfs",
    0x9123683E: "btrfs",
    0x2FC12FC1: "zfs",
    0xF2F52010: "f2fs",
    0xCA451A4E: "bcachefs",
    0x01021994: "tmpfs",
    0x4D44: "vfat",
    0x2011BAB0: "exfat",
    0x5346544E: "ntfs",
    0x7366746E: "ntfs",
    0x6969: "nfs",
    0x517B: "smb",
    0xFE534D42: "smb",
    0xFF534D42: "smb",
    0x65735546: "fuse",
    0x01021997: "9p",
    0x00C36400: "ceph",
    0x5346414F: "afs",
    0x6B414653: "afs",
    0x73757245: "coda",
    0x47504653: "gpfs",
    0x0BD00BD0: "lustre",
    0x7461636F: "ocfs2",
    0x01161970: "gfs2",
    0x786F4256: "vboxsf",
    0x794C7630: "overlay",
}
"""By the magic number of statfs(2)."""


def rename_exclusive(folder: int, name: str, to_folder: int, to_name: str) -> None:
    """Rename, or raise FileExistsError; OSError with one of UNSUPPORTED where the file system cannot do it."""
    _rename(folder, name, to_folder, to_name, 4 if sys.platform == "darwin" else 1)


def rename_exchange(folder: int, name: str, to_folder: int, to_name: str) -> None:
    """Let two entries change places; OSError with one of UNSUPPORTED where the file system cannot do it."""
    _rename(folder, name, to_folder, to_name, 2)


def _rename(folder: int, name: str, to_folder: int, to_name: str, flags: int) -> None:
    function = "renameatx_np" if sys.platform == "darwin" else "renameat2"
    try:
        call = getattr(_LIBC, function)
    except AttributeError:  # a C library from before it
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS)) from None
    _checked(call(folder, os.fsencode(name), to_folder, os.fsencode(to_name), ctypes.c_uint(flags)))


def flush(descriptor: int) -> None:
    """Make a file or folder durable. A failed call must not be repeated: the second may succeed with the data lost."""
    if sys.platform == "darwin":
        with contextlib.suppress(OSError):  # file systems of others do not know it
            fcntl.fcntl(descriptor, _FULLFSYNC)
            return
    os.fsync(descriptor)


def syncfs(descriptor: int) -> None:
    """Make all that was written to the file system of an open file or folder durable.

    Errors since the descriptor was opened are told (Linux 5.8), each once.
    """
    _checked(_LIBC.syncfs(descriptor))


def file_system(descriptor: int) -> str:
    """Return the name of the kind of file system, empty if it is none that we know."""
    answer = ctypes.create_string_buffer(_STATFS_BYTES)
    _checked(_LIBC.fstatfs(descriptor, answer))
    if sys.platform == "darwin":
        return answer.raw[_DARWIN_TYPE_NAME].partition(b"\0")[0].decode("ascii", "replace")
    return _FILE_SYSTEMS.get(ctypes.c_ulong.from_buffer(answer).value & 0xFFFFFFFF, "")


class Mounted(NamedTuple):
    """Where something is mounted."""

    mount: int  # a number that is given again once the mount is gone
    device: tuple[int, int]  # major and minor
    inode: int
    is_root: bool  # it is the root of that mount


def mounted(folder: int, name: str = "") -> Mounted | None:
    """Tell in which mount a name in an open folder is, or the folder itself; None where the system does not tell."""
    if not _HAS_STATX:
        return None
    found = ctypes.create_string_buffer(_STATX_BYTES)
    flags = _AT_SYMLINK_NOFOLLOW | _AT_NO_AUTOMOUNT | (0 if name else _AT_EMPTY_PATH)
    try:
        _checked(_LIBC.statx(folder, os.fsencode(name), flags, _STATX_INO | _STATX_MNT_ID, found))
    except OSError as error:
        if error.errno in {errno.ENOSYS, errno.EPERM}:  # old kernels; sandboxes that do not know it
            return None
        raise
    mask, attributes, inode, known, major, minor, mount = _STATX.unpack_from(found)
    if not mask & _STATX_MNT_ID or not known & _STATX_ATTR_MOUNT_ROOT:
        return None
    return Mounted(mount, (major, minor), inode, bool(attributes & _STATX_ATTR_MOUNT_ROOT))


def write_back(descriptor: int) -> None:
    """Begin to write what programs have changed in an open file, also through mappings (Linux).

    From then on the next store through a mapping is noticed by the system, and gives the file new times; one into a
    page that waits to be written gives none. Nothing is waited for, and nothing is durable. 45 us for a small file that
    was just made, 3 us for a clean one; fsync takes 2 ms for either.
    """
    if sys.platform == "linux" and hasattr(_LIBC, "sync_file_range"):
        offset, size = ctypes.c_int64(0), ctypes.c_int64(0)  # to the end
        _LIBC.sync_file_range(descriptor, offset, size, ctypes.c_uint(_WAIT_BEFORE_AND_WRITE))


def is_open_elsewhere(descriptor: int) -> bool | None:
    """Tell whether an open file is open once more, here or in another program, or mapped; None if it cannot be told.

    A write lease is given only on a file that nobody else has open (fcntl(2)); it is let go of at once. Linux only, for
    files of this user, and not on network and most FUSE file systems.
    """
    if not hasattr(fcntl, "F_SETLEASE"):
        return None
    try:
        # If somebody opens the file just now we get a signal, and SIGIO would end the process; this one is ignored.
        fcntl.fcntl(descriptor, fcntl.F_SETSIG, signal.SIGURG)
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_WRLCK)
    except OSError as error:
        return True if error.errno == errno.EAGAIN else None
    fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    return False


def umask() -> int:
    """Return the mask of this process. Call it before other threads make files: elsewhere than on Linux it is set."""
    with contextlib.suppress(OSError), open("/proc/self/status", "rb") as status:  # noqa: PTH123 - no path of ours
        for line in status:
            if line.startswith(b"Umask:"):
                return int(line.split()[1], 8)
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def _checked(result: int) -> None:
    if result != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
