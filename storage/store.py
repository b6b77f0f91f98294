"""The object store as the server sees it: received chunks, the barrier, what exists, and the bytes of it."""

import asyncio
import logging
import sqlite3
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import closing, nullcontext, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Self, TypeVar

from storage import codec, rows
from storage.arrivals import Arrivals
from storage.barrier import Barriers
from storage.base import (
    INLINE_MAX,
    MAX_CHUNK,
    Backend,
    Blob,
    Buffer,
    ChunkId,
    ChunkState,
    ChunkStates,
    Encoding,
    Form,
    Place,
    StoredChunk,
    StoreStats,
    WireEncoding,
    check_claim,
    hash_of,
)
from storage.disk import Disk, DiskUsage
from storage.disposal import Disposal
from storage.errors import (
    BadStoreError,
    ChunkAbsentError,
    ChunkDamagedError,
    ChunkMismatchError,
    KeyFileError,
    StorageError,
    StoreUnavailableError,
)
from storage.group_writer import GroupWriter, PlainSession
from storage.index import IndexReader, IndexStates, connect_writer, open_reader
from storage.local import LocalMedium
from storage.media import Media
from storage.medium import Medium, translated
from storage.mover import Mover
from storage.offload import Offload
from storage.packs import Packs, parts_of_packs
from storage.received import Received
from storage.recovery import Recovered, recover, stored_form
from storage.resealing import Resealing
from storage.sealing import ROW_EXTRA
from storage.staging import STAGING_NAME
from storage.vault import MasterKey, Vault

T = TypeVar("T")

INDEX_NAME = "chunks.db"
AT_ONCE = 16 * 1024
"""Bytes that are hashed and kept in memory sooner than a thread is asked to do it; never more than `INLINE_MAX`."""
_RECEIVERS = 4
_LOADERS = 4
_QUEUE = 1024

_log = logging.getLogger(__name__)

OpenMedium = Callable[[Path, Disk], Medium]
"""Opens the medium of a store whose folder and disk it is given."""


