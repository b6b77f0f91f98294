"""What a client can ask of a server in the crash tests, in the same words whichever way it goes in."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from tests.crash.content import Content


class UnansweredError(Exception):
    """The server died, or said that its disk failed: what was asked may have come to pass or not."""


class RefusedError(Exception):
    """The server said no; `code` is the stable one of api.md. Nothing of what was asked has come to pass."""

    def __init__(self, code: str, told: object) -> None:
        super().__init__(f"{code}: {told}")
        self.code = code


@dataclass(frozen=True, slots=True)
class Wish:
    """A file that is to be uploaded: to a path, or as a new version of `file_id` grown from `base_version`."""

    content: Content
    path: str | None = None
    file_id: str | None = None
    base_version: str | None = None
    parents: bool = False


@dataclass(frozen=True, slots=True)
class OpenedUpload:
    """An open upload: `missing` are indexes of chunks with the URLs that take them, none where a bundle does."""

    upload_id: str
    missing: dict[int, str | None]


@dataclass(frozen=True, slots=True)
class Opened:
    """What a request for uploads was answered with."""

    uploads: list[OpenedUpload]
    bundle_url: str | None


@dataclass(frozen=True, slots=True)
class Seen:
    """A node as the server shows it; `version_id` is None for a folder."""

    file_id: str
    parent_id: str | None
    name: str
    version_id: str | None
    seq: int
    size: int

    @property
    def is_folder(self) -> bool:
        """Whether it has children."""
        return self.version_id is None


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an upload is: the file once it is committed, else what is missing of it."""

    file: Seen | None
    upload: OpenedUpload
    bundle_url: str | None


class Door(Protocol):
    """One logged-in device.

    Every call raises UnansweredError or RefusedError where it was not acknowledged.
    """

    async def request(self, wishes: Sequence[Wish], *, bundle: bool) -> Opened:
        """Open an upload for each wish."""

    async def progress(self, upload_id: str) -> Progress:
        """Ask how far an upload is."""

    async def put_chunk(self, url: str, data: bytes) -> None:
        """Send one chunk."""

    async def put_bundle(self, url: str, chunks: Sequence[bytes]) -> None:
        """Send many chunks in one body."""

    async def commit(self, upload_ids: Sequence[str]) -> list[Seen]:
        """Commit uploads; one by itself, more as a batch."""

    async def give_up(self, upload_id: str) -> None:
        """End an open upload."""

    async def put_whole(self, path: str, data: bytes) -> Seen:
        """Upload a new file in one call."""

    async def make_folder(self, path: str) -> Seen:
        """Make a folder in one that exists."""

    async def move(self, file_id: str, *, parent_id: str, name: str) -> Seen:
        """Move or rename a node."""

    async def find(self, path: str) -> Seen:
        """Return the node at a path."""

    async def children(self, folder_id: str) -> list[Seen]:
        """Return all that is in a folder."""

    async def read(self, file_id: str) -> bytes:
        """Return the bytes of a file."""
