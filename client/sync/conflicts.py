"""Conflict copies: found by their names, and resolved by renames alone, so that no byte is ever lost by it.

What a person does not keep goes to the local trash; the sync sees the renames as it sees those of any program.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal, Protocol

from client.errors import ConflictError
from client.sync.apply.trash import move_to_trash
from client.sync.model import PRIVATE, Kind, Path, Stat
from client.sync.names import conflict_stem, free_name
from client.sync.seams.clock import Chance
from client.sync.seams.files import Fs, FsError, Trouble

Choice = Literal["mine", "theirs", "both"]

_MARK = " (conflict from "
_TRIES = 100


class _Names(Protocol):
    """What `count_conflicts` asks of client.sync.trees.state.State."""

    def file_names_with(self, text: str) -> Iterable[str]:
        """Return the names of all files here that hold a text."""


@dataclass(frozen=True, slots=True)
class Conflict:
    """A conflict copy, and the file beside it that has the plain name: None if there is none any more."""

    copy: Path
    copy_stat: Stat
    plain: Path
    plain_stat: Stat | None


def count_conflicts(state: _Names) -> int:
    """Return how many conflict copies there are here."""
    return sum(conflict_stem(name) is not None for name in state.file_names_with(_MARK))


def find_conflicts(fs: Fs, folder: Path = ()) -> Iterator[Conflict]:
    """Yield the conflict copies in a folder and below it; what cannot be read is passed over."""
    todo = [folder]
    while todo:
        at = todo.pop()
        try:
            entries = sorted(fs.list(at))
        except FsError:
            continue
        stats = {name: stat for name, stat in entries if (*at, name) != (PRIVATE,)}
        todo += [(*at, name) for name, stat in reversed(stats.items()) if stat.kind is Kind.FOLDER]
        for name, stat in stats.items():
            plain = conflict_stem(name) if stat.kind is Kind.FILE else None
            if plain is not None:
                yield Conflict((*at, name), stat, (*at, plain), stats.get(plain))


def resolve(fs: Fs, conflict: Conflict, choice: Choice, *, day: str, chance: Chance) -> Path:
    """Keep the copy's content (`mine`), the plain file's (`theirs`) or both; return where the content kept is.

    Of `both` that is the copy's new place, under a plain free name. What is not kept is in the trash of `day`.

    Raises:
        FsError: the disk refused. Both contents are still there, each under one of the two names or in the trash.
        ConflictError: something else came to the plain name meanwhile.
    """
    if choice == "both":
        kept = _rename_free(fs, conflict)
    elif choice == "theirs":
        if fs.look(conflict.plain) is None:
            raise ConflictError(f"{'/'.join(conflict.plain)} is not there: the conflict copy is all there is.")
        _put_away(fs, conflict.copy, day, chance)
        kept = conflict.plain
    else:
        _replace(fs, conflict, day, chance)
        kept = conflict.plain
    fs.sync_folders([conflict.copy[:-1]])
    return kept


def _replace(fs: Fs, conflict: Conflict, day: str, chance: Chance) -> None:
    """Give the copy the plain name, in one step where the disk can exchange two files."""
    plain = fs.look(conflict.plain)
    if plain is None:
        fs.move(conflict.copy, conflict.plain)
        return
    if plain.kind is not Kind.FILE:
        raise ConflictError(f"{'/'.join(conflict.plain)} is no file: rename it, or keep both.")
    try:
        fs.exchange(conflict.copy, conflict.plain)
    except FsError as error:
        if error.trouble is not Trouble.OTHER:
            raise
        _put_away(fs, conflict.plain, day, chance)
        fs.move(conflict.copy, conflict.plain)
    else:
        _put_away(fs, conflict.copy, day, chance)


def _put_away(fs: Fs, path: Path, day: str, chance: Chance) -> None:
    put, made = move_to_trash(fs, path, day, chance)
    fs.sync_folders([put[:-1], *made])


def _rename_free(fs: Fs, conflict: Conflict) -> Path:
    folder = conflict.copy[:-1]
    taken = {name for name, _ in fs.list(folder)}
    for _ in range(_TRIES):
        name = free_name(conflict.plain[-1], taken.__contains__)
        try:
            fs.move(conflict.copy, (*folder, name))
        except FsError as error:
            if error.trouble is not Trouble.EXISTS:
                raise
            taken.add(name)
        else:
            return (*folder, name)
    raise ConflictError(f"{'/'.join(conflict.plain)}: no name is free beside it.")
