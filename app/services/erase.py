"""Forgets all that a space holds, its trash too, in slices: the files of somebody whose account was deleted."""

from collections import defaultdict

from app.db.transaction import Transaction
from app.repositories import deletions, erasures, jobs, nodes, spaces, versions
from app.repositories.erasures import Place
from app.repositories.jobs import DONE, Job, JobKind, Rest
from app.repositories.spaces import Space

SLICE = 300


def begin_erasing(tx: Transaction, space: Space, *, user_id: int, actor_id: int | None) -> None:
    """Let a space vanish at once, and write the job that frees its room; the caller tells the JobService.

    Args:
        user_id: who asks.
        actor_id: with which credential; None for the server itself.
    """
    root = nodes.find(tx, space.root_id)
    if root is None:
        raise AssertionError(f"space {space.id} has no root")
    actor_id = root.actor_id if actor_id is None else actor_id  # of a home it is the server's own
    seq = deletions.trash(tx, root, actor_id=actor_id)
    deletions.hide_from_trash(tx, root.id)
    spaces.adjust(tx, space.id, seq=seq)
    jobs.add(tx, JobKind.ERASE, user_id=user_id, actor_id=actor_id, node_id=root.id, state=Place())


def erase_slice(tx: Transaction, job: Job) -> Rest:
    """Forget some nodes; what was deleted before keeps the mark under which its name was free for others."""
    root = nodes.find(tx, job.node_id)
    if root is None:
        return DONE
    found = erasures.next_nodes(tx, root.space_id, job.state(Place), limit=SLICE)
    if not found:
        return DONE
    size = versions.delete_of_nodes(tx, [node.id for node in found])
    by_mark: dict[int, list[int]] = defaultdict(list)
    for node in found:
        by_mark[node.dead_seq or root.dead_seq].append(node.id)
    for dead_seq, node_ids in by_mark.items():
        deletions.purge(tx, node_ids, dead_seq=dead_seq)
    spaces.adjust(tx, root.space_id, used=-size)
    return Rest(Place(found[-1].feed_seq, found[-1].id), len(found))
