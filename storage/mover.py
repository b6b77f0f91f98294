"""Moves all chunks of a store from files into a bucket or back, while it is in use (decision 0047).

From the first moment what is put goes to the new side. Then what lies on the old one is copied, a slice at a time, and
a row names the new side only after its bytes were read back from there. So at any moment each row names bytes that are
there, and a move may stop, go on, or turn round at any object.
"""

import asyncio
import contextlib
import errno
import logging
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TypeVar

from storage import layout, moves, rows, unused
from storage.barrier import Barriers
from storage.base import Backend, Blob, ChunkState, Form
from storage.disk import Disk
from storage.errors import StorageError, StoreUnavailableError
from storage.group_writer import GroupWriter, PlainSession
from storage.index import IndexReader, IndexStates
from storage.media import Media
from storage.medium import Medium, translated
from storage.moves import Held, Move, Stage
from storage.offload import Offload
from storage.packs import Packs
from storage.recovery import is_sound
from storage.rows import IndexRow
from storage.vault import Vault

T = TypeVar("T")

AT_ONCE = 8
"""Chunks that are copied at the same time."""
SLICE = 32
"""Chunks in one slice: until all of them are named, a put of one of them waits."""
AGAIN_S = 1.0
"""What seems damaged is read once more after so long."""
PARTS = 16
"""A side is listed in so many parts, by the first hexadecimal digit."""
_LOST = frozenset({errno.EIO, errno.EUCLEAN, errno.EBADMSG})  # so a disk says that it has lost what a file held
_PAGE = 1000
_REMOVED_AT_ONCE = 250
_SPEED_OF = 64  # slices, by which the rate is told

_log = logging.getLogger(__name__)


