"""Files that were exchanged for a newer version: kept until nobody can be writing to them, and then dropped.

They lie in `.cairn/displaced`. There is no table of them: the name of each tells all that is needed to decide about
it, also after a crash. Fields are joined by `-`, numbers are hexadecimal:

    TOKEN     16 digits that make the name unique
    MARK      k: its bytes are an edit that the server does not hold, never to be dropped
              r: the row of it was not sure, so its hash decides; s: it was sure
    LID       of the entry whose content it was
    OWN       inode of our finished download, which has this name until the very exchange; 0 if it never had
    INODE     of the file that is expected to come out of the exchange, with its
    SIZE      in bytes and
    MTIME     in ns, after which it has this name
    SHA       the first 32 digits of its SHA-256, or x where it is not known

So a finished download is given this name, durably, and then the name is exchanged with the target in one step. What is
found under it has the inode OWN if that has not happened; all else is somebody's old content. It is as expected if
inode, size and mtime are, and then the server holds its bytes. If not, a user's save was faster than the exchange, or a
program goes on writing through a handle: it becomes a conflict copy. While a program has it open it stays; where the
system does not tell that, an hour of quiet stands for it. At no moment is there a file that no name decides.

Where the disk cannot exchange, the old file is moved here and the download then to its place. If a run ended between
the two, nothing stands there, and the next one gives the old file its place back before it looks at anything.
"""

from collections.abc import Callable
from dataclasses import dataclass

from client.sync.apply.checks import is_same, sha256_of
from client.sync.apply.mishaps import of_disk
from client.sync.apply.rescue import Rescued, Rescuer
from client.sync.model import DISPLACED, TMP, Kind, LocalEntry, Path, Problem, Stat
from client.sync.outcome import Blocked
from client.sync.seams.clock import Clock
from client.sync.seams.files import Fs, FsError, Listed, Traits, Trouble

QUIET_S = 60.0
"""So long a displaced file must not change before it is dropped."""

UNTOLD_S = 3600.0
"""The same where the system does not tell who has a file open."""

TRUSTED_BYTES = 64 << 20
"""A larger file is not read once more if nothing speaks against it: a store through a mapping may show in no time."""

SETTLE_S = 5.0
"""So long the sweep leaves a file to the job that displaced it."""

UNFINISHED_NS = 24 * 3600 * 1_000_000_000
"""So long an unfinished download is kept for resuming."""

TIDY_S = 3600.0
"""How often it is looked for older ones."""

_SHA = 32
_FIELDS = 8


@dataclass(frozen=True, slots=True)
class Label:
    """What the name of a displaced file tells; see the head of this module."""

    token: str
    mark: str
    lid: int
    own: int
    inode: int
    size: int
    mtime_ns: int
    sha: str | None

    @staticmethod
    def of(entry: LocalEntry, token: str, own: int, *, keep: bool) -> "Label":
        """Return the label for an entry that is about to be displaced by the file of inode `own`."""
        mark = "k" if keep else "s" if entry.sure else "r"
        sha = None if entry.sha256 is None else entry.sha256[:_SHA]
        return Label(token, mark, entry.lid, own, entry.stat.inode, entry.stat.size, entry.stat.mtime_ns, sha)

    @staticmethod
    def read(name: str) -> "Label | None":
        """Return what a name tells, or None if it is no name of ours."""
        fields = name.split("-")
        if len(fields) != _FIELDS or fields[1] not in {"k", "r", "s"}:
            return None
        try:
            lid, own, inode, size, mtime = (_number(each) for each in fields[2:7])
        except ValueError:
            return None
        return Label(fields[0], fields[1], lid, own, inode, size, mtime, None if fields[7] == "x" else fields[7])

    @property
    def path(self) -> Path:
        """Where the file is."""
        numbers = (_digits(each) for each in (self.lid, self.own, self.inode, self.size, self.mtime_ns))
        return (*DISPLACED, "-".join((self.token, self.mark, *numbers, self.sha or "x")))

    def fits(self, stat: Stat, traits: Traits) -> bool:
        """Tell whether a Stat is that of the file that was expected."""
        expected = Stat(Kind.FILE, self.size, self.mtime_ns, 0, self.inode, stat.device, stat.executable)
        return is_same(stat, expected, traits)


def is_expected(fs: Fs, label: Label, stat: Stat, traits: Traits, *, read: bool) -> bool:
    """Tell whether a displaced file holds the bytes that it was expected to hold; raise FsError.

    With `read` its hash is asked even where the Stat fits.
    """
    if label.mark == "k" or stat.kind is not Kind.FILE:
        return False
    if label.fits(stat, traits) and (not read or label.sha is None):
        return True
    return label.sha is not None and sha256_of(fs, label.path)[:_SHA] == label.sha


@dataclass(slots=True)
class _Watched:
    """How a displaced file looked when it was last seen to change, and when that was."""

    stat: Stat
    since_s: float
    touched: bool = False
    checked: bool = False  # it was found to be as expected in this state


PathOf = Callable[[int], Path | None]
"""Tells where the entry of a lid is now, None if it is gone."""


