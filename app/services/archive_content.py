"""The content of the files in a zip, with its CRC-32: each is read for that once, and what is learned is kept."""

import zlib
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from functools import partial

from app.auth.identity import Actor
from app.db.database import Database
from app.db.transaction import Snapshot
from app.errors import NotFoundError
from app.manifest import Manifest
from app.repositories import checksums, versions
from app.repositories.checksums import Checksum
from app.services import access
from app.services.access import Right
from app.services.archive_plan import Planned
from app.services.budget import Lease
from app.services.locating import Part, locate
from storage.base import Encoding, StoredChunk
from storage.offload import Offload
from storage.store import ChunkStore

SMALL = 64 * 1024
"""Up to this many bytes a piece is hashed where it is, and copied with others."""
SLICE = 256 * 1024
Check = Callable[[Snapshot], None]
"""Raises if whoever began to read may not go on."""
Piece = memoryview | AsyncIterator[Part]
"""Bytes, or parts of stored chunks that can be sent from where they lie."""


@dataclass(frozen=True, slots=True)
class Source:
    """What an entry's bytes are made of, and how far their CRC is known."""

    planned: Planned
    manifest: Manifest
    known: Checksum

    @property
    def is_known(self) -> bool:
        """Whether the CRC of all of it is."""
        return self.known.size == self.planned.entry.size


class Contents:
    """Reads for one answer. Every entry is looked at anew, with the rights of the moment, before any of it is read."""

    def __init__(
        self, actor: Actor, check: Check, database: Database, store: ChunkStore, offload: Offload, lease: Lease
    ) -> None:
        """Take the parts it works with.

        Args:
            actor: who reads.
            check: asked before each batch.
            offload: has the threads that hash.
            lease: holds the chunk that is in memory.
        """
        self._actor = actor
        self._check = check
        self._database = database
        self._store = store
        self._offload = offload
        self._lease = lease
        self._learned: dict[int, Checksum] = {}
        self._located: dict[int, StoredChunk] = {}

    async def sources(self, batch: Sequence[Planned]) -> list[Source]:
        """Return what these entries are made of.

        Raises:
            NotFoundError: one of them is gone, or not the actor's to read any more.
        """
        sources = await self._database.read(lambda tx: self._look(tx, batch))
        small = [
            source for source in sources if len(source.manifest) == 1 and source.planned.entry.size <= SMALL
        ]  # their bytes come with their rows
        stored = await self._store.locate([next(iter(source.manifest)).id for source in small])
        self._located = {source.planned.version_id: chunk for source, chunk in zip(small, stored, strict=True)}
        return sources

    async def read(self, source: Source, first: int, last: int, *, whole: bool) -> AsyncIterator[Piece]:
        """Yield bytes `first` to `last` of a content.

        Args:
            whole: the CRC is wanted afterwards, so what was never hashed is read as well.
        """
        if source.is_known and source.planned.version_id not in self._located:
            if first < last:
                yield locate(self._store, source.manifest, first, last)
            return
        known = self.known(source)
        begin, end = first, last
        if whole:
            begin, end = min(known.size, first) if first < last else known.size, source.planned.entry.size
        at = begin
        async for stored, start, stop in self._parts(source, begin, end):
            data = await self._load(stored)
            piece = data[start:stop]
            if at <= known.size < at + len(piece):
                known = Checksum(at + len(piece), await self._crc(piece[known.size - at :], known.crc))
                self._learned[source.planned.version_id] = known
            for cut in range(max(0, first - at), min(len(piece), last - at), SLICE):
                yield piece[cut : min(cut + SLICE, last - at)]
            at += len(piece)
            self._lease.keep(0)

    def known(self, source: Source) -> Checksum:
        """Return how far the CRC of a content is known by now."""
        return self._learned.get(source.planned.version_id, source.known)

    def learned(self, least: int = 1) -> list[tuple[int, Checksum]]:
        """Return the CRCs that are to be kept, if they are at least so many, and forget them here."""
        if len(self._learned) < least:
            return []
        learned, self._learned = list(self._learned.items()), {}
        return learned

    def _look(self, tx: Snapshot, batch: Sequence[Planned]) -> list[Source]:
        self._check(tx)
        return [self._source(tx, planned) for planned in batch]

    def _source(self, tx: Snapshot, planned: Planned) -> Source:
        access.look_number(tx, self._actor, planned.node_id).require(Right.READ)
        if not planned.entry.has_content:
            return Source(planned, Manifest(b""), Checksum())
        version = versions.find(tx, planned.version_id)
        if version is None or version.node_id != planned.node_id or version.manifest is None:
            raise NotFoundError("The content of a file in this zip is gone.")
        return Source(planned, version.manifest, checksums.find(tx, version.id))

    async def _parts(self, source: Source, begin: int, end: int) -> AsyncIterator[Part]:
        stored = self._located.get(source.planned.version_id)
        if stored is not None and begin < end:
            yield stored, begin, end
        elif stored is None:
            async for part in locate(self._store, source.manifest, begin, end):
                yield part

    async def _load(self, stored: StoredChunk) -> memoryview:
        if stored.data is not None and stored.encoding is Encoding.RAW:
            return memoryview(stored.data)
        await self._lease.take(stored.size)
        return memoryview(await self._store.load(stored))

    async def _crc(self, piece: memoryview, before: int) -> int:
        if len(piece) <= SMALL:
            return zlib.crc32(piece, before)
        return await self._offload.run(partial(zlib.crc32, piece, before))
