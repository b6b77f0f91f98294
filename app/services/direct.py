"""What of the chunks clients may bring to the object server and fetch there themselves (decision 0049)."""

from collections.abc import Collection, Mapping

from app.clock import now_ms
from app.manifest import Chunk
from storage.arrivals import Arrivals
from storage.base import INLINE_MAX, ChunkId
from storage.medium import Ticket

SKEW_S = 60
"""The object server's clock may be behind ours by so much: what begins later is refused by it."""


class DirectTransfer:
    """Hands out the object server's own URLs, for as long as ours live."""

    def __init__(self, arrivals: Arrivals, lifetime_s: int) -> None:
        """Take what knows whether clients are let at the bucket, and how long a chunk URL lives in seconds."""
        self._arrivals = arrivals
        self._lifetime_s = lifetime_s

    def begin(self, claims: Collection[str]) -> None:
        """Let clients put chunks for uploads and bundles that were just opened, until these end."""
        self._arrivals.begin(claims)

    def put(self, claim: str, chunk: Chunk) -> Ticket | None:
        """Return what lets a client put a chunk for the upload or bundle `claim`; None if it is to come here."""
        at_s, lifetime_s = self._span()
        return self._arrivals.put_ticket(claim, chunk.id, chunk.size, at_s=at_s, lifetime_s=lifetime_s)

    async def get(self, chunks: Collection[Chunk]) -> Mapping[ChunkId, Ticket]:
        """Return what lets a client get those of some chunks that lie there by themselves, with their plain bytes."""
        large = {chunk.id for chunk in chunks if chunk.size > INLINE_MAX}
        at_s, lifetime_s = self._span()
        return await self._arrivals.get_tickets(large, at_s=at_s, lifetime_s=lifetime_s)

    def _span(self) -> tuple[int, int]:
        return now_ms() // 1000 - SKEW_S, self._lifetime_s + SKEW_S
