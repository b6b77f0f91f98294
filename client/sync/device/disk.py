"""The real disk: implements files.Fs below one root folder, for many threads at once (sync-engine.md, section 7).

Each call walks its path from the held root, so a folder that was moved or replaced by a link is never written through.
Between the walk and the last step a person may still move the folder away, with us in it; no system call can help that.
"""

import contextlib
import errno
import os
import time
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from client.sync.device import disk_probe, syscalls
from client.sync.device.disk_errors import kind_of
from client.sync.device.disk_files import DiskReading, DiskWriting, set_mtime, with_executable
from client.sync.device.disk_mounts import Place
from client.sync.device.disk_root import LIST, Root, is_private, open_file, want_file
from client.sync.device.disk_stat import identity_of, to_stat
from client.sync.device.disk_unsynced import Unsynced
from client.sync.model import PRIVATE, TMP, Kind, Path, Stat
from client.sync.seams.files import FsError, Listed, Traits, Trouble

_LISTINGS = 5
_RECENT_NS = 2_000_000_000
_NO_LINKS = frozenset({*syscalls.UNSUPPORTED, errno.EPERM, errno.EMLINK})


class DiskFs:
    """Implements files.Fs."""

    def __init__(self, root: str) -> None:
        """Hold the root, an absolute path; raise GONE if it cannot be opened."""
        self._root = Root(root)
        self._unsynced = Unsynced()
        self._syncs_all = syscalls.file_system(self._root.descriptor) in disk_probe.SYNCFS
        self._unsynced_folders: set[Path] = set()

    def close(self) -> None:
        """Let go of the root."""
        self._root.close()

    def probe(self) -> Traits:
        """Find out what this disk can do, with files in `.cairn/tmp`, which is made if it is not there."""
        self._make_tmp()
        with self._root.folder(TMP, writes=True) as folder:
            return disk_probe.probe(folder)

    def now_ns(self) -> int:
        """Return the file system's own time: the mtime that a file touched now gets."""
        with self._root.folder(TMP, writes=True) as folder:
            return disk_probe.now_ns(folder)

    def look(self, path: Path) -> Stat | None:
        """Return what stands at `path`; None if its parent is there and does not hold it, or is itself not there."""
        try:
            if not path:
                with self._root.folder(path) as folder:
                    return to_stat(os.fstat(folder), self._root.mounts.number)
            with self._root.parent(path) as folder:
                return self._root.place(folder).stat(path[-1])
        except FsError as error:
            if error.trouble is Trouble.ABSENT:
                return None
            raise

    def list(self, path: Path) -> list[Listed]:
        """Return all that a folder holds, or raise: what is returned is whole."""
        with self._root.folder(path, LIST) as folder:
            place = self._root.place(folder)
            last: list[Listed] | None = None
            for _ in range(_LISTINGS):
                before = os.fstat(folder)
                found = _list(place)
                if found is None or _changed(before, os.fstat(folder)):
                    last = None
                elif not _is_recent(before) or (last is not None and _names(found) == _names(last)):
                    return found
                else:
                    last = found
        raise FsError(Trouble.CHANGED, path)

    def open(self, path: Path) -> DiskReading:
        """Open a plain file for reading; raise LINK or CHANGED for anything else."""
        with self._root.parent(path) as folder:
            descriptor = open_file(folder, path, os.O_RDONLY)
            try:
                syscalls.write_back(descriptor)
                return DiskReading(path, descriptor, self._root.place(folder).stat(path[-1]).device)
            except BaseException:
                os.close(descriptor)
                raise

    def is_open(self, path: Path) -> bool | None:
        """Tell whether anybody has a plain file open, or mapped; None where that cannot be told."""
        with self._root.parent(path) as folder:
            try:
                descriptor = open_file(folder, path, os.O_RDONLY)
            except PermissionError:
                return None
            try:
                return syscalls.is_open_elsewhere(descriptor)
            finally:
                os.close(descriptor)

    def create(self, path: Path) -> DiskWriting:
        """Make a new file, which only this user may read until `set_state`; raise EXISTS if something stands there."""
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        with self._root.parent(path, writes=True) as folder:
            with _naming(path):
                descriptor = os.open(path[-1], flags, 0o600, dir_fd=folder)
            self._unsynced.forget(identity_of(os.fstat(descriptor)))
            self._renamed(folder, path)
            return self._writing(folder, path, descriptor)

    def reopen(self, path: Path) -> DiskWriting:
        """Open a file of ours in `.cairn` for writing on; CHANGED if it has a second name, which would change too."""
        if not is_private(path):
            raise FsError(Trouble.READ_ONLY, path)
        with self._root.parent(path, writes=True) as folder:
            descriptor = open_file(folder, path, os.O_RDWR)
            if os.fstat(descriptor).st_nlink > 1:
                os.close(descriptor)
                raise FsError(Trouble.CHANGED, path, "it has another name")
            return self._writing(folder, path, descriptor)

    def make_folder(self, path: Path) -> Stat:
        """Make a folder; raise EXISTS if something stands there. In `.cairn` only this user may go in."""
        with self._root.parent(path, writes=True) as folder:
            with _naming(path):
                os.mkdir(path[-1], 0o700 if path[0] == PRIVATE else 0o777, dir_fd=folder)
            self._renamed(folder, path)
            found = self._root.place(folder).stat(path[-1])
        if found.kind is not Kind.FOLDER:
            raise FsError(Trouble.CHANGED, path)
        return found

    def remove_folder(self, path: Path) -> None:
        """Remove an empty folder; raise NOT_EMPTY if it is not."""
        with self._root.parent(path, writes=True) as folder:
            kind = _look(folder, path[-1]).kind
            if kind is not Kind.FOLDER:
                raise FsError(Trouble.LINK if kind is Kind.LINK else Trouble.NOT_FOLDER, path)
            os.rmdir(path[-1], dir_fd=folder)
            self._renamed(folder, path)

    def move(self, source: Path, target: Path) -> None:
        """Rename without replacing: raise EXISTS if something stands at the target, CHANGED if it cannot be told.

        Where the disk cannot do that in one step, link and unlink (files), or look and rename.
        """
        with self._root.parent(source, writes=True) as folder:
            found = self._look_at_source(folder, source)
            with self._root.parent(target, writes=True) as to_folder:
                try:
                    syscalls.rename_exclusive(folder, source[-1], to_folder, target[-1])
                except OSError as error:
                    if error.errno not in syscalls.UNSUPPORTED:
                        raise
                    _move_in_steps(folder, source, to_folder, target, found)
                self._renamed(to_folder, target)
            self._renamed(folder, source)

    def exchange(self, one: Path, other: Path) -> None:
        """Let two files change places in one step. Where the disk cannot (Traits.exchanges), raise OTHER."""
        with self._root.parent(one, writes=True) as folder:
            want_file(self._look_at_source(folder, one).kind, one)
            with self._root.parent(other, writes=True) as to_folder:
                want_file(self._look_at_source(to_folder, other).kind, other)
                syscalls.rename_exchange(folder, one[-1], to_folder, other[-1])
                self._renamed(to_folder, other)
            self._renamed(folder, one)

    def replace(self, source: Path, target: Path) -> None:
        """Rename over what stands at `target`. For files in `.cairn`."""
        with self._root.parent(source, writes=True) as folder:
            found = self._look_at_source(folder, source)
            want_file(found.kind, source)
            with self._root.parent(target, writes=True) as to_folder:
                there = _find_in(to_folder, target[-1])
                if there is not None:
                    want_file(there.kind, target)
                    if there.identity == found.identity:
                        raise FsError(Trouble.CHANGED, target, "both are one file")  # then rename(2) does nothing
                os.rename(source[-1], target[-1], src_dir_fd=folder, dst_dir_fd=to_folder)
                self._renamed(to_folder, target)
            self._renamed(folder, source)

    def remove(self, path: Path) -> None:
        """Unlink a file in `.cairn`; any other path is refused with READ_ONLY. Absent is fine."""
        if not is_private(path):
            raise FsError(Trouble.READ_ONLY, path)
        try:
            with self._root.parent(path, writes=True) as folder:
                found = os.stat(path[-1], dir_fd=folder, follow_symlinks=False)
                os.unlink(path[-1], dir_fd=folder)
                self._renamed(folder, path)
                if found.st_nlink == 1:
                    self._unsynced.forget(identity_of(found))  # a person's file may get the number next
        except FsError as error:
            if error.trouble is not Trouble.ABSENT:
                raise

    def set_state(self, path: Path, expected: Stat, mtime_ms: int | None, *, executable: bool) -> Stat:
        """Set mtime and executable bit of a file if it is still in the state `expected`; raise CHANGED otherwise."""
        with self._root.parent(path, writes=True) as folder:
            descriptor = open_file(folder, path, os.O_RDONLY)
            try:
                found = os.fstat(descriptor)
                device = self._root.place(folder).stat(path[-1]).device
                if to_stat(found, device) != expected:
                    raise FsError(Trouble.CHANGED, path)
                if executable != expected.executable:
                    os.fchmod(descriptor, with_executable(found.st_mode & 0o7777, executable=executable))
                set_mtime(descriptor, mtime_ms)
                return to_stat(os.fstat(descriptor), device)
            except OverflowError as error:
                raise FsError(Trouble.OTHER, path, str(error)) from error
            finally:
                os.close(descriptor)

    def sync_folders(self, paths: Iterable[Path]) -> None:
        """Make the names in these folders durable."""
        for path in dict.fromkeys(paths):
            with self._root.folder(path, LIST) as folder:
                try:
                    syscalls.flush(folder)
                except OSError as error:
                    if error.errno != errno.EINVAL:  # what some network file systems answer, who sync at once
                        raise

    def sync_all(self) -> None:
        """Make all that was written to this file system durable: content and names, in one call where there is one.

        Elsewhere, and in mounts inside the root, each file was synced when it was closed, and the folders are now.
        """
        until = self._unsynced.begin()
        folders = list(self._unsynced_folders)
        with self._root.calling((), writes=True):
            self._root.check(())
            if self._syncs_all:
                try:
                    syscalls.syncfs(self._root.descriptor)
                except OSError:
                    self._unsynced.all_failed()
                    raise
                self._unsynced.ended(until)
        for path in folders:
            self._unsynced_folders.discard(path)  # before, so that a change meanwhile is not forgotten
            try:
                self.sync_folders([path])
            except FsError as error:
                if error.trouble is not Trouble.ABSENT:
                    self._unsynced_folders.add(path)
                    raise

    def room(self) -> tuple[int, int]:
        """Return free bytes for this user, and bytes in all."""
        with self._root.folder(()) as folder:
            found = os.fstatvfs(folder)
            return found.f_bavail * found.f_frsize, found.f_blocks * found.f_frsize

    def _make_tmp(self) -> None:
        for path in (TMP[:1], TMP):
            try:
                self.make_folder(path)
            except FsError as error:
                if error.trouble is not Trouble.EXISTS:
                    raise

    def _writing(self, folder: int, path: Path, descriptor: int) -> DiskWriting:
        covered = self._syncs_all and os.fstat(descriptor).st_dev == self._root.device
        device = self._root.place(folder).number
        return DiskWriting(path, descriptor, device, self._root, self._unsynced, sync_on_close=not covered)

    def _renamed(self, folder: int, path: Path) -> None:
        """Note that a name in a folder changed, if `sync_all` has to sync that folder by itself."""
        if not self._syncs_all or os.fstat(folder).st_dev != self._root.device:
            self._unsynced_folders.add(path[:-1])

    def _look_at_source(self, folder: int, path: Path) -> "_Found":
        """Return what is to get another name; raise LINK for a link, DAMAGED for a file whose sync failed."""
        found = _look(folder, path[-1])
        if found.kind is Kind.LINK:
            raise FsError(Trouble.LINK, path)
        if found.kind is Kind.OTHER:
            raise FsError(Trouble.CHANGED, path)
        if self._unsynced.is_lost(found.identity):
            raise FsError(Trouble.DAMAGED, path, "a sync of it failed")
        return found


