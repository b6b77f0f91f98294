"""Files on this device as something to send: opened safely, and looked at before and after they are read."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager

from client.errors import LocalFileError

_FLAGS = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK  # a pipe put in the file's place must not block
_NANOSECONDS_PER_MS = 1_000_000


@contextmanager
def open_source(path: str) -> Iterator[int]:
    """Open a plain file for reading; raise LocalFileError if it is none, or cannot be read."""
    try:
        descriptor = os.open(path, _FLAGS)
    except OSError as error:
        raise LocalFileError(f"it cannot be read: {error.strerror}") from error
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise LocalFileError("it is no plain file (any more)")
        yield descriptor
    except OSError as error:
        raise LocalFileError(f"it cannot be read: {error.strerror}") from error
    finally:
        os.close(descriptor)


def same_state(before: os.stat_result, after: os.stat_result) -> bool:
    """Tell whether two looks saw one state of one file. The change time catches programs that put mtime back."""
    return (
        before.st_size == after.st_size
        and before.st_mtime_ns == after.st_mtime_ns
        and before.st_ctime_ns == after.st_ctime_ns
        and before.st_ino == after.st_ino
        and before.st_dev == after.st_dev
    )


def mtime_ms(status: os.stat_result) -> int:
    """Return the time of the last change in Unix milliseconds, rounded down as everywhere in Cairn."""
    return status.st_mtime_ns // _NANOSECONDS_PER_MS


def is_executable(status: os.stat_result) -> bool:
    """Tell whether the file's owner may run it."""
    return bool(status.st_mode & stat.S_IXUSR)
