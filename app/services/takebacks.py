"""Rewind and undo: asked for, planned in slices, done in slices, and told what was left alone."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

from app.auth.identity import Actor, ActorKind, Reach
from app.auth.usernames import fold
from app.db.database import Database
from app.db.transaction import Snapshot, Transaction
from app.errors import ForbiddenError, InvalidRequestError, NotFoundError
from app.ids import decode_id, encode_id
from app.repositories import actors, jobs, moments, nodes, plans, spaces, users
from app.repositories.jobs import Job, JobKind, Rest
from app.repositories.plans import Entry, Outcome, Step
from app.services import access
from app.services.access import Right
from app.services.jobs import JobService, look
from app.services.moments import seq_at, seq_before
from app.services.past_sight import look_ever
from app.services.planned import Outcomes, Planned, Stage, asker_of
from app.services.put_back import PutBack, keep_above
from app.services.rewind import plan_rewind
from app.services.undo import guard_slice, plan_undo

FIRST_ENTRIES = 100
Action = Literal["restore", "move", "content", "trash", "keep"]
"""What a line of a plan does to its node."""


@dataclass(frozen=True, slots=True)
class Whose:
    """Whose changes are taken back: one of the three."""

    device_id: str | None = None
    link_id: str | None = None
    username: str | None = None


@dataclass(frozen=True, slots=True)
class Shown:
    """A line of a plan as a person sees it; `path` is where the node is now, or was when it was deleted."""

    file_id: str
    path: str
    entry: Entry
    is_deleted: bool


@dataclass(frozen=True, slots=True)
class Preview:
    """What a rewind or undo would do: how many nodes it puts back and leaves alone, and the first of them."""

    changes: int
    kept: int
    entries: list[Shown]


class TakeBackService:
    """Takes changes back, as new changes."""

    def __init__(self, database: Database, jobs_: JobService) -> None:
        """Take the database, and who works off what goes in slices."""
        self._database = database
        self._jobs = jobs_

    async def rewind(self, actor: Actor, file_id: str, time_ms: int, *, dry_run: bool) -> Preview | str:
        """Put what is below a folder back as it was at a time; return the job's id, or what it would do.

        Raises:
            NotFoundError: there is no such folder.
            ForbiddenError: it is not the actor's to change.
            InvalidRequestError: the history does not reach back to that time.
        """

        def work(tx: Transaction) -> Job:
            sight = access.look(tx, actor, file_id)
            if not sight.node.is_folder:
                raise NotFoundError("There is no folder with this id.")
            sight.require(Right.WRITE)
            head = tx.counters.seq
            since = seq_at(tx, sight.space.id, time_ms)
            planned = Planned(Stage.COLLECT, actor.scope, dry_run, since, head, head)
            return _add(tx, JobKind.REWIND, actor, sight.node.id, planned)

        return await self._start(actor, work, dry_run=dry_run)

    async def undo(self, actor: Actor, whose: Whose, from_ms: int, to_ms: int, *, dry_run: bool) -> Preview | str:
        """Take back what one actor did in a span; return as `rewind` does.

        Raises:
            NotFoundError: there is no such device or link of the actor's user.
            ForbiddenError: the credential reaches less than all.
            InvalidRequestError: the span ends before it begins.
        """
        if actor.scope.root_id is not None or actor.scope.reach is not Reach.ALL:
            raise ForbiddenError("This credential may not undo: it does not reach everything.")
        if to_ms < from_ms:
            raise InvalidRequestError("The span ends before it begins.")

        def work(tx: Transaction) -> Job:
            home = access.home(tx, actor)
            since, until = seq_before(tx, from_ms), seq_before(tx, to_ms + 1)
            actor_ids, is_own = _actors_of(tx, actor, whose)
            planned = Planned(
                Stage.COLLECT, actor.scope, dry_run, since, until, tx.counters.seq, actor_ids, is_own=is_own
            )
            return _add(tx, JobKind.UNDO, actor, home.node.id, planned)

        return await self._start(actor, work, dry_run=dry_run)

    async def list_kept(self, actor: Actor, job_id: str, *, after: int, limit: int) -> tuple[list[Shown], int | None]:
        """Return up to `limit` nodes that a job left alone, and where they end; None at the end.

        Raises:
            NotFoundError: there is no such job.
        """

        def work(tx: Snapshot) -> tuple[list[Shown], int | None]:
            job = look(tx, actor, job_id)
            found = [] if job.done_ms is None else plans.page(tx, job.id, after=after, limit=limit + 1)
            page = [_shown(tx, actor, entry) for entry in found[:limit]]
            return page, found[limit - 1].node_id if len(found) > limit else None

        return await self._database.read(work)

    async def _start(self, actor: Actor, work: Callable[[Transaction], Job], *, dry_run: bool) -> Preview | str:
        job = await self._database.write(work)
        self._jobs.added()
        if not dry_run:
            return encode_id(job.id, job.tag)
        await self._jobs.done(job.id)
        preview = await self._database.read(lambda tx: _preview(tx, actor, job.id))
        await self._jobs.forget_now(job.id)
        return preview


def rewind_slice(tx: Transaction, job: Job) -> Rest:
    """Do one slice of a rewind; it ends where the folder is gone, or no longer the asker's to change."""
    planned = job.state(Planned)
    actor = asker_of(tx, job, planned.scope)
    try:
        top = access.look_number(tx, actor, job.node_id)
        top.require(Right.WRITE)
    except (NotFoundError, ForbiddenError):
        return _ended(tx, job)
    if planned.stage is Stage.APPLY:
        return _apply(tx, job, actor, planned)
    place = plan_rewind(tx, job.id, top.node, planned)
    if place != (0, 0):
        return Rest(replace(planned, place=place))
    return _planned(tx, job, planned)


