"""The plan of an undo: for each node that an actor changed in a span, its last state that is none of theirs.

What others changed since is left alone. A folder that the actor made goes only if nothing in it is from anybody else.
"""

from collections.abc import Callable
from dataclasses import replace

from app.db.transaction import Transaction
from app.repositories import moments, nodes, plans
from app.repositories.journal import Operation
from app.repositories.moments import State
from app.repositories.nodes import Kind, Node
from app.repositories.plans import Entry, Outcome, Step
from app.services.planned import Planned, Stage
from app.services.put_back import keep_above
from app.services.rewind import entry

SLICE = 200

_CHANGES = {
    Operation.CREATE,
    Operation.CONTENT,
    Operation.MOVE,
    Operation.ATTRIBUTES,
    Operation.TRASH,
    Operation.RESTORE,
    Operation.PURGE,
}
"""What closes a state of a node; the rest of the journal brings things into somebody's view."""

MayUndo = Callable[[int], bool]
"""Tells of a space whether who asks may take back these changes in it."""


def plan_undo(tx: Transaction, job_id: int, planned: Planned, may_undo: MayUndo, *, limit: int = SLICE) -> Planned:
    """Plan for up to `limit` changes of one of the actors; return where that leaves the job."""
    which, after = planned.place
    if which >= len(planned.actor_ids):
        return replace(planned, stage=Stage.GUARD, place=(0, 0))
    start = max(after, planned.since)
    found = moments.touched_by(tx, planned.actor_ids[which], after=start, upto=planned.until, limit=limit)
    touched = {node_id: op for _, node_id, op in found if op in _CHANGES}
    space_ids = set(planned.space_ids)
    entries = []
    for node_id, op in touched.items():
        node = nodes.find(tx, node_id)
        if node is None or node.parent_id is None or not may_undo(node.space_id):
            continue
        planned_entry = _entry_of(tx, node, planned, is_purge=op == Operation.PURGE)
        if planned_entry is None:
            continue
        entries.append(planned_entry)
        if planned_entry.step is Step.TRASH:
            space_ids.add(node.space_id)
    plans.add(tx, job_id, entries)
    place = (which, found[-1][0]) if len(found) == limit else (which + 1, 0)
    return replace(planned, place=place, space_ids=tuple(sorted(space_ids)))


def guard_slice(tx: Transaction, job_id: int, planned: Planned, *, limit: int = SLICE) -> Planned:
    """Keep folders that are to go and hold what is not the actor's; return where that leaves the job."""
    if not planned.space_ids:
        return replace(planned, stage=Stage.APPLY)
    space_id, *rest = planned.space_ids
    place = planned.place if planned.place != (0, 0) else (planned.since, 2**62)
    # By places in the feed, which a reveal or a carry may have moved behind the head that the plan keeps to.
    found = moments.changed_after(tx, space_id, place, upto=tx.counters.seq, limit=limit)
    for _, node_id in found:
        node = nodes.find(tx, node_id)
        if node is not None and not node.dead_seq and not _is_theirs(node.actor_id, node.seq, planned):
            _guard(tx, job_id, node)
    if len(found) == limit:
        return replace(planned, place=found[-1])
    return replace(planned, place=(0, 0), space_ids=tuple(rest))


def _guard(tx: Transaction, job_id: int, node: Node) -> None:
    if node.parent_id is not None and plans.find_pending(tx, job_id, node.parent_id) is not None:
        keep_above(tx, job_id, node.parent_id)


def _entry_of(tx: Transaction, node: Node, planned: Planned, *, is_purge: bool) -> Entry | None:
    """Return what takes back what the actors did to a node; None if it is as it was, in the trash or not there."""
    if node.kind is Kind.MOUNT:
        return entry(node, Step.PLACE, None, Outcome.SHARED)
    if is_purge or (node.dead_seq and node.dead_ms is None):
        return entry(node, Step.PLACE, None, Outcome.PURGED)
    if not _is_theirs(node.actor_id, node.seq, planned):
        return entry(node, Step.PLACE, None, Outcome.CHANGED)
    target = next(
        (
            state
            for state in moments.states_backwards(tx, node.id)
            if not _is_theirs(state.actor_id, state.from_seq, planned)
        ),
        None,
    )
    if target is None:
        is_new = node.created_seq > planned.since
        if is_new and node.dead_seq:
            return None  # made and deleted in the span
        return entry(node, Step.TRASH, None, Outcome.PENDING if is_new else Outcome.NO_HISTORY)
    return _towards(node, target)


def _towards(node: Node, target: State) -> Entry | None:
    if target.dead_seq:
        return None if node.dead_seq else entry(node, Step.TRASH, None)
    is_there = (node.parent_id, node.name, node.dead_seq) == (target.parent_id, target.name, 0)
    return entry(node, Step.CONTENT if is_there else Step.PLACE, target)


def _is_theirs(actor_id: int, seq: int, planned: Planned) -> bool:
    """Tell whether a state was brought about by the actors, in the span."""
    return actor_id in planned.actor_ids and planned.since < seq <= planned.until
