"""One stream on its way into the store: cut, hashed whole, and stored, while its next bytes come in.

The three take a thread each, and none waits for another longer than order asks for. What is held of a stream is
bounded: two slabs, what the chunker needs to see ahead, and a few chunks that are being written.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Sequence
from functools import partial
from types import TracebackType
from typing import Self

from app.manifest import Chunk, Manifest
from app.services.budget import Lease
from app.services.checksums import Witness
from app.services.room import Room
from storage.chunker import SMALLEST_CHUNK, StreamChunker
from storage.offload import Offload
from storage.store import ChunkStore

SLAB = 1024 * 1024
STORING = 8 * 1024 * 1024
"""Bytes of cut chunks that wait or are written at once; one chunk is always let through."""

Slab = Sequence[bytes]


class Stream:
    """Takes slabs in order; entered and left around its work, which ends with it."""

    def __init__(
        self,
        store: ChunkStore,
        claim: str,
        offload: Offload,
        room: Room,
        lease: Lease,
        witness: Witness | None,
    ) -> None:
        """Begin with nothing.

        Args:
            claim: under which chunks are received.
            offload: has the threads that cut and hash.
            lease: holds what was fed until it is stored.
            witness: computes what the sender says of the bytes.
        """
        self._store = store
        self._claim = claim
        self._offload = offload
        self._room = room
        self._lease = lease
        self._witness = witness
        self._chunker = StreamChunker()
        self._whole = hashlib.sha256()
        self._chunks: list[Chunk | None] = []
        self._storing = 0
        self._stored = asyncio.Event()
        self._group = asyncio.TaskGroup()
        self._last: Slab | None = None
        self._under_way: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        """Begin."""
        await self._group.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Wait for what is under way, or end it after a failure, and raise the first failure as it was."""
        try:
            await self._group.__aexit__(kind, error, trace)
        except BaseExceptionGroup as failures:
            first: BaseException = failures
            while isinstance(first, BaseExceptionGroup):
                first = first.exceptions[0]
            raise first from None

    async def feed(self, slab: Slab) -> None:
        """Take the next bytes; returns once those before the last ones are cut."""
        self._room.require()
        last, self._last = self._last, slab
        if last is not None:
            await self._begin(last)

    async def finish(self) -> tuple[Manifest, bytes]:
        """Return chunk list and SHA-256 of the whole, once all of it lies in the store."""
        if self._under_way is None and 0 < sum(map(len, self._last or ())) <= SMALLEST_CHUNK:
            return await self._finish_small(b"".join(self._last or ()))
        if self._last is not None:
            await self._begin(self._last)
        if self._under_way is not None:
            await self._under_way
        await self._keep(await self._offload.run(self._chunker.finish))
        while self._storing:
            await self._next_stored()
        return Manifest.of(chunk for chunk in self._chunks if chunk is not None), self._whole.digest()

    async def _finish_small(self, data: bytes) -> tuple[Manifest, bytes]:
        """Store a stream that is one chunk, whose hash is then that of the whole: one hop to one thread."""
        if self._witness is not None:
            self._witness.update(data)
        chunk_id = await self._store.take(self._claim, data)
        return Manifest.of([Chunk(chunk_id, len(data))]), chunk_id

    async def _begin(self, slab: Slab) -> None:
        """Let a slab be worked on once the one before it is done."""
        if self._under_way is not None:
            await self._under_way
        self._under_way = self._group.create_task(self._work(slab), name="stream")

    async def _work(self, slab: Slab) -> None:
        """Hash and cut a slab, in two threads at once."""
        async with asyncio.TaskGroup() as both:
            both.create_task(self._offload.run(partial(self._hash, slab)), name="hash")
            cutting = both.create_task(self._offload.run(partial(self._cut, slab)), name="cut")
        await self._keep(cutting.result())

    def _hash(self, slab: Slab) -> None:
        for piece in slab:
            self._whole.update(piece)
            if self._witness is not None:
                self._witness.update(piece)

    def _cut(self, slab: Slab) -> list[bytes]:
        return [chunk for piece in slab for chunk in self._chunker.feed(piece)]

    async def _keep(self, cut: list[bytes]) -> None:
        """Begin to store chunks, as many at once as may wait."""
        for data in cut:
            while self._storing and self._storing + len(data) > STORING:
                await self._next_stored()
            self._storing += len(data)
            self._chunks.append(None)
            self._group.create_task(self._store_one(len(self._chunks) - 1, data), name="store")

    async def _store_one(self, index: int, data: bytes) -> None:
        self._chunks[index] = Chunk(await self._store.take(self._claim, data), len(data))
        self._storing -= len(data)
        self._lease.let_go(len(data))
        self._stored.set()

    async def _next_stored(self) -> None:
        self._stored.clear()
        await self._stored.wait()


async def slabs(body: AsyncIterator[bytes]) -> AsyncIterator[list[bytes]]:
    """Gather small pieces to about 1 MiB, so that a hop to a thread pays; nothing is joined."""
    pieces, size = list[bytes](), 0
    async for piece in body:
        pieces.append(piece)
        size += len(piece)
        if size >= SLAB:
            yield pieces
            pieces, size = [], 0
    if pieces:
        yield pieces
