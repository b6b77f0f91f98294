"""The JSON bodies of the feed; see `app.wire`."""

from typing import Generic, Literal, Self, TypeVar

from msgspec import Struct

from app.services.feed_page import Change, Page
from app.wire import File

C = TypeVar("C")


class ChangeReply(Struct, frozen=True, omit_defaults=True):
    """One node in its last state; `reason` stands where it left the reader's view."""

    seq: int
    type: Literal["upsert", "delete"]
    file: File
    reason: str | None = None

    @classmethod
    def of(cls, change: Change, epoch: str) -> Self:
        """Show `change`."""
        if change.gone is None:
            return cls(change.seq, "upsert", File.of(change.view, epoch))
        return cls(change.seq, "delete", File.of(change.view, epoch, deleted=True), change.gone.value)


class SyncReply(Struct, Generic[C], frozen=True):
    """Answer to GET /api/v1/sync: `SyncReply[ChangeReply]`. Changes may be encoded already."""

    changes: list[C]
    cursor: str
    seq: int
    has_more: bool
    server_time_ms: int

    @classmethod
    def of(cls, page: Page[C]) -> Self:
        """Show `page`."""
        return cls(page.changes, page.cursor.encode(), page.cursor.seq, page.has_more, page.time_ms)


class EventReply(Struct, frozen=True):
    """Data of an event of GET /api/v1/events: what is new lies behind this cursor."""

    cursor: str
