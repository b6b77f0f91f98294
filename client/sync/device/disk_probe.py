"""What a disk can do: tried with files of our own in `.cairn/tmp`, since the name of the file system does not tell."""

import contextlib
import os
import secrets
import time
import unicodedata
from collections.abc import Iterator

from client.sync.device import syscalls
from client.sync.seams.files import Traits

_LEAST_STEP_NS = 4_000_000  # a tick of the kernel
_PATIENCE_NS = 20_000_000  # two of the longest ticks
_TICKS = 3  # the second of two is a whole one
_ODD_NS = 1_000_000_001_123_456_789  # a time that no coarse clock can hold: in 2001, an odd second

_SILENT = frozenset({"nfs", "smb", "fuse", "9p", "ceph", "afs", "coda", "gpfs", "lustre", "ocfs2", "gfs2", "vboxsf"})
"""Others may change them, or the program behind them may, and inotify does not tell (sync-engine.md, section 6)."""

_MADE_UP_INODES = frozenset({"vfat", "exfat", "msdos", "smb", "smbfs", "fuse", "9p", "vboxsf", "afs"})
"""The number lives as long as the system remembers the file."""

SYNCFS = frozenset({"ext4", "xfs", "btrfs", "zfs", "f2fs", "bcachefs", "tmpfs"})
"""Where syncfs writes all back and tells errors; FUSE often ignores it (durability.md, section 3)."""


def probe(folder: int) -> Traits:
    """Try out the file system of an open folder of ours; OSError if it cannot be written."""
    kind = syscalls.file_system(folder)
    token = f"probe-{secrets.token_hex(8)}"
    with _file(folder, f"{token}-\u00e9") as (name, descriptor), _file(folder, f"{token}-2") as (other, _):
        return Traits(
            case_sensitive=not _holds(folder, other.upper()),
            keeps_form=not _holds(folder, unicodedata.normalize("NFD", name)),
            windows_names=not _can_hold(folder, f"{token}:?"),
            stable_inodes=kind not in _MADE_UP_INODES,
            exchanges=_exchanges(folder, name, other),
            keeps_bits=_keeps_bits(descriptor),
            events=kind not in _SILENT,
            max_name_bytes=os.fstatvfs(folder).f_namemax or 255,
            step_ns=max(_LEAST_STEP_NS, _tick_ns(descriptor), _kept_ns(descriptor)),
        )


def now_ns(folder: int) -> int:
    """Return the time that a file gets which is made now in an open folder of ours."""
    with _file(folder, f"clock-{secrets.token_hex(8)}") as (_, descriptor):
        return os.fstat(descriptor).st_mtime_ns


@contextlib.contextmanager
def _file(folder: int, name: str) -> Iterator[tuple[str, int]]:
    """Make a file for as long as the block runs."""
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(name, flags, 0o600, dir_fd=folder)
    try:
        yield name, descriptor
    finally:
        os.close(descriptor)
        os.unlink(name, dir_fd=folder)


def _holds(folder: int, name: str) -> bool:
    try:
        os.stat(name, dir_fd=folder, follow_symlinks=False)
    except OSError:
        return False
    return True


def _can_hold(folder: int, name: str) -> bool:
    try:
        with _file(folder, name):
            return True
    except OSError:
        return False


def _exchanges(folder: int, one: str, other: str) -> bool:
    try:
        syscalls.rename_exchange(folder, one, folder, other)
    except OSError:
        return False
    return True


def _keeps_bits(descriptor: int) -> bool:
    """Tell whether a file has an executable bit of its own."""
    for mode in (0o700, 0o600):
        try:
            os.fchmod(descriptor, mode)
        except OSError:
            return False
        if os.fstat(descriptor).st_mode & 0o100 != mode & 0o100:
            return False
    return True


def _tick_ns(descriptor: int) -> int:
    """Touch the file until its time changes, twice, so that a whole tick is seen; 0 if it does not in time."""
    end = time.monotonic_ns() + _PATIENCE_NS
    seen: list[int] = []
    while len(seen) < _TICKS and time.monotonic_ns() < end:
        os.utime(descriptor)
        now = os.fstat(descriptor).st_mtime_ns
        if not seen or now != seen[-1]:
            seen.append(now)
    return abs(seen[-1] - seen[-2]) if len(seen) == _TICKS else 0


def _kept_ns(descriptor: int) -> int:
    """Return how coarsely times are stored, by one that is stored and read again: 2 s on FAT."""
    os.utime(descriptor, ns=(_ODD_NS, _ODD_NS))
    lost = abs(_ODD_NS - os.fstat(descriptor).st_mtime_ns)
    return next((step for step in (1, 100, 1_000, 1_000_000, 10_000_000, 1_000_000_000) if lost < step), 2_000_000_000)
