"""What stands at one name, and the row for it: how one becomes the other (section 6 of the design)."""

from collections import Counter
from collections.abc import Callable

from client.sync.model import LASTING, Kind, LocalEntry, Path, Problem, Stat
from client.sync.observe.elsewhere import Elsewhere, is_nameless
from client.sync.observe.moves import Folder, Moves
from client.sync.observe.parked import parked_lid
from client.sync.observe.rows import below, is_decodable, renumber_device
from client.sync.observe.rules import Rules
from client.sync.observe.settling import Settling
from client.sync.observe.timers import Timers
from client.sync.observe.unknown import MOUNT, Unknown
from client.sync.seams.clock import Clock
from client.sync.seams.files import Fs, FsError, Traits, Trouble, Watch
from client.sync.trees.state import State

ABSENT_S = 10.0
ABSENT_ONCE_S = 1.0
"""How long after the first look something must still be missing before it is absent."""

RENAME_S = 2.0
FS_CLOCK_S = 0.05  # the file system is asked for its time as often as that
"""How long a file's rename within its folder is held: a safe save may put a new file under the old name."""

_LINK = "A link stands here: links are not synced."
_SPECIAL = "It is a device, a pipe or a socket: these are not synced."
_NAME = "Its name is not UTF-8: rename it."


