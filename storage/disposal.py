"""The way of unused chunks out of a store (durability.md, 5).

What is used, the store is told. That nothing goes which a put brings back meanwhile, and that a row goes only after its
file, it sees to itself.
"""

import sqlite3
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from storage import unused
from storage.barrier import Barriers
from storage.base import Blob, ChunkId, Form
from storage.errors import ChunkMismatchError
from storage.group_writer import GroupWriter, PlainSession
from storage.index import IndexReader
from storage.medium import Medium, PlacedFile, translated
from storage.offload import Offload
from storage.packs import Packs
from storage.unused import Held, Leaving, Totals
from storage.vault import Vault

T = TypeVar("T")

BUCKETS = 256
"""Into so many parts a collection divides the store, by the first byte of the chunks' ids."""
SLICE = 1000
"""Most chunks in one step."""
REMOVED_AT_ONCE = 250
"""Most files that are removed between two barriers."""
PAGES_AT_ONCE = 64
"""Most pages of the index that are given back to the disk in one transaction: 1 MiB is moved for them at most."""


@dataclass(frozen=True, slots=True)
class Freed:
    """How many chunks and files are gone, and the bytes that they had on the disk."""

    chunks: int = 0
    size: int = 0

    def __add__(self, other: "Freed") -> "Freed":
        """Return both together."""
        return Freed(self.chunks + other.chunks, self.size + other.size)


@dataclass(frozen=True, slots=True)
class Stray:
    """A file of a chunk that no row names; `found_s` as `Held` has it.

    Attributes:
        chunk_id: the chunk that it holds; None for a pack, and where that cannot be told.
    """

    file: PlacedFile
    found_s: int | None
    chunk_id: ChunkId | None


