"""Runs work that is too long for one transaction: slice by slice, each durable, resumed at the next start."""

import asyncio
import logging
from collections.abc import Callable, Mapping

from app.db.database import Database
from app.db.transaction import Transaction
from app.repositories import jobs
from app.repositories.jobs import Job, JobKind, Walk
from storage.errors import StorageError

logger = logging.getLogger(__name__)

Slice = Callable[[Transaction, Job], Walk]
RETRY_S = 5.0


class JobService:
    """Works off the jobs, oldest first, one slice a transaction, so that people's commits go in between."""

    def __init__(self, database: Database, slices: Mapping[JobKind, Slice]) -> None:
        """Take the database, and for each kind the function that does one slice and returns what is left."""
        self._database = database
        self._slices = slices
        self._added = asyncio.Event()
        self._added.set()
        self._idle = asyncio.Event()

    def added(self) -> None:
        """Say that a job was written and committed."""
        self._idle.clear()
        self._added.set()

    async def wait_idle(self) -> None:
        """Return once no job is left."""
        await self._idle.wait()

    async def run(self) -> None:
        """Work until cancelled; what is left then is resumed at the next start."""
        while True:
            await self._added.wait()
            self._added.clear()
            while waiting := await self._database.read(jobs.unfinished):
                await self._finish(waiting[0])
            if not self._added.is_set():
                self._idle.set()

    async def _finish(self, job_id: int) -> None:
        while True:
            try:
                if not await self._database.write(lambda tx: self._slice(tx, job_id)):
                    return
            except StorageError as error:
                logger.warning("job %d waits, for %s", job_id, error)
                await asyncio.sleep(RETRY_S)

    def _slice(self, tx: Transaction, job_id: int) -> bool:
        """Do one slice; tell whether something is left."""
        job = jobs.find(tx, job_id)
        if job is None:
            return False
        rest = self._slices[job.kind](tx, job)
        jobs.save(tx, job.id, rest)
        return bool(rest.folders)
