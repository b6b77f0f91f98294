"""The observer: what is to be looked at, when, and in which order (section 6 of the design).

Events name paths to look at and decide nothing. A look at a path, or at a whole folder, brings the rows in step.
The engine's thread calls it between other things, and gives it a budget.
"""

from collections import deque

from client.sync.model import PARKED, PARKED_LID, ROOT_LID, Kind, LocalEntry, Path, Problem, Stat
from client.sync.observe.entries import Entries
from client.sync.observe.listing import Listing
from client.sync.observe.moves import Folder
from client.sync.observe.rows import children, files_below, renumber_device, row_at
from client.sync.observe.rules import FILE_NAME, Rules
from client.sync.observe.timers import Timers
from client.sync.observe.unknown import Unknown
from client.sync.seams.clock import Chance, Clock
from client.sync.seams.files import Fs, FsError, Hint, Traits, Trouble, Watch
from client.sync.trees.state import State

JOIN_S = 0.1
"""Events at one path within this time are one look."""

SCAN_S = 3600.0
POLL_S = 30.0
"""How often what the system does not tell of is looked at."""

CROWD = 16
"""So many paths in one folder cost more, one by one, than a listing of it."""

LOST_S = 5.0
SUSPEND_MS = 30_000
"""A gap between both clocks that means suspend, or a clock that was set: scan."""

_DEVICE = "root_device"
_SCAN = ("scan", ())
_POLL = ("poll", ())
_ROOT = ("root", ())


