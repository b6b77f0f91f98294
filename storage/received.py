"""What was received and waits for its barrier."""

import asyncio
import time
from dataclasses import dataclass, field

from storage.base import Buffer, ChunkId, Encoding, Seal
from storage.medium import StagedFile

FILES_SIZE = 64 * 1024 * 1024
"""A barrier runs by itself once this many bytes wait in staged files."""
ROWS_SIZE = 8 * 1024 * 1024
"""The same for the bytes of small chunks, which wait in memory."""
HOLD_BACK = 4
"""So many times those sizes may wait while a barrier runs; then receiving stops until it has ended."""


@dataclass(frozen=True, slots=True)
class Received:
    """A chunk that was checked and waits for its barrier, in a staged file or in memory."""

    claim: str
    chunk_id: ChunkId
    size: int
    stored_size: int
    encoding: Encoding
    file: StagedFile | None = None
    data: Buffer | None = None
    seal: Seal | None = None

    @property
    def key_number(self) -> int | None:
        """The number of the key it is sealed with; None if it is not."""
        return None if self.seal is None else self.seal.key_number


@dataclass(slots=True)
class Batch:
    """What one barrier covers, and who waits for it."""

    chunks: list[Received] = field(default_factory=list)
    claims: dict[str, set[ChunkId]] = field(default_factory=dict)
    files: int = 0
    files_size: int = 0
    rows_size: int = 0
    first_s: float = 0.0
    waiters: list[asyncio.Future[None]] = field(default_factory=list)

    def add(self, chunk: Received) -> None:
        if not self.chunks:
            self.first_s = time.monotonic()
        self.chunks.append(chunk)
        self.claims.setdefault(chunk.claim, set()).add(chunk.chunk_id)
        if chunk.file is None:
            self.rows_size += chunk.stored_size
        else:
            self.files += 1
            self.files_size += chunk.stored_size

    def is_over(self, times: int) -> bool:
        return self.files_size >= times * FILES_SIZE or self.rows_size >= times * ROWS_SIZE

    @property
    def staged(self) -> list[StagedFile]:
        return [chunk.file for chunk in self.chunks if chunk.file is not None]
