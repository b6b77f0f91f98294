"""What stat(2) tells, as a Stat."""

import os

from client.sync.device.disk_errors import kind_of
from client.sync.model import Kind, Stat

_MAX = (1 << 63) - 1  # what the state database can hold


def to_stat(found: os.stat_result, device: int | None = None) -> Stat:
    """Return a Stat. Numbers beyond 63 bits are cut: inodes by their upper bit, times (after 2262) to the limit.

    `device` is the number of its mount; without it st_dev stands for that.
    """
    kind = kind_of(found.st_mode)
    is_file = kind is Kind.FILE
    return Stat(
        kind,
        0 if kind is Kind.FOLDER else found.st_size,
        _within(found.st_mtime_ns),
        _within(found.st_ctime_ns),
        found.st_ino & _MAX,
        found.st_dev & _MAX if device is None else device,
        is_file and bool(found.st_mode & 0o100),
    )


def identity_of(found: os.stat_result) -> tuple[int, int]:
    """Return what tells an open file from all others that are open now: st_dev and inode."""
    return found.st_dev & _MAX, found.st_ino & _MAX


def _within(value: int) -> int:
    return value if -_MAX <= value <= _MAX else max(-_MAX, min(value, _MAX))
