"""`cairn` that collects without a pause, dies at a chosen call to its disk, and whose wall clock jumps by ten years.

Run as a module, as `tests.server` does. What seems unused has no time and no grace: only the order of the steps keeps
what a commit comes to use.
"""

import itertools
import os
import random
import signal
import sqlite3
import sys
import time
from collections.abc import Callable
from pathlib import Path

from app import application, cli, server
from app.config import Settings
from app.services.collector import Collector, Patience
from storage.disk import LocalDisk

DIES_AT = "HASTY_DIES_AT"
"""Names the variable that holds the number of the call at which it dies, from 0; it lives if there is none."""
DIES_AFTER = "HASTY_DIES_AFTER"
"""Names the variable that says, if it is set, that the call is done first."""
CLOCK = "HASTY_CLOCK"
"""Names the variable that holds the seed by which the clock jumps."""
TEN_YEARS_S = 10 * 365 * 86_400
READINGS_BETWEEN_JUMPS = 50

_calls = itertools.count()


class MortalDisk(LocalDisk):
    """Kills the process at one of the calls that make something durable, or move or remove it."""

    def commit(self, connection: sqlite3.Connection, path: Path) -> None:
        _die_or(lambda: LocalDisk.commit(self, connection, path))

    def rename(self, source: Path, target: Path) -> None:
        _die_or(lambda: LocalDisk.rename(self, source, target))

    def unlink(self, path: Path) -> None:
        _die_or(lambda: LocalDisk.unlink(self, path))

    def sync_folder(self, path: Path) -> None:
        _die_or(lambda: LocalDisk.sync_folder(self, path))

    def syncfs(self, descriptor: int) -> None:
        _die_or(lambda: LocalDisk.syncfs(self, descriptor))


class JumpingClock:
    """A wall clock that somebody keeps setting wrong."""

    def __init__(self, seed: str) -> None:
        self._chance = random.Random(seed)  # noqa: S311 - a failure must come back with its seed
        self._right = time.time
        self._readings = 0
        self._off_s = 0

    def __call__(self) -> float:
        if self._readings % READINGS_BETWEEN_JUMPS == 0:
            self._off_s = self._chance.choice([-TEN_YEARS_S, 0, TEN_YEARS_S])
        self._readings += 1
        return self._right() + self._off_s


async def collect_always(self: Collector) -> None:
    """Collect again and again, whatever there is to do."""
    while True:
        await self.collect(over_half=True)


def no_patience(_: Settings) -> Patience:
    """Leave nothing alone for any time; two runs it takes all the same."""
    return Patience(unused_for_s=0, grace_s=0, every_s=0)


def _die_or(call: Callable[[], None]) -> None:
    is_last = f"{next(_calls)}" == os.environ.get(DIES_AT)
    if is_last and not os.environ.get(DIES_AFTER):
        os.kill(os.getpid(), signal.SIGKILL)
    call()
    if is_last:
        os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    for module in (application, server):
        setattr(module, LocalDisk.__name__, MortalDisk)  # the disk is no setting, nor is patience
    setattr(application, "_patience", no_patience)  # noqa: B010 - as above
    Collector.run = collect_always  # type: ignore[method-assign] # as above
    time.time = JumpingClock(os.environ.get(CLOCK, ""))
    sys.exit(cli.main(sys.argv[1:]))
