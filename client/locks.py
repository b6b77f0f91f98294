"""Locks by which commands that run at the same time keep out of each other's way."""

import errno
import fcntl

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