class Observer:
    """Keeps the local tree in step with the disk. All calls are the engine thread's."""

    def __init__(
        self,
        state: State,
        fs: Fs,
        watch: Watch,
        clock: Clock,
        rules: Rules,
        traits: Traits,
        *,
        once: bool,
        chance: Chance | None = None,
    ) -> None:
        """Begin with nothing looked at: `scan_all` is the first call. With `once` nothing waits for files to rest."""
        self._state = state
        self._fs = fs
        self._watch = watch
        self._clock = clock
        self._traits = traits
        self._once = once
        self._chance = chance
        self._timers = Timers()
        self._unknown = Unknown()
        self._paths: dict[Path, bool] = {}
        self._closed: dict[Path, bool] = {}
        self._folders: deque[int] = deque()
        self._held_folders: set[Path] = set()
        self._put_off: list[tuple[int, bool]] = []
        self._stirred = True
        self._rules_row = state.local_child(ROOT_LID, FILE_NAME)
        self._gap_ms: float | None = None
        self._root: Stat | None = None
        self._spellings: dict[Path, frozenset[str]] = {}
        self._entries = Entries(
            *(state, fs, watch, clock, rules, traits, self._unknown, self._timers, self._enqueue), once=once
        )
        self._listing = Listing(
            *(state, fs, watch, clock, traits, self._entries, self._unknown, self._timers, self._enqueue), once=once
        )

    # What is to be looked at

    @property
    def rules(self) -> Rules:
        """The rules in force."""
        return self._entries.rules

    def set_rules(self, rules: Rules) -> None:
        """Take other rules: all is looked at again, and no delete follows from that."""
        if rules.digest != self._entries.rules.digest:
            self._entries.rules = rules
            self.scan_all()

    def scan_all(self) -> None:
        """Look at everything."""
        self._folders.clear()
        self._unknown.pending.clear()
        self._put_off.clear()
        self._enqueue(ROOT_LID, True)  # noqa: FBT003 - all below it
        self._enqueue(PARKED_LID, True)  # noqa: FBT003 - all below it
        if self._once:
            return
        jitter = 1.0 if self._chance is None else self._chance.uniform(0.9, 1.1)
        self._timers.set(_SCAN, self._clock.monotonic_s() + (SCAN_S if self._traits.events else POLL_S) * jitter)

    def hint(self, hint: Hint) -> None:
        """Hear of an event."""
        if hint.path is None:
            self.scan_all()
            return
        self._closed[hint.path] = hint.closed or self._closed.get(hint.path, False)
        self._timers.set_first(("hint", hint.path), self._clock.monotonic_s() + JOIN_S)

    def look_again(self, path: Path) -> None:
        """Look at a path at the next step: a job found something else there, or changed it."""
        self._paths.setdefault(path, False)

    def read_again(self, lid: int) -> None:
        """Have a file read once more whose content was read within one step of the disk's clock after a change.

        A change during that read shows in nothing else, and its event may have come before there was a hash to doubt.
        """
        row = self._state.local(lid)
        if row is not None and row.sha256 is not None and not row.sure:
            self._timers.set(("racy", lid), self._clock.monotonic_s() + self._traits.step_ns / 1e9 + JOIN_S)

    def hold(self, *paths: Path) -> None:
        """Pass over these paths and what is below them: a job of the engine's works there."""
        self._entries.held.update(paths)
        for path in paths:
            row = self._row_at(path)
            if row is not None and row.is_folder:
                self._held_folders.add(path)

    def release(self, *paths: Path) -> None:
        """Let go of paths: what the job did there is in the rows by now. What was passed over is looked at."""
        for path in paths:
            for passed in self._entries.release(path):
                self.look_again(passed)
            row = self._row_at(path)
            if row is not None and row.is_folder:
                self._enqueue(row.lid, True)  # noqa: FBT003 - made or moved by us: it is to be watched, with all below
            elif path in self._held_folders or _is_parked(path):
                self._watch.forget(path)
                self._entries.forget_below(path)
            self._held_folders.discard(path)
        for lid, deep in self._put_off:
            self._enqueue(lid, deep)
        self._put_off.clear()

    def tick(self) -> None:
        """Notice suspend, and a clock that was set: both leave events behind."""
        gap_ms = self._clock.wall_ms() - self._clock.monotonic_s() * 1000
        if self._gap_ms is not None and abs(gap_ms - self._gap_ms) > SUSPEND_MS:
            self.scan_all()
        self._gap_ms = gap_ms

    def step(self, budget: int) -> bool:
        """Look at up to `budget` paths or folders; return whether more is to be done now.

        Raises:
            StateError: the state cannot be written.
        """
        self._entries.begin_batch()
        self._spellings.clear()
        try:
            self._take_due()
            self._gather()
            if self._unknown.lost or not self.is_idle:
                self._check_root()
            if self._unknown.lost or self.is_idle:
                return False
            with self._state.transaction():
                self._work(budget)
        except FsError as error:
            if error.trouble is not Trouble.GONE:
                raise
            self._lose()
        return not self.is_idle and not self._unknown.lost

    def next_due_s(self) -> float | None:
        """Return the monotonic second at which something falls due that was not to be done now."""
        return self._timers.next_s()

    # What is known

    @property
    def is_idle(self) -> bool:
        """Whether nothing is to be looked at now; timers may run."""
        return not self._paths and not self._folders

    @property
    def is_lost(self) -> bool:
        """Whether the root is not there, or is another: nothing is certain then, and nothing is looked at."""
        return self._unknown.lost

    def is_certain(self, lid: int) -> bool:
        """Tell whether an entry, and each folder above it, is known as it is on disk."""
        return self._unknown.is_certain(self._state, lid)

    def unresolved(self) -> int:
        """Return how many things time will tell: missing, restless or renamed ones, and what waits to be looked at.

        What only a person can mend is in `problems`.
        """
        waiting = len(self._paths) + len(self._folders) + len(self._put_off) + len(self._closed)
        unsettled = len(self._unknown.missing) + len(self._entries.settling) + self._entries.renames_held
        changing = sum(problem.code == "busy" for problem in self._unknown.broken.values())
        return waiting + unsettled + changing + self._unknown.lost

    def unread(self) -> list[Path]:
        """Return the files that are left alone until they rest: what is in them now is known to nobody else."""
        return self._entries.settling.paths()

    def missing_files(self) -> int:
        """Return how many files are not at their place, and not yet taken for absent."""
        return files_below(self._state, self._unknown.missing)

    def holds_others(self, lid: int) -> bool:
        """Tell whether a folder on disk holds what has no row: ignored things, links, special files, odd names."""
        return lid in self._unknown.others

    def problems(self) -> list[Problem]:
        """Return what a person should know of, by path."""
        found = [problem for names in self._unknown.problems.values() for problem in names.values()]
        found += self._unknown.broken.values()
        if self._listing.polled:
            found.append(Problem("", "watch_limit", "The system watches no more folders: some are only polled."))
        return sorted(found, key=lambda problem: (problem.path, problem.code))

    def stirred(self) -> bool:
        """Tell whether a plan may come out differently than before the last call: something was looked at."""
        stirred, self._stirred = self._stirred, False
        return stirred

    def rules_touched(self) -> bool:
        """Tell whether `.cairnignore` was changed since the last call: then read it, and set the rules."""
        before, self._rules_row = self._rules_row, self._state.local_child(ROOT_LID, FILE_NAME)
        return (before and before.stat) != (self._rules_row and self._rules_row.stat)

    def newly_ignored(self) -> list[int]:
        """Return the entries that rules took out of view since the last call; their rows are gone already."""
        lids, self._entries.newly_ignored = self._entries.newly_ignored, []
        return lids

    def to_hash(self) -> list[int]:
        """Return the entries that a scan found racy since the last call: each is to be read once more."""
        lids, self._listing.racy = self._listing.racy, []
        return lids

    def unknown(self) -> list[tuple[str, str]]:
        """Return the paths that could not be looked at, and why."""
        return sorted((problem.path, problem.message) for problem in self._unknown.broken.values())

    @property
    def is_watching(self) -> bool:
        """Whether the system tells of changes: false where all is polled."""
        return self._traits.events and ROOT_LID not in self._listing.polled

    @property
    def polled_folders(self) -> int:
        """How many folders are polled since the system watches no more."""
        return len(self._listing.polled)

    # The work

    def _enqueue(self, lid: int, deep: bool) -> None:  # noqa: FBT001 - a callback of one shape
        if lid not in self._unknown.pending:
            self._folders.append(lid)
        self._unknown.pending[lid] = deep or self._unknown.pending.get(lid, False)

    def _take_due(self) -> None:
        for what, subject in self._timers.pop(self._clock.monotonic_s()):
            if isinstance(subject, int):
                self._take_lid_due(what, subject)
            elif what == "scan":
                self.scan_all()
            elif what == "poll":
                self._listing.poll()
            elif what in {"hint", "look"}:
                self._paths[subject] = self._paths.get(subject, False) or self._closed.pop(subject, False)

    def _gather(self) -> None:
        """Look at the whole folder where many of its entries are to be looked at."""
        if len(self._paths) < CROWD:
            return
        crowds: dict[Path, list[Path]] = {}
        for path in self._paths:
            if path:
                crowds.setdefault(path[:-1], []).append(path)
        for folder, paths in crowds.items():
            lid = self._state.lid_at(folder) if len(paths) >= CROWD else None
            if lid is not None:
                closed = {path[-1] for path in paths if self._paths.pop(path)}
                self._listing.closed.setdefault(lid, set()).update(closed)
                self._enqueue(lid, False)  # noqa: FBT003 - it alone

    def _take_lid_due(self, what: str, lid: int) -> None:
        if what == "retry":
            if lid in self._unknown.broken and self._unknown.can_list(lid):
                self._enqueue(lid, True)  # noqa: FBT003 - all below it
        elif what == "list":
            self._enqueue(lid, False)  # noqa: FBT003 - it alone
        elif what == "racy":
            self._listing.racy.append(lid)
            self._stirred = True
        elif lid in self._unknown.missing and (row := self._state.local(lid)) is not None:
            self._enqueue(row.parent, False)  # noqa: FBT003 - it alone

    def _work(self, budget: int) -> None:
        while budget > 0 and not self.is_idle:
            budget -= 1
            if self._paths:
                path = next(iter(self._paths))
                self._look(path, closed=self._paths.pop(path))
                continue
            lid = self._folders.popleft()
            deep = self._unknown.pending.pop(lid, None)
            if deep is None:
                continue  # its row is gone
            if self._is_held(lid):
                self._put_off.append((lid, deep))
            else:
                self._stirred = True
                self._listing.bring(lid, deep=deep)

    def _is_held(self, lid: int) -> bool:
        try:
            return self._entries.is_held(self._state.path_of(lid))
        except KeyError:
            return False

    def _look(self, path: Path, *, closed: bool) -> None:
        """Look at a path, or at the first on the way to it that is not known."""
        if _is_parked(path):
            self._enqueue(PARKED_LID, False)  # noqa: FBT003 - it alone
            return
        lid, device = ROOT_LID, self._root.device if self._root is not None else 0
        for end, name in enumerate(path, 1):
            row = row_at(self._state, lid, name)
            if end == len(path) or row is None or not row.is_folder:
                if end < len(path):
                    self._entries.forget_file(path)  # if it is there, it is met in the listing of its folder
                self._look_at(Folder(lid, path[: end - 1], device), name, row, closed=closed and end == len(path))
                return
            if row.lid in self._unknown.missing:  # its path may be that of another folder, in another spelling
                self._enqueue(lid, False)  # noqa: FBT003 - it alone
                return
            lid, device = row.lid, row.stat.device
        self._enqueue(ROOT_LID, False)  # noqa: FBT003 - it alone

    def _look_at(self, folder: Folder, name: str, row: LocalEntry | None, *, closed: bool) -> None:
        path = (*folder.path, name)
        if self._entries.pass_over(path):
            return
        if folder.lid in self._unknown.broken:
            return
        try:
            stat = self._fs.look(path) if self._is_spelled(folder, name) else None
        except FsError as error:
            if error.trouble is Trouble.GONE:
                raise
            self._enqueue(folder.lid, False)  # noqa: FBT003 - it alone
            return
        if row is not None and self._is_as_known(stat, row):
            self._entries.forget_file(path)
            if row.sha256 is not None and not row.sure:
                self._listing.racy.append(row.lid)  # a write within one step of the disk's clock shows in nothing else
                self._stirred = True
            return  # what we did ourselves comes back as events
        self._stirred = True
        if stat is None and row is None and folder.path:
            self._check_folder(folder)
        self._entries.look(folder, name, stat, row, closed=closed)

    def _is_as_known(self, stat: Stat | None, row: LocalEntry) -> bool:
        if stat is None or stat.device != row.stat.device or self._unknown.is_noted(row.lid):
            return False
        return self._entries.is_same(stat, row.stat)

    def _is_spelled(self, folder: Folder, name: str) -> bool:
        """Tell whether something can stand under just this name: a disk that knows no case finds it by any other too.

        What stands there under another spelling is met in the listing of its folder.
        """
        if self._traits.tells_spellings:
            return True
        if folder.path not in self._spellings:
            self._spellings[folder.path] = listed = frozenset(each.name for each in self._fs.list(folder.path))
            if not all(row[0] in listed for row in children(self._state, folder.lid)):
                self._enqueue(folder.lid, False)  # noqa: FBT003 - it alone: an event may mean one by another spelling
        if name in self._spellings[folder.path]:
            return True
        if self._fs.look((*folder.path, name)) is not None:
            self._enqueue(folder.lid, False)  # noqa: FBT003 - it alone
        return False

    def _row_at(self, path: Path) -> LocalEntry | None:
        lid = ROOT_LID
        row: LocalEntry | None = None
        for name in path:
            if (row := row_at(self._state, lid, name)) is None:
                return None
            lid = row.lid
        return row

    def _check_folder(self, folder: Folder) -> None:
        """Have a folder looked at that may be gone itself, since nothing was found in it."""
        row = self._state.local(folder.lid)
        try:
            found = self._fs.look(folder.path)
        except FsError as error:
            if error.trouble is Trouble.GONE:
                raise
            found = None
        if row is None or found is None or found.inode != row.stat.inode:
            self._paths.setdefault(folder.path, False)

    # The root

    def _check_root(self) -> None:
        """Notice a root that is gone, or is another; take new device numbers at the start."""
        try:
            found = self._fs.look(())
        except FsError:
            found = None
        if found is None or found.kind is not Kind.FOLDER:
            self._lose()
            return
        if self._root is None:
            self._begin_on(found)
        elif (found.device, found.inode) != (self._root.device, self._root.inode):
            self._lose()
            return
        if self._unknown.lost:
            self._unknown.lost = False
            self.scan_all()

    def _begin_on(self, root: Stat) -> None:
        before = self._state.meta(_DEVICE)
        if before != str(root.device):
            with self._state.transaction():
                if before is not None:
                    renumber_device(self._state, int(before), root.device)
                self._state.set_meta(_DEVICE, str(root.device))
        self._root = root
        self._listing.device = root.device

    def _lose(self) -> None:
        self._unknown.lost = True
        self._stirred = True
        self._timers.set_first(_ROOT, self._clock.monotonic_s() + LOST_S)


def _is_parked(path: Path) -> bool:
    return path[: len(PARKED)] == PARKED
