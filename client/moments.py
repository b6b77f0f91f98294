"""Times as people write them: a date, a date and time, or how long ago."""

import re
from datetime import datetime, timedelta

from client.errors import UsageError

_AGO = re.compile(r"(\d+(?:\.\d+)?)\s*(s|m|h|d|w|seconds?|minutes?|hours?|days?|weeks?)(?:\s+ago)?")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 24 * 3600, "w": 7 * 24 * 3600}


def parse_time(text: str, now: datetime) -> int:
    """Return a time in Unix milliseconds, from ISO 8601 (here, where it names no zone), `2h ago`, `30m` or `now`.

    Raises:
        UsageError: it is none of these.
    """
    words = text.strip().lower()
    if words == "now":
        return _ms(now)
    ago = _AGO.fullmatch(words)
    if ago is not None:
        return _ms(now - timedelta(seconds=float(ago[1]) * _SECONDS[ago[2][0]]))
    try:
        return _ms(datetime.fromisoformat(text.strip()))
    except ValueError:
        raise UsageError(
            f"{text!r} is no time: write 2026-11-24, 2026-11-24T18:30, or how long ago, as 2h, 30m or 3 days ago."
        ) from None


def _ms(time: datetime) -> int:
    return int(time.timestamp() * 1000)
