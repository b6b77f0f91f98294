"""Limits of bandwidth, by time of day: a bucket of bytes each way. Only content counts; metadata is exempt."""

from collections.abc import Sequence
from contextlib import AbstractContextManager

from client.sync.seams.clock import Clock
from client.sync.settings import Rate

_NAP_S = 0.5  # so that new rates and a stop are seen soon


class Throttle:
    """Lets workers wait until what they want to move fits the rate.

    What is taken at once (a chunk, a bundle) moves at full speed and is paid for by those that come next: over a few
    seconds the rate holds, and no chunk is cut for its sake.
    """

    def __init__(self, clock: Clock, rates: Sequence[Rate], lock: AbstractContextManager[object]) -> None:
        """Keep to `rates`, the first of which counts that holds at this time of day.

        Args:
            clock: for the wait and the time of day.
            rates: as in the settings.
            lock: held for a few instructions and never across a call of a seam.
        """
        self._clock = clock
        self._lock = lock
        self._rates = list(rates)
        self._owed = [0.0, 0.0]  # bytes that were moved and are not paid for yet, by direction: down, up
        self._paid_s = [0.0, 0.0]  # when the debt was last reckoned
        self._is_stopped = False

    def set_rates(self, rates: Sequence[Rate]) -> None:
        """Keep to other rates from now on; those who wait see it at once."""
        self._rates = list(rates)

    def stop(self) -> None:
        """Let nobody wait any more: what comes next is refused elsewhere."""
        self._is_stopped = True

    def take(self, size: int, *, up: bool) -> None:
        """Return when `size` more bytes may move."""
        while not self._is_stopped:
            rate = self._rate(up=up)
            if rate is None:
                return
            now_s = self._clock.monotonic_s()
            with self._lock:
                wait_s = self._wait_s(size, rate, now_s, up=up)
            if wait_s == 0:
                return
            self._clock.sleep(min(wait_s, _NAP_S))

    def _wait_s(self, size: int, rate: int, now_s: float, *, up: bool) -> float:
        """Take the bytes and return 0 if nothing is owed; else return how long until then."""
        passed_s = max(now_s - self._paid_s[up], 0.0)
        self._paid_s[up] = now_s
        self._owed[up] = max(self._owed[up] - passed_s * rate, 0.0)
        if self._owed[up] < 1:
            self._owed[up] += size
            return 0.0
        return self._owed[up] / rate

    def _rate(self, *, up: bool) -> int | None:
        """Return the bytes a second that hold now; None is no limit."""
        if not self._rates:
            return None
        hours, _, minutes = self._clock.local_time("%H:%M").partition(":")
        minute = int(hours) * 60 + int(minutes)
        for rate in self._rates:
            if _holds(rate, minute):
                limit = rate.up if up else rate.down
                return None if limit is None else max(limit, 1)
        return None


def _holds(rate: Rate, minute: int) -> bool:
    """Tell whether a rate holds at a minute of the day; its span may go over midnight."""
    begin, end = rate.from_minute, rate.to_minute
    if begin == end:
        return True
    return begin <= minute < end if begin < end else minute >= begin or minute < end
