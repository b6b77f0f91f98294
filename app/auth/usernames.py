"""What a user may be called, and which names count as the same."""

import unicodedata

from app.errors import InvalidRequestError

MAX_LENGTH = 64
_MARKS = "._-@+"  # never a colon: Basic credentials end the name there (RFC 7617, 2)


def check_username(name: str) -> str:
    """Return a new user's name in NFC.

    Raises:
        InvalidRequestError: it has other than 1 to 64 letters, digits and `. _ - @ +`, or begins with a mark.
    """
    name = unicodedata.normalize("NFC", name)
    if not 0 < len(name) <= MAX_LENGTH or name[0] in _MARKS or not all(map(_is_allowed, name)):
        raise InvalidRequestError(
            f"A user name has 1 to {MAX_LENGTH} letters, digits and any of {' '.join(_MARKS)}; the first is no mark.",
            "username_form",
        )
    return name


def fold(name: str) -> str:
    """Return the form in which names are compared: `Anna` and `anna` are one person."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())


def _is_allowed(character: str) -> bool:
    return character in _MARKS or unicodedata.category(character)[0] in "LMN"
