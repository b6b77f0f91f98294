"""What a name and a path may be, for every door (api.md, Conventions)."""

import re
import secrets
import unicodedata
from collections.abc import Callable, Sequence

from app.errors import InvalidRequestError

NAME_SIZE = 255
PATH_SIZE = 4096
DEPTH = 128
COUNTED = 100
_FORBIDDEN = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")  # categories Cc and Cs of Unicode


def check_name(name: str) -> str:
    """Return `name` in NFC.

    Raises:
        InvalidRequestError: it is empty, over 255 bytes of UTF-8, `.` or `..`, or holds `/` or a control character.
    """
    name = unicodedata.normalize("NFC", name)
    if name in ("", ".", "..") or "/" in name:
        raise InvalidRequestError("A name must not be empty, '.' or '..', and must not hold '/'.")
    if _FORBIDDEN.search(name) is not None:
        raise InvalidRequestError("A name must not hold control characters.")
    if len(name.encode()) > NAME_SIZE:
        raise InvalidRequestError(f"A name must not be longer than {NAME_SIZE} bytes.")
    return name


def split_path(path: str) -> list[str]:
    """Return the checked names of an absolute path; `/` has none.

    Raises:
        InvalidRequestError: it does not begin with `/`, is too long or too deep, or one of its names cannot be.
    """
    if not path.startswith("/"):
        raise InvalidRequestError("A path begins with '/'.")
    if len(path.encode(errors="replace")) > PATH_SIZE:
        raise InvalidRequestError(f"A path must not be longer than {PATH_SIZE} bytes.")
    names = [] if path == "/" else [check_name(name) for name in path[1:].split("/")]
    check_depth(len(names))
    return names


def check_place(folder: str, depth: int, names: Sequence[str]) -> None:
    """Refuse `names` below the path `folder`, which has `depth` names, where that gets too long or too deep."""
    check_depth(depth + len(names))
    if len("/".join((folder.rstrip("/"), *names)).encode()) > PATH_SIZE:
        raise InvalidRequestError(f"A path must not be longer than {PATH_SIZE} bytes.")


def check_depth(depth: int) -> None:
    """Refuse a place with more than 128 names from the home down."""
    if depth > DEPTH:
        raise InvalidRequestError(f"Folders may be nested at most {DEPTH} deep: choose a place further up.")


def free_name(name: str, is_taken: Callable[[str], bool]) -> str:
    """Return `name`, or `stem (2).ext` and so on, the first that is not taken, shortened to fit.

    After a hundred the number is a random one: who sends files of one name without end must not make each of them
    dearer than the one before.
    """
    if not is_taken(name):
        return name
    dot = name.rfind(".")
    stem, suffix = (name[:dot], name[dot:]) if dot > 0 and len(name) - dot <= 16 else (name, "")  # noqa: PLR2004
    number = 2
    while True:
        ending = f" ({number}){suffix}"
        room = NAME_SIZE - len(ending.encode())
        candidate = stem.encode()[:room].decode(errors="ignore") + ending
        if not is_taken(candidate):
            return candidate
        number = number + 1 if number < COUNTED else secrets.randbelow(10**9)
