"""Single changes of this device: folders made, entries renamed, times set, files moved to the trash (section 7).

Each compares what stands on the disk with the row that the planner saw, right before it acts, and does nothing if they
differ. A lot of them is made durable by one call at its end.
"""

from collections.abc import Sequence

from client.sync.apply.checks import is_at, is_same, look_after
from client.sync.apply.mishaps import CHANGED, of_disk
from client.sync.apply.placing import Retries
from client.sync.apply.private import make_private, sync_surely
from client.sync.apply.rescue import Rescuer
from client.sync.apply.trash import Seen, move_to_trash
from client.sync.model import PARKED, LocalEntry, Path
from client.sync.operations import DeleteHere, MakeFolderHere, MoveHere, Operation, SetAside, SetHere
from client.sync.outcome import Done, Outcome, Stale, Task
from client.sync.seams.clock import Chance, Clock
from client.sync.seams.files import Fs, FsError, Traits

Touched = dict[Path, None]
"""Folders whose names changed, in the order in which they did."""


class Applier:
    """Does operations of this device that need no server. For jobs; may be called by many at once."""

    def __init__(
        self, fs: Fs, traits: Traits, clock: Clock, chance: Chance, *, device_name: str, seen: Seen | None = None
    ) -> None:
        """Change the root `fs`; `device_name` is for the names of conflict copies, `seen` hears of the trash."""
        self._fs = fs
        self._traits = traits
        self._clock = clock
        self._chance = chance
        self._rescuer = Rescuer(fs, traits, clock, device_name)
        self._retries = Retries()
        self._seen = seen or Seen()

    def run(self, task: Task[Operation]) -> Outcome:
        """Do one operation; all errors of the disk become outcomes."""
        return self.run_many([task])[0]

    def run_many(self, tasks: Sequence[Task[Operation]]) -> list[Outcome]:
        """Do many, each with its own outcome. What is Done is durable when this returns."""
        touched: Touched = {}
        outcomes = [self._try(task, touched) for task in tasks]
        try:
            sync_surely(self._fs, touched)
        except FsError as error:  # it came to pass, and may not last
            return [_unsynced(*each, error) for each in zip(tasks, outcomes, strict=True)]
        return outcomes

    def _try(self, task: Task[Operation], touched: Touched) -> Outcome:
        try:
            outcome = self._do(task, touched)
        except FsError as error:
            outcome = of_disk(error, task.shown)
        return self._retries.judge(task.path or task.target or (), outcome)

    def _do(self, task: Task[Operation], touched: Touched) -> Outcome:
        operation = task.operation
        if isinstance(operation, MakeFolderHere) and task.target is not None:
            return self._make_folder(task.target, touched)
        if operation.entry is None or task.path is None:
            raise TypeError(f"{type(operation).__name__} cannot be done here with what it holds")
        if not is_at(self._fs, task.path, operation.entry, self._traits):
            return CHANGED
        if isinstance(operation, (MoveHere, SetAside)) and task.target is not None:
            return self._move(operation.entry, task.path, task.target, touched)
        if isinstance(operation, SetHere):
            return self._set(operation, operation.entry, task.path)
        if isinstance(operation, DeleteHere):
            return self._delete(operation.entry, task.path, touched)
        raise TypeError(f"{type(operation).__name__} is no operation of this device")

    def _make_folder(self, target: Path, touched: Touched) -> Outcome:
        stat = self._fs.make_folder(target)
        touched[target[:-1]] = None
        return Done(stat=stat)

    def _move(self, entry: LocalEntry, path: Path, target: Path, touched: Touched) -> Outcome:
        if target[:-1] == PARKED:
            touched |= dict.fromkeys(make_private(self._fs, PARKED))
        self._fs.look(target)  # what went into a folder that cannot be looked at would seem to be deleted
        self._fs.move(path, target)
        touched |= {target[:-1]: None, path[:-1]: None}
        now = look_after(self._fs, target)
        if now is None or not is_same(now, entry.stat, self._traits, renamed=True):
            # Another save was moved than the one that was looked at. Its place is right, its content is an edit.
            return Done(stat=entry.stat, sha256=entry.sha256, overtaken=True)
        return Done(stat=now, sha256=entry.sha256, sure=entry.sure)

    def _set(self, operation: SetHere, entry: LocalEntry, path: Path) -> Outcome:
        node = operation.node
        if node is None:
            raise TypeError("SetHere without a node")
        stat = self._fs.set_state(path, entry.stat, node.mtime_ms, executable=node.executable)
        # A write between the last look and the new mtime would be hidden by it: the content is read again.
        return Done(stat=stat, sha256=entry.sha256, sure=False)

    def _delete(self, entry: LocalEntry, path: Path, touched: Touched) -> Outcome:
        if entry.is_folder:
            self._fs.remove_folder(path)
            touched[path[:-1]] = None
            return Done()
        day = self._clock.local_time("%Y-%m-%d")
        kept, made = move_to_trash(self._fs, path, day, self._chance)
        touched |= {**dict.fromkeys(made), kept[:-1]: None, path[:-1]: None}
        self._seen.put(kept, entry.stat)
        now = look_after(self._fs, kept)
        if now is None or is_same(now, entry.stat, self._traits, renamed=True):
            return Done()
        self._give_back(kept, path)
        return CHANGED

    def _give_back(self, kept: Path, path: Path) -> None:
        """Give a save that was made after the last look, and went to the trash, its name back, or one beside it."""
        self._rescuer.rescue(kept, path, wanted=path[-1])


def _unsynced(task: Task[Operation], outcome: Outcome, error: FsError) -> Outcome:
    """Return what is told of a change that may not survive a power cut, on the side that then deletes nothing.

    What was taken away or moved is so: if it were not noted, its absence would look like a delete by the user, and if
    the power takes it back, it is found there and new. What was made is looked at again.
    """
    if isinstance(outcome, Done) and not isinstance(task.operation, (DeleteHere, MoveHere, SetAside)):
        return Stale(str(error))
    return outcome
