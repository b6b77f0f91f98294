"""Times as they stand in paths: `2026-11-01`, `2026-11-01T12:00`, `2026-11-01T12:00:30+01:00`, without colons too."""

import re
from datetime import UTC, date, datetime, timedelta, timezone

from app.services.past import DAY_MS, Moment

_TIME = re.compile(
    r"(?P<day>\d{4}-\d{2}-\d{2})"
    r"(?:T(?P<hour>\d{2}):?(?P<minute>\d{2})(?::?(?P<second>\d{2})(?:\.(?P<part>\d{1,6}))?)?)?"
    r"(?P<zone>Z|[+-]\d{2}(?::?\d{2})?)?",
    re.ASCII,
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def when_of(text: str) -> Moment | None:
    """Return the time that a text names; None where it is no time. Without a zone it is UTC."""
    found = _TIME.fullmatch(text)
    if found is None:
        return None
    part = (found["part"] or "").ljust(6, "0")
    try:
        at = datetime.combine(date.fromisoformat(found["day"]), datetime.min.time(), _zone_of(found["zone"]))
        if found["hour"] is not None:
            at = at.replace(
                hour=int(found["hour"]),
                minute=int(found["minute"]),
                second=int(found["second"] or 0),
                microsecond=int(part),
            )
    except (ValueError, OverflowError):
        return None
    begins_ms = (at - _EPOCH) // timedelta(milliseconds=1)
    return Moment(begins_ms if found["hour"] is not None else begins_ms + DAY_MS - 1, begins_ms)


def day_name(day: int) -> str:
    """Return how a path names a day, given as days since 1970."""
    return (date(1970, 1, 1) + timedelta(days=day)).isoformat()


def _zone_of(text: str | None) -> timezone:
    """Return a zone; at most 23:59 off UTC.

    Raises:
        ValueError: it is further off.
    """
    if text is None or text == "Z":
        return UTC
    hours, minutes = int(text[1:3]), int(text[3:].removeprefix(":") or 0)
    if minutes >= 60:  # noqa: PLR2004 - of an hour
        raise ValueError(text)
    off = timedelta(hours=hours, minutes=minutes)
    return timezone(-off if text[0] == "-" else off)
