"""One page of a person's feed, read in one snapshot (metadata.md, 3).

A node has one place in the feed, that of its last change. So a page says what is so in its snapshot, and whatever
changes later has a later place and comes on a later page. Whether a node is alive, and where it is, is walked up to:
a deletion is one row, whatever lies below it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

from app.auth.identity import Actor
from app.clock import now_ms
from app.db.transaction import Snapshot, mark_at
from app.errors import CursorResetError, InvalidRequestError, NotFoundError, UnauthenticatedError
from app.ids import encode_id
from app.repositories import actors, feed, jobs, listings
from app.repositories.feed import Place
from app.repositories.jobs import JobKind
from app.repositories.listings import Listed
from app.repositories.spaces import Space
from app.services import access
from app.services.access import Right
from app.services.cursor import Cursor
from app.services.views import View

T = TypeVar("T")

DATED_BEFORE_SEEN_MS = 60_000
ROWS_AT_MOST = 10_000


class Reason(StrEnum):
    """Why a node left a reader's view; the values are api.md's."""

    DELETED = "deleted"


@dataclass(frozen=True, slots=True)
class Asked:
    """What a reader asks for.

    Attributes:
        cursor: as given by an earlier page; None to begin.
        since_ms: in place of a cursor: all that changed since this time of the server, Unix milliseconds.
        space_id: wire id of the one space to hear of; None for all.
        limit: how many changes a page holds, and perhaps some folders on the way to them.
    """

    cursor: str | None = None
    since_ms: int | None = None
    space_id: str | None = None
    limit: int = 1000


@dataclass(frozen=True, slots=True)
class Change:
    """One node in its last state: here, or gone and why."""

    seq: int
    view: View
    gone: Reason | None


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """A page of the feed; folders stand before what is in them.

    Attributes:
        changes: each as the caller wanted it shown.
        seq: where the cursor stands.
        time_ms: time of the server, Unix milliseconds.
        space_ids: what was looked at.
    """

    changes: list[T]
    cursor: Cursor
    seq: int
    has_more: bool
    time_ms: int
    space_ids: tuple[int, ...]

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing new."""
        return not self.changes and not self.has_more


class Reader:
    """Who reads, what they can see, and where the journal stands, in one snapshot."""

    def __init__(self, tx: Snapshot, actor: Actor, space_id: str | None) -> None:
        """Look; `space_id` is the wire id of the one space that is asked about, None for all.

        Raises:
            NotFoundError: the actor sees no such space.
            UnauthenticatedError: the credential has ended.
        """
        self._tx = tx
        self.head = feed.head(tx)
        row = actors.find(tx, actor.id)
        if row is None or row.revoked_ms is not None:
            raise revoked()
        self.spaces = {space.id: _Space.of(actor, space) for space in access.spaces_of(tx, actor)}
        self.space_id = 0
        if space_id is not None:
            self.spaces = {number: space for number, space in self.spaces.items() if space.wire_id == space_id}
            if not self.spaces:
                raise NotFoundError("There is no space with this id.")
            self.space_id = next(iter(self.spaces))

    @property
    def space_ids(self) -> tuple[int, ...]:
        """The spaces to read."""
        return tuple(self.spaces)

    def check(self, cursor: Cursor) -> None:
        """Refuse a cursor that cannot be gone on from."""
        if cursor.space_id != self.space_id:
            raise InvalidRequestError("`cursor` was given for another `space_id`.")
        if cursor.epoch == self.head.epoch and cursor.oldest < self.head.oldest_seq - 1:
            raise _too_old()
        if cursor.epoch != self.head.epoch or mark_at(self._tx.connection, cursor.seen) != cursor.mark:
            raise CursorResetError("The server was put back to an earlier state: take the tree again and compare.")

    def begin(self, asked: Asked, cursor: Cursor | None) -> Cursor:
        """Return the cursor from which a page is read."""
        if cursor is not None:
            self.check(cursor)
            return cursor.begin(self.head)
        if asked.since_ms is None:
            return Cursor.first(self.head, self.space_id)
        seq = self._seq_before(asked.since_ms)
        return Cursor.at(self.head, self.space_id, seq, self.head.mark).begin(self.head)

    def _seq_before(self, time_ms: int) -> int:
        """Return the seq up to which a reader knows everything who was told all up to a time."""
        # A change is dated when it is written and seen when it is committed: on a slow disk that is not the same.
        told_ms = time_ms - DATED_BEFORE_SEEN_MS
        if told_ms > max(now_ms(), self.head.last_ms):
            return self.head.seq
        seq = feed.seq_before(self._tx, told_ms, self.head)
        if seq is None:
            raise _too_old()
        return seq


@dataclass(frozen=True, slots=True)
class _Space:
    """A space as the reader sees it."""

    wire_id: str
    rights: tuple[Right, ...]

    @classmethod
    def of(cls, actor: Actor, space: Space) -> "_Space":
        role = access.role_in(actor, space)
        return cls(encode_id(space.id, space.tag), () if role is None else role.value)


