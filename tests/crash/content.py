"""What the files of the crash tests hold: bytes that a name gives back at any time, so that no test keeps them."""

import hashlib
import random
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Content:
    """The content of one file, cut into chunks of `sizes` bytes. Equal contents have equal chunks.

    Attributes:
        name: what the bytes follow from.
        sizes: of the chunks, in bytes.
        dense: the bytes do not compress; else each chunk repeats its first quarter.
    """

    name: str
    sizes: tuple[int, ...]
    dense: bool = True

    @property
    def size(self) -> int:
        """Bytes in all."""
        return sum(self.sizes)

    def chunks(self) -> list[bytes]:
        """Return the chunks in order."""
        return [self._chunk(index, size) for index, size in enumerate(self.sizes)]

    def data(self) -> bytes:
        """Return the whole."""
        return b"".join(self.chunks())

    def _chunk(self, index: int, size: int) -> bytes:
        chance = random.Random(f"{self.name} {index}")  # noqa: S311 - the same bytes whenever they are asked for
        if self.dense:
            return chance.randbytes(size)
        quarter = chance.randbytes(max(1, size // 4))
        return (quarter * (size // len(quarter) + 1))[:size]


def sha256(data: bytes) -> bytes:
    """Return the id of a chunk."""
    return hashlib.sha256(data).digest()


def frame(data: bytes) -> bytes:
    """Return one frame of a bundle (api.md, Upload)."""
    return sha256(data) + len(data).to_bytes(4, "big") + data
