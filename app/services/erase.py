"""Forgets all that a space holds, its trash too, in slices: the files of somebody whose account was deleted."""

from collections import defaultdict
from dataclasses import dataclass

from app.db.transaction import Snapshot, Transaction
from app.errors import UnavailableError
from app.repositories import deletions, erasures, jobs, nodes, properties, spaces, versions
from app.repositories.erasures import Place
from app.repositories.jobs import DONE, Job, JobKind, Rest
from app.repositories.spaces import Space

SLICE = 300
CHUNKS = 20_000
"""Chunks after which a slice ends, however few files had them."""
START = Place()


@dataclass(frozen=True, slots=True)
class Erasing:
    """What is left to do.

    Attributes:
        place: how far the space is forgotten.
        waits_for: number and state of jobs that were carrying nodes from one space to another when last looked at.
    """

    place: Place = START
    waits_for: tuple[tuple[int, str], ...] = ()


def begin_erasing(tx: Transaction, space: Space, *, user_id: int, actor_id: int) -> None:
    """Let a space vanish at once, and write the job that frees its room; the caller tells the JobService.

    Args:
        user_id: who asks.
        actor_id: with which credential.
    """
    root = nodes.find(tx, space.root_id)
    if root is None:
        raise AssertionError(f"space {space.id} has no root")
    if not root.dead_seq:
        seq = deletions.trash(tx, root, actor_id=actor_id)
        spaces.adjust(tx, space.id, seq=seq)
    deletions.hide_from_trash(tx, root.id)
    jobs.add(tx, JobKind.ERASE, user_id=user_id, actor_id=actor_id, node_id=root.id, state=Erasing())


def erase_slice(tx: Transaction, job: Job) -> Rest:
    """Forget some nodes; what was deleted before keeps the mark under which its name was free for others."""
    root, state = nodes.find(tx, job.node_id), job.state(Erasing)
    if root is None:
        return DONE
    if state.place == START and (carrying := _carrying(tx, job)):
        if carrying == state.waits_for:
            raise UnavailableError("What moves between spaces does not get on.")
        return Rest(Erasing(waits_for=carrying))
    found = erasures.next_nodes(tx, root.space_id, state.place, limit=SLICE)
    if not found:
        return DONE
    found = found[: versions.first_of(tx, [node.id for node in found], chunks=CHUNKS)[0]]
    size = versions.delete_of_nodes(tx, [node.id for node in found], space_id=root.space_id)
    kept = properties.delete_of_nodes(tx, [node.id for node in found])
    by_mark: dict[int, list[int]] = defaultdict(list)
    for node in found:
        by_mark[node.dead_seq or root.dead_seq].append(node.id)
    for dead_seq, node_ids in by_mark.items():
        deletions.purge(tx, node_ids, dead_seq=dead_seq)
    spaces.adjust(tx, root.space_id, used=-size, property_size=-kept)
    return Rest(Erasing(Place(found[-1].feed_seq, found[-1].id)), len(found))


def _carrying(tx: Snapshot, job: Job) -> tuple[tuple[int, str], ...]:
    """Return older jobs whose nodes hang from one space while their rows name another; none of that is forgotten."""
    older = (jobs.find(tx, job_id) for job_id in jobs.unfinished(tx) if job_id < job.id)
    return tuple((o.id, o.packed_state.decode()) for o in older if o is not None and o.kind is JobKind.CARRY)
