"""The cursor: a place in the feed that a reader hands back, and what the server must know to go on from there."""

import base64
import binascii
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Annotated, NamedTuple, Self

import msgspec
from msgspec import Meta

from app.db.transaction import MARK_SIZE
from app.errors import InvalidRequestError
from app.repositories.feed import Head, Place

FORM = 2
END_ID = 2**63 - 1
STANDS = 8
BEGINNING = Place(0, 0)
_Number = Annotated[int, Meta(ge=0, le=END_ID)]
_Packed = tuple[
    int,
    Annotated[str, Meta(max_length=64)],
    _Number,
    _Number,
    _Number,
    _Number,
    Annotated[bytes, Meta(min_length=MARK_SIZE, max_length=MARK_SIZE)],
    Annotated[list[tuple[_Number, _Number, _Number]], Meta(min_length=1, max_length=STANDS)],
]
_DECODER = msgspec.msgpack.Decoder(_Packed)


class Stand(NamedTuple):
    """How far a reader is with the spaces that came into view up to the seq `shown`, and after that of other stands."""

    shown: int
    place: Place


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a reader stands. A run is the pages from one `has_more: false` to the next.

    Attributes:
        epoch: of the journal.
        space_id: the one space that it is about; 0 for all that the reader sees.
        base: where the reader stood before this run: it knows its view as it was then. 0 in a first listing.
        start: head of the journal when this run began.
        seen: head of the journal at the last page: what came later, the reader cannot know.
        mark: chain mark at `seen`: another journal with as many rows has another one there.
        stands: what came into view earlier first. A later stand is a listing of spaces that are new: it lies further
            back, and grows together with the one before it when it reaches its place.
    """

    epoch: str
    space_id: int
    base: int
    start: int
    seen: int
    mark: bytes
    stands: tuple[Stand, ...]

    @classmethod
    def first(cls, head: Head, space_id: int) -> Self:
        """Return the cursor of a reader who knows nothing."""
        return cls(head.epoch, space_id, 0, head.seq, 0, bytes(MARK_SIZE), (Stand(head.seq, BEGINNING),))

    @classmethod
    def at(cls, head: Head, space_id: int, seq: int, mark: bytes) -> Self:
        """Return the cursor of a reader who knows all up to `seq`."""
        return cls(head.epoch, space_id, seq, seq, seq, mark, (Stand(seq, Place(seq, END_ID)),))

    @property
    def seq(self) -> int:
        """The number that the reader is told: nothing below it is still to come, but for listings under way."""
        return self.stands[0].place.seq

    @property
    def shown(self) -> int:
        """The seq after which a space came into view that this cursor does not know of."""
        return self.stands[-1].shown

    @property
    def oldest(self) -> int:
        """The seq from which on this reader needs every tombstone: what was gone before it, they do not have."""
        return self.base or self.start

    def place(self, shown_seq: int) -> Place:
        """Return how far the reader is with a space that came into view at a seq."""
        return next((stand.place for stand in self.stands if shown_seq <= stand.shown), BEGINNING)

    def begin(self, head: Head, newest: int) -> Self:
        """Return the cursor with which to read the next page.

        Args:
            newest: highest seq with which a space came into the view as it now is.
        """
        is_complete = self.stands == (Stand(self.seen, Place(self.seen, END_ID)),)
        begun = replace(self, start=head.seq) if is_complete else self
        if newest <= self.shown:
            return begun
        *rest, last = self.stands
        if len(self.stands) < STANDS:
            rest.append(last)
        return replace(begun, stands=(*rest, Stand(head.seq, BEGINNING)))

    def after(self, head: Head, place: Place | None) -> Self:
        """Return the cursor after a page that ended at `place`, or with everything if that is None."""
        if place is None:
            return self.at(head, self.space_id, head.seq, head.mark)
        ahead = tuple(stand for stand in self.stands if stand.place > place)
        reached = () if len(ahead) == len(self.stands) else (Stand(self.shown, place),)
        return replace(self, seen=head.seq, mark=head.mark, stands=ahead + reached)

    def never_showed(self, created_seq: int, gone_seq: int) -> bool:
        """Tell of a node that is not in view whether this reader cannot have it, so that its end is no news.

        It was gone when the reader's base was, or before a first listing began. It was made after all that the reader
        saw. Or it was made after the base and gone before the run began, so that no page of the run held it; if one
        did, as a folder on the way to another node, then the folder that took it along was deleted later than that
        page, and is news itself.

        Args:
            created_seq: the seq that made it.
            gone_seq: its place in the feed, or the seq with which it left.
        """
        return (
            gone_seq <= self.oldest or created_seq > self.seen or (created_seq > self.base and gone_seq <= self.start)
        )

    def encode(self) -> str:
        """Return the opaque form, of letters, digits, - and _."""
        stands = [(stand.shown, *stand.place) for stand in self.stands]
        packed = (FORM, self.epoch, self.space_id, self.base, self.start, self.seen, self.mark, stands)
        return base64.urlsafe_b64encode(msgspec.msgpack.encode(packed)).rstrip(b"=").decode()

    @classmethod
    def decode(cls, text: str) -> Self:
        """Return what `encode` wrote.

        Raises:
            InvalidRequestError: this is no cursor at all.
        """
        try:
            packed = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
            form, epoch, space_id, base, start, seen, mark, numbers = _DECODER.decode(packed)
        except (ValueError, binascii.Error) as error:  # msgspec's errors are ValueErrors
            raise _no_cursor() from error
        stands = tuple(Stand(shown, Place(seq, number)) for shown, seq, number in numbers)
        if form != FORM or not base <= start <= seen or not _is_in_order(stands, seen):
            raise _no_cursor()
        return cls(epoch, space_id, base, start, seen, mark, stands)


def _is_in_order(stands: tuple[Stand, ...], seen: int) -> bool:
    """Tell whether each stand is of later spaces than the one before and lies further back, and none beyond the end."""
    return stands[0].place.seq <= seen and all(
        one.shown < other.shown and one.place > other.place for one, other in pairwise(stands)
    )


def _no_cursor() -> InvalidRequestError:
    return InvalidRequestError("`cursor` is not one that this server gave.")
