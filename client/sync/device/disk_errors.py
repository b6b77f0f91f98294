"""What the system's error numbers mean to the engine."""

import errno
import stat

from client.sync.model import Kind
from client.sync.seams.files import Trouble

_TROUBLES = {
    errno.ENOENT: Trouble.ABSENT,
    errno.EEXIST: Trouble.EXISTS,
    errno.ENOTEMPTY: Trouble.NOT_EMPTY,
    errno.ENOTDIR: Trouble.NOT_FOLDER,
    errno.EISDIR: Trouble.CHANGED,
    errno.ELOOP: Trouble.LINK,
    errno.EROFS: Trouble.READ_ONLY,
    errno.EIO: Trouble.DAMAGED,
    errno.ESTALE: Trouble.DAMAGED,
    errno.ENXIO: Trouble.DAMAGED,
    errno.ENODEV: Trouble.DAMAGED,
    errno.ENOTCONN: Trouble.DAMAGED,  # a FUSE program that died
    errno.EHOSTDOWN: Trouble.DAMAGED,
    errno.ETIMEDOUT: Trouble.DAMAGED,
    errno.EBUSY: Trouble.BUSY,
    errno.ETXTBSY: Trouble.BUSY,
    errno.EAGAIN: Trouble.BUSY,
    errno.ENOSPC: Trouble.FULL,
    errno.EDQUOT: Trouble.FULL,
    errno.ENAMETOOLONG: Trouble.NAME,
    errno.EILSEQ: Trouble.NAME,  # a name that is not UTF-8, on disks that want it
    errno.EXDEV: Trouble.CROSS_DEVICE,
}
_FORBIDDEN = frozenset({errno.EACCES, errno.EPERM})
for _name in ("EUCLEAN", "EREMOTEIO"):  # what Linux alone has: a damaged structure, a failed remote
    if hasattr(errno, _name):
        _TROUBLES[getattr(errno, _name)] = Trouble.DAMAGED


def trouble_of(error: OSError, *, writes: bool) -> Trouble:
    """Return what an error means; a missing right is that to write if the call `writes`."""
    if error.errno in _FORBIDDEN:
        return Trouble.READ_ONLY if writes else Trouble.UNREADABLE
    return _TROUBLES.get(error.errno or 0, Trouble.OTHER)


def kind_of(mode: int) -> Kind:
    """Return the kind that a mode of stat(2) tells."""
    if stat.S_ISREG(mode):
        return Kind.FILE
    if stat.S_ISDIR(mode):
        return Kind.FOLDER
    return Kind.LINK if stat.S_ISLNK(mode) else Kind.OTHER
