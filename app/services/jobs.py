"""Runs work that is too long for one transaction: slice by slice, each durable, resumed at the next start."""

import asyncio
import hmac
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from app.auth.identity import Actor
from app.clock import now_ms
from app.db.database import Database, Use
from app.db.transaction import Snapshot, Transaction
from app.errors import NotFoundError, UnavailableError
from app.ids import decode_id, number_after
from app.repositories import jobs, plans, users
from app.repositories.jobs import Job, JobKind, Rest
from storage.errors import StorageError

logger = logging.getLogger(__name__)

Slice = Callable[[Transaction, Job], Rest]
"""Does one slice of a job in one transaction, of some 20 ms at most, and returns what is left."""
RETRY_S = 5.0
KEPT_MS = 14 * 24 * 3600 * 1000
"""How long who asked for a job may read what came of it."""
FORGOTTEN_AT_ONCE = 2000


class StepError(Exception):
    """Something in a slice cannot be done: the slice is undone, and tried again once that is left out."""

    def __init__(self, leave_out: Callable[[Transaction], None]) -> None:
        """Take what leaves it out of the job, in a transaction of its own."""
        super().__init__("A step of a job was refused.")
        self.leave_out = leave_out


@dataclass(frozen=True, slots=True)
class Report:
    """A job, and how it goes: `failed` until the next start, which tries it again."""

    job: Job
    state: Literal["running", "done", "failed"]


@dataclass(frozen=True, slots=True)
class OfUser:
    """How a job goes, and the name of the user for whom it is done."""

    report: Report
    username: str


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
        self._waiting: dict[int, asyncio.Event] = {}

    def added(self) -> None:
        """Say that a job was written and committed."""
        self._idle.clear()
        self._added.set()

    async def get(self, actor: Actor, job_id: str) -> Report:
        """Return a job that the actor's user asked for; a credential that sees one folder sees its own jobs alone.

        Raises:
            NotFoundError: there is none, or it ended long ago.
        """
        return self._report(await self._database.read(lambda tx: look(tx, actor, job_id)))

    async def list_page(self, *, after: str | None, limit: int) -> list[OfUser]:
        """Return up to `limit` jobs that have work left, of all users, behind the id `after`, oldest first.

        Raises:
            InvalidRequestError: `after` is no id.
        """
        number = number_after(after)

        def work(tx: Snapshot) -> list[OfUser]:
            found = jobs.unfinished_page(tx, after=number, limit=limit)
            return [OfUser(self._report(job), users.get(tx, job.user_id).name) for job in found]

        return await self._database.read(work)

    async def done(self, job_id: int) -> None:
        """Return once a job is done; `run` works on it meanwhile.

        Raises:
            UnavailableError: it met a fault, and the next start tries it again.
        """
        event = self._waiting.setdefault(job_id, asyncio.Event())
        # Asked after the event is there: what ends from now on sets it.
        job = await self._database.read(lambda tx: jobs.find(tx, job_id))
        if job is not None and job.done_ms is None and job_id not in self._broken:
            await event.wait()
        else:
            self._tell(job_id)
        if job_id in self._broken:
            raise _unfinished()

    async def complete(self, job_id: int) -> None:
        """Work a job off now, slice after slice, for somebody who waits for it.

        Raises:
            UnavailableError: it met a fault, and the next start tries it again.
        """
        while job_id not in self._broken and not await self._advance(job_id):
            pass
        if job_id in self._broken:
            raise _unfinished()

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
        waiting = await self._unfinished()
        for job_id in waiting:
            await self._advance(job_id)
        return bool(waiting)

    async def forget(self) -> None:
        """Forget jobs that ended long ago."""

        def work(tx: Transaction) -> bool:
            found = jobs.ended(tx, before_ms=now_ms() - KEPT_MS, limit=1)
            return any(_forget(tx, job_id) for job_id in found)

        while await self._database.write(work, use=Use.FREES):
            pass

    async def forget_now(self, job_id: int) -> None:
        """Forget a job that is done, with all that stands about it."""
        while await self._database.write(lambda tx: _forget(tx, job_id), use=Use.FREES):
            pass

    async def _unfinished(self) -> list[int]:
        while True:
            try:
                found = await self._database.read(jobs.unfinished)
            except StorageError as error:
                logger.warning("jobs wait, for %s", error)
                await asyncio.sleep(RETRY_S)
            else:
                return [job_id for job_id in found if job_id not in self._broken]

    async def _advance(self, job_id: int) -> bool:
        """Do one slice and tell whether the job is done.

        One that meets a fault is left alone until the next start, and holds up no other.
        """
        is_done = False
        try:
            is_done = await self._slice_of(job_id)
        except StorageError as error:
            logger.warning("job %d waits, for %s", job_id, error)
            await asyncio.sleep(RETRY_S)
        except Exception:
            logger.exception("job %d failed; the next start tries it again", job_id)
            self._broken.add(job_id)
            self._tell(job_id)
        else:
            if is_done:
                self._tell(job_id)
        return is_done

    async def _slice_of(self, job_id: int) -> bool:
        try:
            return await self._database.write(lambda tx: self._slice(tx, job_id), use=Use.FREES)
        except StepError as error:
            logger.warning("job %d leaves something out, for %r", job_id, error.__cause__)
            await self._database.write(error.leave_out, use=Use.FREES)
            return False

    def _slice(self, tx: Transaction, job_id: int) -> bool:
        job = jobs.find(tx, job_id)
        return job is None or job.done_ms is not None or jobs.save(tx, job, self._slices[job.kind](tx, job))

    def _tell(self, job_id: int) -> None:
        """Wake who waits for this job."""
        event = self._waiting.pop(job_id, None)
        if event is not None:
            event.set()

    def _report(self, job: Job) -> Report:
        if job.done_ms is not None:
            return Report(job, "done")
        return Report(job, "failed" if job.id in self._broken else "running")


def _forget(tx: Transaction, job_id: int) -> bool:
    """Forget some of what stands about a job, and at last the job; tell whether there was anything."""
    if jobs.find(tx, job_id) is None:
        return False
    if not plans.trim(tx, job_id, limit=FORGOTTEN_AT_ONCE):
        jobs.delete(tx, job_id)
    return True


def _unfinished() -> UnavailableError:
    return UnavailableError("This could not be finished; the server tries again when it starts next.")


def look(tx: Snapshot, actor: Actor, job_id: str) -> Job:
    """Return a job that the actor may ask about, as `JobService.get` does."""
    number, tag = decode_id(job_id)
    job = jobs.find(tx, number)
    if job is None or job.kind not in jobs.TOLD or not hmac.compare_digest(job.tag, tag) or not _may_see(actor, job):
        raise NotFoundError("There is no job with this id.")
    return job


def _may_see(actor: Actor, job: Job) -> bool:
    return job.user_id == actor.user_id and (actor.scope.root_id is None or job.actor_id == actor.id)
