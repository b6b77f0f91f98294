"""One page of a person's feed, read in one snapshot (metadata.md, 3).

A node has one place in the feed, that of its last change. So a page says what is so in its snapshot, and whatever
changes later has a later place and comes on a later page. Whether a node is alive, and where it is, is walked up to:
a deletion is one row, whatever lies below it, and so is a move to another space.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

from msgspec.structs import replace

from app.auth.identity import Actor
from app.clock import now_ms
from app.db.transaction import Snapshot
from app.ids import encode_id
from app.repositories import feed, listings
from app.repositories.feed import Departure
from app.repositories.listings import Listed
from app.repositories.nodes import Kind, Node
from app.services.cursor import BEGINNING, Cursor
from app.services.feed_view import Asked, Reader, SeenSpace
from app.services.feed_ways import Folder, Ways, path_below
from app.services.views import View

T = TypeVar("T")

ROWS_AT_MOST = 10_000


class Reason(StrEnum):
    """Why a node left a reader's view; the values are api.md's."""

    DELETED = "deleted"
    ACCESS = "access"


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
        time_ms: time of the server, Unix milliseconds.
        heard_of: the spaces whose changes may be news for this reader.
    """

    changes: list[T]
    cursor: Cursor
    has_more: bool
    time_ms: int
    heard_of: frozenset[int]

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing new."""
        return not self.changes and not self.has_more


class _Writer(Generic[T]):
    """Puts a page together: parents first, each node once."""

    def __init__(self, tx: Snapshot, reader: Reader, cursor: Cursor, show: Callable[[Change], T]) -> None:
        self._tx = tx
        self._show = show
        self._reader = reader
        self._cursor = cursor
        self._ways = Ways(tx, reader, cursor)
        self._sent: set[int] = set()
        self.changes: list[T] = []

    def add(self, row: Listed | Departure) -> None:
        """Add what stands in a row whose turn it is, unless it was added before as somebody's parent."""
        if isinstance(row, Departure):
            self._add_departure(row)
        elif row.node.kind is Kind.MOUNT:
            self._add_mount(row.node)
        elif row.node.id in self._sent:
            return
        elif row.node.parent_id is None:
            self._put_root(row)
        else:
            self._add_child(row, self._ways.folder(row.node.parent_id))

    def _add_child(self, listed: Listed, above: Folder) -> None:
        node = listed.node
        if above.space is not None and not above.is_dead and not node.dead_seq:
            self._put_unknown(above)
            self._put(listed, path_below(above, node.name), above.space, above, None)
        elif not self._cursor.never_showed(node.created_seq, node.feed_seq):
            if above.space is None:
                self._take_away(node, node.feed_seq, None)
            else:
                self._put(listed, path_below(above, node.name), above.space, above, Reason.DELETED)

    def _add_mount(self, mount: Node) -> None:
        """Tell of a mount, under the id of the root that it shows."""
        space_id, root_id = feed.behind_mount(self._tx, mount.id)
        root = None if root_id in self._sent else listings.one(self._tx, root_id)
        space = self._reader.spaces.get(space_id)
        if root is None or (space is None and self._reader.space_id):
            return
        if space is None:
            if not self._cursor.never_showed(root.node.created_seq, mount.feed_seq):
                self._take_away(root.node, mount.feed_seq, (mount.parent_id, mount.name))
        elif space.mount is not None and space.mount.id == mount.id:  # else it was shown by this one before
            self._put_root(root)

    def _add_departure(self, departure: Departure) -> None:
        """Tell of a node that left a space, or of a space that left the view, unless it is there all the same."""
        seq, node_id = departure.place
        listed = None if node_id in self._sent else listings.one(self._tx, node_id)
        if listed is None or self._is_here(listed.node):
            return
        if self._cursor.never_showed(listed.node.created_seq, seq):
            return
        place = feed.place_until(self._tx, node_id, seq)
        membership = self._reader.membership(node_id)
        if place is None and membership is not None:
            place = membership.mount.parent_id, membership.mount.name
        self._take_away(listed.node, seq, place)

    def _is_here(self, node: Node) -> bool:
        """Tell whether a row of this feed says what became of a node, or will once a walk has come to it."""
        if node.parent_id is None:
            return node.space_id in self._reader.spaces
        above = self._ways.folder(node.parent_id)
        is_alive = not above.is_dead and not node.dead_seq
        return above.space is not None and (is_alive or node.space_id in self._reader.spaces)

    def _put_unknown(self, above: Folder) -> None:
        """Add the folders at and above one that the reader does not have."""
        for folder in above.unknown:
            found = None if folder.id in self._sent else listings.one(self._tx, folder.id)
            if found is not None:
                self._put_folder(found, folder)

    def _put_root(self, listed: Listed) -> None:
        """Add the root of a space, which shows where its mount is, and the way to that."""
        root = self._ways.folder(listed.node.id)
        if root.above is not None:
            self._put_unknown(root.above)
        self._put_folder(listed, root)

    def _put_folder(self, listed: Listed, folder: Folder) -> None:
        """Add a folder that is in view, by the name that it shows by."""
        if folder.space is None:
            raise AssertionError(f"folder {folder.id} is not in this feed")
        named = replace(listed, node=replace(listed.node, name=folder.name, seq=folder.seq))
        self._put(named, folder.path, folder.space, folder.above, None)

    def _put(self, listed: Listed, path: str, space: SeenSpace, above: Folder | None, gone: Reason | None) -> None:
        node = listed.node
        parent_id = None if above is None else above.wire_id
        view = View(listed, path, space.wire_id, parent_id, View.version_id_of(node), space.rights)
        self._send(Change(node.feed_seq, view, gone), node.id)

    def _take_away(self, node: Node, seq: int, place: tuple[int | None, str] | None) -> None:
        """Add the end of what is the reader's no more: what it was for them, and nothing of what it is now.

        Args:
            place: the folder and name that it had in this view; where they are not known its id stands for the name.
        """
        parent_id, name = (None, encode_id(node.id, node.tag)) if place is None else place
        above = None if parent_id is None else self._ways.folder(parent_id)
        if above is None or above.space is None:
            path, space_id, above_id = f"/{name}", "", None
        else:
            path, space_id, above_id = path_below(above, name), above.space.wire_id, above.wire_id
        bare = replace(
            node,
            name=name,
            size=None,
            mtime_ms=None,
            executable=False,
            seq=seq,
            content_seq=seq,
            created_seq=seq,
            created_ms=0,
            modified_ms=0,
        )
        view = View(Listed(bare, 0, 0, None, None, ""), path, space_id, above_id, None, ())
        membership = self._reader.membership(node.id)
        is_own = membership is not None and self._reader.owns(membership)
        reason = Reason.DELETED if is_own else Reason.ACCESS
        self._send(Change(seq, view, reason), node.id)

    def _send(self, change: Change, node_id: int) -> None:
        self._sent.add(node_id)
        self.changes.append(self._show(change))


