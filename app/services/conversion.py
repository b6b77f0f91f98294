"""Carries a folder's content over to the space that the folder came into, in slices (metadata.md, 6).

Who may see what follows from the walk up, so it is right at once, whatever is below. What a space's feed and its books
say goes by each node's own row, and these are given to the new space bit by bit: use, possession, and for the old
space's readers a departure of every node.

One rule keeps that right while people go on working: a node has the space of its parent's row, or the parent is still
on the list of a job. What is made in a folder takes the space of that folder's row; whatever is moved or restored
into a folder of another one is carried over itself. So nothing is lost between two slices, and a stop costs nothing.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from app.auth.identity import Actor
from app.db.transaction import Transaction
from app.repositories import conversions, jobs, nodes, spaces, versions
from app.repositories.conversions import Child
from app.repositories.jobs import DONE, Job, JobKind, Rest
from app.repositories.journal import Operation
from app.repositories.nodes import Kind, Node
from storage.base import ChunkId

SLICE = 2000
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
    _settle(tx, [(node.id, came_from)], node.space_id, seq=node.seq)
    if not node.is_folder or not conversions.has_children(tx, node.id):
        return None
    state = Pending(((node.id, 0, ""),))
    return jobs.add(tx, JobKind.CARRY, user_id=actor.user_id, actor_id=actor.id, node_id=node.id, state=state)


def carry_slice(tx: Transaction, job: Job, *, limit: int = SLICE) -> Rest:
    """Give up to `limit` nodes the space of the folder that they are in."""
    pending, done, chunks, seq = list(job.state(Pending).folders), 0, 0, 0
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
            chunks += _carry(tx, strays, folder.space_id, seq=seq)
            pending += [(child.id, 0, "") for child in strays if child.kind is Kind.FOLDER]
    return Rest(Pending(tuple(pending)), done) if pending else DONE


def _carry(tx: Transaction, strays: list[Child], space_id: int, *, seq: int) -> int:
    conversions.set_space(tx, (child.id for child in strays), space_id, seq=seq)
    return _settle(tx, [(child.id, child.space_id) for child in strays], space_id, seq=seq)


def _settle(tx: Transaction, moved: Iterable[tuple[int, int]], space_id: int, *, seq: int) -> int:
    """Move what nodes use from the books of the spaces that they were in; return how many chunks they have."""
    used, held = defaultdict[int, int](int), set[ChunkId]()
    moved = list(moved)
    for node_id, came_from in moved:
        used[came_from] += 0
        for size, manifest in conversions.contents(tx, node_id):
            used[came_from] += size
            held.update(() if manifest is None else manifest.ids())
    versions.possess(tx, ((space_id, chunk_id) for chunk_id in held))
    spaces.departed(tx, ((came_from, node_id) for node_id, came_from in moved), seq=seq)
    for came_from, size in used.items():
        spaces.adjust(tx, came_from, used=-size, seq=seq)
    spaces.adjust(tx, space_id, used=sum(used.values()), seq=seq)
    return len(held)
