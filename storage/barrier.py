"""The barrier: makes all that was received durable and known, once for all who wait (durability.md, 3)."""

import asyncio
import contextlib
import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from storage import rows
from storage.base import Blob, ChunkId, Place
from storage.errors import StorageError, StoreFailedError, StoreUnavailableError
from storage.group_writer import GroupWriter, PlainSession
from storage.index import IndexStates
from storage.local import SYNC_ALL_FROM
from storage.medium import Medium, StagedFile, translated
from storage.received import HOLD_BACK, Batch, Received
from storage.vault import Vault

T = TypeVar("T")


class _PutOffError(Exception):
    """The medium can take nothing now; what was to be put into place is as it was."""

    def __init__(self, error: StorageError) -> None:
        super().__init__(str(error))
        self.error = error


@dataclass(frozen=True, slots=True)
class _Errand:
    """Work for the barrier's thread, and who waits for it."""

    work: Callable[[], object]
    done: asyncio.Future[Any]


class Barriers:
    """One thread that takes what waits, makes it durable and wakes the waiters; at most one runs and one waits.

    The thread is also the only one that puts files of chunks into place or takes them away.
    """

    def __init__(
        self,
        medium: Medium,
        writer: GroupWriter[PlainSession],
        states: IndexStates,
        vault: Vault,
        *,
        loop: asyncio.AbstractEventLoop,
        flush_after_s: float,
        on_failure: Callable[[StorageError], None] | None,
    ) -> None:
        """Start the thread.

        Args:
            medium: where the bytes go.
            writer: of the index; nobody else writes to it.
            states: a reader of the index for this thread alone.
            vault: says how what is added must be sealed.
            loop: in which the waiters are.
            flush_after_s: how long something may wait until a barrier runs by itself.
            on_failure: called once, in this thread, when nothing can be made durable any more.
        """
        self._medium = medium
        self._writer = writer
        self._states = states
        self._vault = vault
        self._loop = loop
        self._flush_after_s = flush_after_s
        self._on_failure = on_failure
        self._lock = threading.Condition()
        self._pending = Batch()
        self._running: Batch | None = None
        self._errands: deque[_Errand] = deque()
        self._dropped: set[str] = set()
        self._dropped_s = 0.0
        self._asked = False
        self._closing = False
        self._wave = 0
        self._failed: StorageError | None = None
        self._rows_size = 0
        self._rows_came = asyncio.Event()
        self.moving: Mapping[ChunkId, Blob] = {}
        """Chunks that are being copied, and the objects they become; nobody else may put or remove these meanwhile."""
        self.ended_well = 0
        self._thread = threading.Thread(target=self._serve, name="barrier", daemon=True)
        self._thread.start()

    # For the threads that receive

    @property
    def wave(self) -> int:
        """To be read before a chunk is staged and handed to `add`."""
        return self._wave

    @property
    def holds(self) -> bool:
        """Whether a file staged now should keep its descriptor: few are waiting, so each may get its own fsync."""
        return self._pending.files < SYNC_ALL_FROM

    def add(self, chunks: Collection[Received], wave: int, *, is_old: bool = False) -> None:
        """Let chunks wait for the next barrier.

        Args:
            chunks: as they were received.
            wave: as it was before.
            is_old: an earlier run has received them, in whatever form was the current one then.

        Raises:
            StoreUnavailableError: since `wave` a sync has failed, which may have been about these bytes; they are gone.
            StoreFailedError: the index has failed.
        """
        with self._lock:
            error = self._failed
            if wave != self._wave or self._closing:
                error = StoreUnavailableError("the disk failed while the chunk was received")
            elif error is None and not is_old and any(chunk.key_number != self._vault.current for chunk in chunks):
                error = StoreUnavailableError("the store began to be encrypted anew while the chunk was received")
            if error is None:
                was_empty = not self._pending.chunks
                for chunk in chunks:
                    self._pending.add(chunk)
                is_full = self._pending.is_over(1)
                if was_empty or (
                    is_full and not self._asked
                ):  # a call for each chunk would wake the thread for nothing
                    self._asked = self._asked or is_full
                    self._lock.notify()
        if error is not None:
            self._medium.discard([chunk.file for chunk in chunks if chunk.file is not None])
            raise error

    # For the event loop

    async def wait(self, claims: Collection[str]) -> None:
        """Return once all that was added under `claims` is durable; at once if nothing of theirs waits.

        Raises:
            StorageError: it is not durable, and counts as not received.
        """
        futures = []
        with self._lock:
            if self._failed is not None:
                raise self._failed
            for batch in (self._running, self._pending):
                if batch is not None and not batch.claims.keys().isdisjoint(claims):
                    futures.append(self._waiter(batch))
                    if batch is self._pending:
                        self._asked = True
                        self._lock.notify()
        await asyncio.gather(*futures)

    async def flush(self, key_number: int | None) -> None:
        """Return once all that was added is durable, or counts as not received, but for what is sealed with this key.

        Raises:
            StoreUnavailableError: some of it waits on, because its medium can take nothing now.
        """
        with self._lock:
            claims = [claim for batch in (self._running, self._pending) if batch is not None for claim in batch.claims]
        with contextlib.suppress(StorageError):  # those who care are told by `wait`
            await self.wait(claims)
        with self._lock:
            waiting = [batch for batch in (self._running, self._pending) if batch is not None]
        if any(chunk.key_number != key_number for batch in waiting for chunk in batch.chunks):
            raise StoreUnavailableError("what was received before cannot be put in place at present")

    async def room(self) -> None:
        """Return once so little waits that more may be received."""
        while True:
            with self._lock:
                if self._running is None or not self._pending.is_over(HOLD_BACK):
                    return
                future = self._waiter(self._running)
            with contextlib.suppress(StorageError):  # those who care for that batch are told by `wait`
                await future

    def claimed(self, claims: Collection[str], ids: Collection[ChunkId]) -> set[ChunkId]:
        """Return those of `ids` that wait under one of `claims`."""
        found: set[ChunkId] = set()
        with self._lock:
            for batch in (self._running, self._pending):
                if batch is not None:
                    found.update(*(batch.claims.get(claim, set()).intersection(ids) for claim in claims))
        return found

    def drop(self, claims: Collection[str]) -> None:
        """Forget claims with the next barrier, or soon without one."""
        with self._lock:
            if claims and not self._dropped:
                self._dropped_s = time.monotonic()
                self._lock.notify()
            self._dropped.update(claims)

    async def run(self, work: Callable[[], T]) -> T:
        """Return what `work` returns, done in the barrier's thread: nothing is being put into place meanwhile.

        Raises:
            StorageError: of `work`, in which an OSError counts as one of a sync; or the store is closing.
        """
        with self._lock:
            if self._failed is not None:
                raise self._failed
            if self._closing:
                raise StoreUnavailableError("the store is closing")
            done: asyncio.Future[T] = self._loop.create_future()
            self._errands.append(_Errand(work, done))
            self._lock.notify()
        return await done

    async def turn(self, work: Callable[[], None]) -> None:
        """Let `work` change in a moment where received chunks are put; what is being received just then is refused."""

        def run() -> None:
            with self._lock:
                work()
                self._wave += 1

        await self.run(run)

    async def gathered(self, size: int) -> None:
        """Return once small chunks of so many bytes have become durable since this returned last."""
        while self._rows_size < size:
            self._rows_came.clear()
            await self._rows_came.wait()
        self._rows_size = 0

    def _count_rows(self, size: int) -> None:
        self._rows_size += size
        self._rows_came.set()

    @property
    def staged_size(self) -> int:
        """Stored bytes that wait for the next barrier."""
        return self._pending.files_size + self._pending.rows_size

    def close(self) -> None:
        """Run a last barrier if something waits, and end the thread. Blocks."""
        with self._lock:
            self._closing = True
            self._lock.notify()
        self._thread.join()

    def _waiter(self, batch: Batch) -> asyncio.Future[None]:
        future: asyncio.Future[None] = self._loop.create_future()
        batch.waiters.append(future)
        return future

    # The thread

    def _serve(self) -> None:
        while (reason := self._next()) is not None:
            batch, dropped, errand = reason
            if batch.chunks or dropped:
                self._serve_batch(batch, dropped)
            if errand is not None:
                self._serve_errand(errand)
        self._states.close()

    def _serve_batch(self, batch: Batch, dropped: set[str]) -> None:
        error: StorageError | None = None
        try:
            self._run(batch, dropped)
        except _PutOffError as failure:
            error = failure.error
            self._put_off(batch, dropped)
        except StorageError as failure:
            error = failure
        except Exception as failure:  # noqa: BLE001 - root of the thread: whoever waits must hear of it
            error = StoreFailedError(f"the barrier broke: {failure!r}")
            error.__cause__ = failure
        with self._lock:
            self._running = None
            waiters = batch.waiters
        if isinstance(error, StoreFailedError):
            self._fail(error)
        self._wake(waiters, error)

    def _put_off(self, batch: Batch, dropped: set[str]) -> None:
        """Let a batch wait on for the next barrier: its medium cannot take it now, and nothing of it is lost."""
        with self._lock:
            if self._closing:  # staging keeps it for the next start
                return
            again = Batch()
            for chunk in (*batch.chunks, *self._pending.chunks):
                again.add(chunk)
            again.waiters, self._pending = self._pending.waiters, again
            if dropped and not self._dropped:
                self._dropped_s = time.monotonic()
            self._dropped |= dropped

    def _serve_errand(self, errand: _Errand) -> None:
        result: object = None
        error: Exception | None = None
        try:
            result = errand.work()
        except OSError as failure:
            error = translated(failure)
            error.__cause__ = failure
            self._forget_all(translated(failure))
        except Exception as failure:  # noqa: BLE001 - root of the thread: whoever waits must hear of it
            error = failure
        if isinstance(error, StoreFailedError):
            self._fail(error)
        with contextlib.suppress(RuntimeError):  # the loop was closed, so nobody waits any more
            self._loop.call_soon_threadsafe(_settle, [errand.done], result, error)

    def _fail(self, error: StoreFailedError) -> None:
        """Refuse all further work, and say so once."""
        with self._lock:
            is_first, self._failed = self._failed is None, self._failed or error
        if is_first and self._on_failure is not None:
            self._on_failure(error)

    def _wake(self, waiters: list[asyncio.Future[None]], error: StorageError | None) -> None:
        if waiters:
            with contextlib.suppress(RuntimeError):  # the loop was closed, so nobody waits any more
                self._loop.call_soon_threadsafe(_settle, waiters, None, error)

    def _next(self) -> tuple[Batch, set[str], _Errand | None] | None:
        """Wait for a reason to work; return what a barrier covers now, and an errand for after it; None at the end."""
        with self._lock:
            while not self._asked and not self._errands and (patience_s := self._patience_s()) != 0:
                self._lock.wait(patience_s)
            errand = self._errands.popleft() if self._errands else None
            if not self._asked and self._patience_s() != 0:  # an errand alone is no reason for a barrier
                return Batch(), set(), errand
            if not self._pending.chunks and not self._dropped and errand is None:
                return None
            batch, self._pending = self._pending, Batch()
            dropped, self._dropped = self._dropped, set()
            self._asked = False
            self._running = batch if batch.chunks or dropped else None
            return batch, dropped, errand

    def _patience_s(self) -> float | None:
        """Return for how long a barrier may be put off; None while there is nothing for it."""
        if self._closing:
            return 0
        since = [self._pending.first_s] if self._pending.chunks else []
        since += [self._dropped_s] if self._dropped else []
        return max(0.0, min(since) + self._flush_after_s - time.monotonic()) if since else None

    def _run(self, batch: Batch, dropped: set[str]) -> None:
        """Make a batch durable: data, then names, then index rows. The order is the promise."""
        lost = self._lost(batch)
        chunks, fresh, spare = self._sorted_out(batch, lost)
        if self.moving and any(chunk.file in fresh and chunk.chunk_id in self.moving for chunk in batch.chunks):
            raise _PutOffError(StoreUnavailableError("a chunk is being moved at this moment"))
        backend = self._medium.backend
        record = partial(rows.record, chunks=chunks, dropped=dropped, lost=lost, backend=backend)
        try:
            self._into_place(fresh)
            self._writer.write_blocking(record)
        except _PutOffError:
            raise  # all of it waits on, so nothing may be let go
        except StoreFailedError:
            self._let_go(fresh, spare)
            raise  # whether the rows are there is unknown, so the files must stay
        except StorageError:
            self._medium.take_back(fresh)
            self._let_go(fresh, spare)
            raise
        self._let_go(fresh, spare)
        if batch.chunks:
            self.ended_well += 1
        if batch.rows_size and self._medium.gathers:
            with contextlib.suppress(RuntimeError):  # the loop was closed
                self._loop.call_soon_threadsafe(self._count_rows, batch.rows_size)

    def _let_go(self, fresh: list[StagedFile], spare: list[StagedFile]) -> None:
        self._medium.discard(spare)
        self._medium.release(fresh)

    def _lost(self, batch: Batch) -> set[ChunkId]:
        """Return the chunks of a batch whose bytes should be in place and are not: they came at the right time.

        A file can be gone by an accident, or because the index was put back from a copy older than a collection.
        What lies elsewhere counts as lost where it should be, so that it need not be asked for, nor copied any more.
        """
        ids = [chunk.chunk_id for chunk in batch.chunks if self._medium.gathers or chunk.file is not None]
        lying = self._states.run(partial(rows.blobs_of, ids=ids)) if ids else {}
        here = {blob: size for blob, size in lying.values() if blob.backend is self._medium.backend}
        try:
            lost = self._medium.lost(here)
        except StorageError as error:
            raise _PutOffError(error) from error
        return {
            chunk_id
            for chunk_id, (blob, _) in lying.items()
            if blob in lost or (blob not in here and chunk_id not in self.moving)
        }

    def _sorted_out(
        self, batch: Batch, lost: set[ChunkId]
    ) -> tuple[list[rows.NewChunk], list[StagedFile], list[StagedFile]]:
        """Return the chunks of a batch, each once, files to put into place, and files of chunks that have theirs."""
        ids = [chunk.chunk_id for chunk in batch.chunks if chunk.file is not None]
        known = self._states.run(partial(rows.states_of, ids=ids)) if ids else {}
        chosen: dict[ChunkId, rows.NewChunk] = {}
        fresh: list[StagedFile] = []
        spare: list[StagedFile] = []
        for chunk in batch.chunks:
            is_first = chunk.chunk_id not in chosen
            if is_first:
                chosen[chunk.chunk_id] = _new_chunk(chunk)
            chosen[chunk.chunk_id].claims.add(chunk.claim)
            if chunk.file is not None:
                exists = rows.has_bytes(known.get(chunk.chunk_id, _UNKNOWN)[1]) and chunk.chunk_id not in lost
                (fresh if is_first and not exists else spare).append(chunk.file)
        return list(chosen.values()), fresh, spare

    def _into_place(self, files: list[StagedFile]) -> None:
        """Make data durable, then move it, then make the names durable."""
        if not files:
            return
        with contextlib.suppress(OSError):  # a hint that cannot be written must not fail the barrier
            self._medium.log(files)
        try:
            self._medium.sync(files)
            self._medium.place(files)
        except OSError as error:
            ours = translated(error)
            self._forget_all(ours)
            raise ours from error
        except StorageError as error:
            raise _PutOffError(error) from error

    def _forget_all(self, error: StorageError) -> None:
        """Count all that waits or is being received as not received.

        A failed sync may speak of bytes of any of them, and the kernel says it only once.
        """
        with self._lock:
            self._wave += 1
            lost, self._pending = self._pending, Batch()
        self._medium.discard(lost.staged)
        self._wake(lost.waiters, error)


_UNKNOWN = (0, None)


def _new_chunk(chunk: Received) -> rows.NewChunk:
    place = Place.ROW if chunk.file is None else Place.FILE
    return rows.NewChunk(
        chunk.chunk_id, chunk.size, chunk.stored_size, chunk.encoding, place, chunk.data, seal=chunk.seal
    )


def _settle(waiters: Iterable[asyncio.Future[Any]], result: object, error: Exception | None) -> None:
    """Hand an outcome to those who wait for it; runs in the event loop."""
    for waiter in waiters:
        if waiter.done():  # the task that waited was cancelled
            continue
        if error is None:
            waiter.set_result(result)
        else:
            waiter.set_exception(error)
