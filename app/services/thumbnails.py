"""Thumbnails: who may have one, what is kept of those that were made, and how many are made at a time.

Permission is asked for each one that is asked for. What is kept is named by content and space: who puts the same photo
into a space of their own cannot tell from the time it takes whether somebody else has it (security.md, X3).
"""

import asyncio
import hashlib
import logging
import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from queue import SimpleQueue
from typing import BinaryIO

from app.auth.identity import Actor
from app.auth.sealing import Sealer
from app.db.database import Database
from app.db.transaction import Snapshot
from app.errors import NoRoomError, UnavailableError
from app.manifest import Manifest
from app.repositories.thumbnails import Thumbnail, ThumbnailCache
from app.services.downloads import find_version, manifest_of
from app.services.locating import locate
from app.services.media import guess_content_type
from app.services.room import Room
from app.services.thumbnailing import FAILED, Thumbnailer, scratch
from app.services.turns import Turns
from storage.errors import KeyFileError, StorageError, StoreUnavailableError
from storage.offload import Offload
from storage.store import ChunkStore

logger = logging.getLogger(__name__)

LARGEST_SOURCE = 256 * 1024 * 1024
DRAWN = frozenset({"image/jpeg", "image/png", "image/gif", "image/webp", "image/heic", "image/heif"})
AT_ONCE = 2
"""Processes at most; one on a machine with less than four processors, for others want to do something too."""
WAITING = 512
CACHE_QUEUE = 4096
RECIPE = b"1"
"""Changes when thumbnails come out differently, so that older ones are made anew."""


@dataclass(frozen=True, slots=True)
class Source:
    """A content of which somebody may have a thumbnail.

    Attributes:
        key: names the thumbnail: content, space, edge and recipe; also its etag.
        edge: longest side, in pixels.
        is_drawn: it says to be of a kind that is drawn, and is not too large.
    """

    key: bytes
    edge: int
    manifest: Manifest
    size: int
    is_drawn: bool


