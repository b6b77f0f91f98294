"""Where something that was deleted comes back: its old place, as far as that is still there."""

from dataclasses import dataclass

from app.auth.identity import Actor
from app.db.transaction import Snapshot, Transaction
from app.errors import ConflictError, InvalidRequestError
from app.repositories import deletions, members, nodes
from app.repositories.nodes import Node
from app.services import access
from app.services.access import Sight
from app.services.conversion import carry_over
from app.services.names import DEPTH, check_place, free_name


@dataclass(frozen=True, slots=True)
class OldPlace:
    """Where a node was.

    Attributes:
        folder: the nearest folder that is alive.
        missing: names of folders to be made below it.
        name: a name that is free there.
    """

    folder: Sight
    missing: tuple[str, ...]
    name: str


def old_place(tx: Snapshot, actor: Actor, node: Node) -> OldPlace:
    """Return where a node goes that is dead, or lies below a dead folder.

    Folders on its way that are gone are found again by name, or will be made; where something else has the name, under
    a free one.

    Raises:
        InvalidRequestError: the place would be too deep, or its path too long.
        ConflictError: all of the shared folder that it was in is in the trash.
    """
    parent_id = node.parent_id
    if parent_id is None:  # the root of a shared space comes back to where it showed
        member = members.find(tx, actor.user_id, node.space_id)
        mount = None if member is None else nodes.find(tx, member.mount_id)
        if mount is None or mount.parent_id is None:
            raise AssertionError(f"the root of space {node.space_id} was deleted by nobody who saw it")
        parent_id, name = _live_or_home(tx, actor, mount.parent_id), mount.name
    else:
        name = node.name
    steps = nodes.way_up(tx, parent_id)
    dead = [n for n, step in enumerate(steps) if step.dead_seq]
    alive = dead[-1] + 1 if dead else 0
    if alive == len(steps):
        raise ConflictError("The shared folder that it was in is in the trash: restore that first.")
    at = access.look_number(tx, actor, steps[alive].id)
    at, missing = access.descend(tx, at, [step.name for step in reversed(steps[:alive])])
    if node.parent_id is None and at.mount is not None:  # what was above it is itself shared now: no mount goes there
        at, missing = access.home(tx, actor), []
    if not at.node.is_folder:  # a file has the name of a folder that is gone
        missing = [at.node.name, *missing]
        at = access.look_number(tx, actor, at.above[0])
    names = (*missing, name)
    first = free_name(names[0], lambda name: nodes.name_in_use(tx, at.node.id, name) is not None)
    names = (first, *names[1:])
    check_place(at.place, at.depth, names)
    check_below(tx, node, at.depth + len(names))
    return OldPlace(at, names[:-1], names[-1])


def _live_or_home(tx: Snapshot, actor: Actor, folder_id: int) -> int:
    """Return the folder where a mount was; the home if that belongs to a shared folder in the trash."""
    top = nodes.way_up(tx, folder_id)[-1]
    return access.home(tx, actor).node.id if top.dead_seq else folder_id


def bring_back(tx: Transaction, actor: Actor, node: Node, folder: Sight, name: str) -> Node:
    """Bring a dead node, or one from below a dead folder, back into a folder, whose space it takes."""
    parent_id, space_id = folder.node.id, folder.space.id
    restored = deletions.restore(tx, node, parent_id=parent_id, name=name, actor_id=actor.id, space_id=space_id)
    carry_over(tx, actor, restored, came_from=node.space_id)
    return restored


def check_below(tx: Snapshot, node: Node, depth: int) -> None:
    """Refuse a place of `depth` names for a node if something below it would lie too deep there.

    Raises:
        InvalidRequestError: it would.
    """
    if node.is_folder and nodes.reaches(tx, node.id, DEPTH + 1 - depth):
        raise InvalidRequestError(f"Something in it would lie more than {DEPTH} deep there.")
