"""A whole folder: what it holds, compared with its rows; only what differs becomes an object."""

from collections.abc import Callable

from client.sync.model import PARKED, PARKED_LID, ROOT_LID, Kind, Path, Problem
from client.sync.observe.entries import Entries
from client.sync.observe.hashing import problem_of
from client.sync.observe.moves import Folder
from client.sync.observe.rows import Row, children, row_at
from client.sync.observe.timers import Timers
from client.sync.observe.unknown import Unknown
from client.sync.seams.clock import Clock
from client.sync.seams.files import Fs, FsError, Listed, Traits, Trouble, Watch
from client.sync.trees.state import State

FIRST_RETRY_S = 2.0
LAST_RETRY_S = 600.0
LAST_RETRY_ONCE_S = 8.0
POLL_S = 30.0
_FOLDER = Kind.FOLDER.value
_MOVED = "It was moved or replaced while it was listed: it is looked at again."


class Listing:
    """Lists folders, and remembers which are polled and which files are to be read again."""

    def __init__(
        self,
        state: State,
        fs: Fs,
        watch: Watch,
        clock: Clock,
        traits: Traits,
        entries: Entries,
        unknown: Unknown,
        timers: Timers,
        enqueue: Callable[[int, bool], None],
        *,
        once: bool,
    ) -> None:
        """Hand what differs to `entries`. With `once` nothing is polled, and a failure tried again but three times."""
        self.device = 0
        self.polled: set[int] = set()
        self.racy: list[int] = []
        self.closed: dict[int, set[str]] = {}
        """Names in folders that are to be listed whose writers have closed them: they can be read at once."""
        self._state = state
        self._fs = fs
        self._watch = watch
        self._clock = clock
        self._traits = traits
        self._entries = entries
        self._unknown = unknown
        self._timers = timers
        self._enqueue = enqueue
        self._once = once
        self._retries: dict[int, float] = {}

    def poll(self) -> None:
        """Have the folders listed that the system does not watch."""
        self.polled = {lid for lid in self.polled if self._state.local(lid) is not None or lid == ROOT_LID}
        for lid in sorted(self.polled):
            self._enqueue(lid, False)  # noqa: FBT003 - it alone

    def bring(self, lid: int, *, deep: bool) -> None:
        """List a folder and bring its rows in step; with `deep` all below it is enqueued."""
        closed = self.closed.pop(lid, set())
        folder = self._folder(lid)
        if folder is None:
            return
        self._add_watch(folder)
        try:
            listed = self._fs.list(folder.path)
            if not self._is_still(folder):
                self._look_above(folder)
                return
        except FsError as error:
            self._fail(folder, error)
            return
        self._retries.pop(lid, None)
        self._unknown.broken.pop(lid, None)
        if lid == PARKED_LID:
            self._compare_parked(folder, listed)
        else:
            self._compare(folder, listed, closed, deep=deep)

    def _folder(self, lid: int) -> Folder | None:
        if lid == ROOT_LID:
            return Folder(lid, (), self.device)
        if lid == PARKED_LID:
            return Folder(lid, PARKED, self.device)
        row = self._state.local(lid)
        if row is None or not row.is_folder:
            return None
        return Folder(lid, self._state.path_of(lid), row.stat.device)

    def _add_watch(self, folder: Folder) -> None:
        """Watch a folder before it is listed: what is made in between is then heard of."""
        if not self._traits.events or folder.lid == PARKED_LID:
            return
        if self._watch.add(folder.path):
            self.polled.discard(folder.lid)
        else:
            self.polled.add(folder.lid)
            if not self._once:
                self._timers.set_first(("poll", ()), self._clock.monotonic_s() + POLL_S)

    def _is_still(self, folder: Folder) -> bool:
        """Tell whether what was listed is the folder of the row: the same, on the same mount."""
        if folder.lid in {ROOT_LID, PARKED_LID}:
            return True
        if folder.lid in self._unknown.missing:
            return False
        row, found = self._state.local(folder.lid), self._fs.look(folder.path)
        if row is None or found is None or found.kind is not Kind.FOLDER or found.device != folder.device:
            return False
        return not self._traits.stable_inodes or found.inode == row.stat.inode

    def _fail(self, folder: Folder, error: FsError) -> None:
        """Leave all below a folder unknown that could not be listed; try again."""
        if error.trouble is Trouble.GONE:
            raise error
        self.polled.discard(folder.lid)  # it has no watch since it cannot be opened: that is no limit of the system
        if error.trouble in {Trouble.ABSENT, Trouble.NOT_FOLDER, Trouble.LINK}:
            if folder.lid == PARKED_LID:
                self._retries.pop(folder.lid, None)
                self._unknown.broken.pop(folder.lid, None)
                self._compare_parked(folder, [])
            elif folder.lid != ROOT_LID:
                self._look_above(folder)
            return
        self._unknown.broken[folder.lid] = problem_of(error)
        self._retry(folder.lid)

    def _look_above(self, folder: Folder) -> None:
        """Have the folder looked at that holds this one; until then what is in this one is unknown."""
        if folder.lid in self._unknown.missing or folder.lid in self._unknown.odd:
            return
        self._unknown.broken[folder.lid] = Problem("/".join(folder.path), "busy", _MOVED)
        self._entries.recheck(folder.path)
        self._retry(folder.lid)

    def _retry(self, lid: int) -> None:
        wait_s = self._retries.get(lid, FIRST_RETRY_S)
        if self._once and wait_s > LAST_RETRY_ONCE_S:
            return
        self._retries[lid] = min(wait_s * 2, LAST_RETRY_S)
        self._timers.set(("retry", lid), self._clock.monotonic_s() + wait_s)

    def _compare(self, folder: Folder, listed: list[Listed], closed: set[str], *, deep: bool) -> None:
        rows = {row[0]: row for row in children(self._state, folder.lid)}
        self._unknown.others.discard(folder.lid)
        names = {each.name for each in listed}
        self._unknown.keep_problems(folder.path, names)
        differs: list[Listed] = []
        for each in listed:
            row = rows.pop(each.name, None)
            if row is None or not self._is_unchanged(folder, each, row, deep=deep):
                differs.append(each)
        changing = {each.name for each in differs}
        for name in self._entries.waiting_in(folder.path):
            if name not in changing:  # it is gone, or is as the engine itself has put it there meanwhile
                self._entries.forget_file((*folder.path, name))
        gone = [row for row in rows.values() if not self._entries.pass_over((*folder.path, row[0]))]
        for row in gone:
            self._entries.miss(row[1])
        for name, stat in differs:
            entry = row_at(self._state, folder.lid, name)
            self._entries.look(folder, name, stat, entry, closed=name in closed)
            if deep and entry is not None and entry.is_folder and self._unknown.can_list(entry.lid):
                self._enqueue(entry.lid, True)  # noqa: FBT003 - all below it
        # What is still missing after moves were told, and was missed for long enough, is absent.
        for row in gone:
            if row[1] in self._unknown.missing:
                self._entries.miss(row[1], listed=True)

    def _is_unchanged(self, folder: Folder, each: Listed, row: Row, *, deep: bool) -> bool:
        """Tell whether an entry is as its row says, and known to be."""
        stat, unknown, lid = each.stat, self._unknown, row[1]
        if (stat.size, stat.mtime_ns, stat.ctime_ns) != row[3:6] or stat.kind.value != row[2]:
            return False
        if stat.inode != row[6] and (self._traits.stable_inodes or row[2] == _FOLDER):
            return False
        if bool(row[8]) != stat.executable:
            return False
        if unknown.is_noted(lid):
            return False
        path: Path = (*folder.path, each.name)
        is_folder = row[2] == _FOLDER
        if stat.device != folder.device or self._entries.rules.matches(path, is_folder):
            return False
        if is_folder:
            if deep:
                self._enqueue(lid, True)  # noqa: FBT003 - all below it
        elif row[7] and (deep or not self._traits.tells_spellings):
            self.racy.append(lid)  # where a file was written under another spelling, this listing is all that tells
        return True

    def _compare_parked(self, folder: Folder, listed: list[Listed]) -> None:
        """Bring the rows of what is parked in step, and take in what a stop has left here before it was noted."""
        rows = {row[0]: row for row in children(self._state, folder.lid)}
        for each in listed:
            row = rows.pop(each.name, None)
            if self._entries.pass_over((*folder.path, each.name)):
                continue
            if row is None:
                self._entries.meet_parked(folder, each.name, each.stat)
            else:
                self._entries.look_at_parked(row[1], each.stat)
        for name, row in rows.items():
            if not self._entries.pass_over((*folder.path, name)):
                self._entries.miss(row[1], listed=True)
