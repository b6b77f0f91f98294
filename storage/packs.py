"""Packs: objects that hold many small chunks, for a medium that is slow to take each by itself (decision 0042).

A small chunk is received as a row of the index, durable there. Once rows for a whole pack have gathered, one is put and
then named by the index in one transaction, which takes the rows away. The way back is the same: a pack of which less
than half is left is read, what is left becomes rows again, and the pack goes.
"""

import asyncio
import contextlib
import hashlib
import logging
import struct
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

from storage import rows
from storage.barrier import Barriers
from storage.base import Backend, Blob, ChunkId, ChunkState, Form, StoredChunk
from storage.errors import ChunkMismatchError, StorageError, StoreUnavailableError
from storage.group_writer import GroupWriter, PlainSession
from storage.index import IndexReader
from storage.media import Media
from storage.medium import Medium, translated
from storage.offload import Offload
from storage.rows import PACK_SIZE, IndexRow, Pack, Resealed
from storage.sealing import NONCE_SIZE, SALT_SIZE, TAG_SIZE, padded
from storage.vault import Vault

GAP = 64 * 1024
"""So many bytes of a pack are rather read than asked around."""
MAGIC = b"cairn pack 1\n\0\0\0"
_ENTRY = struct.Struct(">32sIIB")  # id, plain size, stored size, encoding
_END = struct.Struct(">I16s")  # number of entries, magic
SEALED_MAGIC = b"cairn sealed 1\n\0"
_SEALED_END = struct.Struct(">II16s")  # data key, length of the sealed table, magic

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Packed:
    """A pack that is to be put: its object, its bytes, where in it each chunk lies, and rows found damaged."""

    blob: Blob
    content: bytes
    chunks: Sequence[tuple[IndexRow, int]]
    damaged: Sequence[ChunkId]


class Packs:
    """Gathers rows into packs, and thins packs out; one task at a time may do each."""

    def __init__(
        self,
        medium: Media,
        writer: GroupWriter[PlainSession],
        reader: IndexReader,
        barriers: Barriers,
        offload: Offload,
        vault: Vault,
    ) -> None:
        """Take parts of an open store; `offload` has the threads that hash and speak to the medium."""
        self._vault = vault
        self._medium = medium
        self._writer = writer
        self._reader = reader
        self._barriers = barriers
        self._offload = offload
        self._turn = asyncio.Lock()

    async def keep_filling(self) -> None:
        """Fill packs whenever rows enough have come, until cancelled. A failure is left to the next time."""
        while True:
            try:
                await self.fill()
            except StorageError as error:
                _log.info("small chunks stay in the index for now: %s", error)
            await self._barriers.gathered(PACK_SIZE)

    async def fill(self) -> int:
        """Make packs while there are rows for whole ones; return how many were made."""
        made = 0
        async with self._turn:
            find = partial(rows.pack_of_rows, key_number=self._vault.current)
            while self._medium.gathers and (found := await self._reader.run(find)):
                packed = await self._offload.run(partial(_pack, found, self._vault, self._medium.backend))
                await self._offload.run(partial(_put, self._medium, packed, reads_back=self._medium.is_pair))
                if not await self._barriers.run(partial(self._name, packed)):
                    break
                made += 1
        return made

    async def thin(self) -> None:
        """Turn what is left in packs of which less than half is left into rows again, and remove empty packs."""
        async with self._turn:
            for pack in await self._reader.run(partial(rows.thin_packs, backend=self._medium.backend)):
                if left := await self._reader.run(partial(rows.in_pack, number=pack.number)):
                    sound = await self._offload.run(partial(self._left, pack, left))
                    kept = [Resealed(row, row.seal, data) for row, data in sound]
                    await self._write(partial(rows.unpack, number=pack.number, chunks=kept))
                await self._barriers.run(partial(self._remove, pack))

    async def unpack(self, pack: Pack) -> list[IndexRow]:
        """Turn what is in a pack into rows; return chunks of it whose bytes are not there or wrong."""
        async with self._turn:
            left = await self._reader.run(partial(rows.in_pack, number=pack.number))
            sound = await self._offload.run(partial(self._left, pack, left))
            kept = [Resealed(row, row.seal, data) for row, data in sound]
            await self._write(partial(rows.unpack, number=pack.number, chunks=kept))
        rows_of_sound = {row.seq for row, _ in sound}
        return [row for row in left if row.seq not in rows_of_sound]

    async def reseal(self) -> tuple[int, int]:
        """Turn what is in packs in another form than the current one into rows in this one, and remove the packs.

        Returns:
            How many chunks were changed, and how many cannot be read and stay.
        """
        done, unsound, after = 0, 0, 0
        async with self._turn:
            while (pack := await self._reader.run(partial(rows.next_pack, after=after))) is not None:
                after = pack.number
                left = await self._reader.run(partial(rows.in_pack, number=pack.number))
                if any((row.seal and row.seal.key_number) != self._vault.current for row in left):
                    sound = await self._offload.run(partial(self._left, pack, left))
                    changed = await self._offload.run(partial(self._resealed, sound))
                    await self._write(partial(rows.unpack, number=pack.number, chunks=changed))
                    await self._barriers.run(partial(self._remove, pack))
                    done, unsound = done + len(changed), unsound + len(left) - len(changed)
        return done, unsound

    def _resealed(self, chunks: Sequence[tuple[IndexRow, bytes]]) -> list[Resealed]:
        return [
            Resealed(
                row, *self._vault.resealed(data, row.encoding, row.chunk_id, row.size, row.seal, alone=row.is_alone)
            )
            for row, data in chunks
        ]

    async def _write(self, work: Callable[[PlainSession], None]) -> None:
        await self._barriers.run(partial(self._writer.write_blocking, work))

    def _left(self, pack: Pack, chunks: Sequence[IndexRow]) -> list[tuple[IndexRow, bytes]]:
        """Return what is left in a pack; of what is damaged it keeps what there is."""
        try:
            content = self._medium.read(pack.blob)
        except FileNotFoundError:
            content = b""
        except OSError as error:
            raise translated(error) from error
        cut = [(row, content[row.start : row.start + row.stored_size]) for row in chunks]
        return [(row, data) for row, data in cut if _is_sound(data, row, self._vault)]

    def _name(self, packed: Packed) -> bool:
        """In the barrier's thread, which alone removes objects: the pack is there until it is named."""
        size = len(packed.content)
        if packed.blob.backend is not self._medium.backend or self._medium.lost({packed.blob: size}):
            return False
        naming = partial(rows.pack, blob=packed.blob, size=size, chunks=packed.chunks)
        self._writer.write_blocking(partial(rows.set_states, ids=packed.damaged, state=ChunkState.DAMAGED))
        self._writer.write_blocking(naming)
        return True

    def _remove(self, pack: Pack) -> None:
        """Remove a pack in which nothing is left: the object first, then its row."""
        left = self._writer.write_blocking(lambda session: rows.in_pack(session.connection, pack.number))
        if not left:
            self._medium.remove([pack.blob])
            self._writer.write_blocking(partial(rows.forget_pack, number=pack.number))


