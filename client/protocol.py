"""The wire of version 1 as the client reads and writes it.

Answers may carry fields that are not named here; they are passed over, so that an older client works with
a newer server. What is written must hold nothing else than the contract names, since the server refuses it.
"""

from typing import Literal

import msgspec


class File(msgspec.Struct, frozen=True, gc=False):
    """A file or folder as the server shows it; times are Unix milliseconds (none for a folder), sizes bytes.

    `permissions` is what this account may do: read, write, share.
    """

    file_id: str
    name: str
    path: str
    kind: Literal["file", "folder"]
    size: int
    mtime_ms: int | None
    seq: int
    executable: bool = False
    version_id: str | None = None
    parent_id: str | None = None
    sha256: str | None = None
    deleted: bool = False
    permissions: list[str] = []


class Page(msgspec.Struct, frozen=True):
    """One page of a listing; `next` is null on the last."""

    items: list[File]
    next: str | None = None


class Change(msgspec.Struct, frozen=True):
    """One node of the feed in its last state; a delete names why it left the view (`deleted`, `access`)."""

    seq: int
    type: Literal["upsert", "delete"]
    file: File
    reason: str | None = None


class Wanted(msgspec.Struct, frozen=True):
    """A chunk that the server lost and that this device may hold: `size` bytes from `offset` on of a file's version."""

    sha256: str
    file_id: str
    version_id: str
    offset: int
    size: int
    url: str


class SyncAnswer(msgspec.Struct, frozen=True):
    """A page of the feed. Every folder that a live node is in is known from this page or an earlier one.

    Deletes are to be planned only at `has_more` false: what was moved out of a deleted folder may come on a later page.
    """

    changes: list[Change]
    cursor: str
    seq: int
    has_more: bool
    server_time_ms: int
    wanted: list[Wanted] = []


class Problem(msgspec.Struct, frozen=True):
    """RFC 9457 problem document; `status` is filled from the answer's status line where it is absent."""

    status: int = 0
    code: str = "internal"
    title: str = ""
    detail: str = ""
    current: File | None = None
    stored: int | None = None


class LoginRequest(msgspec.Struct, frozen=True, omit_defaults=True):
    """Body of POST /api/v1/login."""

    username: str
    password: str
    device_name: str
    totp: str | None = None
    install_id: str | None = None


class LoginAnswer(msgspec.Struct, frozen=True):
    """What a login gives: the token is shown this once."""

    token: str
    device_id: str


class ChunkRef(msgspec.Struct, frozen=True, gc=False):
    """A chunk as an upload declares it: 64 hex digits, and its length in bytes."""

    sha256: str
    size: int


