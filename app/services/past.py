"""The view as it was at a moment, by path: what stood where and what it held then, under the rights of now.

What one may not see now one does not see in the past either: a state counts where its space may be read now, and the
node, wherever it has gone since, may too (docs/decisions/0026).
"""

from collections.abc import Sequence
from dataclasses import dataclass

from msgspec.structs import replace

from app.auth.identity import Actor
from app.clock import now_ms
from app.db.database import Database
from app.db.transaction import Snapshot
from app.errors import NotFoundError
from app.ids import encode_id
from app.repositories import feed, listings, members, moments, nodes, spaces, versions
from app.repositories.listings import Listed
from app.repositories.moments import ChildThen, Kept
from app.repositories.nodes import Kind, Node
from app.repositories.versions import Version
from app.services import access
from app.services.access import Right
from app.services.downloads import Content
from app.services.media import present_as
from app.services.moments import Place, kept_of
from app.services.resources import Resource
from app.services.views import View

DAY_MS = 86_400_000
DAYS_AT_ONCE = 31


@dataclass(frozen=True, slots=True)
class Moment:
    """A time, Unix milliseconds; where a span is meant, as a day, its last moment, and in `begins_ms` its first."""

    time_ms: int
    begins_ms: int


class PastView(View, frozen=True):
    """A node as it was; its etag is its version's, of a folder the moment's."""

    etag_then: str

    def etag(self, epoch: str) -> str:  # noqa: ARG002 - what was does not change with it
        """Return what stands for what it held then."""
        return self.etag_then


@dataclass(frozen=True, slots=True)
class PastListing:
    """A resource of the past, and where it is a folder the first of what was in it.

    Attributes:
        end: where the children end; None for all.
        seq: the change after which all this was so: later pages are to be of the same.
    """

    resource: Resource
    children: list[Resource]
    end: Place | None
    seq: int


