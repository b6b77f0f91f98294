"""Where something that was deleted comes back: its old place, as far as that is still there."""

from dataclasses import dataclass

from app.auth.identity import Actor
from app.db.transaction import Snapshot, Transaction
from app.errors import ConflictError, InvalidRequestError
from app.repositories import deletions, members, nodes, spaces
from app.repositories.nodes import Kind, Node
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
    """Return where a node goes that is dead, or lies below a dead folder: a place in the space that it is in.

    Folders on its way that are gone are found again by name, or will be made; where something else has the name, under
    a free one. What another space shows under that name is something else too. The root of a shared space comes back to
    where it showed, or to the home itself if that place is in no home any more.

    Raises:
        InvalidRequestError: the place would be too deep, or its path too long.
        ConflictError: all of the shared folder that it was in is in the trash.
    """
    parent_id, name = (node.parent_id, node.name) if node.parent_id is not None else _mounted_at(tx, actor, node)
    steps = nodes.way_up(tx, parent_id)
    dead = [n for n, step in enumerate(steps) if step.dead_seq]
    alive = dead[-1] + 1 if dead else 0
    if alive == len(steps):
        raise ConflictError("The shared folder that it was in is in the trash: restore that first.")
    at = access.look_number(tx, actor, steps[alive].id)
    at, missing = _descend(tx, at, [step.name for step in reversed(steps[:alive])])
    if not at.node.is_folder:  # a file has the name of a folder that is gone
        missing = [at.node.name, *missing]
        at = access.look_number(tx, actor, at.above[0])
    names = (*missing, name)
    first = free_name(names[0], lambda name: nodes.name_in_use(tx, at.node.id, name) is not None)
    names = (first, *names[1:])
    check_place(at.place, at.depth, names)
    check_below(tx, node, at.depth + len(names))
    return OldPlace(at, names[:-1], names[-1])


def _mounted_at(tx: Snapshot, actor: Actor, root: Node) -> tuple[int, str]:
    """Return where the deleted root of a shared space showed: a folder of the home, dead or alive, and a name."""
    member = members.find(tx, actor.user_id, root.space_id)
    mount = None if member is None else nodes.find(tx, member.mount_id)
    if mount is None or mount.parent_id is None:
        raise AssertionError(f"the root of space {root.space_id} was deleted by nobody who saw it")
    home_id = spaces.home_of(tx, actor.user_id).root_id
    is_at_home = nodes.way_up(tx, mount.parent_id)[-1].id == home_id  # else it was shared since, or moved away
    return mount.parent_id if is_at_home else home_id, mount.name


def _descend(tx: Snapshot, at: Sight, names: list[str]) -> tuple[Sight, list[str]]:
    """Follow `names` down within a space; return the last node that exists there and the names that do not."""
    missing = names
    while missing and at.node.is_folder:
        node = nodes.find_child(tx, at.node.id, missing[0])
        child = None if node is None or node.kind is Kind.MOUNT else at.child(tx, node)
        if child is None:
            break
        at, missing = child, missing[1:]
    return at, missing


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
        raise InvalidRequestError(f"Something in it would lie more than {DEPTH} deep there: choose a place further up.")
