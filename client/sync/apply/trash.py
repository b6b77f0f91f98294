"""The local trash: what was deleted elsewhere is moved to `.cairn/trash/DAY/PATH`, and forgotten later.

The server still has these bytes in its history or its trash; this is the nearer place to find them. Kept 7 days, or
5 % of the disk, the oldest going first.
"""

from calendar import timegm
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from client.sync.apply.private import make_private
from client.sync.apply.rescue import Rescued, Rescuer
from client.sync.model import TRASH, Kind, Path, Stat
from client.sync.names import free_name
from client.sync.seams.clock import Chance, Clock
from client.sync.seams.files import Fs, FsError, Trouble

KEEP_DAYS = 7
KEEP_PERCENT = 5
UNTOLD_NS = 3600 * 1_000_000_000
"""So long a file must not have changed before it is forgotten where the system does not tell who has it open."""

_TRIES = 100
_DAY_S = 86_400


def move_to_trash(fs: Fs, path: Path, day: str, chance: Chance) -> tuple[Path, list[Path]]:
    """Move a file into the trash, under its path of today; raise FsError.

    Returns where it is, and the folders whose names changed for it, beside the last ones of both paths.
    """
    try:
        return _move_into(fs, path, (*TRASH, day, *path[:-1]))
    except FsError as error:
        if error.trouble not in {Trouble.NOT_FOLDER, Trouble.LINK, Trouble.NAME, Trouble.EXISTS}:
            raise
    # A file has the name of one of its folders there, or the path is too long below the trash.
    return _move_into(fs, path, (*TRASH, day, chance.token()))


def _move_into(fs: Fs, path: Path, folder: Path) -> tuple[Path, list[Path]]:
    made = make_private(fs, folder)
    taken: set[str] = set()
    for _ in range(_TRIES):
        name = free_name(path[-1], taken.__contains__)
        try:
            fs.move(path, (*folder, name))
        except FsError as error:
            if error.trouble is not Trouble.EXISTS:
                raise
            taken.add(name)
        else:
            return (*folder, name), made
    raise FsError(Trouble.EXISTS, (*folder, path[-1]), "no name is free in the trash")


class _Kept(NamedTuple):
    """A file in the trash."""

    path: Path
    stat: Stat

    @property
    def place(self) -> Path:
        """Where it was before."""
        return self.path[len(TRASH) + 1 :]

    def was_written(self, now_ns: int) -> bool:
        """Tell whether a program that held it open has written to it since: the server does not have that.

        A rename sets the time of the last change of state alone, a write both times to one moment. Where a disk keeps
        one time for both, what was written on the day of its deletion counts too. A day that is still to come by
        `now_ns`, the disk's own time, was told by a wrong clock, and excuses nothing.
        """
        try:
            day = _day_number(self.path[len(TRASH)])
        except ValueError:
            return False
        since_ns = (day - 1) * _DAY_S * 1_000_000_000
        return self.stat.mtime_ns == self.stat.ctime_ns and (self.stat.mtime_ns >= since_ns or since_ns > now_ns)


class Seen:
    """How each file looked when it came into the trash, or when this run first saw it there. For many jobs at once.

    A program that holds a file open may write to it and then give it any time, as `cp -p` and `tar` do: only a
    comparison shows that. It is not kept over a stop: what is written and given a time between the last look of one run
    and the first of the next is not found. Hashes stand for paths and states, since there may be many.
    """

    def __init__(self) -> None:
        """Have seen nothing."""
        self._states: dict[int, int] = {}

    def put(self, path: Path, stat: Stat) -> None:
        """Note what was known of a file that has just been moved to `path`."""
        self._states[hash(path)] = _state(stat)

    def has_changed(self, file: _Kept) -> bool:
        """Tell whether a file has changed since; from the first time that it is asked for on."""
        return self._states.setdefault(hash(file.path), _state(file.stat)) != _state(file.stat)

    def known(self) -> list[int]:
        """Return what to hand to `keep`, before the trash is listed."""
        return list(self._states)

    def keep(self, known: list[int], files: list[_Kept]) -> None:
        """Forget what was known before the listing and is not there any more."""
        for key in set(known) - {hash(file.path) for file in files}:
            self._states.pop(key, None)


