"""Rewind and undo: asked for, planned in slices, done in slices, and told what was left alone."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from app.auth.identity import Actor, ActorKind, Reach
from app.auth.usernames import fold
from app.db.database import Database
from app.db.transaction import Snapshot, Transaction
from app.errors import ForbiddenError, InvalidRequestError, NotFoundError, UnauthenticatedError
from app.ids import decode_id, encode_id
from app.repositories import actors, jobs, members, moments, nodes, plans, spaces, users
from app.repositories.jobs import Job, JobKind, Rest
from app.repositories.plans import Outcome
from app.services import access
from app.services.access import Right
from app.services.jobs import JobService, look
from app.services.moments import seq_at, seq_before
from app.services.planned import Outcomes, Planned, Stage, asker_of
from app.services.put_back import PutBack, keep_above
from app.services.rewind import plan_rewind
from app.services.takebacks_shown import Preview, Shown, preview, shown
from app.services.undo import MayUndo, guard_slice, plan_undo


@dataclass(frozen=True, slots=True)
class Whose:
    """Whose changes are taken back: one of the three."""

    device_id: str | None = None
    link_id: str | None = None
    username: str | None = None


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
            ForbiddenError: it is not the actor's to change, or the credential sees one folder: what was there may have
                come from elsewhere, and goes back there.
            InvalidRequestError: the history does not reach back to that time.
        """
        access.require_whole_view(actor)

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
            page = [shown(tx, actor, entry) for entry in found[:limit]]
            return page, found[limit - 1].node_id if len(found) > limit else None

        return await self._database.read(work)

    async def _start(self, actor: Actor, work: Callable[[Transaction], Job], *, dry_run: bool) -> Preview | str:
        job = await self._database.write(work)
        self._jobs.added()
        if not dry_run:
            return encode_id(job.id, job.tag)
        await self._jobs.done(job.id)
        try:
            return await self._database.read(lambda tx: preview(tx, actor, job.id))
        finally:
            await self._jobs.forget_now(job.id)


def rewind_slice(tx: Transaction, job: Job) -> Rest:
    """Do one slice of a rewind; it ends where the folder or the asker is gone, or the right to change it."""
    planned = job.state(Planned)
    try:
        actor = asker_of(tx, job, planned.scope)
        top = access.look_number(tx, actor, job.node_id)
        top.require(Right.WRITE)
    except (UnauthenticatedError, NotFoundError, ForbiddenError) as error:
        return _ended(tx, job, reason=error.code)
    if planned.stage is Stage.APPLY:
        return _apply(tx, job, actor, planned, _having(tx, actor, Right.WRITE))
    place = plan_rewind(tx, job.id, top.node, planned)
    if place != (0, 0):
        return Rest(replace(planned, place=place))
    return _planned(tx, job, planned)


def undo_slice(tx: Transaction, job: Job) -> Rest:
    """Do one slice of an undo; it ends where the asker is gone."""
    planned = job.state(Planned)
    try:
        actor = asker_of(tx, job, planned.scope)
    except UnauthenticatedError as error:
        return _ended(tx, job, reason=error.code)
    may_undo = _having(tx, actor, Right.WRITE if planned.is_own else Right.SHARE)  # owners take back what others did
    if planned.stage is Stage.APPLY:
        return _apply(tx, job, actor, planned, may_undo)
    if planned.stage is Stage.COLLECT:
        return Rest(plan_undo(tx, job.id, planned, may_undo))
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


def _apply(tx: Transaction, job: Job, actor: Actor, planned: Planned, may_change: MayUndo) -> Rest:
    tried = PutBack(tx, job.id, actor, planned.upto, may_change).run()
    return Rest(planned, done=tried) if tried else _ended(tx, job)


def _ended(tx: Transaction, job: Job, *, reason: str | None = None) -> Rest:
    """End a job; what is left of its plan is what it left alone."""
    kept = plans.count(tx, job.id)
    total = max(job.total, kept)  # the plan was not complete where it ends early
    return Rest(None, done=total - job.done, total=total, result=Outcomes(total - kept, kept, reason))


def _add(tx: Transaction, kind: JobKind, actor: Actor, node_id: int, planned: Planned) -> Job:
    return jobs.add(tx, kind, user_id=actor.user_id, actor_id=actor.id, node_id=node_id, state=planned)


def _actors_of(tx: Snapshot, actor: Actor, whose: Whose) -> tuple[tuple[int, ...], bool]:
    """Return whose changes are meant, and whether all of them are of the user who asks."""
    if whose.username is not None:
        user = users.find(tx, fold(whose.username))
        if user is not None and user.id == actor.user_id:
            return tuple(moments.actors_of(tx, user.id)), True
        # Nobody learns who has an account: of a stranger no change is looked for either.
        known = _was_among(tx, actor, 0 if user is None else user.id)
        return tuple(moments.actors_of(tx, user.id)) if user is not None and known else (), False
    wanted = whose.device_id if whose.device_id is not None else whose.link_id
    number, tag = decode_id(wanted or "")
    row = actors.find(tx, number)
    is_link = whose.link_id is not None
    if row is None or row.tag != tag or row.user_id != actor.user_id or (row.kind == ActorKind.LINK) != is_link:
        raise NotFoundError(f"You have no {'link' if is_link else 'device'} with this id.")
    return (row.id,), True


def _was_among(tx: Snapshot, actor: Actor, user_id: int) -> bool:
    """Tell whether a user is or was in a shared folder whose owner asks."""
    owned = (space for space in access.spaces_of(tx, actor) if Right.SHARE in access.rights_in(tx, actor, space))
    return any(members.find(tx, user_id, space.id) is not None for space in owned)


def _having(tx: Snapshot, actor: Actor, right: Right) -> Callable[[int], bool]:
    """Return what tells of a space whether the actor has a right in it now; each is looked at once."""
    known: dict[int, bool] = {}

    def has_right(space_id: int) -> bool:
        if space_id not in known:
            known[space_id] = right in access.rights_in(tx, actor, spaces.get(tx, space_id))
        return known[space_id]

    return has_right