@dataclass(frozen=True, slots=True)
class Day:
    """A day on which something changed, in days since 1970 (UTC), and when that was for the last time."""

    number: int
    last_ms: int
    seq: int


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a walk through the past stands.

    Attributes:
        node_id: of a mount, that of the root behind it.
        readable: the spaces whose states may be shown below it.
        child: the state of it; None of the root of the view.
        kept: of a file, the version whose content stands for what it held.
    """

    node_id: int
    view: PastView
    readable: frozenset[int]
    child: ChildThen | None = None
    kept: Kept | None = None

    @property
    def is_folder(self) -> bool:
        """Whether there is something in it."""
        return self.view.listed.node.is_folder


class PastService:
    """Walks through what was."""

    def __init__(self, database: Database) -> None:
        """Take the database."""
        self._database = database

    async def open(self, actor: Actor, names: Sequence[str], moment: Moment, *, limit: int) -> PastListing:
        """Return what was at a path of the actor's view at a time, and the first `limit` of what was in it.

        Raises:
            NotFoundError: there was nothing, its content is gone, or the history does not reach back so far.
        """

        def work(tx: Snapshot) -> PastListing:
            walk = Walk(tx, actor, seq_of(tx, moment))
            spot = walk.to(names)
            children, end = walk.children(spot, None, limit) if limit and spot.is_folder else ([], None)
            return PastListing(_resource(spot), [_resource(child) for child in children], end, walk.seq)

        return await self._database.read(work)

    async def more(
        self, actor: Actor, names: Sequence[str], seq: int, after: Place, *, limit: int
    ) -> tuple[list[Resource], Place | None]:
        """Return up to `limit` of what was in a folder behind a place, and where these end; raises as `open` does."""

        def work(tx: Snapshot) -> tuple[list[Resource], Place | None]:
            walk = Walk(tx, actor, seq)
            children, end = walk.children(walk.to(names), after, limit)
            return [_resource(child) for child in children], end

        return await self._database.read(work)

    async def content_at(self, actor: Actor, names: Sequence[str], moment: Moment) -> Content | None:
        """Return what the file at a path held at a time; None for a folder; raises as `open` does."""

        def work(tx: Snapshot) -> tuple[Spot, Version | None]:
            spot = Walk(tx, actor, seq_of(tx, moment)).to(names)
            return spot, None if spot.kept is None else versions.find(tx, spot.kept.id)

        spot, version = await self._database.read(work)
        if spot.is_folder:
            return None
        if version is None or version.manifest is None:
            raise content_gone()
        node = spot.view.listed.node
        return Content(
            version.size,
            spot.view.etag_then,
            node.modified_ms if node.mtime_ms is None else node.mtime_ms,
            present_as(node.name, version.content_type, download=False),
            version.manifest,
        )

    async def days(self, actor: Actor, before: Day | None) -> tuple[list[Day], Day | None]:
        """Return days on which something of the actor's view changed, the newest first, out of the next 31 that had
        any change at all, and the last one looked at; None at the end of the history.

        Args:
            before: what this returned as the last one looked at; None to begin.
        """

        def work(tx: Snapshot) -> tuple[list[Day], Day | None]:
            head, home = feed.head(tx), access.home(tx, actor)
            home.require(Right.READ)
            oldest = max(head.oldest_seq - 1, moments.history_seq(tx, home.space.id))
            found: list[Day] = []
            last = before or Day(0, 0, head.seq)
            for _ in range(DAYS_AT_ONCE):
                at_ms = feed.time_of(tx, last.seq) if last.seq > oldest else None
                if at_ms is None:
                    return found, None
                number = at_ms // DAY_MS
                after = max(oldest, feed.seq_before(tx, number * DAY_MS, head) or oldest)
                if _is_changed(tx, actor, after, last.seq):
                    found.append(Day(number, at_ms, last.seq))
                last = Day(number, at_ms, after)
            return found, last

        return await self._database.read(work)

    async def root(self, actor: Actor) -> Resource:
        """Return the root of the actor's view as what stands for all days together.

        Raises:
            NotFoundError: it is gone.
        """

        def work(tx: Snapshot) -> Resource:
            return _resource(Walk(tx, actor, feed.head(tx).seq).to(()))

        return await self._database.read(work)


class Walk:
    """Goes down through the view of an actor as it was after `seq`."""

    def __init__(self, tx: Snapshot, actor: Actor, seq: int) -> None:
        """Begin at the root of the view."""
        self._tx = nodes.WaysKept(tx)
        self._actor = actor
        self.seq = seq
        self._etag = f"{seq:x}z{feed.head(tx).epoch[:8]}"

    def to(self, names: Sequence[str]) -> Spot:
        """Return what was at a path.

        Raises:
            NotFoundError: there was nothing, its content is gone, or the history does not reach back so far.
        """
        spot = self._root()
        for name in names:
            child = moments.child_at(self._tx, spot.node_id, self.seq, name) if spot.is_folder else None
            found = None if child is None else self._seen(spot, child)
            if found is None:
                raise _not_there()
            spot = found
        if spot.child is not None and not spot.is_folder and spot.kept is None:
            raise content_gone()
        return spot

    def children(self, folder: Spot, after: Place | None, limit: int) -> tuple[list[Spot], Place | None]:
        """Return up to `limit` of what was in a folder, folders first, and where these end; None at the end.

        Files whose content is gone are left out.
        """
        place = None if after is None else (after.is_file, after.name)
        found = moments.children_at(self._tx, folder.node_id, self.seq, after=place, limit=limit + 1, with_mounts=True)
        seen = [self._seen(folder, child) for child in found[:limit]]
        last = found[limit - 1] if len(found) > limit else None
        end = None if last is None else Place(last.kind is Kind.FILE, last.name)
        return [spot for spot in seen if spot is not None and (spot.is_folder or spot.kept is not None)], end

    def _root(self) -> Spot:
        home = access.home(self._tx, self._actor)
        home.require(Right.READ)
        readable = frozenset((home.space.id, *(space.id for space in access.spaces_of(self._tx, self._actor))))
        state = moments.state_at(self._tx, home.node.id, self.seq)
        if state is None or state.dead_seq or state.space_id not in readable:
            raise _not_there()
        self._require_history(home.space.id)
        listed = listings.one(self._tx, home.node.id)
        if listed is None:
            raise AssertionError("the root of a view is gone in the same snapshot")
        node = replace(listed.node, modified_ms=listed.node.created_ms)
        view = PastView(
            replace(listed, node=node, size=0),
            "/",
            encode_id(home.within.id, home.within.tag),
            None,
            None,
            (Right.READ,),
            self._etag,
        )
        return Spot(home.node.id, view, readable)

    def _seen(self, folder: Spot, child: ChildThen) -> Spot | None:
        """Return a child of a folder as it was; None where it is not the actor's to see now."""
        is_moved = child.parent_now != folder.node_id
        if is_moved and access.look_dead_or_alive(self._tx, self._actor, child.id) is None:
            return None
        if child.kind is Kind.MOUNT:
            return self._behind(folder, child)
        if child.space_id not in folder.readable:
            return None
        kept = kept_of(self._tx, child) if child.kind is Kind.FILE else None
        return Spot(child.id, self._view(folder, child, child.id, child.tag, kept), folder.readable, child, kept)

    def _behind(self, folder: Spot, mount: ChildThen) -> Spot | None:
        """Return the root of the shared space that a mount showed then; None where the actor may not see it now."""
        if mount.target_id is None:
            raise AssertionError(f"mount {mount.id} shows no space")
        space = spaces.get(self._tx, mount.target_id)
        state = moments.state_at(self._tx, space.root_id, self.seq)
        is_there = state is not None and not state.dead_seq and self.seq >= moments.history_seq(self._tx, space.id)
        root = nodes.find(self._tx, space.root_id)
        if not is_there or root is None or access.role_in(self._tx, self._actor, space) is None:
            return None
        view = self._view(folder, mount, root.id, root.tag, None)
        return Spot(root.id, view, folder.readable | {space.id}, mount)

    def _view(self, folder: Spot, child: ChildThen, node_id: int, tag: bytes, kept: Kept | None) -> PastView:
        is_file = child.kind is Kind.FILE
        node = Node(
            id=node_id,
            tag=tag,
            space_id=child.space_id,
            parent_id=folder.node_id,
            name=child.name,
            kind=Kind.FILE if is_file else Kind.FOLDER,
            version_id=None if kept is None else kept.id,
            version_tag=None if kept is None else kept.tag,
            size=None if kept is None else kept.size,
            mtime_ms=child.mtime_ms if is_file else None,
            executable=child.executable,
            seq=child.from_seq,
            content_seq=child.from_seq,
            created_seq=child.from_seq,
            created_ms=child.created_ms,
            actor_id=0,
            modified_ms=child.modified_ms,
            dead_seq=0,
            dead_ms=None,
            feed_seq=child.from_seq,
            target_id=None,
        )
        version_id = View.version_id_of(node)
        return PastView(
            Listed(
                node,
                node.size or 0,
                0,
                None if kept is None else kept.sha256,
                None if kept is None else kept.content_type,
                child.username,
            ),
            f"{folder.view.path.rstrip('/')}/{child.name}",
            folder.view.space_id,
            folder.view.file_id,
            version_id,
            (Right.READ,),
            version_id or self._etag,
        )

    def _require_history(self, space_id: int) -> None:
        if self.seq < moments.history_seq(self._tx, space_id):
            raise _too_long_ago()


