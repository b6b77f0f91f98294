"""The one place that decides who may do what with which node; every door asks here.

A person sees their home, and in it, at its mounts, the folders that others share with them. A credential may be limited
to a part of that, or to reading. What one may not see does not exist: the same refusal as for an id that never was.

Rights come from the walk up: they are those of the space whose root a node hangs from. Its row may still name another
space, while a job carries what is below a moved folder over.

The tag of a wire id is compared before anything else is looked up. So with ids that were guessed nobody can tell from
the time of a refusal whether there is a node, nor how deep it lies; whoever has the tag was shown the node once.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum, StrEnum

from app.auth.identity import Actor, ActorKind, Reach
from app.db.transaction import Snapshot
from app.errors import ForbiddenError, NotFoundError
from app.ids import decode_id
from app.repositories import members, nodes, spaces, versions
from app.repositories.nodes import Kind, Node, Step
from app.repositories.spaces import Space

HOME_ALIAS = "root"


class Right(StrEnum):
    """What may be done with a node; the values are api.md's `permissions`."""

    READ = "read"
    WRITE = "write"
    SHARE = "share"


class Role(IntEnum):
    """What a user is in a space; the numbers stand in the database."""

    VIEWER = 0
    EDITOR = 1
    OWNER = 2

    @property
    def rights(self) -> tuple[Right, ...]:
        """What the role gives."""
        return (Right.READ, Right.WRITE, Right.SHARE)[: self + 1]


@dataclass(frozen=True, slots=True)
class Mount:
    """Where a shared space shows in one person's home; `above` are ids of the folders above it there, nearest first."""

    node: Node
    above: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Sight:
    """A live node as one person sees it.

    Attributes:
        node: of a mount, the root of the space behind it.
        space: the space that its row belongs to, whose books count it.
        within: the space whose root it hangs from, which gives the rights. The same, save while a job carries over what
            is below a moved folder.
        above: ids of the folders above it in its space, nearest first, whatever part of them this person sees.
        place: its path in the user's whole view.
        root: path of the folder at which this credential's view begins; "" for the home.
        mount: where `within` shows in the user's home; None in a home.
    """

    actor: Actor
    node: Node
    space: Space
    within: Space
    above: tuple[int, ...]
    place: str
    rights: tuple[Right, ...]
    root: str = ""
    mount: Mount | None = None

    @property
    def path(self) -> str:
        """Where it is in this credential's view."""
        return self.place[len(self.root) :] or "/"

    @property
    def is_top(self) -> bool:
        """Whether it is the root of a space, or of this credential's view."""
        return self.node.parent_id is None or self.is_root

    @property
    def is_root(self) -> bool:
        """Whether it is the root of this credential's view."""
        return self.path == "/"

    @property
    def entry(self) -> Node:
        """What stands for it in the folder where it is seen: the mount, where it is the root of a shared space."""
        return self.mount.node if self.mount is not None and self.node.parent_id is None else self.node

    @property
    def above_entry(self) -> tuple[int, ...]:
        """Ids of the folders above `entry` in the space where that is, nearest first."""
        return self.mount.above if self.mount is not None and self.node.parent_id is None else self.above

    @property
    def name(self) -> str:
        """Its name for this person."""
        return self.entry.name

    @property
    def seq(self) -> int:
        """Number of the last change of it as this person sees it: of a mount, also of its own."""
        return max(self.node.seq, self.entry.seq)

    @property
    def below(self) -> tuple[int, ...]:
        """What stands above a child of this node, nearest first."""
        return (self.node.id, *self.above)

    @property
    def depth(self) -> int:
        """How many names its path has in the user's whole view."""
        return 0 if self.place == "/" else self.place.count("/")

    def child_path(self, name: str) -> str:
        """Return the path of a child."""
        return f"/{name}" if self.path == "/" else f"{self.path}/{name}"

    def child(self, tx: Snapshot, node: Node) -> "Sight | None":
        """Return a live child as this person sees it; of a mount what is behind it, None where that is not theirs."""
        place = f"/{node.name}" if self.place == "/" else f"{self.place}/{node.name}"
        if node.kind is Kind.MOUNT:
            return _behind(tx, self, node, place)
        space = self.space if node.space_id == self.space.id else spaces.get(tx, node.space_id)
        return Sight(self.actor, node, space, self.within, self.below, place, self.rights, self.root, self.mount)

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


