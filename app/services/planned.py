"""What a rewind and an undo have in common: where they stand between slices, and what came of them."""

from dataclasses import dataclass
from enum import StrEnum

from app.auth.identity import Actor, ActorKind, Scope
from app.db.transaction import Snapshot
from app.errors import UnauthenticatedError
from app.repositories import actors, users
from app.repositories.jobs import Job


class Stage(StrEnum):
    """What is being done."""

    COLLECT = "collect"
    """The plan is drawn up."""
    GUARD = "guard"
    """New folders that hold what others made are taken out of it."""
    APPLY = "apply"


@dataclass(frozen=True, slots=True)
class Planned:
    """Where a rewind or an undo stands.

    Attributes:
        scope: of who asked; what a job does is never more than they may.
        dry_run: the plan is all that is wanted.
        since: seq after which the changes are that are taken back.
        until: seq of the last of them; of a rewind, the journal's head when it was asked for.
        upto: the journal's head when it was asked for; what changes behind it is left alone.
        actor_ids: of an undo, whose changes are taken back.
        is_own: they are all of who asked.
        place: how far the stage has read; of an undo, the first number says which actor or space is being read.
        space_ids: spaces in which something made by the actors is to go.
    """

    stage: Stage
    scope: Scope
    dry_run: bool
    since: int
    until: int
    upto: int
    actor_ids: tuple[int, ...] = ()
    is_own: bool = False
    place: tuple[int, int] = (0, 0)
    space_ids: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Outcomes:
    """What came of a rewind or an undo.

    Attributes:
        changed: how many nodes were put back.
        kept: how many were left alone.
        reason: why it ended early: the code of the refusal that asking for it would meet now; None if it did not.
    """

    changed: int = 0
    kept: int = 0
    reason: str | None = None


def asker_of(tx: Snapshot, job: Job, scope: Scope) -> Actor:
    """Return who asked for a job, as far as rights go by it.

    Raises:
        UnauthenticatedError: that credential was revoked, or its account is disabled or deleted.
    """
    row = actors.find(tx, job.actor_id)
    if row is None:
        raise AssertionError(f"job {job.id} was asked for by nobody")
    if row.revoked_ms is not None or users.get(tx, row.user_id).disabled_ms is not None:
        raise UnauthenticatedError("Who asked for this has no access any more.")
    return Actor(row.id, row.user_id, "", 0, ActorKind(row.kind), is_admin=False, proved_ms=0, scope=scope)
