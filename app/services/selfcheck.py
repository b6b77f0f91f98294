"""Looks over both databases after a stop that was not clean, while the server serves (durability.md, 4)."""

import asyncio
import logging
import sqlite3
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Literal

from app.repositories import checks
from app.services.standing import Standing
from storage.errors import StorageError

logger = logging.getLogger(__name__)

Connect = Callable[[Path], sqlite3.Connection]
Verdict = Literal["trusted", "checking", "sound", "damaged"]
"""What is known of the databases: trusted after a clean stop, else being looked over, or found so."""


class SelfCheck:
    """Asks SQLite whether its files are sound; where one is not, the server only reads from then on."""

    def __init__(self, databases: dict[Path, Connect], standing: Standing) -> None:
        """Take the files, none after a clean stop, and for each the function that opens it read-only for any thread."""
        self._databases = databases
        self._standing = standing
        self.verdict: Verdict = "checking" if databases else "trusted"

    async def run(self) -> None:
        """Check one file after the other; being cancelled breaks the check off."""
        if not self._databases:
            return
        for path, connect in self._databases.items():
            fault = await self._check(path, connect)
            if fault is not None:
                self.verdict = "damaged"
                self._standing.turn_read_only(f"{path.name} is damaged ({fault})")
                return
        self.verdict = "sound"
        logger.info("the databases are sound, though the last stop was not clean")

    async def _check(self, path: Path, connect: Connect) -> str | None:
        """Return what is wrong with a file."""
        try:
            with closing(await asyncio.to_thread(connect, path)) as connection:
                checking = asyncio.ensure_future(asyncio.to_thread(partial(checks.quick_fault, connection)))
                try:
                    return await asyncio.shield(checking)
                except asyncio.CancelledError:
                    connection.interrupt()  # it may have gigabytes to go, and the stop waits for its thread
                    await asyncio.wait([checking])
                    raise
        except (sqlite3.Error, StorageError) as error:
            return str(error)
