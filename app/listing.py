"""How a folder is listed, and where a page of it ends."""

import re
import unicodedata
from dataclasses import dataclass
from typing import Literal, NamedTuple

Sort = Literal["name", "natural", "size", "mtime", "type"]
Order = Literal["asc", "desc"]

_NUMBER = re.compile("[0-9]+")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page of a listing ends: folders come first, then files, each by the key and then by name."""

    is_folder: bool
    key: str | int
    name: str


class Spot(NamedTuple):
    """Where a photo stands among all: by time, then by folder and number, which say nothing and never tie."""

    mtime_ms: int
    parent_id: int
    id: int


def fold(name: str) -> str:
    """Return a name as it is compared: no case, no accents, no difference between forms of one letter."""
    decomposed = unicodedata.normalize("NFKD", name)
    plain = decomposed if decomposed.isascii() else "".join(c for c in decomposed if not unicodedata.combining(c))
    return plain.casefold()


def natural_key(name: str) -> str:
    """Return by what names are sorted as people sort them: case and accents do not count, "file 2" is before "file 10".

    Before each number stands how many digits it has. The pages of the web UI make the same key
    (web/static/js/files/order.js), so that what comes while a folder is open finds its place.
    """
    return _NUMBER.sub(_sized, fold(name))


def _sized(number: re.Match[str]) -> str:
    digits = number[0].lstrip("0")
    return f"0{chr(ord('0') + len(digits))}{digits}"
