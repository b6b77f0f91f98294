"""Collects unused chunks by itself, and when told to: one collection at a time, and removal in between."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from app.db.database import Database
from app.errors import AppError, LimitReachedError, UnavailableError
from app.repositories import journal
from app.services.collection import Collection, Survey
from app.services.mark import Mark
from app.services.room import Room
from app.services.uptime import DAY_S, HOUR_S, Uptime
from storage.disposal import Freed
from storage.errors import StorageError
from storage.offload import Offload
from storage.store import ChunkStore

logger = logging.getLogger(__name__)

LOOK_EVERY_S = 60.0
UNUSED_FOR_S = DAY_S
GRACE_S = HOUR_S


@dataclass(frozen=True, slots=True)
class Collected:
    """What a collection came to. Sizes as stored, in bytes.

    Attributes:
        freed: what is gone.
        leaving: what goes when its grace is over.
        waiting: what nobody uses, and a later collection may take.
    """

    freed: Freed
    leaving: Freed
    waiting: Freed


@dataclass(frozen=True, slots=True)
class Rounds:
    """How collections go.

    Attributes:
        is_running: one is under way, or was asked for and begins at once.
        since_s: seconds of uptime since the last whole one began; None before the first.
        every_s: seconds of uptime from one to the next.
        last: what the last one of this process came to; None before one.
        refused: why the last one broke off; None where it came to its end.
    """

    is_running: bool
    since_s: int | None
    every_s: int
    last: Collected | None
    refused: str | None


@dataclass(frozen=True, slots=True)
class Patience:
    """How long what seems unused is left alone. All in seconds of uptime: no clock that is wrong removes anything.

    Attributes:
        unused_for_s: from the run that found a chunk unused first to the one that may condemn it.
        grace_s: from there to its removal, as long as any URL of it may live.
        every_s: from one run to the next.
    """

    unused_for_s: int
    grace_s: int
    every_s: int


class Collector:
    """Runs collections on one store."""

    def __init__(
        self,
        database: Database,
        store: ChunkStore,
        uptime: Uptime,
        offload: Offload,
        folder: Path,
        patience: Patience,
        room: Room,
    ) -> None:
        """Take the parts it works with.

        Args:
            offload: a thread of its own.
            folder: for what a run gathers, made and removed by it.
            room: on a disk that is full, a run is to find what it needs.
        """
        self._database = database
        self._store = store
        self._disposal = store.disposal
        self._uptime = uptime
        self._offload = offload
        self._folder = folder
        self._patience = patience
        self._room = room
        self._lock = asyncio.Lock()
        self._is_checked = False
        self._collecting: asyncio.Task[object] | None = None
        self._tried_s = 0
        self._asked = asyncio.Event()
        self._last: Collected | None = None
        self._refused: str | None = None

    def ask(self) -> None:
        """Let `run` collect now, though it is not time yet.

        Raises:
            StoreUnavailableError: the server only reads.
        """
        self._database.require_writable()
        self._asked.set()

    async def rounds(self) -> Rounds:
        """Tell how collections go."""
        last_s, _ = await self._disposal.last_run()
        return Rounds(
            is_running=self._collecting is not None or self._asked.is_set(),
            since_s=max(0, self._uptime.now_s() - last_s) if last_s else None,
            every_s=self._patience.every_s,
            last=self._last,
            refused=self._refused,
        )

    async def run(self) -> None:
        """Collect when it is time, and remove what has had its grace, until cancelled."""
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK_EVERY_S):
                    await self._asked.wait()
            try:
                await self.tend()
            except (StorageError, UnavailableError, LimitReachedError) as error:
                logger.warning("no unused chunks were collected: %s", error)
            except Exception:
                logger.exception("a collection failed")
            finally:
                self._asked.clear()

    async def tend(self) -> None:
        """Collect if it is time to or somebody asked for it, else only remove what has had its grace."""
        last_run_s, _ = await self._disposal.last_run()
        if self._asked.is_set() or self._uptime.now_s() >= max(last_run_s, self._tried_s) + self._patience.every_s:
            self._tried_s = self._uptime.now_s()
            done = await self.collect(over_half=False)
            told = (done.freed.chunks, done.freed.size, done.leaving.chunks, done.waiting.chunks)
            logger.info("of unused chunks %d are gone with %d bytes, %d are in their grace, %d wait", *told)
            return
        async with self._lock:
            await self._check_basis()
            await self._remove()

    def stop(self) -> None:
        """Break off a collection under way; the next one goes on where it was."""
        if self._collecting is not None:
            self._collecting.cancel()

    async def collect(self, *, over_half: bool) -> Collected:
        """Mark what is used, take what is not one step further, remove what has had its grace.

        Args:
            over_half: go on though more than half of the store would go.

        Raises:
            LimitReachedError: more than half would go; nothing was condemned.
            UnavailableError: what is used cannot be told; nothing was condemned.
            StorageError: the disk failed, or may not be written to. What was not judged by then stays.
        """
        async with self._lock, self._noted():
            self._database.require_writable()
            await self._room.make_way()
            await self._check_basis()
            await self._disposal.take_back()
            freed = await self._remove()
            run_s = max(self._uptime.now_s(), (await self._disposal.last_run())[0] + 1)
            mark = Mark(self._folder)
            try:
                await self._offload.run(mark.open)
                survey, condemned, strays = await self._run(mark, run_s, over_half=over_half)
            finally:
                await asyncio.shield(self._offload.run(mark.close))
            removed = await self._remove()
            left = survey.leaving + condemned
            leaving = Freed(left.chunks - removed.chunks, left.size - removed.size)
            self._last = Collected(freed + strays + removed, leaving, survey.waiting)
            return self._last

    @asynccontextmanager
    async def _noted(self) -> AsyncIterator[None]:
        """Note which task collects, for `stop`, and why it broke off."""
        self._collecting = asyncio.current_task()
        self._refused = None
        try:
            yield
        except (AppError, StorageError) as error:
            self._refused = str(error)
            raise
        finally:
            self._collecting = None

    async def _run(self, mark: Mark, run_s: int, *, over_half: bool) -> tuple[Survey, Freed, Freed]:
        due_s = min(run_s - self._patience.unused_for_s, run_s - 1)
        run = Collection(self._database, self._store, self._uptime, mark, self._offload, run_s=run_s, due_s=due_s)
        await run.gather()
        survey = await run.survey()
        if survey.is_over_half and not over_half:
            raise LimitReachedError(
                f"{survey.due.chunks} of {survey.total.chunks} chunks are unused, over half of the store: if that is "
                "what you deleted, run cairn gc --over-half."
            )
        condemned, strays = await run.condemn() if survey.due.chunks else (Freed(), Freed())
        await run.finish()
        return survey, condemned, strays

    async def _remove(self) -> Freed:
        """Remove what has had its grace, and give back the room that it had."""
        freed = Freed()
        while (some := await self._disposal.remove(self._uptime.now_s() - self._patience.grace_s)).chunks:
            freed += some
        if freed.chunks:
            await self._disposal.shrink()
        return freed

    async def _check_basis(self) -> None:
        """Forget what was found unused if the metadata was put back since: older versions may use it."""
        if not self._is_checked:
            _, basis = await self._disposal.last_run()
            if basis is not None and not await self._database.read(partial(journal.holds, place=basis)):
                logger.warning("the database was put back from a copy, so all counts as used until the next collection")
                await self._disposal.forget()
            self._is_checked = True
