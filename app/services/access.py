"""The one place that decides who may do what with which node; every door asks here.

A person sees their home. What they may not see does not exist for them: the same refusal as for an id that never was.
"""

import hmac
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum, StrEnum

from app.auth.identity import Actor
from app.db.transaction import Snapshot
from app.errors import ForbiddenError, NotFoundError
from app.ids import decode_id
from app.repositories import nodes, spaces, versions
from app.repositories.nodes import Node, Step
from app.repositories.spaces import Space

HOME_ALIAS = "root"


class Right(StrEnum):
    """What may be done with a node; the values are api.md's `permissions`."""

    READ = "read"
    WRITE = "write"
    SHARE = "share"


class Role(Enum):
    """What a user is in a space, with the rights that gives."""

    OWNER = (Right.READ, Right.WRITE, Right.SHARE)


@dataclass(frozen=True, slots=True)
class Sight:
    """A live node as one person sees it.

    Attributes:
        above: ids of the folders above it, nearest first.
        path: where it is in this person's view.
    """

    node: Node
    space: Space
    above: tuple[int, ...]
    path: str
    rights: tuple[Right, ...]

    @property
    def below(self) -> tuple[int, ...]:
        """What stands above a child of this node, nearest first."""
        return (self.node.id, *self.above)

    @property
    def depth(self) -> int:
        """How many names its path has."""
        return len(self.above)

    def child_path(self, name: str) -> str:
        """Return the path of a child."""
        return f"/{name}" if self.path == "/" else f"{self.path}/{name}"

    def require(self, right: Right) -> None:
        """Refuse if this person lacks `right` here."""
        if right not in self.rights:
            raise ForbiddenError(f"You may not {right} here.")


@dataclass(frozen=True, slots=True)
class Deleted:
    """A node in the trash.

    Attributes:
        sight: the node as it was seen; its path is where it was.
        kept_by: the trashed folders that it went with, nearest first: their sums count it. Empty if it went by itself.
    """

    sight: Sight
    kept_by: tuple[int, ...]


def role_in(actor: Actor, space: Space) -> Role | None:
    """Return what the actor's user is in a space, None for a stranger."""
    return Role.OWNER if space.owner_id == actor.user_id else None


def spaces_of(tx: Snapshot, actor: Actor) -> list[Space]:
    """Return every space that the actor's user can read."""
    return [spaces.home_of(tx, actor.user_id)]


def home(tx: Snapshot, actor: Actor) -> Sight:
    """Return the root of the actor's view."""
    space = spaces.home_of(tx, actor.user_id)
    sight = _seen(tx, actor, space.root_id)
    if sight is None:
        raise AssertionError(f"the home of user {actor.user_id} has no root")
    return sight


def look(tx: Snapshot, actor: Actor, file_id: str) -> Sight:
    """Return the node with this wire id, or the home for `root`.

    Raises:
        NotFoundError: it does not exist, is trashed, or is not the actor's to see.
    """
    if file_id == HOME_ALIAS:
        return home(tx, actor)
    number, tag = decode_id(file_id)
    sight = _seen(tx, actor, number)
    if sight is None or not hmac.compare_digest(sight.node.tag, tag):
        raise NotFoundError("There is nothing with this id.")
    return sight


def look_number(tx: Snapshot, actor: Actor, node_id: int) -> Sight:
    """Return the node with this row number, as `look` does; for ids that came from the database."""
    sight = _seen(tx, actor, node_id)
    if sight is None:
        raise NotFoundError("There is nothing with this id.")
    return sight


def look_trashed(tx: Snapshot, actor: Actor, trash_id: str) -> Sight:
    """Return an entry of the trash, the top of what was deleted together; its path is where it was.

    Raises:
        NotFoundError: the actor's trash holds no such entry.
    """
    number, tag = decode_id(trash_id)
    node = nodes.find(tx, number)
    sight = None if node is None or node.dead_ms is None else _sight(tx, actor, node)
    if sight is None or not hmac.compare_digest(sight.node.tag, tag):
        raise NotFoundError("The trash holds nothing with this id.")
    return sight


