"""The JSON bodies of the wire contract, version 1: what is taken and what is answered.

Limits stand in the types; unknown fields of a request are refused. Sizes are bytes, `…_ms` Unix milliseconds.
"""

from typing import Annotated, Literal, Self

import msgspec
from msgspec import Meta, Struct

from app.ids import encode_id
from app.services.downloads import Download
from app.services.uploads import ChunkAnswer, Progress, UploadAnswer
from app.services.views import View
from app.services.waiting import Waiting
from storage.medium import Ticket

Count = Annotated[int, Meta(ge=0, le=2**53)]
Time = Annotated[int, Meta(ge=-(2**53), le=2**53)]
Text = Annotated[str, Meta(max_length=4096)]
# The pattern is told in the document and judged by the services, which say better what is wrong.
Path = Annotated[str, Meta(max_length=4096, examples=["/Docs/plan.odt"], extra_json_schema={"pattern": "^/"})]
Name = Annotated[str, Meta(min_length=1, max_length=1024)]  # as sent; in NFC it must have at most 255 bytes
WireId = Annotated[str, Meta(min_length=1, max_length=64, pattern="^[A-Za-z0-9_-]+$")]
Sha256 = Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
ContentType = Annotated[str, Meta(min_length=1, max_length=255)]
OnConflict = Literal["fail", "rename", "replace"]


class Request(Struct, forbid_unknown_fields=True, frozen=True):
    """Base of all request bodies."""


class ChunkEntry(Request, frozen=True):
    """One chunk of a list, in order."""

    sha256: Sha256
    size: Annotated[int, Meta(ge=1, le=8 * 1024 * 1024)]


class UploadRequest(Request, frozen=True):
    """Body of POST /api/v1/uploadRequest for one file, and one of `files` for many.

    `base_sha256` and `ancestors` are hashes of whole contents that this one grew from, the nearest first; they are kept
    with the version.
    """

    size: Count
    chunks: list[ChunkEntry] = []
    path: Text | None = None
    parent_id: WireId | None = None
    name: Name | None = None
    file_id: WireId | None = None
    mtime_ms: Time | None = None
    content_type: ContentType | None = None
    executable: bool = False
    sha256: Sha256 | None = None
    base_version: WireId | None = None
    base_sha256: Sha256 | None = None
    ancestors: Annotated[list[Sha256], Meta(max_length=16)] = []
    on_conflict: OnConflict = "fail"
    parents: bool = False
    restore: bool = False
    append: bool = False
    bundle: bool = False


class UploadBatchRequest(Request, frozen=True):
    """Body of POST /api/v1/uploadRequest for many files."""

    files: Annotated[list[UploadRequest], Meta(min_length=1, max_length=1000)]
    bundle: bool = False


class AppendRequest(Request, frozen=True):
    """Body of POST /api/v1/uploads/{id}/chunks."""

    chunks: list[ChunkEntry]
    first: Annotated[int, Meta(ge=0, le=2**53)] = msgspec.field(name="from")


class CommitRequest(Request, frozen=True):
    """Body of POST /api/v1/uploads/{id}/commit; may be absent."""

    sha256: Sha256 | None = None


class CommitBatchRequest(Request, frozen=True):
    """Body of POST /api/v1/uploads/commit."""

    upload_ids: Annotated[list[WireId], Meta(min_length=1, max_length=1000)]


class BundledFile(Request, frozen=True):
    """One file of POST /api/v1/downloadBundle; its current version if none is named."""

    file_id: WireId
    version_id: WireId | None = None


class DownloadBundleRequest(Request, frozen=True):
    """Body of POST /api/v1/downloadBundle."""

    files: Annotated[list[BundledFile], Meta(min_length=1, max_length=1000)]


class FolderRequest(Request, frozen=True):
    """Body of POST /api/v1/folders: `path` with `parents`, or `parent_id` with `name`."""

    path: Path | None = None
    parents: bool = False
    parent_id: WireId | None = None
    name: Name | None = None


class ChangeRequest(Request, frozen=True):
    """Body of PATCH /api/v1/files/{id}; what is absent stays as it is."""

    name: Name | msgspec.UnsetType = msgspec.UNSET
    parent_id: WireId | msgspec.UnsetType = msgspec.UNSET
    mtime_ms: Time | msgspec.UnsetType = msgspec.UNSET
    executable: bool | msgspec.UnsetType = msgspec.UNSET
    if_seq: Count | None = None
    on_conflict: OnConflict = "fail"


class ChangeOne(ChangeRequest, frozen=True, kw_only=True):
    """One change of POST /api/v1/files/change."""

    file_id: WireId


class ChangeManyRequest(Request, frozen=True):
    """Body of POST /api/v1/files/change."""

    changes: Annotated[list[ChangeOne], Meta(min_length=1, max_length=1000)]


class File(Struct, frozen=True):
    """A node as the wire shows it."""

    file_id: str
    space_id: str
    parent_id: str | None
    name: str
    path: str
    kind: Literal["file", "folder"]
    size: int
    content_type: str | None
    executable: bool
    mtime_ms: int | None
    version_id: str | None
    sha256: str | None
    seq: int
    etag: str
    created_ms: int
    modified_ms: int
    modified_by: str
    deleted: bool
    permissions: list[str]

    @classmethod
    def of(cls, view: View, epoch: str, *, deleted: bool = False) -> Self:
        """Show `view`; say `deleted` of what is gone with a folder above it."""
        listed = view.listed
        node = listed.node
        return cls(
            file_id=encode_id(node.id, node.tag),
            space_id=view.space_id,
            parent_id=view.parent_id,
            name=node.name,
            path=view.path,
            kind="folder" if node.is_folder else "file",
            size=listed.size,
            content_type=listed.content_type,
            executable=node.executable,
            mtime_ms=node.mtime_ms,
            version_id=view.version_id,
            sha256=None if listed.sha256 is None else listed.sha256.hex(),
            seq=node.seq,
            etag=view.etag(epoch),
            created_ms=node.created_ms,
            modified_ms=node.modified_ms,
            modified_by=listed.username,
            deleted=deleted or node.dead_seq > 0,
            permissions=list(view.rights),
        )