def role_in(tx: Snapshot, actor: Actor, space: Space) -> Role | None:
    """Return what the actor's user is in a space, None for a stranger.

    A link shows nothing but what its maker may share, now.
    """
    if not space.is_shared:
        return Role.OWNER if space.owner_id == actor.user_id else None
    number = members.role_of(tx, actor.user_id, space.id)
    role = None if number is None else Role(number)
    return None if actor.kind is ActorKind.LINK and role is not Role.OWNER else role


def rights_in(tx: Snapshot, actor: Actor, space: Space) -> tuple[Right, ...]:
    """Return what the actor may do in a space: what the role gives, as far as the credential reaches."""
    role = role_in(tx, actor, space)
    return () if role is None else _rights(actor, role)


def spaces_of(tx: Snapshot, actor: Actor) -> list[Space]:
    """Return every space that the actor can read as a whole, the home first.

    Of a credential that sees one folder that is at most the space whose root the folder is, of one that reads nothing
    none.
    """
    if actor.scope.reach is Reach.DROP:
        return []
    if actor.scope.root_id is None:
        return [spaces.home_of(tx, actor.user_id), *spaces.shared_with(tx, actor.user_id)]
    top = _seen(tx, actor, actor.scope.root_id)
    return [] if top is None or top.node.parent_id is not None else [top.within]


def require_whole_view(actor: Actor) -> None:
    """Refuse a credential that sees one folder where something is about all that its user sees.

    Raises:
        ForbiddenError: it is such a one.
    """
    if actor.scope.root_id is not None:
        raise ForbiddenError("This credential sees one folder only.")


def home(tx: Snapshot, actor: Actor) -> Sight:
    """Return the root of the actor's view.

    Raises:
        NotFoundError: it begins at a folder that is gone, or not the user's to see any more.
    """
    root_id = actor.scope.root_id
    sight = _seen(tx, actor, spaces.home_of(tx, actor.user_id).root_id if root_id is None else root_id)
    if sight is None:
        raise NotFoundError("What this credential was made for is not there any more.")
    return sight


def look(tx: Snapshot, actor: Actor, file_id: str) -> Sight:
    """Return the node with this wire id, or the home for `root`.

    Raises:
        NotFoundError: it does not exist, is trashed, or is not the actor's to see.
    """
    if file_id == HOME_ALIAS:
        return home(tx, actor)
    node = nodes.find_named(tx, *decode_id(file_id))
    # A mount has no id on the wire: what shows there is the root behind it, which has its own.
    shows = node is not None and not node.dead_seq and node.kind is not Kind.MOUNT
    sight = _sight(tx, actor, node, alive=True) if node is not None and shows else None
    if sight is None:
        raise NotFoundError("There is nothing with this id.")
    return sight


def look_number(tx: Snapshot, actor: Actor, node_id: int) -> Sight:
    """Return the node with this row number, as `look` does; for ids that came from the database."""
    sight = _seen(tx, actor, node_id)
    if sight is None:
        raise NotFoundError("There is nothing with this id.")
    return sight


def look_dead_or_alive(tx: Snapshot, actor: Actor, node_id: int) -> Sight | None:
    """Return the node with this row number even if it is deleted; its path is where it was. None for a stranger."""
    node = nodes.find(tx, node_id)
    return None if node is None else _sight(tx, actor, node)


def look_trashed(tx: Snapshot, actor: Actor, trash_id: str) -> Sight:
    """Return an entry of the trash, the top of what was deleted together; its path is where it was.

    Raises:
        NotFoundError: the actor's trash holds no such entry.
    """
    node = nodes.find_named(tx, *decode_id(trash_id))
    sight = None if node is None or node.dead_ms is None else _sight(tx, actor, node)
    if sight is None:
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
    node_id = versions.named_node(tx, number, tag)
    node = None if node_id is None else nodes.find(tx, node_id)
    return None if node is None or _sight(tx, actor, node) is None else number


