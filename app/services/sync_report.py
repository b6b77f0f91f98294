"""What changed in one folder since a reader was told the last time, told by paths (RFC 6578), out of the person's feed.

The feed tells of nodes; this reader knows paths. So of each node that changed it is said where it is now, and of every
place that it had since and that nobody has now, that nothing is there. What is below a folder that moved is told anew.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from msgspec.structs import replace

from app.auth.identity import Actor
from app.db.database import Database
from app.db.transaction import Snapshot
from app.errors import CursorResetError, NotFoundError
from app.ids import encode_id
from app.repositories import feed, listings, members, moments
from app.repositories.nodes import Node
from app.services import access
from app.services.access import Right, Sight
from app.services.feed_page import Change, read_page
from app.services.feed_view import Asked
from app.services.resources import Resource, Wants, free_in, kept_at_once, resources_of
from app.services.room import Room
from app.services.sync_tokens import cursor_in, token_of
from app.services.views import Overlay, View

MOST = 2_000
PAGE = 1_000


@dataclass(frozen=True, slots=True)
class Member:
    """Something in the folder by its path below it, and what is there now; None for nothing, where something was."""

    names: tuple[str, ...]
    resource: Resource | None
    is_folder: bool


@dataclass(frozen=True, slots=True)
class SyncPage:
    """What is told at once.

    Attributes:
        token: with which to go on behind it.
        has_more: there is more to be told already.
    """

    members: list[Member]
    token: str
    has_more: bool


class SyncReportService:
    """Tells what changed in a folder."""

    def __init__(self, database: Database, room: Room) -> None:
        """Take the database, and who knows what the disk has left."""
        self._database = database
        self._room = room

    async def page(
        self, actor: Actor, names: Sequence[str], token: str | None, *, is_deep: bool, wants: Wants, limit: int
    ) -> SyncPage:
        """Return what changed in the folder at a path since a token was given; all of it if there is none.

        Args:
            token: as an earlier page or `Resource.sync_token` gave it.
            is_deep: also what is in its folders.
            limit: of so many changed nodes, perhaps some more; each may be told of several times.

        Raises:
            NotFoundError: there is no such folder.
            CursorResetError: one cannot go on from this token: begin anew.
            ForbiddenError: the credential was made for less than the whole view.
        """
        free = free_in(self._room) if wants.room else 0

        def work(tx: Snapshot) -> SyncPage:
            folder = access.look_path(tx, actor, names)
            folder.require(Right.READ)
            if not folder.node.is_folder:
                raise NotFoundError("There is no folder at this path.")
            folder_id = encode_id(folder.node.id, folder.node.tag)
            cursor = None if token is None else cursor_in(token, folder_id)
            known = feed.head(tx).seq if cursor is None else cursor.oldest
            at_once = limit
            while True:
                page = read_page(tx, actor, Asked(limit=at_once), cursor, _unchanged)
                report = _Report(tx, actor, folder, known, is_deep=is_deep)
                for change in page.changes:
                    report.add(change)
                here = {at: view for at, view in report.told.items() if view is not None}
                fitting = kept_at_once(tx, list(here.values())) if wants.kept else len(here)
                if fitting == len(here):
                    break
                if at_once == 1:
                    raise CursorResetError("A folder moved that holds more than is told at once: list it anew.")
                at_once = max(1, at_once * fitting // (2 * len(here)))  # programs left much on what changed
            shown = dict(zip(here, resources_of(tx, actor, None, list(here.values()), wants, free), strict=True))
            found = [Member(at, shown.get(at), at in report.folders) for at in report.told]
            return SyncPage(found, token_of(folder_id, page.cursor), page.has_more)

        return await self._database.read(work)


class _Report:
    """What a page of the feed means for one folder.

    Attributes:
        told: what is at each path below it, None for nothing, folders before what is in them.
        folders: the paths where a folder is or was.
    """

    def __init__(self, tx: Snapshot, actor: Actor, folder: Sight, known: int, *, is_deep: bool) -> None:
        """Begin with nothing; the reader knows the view as it was after the seq `known`, and what pages told since."""
        self._tx = tx
        self._actor = actor
        self._folder = folder
        self._known = known
        self._is_deep = is_deep
        self._overlay = Overlay.of_user(tx, actor)
        seen = access.spaces_of(tx, actor)
        self._home_id = encode_id(seen[0].id, seen[0].tag)
        self._readable = {space.id for space in seen}
        self._paths: dict[int, str | None] = {}
        self.told: dict[tuple[str, ...], View | None] = {}
        self.folders: set[tuple[str, ...]] = set()

    def add(self, change: Change) -> None:
        """Add what one change of the feed means."""
        node = change.view.listed.node
        places = list(self._places_since(node))
        if change.gone is not None:
            self._end(change.view.path, node)
        for path in places:
            self._end(path, node)
        if change.gone is None:
            self._put(change.view)
            if self._is_deep and node.is_folder and any(path != change.view.path for path in places):
                self._put_below(node.id)

    def _put(self, view: View) -> None:
        at = self._below(view.path)
        if at is not None:
            is_of_home = view.space_id == self._home_id and view.listed.node.is_folder
            self.told[at] = replace(view, listed=self._overlay.over(view.listed)) if is_of_home else view
            self._note_kind(at, view.listed.node)

    def _note_kind(self, at: tuple[str, ...], node: Node) -> None:
        if node.is_folder:
            self.folders.add(at)

    def _end(self, path: str, node: Node) -> None:
        """Tell that nothing is at a path where a node was, if that is so."""
        at = self._below(path)
        if at is None or self.told.get(at) is not None:
            return
        _, missing = access.descend(self._tx, self._folder, at)
        if missing:
            self.told[at] = None
            self._note_kind(at, node)

    def _put_below(self, folder_id: int) -> None:
        """Tell of all that is below a folder.

        Raises:
            CursorResetError: it is more than is told at once.
        """
        waiting = [access.look_number(self._tx, self._actor, folder_id)]
        while waiting:
            folder, after = waiting.pop(), None
            if self._below(folder.path) is None:
                continue
            while True:
                page, after = listings.children(
                    self._tx, folder.node.id, sort="name", order="asc", after=after, limit=PAGE
                )
                for view in View.of_children(self._tx, folder, page):
                    self._put(view)
                sights = (folder.child(self._tx, child.node) for child in page if child.node.kind > 0)
                waiting += [sight for sight in sights if sight is not None]
                if len(self.told) > MOST:
                    raise CursorResetError("A folder moved that holds more than is told at once: list it anew.")
                if after is None:
                    break

    def _places_since(self, node: Node) -> Iterator[str]:
        """Yield the paths that a node had since the reader was told all, by where its folders are now.

        Where one of these moved as well, it is itself told of.
        """
        node_id = node.id
        if node.parent_id is None:
            member = members.find(self._tx, self._actor.user_id, node.space_id)
            if member is None:
                return
            node_id = member.mount_id
        for state in moments.states_backwards(self._tx, node_id):
            parent = None if state.parent_id is None else self._path_of(state.parent_id)
            if parent is not None and state.space_id in self._readable:
                yield f"{parent.rstrip('/')}/{state.name}"
            if state.from_seq <= self._known:
                return

    def _path_of(self, folder_id: int) -> str | None:
        """Return where a folder is now; None where it is not, or not to be seen."""
        if folder_id not in self._paths:
            try:
                self._paths[folder_id] = access.look_number(self._tx, self._actor, folder_id).path
            except NotFoundError:
                self._paths[folder_id] = None
        return self._paths[folder_id]

    def _below(self, path: str) -> tuple[str, ...] | None:
        """Return a path as names below the folder that is asked about; None where it is not told of."""
        top = self._folder.path.rstrip("/") + "/"
        names = tuple(path.removeprefix(top).split("/")) if path.startswith(top) and path != top else ()
        return names if names and (self._is_deep or len(names) == 1) else None


def _unchanged(change: Change) -> Change:
    return change
