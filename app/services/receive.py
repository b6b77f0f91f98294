"""Takes chunks in: single ones, bundles of many, and streams that this server cuts itself."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass

from app.auth.identity import Actor
from app.errors import ChunkListError, ForbiddenError, MissingChunksError, TooLargeError
from app.manifest import Chunk, Manifest
from app.services.budget import Lease
from app.services.checksums import Witness
from app.services.commits import CommitService
from app.services.lock_state import NOTHING_SHOWN, Shown
from app.services.open_uploads import OpenUploads
from app.services.room import Room
from app.services.stream import Stream, slabs
from app.services.uploads import Declared, UploadService
from app.services.views import View
from storage.base import MAX_CHUNK, ChunkId, WireEncoding
from storage.chunker import SMALLEST_CHUNK
from storage.errors import ChunkMismatchError, StoreUnavailableError
from storage.offload import Offload
from storage.received import Received
from storage.signing import Grant
from storage.store import ChunkStore

FRAME_HEAD = 36
BUNDLE_FRAMES = 4096
SLAB = 4 * 1024 * 1024
FIRST_STEP, STREAM_STEP = 4 * 1024 * 1024, 64 * 1024 * 1024


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
            StoreFullError, StoreUnavailableError: the medium takes nothing at present.
        """
        await self.admit(grant.claim)

    async def admit(self, claim: str) -> None:
        """Refuse what comes under a claim; raises as `admit_chunk` does."""
        await self._table.require(claim)
        self._require_room()

    def _require_room(self) -> None:
        self._room.require()
        self._store.require()

    async def take_chunk(self, grant: Grant, pieces: Sequence[bytes], encoding: WireEncoding) -> None:
        """Verify and stage one chunk for the upload that its URL names.

        Raises:
            ChunkMismatchError: length or hash differ from what was announced; nothing is kept.
            ForbiddenError: the upload was closed while the bytes came in.
        """
        await self._store.put(grant.claim, ChunkId(bytes.fromhex(grant.subject)), grant.size, pieces, encoding)
        await self._require_still(grant.claim)

    async def adopt_chunk(self, received: Received, wave: int) -> None:
        """Take over what another process of this machine has verified and staged for an upload; again is harmless.

        Raises:
            ForbiddenError: the upload was closed while the bytes came in.
            StoreUnavailableError: the bytes count as not received.
        """
        if received.file is not None and not received.file.path.exists():
            # A start of this process has found and kept it; or this was told before, and the answer was lost.
            if not await self._store.claimed([received.claim], [received.chunk_id]):
                raise StoreUnavailableError("what was received is gone")
        else:
            await self._store.adopt(received, wave)
        await self._require_still(received.claim)

    async def _require_still(self, claim: str) -> None:
        if await self._table.find(claim) is None:
            self._store.drop_claims([claim])
            raise ForbiddenError("This upload was finished or given up meanwhile.")

    async def admit_bundle(self, grant: Grant) -> Mapping[ChunkId, int]:
        """Return the chunks that a bundle's frames may hold, with their sizes; refuse as `admit_chunk` does."""
        declared = await self._table.require_bundle(grant.claim)
        self._require_room()
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

    async def take_stream(
        self,
        actor: Actor,
        declared: Declared,
        body: AsyncIterator[bytes],
        lease: Lease,
        *,
        witness: Witness | None = None,
        shown: Shown = NOTHING_SHOWN,
        is_coming: bool = False,
    ) -> View:
        """Cut a stream, store it and commit it as one file; nothing is left of one that breaks off.

        Args:
            lease: holds what `body` has given, until it is stored.
            witness: what the sender says that the bytes hash to.
            shown: what the request shows of locks.
            is_coming: the sender waits for nothing, so that a small file may be here before an upload is opened.

        Raises:
            ChunkListError: the body ended before the announced size.
            InvalidRequestError: the bytes are not what the sender says of them.
            AppError: as for any upload and commit.
        """
        if is_coming and declared.size is not None and declared.size <= SMALLEST_CHUNK:
            return await self._take_small(actor, declared, body, witness, shown)
        answer = await self._uploads.request(actor, declared, bundle=False, shown=shown)
        try:
            async with Stream(self._store, answer.upload_id, self._offload, self._room, lease, witness) as stream:
                manifest, sha256 = await self._store_stream(actor, answer.upload_id, declared, body, stream)
            if witness is not None:
                witness.require()
            return await self._commits.commit_stream(actor, answer.upload_id, manifest, sha256, shown)
        except BaseException:
            await asyncio.shield(self._uploads.give_up(actor, answer.upload_id))
            raise

    async def _take_small(
        self, actor: Actor, declared: Declared, body: AsyncIterator[bytes], witness: Witness | None, shown: Shown
    ) -> View:
        """Take a file of one chunk, or of none, without an upload that waits for it: one read, and one write.

        Its place is judged first, so that nobody fills the disk with what they may not put there.
        """
        await self._uploads.judge(actor, declared, shown)
        data = b"".join([piece async for piece in body])
        if len(data) != declared.size:
            raise ChunkListError(f"The body ended after {len(data)} of {declared.size} bytes.")
        if witness is not None:
            witness.update(data)
            witness.require()
        self._room.require()
        try:
            return await self._commit_small(actor, declared, data, shown)
        except MissingChunksError:  # a collection has just ended the claim, for there is no upload of its name
            return await self._commit_small(actor, declared, data, shown)

    async def _commit_small(self, actor: Actor, declared: Declared, data: bytes, shown: Shown) -> View:
        claim = secrets.token_urlsafe(18)
        chunks = [Chunk(await self._store.take(claim, data), len(data))] if data else []
        try:
            return await self._commits.commit_small(actor, declared, claim, Manifest.of(chunks), shown)
        finally:
            self._store.drop_claims([claim])

    async def _store_stream(
        self, actor: Actor, upload_id: str, declared: Declared, body: AsyncIterator[bytes], stream: Stream
    ) -> tuple[Manifest, bytes]:
        """Return chunk list and SHA-256 of a stream whose chunks now lie in the store."""
        total, size = 0, declared.size
        promised = declared.announced if declared.at_once else 0
        async for slab in slabs(body):
            total += sum(map(len, slab))
            if size is not None and total > size:
                raise ChunkListError(f"The body is longer than the {size} bytes announced.")
            if total > promised:
                step = _next_step(declared, promised)
                await self._uploads.reserve_more(actor, upload_id, step)
                promised += step
            await stream.feed(slab)
        if size is not None and total != size:
            raise ChunkListError(f"The body ended after {total} of {size} bytes.")
        return await stream.finish()

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
    """Return how many bytes to promise next; no more than were announced, while these are not all promised.

    Of what nobody announced as much again as came: a small file asks for little room, a large one seldom.
    """
    rest = declared.announced - promised
    return min(STREAM_STEP, rest if rest > 0 else max(FIRST_STEP, promised))


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
