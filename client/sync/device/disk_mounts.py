"""Numbers that tell mounts apart: `Stat.device` on Linux.

st_dev does not: a folder that is bound into another on the same file system has the st_dev of both, and another stick
at the same device node has that of the first. What was in a mount would count as deleted when the mount is not there.
So the number is made from the id that was written into the file system when it was made, and for a mount inside the
root also from the inode of what is mounted there. Where the file system has no such id, or the system does not tell
mounts, it is made from st_dev, which the system gives anew at each start. The first kind are those from LASTING on.
"""

import fcntl
import hashlib
import os
import stat
from typing import NamedTuple

from client.sync.device import syscalls
from client.sync.device.disk_stat import to_stat
from client.sync.model import LASTING, Stat

_BITS = LASTING - 1
_PASSING = LASTING >> 1  # from here on: made from st_dev, of a mount inside
_UUID_IN_FSID = frozenset({"ext4", "btrfs", "zfs", "bcachefs", "tmpfs"})
"""f_fsid of statfs(2) comes from the UUID; of a btrfs also from the subvolume. Others have the device number there."""

_XFS_GEOMETRY = 0x80705864  # XFS_IOC_FSGEOMETRY_V1
_FAT_VOLUME_ID = 0x80047213  # FAT_IOCTL_GET_VOLUME_ID: the serial number
_UUID = 0x80111500  # FS_IOC_GETFSUUID, Linux 6.9
_ASKED = {"xfs": (_XFS_GEOMETRY, 112, 64, 80), "vfat": (_FAT_VOLUME_ID, 4, 0, 4)}
_ASKED_ELSE = (_UUID, 17, 1, 17)
"""What to ask by ioctl(2), the size of the answer, and where in it the id begins and ends."""

_PATH = getattr(os, "O_PATH", os.O_RDONLY) | os.O_CLOEXEC
_LIST = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC


class Mounts:
    """The mounts of one root. Folders are given open, be it for their path alone; what fails raises OSError."""

    def __init__(self, root: int) -> None:
        """Take the root, a folder that stays open: as long as it does, its mount keeps its id."""
        self.at = syscalls.mounted(root)
        self.number = os.fstat(root).st_dev & _BITS
        if self.at is not None and (own := _id_of(root)) is not None:
            self.number = LASTING | _hash(own)

    def folder(self, folder: int) -> "Place":
        """Return what numbers the names in a folder."""
        here = None if self.at is None else syscalls.mounted(folder)
        if here is None or self.at is None:
            return Place(folder, None, os.fstat(folder).st_dev & _BITS)
        if (here.mount, here.device) == (self.at.mount, self.at.device):
            return Place(folder, here, self.number)
        return Place(folder, here, _number_inside(folder, here))


class Place(NamedTuple):
    """An open folder, where it is mounted (None if the system does not tell), and the number of that mount."""

    folder: int
    here: syscalls.Mounted | None
    number: int

    def stat(self, name: str) -> Stat:
        """Look at a name in the folder, not through a link."""
        return self._stat(name, os.stat(name, dir_fd=self.folder, follow_symlinks=False))

    def stat_of(self, entry: os.DirEntry[str]) -> Stat:
        """Look at a name that was listed: a plain file of the inode that the folder names is not asked further."""
        found = entry.stat(follow_symlinks=False)
        if self.here is not None and stat.S_ISREG(found.st_mode) and entry.inode() == found.st_ino:
            return to_stat(found, self.number)
        return self._stat(entry.name, found)

    def _stat(self, name: str, found: os.stat_result) -> Stat:
        if self.here is None:
            return to_stat(found)
        there = syscalls.mounted(self.folder, name)
        if there is None or not _is_beyond(there, self.here, found):
            return to_stat(found, self.number)
        descriptor = os.open(name, _PATH | os.O_NOFOLLOW, dir_fd=self.folder)
        try:  # both from one descriptor: the mount may come or go just now
            there, found = syscalls.mounted(descriptor), os.fstat(descriptor)
            if there is None or not _is_beyond(there, self.here, found):
                return to_stat(found, self.number)
            return to_stat(found, _number_inside(descriptor, there))
        finally:
            os.close(descriptor)


def _is_beyond(there: syscalls.Mounted, here: syscalls.Mounted, found: os.stat_result) -> bool:
    """Tell whether an entry is in another mount than its folder, or is the top of a subvolume.

    In an overlay a file may have another st_dev than its folder.
    """
    return there.mount != here.mount or (stat.S_ISDIR(found.st_mode) and there.device != here.device)


def _number_inside(descriptor: int, here: syscalls.Mounted) -> int:
    """Return the number of a mount or subvolume below the root: of what was mounted there, and from which inode of it.

    That inode is found by going up from an open folder until the mount ends; a file that is one is its own top.
    """
    top, here = _top_of(descriptor, here)
    try:
        own = _id_of(top)
    finally:
        os.close(top)
    inode = here.inode.to_bytes(8, "big")
    if own is not None:
        return LASTING | _hash(own, inode)
    major, minor = here.device
    return _PASSING | _hash(os.makedev(major, minor).to_bytes(8, "big"), inode) >> 1


def _top_of(descriptor: int, here: syscalls.Mounted) -> tuple[int, syscalls.Mounted]:
    top = os.dup(descriptor)
    try:
        while not here.is_root:
            above = os.open("..", _PATH | os.O_DIRECTORY, dir_fd=top)
            there = syscalls.mounted(above)
            if there is None or (there.mount, there.device) != (here.mount, here.device):
                os.close(above)
                break
            os.close(top)
            top, here = above, there
    except BaseException:
        os.close(top)
        raise
    return top, here


def _id_of(folder: int) -> bytes | None:
    """Return what was written into a file system when it was made and tells it from all others; None if unknown."""
    kind = syscalls.file_system(folder)
    if kind in _UUID_IN_FSID:
        own = os.fstatvfs(folder).f_fsid
        return kind.encode() + own.to_bytes(8, "big") if own else None
    request, size, start, end = _ASKED.get(kind, _ASKED_ELSE)
    try:
        descriptor = os.open(".", _LIST, dir_fd=folder)
    except OSError:  # no right to read it, or a file
        return None
    try:
        own_id = fcntl.ioctl(descriptor, request, bytes(size))[start:end]
    except OSError:
        return None
    finally:
        os.close(descriptor)
    return kind.encode() + own_id if any(own_id) else None


def _hash(*parts: bytes) -> int:
    digest = hashlib.blake2b(digest_size=8)
    for part in parts:
        digest.update(len(part).to_bytes(1, "big") + part)
    return int.from_bytes(digest.digest(), "big") & _BITS
