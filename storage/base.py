"""The words of the object store: chunk ids, encodings, states, limits and the small records that callers see."""

import hashlib
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from enum import IntEnum, StrEnum
from pathlib import Path
from typing import NewType, Protocol, Self

ChunkId = NewType("ChunkId", bytes)
"""The 32 raw bytes of the SHA-256 of a chunk's plain content. Hexadecimal only on the wire and in file names."""

ClaimId = NewType("ClaimId", str)
"""Whose upload a received chunk belongs to: the id of an upload or of a bundle, opaque here."""

Buffer = bytes | bytearray | memoryview

MAX_CHUNK = 8 * 1024 * 1024
"""Largest plain size of a chunk in bytes."""

INLINE_MAX = 64 * 1024
"""A chunk whose stored form is no longer than this many bytes is a row; a longer one is a file."""

_CLAIM = re.compile(r"[A-Za-z0-9_-]{1,128}", re.ASCII)


class Encoding(IntEnum):
    """The form in which a chunk is stored. The numbers are in the index and never change."""

    RAW = 0
    ZSTD = 1


class WireEncoding(StrEnum):
    """The Content-Encoding under which a chunk may arrive."""

    IDENTITY = "identity"
    ZSTD = "zstd"
    GZIP = "gzip"


class ChunkState(IntEnum):
    """What the index says of a chunk. Only an OK chunk exists for callers."""

    OK = 0
    CONDEMNED = 1
    """Unused in the eyes of the collector, which removes it after a grace."""
    REMOVING = 2
    """Its bytes are about to go or are gone."""
    DAMAGED = 3
    """Its bytes were found wrong; any new put heals it."""


class Place(IntEnum):
    """Where the bytes of a chunk lie. The numbers are in the index and never change."""

    ROW = 0
    FILE = 1
    PACK = 2


class Backend(IntEnum):
    """Which kind of medium holds a chunk. The numbers are in the index and never change."""

    LOCAL = 0
    S3 = 1


class Form(StrEnum):
    """What an object is, and how its name ends: a chunk in one of its encodings or sealed, or many small chunks."""

    RAW = ""
    ZSTD = ".zst"
    PACK = ".pack"
    SEALED = ".sealed"


_FORMS = {Encoding.RAW: Form.RAW, Encoding.ZSTD: Form.ZSTD}
ENCODINGS = {form: encoding for encoding, form in _FORMS.items()}
"""The encoding of a chunk by its form."""


@dataclass(frozen=True, slots=True)
class Seal:
    """How a chunk is sealed: with which data key, and under which keyed name."""

    key_number: int
    name: bytes


@dataclass(frozen=True, slots=True)
class Blob:
    """The name of an object: the id of the chunk that it holds, its keyed name if it is sealed, or a pack's SHA-256.

    The form is in the name, so an object is never replaced by one of another form. The backend is where it lies.
    """

    hash: bytes
    form: Form
    backend: Backend = Backend.LOCAL

    @classmethod
    def of(cls, chunk_id: ChunkId, encoding: Encoding, seal: Seal | None = None) -> Self:
        """Return the object that holds a chunk alone."""
        return cls(chunk_id, _FORMS[encoding]) if seal is None else cls(seal.name, Form.SEALED)

    def at(self, backend: Backend) -> Self:
        """Return the same object as it lies elsewhere."""
        return replace(self, backend=backend)

    @property
    def name(self) -> str:
        """Hexadecimal digits and the form."""
        return self.hash.hex() + self.form

    @property
    def chunk_id(self) -> ChunkId | None:
        """The chunk that it holds; None for a pack, and where the name does not tell it."""
        return ChunkId(self.hash) if self.form in ENCODINGS else None


@dataclass(frozen=True, slots=True)
class StoredChunk:
    """One chunk as it lies in the store.

    Attributes:
        data: its stored form, where that is at hand; else `blob` holds it, from the byte `start` on.
        path: a file that holds its stored form and nothing else, where there is one on this machine.
        seal: how it is sealed; None if it is not. Then there is no `path`, `data` comes with `fetch` alone, and
            `stored_size` is that of the sealed form.
        sealed: the sealed form, where the index itself holds it.
    """

    chunk_id: ChunkId
    size: int
    stored_size: int
    encoding: Encoding
    data: bytes | None
    blob: Blob | None = None
    start: int = 0
    path: Path | None = None
    seal: Seal | None = None
    sealed: bytes | None = None


class ChunkStates(Protocol):
    """What the index durably says, for a thread that cannot await: plain calls, all from one and the same thread."""

    def present(self, ids: Collection[ChunkId]) -> set[ChunkId]:
        """Return those of `ids` that exist."""

    def sizes(self, ids: Collection[ChunkId]) -> dict[ChunkId, int]:
        """Return those of `ids` that exist, with their plain sizes in bytes."""

    def claimed(self, claims: Collection[str], ids: Collection[ChunkId]) -> set[ChunkId]:
        """Return those of `ids` that exist and were received under one of `claims`."""

    def close(self) -> None:
        """Close the connection, in the thread that used it."""


@dataclass(frozen=True, slots=True)
class StoreStats:
    """Counters since the store was opened, for tests, metrics and the bench."""

    barriers: int
    """Barriers that ended well and had something to do."""
    syncs: int
    """Calls of fsync, syncfs and folder syncs for chunk data; commits of the index are counted apart."""
    commits: int
    """Transactions of the index."""
    staged_bytes: int
    """Stored bytes received since the last barrier began."""


def hash_of(pieces: Iterable[Buffer]) -> ChunkId:
    """Return the id of the chunk whose plain bytes are `pieces` in order."""
    digest = hashlib.sha256()
    for piece in pieces:
        digest.update(piece)
    return ChunkId(digest.digest())


def check_claim(claim: str) -> ClaimId:
    """Return `claim` if it can stand in a file name.

    Raises:
        ValueError: it is empty, too long or holds anything but letters, digits, `-` and `_`.
    """
    if not _CLAIM.fullmatch(claim):
        raise ValueError(f"not a claim id: {claim!r}")
    return ClaimId(claim)