def _pack(chunks: Sequence[IndexRow], vault: Vault, backend: Backend) -> Packed:
    """Join chunks that are sound, in order of arrival; at the end stands what they are, for who has no index."""
    parts, table, places, damaged, at = list[bytes](), list[bytes](), list[tuple[IndexRow, int]](), list[ChunkId](), 0
    for row in chunks:
        if row.data is None or not _is_sound(row.data, row, vault):
            damaged.append(row.chunk_id)
            continue
        parts.append(row.data)
        table.append(_ENTRY.pack(row.chunk_id, row.size, row.stored_size, row.encoding))
        places.append((row, at))
        at += len(row.data)
    if chunks[0].seal is None:
        content = b"".join([*parts, *table, _END.pack(len(table), MAGIC)])
    else:
        content = _sealed(parts, b"".join(table), chunks[0].seal.key_number, vault)
    return Packed(Blob(hashlib.sha256(content).digest(), Form.PACK, backend), content, places, damaged)


def _sealed(parts: Sequence[bytes], table: bytes, key_number: int, vault: Vault) -> bytes:
    """Join sealed chunks; the table, sealed too, is filled up so that the length tells little."""
    size = sum(map(len, parts)) + len(table) + SALT_SIZE + NONCE_SIZE + TAG_SIZE + _SEALED_END.size
    sealed = vault.sealed_table(key_number, table, padded(size) - size)
    return b"".join([*parts, sealed, _SEALED_END.pack(key_number, len(sealed), SEALED_MAGIC)])


def _put(medium: Medium, packed: Packed, *, reads_back: bool) -> None:
    try:
        medium.put(packed.blob, packed.content)
        is_there = not reads_back or medium.read(packed.blob) == packed.content
    except OSError as error:
        raise translated(error) from error
    if not is_there:
        raise StoreUnavailableError("a pack was put, and does not read back as it was")


def parts_of_packs(medium: Medium, chunks: Iterable[StoredChunk]) -> dict[ChunkId, StoredChunk]:
    """Return those of some chunks that lie in packs, with their stored forms, unchecked: neighbours in one read."""
    packs: dict[Blob, list[StoredChunk]] = {}
    for chunk in chunks:
        if chunk.blob is not None and chunk.blob.form is Form.PACK:
            packs.setdefault(chunk.blob, []).append(chunk)
    found: dict[ChunkId, StoredChunk] = {}
    for blob, parts in packs.items():
        for run in _runs(sorted(parts, key=lambda part: part.start)):
            begin, end = run[0].start, run[-1].start + run[-1].stored_size
            with contextlib.suppress(OSError):  # whoever misses one asks for it alone
                data = medium.read(blob, begin, end - begin)
                for part in run:
                    at = part.start - begin
                    found[part.chunk_id] = replace(part, data=data[at : at + part.stored_size])
    return found


def _runs(parts: Sequence[StoredChunk]) -> Iterator[list[StoredChunk]]:
    """Part chunks of a pack, in order, where there is so much between two that it is not worth reading."""
    run: list[StoredChunk] = []
    for part in parts:
        if run and part.start - run[-1].start - run[-1].stored_size > GAP:
            yield run
            run = []
        run.append(part)
    if run:
        yield run


def _is_sound(data: bytes, row: IndexRow, vault: Vault) -> bool:
    with contextlib.suppress(ChunkMismatchError):
        vault.restored(data, row.encoding, row.chunk_id, row.size, row.seal, alone=row.is_alone)
        return len(data) == row.stored_size
    return False
