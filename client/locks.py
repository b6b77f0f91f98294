"""Locks by which commands that run at the same time keep out of each other's way."""

import errno
import fcntl
import time

_PAUSE_S = 0.05
_NO_LOCKS = frozenset({errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS})


def try_lock(descriptor: int) -> bool:
    """Lock an open file until it is closed; return False if another has it. Where nothing can be locked, it is ours."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:  # some network file systems
        if error.errno not in _NO_LOCKS:
            raise
    return True


def wait_lock(descriptor: int, limit_s: float) -> bool:
    """Lock an open file as `try_lock` does, after waiting for another that has it; False if that takes too long."""
    until_s = time.monotonic() + limit_s
    while not try_lock(descriptor):
        if time.monotonic() >= until_s:
            return False
        time.sleep(_PAUSE_S)
    return True
