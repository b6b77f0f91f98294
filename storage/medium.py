"""What a medium is: where the bytes of chunks lie. It only moves them; what exists is for the index to say."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from storage.base import Backend, Blob, Buffer, ChunkId
from storage.disk import DiskUsage
from storage.errors import NO_ROOM, StorageError, StoreFullError, StoreUnavailableError


@dataclass(frozen=True, slots=True)
class Arrived:
    """A chunk that a client has put into the bucket itself, and that was checked there.

    Attributes:
        key: the object that is to be copied; nobody can put it any more, or only with the same bytes.
        source: what the client has put; it may be the same object.
        size: of both, in bytes.
    """

    key: str
    source: str
    size: int


@dataclass(frozen=True, slots=True)
class StagedFile:
    """A received chunk that waits for its barrier, to become the object `blob`.

    `descriptor` is open if an fsync is to go through it; `digest` is the SHA-256 of its bytes where they are hashed
    once more before they are put. What has `arrived` in the bucket is no file here, and `path` means nothing.
    """

    path: Path
    claim: str
    blob: Blob
    descriptor: int | None = None
    digest: bytes | None = None
    arrived: Arrived | None = None


@dataclass(frozen=True, slots=True)
class Ticket:
    """A URL that a client may use itself, and the headers that its request must have, with just these values."""

    url: str
    headers: Mapping[str, str] = field(default_factory=dict)


class Bypass(Protocol):
    """A way by which clients put and get objects without this server. All calls but the tickets block.

    What is put goes to a place of its own, by claim, and is no chunk. Calls fail as those of a medium do.
    """

    @property
    def is_wanted(self) -> bool:
        """Whether clients are to use it at all; if not, there may be remains of a time when they were."""

    @property
    def problem(self) -> str:
        """Why it is shut at present; empty while it is open."""

    def put_ticket(self, claim: str, chunk_id: ChunkId, size: int, *, at_s: int, lifetime_s: int) -> Ticket:
        """Let a client put a chunk under a claim: these bytes at this place, and nothing else."""

    def get_ticket(self, blob: Blob, *, at_s: int, lifetime_s: int) -> Ticket:
        """Let a client get an object."""

    def arrived(self, claim: str) -> dict[ChunkId, int]:
        """Return what was put under a claim, with lengths in bytes."""

    def checked(self, claim: str, chunk_id: ChunkId, size: int) -> StagedFile | None:
        """Return a chunk that was put under a claim, as one that waits for its barrier; None if its bytes are wrong."""

    def claims(self) -> set[str]:
        """Return the claims under which something was put."""

    def remove(self, claims: Collection[str]) -> None:
        """Remove what was put under claims."""

    def clear(self) -> None:
        """Remove what earlier runs had copied, to check it."""


@dataclass(frozen=True, slots=True)
class PlacedFile:
    """What lies among the objects under some name; `blob` is None where that is none of ours."""

    name: str
    where: str
    blob: Blob | None


class Medium(Protocol):
    """Moves the bytes of chunks. All calls block; objects are put and removed by the barrier's thread alone.

    A call that fails with an OSError leaves unknown what was done, and what was received before counts as lost: a disk
    reports a failure once, and not of whose bytes. One that fails with a StorageError has lost nothing: the same call
    may succeed later.
    """

    @property
    def backend(self) -> Backend:
        """Which kind it is."""

    @property
    def gathers(self) -> bool:
        """Whether small chunks are to be gathered in packs; else they stay rows of the index."""

    @property
    def bypass(self) -> Bypass | None:
        """By which clients may reach its objects themselves; None where there is no such way."""

    @property
    def syncs(self) -> int:
        """Calls of fsync and the like so far."""

    @property
    def numbers(self) -> Iterator[int]:
        """What counts the files that are staged, so that each has a name of its own."""

    def number_like(self, other: "Medium") -> None:
        """Count with another, which stages in the same folder."""

    def trusts(self, blob: Blob) -> bool:
        """Tell whether what this object gives is believed without a look at the hash."""

    def require(self) -> None:
        """Refuse at once if nothing can be put at present; never waits.

        Raises:
            StoreUnavailableError, StoreFullError: it can not.
        """

    def stage(self, claim: str, blob: Blob, pieces: Sequence[Buffer], *, hold: bool) -> StagedFile:
        """Keep the stored form of a received chunk until its barrier.

        Args:
            claim: whose it is; it stands in the name, so that a restart knows.
            blob: the object that it becomes.
            pieces: the stored form, already checked.
            hold: keep the descriptor for an fsync: one opened later may miss an error of the time between.

        Raises:
            StoreFullError, StoreUnavailableError: nothing of it is kept.
        """

    def log(self, files: Sequence[StagedFile]) -> None:
        """Note which files a barrier is about to put into place, for a restart to find those that no row names."""

    def sync(self, files: Sequence[StagedFile]) -> None:
        """Make the content of staged files durable, where they are not put elsewhere from there."""

    def place(self, files: Sequence[StagedFile]) -> None:
        """Put staged files where they belong, durably."""

    def release(self, files: Sequence[StagedFile]) -> None:
        """Let go of what staging still holds of files that are in place and in the index."""

    def discard(self, files: Sequence[StagedFile]) -> None:
        """Remove staged files. One that cannot be removed is left to the next start."""

    def take_back(self, files: Sequence[StagedFile]) -> None:
        """Remove files that no row names, whether they are still staged or in place already, as far as that goes."""

    def lost(self, sizes: Mapping[Blob, int]) -> set[Blob]:
        """Return those of some objects that are not in place with their lengths in bytes."""

    def put(self, blob: Blob, content: bytes) -> None:
        """Put one object, durably."""

    def read(self, blob: Blob, start: int = 0, size: int | None = None) -> bytes:
        """Return what an object holds, or a part of it; FileNotFoundError if there is none."""

    def size(self, blob: Blob) -> int:
        """Return the length of an object in bytes; FileNotFoundError if there is none."""

    def path_of(self, blob: Blob) -> Path | None:
        """Return the file that holds an object, None where it is none of this machine."""

    def remove(self, blobs: Collection[Blob], *, aside: Collection[Blob] = ()) -> None:
        """Remove objects durably, and what was set aside of some; one that is not there is fine."""

    def objects(self, first: int) -> list[PlacedFile]:
        """Return what lies among the objects whose hashes begin with the byte `first`."""

    def lengths(self, digit: int) -> dict[Blob, int]:
        """Return the objects whose hashes begin with the hexadecimal `digit`, with their lengths, by one listing."""

    def usage(self) -> DiskUsage:
        """Return the room on the disk that takes what is received."""

    def close(self) -> None:
        """Close what is open."""

    def holds_any(self) -> bool:
        """Tell whether there are objects of an earlier run."""

    # For a start, while nobody else is at work on it

    def logged(self) -> list[StagedFile]:
        """Return what the last barrier noted, as files in place; damaged lines are left out."""

    def staged(self) -> list[StagedFile]:
        """Return what an earlier run left in staging; names that are not of ours are removed."""

    def read_staged(self, file: StagedFile) -> bytes:
        """Return what a staged file holds; OSError if it cannot be had."""

    def reopen(self, file: StagedFile, *, hold: bool) -> StagedFile:
        """Open a staged file of an earlier run for its fsync, or sync it now where each is synced as it is received.

        Without `hold` it is left to a syncfs: there may be more such files than a process may have open.
        """

    def unplace(self, file: StagedFile) -> StagedFile:
        """Move a file in place that no row names back into staging."""

    def set_aside(self, blob: Blob) -> None:
        """Move an object with wrong bytes out of the way; one that is missing is fine."""


def translated(error: OSError) -> StorageError:
    """Return our error for one of the disk."""
    if error.errno in NO_ROOM:
        return StoreFullError("the disk is full")
    return StoreUnavailableError(f"the disk failed: {error.strerror or error}")
