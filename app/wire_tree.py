"""JSON bodies of what the tree was: versions, the trash, and copies."""

from typing import Annotated, Literal, Self

import msgspec
from msgspec import Meta, Struct

from app.ids import encode_id
from app.repositories.versions import PastVersion
from app.services.trash import Trashed
from app.wire import File, Name, OnConflict, Request, WireId


class PhotoMonth(Struct, frozen=True):
    """How many photos and videos there are of one month, as `2026-11`."""

    month: str
    photos: int


class PhotoMonths(Struct, frozen=True):
    """The months that have photos, the newest first."""

    items: list[PhotoMonth]


class CopyRequest(Request, frozen=True):
    """Body of POST /api/v1/files/{id}/copy."""

    parent_id: WireId
    name: Name
    on_conflict: OnConflict = "fail"


class CopyOne(CopyRequest, frozen=True, kw_only=True):
    """One copy of POST /api/v1/files/copy."""

    file_id: WireId


class CopyManyRequest(Request, frozen=True):
    """Body of POST /api/v1/files/copy."""

    copies: Annotated[list[CopyOne], Meta(min_length=1, max_length=1000)]


class TrashManyRequest(Request, frozen=True):
    """Body of POST /api/v1/files/trash."""

    file_ids: Annotated[list[WireId], Meta(min_length=1, max_length=1000)]


class TrashedReply(Struct, frozen=True):
    """What is in the trash now."""

    file_id: str


class RestoreManyRequest(Request, frozen=True):
    """Body of POST /api/v1/trash/restore."""

    trash_ids: Annotated[list[WireId], Meta(min_length=1, max_length=1000)]


class PurgeManyRequest(Request, frozen=True):
    """Body of POST /api/v1/trash/purge."""

    trash_ids: Annotated[list[WireId], Meta(min_length=1, max_length=1000)]


class PurgedReply(Struct, frozen=True):
    """What is gone for good."""

    trash_id: str


class Version(Struct, frozen=True):
    """One version of a file."""

    version_id: str
    size: int
    mtime_ms: int
    created_ms: int
    modified_by: str
    device_id: str
    base_version: str | None
    sha256: str | None
    label: str | None
    content: Literal["kept", "gone"]

    @classmethod
    def of(cls, version: PastVersion) -> Self:
        """Show `version`."""
        return cls(
            version_id=encode_id(version.id, version.tag),
            size=version.size,
            mtime_ms=version.mtime_ms,
            created_ms=version.created_ms,
            modified_by=version.username,
            device_id=encode_id(*version.actor),
            base_version=None if version.base is None else encode_id(*version.base),
            sha256=None if version.sha256 is None else version.sha256.hex(),
            label=version.label,
            content="gone" if version.is_gone else "kept",
        )


class LabelRequest(Request, frozen=True):
    """Body of PATCH /api/v1/files/{id}/versions/{version_id}; null takes the label away."""

    label: Annotated[str, Meta(min_length=1, max_length=255)] | None


class RetentionReply(Struct, frozen=True):
    """Which earlier versions a folder keeps: `own` if it has a rule for itself."""

    newest: int
    hourly_days: int
    daily_days: int
    weekly_days: int
    own: bool


class VersionPage(Struct, frozen=True):
    """A page of a file's versions, the newest first; `next` is what `after` takes, null at the end."""

    items: list[Version]
    next: str | None


class TrashItem(File, frozen=True, kw_only=True):
    """One entry of the trash: the File as it was, and how it came there."""

    trash_id: str
    deleted_ms: int
    deleted_by: str

    @classmethod
    def of_trashed(cls, trashed: Trashed, epoch: str) -> Self:
        """Show `trashed`."""
        file = File.of(trashed.view, epoch)
        return cls(
            **msgspec.structs.asdict(file),
            trash_id=file.file_id,
            deleted_ms=trashed.deleted_ms,
            deleted_by=trashed.deleted_by,
        )


class TrashPage(Struct, frozen=True):
    """A page of the trash, the latest first; `next` is what `after` takes, null at the end.

    `days` is after how many days an entry goes for good by itself, counted while the server runs; 0 for never.
    """

    items: list[TrashItem]
    next: str | None
    days: int