class Disposal:
    """Lets chunks go, one slice a call; one collector at a time may use it.

    Times are seconds of the collector's own clock, which never goes back.
    """

    def __init__(
        self,
        medium: Medium,
        writer: GroupWriter[PlainSession],
        reader: IndexReader,
        barriers: Barriers,
        loading: Offload,
        packs: Packs,
        vault: Vault,
        *,
        is_settled: bool,
    ) -> None:
        """Take parts of an open store.

        Args:
            loading: has the threads that look into folders.
            packs: shrink too.
            vault: tells what a sealed file holds.
            is_settled: the start has begun anew with what was being removed; else that is done before all else.
        """
        self._medium = medium
        self._writer = writer
        self._reader = reader
        self._barriers = barriers
        self._loading = loading
        self._packs = packs
        self._vault = vault
        self._is_settled = is_settled

    async def last_run(self) -> tuple[int, str | None]:
        """Return when the last whole run began, 0 if there was none, and the basis of what chunks were judged by."""
        return await self._reader.run(unused.last_run)

    async def totals(self) -> Totals:
        """Return what the store holds."""
        return await self._reader.run(unused.totals)

    async def page(self, bucket: int, after: bytes) -> list[Held]:
        """Return the next chunks of a bucket behind the id `after`, which is empty at first; none at the end."""
        return await self._reader.run(partial(unused.page, first=bucket, after=after, limit=SLICE))

    async def note(self, *, found: Collection[ChunkId], used: Collection[ChunkId], run_s: int) -> None:
        """Note which chunks the run that began at `run_s` found unused, and which ones used."""
        if found or used:
            await self._write(partial(unused.note, found=found, used=used, run_s=run_s))

    async def condemn(self, ids: Collection[ChunkId]) -> None:
        """Let chunks that were found unused exist no more for commits, durably; `judge` must follow.

        A put that came since they were found keeps them.
        """
        await self._write(partial(unused.condemn, ids=ids))

    async def judge(self, *, gone: Collection[ChunkId], used: Collection[ChunkId], now_s: int, basis: str) -> None:
        """Lift those of the condemned that a commit came to use before it could see that; let the others go.

        Args:
            gone: the others.
            used: those that are used.
            now_s: from when on the grace of the others counts.
            basis: says by what they were judged, for `last_run`.
        """
        await self._write(partial(unused.judge, gone=gone, used=used, now_s=now_s, basis=basis))

    async def take_back(self) -> None:
        """Lift what was condemned and not judged, because a run was broken off."""
        await self._write(unused.take_back_unjudged)

    async def remove(self, due_s: int) -> Freed:
        """Remove some of the chunks that were judged at `due_s` or before; nothing freed means that there are none."""
        if not self._is_settled:
            await self._barriers.run(partial(begin_anew, self._medium, self._writer))
            self._is_settled = True
        return await self._barriers.run(partial(remove_some, self._medium, self._writer, due_s=due_s))

    async def forget(self) -> None:
        """Take every chunk off the way out that is not gone yet: what they were judged by is not true any more."""
        while await self._write(partial(unused.forget, limit=SLICE)):
            pass

    async def finish(self, run_s: int, basis: str) -> None:
        """Note that the run which began at `run_s` came to its end."""
        await self._write(partial(unused.finish, run_s=run_s, basis=basis))

    async def claims(self, after: str) -> list[str]:
        """Return the next claims behind `after`; none at the end."""
        return await self._reader.run(partial(unused.claims, after=after, limit=SLICE))

    async def end_claims(self, ended: Collection[str]) -> None:
        """Delete claims: what was received under them is no longer kept for anybody."""
        if ended:
            await self._write(partial(unused.end_claims, ended=ended))

    async def claimed(self, after: tuple[str, int]) -> tuple[list[ChunkId], tuple[str, int]]:
        """Return the next chunks that claims name, behind the place `after`, and where they end; none at the end.

        The first place is ("", 0). A chunk that is claimed later is taken off the way out by that.
        """
        return await self._reader.run(partial(unused.claimed, after=after, limit=SLICE))

    async def strays(self, bucket: int) -> list[Stray]:
        """Return the files of chunks in a bucket's folder that no row names; a barrier may be at work on some."""
        files = await self._loading.run(partial(self._files, bucket))
        found: list[PlacedFile] = []
        for at in range(0, len(files), SLICE):
            part = files[at : at + SLICE]
            found += _unnamed(part, await self._reader.run(partial(unused.named, blobs=_blobs(part))))
        noted = await self._reader.run(partial(unused.strays, first=bucket))
        gone = noted.keys() - {file.name for file in found}
        if gone:
            await self._write(partial(unused.note_strays, found=(), gone=gone, run_s=0))
        ids = await self._loading.run(partial(self._ids, found))
        return [Stray(file, noted.get(file.name), chunk_id) for file, chunk_id in zip(found, ids, strict=True)]

    async def note_strays(self, strays: Sequence[Stray], run_s: int) -> None:
        """Note strays that the run which began at `run_s` found."""
        names = [stray.file.name for stray in strays]
        for at in range(0, len(names), SLICE):
            await self._write(partial(unused.note_strays, found=names[at : at + SLICE], gone=(), run_s=run_s))

    async def remove_strays(self, strays: Sequence[Stray]) -> Freed:
        """Remove those of `strays` that no row names now."""
        freed = Freed()
        for at in range(0, len(strays), REMOVED_AT_ONCE):
            files = [stray.file for stray in strays[at : at + REMOVED_AT_ONCE]]
            freed += await self._barriers.run(partial(self._remove_strays, files))
        return freed

    async def shrink(self) -> None:
        """Give the room that chunks have left back to the disk, that in packs and that in the index."""
        await self._packs.thin()
        while await self._write(_give_back):
            pass

    async def _write(self, work: Callable[[PlainSession], T]) -> T:
        return await self._barriers.run(partial(self._writer.write_blocking, work))

    def _files(self, bucket: int) -> list[PlacedFile]:
        try:
            return self._medium.objects(bucket)
        except OSError as error:
            raise translated(error) from error

    def _ids(self, files: Sequence[PlacedFile]) -> list[ChunkId | None]:
        return [None if file.blob is None else self._id(file.blob) for file in files]

    def _id(self, blob: Blob) -> ChunkId | None:
        """Return the chunk that an object holds; a sealed one has to be opened for that."""
        if blob.form is not Form.SEALED:
            return blob.chunk_id
        try:
            return self._vault.identified(blob, self._medium.read(blob))[0]
        except (ChunkMismatchError, FileNotFoundError):
            return None
        except OSError as error:
            raise translated(error) from error

    def _remove_strays(self, files: list[PlacedFile]) -> Freed:
        """In the barrier's thread: every file that a barrier put into place has its row by now."""
        files = [file for file in files if file.blob not in self._barriers.moving.values()]
        named = self._writer.write_blocking(lambda session: unused.named(session.connection, _blobs(files)))
        strays = _blobs(_unnamed(files, named))
        size = sum(map(self._size, strays))
        self._medium.remove(strays)
        names = [blob.name for blob in strays]
        self._writer.write_blocking(partial(unused.note_strays, found=(), gone=names, run_s=0))
        return Freed(len(strays), size)

    def _size(self, blob: Blob) -> int:
        try:
            return self._medium.size(blob)
        except FileNotFoundError:
            return 0