class ChunkStore:
    """Keeps chunks by id. Every method may be called from many tasks of one event loop at once.

    A put is checked, and then received but not durable; a barrier makes durable what was received. A chunk exists
    when the index says so, and the index says so only of bytes that a power cut cannot take back.
    """

    def __init__(
        self,
        media: Media,
        writer: GroupWriter[PlainSession],
        reader: IndexReader,
        barriers: Barriers,
        compressor: codec.Compressor,
        index: Path,
        disk: Disk,
        vault: Vault,
        *,
        is_settled: bool,
        open_claims: Collection[str] = (),
    ) -> None:
        """Take over parts that are open; `open` makes them."""
        self.vault = vault
        self._medium = media
        self._index = index
        self._writer = writer
        self._reader = reader
        self._barriers = barriers
        self._compressor = compressor
        self._receiving = Offload("receive", threads=_RECEIVERS, queue=_QUEUE)
        self._loading = Offload("load", threads=_LOADERS, queue=_QUEUE)
        self.packs = Packs(media, writer, reader, barriers, self._loading, vault)
        self.disposal = Disposal(
            media, writer, reader, barriers, self._loading, self.packs, vault, is_settled=is_settled
        )
        self.mover = Mover(media, writer, reader, barriers, self.packs, index, disk, vault)
        self.resealing = Resealing(media, writer, reader, barriers, self._loading, self.packs, vault)
        self.arrivals = Arrivals(media, reader, barriers, vault, open_claims)
        self._tasks: list[asyncio.Task[None]] = []

    @classmethod
    async def open(
        cls,
        folder: Path,
        *,
        disk: Disk,
        open_claims: Collection[str],
        clean: bool,
        open_medium: OpenMedium = LocalMedium.open,
        level: int = 1,
        on_failure: Callable[[StorageError], None] | None = None,
        flush_after_s: float = 1.0,
        master: MasterKey | None = None,
    ) -> Self:
        """Open the store in `folder`, make it if it is not there, and recover from the last stop.

        Args:
            folder: the caller has locked it; its parent is there.
            disk: the seam to the operating system.
            open_claims: uploads and bundles whose received chunks are still wanted.
            clean: the last run closed the store.
            open_medium: makes what is missing of the medium, and opens it. Blocks.
            level: of zstd.
            on_failure: called once, from another thread, when the index's disk has failed: the process should end.
            flush_after_s: a barrier runs by itself when something waited for so long.
            master: opens what is encrypted, or will be.

        Raises:
            BadStoreError: the folder is of a newer program, or no store.
            KeyFileError: the store is encrypted, and not with this master key.
            StoreFailedError, StoreFullError, StoreUnavailableError: the disk does not let us.
        """
        vault = await asyncio.to_thread(Vault, folder, disk, master)
        opening = partial(_open_parts, folder, disk, open_medium, open_claims, vault, clean=clean)
        media, writer, recovered = await asyncio.to_thread(opening)
        reader = await open_reader(folder / INDEX_NAME)
        barriers = Barriers(
            media,
            writer,
            IndexStates(folder / INDEX_NAME),
            vault,
            loop=asyncio.get_running_loop(),
            flush_after_s=flush_after_s,
            on_failure=on_failure,
        )
        compressor, index = codec.Compressor(level), folder / INDEX_NAME
        store = cls(
            *(media, writer, reader, barriers, compressor, index, disk, vault),
            is_settled=recovered.is_settled,
            open_claims=open_claims,
        )
        try:
            barriers.add(recovered.kept, barriers.wave, is_old=True)
            await store._keep(recovered.kept)
        except BaseException:
            await store.close()
            raise
        store._tasks.append(asyncio.create_task(store.packs.keep_filling(), name="packs"))
        store._tasks.append(asyncio.create_task(store.resealing.keep(), name="resealing"))
        store._tasks.append(asyncio.create_task(store.arrivals.keep(), name="arrivals"))
        return store

    async def _keep(self, found: Sequence[Received]) -> None:
        """Make durable what a start has found; where the medium cannot be reached, it waits on."""
        with suppress(StoreUnavailableError) if self._medium.backend is not Backend.LOCAL else nullcontext():
            await self._barriers.wait({received.claim for received in found})

    async def close(self) -> None:
        """Run a last barrier, checkpoint the index and close everything. What is called later is refused."""
        for task in self._tasks:
            task.cancel()
            await asyncio.wait([task])
        await self.mover.close()
        await asyncio.to_thread(self._receiving.close)
        await asyncio.to_thread(self.arrivals.close)
        await asyncio.to_thread(self._barriers.close)
        await asyncio.to_thread(self._loading.close)
        await self._reader.close()
        await asyncio.to_thread(self._writer.close)
        await asyncio.to_thread(self._medium.close)

    async def seal_anew(self) -> None:
        """Seal with a new data key from now on, and let all that lies there follow; durable when it returns.

        Raises:
            KeyFileError: there is no master key.
        """
        await self._change(self.vault.turn_on)

    async def unseal(self) -> None:
        """Store plain from now on, and let all that lies there follow; durable when it returns."""
        await self._change(self.vault.turn_off)

    async def _change(self, change: Callable[[], None]) -> None:
        try:
            await asyncio.to_thread(change)
        except OSError as error:
            raise translated(error) from error
        self.resealing.ask()

    def require(self) -> None:
        """Refuse at once what `put` would refuse because the medium takes nothing at present.

        Raises:
            StoreFullError, StoreUnavailableError: it does not.
        """
        self._medium.require()

    async def put(
        self, claim: str, chunk_id: ChunkId, size: int, pieces: Sequence[Buffer], encoding: WireEncoding
    ) -> None:
        """Check a chunk and receive it under `claim`. Not durable before a barrier; idempotent.

        The work is the same whether the chunk is there already or not (security.md, X3).

        Args:
            claim: the upload or bundle that it belongs to: letters, digits, `-`, `_`.
            chunk_id: SHA-256 of the plain bytes.
            size: plain size in bytes.
            pieces: the body as it came, not joined; not to be changed before this returns.
            encoding: in which form the body is.

        Raises:
            ChunkMismatchError: length, hash or encoding is wrong; nothing is kept.
            StoreFullError, StoreUnavailableError, StoreFailedError: nothing is kept.
        """
        check_claim(claim)
        self.require()
        await self._barriers.room()
        await self._receiving.run(partial(self._receive, claim, chunk_id, size, pieces, encoding))

    async def take(self, claim: str, data: Buffer) -> ChunkId:
        """Receive plain bytes that the caller cut itself as one chunk; return its id, hashed here and nowhere else.

        Args:
            claim: as in `put`.
            data: 1 byte to 8 MiB.

        Raises:
            StoreFullError, StoreUnavailableError, StoreFailedError: nothing is kept.
        """
        check_claim(claim)
        self.require()
        await self._barriers.room()
        if len(data) <= AT_ONCE:
            return self._take(claim, data)
        return await self._receiving.run(partial(self._take, claim, data))

    async def put_many(self, claim: str, chunks: Sequence[tuple[ChunkId, Buffer]]) -> int:
        """Check and receive plain chunks in order, in one hop; return how many.

        Raises:
            ChunkMismatchError: of the first bad one; `stored` were kept, `frame` is its number, none after it is kept.
            StoreFullError, StoreUnavailableError, StoreFailedError: some may be received.
        """
        check_claim(claim)
        self.require()
        await self._barriers.room()
        return await self._receiving.run(partial(self._receive_many, claim, chunks))

    @property
    def wave(self) -> int:
        """What another process is told before it stages, and tells again with what it has staged (`adopt`)."""
        return self._barriers.wave

    def staged_path(self, name: str) -> Path:
        """Return where a file of this name is staged."""
        return self._index.parent / STAGING_NAME / name

    async def adopt(self, received: Received, wave: int) -> None:
        """Let a chunk wait for its barrier that another process has checked and staged, or has sent in its stored form.

        Raises:
            StoreUnavailableError: since `wave` a sync has failed, which may have been about these bytes; or they are
                sealed in another way than they are to be now. They are gone.
            StoreFailedError: the index has failed.
        """
        self.require()
        await self._barriers.room()
        most = INLINE_MAX if received.seal is None else INLINE_MAX + ROW_EXTRA
        if received.data is not None and received.stored_size > most:  # of another machine
            received, wave = await self._receiving.run(partial(self._staged_here, received, received.data))
        self._barriers.add([received], wave)

    async def barrier(self, claims: Collection[str]) -> None:
        """Return once all that was put under `claims` before is durable; at once if none of it waits.

        Raises:
            StorageError: it is not durable and counts as not received.
        """
        await self._barriers.wait(claims)

    async def present(self, ids: Collection[ChunkId]) -> set[ChunkId]:
        """Return those of `ids` that exist."""
        return set(await self.sizes(ids))

    async def sizes(self, ids: Collection[ChunkId]) -> dict[ChunkId, int]:
        """Return those of `ids` that exist, with their plain sizes in bytes."""
        return await self._reader.run(partial(rows.sizes, ids=ids))

    async def claimed(self, claims: Collection[str], ids: Collection[ChunkId]) -> set[ChunkId]:
        """Return those of `ids` that were received under one of `claims`, durable or not."""
        waiting = self._barriers.claimed(
            claims, ids
        )  # first: what leaves here is in the rows by the time they are read
        rest = [chunk_id for chunk_id in ids if chunk_id not in waiting]
        return waiting | await self._reader.run(partial(rows.claimed, claims=claims, ids=rest)) if rest else waiting

    def drop_claims(self, claims: Iterable[str]) -> None:
        """Forget claims some time soon; costs no sync of its own while uploads go on."""
        claims = set(claims)
        self._barriers.drop(claims)
        self.arrivals.end(claims)

    def states(self) -> ChunkStates:
        """Return a plain reader of what is durable, for one other thread, which also closes it."""
        return IndexStates(self._index)

    async def locate(self, ids: Sequence[ChunkId]) -> list[StoredChunk]:
        """Return where the chunks lie, in the order of `ids`.

        Raises:
            ChunkAbsentError: the index does not have one of them.
            ChunkDamagedError: one of them is known to be damaged.
        """
        found = await self._reader.run(partial(rows.find, ids=set(ids)))
        return [self._stored(chunk_id, found.get(chunk_id)) for chunk_id in ids]

    async def load(self, chunk: StoredChunk) -> bytes:
        """Return the plain bytes of a located chunk; those that had to be decoded are checked against the hash.

        Raises:
            ChunkDamagedError: they cannot be read or are wrong.
        """
        return await self._anew(self._load, chunk)

    async def fetch(self, chunk: StoredChunk) -> StoredChunk:
        """Return a chunk with its stored form at hand and checked, where no file of this machine holds it.

        Raises:
            ChunkDamagedError: it is missing or wrong.
            StoreUnavailableError: it cannot be had now.
        """
        if chunk.seal is None and (chunk.path is not None or chunk.data is not None):
            return chunk
        return await self._anew(self._fetch, chunk)

    async def read_many(self, ids: Collection[ChunkId]) -> dict[ChunkId, bytes]:
        """Return the plain bytes of those of `ids` that can be given, in two hops however many there are.

        What is absent or damaged is left out; what had to be decoded was checked, as `load` does. All of them are in
        memory at once: ask for few bytes.
        """
        found = await self._reader.run(partial(rows.find, ids=set(ids)))
        contents = await self._loading.run(partial(self._load_many, found))
        for chunk_id in found.keys() - contents.keys() if self._medium.gathers else ():
            with suppress(ChunkAbsentError, ChunkDamagedError):  # what has just left a pack is elsewhere now
                contents[chunk_id] = await self.read(chunk_id)
        return contents

    async def read(self, chunk_id: ChunkId) -> bytes:
        """Return the plain bytes of a chunk, as `locate` and `load` do."""
        return await self.load((await self.locate([chunk_id]))[0])

    def usage(self) -> DiskUsage:
        """Return the room on the disk. One quick system call."""
        return self._medium.usage()

    def stats(self) -> StoreStats:
        """Return the counters since the start."""
        return StoreStats(
            barriers=self._barriers.ended_well,
            syncs=self._medium.syncs,
            commits=self._writer.commits,
            staged_bytes=self._barriers.staged_size,
        )

    async def _anew(self, work: Callable[[StoredChunk], T], chunk: StoredChunk) -> T:
        """Do something with a located chunk, once more if it lies elsewhere by now."""
        try:
            return await self._loading.run(partial(work, chunk))
        except ChunkDamagedError:
            now = (await self.locate([chunk.chunk_id]))[0]
            is_same = (now.blob, now.start, now.sealed) == (chunk.blob, chunk.start, chunk.sealed)
            if is_same or (now.size, now.encoding) != (chunk.size, chunk.encoding):
                raise
        return await self._loading.run(partial(work, now))

    def _receive(
        self, claim: str, chunk_id: ChunkId, size: int, pieces: Sequence[Buffer], encoding: WireEncoding
    ) -> None:
        wave = self._barriers.wave
        self._barriers.add([self._checked(claim, chunk_id, size, pieces, encoding)], wave)

    def _take(self, claim: str, data: Buffer) -> ChunkId:
        wave = self._barriers.wave
        chunk_id = hash_of([data])
        self._barriers.add([self._stage(claim, chunk_id, len(data), [data], [data], WireEncoding.IDENTITY)], wave)
        return chunk_id

    def _receive_many(self, claim: str, chunks: Sequence[tuple[ChunkId, Buffer]]) -> int:
        wave = self._barriers.wave
        received: list[Received] = []
        try:
            for chunk_id, data in chunks:
                received.append(self._checked(claim, chunk_id, len(data), [data], WireEncoding.IDENTITY))
        except ChunkMismatchError as error:
            raise ChunkMismatchError(str(error), stored=len(received), frame=len(received)) from error
        finally:
            self._barriers.add(received, wave)
        return len(received)

    def _checked(
        self, claim: str, chunk_id: ChunkId, size: int, pieces: Sequence[Buffer], encoding: WireEncoding
    ) -> Received:
        """Return the chunk as received, its stored form in staging or in memory, after length and hash were right."""
        if not 0 < size <= MAX_CHUNK:
            raise ChunkMismatchError(f"a chunk has 1 to {MAX_CHUNK} bytes, not {size}")
        plain = codec.plain_form(pieces, size, encoding)
        if hash_of(plain) != chunk_id:
            raise ChunkMismatchError("the bytes do not hash to the chunk's id")
        return self._stage(claim, chunk_id, size, pieces, plain, encoding)

    def _stage(
        self,
        claim: str,
        chunk_id: ChunkId,
        size: int,
        pieces: Sequence[Buffer],
        plain: Sequence[Buffer],
        encoding: WireEncoding,
    ) -> Received:
        form, stored = codec.stored_form(pieces, plain, size, encoding, self._compressor)
        stored_size = sum(map(len, stored))
        is_row, seal = stored_size <= INLINE_MAX, None
        if (sealed := self.vault.seal(chunk_id, size, form, stored, alone=not is_row)) is not None:
            seal, stored, stored_size = sealed[0], [sealed[1]], len(sealed[1])
        if is_row:
            return Received(claim, chunk_id, size, stored_size, form, data=b"".join(stored), seal=seal)
        file = self._medium.stage(claim, Blob.of(chunk_id, form, seal), stored, hold=self._barriers.holds)
        return Received(claim, chunk_id, size, stored_size, form, file, seal=seal)

    def _staged_here(self, received: Received, data: Buffer) -> tuple[Received, int]:
        """Return what came in its stored form as it waits in staging, and the wave of that."""
        wave, blob = self._barriers.wave, Blob.of(received.chunk_id, received.encoding, received.seal)
        file = self._medium.stage(received.claim, blob, [data], hold=self._barriers.holds)
        return replace(received, file=file, data=None), wave

    def _stored(self, chunk_id: ChunkId, row: rows.IndexRow | None) -> StoredChunk:
        if row is None or row.state is ChunkState.REMOVING:
            raise ChunkAbsentError(f"there is no chunk {chunk_id.hex()}")
        if row.state is ChunkState.DAMAGED:
            raise ChunkDamagedError(f"chunk {chunk_id.hex()} is damaged")
        if row.seal is not None:
            return StoredChunk(
                chunk_id,
                row.size,
                row.stored_size,
                row.encoding,
                None,
                blob=row.blob,
                start=row.start,
                seal=row.seal,
                sealed=row.data,
            )
        path = self._medium.path_of(row.blob) if row.blob is not None and row.place is Place.FILE else None
        return StoredChunk(
            chunk_id, row.size, row.stored_size, row.encoding, row.data, blob=row.blob, start=row.start, path=path
        )

    def _load_many(self, found: Mapping[ChunkId, rows.IndexRow]) -> dict[ChunkId, bytes]:
        contents: dict[ChunkId, bytes] = {}
        chunks = list[StoredChunk]()
        for chunk_id, row in found.items():
            with suppress(ChunkAbsentError, ChunkDamagedError):
                chunks.append(self._stored(chunk_id, row))
        packed = parts_of_packs(self._medium, chunks)
        for chunk in chunks:
            with suppress(ChunkDamagedError):
                contents[chunk.chunk_id] = self._load(packed.get(chunk.chunk_id, chunk))
        return contents

    def _load(self, chunk: StoredChunk) -> bytes:
        return self._plain(chunk, self._stored_form(chunk))

    def _fetch(self, chunk: StoredChunk) -> StoredChunk:
        data = self._stored_form(chunk)
        if chunk.seal is None:
            self._plain(chunk, data)
            return replace(chunk, data=data, blob=None, start=0)
        try:
            opened = self.vault.unsealed(chunk.seal, data, alone=_is_alone(chunk))
            codec.restored(opened.stored, chunk.encoding, chunk.chunk_id, chunk.size)
        except ChunkMismatchError as error:
            raise _damaged(chunk, error) from error
        return StoredChunk(chunk.chunk_id, chunk.size, len(opened.stored), chunk.encoding, opened.stored)

    def _stored_form(self, chunk: StoredChunk) -> bytes:
        try:
            data = stored_form(self._medium, chunk)
        except OSError as error:
            raise _damaged(chunk, error) from error
        if data is None or len(data) != chunk.stored_size:
            raise ChunkDamagedError(f"chunk {chunk.chunk_id.hex()} has the wrong length")
        return data

    def _plain(self, chunk: StoredChunk, data: bytes) -> bytes:
        is_plain = chunk.encoding is Encoding.RAW and chunk.seal is None
        if is_plain and (chunk.blob is None or self._medium.trusts(chunk.blob)):
            return data
        try:
            return self.vault.restored(
                data, chunk.encoding, chunk.chunk_id, chunk.size, chunk.seal, alone=_is_alone(chunk)
            )
        except ChunkMismatchError as error:
            raise _damaged(chunk, error) from error


