"""Runs work that is too long for one transaction: slice by slice, each durable, resumed at the next start."""

import asyncio
import logging
from collections.abc import Callable, Mapping

from app.db.database import Database, Use
from app.db.transaction import Transaction
from app.repositories import jobs
from app.repositories.jobs import Job, JobKind, Walk
from storage.errors import StorageError

logger = logging.getLogger(__name__)

Slice = Callable[[Transaction, Job], Walk]
RETRY_S = 5.0


class JobService:
    """Works off the jobs in turn, one slice a transaction, so that people's commits go in between."""

    def __init__(self, database: Database, slices: Mapping[JobKind, Slice]) -> None:
        """Take the database, and for each kind the function that does one slice and returns what is left."""
        self._database = database
        self._slices = slices
        self._added = asyncio.Event()
        self._added.set()
        self._idle = asyncio.Event()
        self._broken: set[int] = set()

    def added(self) -> None:
        """Say that a job was written and committed."""
        self._idle.clear()
        self._added.set()

    async def wait_idle(self) -> None:
        """Return once no job is left that can be done."""
        await self._idle.wait()

    async def run(self) -> None:
        """Work until cancelled; what is left then is resumed at the next start."""
        while True:
            await self._added.wait()
            self._added.clear()
            while await self.advance():
                pass
            if not self._added.is_set():
                self._idle.set()

    async def advance(self) -> bool:
        """Do one slice of every job; tell whether there was one to do."""
        waiting = await self._waiting()
        for job_id in waiting:
            await self._advance(job_id)
        return bool(waiting)

    async def _waiting(self) -> list[int]:
        while True:
            try:
                found = await self._database.read(jobs.unfinished)
            except StorageError as error:
                logger.warning("jobs wait, for %s", error)
                await asyncio.sleep(RETRY_S)
            else:
                return [job_id for job_id in found if job_id not in self._broken]

    async def _advance(self, job_id: int) -> None:
        """Do one slice; a job that meets a fault is left alone until the next start, and holds up no other."""
        try:
            await self._database.write(lambda tx: self._slice(tx, job_id), use=Use.FREES)
        except StorageError as error:
            logger.warning("job %d waits, for %s", job_id, error)
            await asyncio.sleep(RETRY_S)
        except Exception:
            logger.exception("job %d failed; the next start tries it again", job_id)
            self._broken.add(job_id)

    def _slice(self, tx: Transaction, job_id: int) -> None:
        job = jobs.find(tx, job_id)
        if job is not None:
            jobs.save(tx, job.id, self._slices[job.kind](tx, job))