class Displaced:
    """The sweeper of `.cairn/displaced` and `.cairn/tmp`. For the engine's thread."""

    def __init__(self, fs: Fs, clock: Clock, traits: Traits, *, device_name: str) -> None:
        """Sweep in the root `fs`; `device_name` is for the names of conflict copies.

        To be made before any job runs: what is there now was left by an earlier run.
        """
        self.problems: list[Problem] = []
        """What the last sweep could not do."""
        self._fs = fs
        self._clock = clock
        self._traits = traits
        self._rescuer = Rescuer(fs, traits, clock, device_name)
        self._watched: dict[str, _Watched] = {}
        self._left = frozenset(name for name, _ in self._list(DISPLACED))
        self._tidy_s = clock.monotonic_s()
        self.has_any = bool(self._left)
        """Whether the last sweep found anything."""

    def sweep(self, path_of: PathOf) -> list[Rescued]:
        """Drop what was quiet for a minute and is as it was expected; make conflict copies of the rest."""
        self.problems.clear()
        self._tidy()
        rescued: list[Rescued] = []
        listed = self._list(DISPLACED)
        self.has_any = bool(listed)
        self._watched = {name: self._watched[name] for name, _ in listed if name in self._watched}
        for name, stat in listed:
            try:
                done = self._decide(name, stat, path_of)
            except FsError as error:
                if error.trouble is not Trouble.ABSENT:  # a job was faster
                    self._complain(error)
                continue
            if done is not None:
                rescued.append(done)
        return rescued

    def _decide(self, name: str, stat: Stat, path_of: PathOf) -> Rescued | None:
        label = Label.read(name)
        if label is None:
            return self._rescuer.rescue((*DISPLACED, name), None)  # whoever put it there, it is not dropped
        now_s = self._clock.monotonic_s()
        seen = self._watched.setdefault(name, _Watched(stat, now_s))
        was_left = name in self._left
        if not was_left and now_s - seen.since_s < SETTLE_S:
            return None
        place = path_of(label.lid)
        if label.own == stat.inode or self._is_in_place(label, stat, place):
            if was_left:  # else a job is about to give it its place, or has just moved it from there
                self._fs.remove(label.path)
            return None
        if was_left and label.own == 0 and place is not None and self._fs.look(place) is None:
            self._fs.move(label.path, place)
            self._fs.sync_folders([place[:-1], DISPLACED])
            return None
        if stat != seen.stat:
            self._watched[name] = seen = _Watched(stat, now_s, touched=True)
        if self._is_dear(label, stat, seen):
            return self._rescuer.rescue(label.path, place, lid=label.lid)
        return None

    def _is_dear(self, label: Label, stat: Stat, seen: "_Watched") -> bool:
        """Tell whether a displaced file holds what the server does not; drop it if not, once it was quiet."""
        due = self._is_quiet(label, stat, seen, QUIET_S) and not self._is_open(label, stat, seen)
        if seen.checked and not due:
            return False
        read = due and (seen.touched or label.mark == "r" or label.size <= TRUSTED_BYTES)
        if not is_expected(self._fs, label, stat, self._traits, read=read):
            return True
        seen.checked = True
        if due and self._fs.look(label.path) == stat:
            self._fs.remove(label.path)
        return False

    def _is_open(self, label: Label, stat: Stat, seen: "_Watched") -> bool:
        """Tell whether a program may still write to a file that was quiet for a minute."""
        is_open = None if stat.kind is not Kind.FILE else self._fs.is_open(label.path)
        return not self._is_quiet(label, stat, seen, UNTOLD_S) if is_open is None else is_open

    def _is_quiet(self, label: Label, stat: Stat, seen: "_Watched", seconds: float) -> bool:
        """Tell whether a file did not change for so long; one that an earlier run left, by the disk's clock.

        Runs with `--once` are short.
        """
        if self._clock.monotonic_s() - seen.since_s >= seconds:
            return True
        return label.path[-1] in self._left and self._fs.now_ns() - stat.ctime_ns >= seconds * 1e9

    def _is_in_place(self, label: Label, stat: Stat, place: Path | None) -> bool:
        """Tell whether this is but a second link of the file at its path: some disks move by linking and unlinking."""
        if place is None or not (self._traits.stable_inodes or label.own == 0):
            return False
        now = self._fs.look(place)
        return now is not None and (now.inode, now.device) == (stat.inode, stat.device)

    def _tidy(self) -> None:
        """Remove unfinished downloads that nobody went on with for a day; look for them each hour."""
        if self._clock.monotonic_s() < self._tidy_s:
            return
        self._tidy_s = self._clock.monotonic_s() + TIDY_S
        try:
            now_ns = self._fs.now_ns()
            for name, stat in self._list(TMP):
                if stat.kind is Kind.FILE and now_ns - stat.ctime_ns > UNFINISHED_NS:
                    self._fs.remove((*TMP, name))
        except FsError as error:
            self._complain(error)

    def _list(self, folder: Path) -> list[Listed]:
        try:
            return sorted(self._fs.list(folder))
        except FsError as error:
            if error.trouble is not Trouble.ABSENT:
                self._complain(error)
            return []

    def _complain(self, error: FsError) -> None:
        shown = "/".join(error.path)
        outcome = of_disk(error, shown)
        message = f"What was here before could not be given back yet: {error}."
        self.problems.append(outcome.problem if isinstance(outcome, Blocked) else Problem(shown, "other", message))


def _digits(number: int) -> str:
    return f"m{-number:x}" if number < 0 else f"{number:x}"  # a time before 1970; `-` parts the fields


def _number(digits: str) -> int:
    return -int(digits[1:], 16) if digits.startswith("m") else int(digits, 16)
