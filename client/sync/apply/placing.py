"""Giving finished downloads their place: nothing is replaced that is not what the planner saw (section 7, steps 3-5).

Where nothing stands: a rename that replaces nothing. Where a file stands: its name is exchanged with that of the
download in one step, and what comes out is looked at; see `client.sync.apply.displaced` for what becomes of it, also
after a crash. Where a disk cannot exchange, what stands there is moved away first, whatever it is by then: for a moment
nothing has the name, but at no moment can a save be lost, as it could by a rename over what was looked at before.
"""

import contextlib
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Self

from client.sync.apply.checks import is_at, is_same, look_after
from client.sync.apply.displaced import Label, is_expected
from client.sync.apply.mishaps import RETRIES_S, of_disk
from client.sync.apply.private import make_private, sync_surely
from client.sync.apply.rescue import Rescuer
from client.sync.model import DISPLACED, TMP, LocalEntry, Path, RemoteNode, Stat
from client.sync.operations import Fetch, Operation, Replace
from client.sync.outcome import Blocked, Done, Outcome, Stale, Task
from client.sync.seams.clock import Chance
from client.sync.seams.files import Fs, FsError, Traits, Trouble


@dataclass(frozen=True, slots=True)
class Wanted:
    """A file to fetch."""

    task: Task[Operation]
    node: RemoteNode
    version_id: str
    target: Path

    @classmethod
    def of(cls, task: Task[Operation]) -> Self:
        """Return what a task asks for; raise TypeError if it is none of a file to fetch."""
        operation = task.operation
        node, target = operation.node, task.target if task.target is not None else task.path
        if not isinstance(operation, (Fetch, Replace)) or node is None or node.version_id is None or target is None:
            raise TypeError(f"{type(operation).__name__} is nothing that can be fetched")
        return cls(task, node, node.version_id, target)

    @property
    def entry(self) -> LocalEntry | None:
        """What is to be replaced; None where nothing may stand."""
        return self.task.operation.entry if isinstance(self.task.operation, Replace) else None

    @property
    def keep_as(self) -> str | None:
        """The name that the replaced file is to have."""
        return self.task.operation.keep_as if isinstance(self.task.operation, Replace) else None

    @property
    def temp(self) -> Path:
        """Where it is downloaded to: a later try finds it again by node and version."""
        key = hashlib.sha256(f"{self.node.id}/{self.version_id}".encode()).hexdigest()
        return (*TMP, key[:32])


@dataclass(frozen=True, slots=True)
class Ready:
    """A finished download. `stat` is from our own handle; it is durable, and so is its name, which is `now_at`."""

    wanted: Wanted
    now_at: Path
    stat: Stat
    sha256: str
    label: Label | None


