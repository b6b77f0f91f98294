"""Where the bytes of a content lie: found a few chunks at a time, whatever its size."""

from collections.abc import AsyncIterator

from app.manifest import Manifest
from storage.base import ChunkId, StoredChunk
from storage.store import ChunkStore

LOCATE_CHUNKS = 32
Part = tuple[StoredChunk, int, int]


async def locate(store: ChunkStore, manifest: Manifest, start: int, stop: int) -> AsyncIterator[Part]:
    """Yield the stored chunks that hold bytes `start` to `stop`, each with the part of it that counts."""
    at, wanted = 0, list[tuple[ChunkId, int, int]]()
    for chunk in manifest:
        first, last = max(start - at, 0), min(stop - at, chunk.size)
        at += chunk.size
        if first < last:
            wanted.append((chunk.id, first, last))
        if len(wanted) == LOCATE_CHUNKS or (wanted and at >= stop):
            for stored, (_, begin, end) in zip(
                await store.locate([chunk_id for chunk_id, _, _ in wanted]), wanted, strict=True
            ):
                yield stored, begin, end
            wanted = []
        if at >= stop:
            return
