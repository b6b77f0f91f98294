"""What a person is shown of a plan: of a dry run all of it, of what is over what it left alone."""

from dataclasses import dataclass
from typing import Literal

from app.auth.identity import Actor
from app.db.transaction import Snapshot
from app.errors import ForbiddenError, NotFoundError
from app.ids import encode_id
from app.repositories import jobs, nodes, plans
from app.repositories.plans import Entry, Outcome, Step
from app.services.past_sight import look_ever
from app.services.planned import Outcomes

FIRST_ENTRIES = 100
Action = Literal["restore", "move", "content", "trash", "keep"]
"""What a line of a plan does to its node."""


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


def preview(tx: Snapshot, actor: Actor, job_id: int) -> Preview:
    """Return what a dry run that is over found.

    Raises:
        ForbiddenError: it ended early, for who asked lost the right to it.
    """
    job = jobs.find(tx, job_id)
    outcomes = None if job is None else job.result(Outcomes)
    if outcomes is not None and outcomes.reason is not None:
        raise ForbiddenError("You lost the right to this meanwhile.")
    total, kept = plans.count(tx, job_id), plans.count_kept(tx, job_id)
    found = plans.page(tx, job_id, after=0, limit=FIRST_ENTRIES)
    return Preview(total - kept, kept, [shown(tx, actor, entry) for entry in found])


def shown(tx: Snapshot, actor: Actor, entry: Entry) -> Shown:
    """Return a line of a plan as the actor sees it."""
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
