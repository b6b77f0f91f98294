"""Bounds the memory that bodies and answers take, and shares it fairly.

Bytes are taken as they come, so that somebody who announces much and sends nothing holds nothing.
"""

import asyncio
from collections import Counter
from collections.abc import Hashable
from types import TracebackType
from typing import Self

from app.errors import RateLimitedError, UnavailableError
from app.services.turns import Turn

FREE = 64 * 1024
ENTRY_SIZE = 1024
"""Bytes that one entry of a list is taken for, before it is read: its JSON has half as many, unless paths are long."""
RETRY_S = 1


class ByteBudget:
    """So many bytes for all at once; an owner may hold as much as is left for the others, and no more.

    A single owner so gets half, two a third each, and whoever comes next always finds something. What waits for bytes
    holds those that it has. So that not all wait for each other, one lease at a time, the oldest of its owner, may go
    on outside the budget: at most one body or answer is in memory beyond it.
    """

    def __init__(self, size: int, *, patience_s: float, leases: int | None = None) -> None:
        """Begin with `size` bytes to hand out.

        Args:
            patience_s: how long a lease waits for bytes.
            leases: how many an owner may have at once; None for any number.
        """
        self._free = size
        self._patience_s = patience_s
        self._most = leases
        self._held: Counter[Hashable] = Counter()
        self._leases: dict[Hashable, dict[Lease, None]] = {}  # of each owner, the oldest first
        self._waiting: dict[Lease, tuple[int, asyncio.Future[None]]] = {}  # who has waited longest comes first
        self._queued: Counter[Hashable] = Counter()  # of each owner, how many wait
        self._outside: Lease | None = None

    def lease(self, owner: Hashable, turn: Turn | None = None) -> "Lease":
        """Return a lease that holds nothing yet; it begins when it is entered.

        Args:
            turn: of the work for this body or answer; let go of while the lease waits for bytes.
        """
        return Lease(self, owner, turn)

    def begin(self, lease: "Lease") -> None:
        """Count a lease for its owner.

        Raises:
            RateLimitedError: the owner has too many.
        """
        own = self._leases.setdefault(lease.owner, {})
        if self._most is not None and len(own) >= self._most:
            raise RateLimitedError("Too many transfers of yours are under way: wait for some to end.", RETRY_S)
        own[lease] = None

    def end(self, lease: "Lease") -> None:
        """Forget a lease that holds nothing any more."""
        own = self._leases[lease.owner]
        del own[lease]
        if not own:
            del self._leases[lease.owner]
        if self._outside is lease:
            self._outside = None
        self._hand_out()

    async def take(self, lease: "Lease", size: int) -> None:
        """Take `size` bytes for a lease, at once or when it is its turn.

        Raises:
            UnavailableError: there were none in time.
        """
        if lease is self._outside:
            return
        if not self._queued[lease.owner] and self._fits(lease, size):
            self._charge(lease, size)
            return
        lease.rests()
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting[lease] = (size, turn)
        self._queued[lease.owner] += 1
        self._hand_out()
        try:
            async with asyncio.timeout(self._patience_s):
                await turn
        except BaseException as error:
            if lease in self._waiting:
                self._wake(lease)
            else:
                self.give_back(lease, size)
            if isinstance(error, TimeoutError):
                raise UnavailableError("This server has no memory for more at the moment: try again.") from error
            raise

    def give_back(self, lease: "Lease", size: int) -> None:
        """Take `size` bytes back from a lease, which counts them no more."""
        if lease is not self._outside:
            self._charge(lease, -size)
        elif self._fits(lease, lease.charged):
            self._outside = None
            self._charge(lease, lease.charged)
        self._hand_out()

    def _fits(self, lease: "Lease", size: int) -> bool:
        return self._held[lease.owner] + size <= self._free - size

    def _charge(self, lease: "Lease", size: int) -> None:
        self._free -= size
        self._held[lease.owner] += size
        if not self._held[lease.owner]:
            del self._held[lease.owner]

    def _hand_out(self) -> None:
        """Let go on who may, each owner's in turn; of those who may not, one goes on outside the budget."""
        if not self._waiting:
            return
        behind = set[Hashable]()
        for lease, (size, _) in list(self._waiting.items()):
            if lease.owner not in behind and self._fits(lease, size):
                self._charge(lease, size)
                self._wake(lease)
            elif self._goes_outside(lease):
                self._wake(lease)
            else:
                behind.add(lease.owner)

    def _wake(self, lease: "Lease") -> None:
        _, turn = self._waiting.pop(lease)
        self._queued[lease.owner] -= 1
        if not self._queued[lease.owner]:
            del self._queued[lease.owner]
        if not turn.done():
            turn.set_result(None)

    def _goes_outside(self, lease: "Lease") -> bool:
        if self._outside is not None or next(iter(self._leases[lease.owner])) is not lease:
            return False
        self._charge(lease, -lease.charged)
        self._outside = lease
        return True


class Lease:
    """The bytes of one body or answer that are in memory. The first 64 KiB are free: a connection buffers as much."""

    def __init__(self, budget: ByteBudget, owner: Hashable, turn: Turn | None) -> None:
        """Begin with nothing; see `ByteBudget.lease`."""
        self.owner = owner
        self._budget = budget
        self._turn = turn
        self._size = 0

    @property
    def charged(self) -> int:
        """How many bytes count."""
        return max(0, self._size - FREE)

    def __enter__(self) -> Self:
        """Begin."""
        self._budget.begin(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Give all back."""
        self.keep(0)
        self._budget.end(self)

    async def take(self, size: int) -> None:
        """Hold `size` more bytes.

        Raises:
            UnavailableError: others held too much for too long.
        """
        before = self.charged
        needed = max(0, self._size + size - FREE) - before
        if needed:
            await self._budget.take(self, needed)
        self._size += size
        if self._turn is not None:
            await self._turn.go_on()  # with the bytes counted: if this is cut off, they are given back

    def rests(self) -> None:
        """Note that nothing but waiting is done for it: its turn is let go of, until bytes are taken."""
        if self._turn is not None:
            self._turn.let_go()

    async def hold(self, size: int) -> None:
        """Hold `size` bytes in all, whatever was held before; raises as `take` does."""
        self.keep(size)
        await self.take(size - self._size)

    def let_go(self, size: int) -> None:
        """Hold `size` bytes less."""
        self.keep(self._size - size)

    def keep(self, size: int) -> None:
        """Hold no more than `size` bytes."""
        if size >= self._size:
            return
        before, self._size = self.charged, size
        if before > self.charged:
            self._budget.give_back(self, before - self.charged)
