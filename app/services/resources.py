"""What WebDAV shows: nodes by path, with the properties, locks and room that belong to them, page by page."""

from collections.abc import Sequence
from dataclasses import dataclass

from msgspec import Struct

from app.auth.identity import Actor
from app.db.database import Database
from app.db.transaction import Snapshot
from app.listing import Place
from app.repositories import listings, nodes, properties, spaces
from app.repositories.nodes import Node
from app.repositories.spaces import Usage
from app.services import access
from app.services.access import Right, Sight
from app.services.locks import Discovery, LockView
from app.services.room import Room
from app.services.sync_tokens import cursor_now, token_of
from app.services.views import View

KEPT_AT_ONCE = 512 * 1024
"""Bytes of properties in one page: as many as a page of what has none is taken for in memory."""


@dataclass(frozen=True, slots=True)
class Wants:
    """What is to be read beside the nodes themselves; what nobody asks for costs nothing."""

    kept: bool = False
    room: bool = False
    locks: bool = False
    token: bool = False


@dataclass(frozen=True, slots=True)
class RoomLeft:
    """Bytes that the owner of a folder uses in all, and how many more there can be (RFC 4331)."""

    used: int
    available: int


class Resource(Struct, frozen=True, gc=False):
    """A node as WebDAV shows it.

    Attributes:
        kept: XML of the properties that programs left on it, by namespace and local name.
        room: of a folder, where it was wanted.
        locks: that bind it, where they were wanted.
        sync_token: of a folder, where it was wanted and the credential has a feed.
        is_past: it shows what was: it can not be locked, and a folder's size is not known.
    """

    view: View
    kept: dict[tuple[str, str], str] = {}
    room: RoomLeft | None = None
    locks: tuple[LockView, ...] = ()
    sync_token: str | None = None
    is_past: bool = False

    @property
    def is_folder(self) -> bool:
        """Whether it is a collection."""
        return self.view.listed.node.is_folder


@dataclass(frozen=True, slots=True)
class Listing:
    """A resource, and where it is a folder the first of what is in it; `end` is where these end, None for all."""

    resource: Resource
    children: list[Resource]
    end: Place | None


class ResourceService:
    """Reads the tree as WebDAV programs see it."""

    def __init__(self, database: Database, room: Room) -> None:
        """Take the database, and who knows what the disk has left."""
        self._database = database
        self._room = room

    async def look(self, actor: Actor, names: Sequence[str], wants: Wants = Wants()) -> Resource:
        """Return what is at a path of the actor's view.

        Raises:
            NotFoundError: there is nothing.
        """
        return (await self.open(actor, names, wants, limit=0)).resource

    async def open(self, actor: Actor, names: Sequence[str], wants: Wants, *, limit: int) -> Listing:
        """Return what is at a path, and the first `limit` of what is in it.

        Raises:
            NotFoundError: there is nothing.
        """
        free = free_in(self._room) if wants.room else 0

        def work(tx: Snapshot) -> Listing:
            sight = access.look_path(tx, actor, names)
            sight.require(Right.READ)
            [resource] = resources_of(tx, actor, sight.above, [View.of(tx, sight)], wants, free)
            if not limit or not sight.node.is_folder:
                return Listing(resource, [], None)
            children, end = _children(tx, sight, None, limit, wants)
            return Listing(resource, resources_of(tx, actor, sight.below, children, wants, free), end)

        return await self._database.read(work)

    async def more(
        self, actor: Actor, folder_id: str, after: Place, wants: Wants, *, limit: int
    ) -> tuple[list[Resource], Place | None]:
        """Return up to `limit` of what is in a folder behind a place, and where these end; None for the end.

        Raises:
            NotFoundError: the folder is not there any more.
        """
        free = free_in(self._room) if wants.room else 0

        def work(tx: Snapshot) -> tuple[list[Resource], Place | None]:
            sight = access.look(tx, actor, folder_id)
            sight.require(Right.READ)
            children, end = _children(tx, sight, after, limit, wants)
            return resources_of(tx, actor, sight.below, children, wants, free), end

        return await self._database.read(work)


def _children(
    tx: Snapshot, folder: Sight, after: Place | None, limit: int, wants: Wants
) -> tuple[list[View], Place | None]:
    """Return a page of a folder, and where it ends; a shorter one where programs left much on what is in it."""
    page, end = listings.children(tx, folder.node.id, sort="name", order="asc", after=after, limit=limit)
    views = View.of_children(tx, folder, page)
    if wants.kept:
        most = kept_at_once(tx, views)
        if most < len(page):
            page, end = listings.children(tx, folder.node.id, sort="name", order="asc", after=after, limit=most)
            views = View.of_children(tx, folder, page)
    return views, end


def kept_at_once(tx: Snapshot, views: Sequence[View]) -> int:
    """Return of how many of these, at least one, the properties may be read together."""
    sizes = properties.sizes_of(tx, [view.listed.node.id for view in views])
    total = 0
    for number, view in enumerate(views):
        total += sizes.get(view.listed.node.id, 0)
        if total > KEPT_AT_ONCE and number:
            return number
    return len(views)


def free_in(room: Room) -> int:
    """Return how many bytes the disk has left for people."""
    space = room.look()
    return max(0, space.free - space.kept)


def resources_of(
    tx: Snapshot, actor: Actor, above: tuple[int, ...] | None, views: list[View], wants: Wants, free: int
) -> list[Resource]:
    """Return nodes as resources.

    Args:
        above: the folders above them all, nearest first; None where each is in another folder.
        free: bytes that the disk has left.
    """
    kept = properties.of_nodes(tx, [view.listed.node.id for view in views]) if wants.kept else {}
    rooms, discovery = _Rooms(tx, free), Discovery(tx, actor) if wants.locks else None
    cursor = cursor_now(tx, actor) if wants.token else None
    found = []
    for view in views:
        node = view.listed.node
        own = {(one.namespace, one.name): one.xml for one in kept[node.id]} if node.id in kept else {}
        room = rooms.of_space(node.space_id) if wants.room and node.is_folder else None
        locks = () if discovery is None else discovery.of(_chain(tx, node, above))
        token = None if cursor is None or not node.is_folder else token_of(view.file_id, cursor)
        found.append(Resource(view, own, room, locks, token))
    return found


def _chain(tx: Snapshot, node: Node, above: tuple[int, ...] | None) -> tuple[int, ...]:
    """Return a node and the folders above it; behind a mount another space begins, and no lock reaches there."""
    if above is None:
        return tuple(step.id for step in nodes.way_up(tx, node.id))
    return (node.id,) if node.parent_id is None else (node.id, *above)


class _Rooms:
    """What the owners of spaces may still use; each is asked for once."""

    def __init__(self, tx: Snapshot, free: int) -> None:
        """Begin with none; `free` is what the disk has left."""
        self._tx = tx
        self._free = free
        self._by_space: dict[int, RoomLeft] = {}

    def of_space(self, space_id: int) -> RoomLeft:
        """Return it for the owner of a space."""
        if space_id not in self._by_space:
            usage = spaces.usage_of(self._tx, spaces.get(self._tx, space_id).owner_id)
            self._by_space[space_id] = _left(usage, self._free)
        return self._by_space[space_id]


def _left(usage: Usage, free: int) -> RoomLeft:
    taken = usage.used + usage.reserved
    return RoomLeft(taken, free if usage.quota is None else max(0, min(free, usage.quota - taken)))