def undo_slice(tx: Transaction, job: Job) -> Rest:
    """Do one slice of an undo."""
    planned = job.state(Planned)
    actor = asker_of(tx, job, planned.scope)
    if planned.stage is Stage.APPLY:
        return _apply(tx, job, actor, planned)
    if planned.stage is Stage.COLLECT:
        return Rest(plan_undo(tx, job.id, planned, _rights(tx, actor, planned)))
    guarded = guard_slice(tx, job.id, planned)
    return Rest(guarded) if guarded.stage is Stage.GUARD else _planned(tx, job, guarded)


def _planned(tx: Transaction, job: Job, planned: Planned) -> Rest:
    """Go on to what the plan says, or of a dry run end with it."""
    for node_id in plans.kept_as(tx, job.id, Outcome.SHARED):
        node = nodes.find(tx, node_id)
        if node is not None and node.parent_id is not None:
            keep_above(tx, job.id, node.parent_id)  # nothing takes a shared folder along to the trash
    total = plans.count(tx, job.id)
    if planned.dry_run:
        return Rest(None, total=total)
    return Rest(replace(planned, stage=Stage.APPLY, place=(0, 0)), total=total)


def _apply(tx: Transaction, job: Job, actor: Actor, planned: Planned) -> Rest:
    tried = PutBack(tx, job.id, actor, planned.upto).run()
    return Rest(planned, done=tried) if tried else _ended(tx, job)


def _ended(tx: Transaction, job: Job) -> Rest:
    """End a job; what is left of its plan is what it left alone."""
    kept = plans.count(tx, job.id)
    return Rest(None, done=job.total - job.done, result=Outcomes(max(job.total - kept, 0), kept))


def _add(tx: Transaction, kind: JobKind, actor: Actor, node_id: int, planned: Planned) -> Job:
    return jobs.add(tx, kind, user_id=actor.user_id, actor_id=actor.id, node_id=node_id, state=planned)


def _actors_of(tx: Snapshot, actor: Actor, whose: Whose) -> tuple[tuple[int, ...], bool]:
    """Return whose changes are meant, and whether all of them are of the user who asks."""
    if whose.username is not None:
        user = users.find(tx, fold(whose.username))
        found = () if user is None else tuple(moments.actors_of(tx, user.id))  # nobody learns who has an account
        return found, user is not None and user.id == actor.user_id
    wanted = whose.device_id if whose.device_id is not None else whose.link_id
    number, tag = decode_id(wanted or "")
    row = actors.find(tx, number)
    is_link = whose.link_id is not None
    if row is None or row.tag != tag or row.user_id != actor.user_id or (row.kind == ActorKind.LINK) != is_link:
        raise NotFoundError(f"You have no {'link' if is_link else 'device'} with this id.")
    return (row.id,), True


def _rights(tx: Snapshot, actor: Actor, planned: Planned) -> Callable[[int], bool]:
    """Return what tells whether the asker may take back these changes in a space: owners all, others their own."""
    known: dict[int, bool] = {}

    def may_undo(space_id: int) -> bool:
        if space_id not in known:
            rights = access.rights_in(tx, actor, spaces.get(tx, space_id))
            known[space_id] = Right.WRITE in rights and (planned.is_own or Right.SHARE in rights)
        return known[space_id]

    return may_undo


def _preview(tx: Snapshot, actor: Actor, job_id: int) -> Preview:
    total, kept = plans.count(tx, job_id), plans.count_kept(tx, job_id)
    found = plans.page(tx, job_id, after=0, limit=FIRST_ENTRIES)
    return Preview(total - kept, kept, [_shown(tx, actor, entry) for entry in found])


def _shown(tx: Snapshot, actor: Actor, entry: Entry) -> Shown:
    node = nodes.find(tx, entry.node_id)
    if node is None:
        return Shown("", f"/{entry.name}", entry, is_deleted=True)
    file_id = encode_id(node.id, node.tag)
    try:
        path = look_ever(tx, actor, file_id).path
    except NotFoundError:  # purged, or in a space that the asker sees no more
        path = f"/{entry.name}"
    return Shown(file_id, path, entry, is_deleted=node.dead_seq > 0)


def action_of(shown: Shown) -> Action:
    """Return in one word what a line of a plan does."""
    entry = shown.entry
    if entry.outcome is not Outcome.PENDING:
        return "keep"
    if entry.step is Step.PLACE:
        return "restore" if shown.is_deleted else "move"
    return "content" if entry.step is Step.CONTENT else "trash"