class _Found(NamedTuple):
    """What stands at a name."""

    kind: Kind
    identity: tuple[int, int]


def _look(folder: int, name: str) -> _Found:
    found = os.stat(name, dir_fd=folder, follow_symlinks=False)
    return _Found(kind_of(found.st_mode), identity_of(found))


def _list(place: Place) -> list[Listed] | None:
    """List an open folder from its begin; None if a name was gone before it could be looked at."""
    try:
        # Its own description of the folder: scandir moves the place in it, and other threads may list too.
        descriptor = os.open(".", LIST, dir_fd=place.folder)
        try:
            with os.scandir(descriptor) as entries:
                return [Listed(entry.name, place.stat_of(entry)) for entry in entries]
        finally:
            os.close(descriptor)
    except FileNotFoundError:
        return None


def _changed(before: os.stat_result, after: os.stat_result) -> bool:
    return (before.st_mtime_ns, before.st_ctime_ns) != (after.st_mtime_ns, after.st_ctime_ns)


def _is_recent(folder: os.stat_result) -> bool:
    """Tell whether a change during the listing may have left the folder's times as they are: two in one tick."""
    return abs(time.time_ns() - folder.st_ctime_ns) < _RECENT_NS


def _names(found: list[Listed]) -> set[tuple[str, int]]:
    return {(entry.name, entry.stat.inode) for entry in found}


