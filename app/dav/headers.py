"""The request headers that WebDAV adds, and those that ownCloud's and Nextcloud's programs add to it."""

import math
import re
from dataclasses import dataclass
from enum import StrEnum

from aiohttp import web

from app.errors import InvalidRequestError

_SECONDS = re.compile(r"(?i:second)-(\d{1,10})")
_TOKEN = re.compile(r"<([^<>\s]{1,256})>")
_CHECKSUM = re.compile(r"([A-Za-z0-9-]{1,16}):([0-9A-Fa-f]{1,128})")
_MOST_S = 2**43
"""Seconds of a time whose milliseconds still are a whole number in JSON."""


class Depth(StrEnum):
    """How far below the resource a request reaches."""

    ZERO = "0"
    ONE = "1"
    INFINITY = "infinity"


@dataclass(frozen=True, slots=True)
class Checksum:
    """What an uploader says its bytes hash to: the algorithm in capitals, the digest in small hexadecimal."""

    algorithm: str
    digest: str


def depth_of(request: web.Request, default: Depth = Depth.INFINITY) -> Depth:
    """Return the Depth header; `default` is what the RFC says of its absence for this method.

    Raises:
        InvalidRequestError: it is none of 0, 1 and infinity.
    """
    value = request.headers.get("Depth")
    if value is None:
        return default
    try:
        return Depth(value.strip().lower())
    except ValueError as error:
        raise InvalidRequestError("Depth is 0, 1 or infinity.") from error


def overwrites(request: web.Request) -> bool:
    """Tell whether what is at the destination may be replaced; so unless the header says F (RFC 4918, 10.6).

    Raises:
        InvalidRequestError: it is neither T nor F.
    """
    value = request.headers.get("Overwrite", "T").strip().upper()
    if value in ("T", "TRUE"):
        return True
    if value in ("F", "FALSE"):
        return False
    raise InvalidRequestError("Overwrite is T or F.")


def timeout_s(request: web.Request) -> int | None:
    """Return for how long a lock is wanted, of the alternatives the first that is understood; None for ever."""
    for wanted in request.headers.get("Timeout", "").split(","):
        if wanted.strip().lower() == "infinite":
            return None
        if (found := _SECONDS.fullmatch(wanted.strip())) is not None:
            return max(1, int(found[1]))
    return None


def lock_token_of(request: web.Request) -> str:
    """Return the token in the Lock-Token header, without its angle brackets.

    Raises:
        InvalidRequestError: there is none.
    """
    found = _TOKEN.fullmatch(request.headers.get("Lock-Token", "").strip())
    if found is None:
        raise InvalidRequestError("Say which lock: Lock-Token: <token>.")
    return found[1]


def oc_time_ms(request: web.Request, name: str = "X-OC-Mtime") -> int | None:
    """Return a time that such a program gives, in Unix milliseconds; they write seconds, some with a fraction.

    None where there is none, and for 0 and below: then it is now (nextcloud-clients.md, 4.4).

    Raises:
        InvalidRequestError: it is no number.
    """
    value = request.headers.get(name)
    if value is None:
        return None
    try:
        seconds = float(value)
    except ValueError as error:
        raise InvalidRequestError(f"{name} is a time in Unix seconds.") from error
    if not math.isfinite(seconds) or seconds > _MOST_S:
        raise InvalidRequestError(f"{name} is a time in Unix seconds.")
    return round(seconds * 1000) if seconds > 0 else None


def oc_checksum_of(request: web.Request) -> Checksum | None:
    """Return what the bytes of a PUT are to hash to, None where nothing is said.

    Raises:
        InvalidRequestError: it is not of the form ALGORITHM:hex.
    """
    value = request.headers.get("OC-Checksum")
    if value is None:
        return None
    found = _CHECKSUM.fullmatch(value.strip())
    if found is None:
        raise InvalidRequestError("OC-Checksum looks like SHA1:da39a3ee5e6b4b0d3255bfef95601890afd80709.")
    return Checksum(found[1].upper(), found[2].lower())


def oc_total_length_of(request: web.Request) -> int | None:
    """Return how large the whole file is, where the client says so beside the body's own length.

    Raises:
        InvalidRequestError: it is no size.
    """
    return _size_of(request, "OC-Total-Length")


def expected_length_of(request: web.Request) -> int | None:
    """Return how large Finder says that the file will be which it sends in chunks of unknown length; None for 0.

    Raises:
        InvalidRequestError: it is no size.
    """
    return _size_of(request, "X-Expected-Entity-Length") or None


def _size_of(request: web.Request, name: str) -> int | None:
    value = request.headers.get(name)
    if value is None:
        return None
    if re.fullmatch(r"\d{1,15}", value.strip(), re.ASCII) is None:
        raise InvalidRequestError(f"{name} is a size in bytes.")
    return int(value)
