"""Takes chunks in: single ones, bundles of many, and streams that this server cuts itself."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from app.auth.identity import Actor
from app.errors import ChunkListError, ForbiddenError, TooLargeError
from app.manifest import Chunk, Manifest
from app.services.budget import Lease
from app.services.commits import CommitService
from app.services.open_uploads import OpenUploads
from app.services.room import Room
from app.services.uploads import Declared, UploadService
from app.services.views import View
from storage.base import MAX_CHUNK, ChunkId, WireEncoding, hash_of
from storage.chunker import StreamChunker
from storage.errors import ChunkMismatchError
from storage.offload import Offload
from storage.signing import Grant
from storage.store import ChunkStore

FRAME_HEAD = 36
BUNDLE_FRAMES = 4096
SLAB = 4 * 1024 * 1024
STREAM_STEP = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a bundle: how many frames were stored, and which one was bad, from 0."""

    stored: int
    bad_frame: int | None


class ReceiveService:
    """Checks that bytes are wanted, then hands them to the store."""

    def __init__(
        self,
        store: ChunkStore,
        table: OpenUploads,
        uploads: UploadService,
        commits: CommitService,
        room: Room,
        offload: Offload,
    ) -> None:
        """Take the parts it works with; `offload` has the threads that cut and hash."""
        self._store = store
        self._table = table
        self._uploads = uploads
        self._commits = commits
        self._room = room
        self._offload = offload

    async def admit_chunk(self, grant: Grant) -> None:
        """Refuse a chunk before its body is read.

        Raises:
            ForbiddenError: the upload takes no more bytes.
            NoRoomError: the disk has no room.
        """
        await self._table.require(grant.claim)
        self._room.require()

    async def take_chunk(self, grant: Grant, pieces: Sequence[bytes], encoding: WireEncoding) -> None:
        """Verify and stage one chunk for the upload that its URL names.

        Raises:
            ChunkMismatchError: length or hash differ from what was announced; nothing is kept.
            ForbiddenError: the upload was closed while the bytes came in.
        """
        await self._store.put(grant.claim, ChunkId(bytes.fromhex(grant.subject)), grant.size, pieces, encoding)
        if await self._table.find(grant.claim) is None:
            self._store.drop_claims([grant.claim])
            raise ForbiddenError("This upload was finished or given up meanwhile.")

    async def admit_bundle(self, grant: Grant) -> Mapping[ChunkId, int]:
        """Return the chunks that a bundle's frames may hold, with their sizes; refuse as `admit_chunk` does."""
        declared = await self._table.require_bundle(grant.claim)
        self._room.require()
        return declared

    async def take_bundle(
        self, grant: Grant, declared: Mapping[ChunkId, int], body: AsyncIterator[bytes], lease: Lease
    ) -> Taken:
        """Verify and stage the frames of a bundle as they come in, up to the first bad one; the rest is read over.

        Args:
            lease: holds what `body` has given, until it is stored.

        Raises:
            TooLargeError: the body or the number of frames is over its limit; frames before that are kept.
        """
        frames = FrameParser(declared)
        stored, bad = 0, None
        async for piece in body:
            if bad is None:
                frames.feed(piece)
                if frames.waiting >= SLAB:
                    stored, bad = await self._take_frames(grant.claim, frames, stored)
            lease.keep(frames.waiting + frames.rest if bad is None else 0)
        if bad is None:
            stored, bad = await self._take_frames(grant.claim, frames, stored)
        if bad is None and frames.rest:
            bad = stored
        return Taken(stored, bad)

    async def take_stream(self, actor: Actor, declared: Declared, body: AsyncIterator[bytes], lease: Lease) -> View:
        """Cut a stream, store it and commit it as one file; nothing is left of one that breaks off.

        Args:
            lease: holds what `body` has given, until it is stored.

        Raises:
            ChunkListError: the body ended before the announced size.
            AppError: as for any upload and commit.
        """
        answer = await self._uploads.request(actor, declared, bundle=False)
        try:
            manifest, sha256 = await self._store_stream(actor, answer.upload_id, declared, body, lease)
            return await self._commits.commit_stream(actor, answer.upload_id, manifest, sha256)
        except BaseException:
            await asyncio.shield(self._uploads.give_up(actor, answer.upload_id))
            raise

    async def _store_stream(
        self, actor: Actor, upload_id: str, declared: Declared, body: AsyncIterator[bytes], lease: Lease
    ) -> tuple[Manifest, bytes]:
        """Return chunk list and SHA-256 of a stream whose chunks now lie in the store."""
        cutter, chunks, total, size, kept = _Cutter(), list[Chunk](), 0, declared.size, 0
        promised = declared.announced if declared.at_once else 0
        async for slab in _slabs(body):
            total += len(slab)
            if size is not None and total > size:
                raise ChunkListError(f"The body is longer than the {size} bytes announced.")
            if total > promised:
                step = _next_step(declared, promised)
                await self._uploads.reserve_more(actor, upload_id, step)
                promised += step
            cuts = await self._take_cuts(upload_id, await self._offload.run(partial(cutter.feed, slab)))
            kept += len(slab) - sum(chunk.size for chunk in cuts)
            lease.keep(kept)
            chunks += cuts
        chunks += await self._take_cuts(upload_id, await self._offload.run(cutter.finish))
        if size is not None and total != size:
            raise ChunkListError(f"The body ended after {total} of {size} bytes.")
        return Manifest.of(chunks), cutter.sha256()

    async def _take_cuts(self, claim: str, cuts: list[tuple[ChunkId, bytes]]) -> list[Chunk]:
        self._room.require()
        for chunk_id, data in cuts:
            await self._store.put(claim, chunk_id, len(data), [data], WireEncoding.IDENTITY)
        return [Chunk(chunk_id, len(data)) for chunk_id, data in cuts]

    async def _take_frames(self, claim: str, frames: "FrameParser", stored: int) -> tuple[int, int | None]:
        """Store the frames parsed so far; return how many are stored in all, and the number of a bad one."""
        taken = frames.take()
        try:
            if taken:
                await self._store.put_many(claim, taken)
        except ChunkMismatchError as error:
            return stored + error.stored, stored + error.stored
        stored += len(taken)
        return stored, stored if frames.broken else None


