"""Shows devices again what is below a folder that came back: they have forgotten it, and its seqs are old.

Nodes get a new place in the feed in slices, each with a journal row of its own, for a number fixed at the start could
fall behind a cursor that has passed it meanwhile (metadata.md, 5).
"""

from app.auth.identity import Actor
from app.db.transaction import Transaction
from app.repositories import deletions, jobs, nodes, spaces
from app.repositories.jobs import DONE, Job, JobKind, Rest, Walk
from app.repositories.journal import Operation
from app.repositories.nodes import Kind, Node
from app.services.access import Sight

SLICE = 2000


def reveal_below(tx: Transaction, actor: Actor, node: Node) -> None:
    """Let a job show what is below a folder that is live again."""
    if node.is_folder:
        walk = Walk.from_top(node.id)
        jobs.add(tx, JobKind.REVEAL, user_id=actor.user_id, actor_id=actor.id, node_id=node.id, state=walk)


def follow_move(tx: Transaction, actor: Actor, sight: Sight) -> None:
    """Let a job of its own go after a folder that leaves its place below one that is being revealed.

    The walk there goes by names and may miss it.
    """
    if sight.node.is_folder and not jobs.nodes_of(tx, JobKind.REVEAL).isdisjoint(sight.above):
        reveal_below(tx, actor, sight.node)


def reveal_slice(tx: Transaction, job: Job, *, limit: int = SLICE) -> Rest:
    """Reveal up to `limit` nodes, parents first; what was dead before stays so."""
    top = nodes.find(tx, job.node_id)
    if top is None or any(step.dead_seq for step in nodes.way_up(tx, job.node_id)):
        return DONE  # deleted again: whatever brings it back reveals it from the start
    steps, revealed = list(job.state(Walk).steps), list[int]()
    walked = {folder for folder, _ in steps}
    while steps and len(revealed) < limit:
        folder, after = steps.pop()
        walked.add(folder)
        room = limit - len(revealed)
        children = deletions.next_children(tx, folder, after=after, limit=room)
        revealed += (child.id for child in children)
        if children and children[-1].kind is Kind.FOLDER:
            steps += [(folder, children[-1].name), (children[-1].id, "")]
        elif len(children) == room:
            steps.append((folder, children[-1].name))
    if revealed:
        seq = tx.record(node_id=top.id, operation=Operation.REVEAL, actor_id=job.actor_id)
        deletions.reveal(tx, revealed, seq)
        above = {step.id for step in nodes.way_up(tx, top.id)}
        deletions.note_shown(tx, walked | above, seq)  # a delete removes only what its author has seen
        spaces.adjust(tx, top.space_id, seq=seq)
    return Walk(tuple(steps)).rest(len(revealed))
