"""A clock for expiry that never goes back, whatever happens to the wall clock."""

import time
from collections.abc import Callable


class ForwardClock:
    """The later of the wall clock and of its own past reading plus the time that went by since.

    A wall clock that jumps back would bring expired URLs to life. Standing still would keep live ones alive for
    ever, so while the wall clock is behind, this one goes on at the pace of the machine's uptime.
    """

    def __init__(
        self, wall_s: Callable[[], float], *, mark_s: int = 0, uptime_s: Callable[[], float] = time.monotonic
    ) -> None:
        """Start at `mark_s` (Unix seconds; the stored reading of an earlier run) or at a later wall clock."""
        self._wall_s = wall_s
        self._uptime_s = uptime_s
        self._base = (float(mark_s), uptime_s())

    def now_s(self) -> int:
        """Return Unix time in seconds, never less than ever before. May be called from any thread."""
        reading, read_at = self._base
        uptime = self._uptime_s()
        now = reading + max(0.0, uptime - read_at)
        wall = self._wall_s()
        if wall > now:
            self._base = (wall, uptime)
            now = wall
        return int(now)
