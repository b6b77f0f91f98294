"""Whether the server may write: not once its data proved damaged, or its disk failed three times in a day."""

import asyncio
import contextlib
import logging
import threading
from collections.abc import Callable
from pathlib import Path

import msgspec

from storage.disk import Disk, replace_file
from storage.errors import StoreUnavailableError

logger = logging.getLogger(__name__)

FAILURES = 3
WITHIN_MS = 24 * 3600 * 1000


class Standing:
    """Reads and writes, or reads alone until a person has looked (durability.md, 4 and 8).

    That it reads alone stands in a file, which outlives restarts; to remove it is how a person says that all is well.
    """

    def __init__(self, mark: Path, failures: Path, disk: Disk, clock_ms: Callable[[], int]) -> None:
        """Take what an earlier run has found. Blocks.

        Args:
            mark: the file that says why the server only reads.
            failures: the file with the times at which the disk failed.
            disk: the seam for file operations.
            clock_ms: wall clock, Unix milliseconds.
        """
        self._mark = mark
        self._failures = failures
        self._disk = disk
        self._clock_ms = clock_ms
        self._lock = threading.Lock()
        self._turned = asyncio.Event()
        self._why = self._read(mark).decode("utf-8", "replace").strip()
        if self._why:
            self._turned.set()
            logger.critical("%s", self._sentence())

    @property
    def is_read_only(self) -> bool:
        """Whether nothing may be written."""
        return bool(self._why)

    @property
    def why(self) -> str:
        """Why nothing may be written; empty while something may."""
        return self._why

    async def wait_read_only(self) -> None:
        """Return once nothing may be written any more."""
        await self._turned.wait()

    def require_writable(self) -> None:
        """Refuse a change while the server only reads.

        Raises:
            StoreUnavailableError: it does; only a person can change that.
        """
        if self._why:
            raise StoreUnavailableError("This server only reads until its operator has looked at its disk.")

    def turn_read_only(self, why: str) -> None:
        """Refuse all changes from now on, and after a restart. Blocks; call from the event loop's thread."""
        self._note_read_only(why)
        self._turned.set()

    def note_failure(self) -> None:
        """Count a failure of the disk, which ends this process; after the third in a day the next one only reads.

        Blocks; for any thread. A disk that takes not even this note has failed all the same, and is not counted.
        """
        with self._lock:
            now_ms = self._clock_ms()
            # By distance, not by order: a clock that was set back must not forget them.
            recent = [at_ms for at_ms in self._counted() if abs(now_ms - at_ms) < WITHIN_MS] + [now_ms]
            is_enough = len(recent) >= FAILURES
            with contextlib.suppress(OSError):  # who says that all is well begins to count anew
                replace_file(self._disk, self._failures, msgspec.json.encode([] if is_enough else recent))
        if is_enough:
            self._note_read_only(f"the disk failed {FAILURES} times within a day")

    def _note_read_only(self, why: str) -> None:
        self._why = why
        logger.critical("%s", self._sentence())
        try:
            replace_file(self._disk, self._mark, f"{why}\n".encode())
        except OSError as error:
            logger.critical("that could not be noted for the next start: %s", error)

    def _sentence(self) -> str:
        return (
            f"Cairn only reads, for {self._why}: look at the disk, run `cairn fsck`, and when all is well remove "
            f"{self._mark} and start again"
        )

    def _counted(self) -> list[int]:
        try:
            return msgspec.json.decode(self._read(self._failures) or b"[]", type=list[int])
        except msgspec.DecodeError:
            return []

    def _read(self, path: Path) -> bytes:
        try:
            return self._disk.read(path)
        except FileNotFoundError:
            return b""