def _is_alone(chunk: StoredChunk) -> bool:
    return chunk.blob is not None and chunk.blob.form is not Form.PACK


def _damaged(chunk: StoredChunk, error: Exception) -> ChunkDamagedError:
    return ChunkDamagedError(f"chunk {chunk.chunk_id.hex()} cannot be read: {error}")


def _refuse_lost_index(index: Path, medium: Medium) -> None:
    """Refuse to make a new index beside chunks that an older one named: every version would seem to lack its bytes.

    Raises:
        BadStoreError: there are chunks and no index.
    """
    if not index.exists() and medium.holds_any():
        medium.close()
        raise BadStoreError(
            f"{index} is missing beside the chunks it names: put it back from a copy, then start again."
        )


def _refuse_lost_keys(states: IndexStates, vault: Vault) -> None:
    """Refuse a store whose chunks are sealed with keys of which its file knows nothing.

    With an older file, sound chunks would be taken for damaged, and the next key would get the number of a lost one.

    Raises:
        KeyFileError: it is one.
    """
    if not states.run(rows.is_sealed):
        return
    if not vault.numbers:
        raise KeyFileError(f"The store is encrypted, and {vault.path} is missing: put it back from a copy.")
    if (newest := max(states.run(rows.key_numbers))) > vault.last:
        raise KeyFileError(
            f"{vault.path} is older than the store, which is encrypted with data key {newest}: put back a newer copy."
        )