def _find_in(folder: int, name: str) -> _Found | None:
    try:
        return _look(folder, name)
    except FileNotFoundError:
        return None


def _link(folder: int, source: Path, to_folder: int, target: Path) -> None:
    os.link(source[-1], target[-1], src_dir_fd=folder, dst_dir_fd=to_folder, follow_symlinks=False)


def _move_in_steps(folder: int, source: Path, to_folder: int, target: Path, found: _Found) -> None:
    """Rename without replacing where the disk has no call for it."""
    if found.kind is Kind.FILE:
        try:
            _link(folder, source, to_folder, target)
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise
        else:
            _unlink_moved(folder, source, to_folder, target)
            return
    if _find_in(to_folder, target[-1]) is not None:
        raise FsError(Trouble.EXISTS, target)
    if target[: len(source)] == source:
        raise FsError(Trouble.OTHER, target, "a folder into itself")
    with _naming(target):
        os.rename(source[-1], target[-1], src_dir_fd=folder, dst_dir_fd=to_folder)


@contextlib.contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Take EINVAL for a name that the disk cannot hold, as FAT and NTFS mean it."""
    try:
        yield
    except OSError as error:
        if error.errno == errno.EINVAL:
            raise FsError(Trouble.NAME, path, error.strerror or "") from error
        raise


def _unlink_moved(folder: int, source: Path, to_folder: int, target: Path) -> None:
    """Take the first name of a file that has its second: unless a save has put another file there meanwhile."""
    there = _find_in(folder, source[-1])
    moved = _find_in(to_folder, target[-1])
    if there is None or moved is None or there.identity != moved.identity:
        raise FsError(Trouble.CHANGED, source)
    os.unlink(source[-1], dir_fd=folder)
