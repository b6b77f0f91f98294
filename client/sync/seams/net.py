"""The seam to the server: the calls that the engine makes. `client.remote.Remote` has them all.

Every call raises errors of `client.errors`. UnreachableError leaves open whether what was asked came to pass; any other
means that it has not. ConflictError holds `code` (conflict, name_taken) and `current`, ApiError `code`.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol

from client.protocol import (
    BatchAnswer,
    ChangeRequest,
    ChunkRef,
    CommitOutcome,
    DirectWay,
    File,
    Manifest,
    SyncAnswer,
    UploadAnswer,
    UploadRequest,
    UploadState,
    Version,
)
from client.transport import Body


class Net(Protocol):
    """One device's way to its server; every call may be made from many workers at once."""

    def sync(self, cursor: str | None, *, wait_s: int) -> SyncAnswer:
        """Return the first page (None) or that behind a cursor; ApiError `cursor_reset`: begin anew, delete nothing."""

    def find_by_id(self, file_id: str) -> File | None:
        """Return a live node, or None."""

    def find_child(self, parent_id: str, name: str) -> File | None:
        """Return the live node of that name in a folder, or None."""

    def make_child(self, parent_id: str, name: str) -> File:
        """Make a folder; ConflictError `name_taken` with `current` if the name is in use."""

    def patch(self, file_id: str, change: ChangeRequest) -> File:
        """Rename, move, set mtime or executable bit."""

    def delete_node(
        self,
        file_id: str,
        *,
        base_version: str | None = None,
        if_seq: int | None = None,
        if_below_seq: int | None = None,
    ) -> None:
        """Move to the trash; what is there already, or unknown, is fine."""

    def request_upload(self, request: UploadRequest) -> UploadAnswer:
        """Open an upload of one file."""

    def request_batch(self, files: list[UploadRequest]) -> BatchAnswer:
        """Open uploads of up to 1,000 files whose bytes come in one bundle; some may be refused singly."""

    def append_chunks(self, upload_id: str, start: int, chunks: list[ChunkRef]) -> UploadAnswer:
        """Declare more chunks of an upload, from index `start` on."""

    def get_upload(self, upload_id: str, start: int = 0) -> UploadState:
        """Return how far an upload is, with fresh URLs; with `file` once it is committed."""

    def put_content(self, url: str, body: Body, direct: DirectWay | None = None) -> None:
        """Send a chunk or a bundle to its signed URL, or a chunk past the server."""

    def commit(self, upload_id: str, sha256: str | None = None) -> File:
        """Make an upload the current version. Again gives the same version."""

    def commit_batch(self, upload_ids: list[str]) -> list[CommitOutcome]:
        """Commit many; each has its own outcome, in order."""

    def give_up(self, upload_ids: Iterable[str]) -> None:
        """Close uploads that will not be finished."""

    def manifest_of(self, file_id: str, version_id: str, start: int = 0) -> Manifest:
        """Return up to 4,096 chunks of a version, with URLs, from index `start` on."""

    def read_chunk(self, url: str, into: memoryview, direct: DirectWay | None = None) -> None:
        """Fill `into` from a signed URL; the caller checks the hash."""

    def content_of(self, file_id: str, version_id: str, into: memoryview) -> None:
        """Fill `into` with the whole content of a small version; the caller checks the hash."""

    def contents_of(self, files: Sequence[tuple[str, str, int]]) -> Sequence[bytes | None]:
        """Return contents of many small versions, by file id, version id and size; the caller checks each hash.

        None where the server does not give one here: asked for by itself, it says why. At most 1,000 files of up to
        1 MiB, 8 MiB in all; an older server answers ApiError `not_found` or `method_not_allowed`.
        """

    def versions_of(self, file_id: str) -> Iterator[Version]:
        """Yield the versions of a file, the newest first."""
