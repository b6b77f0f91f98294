"""Names and paths: what may be sent as one, and what of a server's names is safe to make here."""

import re
import unicodedata

from client.errors import LocalFileError, UsageError

MAX_NAME_BYTES = 255
PART_PREFIX = ".cairn-part-"  # names of our own unfinished downloads

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_WINDOWS_CHARACTERS = re.compile(r'[<>:"\\|?*]')
_WINDOWS_DEVICE = re.compile(r"(?:CON|PRN|AUX|NUL|COM[0-9¹²³]|LPT[0-9¹²³])(?:\..*)?", re.IGNORECASE)


def parse_remote(text: str) -> str:
    """Return a path at the server, `/` for the home, without a slash at its end; raise UsageError if it is none."""
    if not text.startswith("/"):
        raise UsageError(f"{text!r} is no path at the server: those begin with a slash, as in /Photos/2026.")
    names = [name for name in text.split("/") if name]
    for name in names:
        if problem := _problem_of(name):
            raise UsageError(f"{text!r} is no path at the server: {problem}.")
    return "/" + "/".join(unicodedata.normalize("NFC", name) for name in names)


def join_remote(folder: str, name: str) -> str:
    """Return the path of `name` in `folder`."""
    return f"/{name}" if folder == "/" else f"{folder}/{name}"


def split_remote(path: str) -> tuple[str, str]:
    """Return folder and name of a path that is not `/`."""
    folder, _, name = path.rpartition("/")
    return folder or "/", name


def sendable_name(name: str) -> str:
    """Return a local name as the server will keep it; raise LocalFileError if no server can."""
    if name.isascii():
        normal = name
    else:
        try:
            name.encode("utf-8")
        except UnicodeEncodeError:
            raise LocalFileError("its name is not valid UTF-8; rename it") from None
        normal = unicodedata.normalize("NFC", name)
    if problem := _problem_of(normal):
        raise LocalFileError(f"{problem}; rename it")
    return normal


def local_name(name: str, *, windows: bool) -> str:
    """Return the name under which a server's node may stand in a folder here.

    The server is not trusted: a name that could lead out of its folder, or that is no name at all, is refused.
    Where `windows`, names that the system would read differently are changed: forbidden characters become `_`,
    and so does a dot or space at the end; a reserved device name gets a `_` before it.
    """
    if problem := _problem_of(name):
        raise LocalFileError(f"the server calls it {name!r}, and {problem}")
    if not windows:
        return name
    name = _WINDOWS_CHARACTERS.sub("_", name)
    if name[-1] in ". ":
        name = f"{name[:-1]}_"
    return f"_{name}" if _WINDOWS_DEVICE.fullmatch(name) else name


def shown(text: str) -> str:
    """Return `text` fit for a terminal: what does not print, direction controls too, is written as escapes."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def _problem_of(name: str) -> str | None:
    if name in {"", ".", ".."}:
        return f"{name!r} names no file"
    if "/" in name:
        return "a name holds no slash"
    if _CONTROL.search(name):
        return "its name holds a control character"
    if len(name) * 4 > MAX_NAME_BYTES and len(name.encode("utf-8", "surrogateescape")) > MAX_NAME_BYTES:
        return f"its name is longer than {MAX_NAME_BYTES} bytes"
    return None