class ThumbnailService:
    """Gives thumbnails from the cache, or has them made, a few at a time."""

    def __init__(
        self,
        database: Database,
        store: ChunkStore,
        room: Room,
        folder: Path,
        sealer: Sealer,
        *,
        clock_ms: Callable[[], int],
    ) -> None:
        """Take the parts it works with.

        Args:
            database: says what may be seen.
            store: has the sources.
            room: says whether there is room for the cache.
            folder: for the cache and for large sources; it may be deleted.
            sealer: seals the cache while the store is encrypted.
            clock_ms: of the server.
        """
        self._sealer = sealer
        self._database = database
        self._store = store
        self._room = room
        self._folder = folder
        self._clock_ms = clock_ms
        at_once = min(AT_ONCE, max(1, (os.cpu_count() or 1) // 2))
        self._drawers = [Thumbnailer() for _ in range(at_once)]
        self._idle: SimpleQueue[Thumbnailer] = SimpleQueue()
        for drawer in self._drawers:
            self._idle.put(drawer)
        self._places = asyncio.Semaphore(at_once)
        self._turns = Turns(at_once)
        self._waiting = 0
        self._drawing = Offload("thumbnail", threads=at_once, queue=WAITING)
        self._keeping = Offload("thumbnail-cache", threads=1, queue=CACHE_QUEUE)
        self._cache: ThumbnailCache | None = None
        self._is_sealed = False
        self._is_closing = False

    async def find(self, actor: Actor, file_id: str, version_id: str | None, edge: int) -> Source:
        """Return what a thumbnail of a file is made of, of its current version if `version_id` is None.

        Raises:
            NotFoundError: there is no such file or version, or its content is gone.
            ForbiddenError: the actor sees the file, and may not read it.
        """

        def work(tx: Snapshot) -> Source:
            sight, version = find_version(tx, actor, file_id, version_id)
            manifest = manifest_of(version)
            named = b"\0".join((RECIPE, str(edge).encode(), str(sight.within.id).encode(), manifest.packed))
            says = {version.content_type, guess_content_type(sight.node.name)}
            is_drawn = bool(says & DRAWN) and 0 < version.size <= LARGEST_SOURCE
            return Source(hashlib.sha256(named).digest()[:16], edge, manifest, version.size, is_drawn)

        return await self._database.read(work)

    async def get(self, owner: str, source: Source, is_wanted: Callable[[], bool]) -> Thumbnail:
        """Return the thumbnail, one without a media type where none can be made.

        Args:
            owner: who asks: of one owner so many are made at a time, in turns with others.
            is_wanted: asked after a wait: what nobody waits for any more is not made.

        Raises:
            UnavailableError: too many wait.
            ConnectionResetError: it is not wanted any more.
        """
        if not source.is_drawn:
            return FAILED
        kept = await self._kept(source)
        if kept is not None:
            return kept
        if self._waiting >= WAITING:
            raise UnavailableError("Too many thumbnails are being made: try again in a moment.")
        self._waiting += 1
        try:
            async with self._turns.take(owner), self._places:
                if not is_wanted():
                    raise ConnectionResetError("the peer was gone before its thumbnail was made")
                return await self._kept(source) or await self._make(source)
        finally:
            self._waiting -= 1

    def close(self) -> None:
        """End what is being made, and close the cache. Blocks."""
        self._is_closing = True
        for drawer in self._drawers:
            drawer.end()
        self._drawing.close()
        for drawer in self._drawers:
            drawer.close()
        self._keeping.close()
        if self._cache is not None:
            self._cache.close()

    async def _kept(self, source: Source) -> Thumbnail | None:
        def work() -> Thumbnail | None:
            cache = self._opened()
            if cache is None:
                return None
            kept = cache.find(source.key, self._clock_ms(), may_write=self._has_room())
            return self._unsealed(source, kept) if kept is not None and self._is_sealed else kept

        return await self._keeping.run(work)

    async def _make(self, source: Source) -> Thumbnail:
        file = await self._drawing.run(lambda: scratch(source.size, self._folder))
        try:
            await self._fill(file, source)
        except BaseException:
            file.close()
            raise
        try:
            thumbnail = await self._drawing.run(lambda: self._draw(file, source.edge))
        except StoreUnavailableError:
            file.close()
            raise
        if self._is_closing:
            raise UnavailableError("The server is stopping.")
        await self._keeping.run(lambda: self._keep(source, thumbnail))
        return thumbnail

    async def _fill(self, file: BinaryIO, source: Source) -> None:
        async for stored, start, stop in locate(self._store, source.manifest, 0, source.size):
            data = memoryview(await self._store.load(stored))[start:stop]
            await self._drawing.run(lambda: _write(file, data))  # noqa: B023 - awaited at once

    def _draw(self, file: BinaryIO, edge: int) -> Thumbnail:
        drawer = self._idle.get()
        try:
            with file:
                return drawer.make(file, edge)
        finally:
            self._idle.put(drawer)

    def _keep(self, source: Source, thumbnail: Thumbnail) -> None:
        cache = self._opened()
        if cache is not None and self._has_room():
            if self._is_sealed:
                thumbnail = replace(thumbnail, body=self._sealer.seal(thumbnail.body, *_place(source)))
            cache.keep(source.key, thumbnail, self._clock_ms())

    def _unsealed(self, source: Source, kept: Thumbnail) -> Thumbnail | None:
        try:
            return replace(kept, body=self._sealer.unseal(kept.body, *_place(source)))
        except KeyFileError:
            return None

    def _opened(self) -> ThumbnailCache | None:
        """Return the cache, opened when first wanted; a server without room for it has thumbnails all the same."""
        is_sealed = self._store.vault.current is not None
        if self._cache is not None and is_sealed != self._is_sealed:
            self._cache.close()
            self._cache = None
        if self._cache is None:
            self._is_sealed = is_sealed
            try:
                name = "sealed-thumbnails.db" if is_sealed else "thumbnails.db"
                self._cache = ThumbnailCache.open(self._folder / name)
            except OSError as error:
                logger.warning("thumbnails are not kept: %s", error)
        return self._cache

    def _has_room(self) -> bool:
        try:
            self._room.require()
        except (NoRoomError, StorageError):
            return False
        return True


def _place(source: Source) -> tuple[str, str, int]:
    return "thumbnails", "body", int.from_bytes(source.key, "big")


def _write(file: BinaryIO, data: memoryview) -> None:
    """Write all of it: without a buffer a write may take less."""
    while data:
        data = data[file.write(data) :]
