"""The ballast: a file that only takes up room, and gives way when the disk is full (durability.md, 8)."""

import contextlib
import logging
import threading
from pathlib import Path

from storage.disk import Disk, DiskUsage

logger = logging.getLogger(__name__)

SIZE = 64 * 1024 * 1024
SHARE = 100


def ballast_size(usage: DiskUsage) -> int:
    """Return how large the ballast of a volume is, in bytes: 64 MiB, but at most a hundredth."""
    return min(SIZE, usage.total // SHARE)


class Ballast:
    """Laid while there is plenty of room, given up when a change that must go on finds none."""

    def __init__(self, path: Path, disk: Disk) -> None:
        """Take what an earlier run has laid at `path`."""
        self._path = path
        self._disk = disk
        self._lock = threading.Lock()
        self._size = self._found()

    @property
    def size(self) -> int:
        """Bytes that it holds at present; 0 while it is given up."""
        return self._size

    def tend(self, usage: DiskUsage) -> None:
        """Lay it if it is not there and the volume has room for twice as much. Blocks.

        Twice, so that it is not taken from those for whom it was given up, and back again the next minute.
        """
        wanted = ballast_size(usage)
        with self._lock:
            if self._size == wanted or usage.free + self._size < 2 * wanted:
                return
            try:
                self._remove()  # of another size: the volume has grown or shrunk, or a run ended while it was laid
                self._lay(wanted)
            except OSError as error:
                logger.warning("the ballast could not be laid: %s", error)
                return
        logger.info("the ballast is laid: %d bytes for the day when the disk is full", wanted)

    def give_up(self) -> bool:
        """Make room of it; tell whether it was there. Blocks."""
        with self._lock:
            size = self._size
            if size == 0:
                return False
            try:
                self._remove()
            except OSError as error:
                logger.warning("the ballast could not be given up: %s", error)
                return False
        logger.warning("the disk is full: the ballast of %d bytes gave way, so that deletes go on", size)
        return True

    def _found(self) -> int:
        try:
            return self._disk.stat(self._path).size
        except OSError:
            return 0

    def _remove(self) -> None:
        self._disk.unlink(self._path)
        self._size = 0

    def _lay(self, size: int) -> None:
        descriptor = self._disk.create(self._path)
        try:
            self._disk.allocate(descriptor, size)
        except OSError:
            with contextlib.suppress(OSError):
                self._disk.unlink(self._path)
            raise
        finally:
            self._disk.close(descriptor)
        self._size = size