class Entries:
    """Brings rows in step with what is seen, name by name."""

    def __init__(
        self,
        state: State,
        fs: Fs,
        watch: Watch,
        clock: Clock,
        rules: Rules,
        traits: Traits,
        unknown: Unknown,
        timers: Timers,
        enqueue: Callable[[int, bool], None],
        *,
        once: bool,
    ) -> None:
        """Write to `state`; `enqueue` has a folder listed, and with True all below it."""
        self.rules = rules
        self.held: Counter[Path] = Counter()
        self.newly_ignored: list[int] = []
        self.settling = Settling(once=once)
        self._state = state
        self._fs = fs
        self._watch = watch
        self._clock = clock
        self._traits = traits
        self._unknown = unknown
        self._timers = timers
        self._enqueue = enqueue
        self._once = once
        self._moves = Moves(state, fs, traits, self.is_held)
        self._elsewhere = Elsewhere(state, fs, clock, traits, unknown, self._moves)
        self._passed: dict[Path, dict[Path, None]] = {}
        self._renames: dict[Path, tuple[int, float]] = {}
        self._fs_now: tuple[int, float] | None = None

    @property
    def renames_held(self) -> int:
        """How many renames are held."""
        return len(self._renames)

    def begin_batch(self) -> None:
        """Ask the file system for its time again when it is next needed."""
        self._fs_now = None

    def is_held(self, path: Path) -> bool:
        """Tell whether the engine itself works at a path, or above it."""
        return self._held_above(path) is not None

    def pass_over(self, path: Path) -> bool:
        """Tell whether a path is held, and remember then that it was to be looked at."""
        held = self._held_above(path)
        if held is None:
            return False
        self._passed.setdefault(held, {})[path] = None
        return True

    def release(self, path: Path) -> list[Path]:
        """Let go of a held path; return what was to be looked at there meanwhile."""
        self.held[path] -= 1
        if self.held[path] > 0:
            return []
        del self.held[path]
        return list(self._passed.pop(path, ()))

    def _held_above(self, path: Path) -> Path | None:
        if not self.held:
            return None
        return next((path[:end] for end in range(1, len(path) + 1) if path[:end] in self.held), None)

    def look(self, folder: Folder, name: str, stat: Stat | None, row: LocalEntry | None, *, closed: bool) -> None:
        """Bring the row at a name in step with what stands there.

        Args:
            folder: is known, and not held.
            name: as found on disk.
            stat: None if nothing stands there, which needs the folder's listing before it is believed.
            row: that has this place.
            closed: it can be read at once.
        """
        path = (*folder.path, name)
        if self.held and self.pass_over(path):
            return
        if stat is None or stat.kind is not Kind.FILE:
            self.forget_file(path)
        if stat is None:
            self._meet_nothing(folder, path, row)
            return
        ignored = self.rules.matches(path, stat.kind is Kind.FOLDER)
        problem = None if ignored else _problem(path, stat)
        self._unknown.set_problem(folder.path, name, problem)
        if ignored or problem is not None:
            self._unknown.others.add(folder.lid)
        if row is None and (ignored or (problem is not None and problem.code == "name")):
            self._elsewhere.note(path, stat)
        else:
            self._elsewhere.forget(path)
        if ignored:
            self._meet_ignored(path, stat, row)
        elif problem is None:
            self._meet(folder, path, stat, row, closed=closed)
        elif row is not None:
            self._unknown.seen(row.lid)
            self._unknown.odd.add(row.lid)
            self._unknown.broken.pop(row.lid, None)

    def miss(self, lid: int, *, listed: bool = False) -> None:
        """Take note that an entry is not at its place.

        With `listed` its folder was just listed whole and does not hold it, or holds something else of that name.
        """
        if lid in self._unknown.odd and self._elsewhere.place_of(lid) is not None:
            return
        now = self._clock.monotonic_s()
        since = self._unknown.missing.setdefault(lid, now)
        self._unknown.odd.discard(lid)
        self._unknown.broken.pop(lid, None)
        if not listed or now < since + self._delay_s:
            self._timers.set_first(("gone", lid), since + self._delay_s)
        elif any(self._unknown.pending.values()) or any(lid == held for held, _ in self._renames.values()):
            self._timers.set(("gone", lid), now + 1.0)  # a scan may yet find where it went, or it was found
        else:
            self._drop(lid, since)

    def meet_parked(self, folder: Folder, name: str, stat: Stat) -> None:
        """Take in what waits out of its place without a row: the engine stopped between its rename and the note of it.

        If it is known no more whose it is, it is a new entry, which is brought out to where people look.
        """
        lid = parked_lid(name)
        row = None if lid is None else self._state.local(lid)
        if row is not None and self._moves.is_moved_from(row, folder, name, stat):
            self._move(row, folder, (*folder.path, name), stat)
        elif _problem((*folder.path, name), stat) is None:
            self._put(LocalEntry(self._state.new_lid(), folder.lid, name, stat))

    def look_at_parked(self, lid: int, stat: Stat) -> None:
        """Bring the row of a file that waits out of its place in step: a program that has it open may write on."""
        row = self._state.local(lid)
        if row is not None and row.stat.kind is stat.kind is Kind.FILE and not self.is_same(stat, row.stat):
            self._put(LocalEntry(lid, row.parent, row.name, stat))

    def forget_file(self, path: Path) -> None:
        """Stop to wait for a path."""
        self.settling.forget(path)
        self._renames.pop(path, None)

    def forget_below(self, folder: Path) -> None:
        """Stop to wait for all that is below a folder: it is gone, or has another place."""
        self.settling.forget_below(folder)
        for path in [path for path in self._renames if path[: len(folder)] == folder]:
            del self._renames[path]

    def waiting_in(self, folder: Path) -> list[str]:
        """Return the names in a folder that are waited for."""
        return [*self.settling.names_in(folder), *(path[-1] for path in self._renames if path[:-1] == folder)]

    def recheck(self, path: Path) -> None:
        """Have a path looked at soon."""
        self._timers.set(("look", path), self._clock.monotonic_s())

    def forget_row(self, lid: int) -> None:
        """Take an entry that is out of view, with all below it, out of the trees: no delete follows from that."""
        lids = below(self._state, lid)
        for each in lids:
            if (tie := self._state.synced_at(each)) is not None:
                self._state.drop_synced(tie.id)
        self._state.out_of_view.update(lids)  # what is under way for one may end later
        self._drop_row(lid)

    # What is met

    @property
    def _delay_s(self) -> float:
        return ABSENT_ONCE_S if self._once else ABSENT_S

    def _meet(self, folder: Folder, path: Path, stat: Stat, row: LocalEntry | None, *, closed: bool) -> None:
        if row is not None and row.stat.kind is stat.kind:
            self._meet_known(folder, path, stat, row, closed=closed)
            return
        if row is not None:
            self.miss(row.lid, listed=True)  # as good as absent: another kind of thing has its place
        if row is None or self._state.local(row.lid) is None:
            self._meet_new(folder, path[-1], stat, closed=closed)
        else:
            self._timers.set(("look", path), self._clock.monotonic_s() + self._delay_s + 0.1)

    def _meet_nothing(self, folder: Folder, path: Path, row: LocalEntry | None) -> None:
        self._unknown.set_problem(folder.path, path[-1], None)
        self._forget_elsewhere(path)
        if row is not None:
            self.miss(row.lid)
        elif folder.lid in self._unknown.others:
            self._timers.set_first(("list", folder.lid), self._clock.monotonic_s() + RENAME_S)

    def _meet_ignored(self, path: Path, stat: Stat, row: LocalEntry | None) -> None:
        self.forget_file(path)
        if row is not None:
            self.newly_ignored.append(row.lid)
            self.forget_row(row.lid)
            self._elsewhere.note(path, stat)

    def _meet_new(self, folder: Folder, name: str, stat: Stat, *, closed: bool) -> None:
        path = (*folder.path, name)
        held = self._renames.get(path, (None, 0.0))[0]
        row = self._moves.find(folder, name, stat, self._unknown.missing, proven=held)
        if row is not None:
            if self._must_wait(folder, path, stat, row):
                return
            self._move(row, folder, path, stat)
            return
        self._renames.pop(path, None)
        if stat.kind is Kind.FILE and self._must_settle(path, stat, closed=closed):
            return
        self._put(LocalEntry(self._state.new_lid(), folder.lid, name, stat))

    def _meet_known(self, folder: Folder, path: Path, stat: Stat, row: LocalEntry, *, closed: bool) -> None:
        was_left_alone = row.lid in self._unknown.odd or row.lid in self._unknown.missing  # nor was it watched
        self._unknown.seen(row.lid)
        self._renames.pop(path, None)
        if stat.device != row.stat.device and not self._is_renumbered(folder, stat, row):
            problem = Problem("/".join(path), "other", MOUNT)
            self._unknown.broken[row.lid] = problem
            return
        if not self._unknown.can_list(row.lid):
            del self._unknown.broken[row.lid]
            was_left_alone = True
        if was_left_alone and row.is_folder:
            self._enqueue(row.lid, True)  # noqa: FBT003 - all below it
        if self.is_same(stat, row.stat):
            self.forget_file(path)
            self._unknown.restless.pop(row.lid, None)
            if was_left_alone and row.sha256 is not None and not row.sure:
                # It may be another file, written within one step of the disk's clock, and nothing else tells of that.
                self._timers.set(("racy", row.lid), self._clock.monotonic_s())
        elif stat.kind is Kind.FILE and self._must_settle(path, stat, closed=closed):
            self._unknown.restless[row.lid] = path
        else:
            self._unknown.restless.pop(row.lid, None)
            if row.is_folder and stat.inode != row.stat.inode:
                self._watch.forget(path)
            self._put(LocalEntry(row.lid, row.parent, row.name, stat), before=row)
            if not row.is_folder:
                self._recheck_links(row.lid, stat)

    def _recheck_links(self, lid: int, stat: Stat) -> None:
        """Look at the other names of a file that was changed through one: nothing tells of a change of them."""
        if not self._traits.stable_inodes:
            return
        for other in self._state.locals_with_inode(stat.inode):
            is_link = other.lid != lid and not other.is_folder and other.stat.device == stat.device
            if is_link and not self.is_same(stat, other.stat):
                self.recheck(self._state.path_of(other.lid))

    def _is_renumbered(self, folder: Folder, stat: Stat, row: LocalEntry) -> bool:
        """Tell whether the same mount has another number; what is a mount now and was none, or the reverse, is not.

        Nor is it where the number would have lasted: then another disk is mounted there.
        """
        if folder.device in {stat.device, row.stat.device} or stat.inode != row.stat.inode:
            return False
        if row.stat.device >= LASTING:
            return False
        renumber_device(self._state, row.stat.device, stat.device)
        return True

    def _must_settle(self, path: Path, stat: Stat, *, closed: bool) -> bool:
        now_s = self._clock.monotonic_s()
        wait = self.settling.wait_s(path, stat, now_s, self._fs_now_ns(now_s), closed=closed)
        if wait is not None:
            self._timers.set(("look", path), now_s + wait)
        return wait is not None

    def _must_wait(self, folder: Folder, path: Path, stat: Stat, row: LocalEntry) -> bool:
        """Hold the rename of a file within its folder: if a new file takes the old name, that one is the file."""
        quick = self._once or stat.kind is not Kind.FILE or row.parent != folder.lid
        if quick or self._moves.is_case_only(row, folder, path[-1]):
            return False
        now = self._clock.monotonic_s()
        lid, since = self._renames.get(path, (row.lid, now))
        if lid == row.lid and now >= since + RENAME_S:
            return False
        self._renames[path] = (row.lid, since if lid == row.lid else now)
        self._timers.set(("look", path), self._renames[path][1] + RENAME_S)
        self.miss(row.lid)
        return True

    def _move(self, row: LocalEntry, folder: Folder, path: Path, stat: Stat) -> None:
        before = self._state.path_of(row.lid)
        self._renames.pop(path, None)
        self._unknown.forget(row.lid)
        self._timers.cancel(("gone", row.lid))
        self.forget_file(before)
        self.forget_file(path)
        if row.is_folder:
            self._watch.forget(before)
            self._unknown.drop_problems_below(before)
            self.forget_below(before)
        # ctime changes with a rename, so that the content counts as unread; below a folder nothing changes.
        self._put(LocalEntry(row.lid, folder.lid, path[-1], stat))

    def _put(self, entry: LocalEntry, before: LocalEntry | None = None) -> None:
        self._state.put_local(entry)
        if entry.is_folder:
            is_same = before is not None and entry.stat.inode == before.stat.inode
            self._enqueue(entry.lid, not is_same)

    def is_same(self, now: Stat, before: Stat) -> bool:
        """Compare what the fast path does; `executable` as well, for disks without ctime.

        A folder is told by its number on every disk: another in its place, of the same times, has no watch yet.
        """
        times = (now.mtime_ns, now.ctime_ns) == (before.mtime_ns, before.ctime_ns)
        same = times and (now.kind, now.size, now.executable) == (before.kind, before.size, before.executable)
        counts = self._traits.stable_inodes or now.kind is Kind.FOLDER
        return same and (now.inode == before.inode or not counts)

    def _drop(self, lid: int, since_s: float) -> None:
        """Take it for absent; or, if it was found at an ignored place, for out of view.

        Under a name that is not UTF-8 it stays here alone, as it was in step, until a person renames it.
        """
        lids = below(self._state, lid)
        left = self._elsewhere.find(lids, since_s)
        if lid in left and is_nameless(left[lid]):
            self._leave_alone(lid)
            return
        for each in lids:
            if each in left and self._state.local(each) is not None:
                self.forget_row(each)
        self._drop_row(lid)

    def _leave_alone(self, lid: int) -> None:
        row, path = self._state.local(lid), self._state.path_of(lid)
        if row is not None and row.is_folder:
            self._watch.forget(path)
            self._unknown.drop_problems_below(path)
            self.forget_below(path)
        for each in below(self._state, lid)[1:]:
            self._unknown.forget(each)
            self._timers.cancel(("gone", each))
        del self._unknown.missing[lid]
        self._unknown.odd.add(lid)

    def _forget_elsewhere(self, path: Path) -> None:
        """Look again at what was left alone at a place, or below it, where nothing stands any more."""
        self._elsewhere.forget(path)
        for lid, place in list(self._unknown.left.items()):
            if lid in self._unknown.odd and place[: len(path)] == path and self._state.local(lid) is not None:
                self.recheck(self._state.path_of(lid))

    def _drop_row(self, lid: int) -> None:
        row = self._state.local(lid)
        if row is None:
            return
        path = self._state.path_of(lid)
        if row.is_folder:
            self._watch.forget(path)
            self._unknown.drop_problems_below(path)
            self.forget_below(path)
        for each in below(self._state, lid):
            self._unknown.forget(each)
            self._timers.cancel(("gone", each))
        self._state.drop_local(lid)

    def _fs_now_ns(self, now_s: float) -> int:
        """Return the file system's time; what a full or read-only disk does not tell is reckoned on."""
        if self._fs_now is None or now_s - self._fs_now[1] > FS_CLOCK_S:
            try:
                self._fs_now = (self._fs.now_ns(), now_s)
            except FsError as error:
                if error.trouble is Trouble.GONE:
                    raise
                self._fs_now = (self._clock.wall_ms() * 1_000_000, now_s)
        return self._fs_now[0]


def _problem(path: Path, stat: Stat) -> Problem | None:
    """Return why an entry is never synced."""
    if not is_decodable(path[-1]):
        return Problem("/".join(path), "name", _NAME)
    if stat.kind is Kind.LINK:
        return Problem("/".join(path), "link", _LINK)
    if stat.kind is Kind.OTHER:
        return Problem("/".join(path), "special", _SPECIAL)
    return None