def seq_of(tx: Snapshot, moment: Moment) -> int:
    """Return the last seq of no later than a moment.

    Raises:
        NotFoundError: the journal does not reach back to it, or it has not come yet.
    """
    head = feed.head(tx)
    if moment.begins_ms > max(now_ms(), head.last_ms):
        raise NotFoundError("That time has not come yet.")
    seq = feed.seq_before(tx, moment.time_ms + 1, head)
    if seq is None:
        raise _too_long_ago()
    return seq


def content_gone() -> NotFoundError:
    """Return the refusal of a file of which no version is kept any more."""
    return NotFoundError("The content that this file had then is gone: retention took it.")


def _resource(spot: Spot) -> Resource:
    return Resource(spot.view, is_past=True)


def _not_there() -> NotFoundError:
    return NotFoundError("There was nothing at this path at that time.")


def _too_long_ago() -> NotFoundError:
    return NotFoundError("The history does not reach back to that time.")


def _is_changed(tx: Snapshot, actor: Actor, after: int, upto: int) -> bool:
    """Tell whether anything changed in a span that the actor may know of."""
    if actor.scope.root_id is not None:
        return _is_changed_in_scope(tx, actor, after, upto)
    seen = access.spaces_of(tx, actor)
    if any(moments.is_last_changed(tx, space.id, after=after, upto=upto) for space in seen):
        return True
    if any(moments.is_changed_by(tx, one, after=after, upto=upto) for one in moments.actors_of(tx, actor.user_id)):
        return True
    return any(
        moments.is_changed_by(tx, one, after=after, upto=upto, space_id=space.id)
        for space in seen
        if space.is_shared
        for member in members.of_space(tx, space.id)
        for one in moments.actors_of(tx, member.user_id)
    )


def _is_changed_in_scope(tx: Snapshot, actor: Actor, after: int, upto: int) -> bool:
    """Tell it for a credential that sees one folder: of what changed last in that span, some must be in it."""
    space_id = access.home(tx, actor).space.id
    changed = moments.changed_after(tx, space_id, (after, 2**62), upto=upto, limit=DAYS_AT_ONCE * 10)
    return any(access.look_dead_or_alive(tx, actor, node_id) is not None for _, node_id in changed)