@dataclass(slots=True)
class Placer:
    """Places what is ready. May be used by many jobs at once."""

    fs: Fs
    traits: Traits
    chance: Chance
    rescuer: Rescuer

    def is_awaited(self, wanted: Wanted) -> bool:
        """Tell whether the target looks as the planner saw it: for before a download. Raise FsError."""
        now = self.fs.look(wanted.target)
        return now is None if wanted.entry is None else is_same(now, wanted.entry.stat, self.traits)

    def get_ready(self, wanted: Wanted, stat: Stat, sha256: str) -> Ready:
        """Give a download the name under which it is exchanged; the caller makes it durable. Raise FsError."""
        if wanted.entry is None:
            return Ready(wanted, wanted.temp, stat, sha256, None)
        exchanges = self.traits.exchanges and not self.chance.unlikely("no_exchange")
        own, keep = (stat.inode if exchanges else 0), wanted.keep_as is not None
        label = Label.of(wanted.entry, self.chance.token(), own, keep=keep)
        self.fs.sync_folders(make_private(self.fs, DISPLACED))
        if exchanges:
            self.fs.move(wanted.temp, label.path)
        return Ready(wanted, label.path if exchanges else wanted.temp, stat, sha256, label)

    def place(self, all_ready: Iterable[Ready]) -> list[Outcome]:
        """Give each its place, and make that durable for all at once; each has its own outcome."""
        now_ns = self.fs.now_ns()
        outcomes: list[Outcome] = []
        folders: dict[Path, None] = {}
        for ready in all_ready:
            outcome = self._place(ready, now_ns)
            if isinstance(outcome, Done):
                folders |= {ready.wanted.target[:-1]: None, ready.now_at[:-1]: None}
                folders |= {DISPLACED: None} if ready.label is not None else {}
            outcomes.append(outcome)
        try:
            sync_surely(self.fs, sorted(folders))
        except FsError as error:
            return [Stale(str(error)) if isinstance(each, Done) else each for each in outcomes]
        return outcomes

    def discard(self, ready: Ready) -> None:
        """Remove a download that was not placed, and is not what was written; raise FsError."""
        now = self.fs.look(ready.now_at)
        if now is not None and now.inode == ready.stat.inode:
            self.fs.remove(ready.now_at)

    def _place(self, ready: Ready, now_ns: int) -> Outcome:
        try:
            kept = self._swap(ready)
        except FsError as error:
            self._take_back(ready)
            return of_disk(error, ready.wanted.task.shown)
        now = look_after(self.fs, ready.wanted.target)
        done = Done(stat=ready.stat, sha256=ready.sha256, kept=kept.kept, kept_as=kept.kept_as)
        if now is None or not is_same(now, ready.stat, self.traits, renamed=True):
            return replace(done, overtaken=True)
        # A write after `now_ns` gives a later mtime, so it shows, if the one that the file has is well before.
        return replace(done, stat=now, sure=now.mtime_ns + 2 * self.traits.step_ns < now_ns)

    def _swap(self, ready: Ready) -> "_Kept":
        entry, target = ready.wanted.entry, ready.wanted.target
        if entry is not None and not is_at(self.fs, target, entry, self.traits):
            raise FsError(Trouble.CHANGED, target)
        if ready.label is None:
            self.fs.move(ready.wanted.temp, ready.wanted.target)
            return _Kept()
        if ready.label.own:
            self.fs.exchange(ready.label.path, target)
        else:
            self._move_aside(ready, ready.label)
        return self._look_at(ready, ready.label)

    def _move_aside(self, ready: Ready, label: Label) -> None:
        """Let the download follow what stood there; if it cannot, all is as before, or the next start sees to it."""
        target = ready.wanted.target
        self.fs.move(target, label.path)
        try:
            self.fs.move(ready.wanted.temp, target)
        except FsError:
            with contextlib.suppress(FsError):
                self.fs.move(label.path, target)
            raise

    def _look_at(self, ready: Ready, label: Label) -> "_Kept":
        """Look at what came out: what was not expected, or is wanted, gets a name at once. The sweep tries again."""
        try:
            came_out = self.fs.look(label.path)
            if came_out is None or is_expected(self.fs, label, came_out, self.traits, read=False):
                return _Kept()
            rescued = self.rescuer.rescue(label.path, ready.wanted.target, wanted=ready.wanted.keep_as, lid=label.lid)
        except FsError:
            return _Kept()
        return _Kept(rescued.stat, rescued.path)

    def _take_back(self, ready: Ready) -> None:
        """Keep a download that could not be placed for the next try."""
        if ready.now_at == ready.wanted.temp or ready.label is None:
            return
        with contextlib.suppress(FsError):
            now = self.fs.look(ready.now_at)
            if now is not None and now.inode == ready.label.own:
                self.fs.move(ready.now_at, ready.wanted.temp)


@dataclass(frozen=True, slots=True)
class _Kept:
    """What became of the old file, where it got a name."""

    kept: Stat | None = None
    kept_as: Path | None = None


@dataclass(slots=True)
class Retries:
    """How long to wait before what is in use is tried again: longer each time."""

    _tries: dict[Path, int]

    def __init__(self) -> None:
        """Nothing was tried yet."""
        self._tries = {}

    def judge(self, target: Path, outcome: Outcome) -> Outcome:
        """Return the outcome with the pause that is due."""
        if not isinstance(outcome, Blocked) or outcome.problem.code != "busy":
            self._tries.pop(target, None)
            return outcome
        tried = self._tries.get(target, 0)
        self._tries[target] = tried + 1
        return replace(outcome, retry_s=RETRIES_S[min(tried, len(RETRIES_S) - 1)])
