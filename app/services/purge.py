"""Forgets what was deleted for good: in slices, leaves first, and the space comes back with each."""

from collections import defaultdict
from collections.abc import Sequence

from app.db.transaction import Transaction
from app.repositories import deletions, jobs, members, nodes, properties, spaces, versions
from app.repositories.jobs import DONE, Job, JobKind, Rest, Walk
from app.repositories.journal import Operation
from app.repositories.nodes import Kind, Node

SLICE = 300
CHUNKS = 20_000
"""Chunks after which a slice ends, however few files had them."""


def begin_purge(tx: Transaction, node_id: int, *, root_of: int | None, user_id: int, actor_id: int) -> None:
    """Take an entry out of the trash for good, and let a job forget it and all below it.

    Args:
        root_of: the shared space whose root it is, if it is one.
        user_id: whose trash it is; of a shared space its owner, who alone still sees it and leaves it too.
        actor_id: who does it.
    """
    if root_of is not None:
        members.leave(tx, space_id=root_of, user_id=user_id, seq=tx.counters.seq + 1)
    tx.record(node_id=node_id, operation=Operation.PURGE, actor_id=actor_id)
    deletions.hide_from_trash(tx, node_id)
    walk = Walk.from_top(node_id)
    jobs.add(tx, JobKind.PURGE, user_id=user_id, actor_id=actor_id, node_id=node_id, state=walk)


def purge_slice(tx: Transaction, job: Job, *, limit: int = SLICE) -> Rest:
    """Forget up to `limit` nodes at or below a trashed one; what was trashed before it stays an entry of its own."""
    top = nodes.find(tx, job.node_id)
    if top is None:
        return DONE
    steps, room, chunks = [step for step in job.state(Walk).steps if _is_below(tx, step[0], top)], limit, 0
    while steps and room and chunks < CHUNKS:
        children = deletions.next_children(tx, steps[-1][0], after="", limit=room)
        files = [child.id for child in children if child.kind is not Kind.FOLDER]
        fit, more = versions.first_of(tx, files, chunks=CHUNKS - chunks)
        gone, chunks = files[:fit], chunks + more
        if fit == len(files):  # else the others are found again
            if fit < len(children):
                steps.append((children[-1].id, ""))
            elif len(children) < room:
                gone.append(steps.pop()[0])
        _forget(tx, top, gone)
        room -= len(gone)
    return Walk(tuple(steps)).rest(limit - room)


def _is_below(tx: Transaction, folder_id: int, top: Node) -> bool:
    """Tell whether a folder that a walk noted still goes with the one on top: what was taken away from it stays."""
    return any(step.id == top.id for step in nodes.way_up(tx, folder_id))


def _forget(tx: Transaction, top: Node, node_ids: Sequence[int]) -> None:
    by_space = defaultdict[int, list[int]](list)  # more than one while a job carries them over to another
    for node_id in node_ids:
        by_space[nodes.space_of(tx, node_id)].append(node_id)
    for space_id, gone in by_space.items():
        freed, kept = versions.delete_of_nodes(tx, gone, space_id=space_id), properties.delete_of_nodes(tx, gone)
        spaces.adjust(tx, space_id, used=-freed, property_size=-kept)
    deletions.purge(tx, node_ids, dead_seq=top.dead_seq)
