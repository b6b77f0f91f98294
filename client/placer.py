"""Gives finished downloads their names, once they are durable; many small ones share one sync."""

import os
import threading
from typing import NamedTuple

from client.errors import FileChangedError, LocalFileError
from client.folder import Folder, sync_all
from client.progress import Progress
from client.source import same_state

MOST_FILES = 256  # that wait for a sync, held open: systems allow 1,024 open files to a process that does not ask
MOST_FOLDERS = 128  # that are held open for them
MOST_BYTES = 64 * 1024 * 1024


class Placing(NamedTuple):
    """A finished download that waits to be made durable and get its name."""

    folder: Folder
    part: str
    descriptor: int  # of the part: held open, so that it is ours alone until it has its name
    name: str
    expected: os.stat_result | None  # what stood there when it was decided to fetch
    size: int
    durable: bool


class Placer:
    """Makes finished downloads durable, many with one sync, and only then gives them their names."""

    def __init__(self, progress: Progress) -> None:
        """Begin with nothing; account to `progress`."""
        self._progress = progress
        self._lock = threading.Lock()
        self._waiting: list[Placing] = []
        self._folders: set[int] = set()
        self._size = 0

    def add(self, placing: Placing) -> None:
        """Take a finished download; its folder is let go when it has its name."""
        with self._lock:
            self._waiting.append(placing)
            self._folders.add(placing.folder.descriptor)
            self._size += placing.size
            full = (
                len(self._waiting) >= MOST_FILES
                or len(self._folders) >= MOST_FOLDERS
                or self._size >= MOST_BYTES
                or placing.durable
            )
        if full:
            self.flush()

    def flush(self) -> None:
        """Place what waits."""
        with self._lock:
            waiting, self._waiting, self._folders, self._size = self._waiting, [], set(), 0
        if not waiting:
            return
        folders = {placing.folder.descriptor: placing.folder for placing in waiting}
        try:
            for folder in {p.folder.device: p.folder for p in waiting if not p.durable}.values():
                sync_all(folder)
            placed = sum(self._place(placing) for placing in waiting)
            for folder in folders.values():
                os.fsync(folder.descriptor)
        except OSError as error:
            raise LocalFileError(f"The disk cannot be written: {error.strerror}.") from error
        finally:
            for placing in waiting:
                os.close(placing.descriptor)
                placing.folder.let_go()
        self._progress.finished(placed)

    def _place(self, placing: Placing) -> bool:
        where = f"{placing.folder.path}/{placing.name}"
        try:
            if not _is_as_seen(placing.folder.find(placing.name), placing.expected):
                raise FileChangedError("a file appeared or changed here meanwhile; run the command again")
            placing.folder.replace(placing.part, placing.name)
        except LocalFileError as error:
            self._progress.failed(where, error)
            return False
        except OSError as error:
            self._progress.failed(where, LocalFileError(f"it cannot be written: {error.strerror}"))
            return False
        return True


def _is_as_seen(now: os.stat_result | None, before: os.stat_result | None) -> bool:
    if now is None or before is None:
        return now is before
    return same_state(now, before)
