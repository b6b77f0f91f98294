"""Which row a new name belongs to: moves are told by inode, never by events (section 6 of the design)."""

from collections.abc import Callable, Collection, Iterator
from typing import NamedTuple

from client.sync.apply.checks import sha256_of
from client.sync.model import PARKED_LID, Kind, LocalEntry, Path, Stat
from client.sync.names import key
from client.sync.observe.rows import children
from client.sync.seams.files import Fs, FsError, Traits, Trouble
from client.sync.trees.state import State

READ_AT_ONCE = 8 * 1024 * 1024
"""Bytes. Where inodes prove nothing, larger files are not read for a match: their chunks need not be sent again."""

MOST_MISSING = 1000
"""If more is missing, nothing is matched by content: all of it would have to be compared with each new entry."""


class Folder(NamedTuple):
    """A folder that is being looked at."""

    lid: int
    path: Path
    device: int


class Moves:
    """Finds the row of something that stands where none has stood."""

    def __init__(self, state: State, fs: Fs, traits: Traits, is_held: Callable[[Path], bool]) -> None:
        """Look through the rows of `state`; places for which `is_held` are the engine's own work, and prove nothing."""
        self._state = state
        self._fs = fs
        self._traits = traits
        self._is_held = is_held

    def find(
        self, folder: Folder, name: str, stat: Stat, missing: Collection[int], *, proven: int | None
    ) -> LocalEntry | None:
        """Return the row of what was moved to `name` in `folder`, or None: it is new.

        `missing` are the rows known to be away from their place; only those are matched by content. `proven`
        is the row that was found here before: it may have been edited since.
        """
        above = self._above(folder.lid)
        if self._traits.stable_inodes:
            same = (row for row in self._state.locals_with_inode(stat.inode) if row.stat.device == stat.device)
            for row in same:
                is_it = row.lid == proven or self.is_proven(row, name, stat, (*folder.path, name))
                if is_it and row.lid not in above and self._is_vacated(row, folder, name, stat):
                    return row
            if stat.kind is Kind.FILE:
                return None
        if len(missing) > MOST_MISSING:
            return None
        away = [row for row in map(self._state.local, missing) if row is not None and row.lid not in above]
        return self._by_content((*folder.path, name), stat, away)

    def is_moved_from(self, row: LocalEntry, folder: Folder, name: str, stat: Stat) -> bool:
        """Tell whether what stands at a name that tells whose it is has left the place of a row."""
        is_other = self._traits.stable_inodes and row.stat.inode != stat.inode
        return row.stat.kind is stat.kind and not is_other and self._is_vacated(row, folder, name, stat)

    def is_case_only(self, row: LocalEntry, folder: Folder, name: str) -> bool:
        """Tell whether this disk takes both names for one."""
        traits = self._traits
        is_coarse = not traits.tells_spellings
        return is_coarse and row.parent == folder.lid and key(row.name, traits) == key(name, traits)

    def is_proven(self, row: LocalEntry, name: str, stat: Stat, path: Path) -> bool:
        """Tell whether an entry with the inode of a row is the same: inode numbers are used again."""
        if row.stat.kind is not stat.kind or row.parent == PARKED_LID:
            return False
        if row.name == name or row.stat.mtime_ns == stat.mtime_ns:
            return stat.kind is Kind.FOLDER or row.name == name or row.stat.size == stat.size
        return stat.kind is Kind.FOLDER and self._shares_children(row, path, most=False)

    def _is_vacated(self, row: LocalEntry, folder: Folder, name: str, stat: Stat) -> bool:
        """Tell whether a row's own place is empty. Where something else stands there by now, that place wins."""
        try:
            path = self._state.path_of(row.lid)
            if self._is_held(path):
                return False
            there = self._fs.look(path)
        except FsError as error:
            if error.trouble is Trouble.GONE:
                raise
            return error.trouble is Trouble.NOT_FOLDER
        return there is None or (there.inode == stat.inode and self.is_case_only(row, folder, name))

    def _by_content(self, path: Path, stat: Stat, away: list[LocalEntry]) -> LocalEntry | None:
        if stat.kind is Kind.FOLDER:
            fit = [row for row in away if row.is_folder and self._shares_children(row, path, most=True)]
        else:
            fit = list(self._same_bytes(path, stat, away))
        return fit[0] if len(fit) == 1 else None

    def _same_bytes(self, path: Path, stat: Stat, away: list[LocalEntry]) -> Iterator[LocalEntry]:
        rows = [row for row in away if not row.is_folder and row.stat.size == stat.size and row.sha256 is not None]
        if not rows or not 0 < stat.size <= READ_AT_ONCE:
            return
        try:
            sha256 = sha256_of(self._fs, path)
        except FsError as error:
            if error.trouble is Trouble.GONE:
                raise
            return
        yield from (row for row in rows if row.sha256 == sha256)

    def _shares_children(self, row: LocalEntry, path: Path, *, most: bool) -> bool:
        """Tell whether most of a folder's children, by name and kind, are in the folder at `path`.

        Else one is enough, by name or inode, or that it had none: to take one empty folder for another harms nobody.
        """
        try:
            listed = self._fs.list(path)
        except FsError as error:
            if error.trouble is Trouble.GONE:
                raise
            return False
        there = {(name, stat.kind.value) for name, stat in listed}
        known = children(self._state, row.lid)
        common = sum((each[0], each[2]) in there for each in known)
        if most:
            return 2 * common > max(len(known), len(there))
        inodes = {stat.inode for _, stat in listed}
        return not known or bool(common) or any(each[6] in inodes for each in known)

    def _above(self, lid: int) -> set[int]:
        above = {lid}
        while (entry := self._state.local(lid)) is not None:
            lid = entry.parent
            above.add(lid)
        return above
