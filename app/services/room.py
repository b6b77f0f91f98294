"""Whether the disk has room for what takes some: a part is kept back, so that people can still log in and delete."""

import asyncio
import logging
import time
from dataclasses import dataclass
from pathlib import Path

from app.config import Limits
from app.errors import NoRoomError
from app.services.ballast import Ballast, ballast_size
from app.services.standing import Standing
from storage.disk import Disk, DiskUsage

logger = logging.getLogger(__name__)

LOOK_EVERY_S = 1.0
LEAST_TO_WORK = 2 * 1024 * 1024
"""Bytes without which nothing larger can be begun: opening a database takes a WAL and its index."""


@dataclass(frozen=True, slots=True)
class Space:
    """What the volume had when it was last looked at, in bytes."""

    total: int
    free: int
    kept: int

    @property
    def is_enough(self) -> bool:
        """Whether what takes room may take of it."""
        return self.free > self.kept


class Room:
    """Looks at the free space of the data folder's volume, at most once a second, and holds the ballast."""

    def __init__(self, folder: Path, disk: Disk, limits: Limits, ballast: Ballast, standing: Standing) -> None:
        """Take the data folder, how much of its volume to keep free, and whether anything may be written at all."""
        self._folder = folder
        self._disk = disk
        self._limits = limits
        self._ballast = ballast
        self._standing = standing
        self._looked = -LOOK_EVERY_S
        self._space = Space(0, 0, 0)
        self._told = True

    def require(self) -> None:
        """Refuse if the reserve is reached: the larger of two limits, but at most a tenth of the volume.

        Raises:
            NoRoomError: whatever takes room would eat into what is kept back.
            StoreUnavailableError: the server only reads.
        """
        self._standing.require_writable()
        if not self.look().is_enough:
            raise NoRoomError("The server's disk is nearly full: free some space there, or delete something.")

    def look(self) -> Space:
        """Return how the volume is, at most a second ago."""
        now = time.monotonic()
        if now - self._looked >= LOOK_EVERY_S:
            self._space = self._measured(self._disk.usage(self._folder))
            self._looked = now
            self._tell(self._space)
        return self._space

    async def tend(self) -> None:
        """Lay the ballast if it is missing and there is room for it."""
        await asyncio.to_thread(lambda: self._ballast.tend(self._disk.usage(self._folder)))

    async def make_way(self) -> None:
        """Give the ballast up if the disk is full, before work that frees room and needs a little to do so.

        Raises:
            StoreUnavailableError: the server only reads.
        """
        self._standing.require_writable()
        await asyncio.to_thread(make_way, self._ballast, self._disk, self._folder)

    def _measured(self, usage: DiskUsage) -> Space:
        """Count what the ballast has given up as taken: it was not given up for uploads."""
        keep = max(self._limits.free_disk_bytes, usage.total * self._limits.free_disk_percent // 100)
        given_up = max(0, ballast_size(usage) - self._ballast.size)
        return Space(usage.total, usage.free, min(keep, usage.total // 10) + given_up)

    def _tell(self, space: Space) -> None:
        """Write one line when what takes room begins to be refused, and one when it is taken again."""
        if space.is_enough == self._told:
            return
        self._told = space.is_enough
        if space.is_enough:
            logger.info("the disk has room again: uploads and changes are taken")
        else:
            logger.warning("the disk has %d bytes left: only reads, logins and deletes go on", space.free)


def make_way(ballast: Ballast, disk: Disk, folder: Path) -> None:
    """Give the ballast up if the disk is so full that the databases could not even be opened. Blocks."""
    if disk.usage(folder).free < LEAST_TO_WORK:
        ballast.give_up()
