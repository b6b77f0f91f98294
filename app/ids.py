"""Ids as the wire shows them: 13 base-32 digits of the row's number, then 8 of its random tag.

Of fixed width, so that their order as strings is their age; not guessable, so that a number met again after a restore
names nothing (metadata.md, 10).
"""

from app.errors import NotFoundError

_ALPHABET = "0123456789abcdefghijklmnopqrstuv"
_VALUES = {digit: value for value, digit in enumerate(_ALPHABET)}
_NUMBER_DIGITS = 13
_TAG_DIGITS = 8
_TAG_SIZE = 5
_LENGTH = _NUMBER_DIGITS + _TAG_DIGITS
_LARGEST = 2**63 - 1


def encode_id(number: int, tag: bytes) -> str:
    """Return the wire form of a row's number and its tag of 5 bytes."""
    value = number << (8 * _TAG_SIZE) | int.from_bytes(tag, "big")
    digits = []
    for _ in range(_LENGTH):
        digits.append(_ALPHABET[value & 31])
        value >>= 5
    return "".join(reversed(digits))


def decode_id(text: str) -> tuple[int, bytes]:
    """Return number and tag of a wire id; what is no id at all names nothing.

    Raises:
        NotFoundError: `text` cannot be an id of this server.
    """
    if len(text) != _LENGTH:
        raise NotFoundError("There is nothing with this id.")
    value = 0
    for digit in text:
        if digit not in _VALUES:
            raise NotFoundError("There is nothing with this id.")
        value = value << 5 | _VALUES[digit]
    number, tag = value >> (8 * _TAG_SIZE), value & (1 << (8 * _TAG_SIZE)) - 1
    if number > _LARGEST:
        raise NotFoundError("There is nothing with this id.")
    return number, tag.to_bytes(_TAG_SIZE, "big")
