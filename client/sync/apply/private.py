"""The folders below `.cairn`, made when they are first needed."""

from collections.abc import Iterable

from client.sync.model import DISPLACED, PARKED, PRIVATE, TMP, TRASH, Kind, Path, Problem
from client.sync.seams.clock import Chance
from client.sync.seams.files import Fs, FsError, Trouble

TRIES = 3
_MISPLACED = "Cairn keeps a folder of its own here, and something else has its place: move that away."


def make_private(fs: Fs, path: Path) -> list[Path]:
    """Make a folder with those above it where they are missing; raise FsError.

    Returns the folders whose names changed, from the top: what is put into the new one lasts once they are synced too.
    """
    if fs.look(path) is not None:
        return []
    changed = make_private(fs, path[:-1]) if path[:-1] else []
    try:
        fs.make_folder(path)
    except FsError as error:
        if error.trouble is not Trouble.EXISTS:
            raise
    return [*changed, path[:-1]]


def sync_surely(fs: Fs, folders: Iterable[Path]) -> None:
    """Make names durable, and try again where that fails; raise FsError if it fails for good.

    What is found where it was put counts as both sides' later, whether its name lasts or not.
    """
    folders = list(folders)
    for _ in range(TRIES - 1):
        try:
            fs.sync_folders(folders)
        except FsError as error:
            if error.trouble is Trouble.GONE:
                raise
        else:
            return
    fs.sync_folders(folders)


def heal_tmp(fs: Fs, chance: Chance) -> None:
    """Put a folder back where something else was put in the place of `.cairn/tmp`; raise FsError.

    Without it nothing is fetched, and no file can be told to have come to rest. A link is unlinked and never followed;
    a file is kept beside it, since nobody knows whose it is.
    """
    found = fs.look(TMP)
    if found is None or found.kind is Kind.FOLDER:
        return
    if found.kind is Kind.FILE:
        fs.move(TMP, (PRIVATE, f"{TMP[-1]}-{chance.token()}"))
    else:
        fs.remove(TMP)
    fs.sync_folders(make_private(fs, TMP))


def misplaced(fs: Fs) -> list[Problem]:
    """Return what stands in the place of folders of ours that may hold what a person misses: these are not touched."""
    found = []
    for path in ((PRIVATE,), DISPLACED, TRASH, PARKED):
        try:
            stat = fs.look(path)
        except FsError:  # told of by what needs it
            continue
        if stat is not None and stat.kind is not Kind.FOLDER:
            found.append(Problem("/".join(path), "other", _MISPLACED))
    return found