def read_page(tx: Snapshot, actor: Actor, asked: Asked, cursor: Cursor | None, show: Callable[[Change], T]) -> Page[T]:
    """Return the page behind a cursor, or behind what else was asked for.

    Args:
        show: called for each change at once, so that a page holds no more of it than the caller wants.

    Raises:
        InvalidRequestError: the cursor was given for another space.
        CursorResetError: it is of another journal, or too old.
        NotFoundError: there is no such space.
        UnauthenticatedError: the credential has ended.
        ForbiddenError: it was made for less than the whole view.
    """
    time_ms = now_ms()
    reader = Reader(tx, actor, asked.space_id)
    begun = reader.begin(asked, cursor)
    writer, place, has_more = _Writer(tx, reader, begun, show), BEGINNING, False
    for number, row in enumerate(reader.rows_after(begun)):
        # Rows that are no news are passed over, but not without end in one turn. What shares a place stays together:
        # the next page begins behind it.
        is_full = len(writer.changes) >= asked.limit or number >= ROWS_AT_MOST
        if is_full and feed.place_of(row) > place:
            has_more = True
            break
        writer.add(row)
        place = feed.place_of(row)
    after = begun.after(reader.head, place if has_more else None)
    return Page(writer.changes, after, has_more, max(time_ms, reader.head.last_ms), reader.heard_of)
