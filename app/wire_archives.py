"""JSON bodies of selections that are fetched as one zip."""

from typing import Annotated, Self

from msgspec import Meta, Struct

from app.services.archives import Archive
from app.services.selections import Selection
from app.wire import Request, WireId


class ArchiveRequest(Request, frozen=True):
    """Body of POST /api/v1/archives: files, and folders with all below them."""

    file_ids: Annotated[list[WireId], Meta(min_length=1, max_length=10_000)]


class ArchiveReply(Struct, frozen=True):
    """A selection that can be fetched until `expires_ms`, with the figures of its zip as it would be now."""

    archive_id: str
    url: str
    name: str
    size: int
    entries: int
    expires_ms: int

    @classmethod
    def of(cls, selection: Selection, archive: Archive) -> Self:
        """Show `selection` with what was planned for it."""
        return cls(
            archive_id=selection.id,
            url=f"/api/v1/archives/{selection.id}",
            name=f"{archive.name}.zip",
            size=archive.plan.size,
            entries=archive.plan.entries,
            expires_ms=selection.expires_ms,
        )