@dataclass(eq=False, slots=True)
class _Folder:
    """A folder on the way up from a node of the page.

    Attributes:
        is_dead: it, or one above it, is in the trash or purged.
        is_restored: it was restored, or one above it was, and what is below is not yet all back in the feed.
        unknown: of it and those above it, the ones that the reader has from no earlier page, the topmost first.
    """

    id: int
    wire_id: str
    path: str
    above: "_Folder | None"
    is_dead: bool
    is_restored: bool
    unknown: "tuple[_Folder, ...]" = ()


class _Ways:
    """The folders above the nodes of a page, each looked up once."""

    def __init__(self, tx: Snapshot, known: Place) -> None:
        self._tx = tx
        self._known = known
        self._restored = jobs.nodes_of(tx, JobKind.REVEAL)
        self._folders: dict[int, _Folder] = {}

    def folder(self, folder_id: int) -> _Folder:
        found = self._folders.get(folder_id)
        if found is not None:
            return found
        steps, at, above = [], folder_id, None
        while True:
            steps.append(feed.step(self._tx, at))
            parent_id = steps[-1].parent_id
            if parent_id is None:
                break
            above = self._folders.get(parent_id)
            if above is not None:
                break
            at = parent_id
        for step in reversed(steps):
            above = self._folders[step.id] = self._below(above, step)
        return self._folders[folder_id]

    def _below(self, above: _Folder | None, step: feed.Step) -> _Folder:
        # What a restored folder holds keeps its old place until it is revealed: the reader may have passed it there
        # while it was dead.
        hidden = above is not None and above.is_restored
        folder = _Folder(
            id=step.id,
            wire_id=encode_id(step.id, step.tag),
            path=_path_below(above, step.name),
            above=above,
            is_dead=step.dead_seq > 0 or (above is not None and above.is_dead),
            is_restored=hidden or step.id in self._restored,
            unknown=() if above is None else above.unknown,
        )
        if hidden or (step.feed_seq, step.id) > self._known:
            folder.unknown = (*folder.unknown, folder)
        return folder


def _path_below(folder: _Folder | None, name: str) -> str:
    """Return the path of what has this name in a folder; the root of a space has none above it."""
    if folder is None:
        return "/"
    return f"/{name}" if folder.path == "/" else f"{folder.path}/{name}"


class _Writer(Generic[T]):
    """Puts a page together: parents first, each node once."""

    def __init__(self, tx: Snapshot, reader: Reader, cursor: Cursor, show: Callable[[Change], T]) -> None:
        self._tx = tx
        self._show = show
        self._spaces = reader.spaces
        self._cursor = cursor
        self._ways = _Ways(tx, cursor.place)
        self._sent: set[int] = set()
        self.changes: list[T] = []

    def add(self, listed: Listed) -> None:
        """Add a node whose turn it is, unless it was added before as somebody's parent."""
        node = listed.node
        if node.id in self._sent:
            return
        above = None if node.parent_id is None else self._ways.folder(node.parent_id)
        if node.dead_seq or (above is not None and above.is_dead):
            if not self._cursor.never_showed(node):
                self._put(listed, above, Reason.DELETED)
            return
        if above is not None:
            self._add_unknown(above)
        self._put(listed, above, None)

    def _add_unknown(self, above: _Folder) -> None:
        """Add the folders on the way up that the reader does not have."""
        for folder in above.unknown:
            found = None if folder.id in self._sent else listings.one(self._tx, folder.id)
            if found is not None:
                self._put(found, folder.above, None)

    def _put(self, listed: Listed, above: _Folder | None, gone: Reason | None) -> None:
        node = listed.node
        space = self._spaces[node.space_id]
        view = View(
            listed,
            _path_below(above, node.name),
            space.wire_id,
            None if above is None else above.wire_id,
            View.version_id_of(node),
            space.rights,
        )
        self._sent.add(node.id)
        self.changes.append(self._show(Change(node.feed_seq, view, gone)))


def read_page(tx: Snapshot, actor: Actor, asked: Asked, cursor: Cursor | None, show: Callable[[Change], T]) -> Page[T]:
    """Return the page behind a cursor, or behind what else was asked for.

    Args:
        show: called for each change at once, so that a page holds no more of it than the caller wants.

    Raises:
        InvalidRequestError: the cursor was given for another space.
        CursorResetError: it is of another journal, or too old.
        NotFoundError: there is no such space.
        UnauthenticatedError: the credential has ended.
    """
    time_ms = now_ms()
    reader = Reader(tx, actor, asked.space_id)
    begun = reader.begin(asked, cursor)
    writer, place, has_more = _Writer(tx, reader, begun, show), begun.place, False
    for number, listed in enumerate(feed.rows_after(tx, reader.space_ids, begun.place)):
        # Rows that are no news are passed over, but not without end in one turn.
        if len(writer.changes) >= asked.limit or number >= ROWS_AT_MOST:
            has_more = True
            break
        writer.add(listed)
        place = feed.place_of(listed)
    after = begun.after(reader.head, place if has_more else None)
    time_ms = max(time_ms, reader.head.last_ms)
    return Page(writer.changes, after, after.place.seq, has_more, time_ms, reader.space_ids)


def revoked() -> UnauthenticatedError:
    """Return the refusal of a credential that ended while it was in use."""
    return UnauthenticatedError("This device was logged out: log in again.")


def _too_old() -> CursorResetError:
    return CursorResetError("The journal no longer reaches back that far: take the tree again and compare.")
