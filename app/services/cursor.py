"""The cursor: a place in the feed that a reader hands back, and what the server must know to go on from there."""

import base64
import binascii
from dataclasses import dataclass, replace
from typing import Annotated, Self

import msgspec
from msgspec import Meta

from app.db.transaction import MARK_SIZE
from app.errors import InvalidRequestError
from app.repositories.feed import Head, Place
from app.repositories.nodes import Node

FORM = 1
END_ID = 2**63 - 1
_START = Place(0, 0)
_Number = Annotated[int, Meta(ge=0, le=END_ID)]
_Packed = tuple[
    int,
    Annotated[str, Meta(max_length=64)],
    _Number,
    _Number,
    _Number,
    _Number,
    Annotated[bytes, Meta(min_length=MARK_SIZE, max_length=MARK_SIZE)],
    _Number,
    _Number,
]
_DECODER = msgspec.msgpack.Decoder(_Packed)


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a reader stands. A run is the pages from one `has_more: false` to the next.

    Attributes:
        epoch: of the journal.
        space_id: the one space that it is about; 0 for all that the reader sees.
        base: where the reader stood before this run: it knows the tree as it was then. 0 in a first listing.
        start: head of the journal when this run began.
        seen: head of the journal at the last page: what came later, the reader cannot know.
        mark: chain mark at `seen`: another journal with as many rows has another one there.
        place: the last place that was read.
    """

    epoch: str
    space_id: int
    base: int
    start: int
    seen: int
    mark: bytes
    place: Place

    @classmethod
    def first(cls, head: Head, space_id: int) -> Self:
        """Return the cursor of a reader who knows nothing."""
        return cls(head.epoch, space_id, 0, head.seq, 0, bytes(MARK_SIZE), _START)

    @classmethod
    def at(cls, head: Head, space_id: int, seq: int, mark: bytes) -> Self:
        """Return the cursor of a reader who knows all up to `seq`."""
        return cls(head.epoch, space_id, seq, seq, seq, mark, Place(seq, END_ID))

    @property
    def is_complete(self) -> bool:
        """Whether the reader knew all there was at the last page: the next one begins a run."""
        return self.place == (self.seen, END_ID)

    @property
    def oldest(self) -> int:
        """The seq from which on this reader needs every tombstone."""
        return self.base or self.start

    def begin(self, head: Head) -> Self:
        """Return the cursor with which to read the next page."""
        return replace(self, start=head.seq) if self.is_complete else self

    def after(self, head: Head, place: Place | None) -> Self:
        """Return the cursor after a page that ended at `place`, or with everything if that is None."""
        if place is None:
            return self.at(head, self.space_id, head.seq, head.mark)
        return replace(self, seen=head.seq, mark=head.mark, place=place)

    def never_showed(self, node: Node) -> bool:
        """Tell of a node that is gone whether this reader cannot know it, so that its end is no news.

        It was made after all that the reader saw. Or it was made after the reader's base and was gone before the run
        began, so that no page of the run held it; if one did, as a folder on the way to another node, then the folder
        that took it along was deleted later than that page, and is news itself.
        """
        return node.created_seq > self.seen or (node.created_seq > self.base and node.feed_seq <= self.start)

    def encode(self) -> str:
        """Return the opaque form, of letters, digits, - and _."""
        packed = (FORM, self.epoch, self.space_id, self.base, self.start, self.seen, self.mark, *self.place)
        return base64.urlsafe_b64encode(msgspec.msgpack.encode(packed)).rstrip(b"=").decode()

    @classmethod
    def decode(cls, text: str) -> Self:
        """Return what `encode` wrote.

        Raises:
            InvalidRequestError: this is no cursor at all.
        """
        try:
            packed = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
            form, epoch, space_id, base, start, seen, mark, seq, number = _DECODER.decode(packed)
        except (ValueError, binascii.Error) as error:  # msgspec's errors are ValueErrors
            raise _no_cursor() from error
        if form != FORM or not base <= start <= seen or seq > seen:
            raise _no_cursor()
        return cls(epoch, space_id, base, start, seen, mark, Place(seq, number))


def _no_cursor() -> InvalidRequestError:
    return InvalidRequestError("`cursor` is not one that this server gave.")
