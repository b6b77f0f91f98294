"""Names: how a server's show on this disk, how this disk's are sent, and what conflict copies are called.

All of it is a pure function of names, ids and the disk's traits: a device that lost its state computes the same again.
Spec: sync engine, sections 8 and 9.
"""

import re
import unicodedata
from collections.abc import Callable, Sequence

from client.errors import LocalFileError
from client.names import MAX_NAME_BYTES, local_name, sendable_name
from client.sync.model import PRIVATE
from client.sync.seams.files import Traits

MAX_DEVICE_BYTES = 32
MAX_EXTENSION = 16  # what is longer is no extension, but part of the name
ID_DIGITS = 6

_PLAIN_DISK = Traits()
_UNSAFE = re.compile(r"[/\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_UNSAFE_DEVICE = re.compile(r'[<>:"/\\|?*\x00-\x1f\x7f-\x9f\ud800-\udfff]')
_PACKED = (".tar.gz", ".tar.bz2", ".tar.xz", ".tar.zst", ".tar.lz4", ".tar.Z", ".tar.br")
_CONFLICT = re.compile(
    r"(?P<stem>.+?) \(conflict from .+? \d{4}-\d\d-\d\d \d\d-\d\d-\d\d\)(?: \d+)?(?P<extension>\..+)?"
)


def key(name: str, traits: Traits) -> str:
    """Return what two names have in common if they must not stand side by side in a folder of this disk.

    Names that differ in their normal form alone have one key on every disk, since the server keeps one of them.
    Case is folded as Unicode has it for caseless matching (section 3.13, D145): more than any disk does, never less.
    """
    if name.isascii():
        plain = name if traits.case_sensitive else name.lower()
    elif traits.case_sensitive:
        plain = unicodedata.normalize("NFC", name)
    else:
        plain = _fold(_fold(name))  # the second time for the few letters whose fold can be composed and folded again
    return plain.rstrip(". ") or plain if traits.windows_names else plain


def local_names(siblings: Sequence[tuple[str, str]], traits: Traits) -> dict[str, str]:
    """Return the name on this disk of each node of a folder, by id; `siblings` are their ids and names at the server.

    In the order of ids each takes its own name if this disk can hold it beside those before, and a changed one if not.
    So a node that comes later changes the name of none before it.
    """
    if _are_plain([name for _, name in siblings], traits):
        return dict(siblings)
    taken = {key(PRIVATE, traits)}
    names = {}
    for node_id, name in sorted(siblings):
        chosen = _name_here(node_id, name, taken, traits)
        taken.add(key(chosen, traits))
        names[node_id] = chosen
    return names


def server_name(name: str) -> str | None:
    """Return a name found on disk as the server will keep it; None if no server can."""
    try:
        return sendable_name(name)
    except LocalFileError:
        return None


def conflict_name(
    name: str, device: str, stamp: str, is_taken: Callable[[str], bool], traits: Traits = _PLAIN_DISK
) -> str:
    """Return what the file `name` is called as a conflict copy: `STEM (conflict from DEVICE STAMP).EXT`.

    A copy of a conflict copy takes the first stem. `stamp` is as 2026-11-23 14-05-09, and `is_taken` tells whether a
    name is in use beside it. It fits this disk if that holds names of 128 bytes.
    """
    clean = _clean(unicodedata.normalize("NFC", name), traits)
    stem, extension = _split(conflict_stem(clean) or clean)
    mark = f" (conflict from {_clean_device(device)} {stamp})"
    return _first_free(lambda number: f"{mark}{number}{extension}", stem, is_taken, traits.max_name_bytes)


def conflict_stem(name: str) -> str | None:
    """Return the plain name that a conflict copy belongs to; None if `name` is that of no conflict copy."""
    match = _CONFLICT.fullmatch(name)
    return None if match is None else match["stem"] + (match["extension"] or "")


def free_name(name: str, is_taken: Callable[[str], bool]) -> str:
    """Return `name` if it is free, else the first free one of `STEM 2.EXT`, `STEM 3.EXT` and so on."""
    stem, extension = _split(name)
    return _first_free(lambda number: f"{number}{extension}", stem, is_taken, MAX_NAME_BYTES)


def _are_plain(names: list[str], traits: Traits) -> bool:
    """Tell whether a disk that knows no rules but length holds all these names as they are."""
    return (
        traits.case_sensitive
        and not traits.windows_names
        and len(set(names)) == len(names)
        and PRIVATE not in names
        and all(_is_plain(name, traits.max_name_bytes) for name in names)
    )


def _is_plain(name: str, max_bytes: int) -> bool:
    if not name.isascii() and not unicodedata.is_normalized("NFC", name):
        return False
    return (
        name not in {"", ".", ".."} and _UNSAFE.search(name) is None and _size(name) <= min(max_bytes, MAX_NAME_BYTES)
    )


def _name_here(node_id: str, name: str, taken: set[str], traits: Traits) -> str:
    limit = min(traits.max_name_bytes, MAX_NAME_BYTES)
    wish = _clean(unicodedata.normalize("NFC", name), traits)
    stem, extension = _split(wish)
    if _size(wish) > limit:
        digits = re.sub(r"[^0-9A-Za-z]", "", node_id)[-ID_DIGITS:]
        extension = f" {digits}{extension}"
        wish = _fit(stem, extension, limit)
    word = " (" if traits.case_sensitive or wish != name else " (case "
    number = 2
    while key(wish, traits) in taken:
        wish = _fit(stem, f"{word}{number}){extension}", limit)
        number += 1
    return wish


def _clean(name: str, traits: Traits) -> str:
    """Return a name that leads nowhere, and that Windows reads as it is written if this disk is of its kind.

    No name with a slash comes from the feed or a folder; that there is none left holds here whatever was let in.
    """
    name = _UNSAFE.sub("_", name)
    if name in {"", ".", ".."}:
        return "_"
    if not traits.windows_names:
        return name
    return local_name(_fit(name, "", MAX_NAME_BYTES), windows=True)


def _clean_device(device: str) -> str:
    clean = _UNSAFE_DEVICE.sub("_", unicodedata.normalize("NFC", device)).strip()
    return _fit(clean, "", MAX_DEVICE_BYTES).strip() or "another device"


def _split(name: str) -> tuple[str, str]:
    """Return stem and extension, dot included. Dots at the beginning are of the stem, as in `.profile`."""
    for packed in _PACKED:
        if name.endswith(packed) and name[: -len(packed)].strip("."):
            return name[: -len(packed)], packed
    stem, dot, extension = name.rpartition(".")
    if not stem.strip(".") or not extension or len(extension.encode("utf-8", "surrogatepass")) > MAX_EXTENSION:
        return name, ""
    return stem, dot + extension


def _first_free(ending: Callable[[str], str], stem: str, is_taken: Callable[[str], bool], max_bytes: int) -> str:
    limit = min(max_bytes, MAX_NAME_BYTES)
    chosen = _fit(stem, ending(""), limit)
    number = 2
    while is_taken(chosen):
        chosen = _fit(stem, ending(f" {number}"), limit)
        number += 1
    return chosen


def _fit(stem: str, ending: str, max_bytes: int) -> str:
    """Return both, with as much of the stem as fits: cut between characters."""
    room = max(max_bytes - _size(ending), 0)
    if _size(stem) > room:
        stem = stem.encode("utf-8", "surrogatepass")[:room].decode("utf-8", "ignore")
    return stem + ending


def _fold(name: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", name).casefold())


def _size(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))