def is_deleted(tx: Snapshot, actor: Actor, file_id: str) -> bool:
    """Tell whether a node of the actor's is in the trash, by itself or with a folder above it, or purged."""
    found = _with_way_up(tx, actor, file_id)
    return found is not None and any(step.dead_seq for step in found[1])


def is_purged(tx: Snapshot, actor: Actor, trash_id: str) -> bool:
    """Tell whether a node of the actor's is gone for good, or about to be."""
    found = _with_way_up(tx, actor, trash_id)
    return found is not None and found[0].node.dead_seq > 0 and found[0].node.dead_ms is None


def find_deleted(tx: Snapshot, actor: Actor, file_id: str) -> Deleted | None:
    """Return a node that is in the trash, by itself or with a folder above it; None if it is alive or none is there.

    Raises:
        NotFoundError: it is purged, or about to be.
    """
    found = _with_way_up(tx, actor, file_id)
    if found is None:
        return None
    sight, steps = found
    at = next((n for n, step in enumerate(steps) if step.dead_seq), None)
    if at is None:
        return None
    top = nodes.find(tx, steps[at].id)
    if top is None or top.dead_ms is None:
        raise NotFoundError("There is nothing with this id.")
    return Deleted(sight, tuple(step.id for step in steps[1 : at + 1]))


def find_version(tx: Snapshot, actor: Actor, version_id: str) -> int | None:
    """Return the row number of a version in a space of the actor's; None where the actor can know of none."""
    try:
        number, tag = decode_id(version_id)
    except NotFoundError:
        return None
    version = versions.find(tx, number)
    node = None if version is None or not hmac.compare_digest(version.tag, tag) else nodes.find(tx, version.node_id)
    return None if node is None or role_in(actor, spaces.get(tx, node.space_id)) is None else number


def descend(tx: Snapshot, start: Sight, names: Iterable[str]) -> tuple[Sight, list[str]]:
    """Follow `names` down from `start`; return the last node that exists and the names that do not."""
    at, missing = start, list(names)
    while missing and at.node.is_folder:
        child = nodes.find_child(tx, at.node.id, missing[0])
        if child is None:
            break
        at = Sight(child, at.space, at.below, at.child_path(child.name), at.rights)
        missing.pop(0)
    return at, missing


def look_path(tx: Snapshot, actor: Actor, names: Iterable[str]) -> Sight:
    """Return the node at a path of checked names in the actor's view.

    Raises:
        NotFoundError: there is none.
    """
    sight, missing = descend(tx, home(tx, actor), names)
    if missing:
        raise NotFoundError("There is nothing at this path.")
    return sight


def _seen(tx: Snapshot, actor: Actor, node_id: int) -> Sight | None:
    """Walk up: path, liveness and rights come from this one walk, and none of them is stored."""
    node = nodes.find(tx, node_id)
    return None if node is None or node.dead_seq else _sight(tx, actor, node, alive=True)


def _sight(tx: Snapshot, actor: Actor, node: Node, *, alive: bool = False) -> Sight | None:
    """Return how the actor sees a node; None for a stranger, and if `alive` is asked, below a trashed folder."""
    steps = nodes.way_up(tx, node.parent_id) if node.parent_id is not None else []
    if alive and any(step.dead_seq for step in steps):
        return None
    space = spaces.get(tx, node.space_id)
    role = role_in(actor, space)
    if role is None:
        return None
    names = [node.name, *(step.name for step in steps)][:-1]
    return Sight(node, space, tuple(step.id for step in steps), "/" + "/".join(reversed(names)), role.value)


def _with_way_up(tx: Snapshot, actor: Actor, file_id: str) -> tuple[Sight, list[Step]] | None:
    """Return a node, dead or alive, and the way up from it; None where the actor can know of none."""
    if file_id == HOME_ALIAS:
        return None
    number, tag = decode_id(file_id)
    node = nodes.find(tx, number)
    if node is None or not hmac.compare_digest(node.tag, tag):
        return None
    sight = _sight(tx, actor, node)
    return None if sight is None else (sight, nodes.way_up(tx, node.id))
