"""Makes folders, for whoever needs one on the way."""

from app.auth.identity import Actor
from app.db.transaction import Transaction
from app.repositories import nodes, spaces
from app.repositories.nodes import Kind, Sums
from app.services.access import Sight


def make_folder(tx: Transaction, actor: Actor, parent: Sight, name: str, sums: Sums) -> Sight:
    """Make one folder below `parent`, which exists and may be written, and note it in the sums."""
    made = nodes.create(
        tx, space_id=parent.space.id, parent_id=parent.node.id, name=name, kind=Kind.FOLDER, actor_id=actor.id
    )
    spaces.adjust(tx, parent.space.id, seq=made.seq)
    sums.add(parent.below, seq=made.seq, items=1)
    child = parent.child(tx, made)
    if child is None:
        raise AssertionError("a folder just made is not there")
    return child
