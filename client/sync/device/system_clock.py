"""The real clocks, and real chance."""

import random
import secrets
import time


class SystemClock:
    """The clocks of this machine; see `client.sync.seams.clock.Clock`."""

    def monotonic_s(self) -> float:
        """Return seconds since some moment."""
        return time.monotonic()

    def wall_ms(self) -> int:
        """Return Unix milliseconds."""
        return time.time_ns() // 1_000_000

    def local_time(self, format_: str) -> str:
        """Return the local time as strftime formats it."""
        return time.strftime(format_)

    def sleep(self, seconds: float) -> None:
        """Wait in a worker."""
        time.sleep(seconds)


class SystemChance:
    """The chance of this machine; see `client.sync.seams.clock.Chance`."""

    def uniform(self, low: float, high: float) -> float:
        """Return a number between both."""
        return random.uniform(low, high)  # noqa: S311 -- jitter, no secret

    def token(self) -> str:
        """Return 16 hex digits."""
        return secrets.token_hex(8)

    def unlikely(self, name: str) -> bool:  # noqa: ARG002 -- named in a simulation alone
        """Never force a rare branch."""
        return False