def descend(tx: Snapshot, start: Sight, names: Iterable[str]) -> tuple[Sight, list[str]]:
    """Follow `names` down from `start`; return the last node that exists and the names that do not."""
    at, missing = start, list(names)
    while missing and at.node.is_folder:
        node = nodes.find_child(tx, at.node.id, missing[0])
        child = None if node is None else at.child(tx, node)
        if child is None:
            break
        at = child
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
    if node is not None and node.kind is Kind.MOUNT and node.target_id is not None:
        node = nodes.find(tx, spaces.get(tx, node.target_id).root_id)
    return None if node is None or node.dead_seq else _sight(tx, actor, node, alive=True)


def _sight(tx: Snapshot, actor: Actor, node: Node, *, alive: bool = False) -> Sight | None:
    """Return how the actor sees a node; None for a stranger, and if `alive` is asked, below a trashed folder."""
    steps = nodes.way_up(tx, node.id)
    within = spaces.get(tx, steps[-1].space_id)
    role = role_in(tx, actor, within)
    if role is None:
        return None
    above = tuple(step.id for step in steps[1:])
    way, mount = [(step.id, step.name) for step in steps], None
    if within.is_shared:
        above_mount, mount = _mount_of(tx, actor, within)
        way[-1:] = [(within.root_id, mount.node.name), *((step.id, step.name) for step in above_mount[1:])]
        steps = [*steps, *above_mount]
    if alive and any(step.dead_seq for step in steps):
        return None
    root = ""
    if actor.scope.root_id is not None:
        at = next((n for n, (number, _) in enumerate(way) if number == actor.scope.root_id), None)
        if at is None:
            return None
        root = _path(way[at:]).rstrip("/")
    space = within if node.space_id == within.id else spaces.get(tx, node.space_id)
    return Sight(actor, node, space, within, above, _path(way), _rights(actor, role), root, mount)


def _path(way: list[tuple[int, str]]) -> str:
    """Return the path of the first of these; the last is the home."""
    return "/" + "/".join(name for _, name in reversed(way[:-1]))


def _mount_of(tx: Snapshot, actor: Actor, space: Space) -> tuple[list[Step], Mount]:
    """Return the way up from where a shared space shows, or showed, in the home of a member."""
    member = members.find(tx, actor.user_id, space.id)
    node = None if member is None else nodes.find(tx, member.mount_id)
    if node is None:
        raise AssertionError(f"user {actor.user_id} is a member of space {space.id} without a mount")
    steps = nodes.way_up(tx, node.id)
    return steps, Mount(node, tuple(step.id for step in steps[1:]))


def _behind(tx: Snapshot, at: Sight, mount: Node, place: str) -> Sight | None:
    """Return the root of the space behind a mount that stands in the folder `at`."""
    if mount.target_id is None:
        raise AssertionError(f"mount {mount.id} shows no space")
    space = spaces.get(tx, mount.target_id)
    role, root = role_in(tx, at.actor, space), nodes.find(tx, space.root_id)
    if role is None or root is None or root.dead_seq:
        return None
    rights = _rights(at.actor, role)
    return Sight(at.actor, root, space, space, (), place, rights, at.root, Mount(mount, at.below))


def _rights(actor: Actor, role: Role) -> tuple[Right, ...]:
    """Return what a role gives to a credential."""
    kept = {Reach.READ: Right.READ, Reach.DROP: Right.WRITE}.get(actor.scope.reach)
    return tuple(right for right in role.rights if kept in (None, right))


def _with_way_up(tx: Snapshot, actor: Actor, file_id: str) -> tuple[Sight, list[Step]] | None:
    """Return a node, dead or alive, and the way up from it; None where the actor can know of none."""
    if file_id == HOME_ALIAS:
        return None
    node = nodes.find_named(tx, *decode_id(file_id))
    sight = None if node is None else _sight(tx, actor, node)
    return None if node is None or sight is None else (sight, nodes.way_up(tx, node.id))
