"""Ids as the wire shows them: 13 base-32 digits of the row's number, then 8 of its random tag.

Of fixed width, so that their order as strings is their age; not guessable, so that a number met again after a restore
names nothing (metadata.md, 10).
"""

import re
from functools import lru_cache

from app.errors import InvalidRequestError, NotFoundError

_NUMBER_DIGITS = 13
_TAG_SIZE = 5
_LENGTH = _NUMBER_DIGITS + 8
_ALPHABET = "0123456789abcdefghijklmnopqrstuv"
_PAIRS = [high + low for high in _ALPHABET for low in _ALPHABET]
_FORM = re.compile(rf"[0-9a-v]{{{_LENGTH}}}")
_LARGEST = 2**63 - 1


@lru_cache(8192)
def encode_id(number: int, tag: bytes) -> str:
    """Return the wire form of a row's number and its tag of 5 bytes."""
    # Two digits at a time, written out, and a cache: a page of 1,000 files writes some 5,000 ids.
    pairs, end = _PAIRS, int.from_bytes(tag, "big")
    return (
        f"{_ALPHABET[number >> 60]}{pairs[number >> 50 & 1023]}{pairs[number >> 40 & 1023]}{pairs[number >> 30 & 1023]}"
        f"{pairs[number >> 20 & 1023]}{pairs[number >> 10 & 1023]}{pairs[number & 1023]}"
        f"{pairs[end >> 30]}{pairs[end >> 20 & 1023]}{pairs[end >> 10 & 1023]}{pairs[end & 1023]}"
    )


def decode_id(text: str) -> tuple[int, bytes]:
    """Return number and tag of a wire id; what is no id at all names nothing.

    Raises:
        NotFoundError: `text` cannot be an id of this server.
    """
    if _FORM.fullmatch(text) is None:
        raise NotFoundError("There is nothing with this id.")
    value = int(text, 32)
    number, tag = value >> 8 * _TAG_SIZE, value & (1 << 8 * _TAG_SIZE) - 1
    if number > _LARGEST:
        raise NotFoundError("There is nothing with this id.")
    return number, tag.to_bytes(_TAG_SIZE, "big")


def number_after(text: str | None) -> int:
    """Return the number behind which a page begins that is asked for by the wire id `after`; 0 without one.

    Raises:
        InvalidRequestError: `text` is no id.
    """
    try:
        return 0 if text is None else decode_id(text)[0]
    except NotFoundError as error:
        raise InvalidRequestError("`after` is not one that a listing gave.") from error