def remove_some(medium: Medium, writer: GroupWriter[PlainSession], *, due_s: int) -> Freed:
    """Remove chunks that were judged at `due_s` or before, and those that an earlier call has left half done. Blocks.

    Only for the thread that puts files into place. First they are durably gone for all, then the files, then the rows.

    Raises:
        OSError: a file may be there still; the next call goes on.
    """
    leaving = writer.write_blocking(partial(unused.begin_removal, due_s=due_s, limit=REMOVED_AT_ONCE))
    if leaving:
        _remove(medium, leaving)
        writer.write_blocking(partial(unused.end_removal, leaving=leaving))
    return Freed(len(leaving), sum(chunk.size for chunk in leaving))


def begin_anew(medium: Medium, writer: GroupWriter[PlainSession]) -> None:
    """Let all that was on its way out be found unused and no more, but for what has no bytes any longer. Blocks.

    For a start. The index may be an older one, put back from a copy: it has not seen who came to use a chunk since it
    was condemned, and nobody else looks again before it goes. So none goes but what was condemned since the start.
    """
    leaving = writer.write_blocking(unused.doubt)
    lost = medium.lost({chunk.blob: chunk.blob_size for chunk in leaving if chunk.blob is not None})
    gone = [chunk for chunk in leaving if chunk.blob in lost]
    _remove(medium, gone)
    writer.write_blocking(partial(unused.end_removal, leaving=gone))
    writer.write_blocking(partial(unused.stay, chunks=[chunk for chunk in leaving if chunk not in gone]))


def _remove(medium: Medium, leaving: Sequence[Leaving]) -> None:
    """Remove the objects of chunks that have one of their own; of a pack goes no part."""
    alone = {chunk.blob: chunk for chunk in leaving if chunk.blob is not None and chunk.blob.form is not Form.PACK}
    medium.remove(alone, aside=[blob for blob, chunk in alone.items() if chunk.is_damaged])


def _blobs(files: Collection[PlacedFile]) -> list[Blob]:
    return [file.blob for file in files if file.blob is not None]


def _unnamed(files: Collection[PlacedFile], named: Collection[Blob]) -> list[PlacedFile]:
    return [file for file in files if file.blob is not None and file.blob not in named]


def _give_back(session: PlainSession) -> bool:
    """Move pages from the end of the file into its gaps; tell whether that is worth another try."""
    connection = session.connection
    before = _gaps(connection)
    connection.execute(f"PRAGMA incremental_vacuum({PAGES_AT_ONCE})").fetchall()
    return 0 < _gaps(connection) < before


def _gaps(connection: sqlite3.Connection) -> int:
    pages: int = connection.execute("PRAGMA freelist_count").fetchone()[0]
    return pages