class Page(Struct, frozen=True):
    """A page of a listing; `next` is what `after` takes, null at the end."""

    items: list[File]
    next: str | None


class FolderPage(Page, frozen=True):
    """A page of a folder; the first one tells in `total` how many children there are in all."""

    total: int | None = None


class DirectWay(Struct, frozen=True):
    """A way to a chunk that does not lead through this server: a URL, and the headers that must go with it.

    It may fail where `url`, or a bundle, does not.
    """

    url: str
    headers: dict[str, str]


def _way(ticket: Ticket | None) -> DirectWay | msgspec.UnsetType:
    return msgspec.UNSET if ticket is None else DirectWay(ticket.url, dict(ticket.headers))


class ChunkReply(Struct, frozen=True):
    """One chunk of an upload: `url` is null where no bytes are needed or a bundle was asked for."""

    index: int
    sha256: str
    size: int
    needed: bool
    url: str | None
    direct: DirectWay | msgspec.UnsetType = msgspec.UNSET

    @classmethod
    def of(cls, chunk: ChunkAnswer) -> Self:
        """Show `chunk`."""
        return cls(chunk.index, chunk.id.hex(), chunk.size, chunk.needed, chunk.url, _way(chunk.direct))


class UploadReply(Struct, frozen=True):
    """Answer to an upload request."""

    upload_id: str
    expires_ms: int
    chunks: list[ChunkReply]
    next_from: int | None
    bundle_url: str | None

    @classmethod
    def of(cls, answer: UploadAnswer) -> Self:
        """Show `answer`."""
        chunks = [ChunkReply.of(chunk) for chunk in answer.chunks]
        return cls(answer.upload_id, answer.expires_ms, chunks, answer.next_from, answer.bundle_url)


class MissingChunk(Struct, frozen=True):
    """A chunk that an upload still waits for."""

    index: int
    sha256: str
    size: int
    url: str | None
    direct: DirectWay | msgspec.UnsetType = msgspec.UNSET


class ProgressReply(Struct, frozen=True):
    """Answer to GET /api/v1/uploads/{id}."""

    state: Literal["open", "committed"]
    missing: list[MissingChunk]
    next_from: int | None
    bundle_url: str | None
    expires_ms: int
    file: File | None

    @classmethod
    def of(cls, progress: Progress, epoch: str) -> Self:
        """Show `progress`."""
        return cls(
            "committed" if progress.state else "open",
            missing_chunks(progress),
            progress.next_from,
            progress.bundle_url,
            progress.expires_ms,
            None if progress.file is None else File.of(progress.file, epoch),
        )


def missing_chunks(progress: Progress) -> list[MissingChunk]:
    """Show what an upload still waits for."""
    return [
        MissingChunk(chunk.index, chunk.id.hex(), chunk.size, chunk.url, _way(chunk.direct))
        for chunk in progress.missing
    ]


class OpenUpload(Struct, frozen=True):
    """An open upload as its user finds it again: where it goes, as that was asked, and the bytes promised to it."""

    upload_id: str
    path: str | None
    parent_id: str | None
    name: str | None
    file_id: str | None
    size: int | None
    reserved: int
    expires_ms: int

    @classmethod
    def of(cls, waiting: Waiting) -> Self:
        """Show `waiting`."""
        wish = waiting.wish
        return cls(
            upload_id=waiting.upload_id,
            path=wish.path,
            parent_id=wish.parent_id,
            name=wish.name,
            file_id=wish.file_id,
            size=waiting.size,
            reserved=waiting.reserved,
            expires_ms=waiting.expires_ms,
        )


class OpenUploadPage(Struct, frozen=True):
    """A page of open uploads, the oldest first; `next` is what `after` takes, null at the end."""

    items: list[OpenUpload]
    next: str | None


class FileReply(Struct, frozen=True):
    """Answer to a commit."""

    file: File


class BundleReply(Struct, frozen=True):
    """Answer to a bundle."""

    stored: int


class DownloadChunk(Struct, frozen=True):
    """One chunk of a version, and where to get it."""

    index: int
    sha256: str
    size: int
    offset: int
    url: str
    direct: DirectWay | msgspec.UnsetType = msgspec.UNSET


class DownloadReply(Struct, frozen=True):
    """Answer to GET /api/v1/download."""

    file: File
    content_url: str
    expires_ms: int
    chunks: list[DownloadChunk]
    next_from: int | None

    @classmethod
    def of(cls, download: Download, epoch: str) -> Self:
        """Show `download`."""
        chunks = [
            DownloadChunk(
                *(source.index, source.chunk.id.hex(), source.chunk.size, source.offset),
                *(source.url, _way(source.direct)),
            )
            for source in download.chunks
        ]
        file = File.of(download.view, epoch)
        return cls(file, download.content_url, download.expires_ms, chunks, download.next_from)
