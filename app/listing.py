"""How a folder is listed, and where a page of it ends."""

from dataclasses import dataclass
from typing import Literal

Sort = Literal["name", "size", "mtime", "type"]
Order = Literal["asc", "desc"]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page of a listing ends: folders come first, then files, each by the key and then by name."""

    is_folder: bool
    key: str | int
    name: str