def _state(stat: Stat) -> int:
    return hash((stat.size, stat.mtime_ns))


@dataclass(slots=True)
class Trash:
    """Forgets what is old, and gives back what is not only there. For one job at a time."""

    fs: Fs
    clock: Clock
    seen: Seen = field(default_factory=Seen)
    files: int = 0
    """How many there were at the last look."""

    def give_back(self, rescuer: Rescuer) -> list[Rescued]:
        """Bring back what was written to after it had been deleted, as a conflict copy beside where it was.

        Raises:
            FsError: the trash could not be read, or something could not be moved; it is where it was.
        """
        known = self.seen.known()
        files = [] if self.fs.look(TRASH) is None else self._files()
        self.seen.keep(known, files)
        self.files = len(files)
        now_ns = self._now_ns() if files else 0
        return [rescuer.rescue(file.path, file.place or None) for file in files if self._was_written(file, now_ns)]

    def expire(self) -> int:
        """Remove what is older than 7 days, and the oldest above 5 % of the disk; return how many files went.

        Raises:
            FsError: something could not be read or removed; what was removed before stays so.
        """
        if self.fs.look(TRASH) is None:
            return 0
        today = _day_number(self.clock.local_time("%Y-%m-%d"))
        now_ns = self._now_ns()
        files = [file for file in self._files() if not self._was_written(file, now_ns)]
        room = self.fs.room()[1] * KEEP_PERCENT // 100
        total = sum(file.stat.size for file in files)
        gone = 0
        for file in files:
            if total <= room and not _is_old(file.path[len(TRASH)], today):
                continue
            if self._may_be_open(file, now_ns) or self.fs.look(file.path) != file.stat:
                continue
            self.fs.remove(file.path)
            total -= file.stat.size
            gone += 1
        for day in self._days():
            if _is_old(day, today):  # the folders of a newer day may be in use
                self._remove_empty((*TRASH, day))
        return gone

    def _was_written(self, file: _Kept, now_ns: int) -> bool:
        return self.seen.has_changed(file) or file.was_written(now_ns)

    def _may_be_open(self, file: _Kept, now_ns: int) -> bool:
        """Tell whether a program may still write to a file."""
        is_open = self.fs.is_open(file.path) if file.stat.kind is Kind.FILE else False
        return now_ns - file.stat.ctime_ns < UNTOLD_NS if is_open is None else is_open

    def _now_ns(self) -> int:
        """Return the disk's own time; what a full one does not tell is that of the clock."""
        try:
            return self.fs.now_ns()
        except FsError as error:
            if error.trouble is Trouble.GONE:
                raise
            return self.clock.wall_ms() * 1_000_000

    def _files(self) -> list[_Kept]:
        return [file for day in self._days() for file in self._below((*TRASH, day))]

    def _days(self) -> list[str]:
        return sorted(name for name, stat in self.fs.list(TRASH) if stat.kind is Kind.FOLDER)

    def _below(self, folder: Path) -> Iterator[_Kept]:
        folders = [folder]
        while folders:
            at = folders.pop()
            for name, stat in sorted(self.fs.list(at)):
                if stat.kind is Kind.FOLDER:
                    folders.append((*at, name))
                else:
                    yield _Kept((*at, name), stat)

    def _remove_empty(self, folder: Path) -> None:
        """Remove a folder, and each below it, at any depth, in which there is no file."""
        folders = [folder]
        for at in folders:
            folders += [(*at, name) for name, stat in self.fs.list(at) if stat.kind is Kind.FOLDER]
        for at in reversed(folders):
            try:
                self.fs.remove_folder(at)
            except FsError as error:
                if error.trouble is not Trouble.NOT_EMPTY:
                    raise


def _is_old(day: str, today: int) -> bool:
    """Tell whether a day has been over for a week. A name that is no day is not ours to judge by age."""
    try:
        return _day_number(day) < today - KEEP_DAYS
    except ValueError:
        return False


def _day_number(day: str) -> int:
    """Return the days from 1970 to a day such as 2026-11-23; raise ValueError if it is none."""
    year, month, number = (int(part) for part in day.split("-"))
    return timegm((year, month, number, 0, 0, 0)) // _DAY_S