class UploadRequest(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One file of an upload request. `base_version` None means that the place must be free.

    One of `path`, `parent_id` with `name`, or `file_id` says where; `restore` brings a deleted `file_id` back.
    `sha256`, `base_sha256` and `ancestors` are of whole contents: this one, and those that it grew from.
    """

    path: str | None = None
    parent_id: str | None = None
    name: str | None = None
    file_id: str | None = None
    size: int
    mtime_ms: int
    chunks: list[ChunkRef]
    executable: bool = False
    sha256: str | None = None
    base_version: str | None = None
    base_sha256: str | None = None
    ancestors: list[str] = []
    on_conflict: Literal["fail", "rename", "replace"] = "fail"
    append: bool = False
    parents: bool = False
    restore: bool = False


class BatchRequest(msgspec.Struct, frozen=True):
    """Many files in one upload request, whose bytes go into one bundle."""

    files: list[UploadRequest]
    bundle: bool = True


class AppendRequest(msgspec.Struct, frozen=True, rename={"from_": "from"}):
    """Body of POST /api/v1/uploads/{id}/chunks: more of the chunk list, from index `from_` on."""

    from_: int
    chunks: list[ChunkRef]


class DirectWay(msgspec.Struct, frozen=True, gc=False):
    """A way to a chunk past the server, with headers that must go with it; it may fail where `url` does not."""

    url: str
    headers: dict[str, str] = {}


class UploadChunk(msgspec.Struct, frozen=True, gc=False):
    """A declared chunk in an answer. `needed` is false, and `url` null, where no bytes are to be sent."""

    index: int
    sha256: str
    size: int
    url: str | None = None
    needed: bool = True
    direct: DirectWay | None = None


class UploadAnswer(msgspec.Struct, frozen=True):
    """An open upload; `next_from` says where the rest of a long chunk list begins."""

    upload_id: str
    chunks: list[UploadChunk] = []
    next_from: int | None = None


class BatchOutcome(msgspec.Struct, frozen=True):
    """One file's part of a batch answer: an upload, or the fields of a problem."""

    upload_id: str | None = None
    chunks: list[UploadChunk] = []
    status: int = 0
    code: str = "internal"
    title: str = ""
    detail: str = ""
    current: File | None = None


class BatchAnswer(msgspec.Struct, frozen=True):
    """Answer to a batch: an outcome for each file, in order, and the URL for the bundle."""

    uploads: list[BatchOutcome]
    bundle_url: str | None = None


class UploadState(msgspec.Struct, frozen=True):
    """An upload as it stands: what is still missing of the declared chunks, with fresh URLs; `file` once committed."""

    state: Literal["open", "committed"]
    missing: list[UploadChunk] = []
    next_from: int | None = None
    bundle_url: str | None = None
    file: File | None = None


class BundledFile(msgspec.Struct, frozen=True):
    """One file of POST /api/v1/downloadBundle."""

    file_id: str
    version_id: str


class DownloadBundleRequest(msgspec.Struct, frozen=True):
    """Body of POST /api/v1/downloadBundle."""

    files: list[BundledFile]


class CommitRequest(msgspec.Struct, frozen=True):
    """Body of POST /api/v1/uploads/commit."""

    upload_ids: list[str]


class CommitHash(msgspec.Struct, frozen=True):
    """Body of POST /api/v1/uploads/{id}/commit: the SHA-256 of the whole content."""

    sha256: str


class CommitAnswer(msgspec.Struct, frozen=True):
    """Answer to the commit of one upload."""

    file: File


class CommitOutcome(msgspec.Struct, frozen=True):
    """One upload's part of a batch commit: the file as it is now, or the fields of a problem."""

    file: File | None = None
    status: int = 0
    code: str = "internal"
    title: str = ""
    detail: str = ""
    current: File | None = None


class CommitResults(msgspec.Struct, frozen=True):
    """Answer to a batch commit, in the order of the request."""

    results: list[CommitOutcome]


class DownloadChunk(msgspec.Struct, frozen=True, gc=False):
    """A chunk of a version and where its bytes are; `offset` is its place in the content."""

    index: int
    sha256: str
    size: int
    offset: int
    url: str
    direct: DirectWay | None = None


class Manifest(msgspec.Struct, frozen=True):
    """A page of a version's chunk list; `next_from` is null on the last."""

    file: File
    chunks: list[DownloadChunk]
    next_from: int | None = None


class FolderRequest(msgspec.Struct, frozen=True):
    """Body of POST /api/v1/folders."""

    path: str
    parents: bool = False


class ChildRequest(msgspec.Struct, frozen=True):
    """Body of POST /api/v1/folders for a folder in one that is known by its id."""

    parent_id: str
    name: str


class ChangeRequest(msgspec.Struct, frozen=True, omit_defaults=True):
    """Body of PATCH /api/v1/files/{id}: what is to change, and the seq it was seen at."""

    name: str | None = None
    parent_id: str | None = None
    mtime_ms: int | None = None
    executable: bool | None = None
    if_seq: int | None = None


class CopyRequest(msgspec.Struct, frozen=True):
    """Body of POST /api/v1/files/{id}/copy."""

    parent_id: str
    name: str


class Version(msgspec.Struct, frozen=True):
    """One version of a file; times are Unix milliseconds, the size bytes."""

    version_id: str
    size: int
    mtime_ms: int
    created_ms: int
    modified_by: str
    sha256: str | None = None
    label: str | None = None
    content: str = "kept"


class LabelRequest(msgspec.Struct, frozen=True):
    """Labels a version, or with None takes its label away."""

    label: str | None


class SpaceUse(msgspec.Struct, frozen=True):
    """What a space holds, in bytes, and how many files and folders; `name` is empty for the home."""

    space_id: str
    name: str
    live: int
    versions: int
    trash: int
    files: int
    folders: int


class NextFreed(msgspec.Struct, frozen=True):
    """Bytes that come back by themselves; `retention` is None while that is not known yet."""

    retention: int | None
    trash: int
    collector: int


class StoreUse(msgspec.Struct, frozen=True):
    """The server's store as a whole, which admins are told of; in bytes."""

    as_of_ms: int
    logical: int
    unique: int
    stored: int
    saved_by_deduplication: int
    saved_by_compression: int
    condemned: int
    next_freed: NextFreed
    disk_free: int
    disk_total: int


class StorageAnswer(msgspec.Struct, frozen=True):
    """What takes how much room; `store` is None for who is no admin."""

    as_of_ms: int
    quota: int | None
    used: int
    reserved: int
    spaces: list[SpaceUse]
    store: StoreUse | None = None


class VersionPage(msgspec.Struct, frozen=True):
    """One page of a file's versions, the newest first; `next` is null on the last."""

    items: list[Version]
    next: str | None = None


class TrashItem(File, frozen=True, gc=False, kw_only=True):
    """One entry of the trash: what was deleted, with the path where it was."""

    trash_id: str
    deleted_ms: int
    deleted_by: str


class TrashPage(msgspec.Struct, frozen=True):
    """One page of the trash, the latest first; `next` is null on the last."""

    items: list[TrashItem]
    next: str | None = None


class LinkRequest(msgspec.Struct, frozen=True, omit_defaults=True):
    """Body of POST /api/v1/links; times are Unix milliseconds."""

    file_id: str
    password: str | None = None
    expires_ms: int | None = None
    max_downloads: int | None = None
    mode: Literal["view", "drop"] = "view"


class LinkChange(msgspec.Struct, frozen=True):
    """Body of PATCH /api/v1/links/{id}, as far as this client changes links."""

    paused: bool


class Link(msgspec.Struct, frozen=True, kw_only=True):
    """A link; `path` is null while what it leads to is in the trash. Times are Unix milliseconds."""

    link_id: str
    file_id: str | None
    path: str | None
    mode: Literal["view", "drop"]
    has_password: bool
    expires_ms: int | None
    max_downloads: int | None
    downloads: int
    paused: bool
    created_ms: int
    made_by: str


class NewLink(Link, frozen=True, kw_only=True):
    """A link that was just made."""

    url: str


class LinkPage(msgspec.Struct, frozen=True):
    """One page of links, the oldest first; `next` is null on the last."""

    items: list[Link]
    next: str | None = None
