"""Where things that left the view are: under ignored names, and under names that are not UTF-8 (section 6 of the
design).

Nothing there has a row, and nothing there is watched. What was moved there is missing from its place, and yet nobody
deleted it.
"""

from collections.abc import Iterable

from client.sync.model import PRIVATE, Kind, LocalEntry, Path, Stat
from client.sync.observe.moves import Moves
from client.sync.observe.rows import inodes_below, is_decodable
from client.sync.observe.unknown import Unknown
from client.sync.seams.clock import Clock
from client.sync.seams.files import Fs, FsError, Listed, Traits, Trouble
from client.sync.trees.state import State

MOST_LOOKED_AT = 200_000
"""So many names below such folders are looked at, at most, before something is taken for deleted."""


class Elsewhere:
    """Finds again, by inode, what is missing. It can where an inode names a file for as long as it lives."""

    def __init__(self, state: State, fs: Fs, clock: Clock, traits: Traits, unknown: Unknown, moves: Moves) -> None:
        """Begin with no such place known: the first scan tells of them."""
        self._state = state
        self._fs = fs
        self._clock = clock
        self._traits = traits
        self._unknown = unknown
        self._moves = moves
        self._folders: dict[Path, None] = {}
        self._swept_s: float | None = None
        self._found: dict[int, Path] = {}

    def note(self, path: Path, stat: Stat) -> None:
        """Hear of something that stands at a place which is out of view."""
        if not self._traits.stable_inodes or path[-1].startswith(PRIVATE):
            return
        if stat.kind is Kind.FOLDER:
            self._folders[path] = None
        for row in self._state.locals_with_inode(stat.inode):
            if self._is_it(row, path, stat):
                self._unknown.left[row.lid] = path

    def forget(self, path: Path) -> None:
        """Hear that nothing, or something in view, stands at a place."""
        self._folders.pop(path, None)

    def place_of(self, lid: int) -> Path | None:
        """Return where something is that was found out of view, if it is still there."""
        place, row = self._unknown.left.get(lid), self._state.local(lid)
        if place is None or row is None:
            return None
        try:
            there = self._fs.look(place)
        except FsError as error:
            if error.trouble is Trouble.GONE:
                raise
            return None
        return place if there is not None and self._is_it(row, place, there) else None

    def find(self, lids: Iterable[int], since_s: float) -> dict[int, Path]:
        """Return those of some entries that are out of view, with their places.

        All folders out of view are gone through, once for all that was missing by then: `since_s` is the monotonic
        second in which these were first missed.
        """
        if self._folders and (self._swept_s is None or self._swept_s < since_s):
            self._sweep()
        for lid in [lid for lid in lids if lid in self._found]:
            self._unknown.left.setdefault(lid, self._found[lid])
        places = {lid: self.place_of(lid) for lid in lids}
        return {lid: place for lid, place in places.items() if place is not None}

    def _sweep(self) -> None:
        self._swept_s = self._clock.monotonic_s()
        self._found = {}
        wanted: dict[int, list[int]] = {}
        for inode, lid in inodes_below(self._state, self._unknown.missing):
            wanted.setdefault(inode, []).append(lid)
        todo, looked_at = list(self._folders), 0
        while todo and looked_at < MOST_LOOKED_AT:
            folder = todo.pop()
            listed = self._list(folder)
            looked_at += len(listed)
            for name, stat in listed:
                path = (*folder, name)
                if stat.kind is Kind.FOLDER:
                    todo.append(path)
                for row in map(self._state.local, wanted.get(stat.inode, ())):
                    if row is not None and self._is_it(row, path, stat):
                        self._found[row.lid] = path

    def _list(self, folder: Path) -> list[Listed]:
        try:
            return self._fs.list(folder)
        except FsError as error:
            if error.trouble is Trouble.GONE:
                raise
            if error.trouble in {Trouble.ABSENT, Trouble.NOT_FOLDER, Trouble.LINK}:
                self.forget(folder)
            return []

    def _is_it(self, row: LocalEntry, path: Path, stat: Stat) -> bool:
        if (row.stat.inode, row.stat.device) != (stat.inode, stat.device):
            return False
        return self._moves.is_proven(row, path[-1], stat, path)


def is_nameless(path: Path) -> bool:
    """Tell whether a name on a path is not UTF-8: what is there stays on this device alone."""
    return not all(map(is_decodable, path))
