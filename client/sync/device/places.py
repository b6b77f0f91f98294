"""Where a root may be: never where syncing it would sync what must not be synced, or sync something twice."""

import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path

from client.errors import LocalFileError, UsageError
from client.sync.model import MARKER, PRIVATE

_SERVER_FILES = ("metadata.db", "guard")  # of a server's data folder
_DEPTH = 3
_MOST_LOOKS = 2_000  # folders that are searched for a server's data, the nearest first


def check_place(folder: Path, *, person: Path, state: Path, roots: Iterable[Path]) -> None:
    """Refuse a folder that cannot be a root (sync-engine.md, 12).

    Args:
        folder: a real path, without links.
        person: the home folder of this user.
        state: where this device keeps its own state.
        roots: the folders that are in step already.

    Raises:
        UsageError: it must not be a root.
        LocalFileError: it cannot be read.
    """
    _check_folder(folder)
    if folder == Path(folder.anchor):
        raise UsageError(f"{folder} is a whole file system tree: choose a folder in it.")
    if _same(folder, person):
        raise UsageError(f"{folder} is your home folder, where programs keep much of their own: choose a folder in it.")
    if is_within(state, folder) or is_within(folder, state):
        raise UsageError(f"{folder} would hold this device's own state ({state}): choose another folder.")
    for root in roots:
        if is_within(folder, root) or is_within(root, folder):
            raise UsageError(f"{folder} and {root} lie one in the other, and {root} is kept in step already.")
    for parent in folder.parents:
        if _is_marked(parent):
            raise UsageError(f"{folder} lies in {parent}, which somebody keeps in step already.")
    found = next(islice(_servers_data(folder), 1), None)
    if found is not None:
        raise UsageError(f"{found} is the data folder of a Cairn server: choose a folder that does not hold it.")


def is_within(inner: Path, outer: Path) -> bool:
    """Tell whether a folder is another, or below it, also by another mount of the same place."""
    return inner == outer or outer in inner.parents or any(_same(part, outer) for part in (inner, *inner.parents))


def _check_folder(folder: Path) -> None:
    try:
        str(folder).encode()
    except UnicodeEncodeError:
        raise UsageError("The path of this folder is not valid UTF-8: rename what is not.") from None
    if PRIVATE in folder.parts:
        raise UsageError(f"{folder} is a place of Cairn's own: choose another folder.")
    try:
        with os.scandir(folder):
            pass
    except FileNotFoundError:
        raise UsageError(f"{folder} is not there: `mkdir` makes it.") from None
    except NotADirectoryError:
        raise UsageError(f"{folder} is no folder.") from None
    except OSError as error:
        raise LocalFileError(f"{folder} cannot be read: {error.strerror}.") from error
    if not os.access(folder, os.W_OK | os.X_OK):
        raise LocalFileError(f"{folder} cannot be written in by this user.")


def _is_marked(folder: Path) -> bool:
    """Tell whether a folder is a root, of another user even, whose private folder we may not look into."""
    try:
        return folder.joinpath(*MARKER).exists()
    except PermissionError:
        return True


def _servers_data(folder: Path) -> Iterator[Path]:
    """Yield the servers' data folders that hold `folder`, are it, or lie in it not far down."""
    for place in (folder, *folder.parents, *islice(_folders_below(folder), _MOST_LOOKS)):
        with suppress(PermissionError):
            if all((place / name).exists() for name in _SERVER_FILES):
                yield place


def _folders_below(folder: Path) -> Iterator[Path]:
    level = [folder]
    for _ in range(_DEPTH):
        below: list[Path] = []
        for place in level:
            for found in _folders_in(place):
                yield found
                below.append(found)
        level = below


def _folders_in(place: Path) -> list[Path]:
    try:
        with os.scandir(place) as entries:
            return sorted(Path(entry) for entry in entries if entry.is_dir(follow_symlinks=False))
    except OSError:  # what cannot be read now is told of when it is to be synced
        return []


def _same(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except OSError:
        return False
