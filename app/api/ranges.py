"""Range and conditional requests (RFC 9110, 13 and 14), read leniently and applied strictly."""

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from functools import lru_cache

from app.errors import PreconditionFailedError, RangeNotSatisfiableError

RANGES = 16
_MOST_ASKED = 256
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_TWO = tuple(f"{number:02}" for number in range(60))
_SPEC = re.compile(r"(\d{0,18})[ \t]*-[ \t]*(\d{0,18})", re.ASCII)
_TAG = re.compile(r'(W/)?"([^"]*)"|(\*)')


@dataclass(frozen=True, slots=True)
class Span:
    """Bytes `start` to before `stop`."""

    start: int
    stop: int

    @property
    def size(self) -> int:
        """How many bytes these are."""
        return self.stop - self.start


def parse_ranges(header: str, size: int) -> list[Span]:
    """Return the ranges asked for, merged where they touch; empty if the whole is to be sent.

    Whatever is not understood, and more than 16 ranges after merging, means the whole (RFC 9110, 14.2).

    Raises:
        RangeNotSatisfiableError: it is well formed and none of the bytes exist.
    """
    unit, equals, text = header.partition("=")
    if not equals or unit.strip().lower() != "bytes":
        return []
    spans: list[Span] = []
    asked = [spec for spec in map(str.strip, text.split(",")) if spec]
    if not 0 < len(asked) <= _MOST_ASKED:
        return []
    for spec in asked:
        match = _SPEC.fullmatch(spec)
        if match is None or match[1] == match[2] == "" or (match[1] and match[2] and int(match[1]) > int(match[2])):
            return []
        if match[1]:
            span = Span(int(match[1]), min(size, int(match[2]) + 1) if match[2] else size)
        else:
            span = Span(max(0, size - int(match[2])), size)
        if span.start < span.stop:
            spans.append(span)
    if not spans:
        raise RangeNotSatisfiableError(f"The content has {size} bytes.", size)
    merged = _merge(spans)
    return merged if len(merged) <= RANGES else []


def _merge(spans: list[Span]) -> list[Span]:
    """Join spans that overlap or touch; those that do not keep the order in which they were asked for."""
    merged: list[Span] = []
    for span in spans:
        start, stop = span.start, span.stop
        apart = []
        for other in merged:
            if other.start <= stop and start <= other.stop:
                start, stop = min(start, other.start), max(stop, other.stop)
            else:
                apart.append(other)
        merged = [*apart, Span(start, stop)]
    return merged


def check_preconditions(headers: Mapping[str, str], etag: str | None, modified_ms: int) -> bool:
    """Judge If-Match, If-Unmodified-Since, If-None-Match and If-Modified-Since in the order of RFC 9110, 13.2.2.

    Args:
        headers: those of a GET or HEAD.
        etag: strong validator of what is there, without quotes; None if there is nothing.
        modified_ms: its time, Unix milliseconds.

    Returns:
        False if the caller has it already (304).

    Raises:
        PreconditionFailedError: If-Match or If-Unmodified-Since does not hold.
    """
    seconds = modified_ms // 1000
    check_match(headers, etag)
    if "If-Match" not in headers:
        since = _date(headers.get("If-Unmodified-Since"))
        if since is not None and seconds > since:
            raise PreconditionFailedError("It was changed after the time in If-Unmodified-Since.")
    if "If-None-Match" in headers:
        return not is_known(headers, etag)
    since = _date(headers.get("If-Modified-Since"))
    return since is None or seconds > since


def check_match(headers: Mapping[str, str], etag: str | None) -> None:
    """Judge If-Match alone.

    Raises:
        PreconditionFailedError: it names another state than the present one.
    """
    if not matches(headers, etag):
        raise PreconditionFailedError("It is not in the state that If-Match names.")


def matches(headers: Mapping[str, str], etag: str | None) -> bool:
    """Tell whether If-Match, if it is there, names the present state."""
    match = headers.get("If-Match")
    return match is None or _names(match, etag, weak=False)


def check_none_match(headers: Mapping[str, str], etag: str | None) -> None:
    """Judge If-None-Match for a call that changes something.

    Raises:
        PreconditionFailedError: what is there is what it excludes.
    """
    if is_known(headers, etag):
        raise PreconditionFailedError("It is in a state that If-None-Match excludes.")


def is_known(headers: Mapping[str, str], etag: str | None) -> bool:
    """Tell whether If-None-Match names the present state."""
    none_match = headers.get("If-None-Match")
    return none_match is not None and _names(none_match, etag, weak=True)


def range_applies(headers: Mapping[str, str], etag: str, modified_ms: int) -> bool:
    """Tell whether If-Range lets a Range count: a strong etag or an exact date (RFC 9110, 13.1.5)."""
    condition = headers.get("If-Range")
    if condition is None:
        return True
    if condition.lstrip().startswith(('"', "W/")):
        return _names(condition, etag, weak=False)
    return _date(condition) == modified_ms // 1000


def http_date(time_ms: int) -> str:
    """Return Unix milliseconds as an HTTP date; times outside of what a calendar holds are moved to its ends."""
    day, second = divmod(max(0, min(time_ms // 1000, 253_402_300_799)), 86400)
    minute, second = divmod(second, 60)
    return f"{_day(day)} {_TWO[minute // 60]}:{_TWO[minute % 60]}:{_TWO[second]} GMT"


@lru_cache(maxsize=1024)
def _day(number: int) -> str:
    """Return a day after 1970 began, in English whatever the locale is; a listing has many times of few days."""
    at = time.gmtime(number * 86400)
    return f"{_DAYS[at.tm_wday]}, {at.tm_mday:02} {_MONTHS[at.tm_mon - 1]} {at.tm_year:04}"


def _names(header: str, etag: str | None, *, weak: bool) -> bool:
    for is_weak, tag, star in _TAG.findall(header):
        if star or (tag == etag and (weak or not is_weak)):
            return etag is not None
    return False


def _date(header: str | None) -> int | None:
    if header is None:
        return None
    try:
        return int(parsedate_to_datetime(header).timestamp())
    except (ValueError, OverflowError):
        return None