def _next_step(declared: Declared, promised: int) -> int:
    """Return how many bytes to promise next; no more than were announced, while these are not all promised."""
    rest = declared.announced - promised
    return min(STREAM_STEP, rest) if rest > 0 else STREAM_STEP


class _Cutter:
    """Cuts a stream into chunks and hashes it, each chunk and the whole; to be run in a worker thread."""

    def __init__(self) -> None:
        self._chunker = StreamChunker()
        self._whole = hashlib.sha256()

    def feed(self, slab: bytes) -> list[tuple[ChunkId, bytes]]:
        self._whole.update(slab)
        return [(hash_of([data]), data) for data in self._chunker.feed(slab)]

    def finish(self) -> list[tuple[ChunkId, bytes]]:
        return [(hash_of([data]), data) for data in self._chunker.finish()]

    def sha256(self) -> bytes:
        return self._whole.digest()


class FrameParser:
    """Cuts a bundle's body into frames: 32 bytes SHA-256, 4 bytes big-endian length, the bytes (api.md, Upload)."""

    def __init__(self, declared: Mapping[ChunkId, int]) -> None:
        """Take the chunks that may come, with their sizes in bytes."""
        self._declared = declared
        self._buffer = bytearray()
        self._frames: list[tuple[ChunkId, bytes]] = []
        self._count = 0
        self.waiting = 0
        self.broken = False

    @property
    def rest(self) -> int:
        """Bytes of a frame that has not come whole."""
        return len(self._buffer)

    def feed(self, piece: bytes) -> None:
        """Take the next bytes; after a frame that nobody declared, `broken` is set and all else ignored.

        Raises:
            TooLargeError: there are more frames than a bundle may have.
        """
        if self.broken:
            return
        self._buffer += piece
        at, view = 0, memoryview(self._buffer)
        while len(view) - at >= FRAME_HEAD:
            chunk_id = ChunkId(bytes(view[at : at + 32]))
            size = int.from_bytes(view[at + 32 : at + FRAME_HEAD], "big")
            if size > MAX_CHUNK or self._declared.get(chunk_id) != size:
                self.broken = True
                break
            if len(view) - at - FRAME_HEAD < size:
                break
            self._take_frame(chunk_id, bytes(view[at + FRAME_HEAD : at + FRAME_HEAD + size]))
            at += FRAME_HEAD + size
        view.release()
        del self._buffer[:at]

    def take(self) -> list[tuple[ChunkId, bytes]]:
        """Return the whole frames parsed since the last call."""
        frames, self._frames = self._frames, []
        self.waiting = 0
        return frames

    def _take_frame(self, chunk_id: ChunkId, data: bytes) -> None:
        self._count += 1
        if self._count > BUNDLE_FRAMES:
            raise TooLargeError(f"A bundle may have {BUNDLE_FRAMES} frames.")
        self._frames.append((chunk_id, data))
        self.waiting += len(data)


async def _slabs(body: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Join small pieces to about 1 MiB, so that cutting costs one hop to a thread each."""
    pieces, size = list[bytes](), 0
    async for piece in body:
        pieces.append(piece)
        size += len(piece)
        if size >= SLAB // 4:
            yield b"".join(pieces)
            pieces, size = [], 0
    if pieces:
        yield b"".join(pieces)
