"""Carries a folder's content over to the space that the folder came into, in slices (metadata.md, 6).

Who may see what follows from the walk up, so it is right at once, whatever is below. What a space's feed and its books
say goes by each node's own row, and these are given to the new space bit by bit: use, possession, and for the old
space's readers a departure of every node.

One rule keeps that right while people go on working: a node has the space of its parent's row, or the parent is still
on the list of a job. What is made in a folder takes the space of that folder's row; whatever is moved or restored
into a folder of another one is carried over itself. So nothing is lost between two slices, and a stop costs nothing.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from app.auth.identity import Actor
from app.db.transaction import Snapshot, Transaction
from app.repositories import conversions, deletions, jobs, members, nodes, spaces
from app.repositories.conversions import Left
from app.repositories.jobs import DONE, Job, JobKind, Rest
from app.repositories.journal import Operation
from app.repositories.nodes import Kind, Node
from app.repositories.spaces import Space

SLICE = 1300
CHUNKS = 20_000
"""Chunks after which a slice ends, however few files had them."""


@dataclass(frozen=True, slots=True)
class Pending:
    """Folders whose children may still be in another space: id, and place of the last child that is done."""

    folders: tuple[tuple[int, int, str], ...]


def carry_over(tx: Transaction, actor: Actor, node: Node, *, came_from: int) -> Job | None:
    """Settle the books of a node that was just given another space, and let a job do the same for all below.

    Args:
        node: as it is now.
        came_from: the space that its row named before.

    Returns:
        The job, None where there is nothing below; tell the `JobService` of it once this is committed.
    """
    if node.space_id == came_from:
        return None
    _book(
        tx, [conversions.settle(tx, node.id, node.space_id, came_from=came_from, seq=node.seq)], node.space_id, node.seq
    )
    if not node.is_folder or not conversions.has_children(tx, node.id):
        return None
    state = Pending(((node.id, 0, ""),))
    return jobs.add(tx, JobKind.CARRY, user_id=actor.user_id, actor_id=actor.id, node_id=node.id, state=state)


def carry_slice(tx: Transaction, job: Job, *, limit: int = SLICE) -> Rest:
    """Give up to `limit` nodes the space of the folder that they are in."""
    pending, done, chunks, seq = list(job.state(Pending).folders), 0, 0, 0
    shown = set[int]()
    while pending and done < limit and chunks < CHUNKS:
        folder_id, dead_seq, name = pending.pop()
        folder = nodes.find(tx, folder_id)
        if folder is None:
            continue
        room = limit - done
        found = conversions.children(tx, folder_id, after=(dead_seq, name), limit=room)
        if len(found) == room:
            pending.append((folder_id, found[-1].dead_seq, found[-1].name))
        strays = [child for child in found if child.space_id != folder.space_id]
        done += len(found)
        if strays:
            seq = seq or tx.record(node_id=job.node_id, operation=Operation.CARRY, actor_id=job.actor_id)
            last = (found[-1].dead_seq, found[-1].name)
            left = conversions.carry(tx, folder_id, folder.space_id, after=(dead_seq, name), last=last, seq=seq)
            chunks += _book(tx, left, folder.space_id, seq)
            shown |= {step.id for step in nodes.way_up(tx, folder_id)}
            pending += [(child.id, 0, "") for child in strays if child.kind is Kind.FOLDER]
    deletions.note_shown(tx, shown, seq)  # a delete removes only what its author has seen
    return Rest(Pending(tuple(pending)), done) if pending else DONE


def being_carried(tx: Snapshot) -> set[int]:
    """Return the folders in which something may still be in another space than they are."""
    return {folder_id for job in _carrying(tx) for folder_id, _, _ in job.state(Pending).folders}


def carries_into(tx: Snapshot, space: Space) -> list[int]:
    """Return the jobs that carry over what was moved into a space, or shared as one: its use does not count all yet."""
    return [job.id for job in _carrying(tx) if _fills(tx, job, space)]


def carries_about(tx: Snapshot, space: Space) -> list[int]:
    """Return the jobs after which a space's books are those of what is in it.

    They are those that carry into it, and all of who was ever a member: others moved nothing out of it.
    """
    return [
        job.id for job in _carrying(tx) if members.find(tx, job.user_id, space.id) is not None or _fills(tx, job, space)
    ]


def _carrying(tx: Snapshot) -> list[Job]:
    found = [jobs.find(tx, job_id) for job_id in jobs.unfinished(tx)]
    return [job for job in found if job is not None and job.kind is JobKind.CARRY]


def _fills(tx: Snapshot, job: Job, space: Space) -> bool:
    ways = (nodes.way_up(tx, folder_id) for folder_id, _, _ in job.state(Pending).folders)
    return any(way and way[-1].id == space.root_id for way in ways)


def _book(tx: Transaction, left: Iterable[Left], space_id: int, seq: int) -> int:
    """Move what was used from the books of spaces to those of another; return how many chunks that was."""
    used, kept, chunks = 0, 0, 0
    for one in left:
        spaces.adjust(tx, one.space_id, used=-one.used, property_size=-one.property_size, seq=seq)
        used, kept, chunks = used + one.used, kept + one.property_size, chunks + one.chunks
    spaces.adjust(tx, space_id, used=used, property_size=kept, seq=seq)
    return chunks
