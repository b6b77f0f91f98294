"""Chunks that clients put into the bucket themselves: received here as all others are, or removed.

What has arrived is no chunk. It becomes one by what every chunk goes through: it is checked, waits under its claim, and
a barrier puts it in its place.
"""

import asyncio
import contextlib
import logging
from collections.abc import Collection, Iterable, Mapping
from functools import partial

from storage import rows
from storage.barrier import Barriers
from storage.base import INLINE_MAX, MAX_CHUNK, Blob, ChunkId, Encoding
from storage.errors import StorageError
from storage.index import IndexReader
from storage.media import Media
from storage.medium import Bypass, StagedFile, Ticket
from storage.offload import Offload
from storage.received import Received
from storage.vault import Vault

AT_ONCE = 4
SWEEP_EVERY_S = 3600.0
AGAIN_S = 10.0
_QUEUE = 1024

_log = logging.getLogger(__name__)


class Arrivals:
    """What of a store clients reach without it. All calls are for the event loop."""

    def __init__(
        self,
        media: Media,
        reader: IndexReader,
        barriers: Barriers,
        vault: Vault,
        open_claims: Iterable[str],
    ) -> None:
        """Take the parts of a store; clients may have put something under claims that were open at its start."""
        self._media = media
        self._reader = reader
        self._barriers = barriers
        self._offload = Offload("arrivals", threads=AT_ONCE, queue=_QUEUE)
        self._vault = vault
        self._claims = {claim: asyncio.Lock() for claim in open_claims}
        self._ended: dict[str, asyncio.Lock] = {}
        self._asked = asyncio.Event()

    @property
    def problem(self) -> str | None:
        """Why clients are not let at the bucket; empty if they are, None if there is none that they could reach."""
        bypass = self._media.bypass
        if bypass is None or not bypass.is_wanted:
            return None
        if self._vault.current is not None or not self._vault.is_settled:
            return "the store is encrypted, and clients have no key of it"
        return bypass.problem

    def _open(self) -> Bypass | None:
        return self._media.bypass if self.problem == "" else None

    def begin(self, claims: Iterable[str]) -> None:
        """Let clients put something under claims from now on, until these end."""
        for claim in claims:
            self._claims.setdefault(claim, asyncio.Lock())

    def put_ticket(self, claim: str, chunk_id: ChunkId, size: int, *, at_s: int, lifetime_s: int) -> Ticket | None:
        """Let a client put a chunk itself; None if it may not, or the chunk is so small that it is kept with others.

        A claim that has ended while its answer was made gets none: nobody would end it again.
        """
        bypass = self._open()
        if bypass is None or size <= INLINE_MAX or claim not in self._claims:
            return None
        return bypass.put_ticket(claim, chunk_id, size, at_s=at_s, lifetime_s=lifetime_s)

    async def get_tickets(self, ids: Collection[ChunkId], *, at_s: int, lifetime_s: int) -> Mapping[ChunkId, Ticket]:
        """Let a client get chunks itself: those that are an object each, with just the plain bytes."""
        bypass = self._open()
        if bypass is None or not ids:
            return {}
        found = await self._reader.run(partial(rows.plain_objects, ids=set(ids)))
        return {
            chunk_id: bypass.get_ticket(Blob.of(chunk_id, Encoding.RAW), at_s=at_s, lifetime_s=lifetime_s)
            for chunk_id in found
        }

    async def receive(self, claims: Iterable[str]) -> None:
        """Check what clients have put under claims, and let it wait for its barrier.

        Raises:
            StorageError: not all of it could be; what is left is looked at again by the next call.
        """
        for claim in claims:
            lock = self._claims.get(claim)
            if lock is None or (bypass := self._open()) is None:
                continue
            async with lock:
                if claim in self._claims:  # else it has ended meanwhile, and what was put may be going
                    await self._receive(bypass, claim)

    async def _receive(self, bypass: Bypass, claim: str) -> None:
        """Receive what is new under a claim, a few at once; nobody else does so meanwhile."""
        there = await self._offload.run(partial(bypass.arrived, claim))
        waiting = self._barriers.claimed([claim], there)  # first, as in `ChunkStore.claimed`
        known = waiting | await self._reader.run(partial(rows.claimed, claims=[claim], ids=list(there)))
        wanted = [(id_, size) for id_, size in there.items() if id_ not in known and INLINE_MAX < size <= MAX_CHUNK]
        for at in range(0, len(wanted), AT_ONCE):
            await self._barriers.room()
            wave = self._barriers.wave
            checks = [
                self._offload.run(partial(bypass.checked, claim, chunk_id, size))
                for chunk_id, size in wanted[at : at + AT_ONCE]
            ]
            for file, (chunk_id, size) in zip(await asyncio.gather(*checks), wanted[at:], strict=False):
                if file is not None:
                    self._barriers.add([_received(file, chunk_id, size)], wave)

    def end(self, claims: Iterable[str]) -> None:
        """Take nothing more under claims, and remove soon what was put under them."""
        ended = {claim: self._claims.pop(claim) for claim in set(claims) if claim in self._claims}
        if ended and self._media.bypass is not None:
            self._ended |= ended
            self._asked.set()

    async def keep(self) -> None:
        """Remove what nobody waits for any more, until cancelled: of ended claims soon, and all else now and then."""
        loop = asyncio.get_running_loop()
        swept_s: float | None = None
        while True:
            pause_s = SWEEP_EVERY_S
            try:
                if swept_s is None or loop.time() >= swept_s + SWEEP_EVERY_S:
                    await self.sweep()
                    swept_s = loop.time()
                await self._remove_ended()
            except StorageError as error:
                _log.debug("what clients have put into the bucket could not be removed: %s", error)
                pause_s = AGAIN_S
            except Exception:  # noqa: BLE001 - root of the task: what lies in a bucket must not end it
                _log.exception("what clients have put into the bucket could not be removed")
                pause_s = AGAIN_S
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause_s):
                    await self._asked.wait()
            self._asked.clear()

    async def sweep(self) -> None:
        """Remove what was put under claims that are over, and what an earlier run has left of its checks.

        A URL outlives its upload, so that something may come after all was removed.
        """
        bypass = self._media.bypass
        if bypass is None:
            return
        await self._offload.run(bypass.clear)
        there = await self._offload.run(bypass.claims)
        over = [claim for claim in there if claim not in self._claims and claim not in self._ended]
        await self._offload.run(partial(bypass.remove, over))

    def close(self) -> None:
        """Wait for what runs, and end the threads. Blocks."""
        self._offload.close()

    async def _remove_ended(self) -> None:
        while self._ended and (bypass := self._media.bypass) is not None:
            claim, lock = next(iter(self._ended.items()))
            async with lock:  # what is being received just now is among what waits, once this is had
                await self._barriers.wait([claim])
                await self._offload.run(partial(bypass.remove, [claim]))
            del self._ended[claim]


def _received(file: StagedFile, chunk_id: ChunkId, size: int) -> Received:
    return Received(file.claim, chunk_id, size, size, Encoding.RAW, file)
