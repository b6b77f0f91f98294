"""The wall clock, as metadata counts it."""

import time


def now_ms() -> int:
    """Return Unix milliseconds."""
    return time.time_ns() // 1_000_000
