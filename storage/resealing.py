"""Brings what lies in the store into the form in which chunks are stored now: sealed, under another key, or plain.

It may be broken off anywhere and begun again: each step leaves every chunk readable in one form or the other, and what
is still to be done is what the index names under another key.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from storage import rows, unused
from storage.barrier import Barriers
from storage.base import Blob, ChunkId, Form, Place, Seal
from storage.disposal import BUCKETS
from storage.errors import ChunkMismatchError, StorageError
from storage.group_writer import GroupWriter, PlainSession
from storage.index import IndexReader
from storage.media import Media
from storage.medium import Medium, translated
from storage.offload import Offload
from storage.packs import Packs
from storage.recovery import stored_form
from storage.rows import IndexRow, Resealed
from storage.vault import Vault

T = TypeVar("T")

SLICE = 200
"""Most chunks in one step."""
SLICE_SIZE = 8 * 1024 * 1024
"""Bytes after which a step ends; while they are put, no barrier runs."""
AGAIN_S = 10.0
"""From a failure to the next try."""

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Progress:
    """Of the run under way, or of the last one: chunks that were changed, and such as cannot be read to be changed."""

    done: int = 0
    damaged: int = 0


class Resealing:
    """The job; one task at a time may run it."""

    def __init__(
        self,
        medium: Media,
        writer: GroupWriter[PlainSession],
        reader: IndexReader,
        barriers: Barriers,
        offload: Offload,
        packs: Packs,
        vault: Vault,
    ) -> None:
        """Take parts of an open store; `offload` has the threads that encrypt and speak to the medium."""
        self._medium = medium
        self._writer = writer
        self._reader = reader
        self._barriers = barriers
        self._offload = offload
        self._packs = packs
        self._vault = vault
        self._asked = asyncio.Event()
        self._settled = asyncio.Event()
        self.progress = Progress()

    def ask(self) -> None:
        """Let the job begin, or look again."""
        self._asked.set()

    async def settled(self) -> None:
        """Return once everything lies in the current form."""
        while not self._vault.is_settled:
            self._settled.clear()
            await self._settled.wait()

    async def keep(self) -> None:
        """Do what is to be done whenever it is asked for, until cancelled. After a failure it is tried again."""
        while True:
            self._asked.clear()
            try:
                while not self._vault.is_settled:
                    await self.run()
                self._settled.set()
            except StorageError as error:
                _log.warning("chunks are left as they are for now: %s", error)
                asyncio.get_running_loop().call_later(AGAIN_S, self._asked.set)
            await self._asked.wait()

    async def run(self) -> None:
        """Do what is to be done, as far as that goes; raises StorageError where the medium or the disk fails."""
        target, self.progress = self._vault.current, Progress()
        await self._barriers.flush(target)  # what was received before, and in the form of before
        while await self._pass(target) and target == self._vault.current:
            pass
        kept = await self._sweep(target)
        if target != self._vault.current:
            return
        await self._barriers.run(partial(self._medium.log, []))  # it names chunks as they lay before
        named = await self._reader.run(rows.key_numbers)
        await self._in_thread(partial(self._vault.settle, target, named | kept))
        _log.info("%d chunks were changed, %d cannot be read", self.progress.done, self.progress.damaged)

    async def _pass(self, target: int | None) -> bool:
        """Change all that has another form; tell whether something was passed over because it changed meanwhile."""
        missed, damaged, after = False, 0, 0
        done, unsound = await self._packs.reseal()
        self.progress.done += done
        damaged += unsound
        while target == self._vault.current:
            find = partial(rows.others, after=after, key_number=target, limit=SLICE)
            found = await self._reader.run(find)
            if not found:
                break
            part = _first_of(found)
            after = part[-1].seq
            changed = [change for change in await self._in_thread(partial(self._changed, part)) if change is not None]
            damaged += len(part) - len(changed)
            applied = await self._barriers.run(partial(self._apply, changed))
            self.progress.done += applied
            missed = missed or applied < len(changed)
        self.progress.damaged = damaged
        return missed

    def _changed(self, part: Sequence[IndexRow]) -> list[Resealed | None]:
        """Return the new forms of chunks; None for one that cannot be read."""
        return [resealed(self._medium, row, self._vault) for row in part]

    def _apply(self, changes: Sequence[Resealed]) -> int:
        """In the barrier's thread, where nobody else changes what lies where: put, then name, then remove."""
        ids = [change.row.chunk_id for change in changes]
        now = self._writer.write_blocking(lambda session: rows.find(session.connection, ids))
        due = [change for change in changes if now.get(change.row.chunk_id) == change.row]
        for change in due:
            if change.blob is not None:
                self._medium.put(change.blob, change.data)
        self._writer.write_blocking(partial(rows.reseal, changes=due))
        self._medium.remove([change.row.blob for change in due if change.row.blob is not None])
        return len(due)

    async def _sweep(self, target: int | None) -> set[int]:
        """Remove objects of another form whose chunks lie in the current one: a stop may have come before that.

        Returns:
            The keys of those that stay, because nothing else holds their chunks.
        """
        kept: set[int] = set()
        for bucket in range(BUCKETS):
            files = await self._in_thread(partial(self._medium.objects, bucket))
            blobs = {file.blob for file in files if file.blob is not None and file.blob.form is not Form.PACK}
            unnamed = blobs - await self._reader.run(partial(unused.named, blobs=blobs)) if blobs else set[Blob]()
            for blob in unnamed:
                chunk_id, number = await self._in_thread(partial(self._look_into, blob))
                if number == target and blob.form is Form.SEALED:
                    continue  # the collector's
                if chunk_id is None or not await self._barriers.run(partial(self._remove, blob, chunk_id)):
                    kept |= set() if number is None else {number}
        return kept

    def _look_into(self, blob: Blob) -> tuple[ChunkId | None, int | None]:
        """Return which chunk an object holds, if that can be told, and the number of its key."""
        if blob.chunk_id is not None:
            return blob.chunk_id, None
        try:
            chunk_id, _, _, seal = self._vault.identified(blob, self._medium.read(blob))
        except (ChunkMismatchError, FileNotFoundError):
            return None, None
        return chunk_id, None if seal is None else seal.key_number

    def _remove(self, blob: Blob, chunk_id: ChunkId) -> bool:
        """In the barrier's thread: remove an object whose chunk lies elsewhere too; tell whether it does."""
        row = self._writer.write_blocking(lambda session: rows.find(session.connection, [chunk_id])).get(chunk_id)
        if row is None or not rows.has_bytes(row.state) or row.blob == blob:
            return False
        self._medium.remove([blob])
        return True

    async def _in_thread(self, work: Callable[[], T]) -> T:
        try:
            return await self._offload.run(work)
        except OSError as error:
            raise translated(error) from error


def resealed(medium: Medium, row: IndexRow, vault: Vault) -> Resealed | None:
    """Return a chunk in the current form; None if its bytes are missing or wrong."""
    try:
        data = stored_form(medium, row)
        if data is None or len(data) != row.stored_size:
            return None
        form: tuple[Seal | None, bytes] = vault.resealed(
            data, row.encoding, row.chunk_id, row.size, row.seal, alone=row.is_alone
        )
    except (FileNotFoundError, ChunkMismatchError):
        return None
    blob = None
    if row.place is Place.FILE and row.blob is not None:
        blob = Blob.of(row.chunk_id, row.encoding, form[0]).at(row.blob.backend)
    return Resealed(row, form[0], form[1], blob)


def _first_of(found: Sequence[IndexRow]) -> list[IndexRow]:
    """Return the first of some rows, as many as one step may take: files apart from rows of bytes."""
    part: list[IndexRow] = []
    size = 0
    for row in found:
        size += row.stored_size
        if part and size > SLICE_SIZE:
            break
        part.append(row)
    return part
