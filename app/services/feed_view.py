"""What one reader of a feed sees: the home, and the shared spaces that are mounted in it, in one snapshot."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from app.auth.identity import Actor, Reach
from app.clock import now_ms
from app.db.transaction import Snapshot, mark_at
from app.errors import CursorResetError, ForbiddenError, InvalidRequestError, NotFoundError, UnauthenticatedError
from app.ids import encode_id
from app.repositories import actors, feed, listings, spaces
from app.repositories.feed import Departure, Membership, Step, Stretch
from app.repositories.listings import Listed
from app.services.access import Right, Role
from app.services.cursor import Cursor

DATED_BEFORE_SEEN_MS = 60_000


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
class SeenSpace:
    """A space in somebody's view.

    Attributes:
        shown_seq: the seq with which it came into view; 0 for the home.
        mount: where it shows; None for the home.
    """

    id: int
    wire_id: str
    rights: tuple[Right, ...]
    shown_seq: int
    mount: Step | None


class Reader:
    """Who reads, what they can see, and where the journal stands.

    Attributes:
        spaces: those that the feed is about, by id.
        space_id: the one that was asked for; 0 for all.
        visible: all in the person's view, for the way to one space leads through another.
    """

    def __init__(self, tx: Snapshot, actor: Actor, space_id: str | None) -> None:
        """Look; `space_id` is the wire id of the one space that is asked about, None for all.

        Raises:
            NotFoundError: the actor sees no such space.
            UnauthenticatedError: the credential has ended.
            ForbiddenError: it was made for one folder, or for putting files only.
        """
        self._tx = tx
        self.head = feed.head(tx)
        row = actors.find(tx, actor.id)
        if row is None or row.revoked_ms is not None:
            raise revoked()
        if actor.scope.root_id is not None or actor.scope.reach is Reach.DROP:
            raise ForbiddenError("This credential was made for less than a whole view: it has no feed.")
        home = spaces.home_of(tx, actor.user_id)
        self._memberships = feed.memberships(tx, actor.user_id)
        self._user_id = actor.user_id
        self._dead: dict[int, bool] = {}
        self._home_id = home.id
        wire_id = encode_id(home.id, home.tag)
        self.visible = {home.id: SeenSpace(home.id, wire_id, _rights(actor, Role.OWNER), 0, None)}
        self.visible |= {m.space_id: _mounted(actor, m) for m in self._memberships if self._shows(m)}
        self.spaces, self.space_id = self.visible, 0
        if space_id is not None:
            self.spaces = {number: space for number, space in self.visible.items() if space.wire_id == space_id}
            if not self.spaces:
                raise NotFoundError("There is no space with this id.")
            self.space_id = next(iter(self.spaces))

    @property
    def heard_of(self) -> frozenset[int]:
        """The spaces whose changes concern the reader: the home too, for what happens to a mount is a change there."""
        return frozenset((*self.spaces, self._home_id))

    def begin(self, asked: Asked, cursor: Cursor | None) -> Cursor:
        """Return the cursor from which a page is read."""
        if cursor is not None:
            self.check(cursor)
        elif asked.since_ms is None:
            cursor = Cursor.first(self.head, self.space_id)
        else:
            cursor = Cursor.at(self.head, self.space_id, self._seq_before(asked.since_ms), self.head.mark)
        return cursor.begin(self.head, self._newest)

    def check(self, cursor: Cursor) -> None:
        """Refuse a cursor that cannot be gone on from."""
        if cursor.space_id != self.space_id:
            raise InvalidRequestError("`cursor` was given for another `space_id`.")
        if cursor.epoch == self.head.epoch and cursor.oldest < self.head.oldest_seq - 1:
            raise _too_old()
        if cursor.epoch != self.head.epoch or mark_at(self._tx.connection, cursor.seen) != cursor.mark:
            raise CursorResetError("The server was put back to an earlier state: take the tree again and compare.")

    def rows_after(self, cursor: Cursor) -> Iterator[Listed | Departure]:
        """Yield all behind a cursor that `begin` returned, in the order of the feed."""
        return feed.rows_after(self._tx, self._stretches(cursor), self._between(cursor))

    def has_news(self, cursor: Cursor) -> bool:
        """Tell whether anything lies behind a cursor."""
        return (
            self._newest > cursor.shown
            or feed.has_news(self._tx, self._stretches(cursor))
            or bool(self._between(cursor))
        )

    def membership(self, root_id: int) -> Membership | None:
        """Return what the person is, or was, in the space with this root."""
        return next((m for m in self._memberships if m.root_id == root_id), None)

    def owns(self, membership: Membership) -> bool:
        """Tell whether a space is the person's own: what they do not see of that is in their trash."""
        return membership.owner_id == self._user_id

    def mounts_shown(self, space: SeenSpace) -> int:
        """Return with whose rows the mount of a space comes: with the home's, or in a feed of that space alone its."""
        return space.shown_seq if self.space_id else 0

    @property
    def _newest(self) -> int:
        return max(space.shown_seq for space in self.spaces.values())

    def _stretches(self, cursor: Cursor) -> list[Stretch]:
        return [Stretch(space.id, cursor.place(space.shown_seq)) for space in self.spaces.values()]

    def _between(self, cursor: Cursor) -> Sequence[Listed | Departure]:
        """Return what stands in none of the spaces' own rows: ends of memberships; of one space alone, its mount."""
        if not self.space_id:
            ended = [Departure(feed.Place(m.left_seq, m.root_id)) for m in self._memberships if m.left_seq is not None]
            return sorted(departure for departure in ended if departure.place > cursor.place(0))
        space = self.spaces[self.space_id]
        if space.mount is None or space.mount.place <= cursor.place(space.shown_seq):
            return []
        listed = listings.one(self._tx, space.mount.id)
        return [] if listed is None else [listed]

    def _shows(self, membership: Membership) -> bool:
        if membership.left_seq is not None or membership.is_trashed or membership.mount.dead_seq:
            return False
        return not self._is_dead(membership.mount.parent_id)

    def _is_dead(self, folder_id: int | None) -> bool:
        """Tell whether a folder of the home is deleted, or one above it; each is looked at once."""
        if folder_id is None:
            return False
        found = self._dead.get(folder_id)
        if found is None:
            step = feed.step(self._tx, folder_id)
            found = self._dead[folder_id] = step.dead_seq > 0 or self._is_dead(step.parent_id)
        return found

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


def _mounted(actor: Actor, membership: Membership) -> SeenSpace:
    wire_id = encode_id(membership.space_id, membership.tag)
    rights = _rights(actor, Role(membership.role))
    return SeenSpace(membership.space_id, wire_id, rights, membership.joined_seq, membership.mount)


def _rights(actor: Actor, role: Role) -> tuple[Right, ...]:
    return (Right.READ,) if actor.scope.reach is Reach.READ else role.rights


def revoked() -> UnauthenticatedError:
    """Return the refusal of a credential that ended while it was in use."""
    return UnauthenticatedError("This device was logged out: log in again.")


def _too_old() -> CursorResetError:
    return CursorResetError("The journal no longer reaches back that far: take the tree again and compare.")