def _clean(index: Path, vault: Vault) -> None:
    """Write the index anew, for in gaps of its file lies what was stored before in another form."""
    with closing(connect_writer(index)) as connection:
        try:
            connection.execute("VACUUM")
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        except sqlite3.Error as error:
            _log.warning("%s still holds some of what was stored before it was encrypted: %s", index, error)
            return
    vault.note_clean()


def _open_parts(
    folder: Path, disk: Disk, open_medium: OpenMedium, open_claims: Collection[str], vault: Vault, *, clean: bool
) -> tuple[Media, GroupWriter[PlainSession], Recovered]:
    """Install what is missing, open medium and index, recover. Blocks."""
    index = folder / INDEX_NAME
    try:
        medium = open_medium(folder, disk)
        _refuse_lost_index(index, medium)
    except OSError as error:
        raise translated(error) from error
    if vault.is_settled and not vault.is_clean:
        _clean(index, vault)
    writer = GroupWriter(index, open_session=lambda: PlainSession(connect_writer(index)), disk=disk)
    states = IndexStates(index)
    try:
        writer.write_blocking(rows.install)
        _refuse_lost_keys(states, vault)
        recovered = recover(medium, writer, states, vault, open_claims=open_claims, clean=clean)
    except BaseException as error:
        writer.close()
        medium.close()
        if isinstance(error, OSError):
            raise translated(error) from error
        raise
    finally:
        states.close()
    return medium if isinstance(medium, Media) else Media(medium), writer, recovered
