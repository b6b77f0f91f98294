"""The ordered chunks that make one version's content."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from storage.base import ChunkId

CHUNK_ROW = 36
HASH = 32


@dataclass(frozen=True, slots=True)
class Chunk:
    """One entry of a manifest; size in bytes."""

    id: ChunkId
    size: int

    @property
    def packed(self) -> bytes:
        """Return the entry as 36 bytes: SHA-256, then the size big-endian."""
        return pack(self.id, self.size)


@dataclass(frozen=True, slots=True)
class Manifest:
    """The ordered chunks of one content, packed as 36 bytes each: SHA-256, then the size big-endian."""

    packed: bytes

    @classmethod
    def of(cls, chunks: Iterable[Chunk]) -> "Manifest":
        """Pack `chunks`."""
        return cls(b"".join(chunk.packed for chunk in chunks))

    def __len__(self) -> int:
        """Return the number of chunks."""
        return len(self.packed) // CHUNK_ROW

    def __iter__(self) -> Iterator[Chunk]:
        """Yield the chunks in order."""
        return self.part(0, len(self))

    def part(self, start: int, stop: int) -> Iterator[Chunk]:
        """Yield the chunks of indexes `start` to `stop`, without unpacking the others."""
        packed = self.packed
        for at in range(start * CHUNK_ROW, min(stop * CHUNK_ROW, len(packed)), CHUNK_ROW):
            yield Chunk(ChunkId(packed[at : at + HASH]), int.from_bytes(packed[at + HASH : at + CHUNK_ROW], "big"))

    @property
    def size(self) -> int:
        """Return the bytes of all chunks together."""
        packed = self.packed
        return sum(int.from_bytes(packed[at : at + 4], "big") for at in range(HASH, len(packed), CHUNK_ROW))

    def entries(self) -> set[bytes]:
        """Return every entry once, as `Chunk.packed` has it."""
        packed = self.packed
        return {packed[at : at + CHUNK_ROW] for at in range(0, len(packed), CHUNK_ROW)}

    def ids(self) -> list[ChunkId]:
        """Return the ids in order."""
        packed = self.packed
        return [ChunkId(packed[at : at + HASH]) for at in range(0, len(packed), CHUNK_ROW)]


def pack(chunk_id: ChunkId, size: int) -> bytes:
    """Return one entry of a manifest: SHA-256, then the size big-endian."""
    return chunk_id + size.to_bytes(4, "big")
