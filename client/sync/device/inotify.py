"""Tells of changes below the root, on Linux, with inotify(7) as it is: the usual libraries pass over lost events.

Events are hints: they name paths to look at. A folder is watched through a descriptor that was reached without going
through a link, so nothing outside the root is watched. Spec: sync engine, section 6.
"""

import ctypes
import errno
import fcntl
import os
import select
import struct
import sys
import termios
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from client.sync.device.disk_root import Root
from client.sync.device.watched import Watched
from client.sync.model import PRIVATE, Path
from client.sync.seams.files import FsError, Hint, Watch

MODIFY, ATTRIB, CLOSE_WRITE, MOVED_FROM, MOVED_TO = 0x2, 0x4, 0x8, 0x40, 0x80
CREATE, DELETE, DELETE_SELF, MOVE_SELF = 0x100, 0x200, 0x400, 0x800
UNMOUNT, Q_OVERFLOW, IGNORED = 0x2000, 0x4000, 0x8000
ONLYDIR, EXCL_UNLINK, ISDIR = 0x1000000, 0x4000000, 0x40000000

_ABOUT_NAMES = MODIFY | ATTRIB | CLOSE_WRITE | MOVED_FROM | MOVED_TO | CREATE | DELETE
_MASK = _ABOUT_NAMES | DELETE_SELF | MOVE_SELF | ONLYDIR | EXCL_UNLINK
_HEAD = struct.Struct("iIII")
_READ_BYTES = 1 << 18


class NoWatch:
    """Watches nothing: every folder is polled."""

    def add(self, folder: Path) -> bool:  # noqa: ARG002 - a Watch
        """Say that it is to be polled."""
        return False

    def forget(self, folder: Path) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Do nothing."""


class Event(NamedTuple):
    """One event as the kernel wrote it; `at` is where it ends in the stream of all that were read, in bytes."""

    watch: int
    mask: int
    name: str
    at: int


def start_watch(root: str, hint: Callable[[Hint], None]) -> Watch:
    """Return a watch of the folder `root`, an absolute path, that calls `hint` from a thread of its own.

    Where the system has no inotify, or gives no more of it to this user, all is polled.
    """
    if not sys.platform.startswith("linux"):
        return NoWatch()
    try:
        return Inotify(root, hint)
    except (OSError, FsError):
        return NoWatch()


class Inotify:
    """Implements files.Watch."""

    def __init__(self, root: str, hint: Callable[[Hint], None]) -> None:
        """Begin; nothing is watched yet. Raise OSError if this user has no more instances."""
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._hint = hint
        self._lock = threading.Lock()
        self._watched = Watched()
        self._read = 0
        self._root = Root(root)
        try:
            self._events = self._call(self._libc.inotify_init1, os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError:
            self._root.close()
            raise
        self._waking, self._wake = os.pipe2(os.O_CLOEXEC)
        self._is_open = True
        self._thread = threading.Thread(target=self._run, name="inotify", daemon=True)
        self._thread.start()

    def add(self, folder: Path) -> bool:
        """Watch a folder, not what is below it; False if the system allows no more, or it is not there."""
        if folder[:1] == (PRIVATE,):
            return True
        try:
            with self._root.folder(folder) as descriptor, self._lock:
                since = self._read + self._pending()
                reached = f"/proc/self/fd/{descriptor}".encode()
                watch = self._call(self._libc.inotify_add_watch, self._events, reached, _MASK)
                replaced = self._watched.put(folder, watch, since)
                self._remove([] if replaced is None else [replaced])
        except FsError:
            return False
        return True

    def forget(self, folder: Path) -> None:
        """Watch a folder and all below it no more."""
        with self._lock:
            self._remove(self._watched.drop_below(folder))

    def close(self) -> None:
        """End the thread, and with it all watches. Again is fine."""
        if not self._is_open:
            return
        self._is_open = False
        os.close(self._wake)
        if threading.current_thread() is not self._thread:
            self._thread.join()
        for descriptor in (self._events, self._waking):
            os.close(descriptor)
        self._root.close()

    def _run(self) -> None:
        poll = select.poll()
        poll.register(self._events, select.POLLIN)
        poll.register(self._waking, select.POLLIN)
        while True:
            poll.poll()
            if not self._is_open:
                return
            with self._lock:
                hints = self._hints(self._next_events())
            for hint in hints:
                self._hint(hint)

    def _next_events(self) -> list[Event]:
        try:
            data = os.read(self._events, _READ_BYTES)
        except BlockingIOError:
            return []
        begin = self._read
        self._read += len(data)
        return list(_events_of(data, begin))

    def _hints(self, events: Iterable[Event]) -> list[Hint]:
        """Return what to tell of events: each path once, as the last of them left it; first if anything was lost."""
        is_lost = False
        closed: dict[Path, bool] = {}
        for event in events:
            path = self._watched.path_of(event.watch)
            if event.mask & IGNORED:
                self._watched.drop(event.watch)
            if event.mask & (Q_OVERFLOW | UNMOUNT):
                is_lost = True
            elif path is None:
                continue
            elif event.name:
                self._note(event, (*path, event.name), closed)
            elif path:
                closed.setdefault(path, False)
            else:  # of the root itself: it was moved, or its rights changed
                is_lost = True
        lost = [Hint(None)] if is_lost else []
        return lost + [Hint(path, is_closed) for path, is_closed in closed.items()]

    def _note(self, event: Event, path: Path, closed: dict[Path, bool]) -> None:
        if path[0] == PRIVATE:
            return
        if event.mask & ISDIR and event.mask & (MOVED_FROM | DELETE):
            self._remove(self._watched.drop_below(path, event.at))
        if event.mask & (CLOSE_WRITE | MOVED_TO):
            closed[path] = True
        elif event.mask & (MODIFY | CREATE | MOVED_FROM | DELETE):
            closed[path] = False
        else:
            closed.setdefault(path, False)

    def _pending(self) -> int:
        """Return how many bytes of events wait to be read."""
        found = fcntl.ioctl(self._events, termios.FIONREAD, b"\0" * 4)
        return int(struct.unpack("i", found)[0])

    def _remove(self, watches: Iterable[int]) -> None:
        for watch in watches:
            self._libc.inotify_rm_watch(self._events, watch)  # it may have ended by itself

    def _call(self, function: Callable[..., int], *values: object) -> int:
        result = function(*values)
        if result < 0:
            code = ctypes.get_errno()
            raise OSError(code, errno.errorcode.get(code, str(code)))
        return result


def _events_of(data: bytes, begin: int) -> Iterator[Event]:
    offset = 0
    while offset < len(data):
        watch, mask, _, size = _HEAD.unpack_from(data, offset)
        offset += _HEAD.size
        name = data[offset : offset + size].rstrip(b"\0")
        offset += size
        yield Event(watch, mask, os.fsdecode(name), begin + offset)