class Mover:
    """Begins a move, does a slice of it, and turns it round. Times are seconds of a clock that never goes back."""

    def __init__(
        self,
        media: Media,
        writer: GroupWriter[PlainSession],
        reader: IndexReader,
        barriers: Barriers,
        packs: Packs,
        index: Path,
        disk: Disk,
        vault: Vault,
    ) -> None:
        """Take parts of an open store, its index, and the seam to the operating system."""
        self._vault = vault
        self._index = index
        self._root = index.parent
        self._disk = disk
        self._media = media
        self._writer = writer
        self._reader = reader
        self._barriers = barriers
        self._packs = packs
        self._offload = Offload("move", threads=AT_ONCE, queue=_PAGE)
        self._turn = asyncio.Lock()
        self._after = 0
        self._part = 0
        self._has_moved = False
        self._slices: deque[tuple[float, int]] = deque(maxlen=_SPEED_OF)
        self.missing = 0
        """Objects that the last check did not find on the new side."""

    async def move(self) -> Move | None:
        """Return the move, None if there never was one."""
        return await self._reader.run(moves.read)

    @property
    def is_sealed(self) -> bool:
        """Whether anything is encrypted, or is being decrypted."""
        return bool(self._vault.numbers) or not self._vault.is_settled

    @property
    def backend(self) -> Backend:
        """Where what is received is put."""
        return self._media.backend

    def has(self, backend: Backend) -> bool:
        """Tell whether this side is open."""
        return self._media.has(backend)

    def join(self, medium: Medium) -> None:
        """Take a side that was opened since."""
        self._media.join(medium)

    def problem(self, backend: Backend) -> str:
        """Return why a side takes nothing at present; empty if it does."""
        try:
            self._media.of(backend).require()
        except StorageError as error:
            return str(error)
        return ""

    async def held(self) -> list[Held]:
        """Count what lies where, beside all who read the index."""

        def count() -> list[Held]:
            with contextlib.closing(IndexStates(self._index)) as states:
                return states.run(moves.held)

        return await asyncio.to_thread(count)

    async def empty(self, now_s: int) -> None:
        """Let the old side be emptied from now on, if nothing of it is used."""
        async with self._turn:
            move = await self.move()
            if move is not None and move.stage is Stage.RETAIN:
                await self._go_on(replace(move, stage=Stage.EMPTY, since_s=now_s))

    @property
    def rate(self) -> float:
        """Bytes that were copied a second, lately."""
        if len(self._slices) < 2:  # noqa: PLR2004 - of one slice nobody knows when it began
            return 0.0
        took_s = self._slices[-1][0] - self._slices[0][0]
        return sum(size for _, size in list(self._slices)[1:]) / took_s if took_s else 0.0

    async def begin(self, target: Backend, bucket: str, now_s: int) -> None:
        """Let chunks move to an open side from now on, wherever they lie. Durable when it returns.

        Args:
            target: the side.
            bucket: what keeps the bucket, for `Move`.
            now_s: the time.
        """
        async with self._turn:
            self._after = self._part = self.missing = 0
            self._slices.clear()
            await self._write(partial(moves.write, move=Move(target, bucket, Stage.COPY, now_s)))
            await self._turn_to(target)

    async def advance(self, now_s: int, keep_s: int) -> bool:
        """Do one slice; tell whether there is more that can be done at once.

        Args:
            now_s: the time.
            keep_s: for so long the old side keeps its copies.

        Raises:
            StorageError: a side cannot be reached or is full, or the index failed; nothing is lost by it.
        """
        async with self._turn:
            move = await self.move()
            if move is None or move.stage is Stage.DONE:
                return False
            if move.is_both and move.target is not self.backend:  # the disk failed while it began
                await self._turn_to(move.target)
            if move.stage is Stage.COPY:
                return await self._copy(move, now_s)
            if move.stage is Stage.VERIFY:
                return await self._verify(move, now_s)
            if move.stage is Stage.RETAIN:
                is_over = now_s - move.since_s >= keep_s
                return is_over and await self._go_on(replace(move, stage=Stage.EMPTY, since_s=now_s))
            return await self._empty(move, now_s)

    async def close(self) -> None:
        """End the threads, after what they are at."""
        await asyncio.to_thread(self._offload.close)

    async def _turn_to(self, target: Backend) -> None:
        """Let what is received be put on the new side. The index tells of the move, and so has a restart do the same.

        Raises:
            StorageError: the next slice tries it again, before it copies anything.
        """
        try:
            await asyncio.to_thread(layout.say_both, self._root, self._disk)
            if target is Backend.S3:
                await asyncio.to_thread(layout.mark, self._root, self._disk)
        except OSError as error:
            raise translated(error) from error
        await self._barriers.turn(partial(self._media.turn, target))

    async def _go_on(self, move: Move) -> bool:
        self._after = self._part = self.missing = 0
        self._has_moved = False
        await self._write(partial(moves.write, move=move))
        return True

    async def _copy(self, move: Move, now_s: int) -> bool:
        """Copy the next chunks, or unpack the next pack, or fill packs; if nothing is left, go on to the check."""
        look = partial(moves.files_on, backend=move.source, after=self._after, limit=SLICE)
        found, self._after = await self._reader.run(look)
        if found:
            await self._carry(move, found)
            return True
        if self._after < await self._reader.run(moves.last_seq):
            return True
        for pack in await self._reader.run(partial(moves.used_packs, backend=move.source, limit=1)):
            await self._unpack(pack)
            return True
        if move.target is Backend.S3:
            await self._packs.fill()
        if await self._reader.run(partial(moves.is_left, backend=move.source)):
            has_moved, self._has_moved, self._after = self._has_moved, False, 0
            return has_moved
        return await self._go_on(replace(move, stage=Stage.VERIFY, since_s=now_s))

    async def _carry(self, move: Move, found: Sequence[IndexRow]) -> None:
        """Copy some chunks and name the new side in their rows."""
        held = await self._barriers.run(partial(self._hold, move.target, found))
        copies = [self._offload.run(partial(self._copied, row, move.target)) for row in held]
        results = await asyncio.gather(*copies, return_exceptions=True)  # not cut short: `_hold` counts until then
        copied = [row for row, result in zip(held, results, strict=True) if result is True]
        damaged = [row for row, result in zip(held, results, strict=True) if result is False]
        await self._barriers.run(partial(self._name, move.target, copied, damaged))
        self._count(copied)
        for result in results:
            if isinstance(result, BaseException):
                raise result

    def _hold(self, target: Backend, found: Sequence[IndexRow]) -> list[IndexRow]:
        """Keep others from the objects of chunks; return the rows that have not changed. In the barrier's thread."""
        ids = [row.chunk_id for row in found]
        now = self._writer.write_blocking(lambda session: rows.find(session.connection, ids))
        held = [row for row in found if now.get(row.chunk_id) == row]
        self._barriers.moving = {row.chunk_id: row.blob.at(target) for row in held if row.blob is not None}
        return held

    def _name(self, target: Backend, copied: Sequence[IndexRow], damaged: Sequence[IndexRow]) -> None:
        """Name the new side in rows, in the barrier's thread, and let others at the objects again."""
        self._writer.write_blocking(partial(moves.moved, backend=target, copied=copied, damaged=damaged))
        self._barriers.moving = {}

    def _copied(self, row: IndexRow, target: Backend) -> bool:
        """Copy one object; tell whether it was sound. Blocks.

        Raises:
            StorageError: a side cannot be reached or is full, or does not give back what it was given.
        """
        data = self._sound(row)
        if data is None or row.blob is None:
            return False
        blob = row.blob.at(target)
        try:
            if self._holds(blob, data):  # from an earlier move
                return True
            self._media.put(blob, data)
            is_there = self._media.read(blob) == data
        except OSError as error:
            raise translated(error) from error
        if not is_there:
            raise StoreUnavailableError("a chunk was copied, and does not read back as it was")
        return True

    def _sound(self, row: IndexRow) -> bytes | None:
        """Return the stored form of a chunk, None if it is wrong, also at a second look.

        Raises:
            StorageError: it cannot be had at present, which says nothing of what is there.
        """
        for wait_s in (0.0, AGAIN_S):
            time.sleep(wait_s)
            try:
                data = b"" if row.blob is None else self._media.read(row.blob)
            except OSError as error:
                if not isinstance(error, FileNotFoundError) and error.errno not in _LOST:
                    raise translated(error) from error
                continue
            if is_sound(self._media, replace(row, data=data, blob=None), self._vault):
                return data
        _log.error("chunk %s is damaged, and was not copied", row.chunk_id.hex())
        if row.blob is not None:
            self._media.set_aside(row.blob)
        return None

    def _holds(self, blob: Blob, data: bytes) -> bool:
        try:
            return self._media.size(blob) == len(data) and self._media.read(blob) == data
        except FileNotFoundError:
            return False

    async def _unpack(self, pack: rows.Pack) -> None:
        """Turn what is in a pack into rows."""
        if await self._packs.unpack(pack):
            await asyncio.sleep(AGAIN_S)
            if damaged := await self._packs.unpack(pack):
                _log.error("%d chunks in the pack %s are damaged", len(damaged), pack.blob.name)
                await self._write(partial(moves.damaged_in, pack=pack, damaged=damaged))
        self._has_moved = True

    def _count(self, copied: Sequence[IndexRow]) -> None:
        self._has_moved = self._has_moved or bool(copied)
        self._slices.append((time.monotonic(), sum(row.stored_size for row in copied)))

    async def _verify(self, move: Move, now_s: int) -> bool:
        """Compare one part of a full listing of the new side with the index; after the last, switch."""
        if self._part == PARTS:
            if self.missing:
                self._part = self.missing = 0
                return False
            if await self._barriers.run(partial(self._switch, move, now_s)):
                say = layout.say_files if move.target is Backend.LOCAL else layout.say_bucket
                await asyncio.to_thread(say, self._root, self._disk)
                _log.info("all chunks were moved: the store is switched")
            return True
        digit, self._part = self._part, self._part + 1
        listed = await self._offload.run(partial(_listed, self._media.of(move.target), digit))
        suspects: list[IndexRow] = []
        after = first = bytes([digit * 16])
        end = bytes([digit * 16 + 16]) if digit + 1 < PARTS else unused.END_OF_IDS
        while page := await self._reader.run(
            partial(moves.chunks_on, backend=move.target, after=after, end=end, limit=_PAGE)
        ):
            after = page[-1].chunk_id
            suspects += [row for row in page if row.blob is None or listed.get(row.blob) != row.stored_size]
        packs = await self._reader.run(partial(moves.packs_on, backend=move.target, first=first, end=end))
        wanted = {pack.blob: size for pack, size in packs if listed.get(pack.blob) != size}
        back = await self._barriers.run(partial(self._check, move, suspects, wanted)) if suspects or wanted else False
        return await self._go_on(replace(move, stage=Stage.COPY, since_s=now_s)) if back else True

    def _check(self, move: Move, suspects: Sequence[IndexRow], packs: dict[Blob, int]) -> bool:
        """Look for objects that a listing lacked; tell whether some must be copied again. In the barrier's thread.

        A row whose object is gone names the old side again where that has it.
        """
        ids = [row.chunk_id for row in suspects]
        now = self._writer.write_blocking(lambda session: rows.find(session.connection, ids))
        there = {row.blob: row for row in now.values() if row.blob is not None and _lies_on(row, move.target)}
        gone = self._media.lost({blob: row.stored_size for blob, row in there.items()})
        old = {blob.at(move.source): there[blob].stored_size for blob in gone}
        lost = self._media.lost(old)
        back = [row for blob, row in there.items() if blob in gone and blob.at(move.source) not in lost]
        self._writer.write_blocking(partial(moves.moved, backend=move.source, copied=back, damaged=()))
        self.missing += len(lost) + len(self._media.lost(packs))
        if self.missing:
            _log.error("the new store lacks %d objects that the index names", self.missing)
        return bool(back)

    def _switch(self, move: Move, now_s: int) -> bool:
        """Use only the new side if nothing is left on the old one, else copy on. In the barrier's thread."""

        def work(session: PlainSession) -> bool:
            is_left = moves.is_left(session.connection, move.source)
            if not is_left:
                moves.settle_rest(session, move)
            moves.write(session, replace(move, stage=Stage.COPY if is_left else Stage.RETAIN, since_s=now_s))
            return not is_left

        self._after = self._part = 0
        return self._writer.write_blocking(work)

    async def _empty(self, move: Move, now_s: int) -> bool:
        """Remove what one part of the old side holds."""
        if self._part == 0:
            await self._write(partial(moves.forget_packs, backend=move.source))
        if self._part == PARTS:
            if move.source is Backend.S3:
                await asyncio.to_thread(layout.unmark, self._root, self._disk)
            await self._go_on(replace(move, stage=Stage.DONE, since_s=now_s))
            _log.info("the old store is empty")
            return False
        source = self._media.of(move.source)
        lying = [*await self._offload.run(partial(_listed, source, self._part))]
        for at in range(0, len(lying), _REMOVED_AT_ONCE):
            await self._barriers.run(partial(self._remove, source, lying[at : at + _REMOVED_AT_ONCE]))
        self._part += 1
        return True

    def _remove(self, source: Medium, blobs: Sequence[Blob]) -> None:
        """Remove objects of the old side that no row names. In the barrier's thread."""
        named = self._writer.write_blocking(lambda session: unused.named(session.connection, blobs))
        source.remove([blob for blob in blobs if blob not in named])

    async def _write(self, work: Callable[[PlainSession], T]) -> T:
        return await self._barriers.run(partial(self._writer.write_blocking, work))


def _lies_on(row: IndexRow, backend: Backend) -> bool:
    is_there = row.state in {ChunkState.OK, ChunkState.CONDEMNED}
    return is_there and row.blob is not None and row.blob.backend is backend and row.blob.form is not Form.PACK


def _listed(medium: Medium, digit: int) -> dict[Blob, int]:
    try:
        return medium.lengths(digit)
    except OSError as error:
        raise translated(error) from error
