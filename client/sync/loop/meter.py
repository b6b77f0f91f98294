"""What goes over the wire: each transfer under way, bytes in all, and how fast it is now."""

from collections import deque
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import NamedTuple

from client.sync.seams.clock import Clock

WINDOW_S = 10.0
"""The span that a rate is measured over."""
_SLICE_S = 0.5


class Moving(NamedTuple):
    """One transfer as it stands: `done` of `size` bytes are through, those included that needed not be sent."""

    path: str
    size: int
    done: int
    up: bool


class Traffic(NamedTuple):
    """All transfers: those under way, oldest first; bytes over the wire since the start; bytes a second lately."""

    transfers: list[Moving]
    sent: int
    received: int
    up_rate: float
    down_rate: float


@dataclass(slots=True)
class _Slice:
    """Bytes of one short span, by direction: down, up."""

    began_s: float
    moved: list[int]


class Meter:
    """Counts, from any worker."""

    def __init__(self, clock: Clock, lock: AbstractContextManager[object]) -> None:
        """Count from now on.

        Args:
            clock: for the rates.
            lock: held for a few instructions and never across a call of a seam.
        """
        self._clock = clock
        self._lock = lock
        self._began_s = clock.monotonic_s()
        self._transfers: dict[Transfer, None] = {}
        self._total = [0, 0]
        self._slices: deque[_Slice] = deque()

    def begin(self, path: str, size: int, *, up: bool) -> "Transfer":
        """Note that `size` bytes of a path begin to move."""
        transfer = Transfer(self, path, size, up=up)
        with self._lock:
            self._transfers[transfer] = None
        return transfer

    def snapshot(self) -> Traffic:
        """Return how things stand now."""
        now_s = self._clock.monotonic_s()
        with self._lock:
            self._forget(now_s)
            transfers = [Moving(each.path, each.size, each.done, each.up) for each in self._transfers]
            down, up = (sum(piece.moved[way] for piece in self._slices) for way in (0, 1))
            received, sent = self._total
        span_s = max(min(now_s - self._began_s, WINDOW_S), 1.0)
        return Traffic(transfers, sent, received, up / span_s, down / span_s)

    def note(self, transfer: "Transfer", size: int, *, sent: bool) -> None:
        """Count bytes of a transfer; not `sent` are those that were there already."""
        now_s = self._clock.monotonic_s()
        with self._lock:
            transfer.done += size
            if sent:
                self._total[transfer.up] += size
                self._slice(now_s).moved[transfer.up] += size

    def forget(self, transfer: "Transfer") -> None:
        """Note that a transfer is over."""
        with self._lock:
            self._transfers.pop(transfer, None)

    def _slice(self, now_s: float) -> _Slice:
        if not self._slices or now_s - self._slices[-1].began_s >= _SLICE_S:
            self._forget(now_s)
            self._slices.append(_Slice(now_s, [0, 0]))
        return self._slices[-1]

    def _forget(self, now_s: float) -> None:
        while self._slices and now_s - self._slices[0].began_s > WINDOW_S:
            self._slices.popleft()


class Transfer:
    """One file, or one bundle of them, on its way. `moved` may be called from many workers."""

    def __init__(self, meter: Meter, path: str, size: int, *, up: bool) -> None:
        """Begin at nothing; `Meter.begin` makes these."""
        self.path = path
        self.size = size
        self.up = up
        self.done = 0
        self._meter = meter

    def moved(self, size: int) -> None:
        """Count bytes that went over the wire."""
        self._meter.note(self, size, sent=True)

    def skipped(self, size: int) -> None:
        """Count bytes that needed not."""
        self._meter.note(self, size, sent=False)

    def end(self) -> None:
        """Count it as under way no more, however it ended."""
        self._meter.forget(self)
