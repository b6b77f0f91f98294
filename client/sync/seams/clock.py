"""The seam to time and chance. Nothing else in the engine may look at a clock or draw a number."""

from typing import Protocol


class Clock(Protocol):
    """Both clocks of a device. Intervals go by `monotonic_s`; `wall_ms` is shown to people and decides nothing."""

    def monotonic_s(self) -> float:
        """Return seconds since some moment; never goes back. Time in suspend need not count."""

    def wall_ms(self) -> int:
        """Return Unix milliseconds as this device believes them to be."""

    def local_time(self, format_: str) -> str:
        """Return the wall clock in this device's time zone, as strftime formats it."""

    def sleep(self, seconds: float) -> None:
        """Wait in a worker. The engine's own thread waits at the executor instead."""


class Chance(Protocol):
    """Jitter and names."""

    def uniform(self, low: float, high: float) -> float:
        """Return a number between both."""

    def token(self) -> str:
        """Return 16 hex digits that name something of ours: a temporary file, a generation."""

    def unlikely(self, name: str) -> bool:
        """Tell whether to force the rare branch `name`: never outside a simulation."""
