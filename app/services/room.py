"""Whether the disk has room for uploads: some of it is kept back, so that deletes and the database go on working."""

import time
from pathlib import Path

from app.config import Limits
from app.errors import NoRoomError
from storage.disk import Disk

LOOK_EVERY_S = 1.0


class Room:
    """Looks at the free space of the data folder's volume, at most once a second."""

    def __init__(self, folder: Path, disk: Disk, limits: Limits) -> None:
        """Take the data folder, and how much of its volume to keep free."""
        self._folder = folder
        self._disk = disk
        self._limits = limits
        self._looked = -LOOK_EVERY_S
        self._enough = False

    def require(self) -> None:
        """Refuse if the reserve is reached: the larger of two limits, but at most a tenth of the volume.

        Raises:
            NoRoomError: uploads would eat into what is kept back.
        """
        now = time.monotonic()
        if now - self._looked >= LOOK_EVERY_S:
            usage = self._disk.usage(self._folder)
            keep = max(self._limits.free_disk_bytes, usage.total * self._limits.free_disk_percent // 100)
            self._enough = usage.free > min(keep, usage.total // 10)
            self._looked = now
        if not self._enough:
            raise NoRoomError("The server's disk is nearly full: free some space there, or delete something.")
