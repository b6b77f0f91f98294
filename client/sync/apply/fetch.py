"""Bringing files from the server to this device (sections 7 and 13 of the design). For jobs, many at once."""

import contextlib
import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from client.errors import ClientError
from client.sync.apply.contents import WIDTH, Contents
from client.sync.apply.mishaps import CHANGED, DamagedAtServerError, of_damage, of_disk, of_server
from client.sync.apply.placing import Placer, Ready, Retries, Wanted
from client.sync.apply.private import make_private
from client.sync.apply.rescue import Rescuer
from client.sync.loop.meter import Meter
from client.sync.loop.throttle import Throttle
from client.sync.model import DISPLACED, TMP, Problem, Stat
from client.sync.operations import Operation
from client.sync.outcome import Blocked, Outcome, Stale, Task
from client.sync.seams.clock import Chance, Clock
from client.sync.seams.executor import Executor
from client.sync.seams.files import Fs, FsError, Traits, Trouble, Writing
from client.sync.seams.net import Net

FEW = 3
"""Up to so many files are made durable one by one; more of them by one call for the whole file system."""

GROUP_FILES = 256
GROUP_SIZE = 2 * 1024 * 1024
"""Small files that are asked for together: one call brings so much more than it costs, and little is in memory."""

T = TypeVar("T")
Ended = Stale | Blocked


@dataclass(frozen=True, slots=True)
class Reserve:
    """What stays free on the disk: the larger of both."""

    size: int = 500 * 1024 * 1024
    percent: int = 1


class Fetcher:
    """Downloads, assembles and places files. A target is never touched before its new content is whole and durable."""

    def __init__(
        self,
        fs: Fs,
        net: Net,
        executor: Executor,
        chance: Chance,
        clock: Clock,
        meter: Meter,
        throttle: Throttle,
        traits: Traits,
        *,
        device_name: str,
        reserve: Reserve | None = None,
    ) -> None:
        """Fetch from `net` into the root `fs`; `device_name` is for the names of conflict copies."""
        self._fs = fs
        self._executor = executor
        self._reserve = reserve or Reserve()
        self._contents = Contents(fs, net, executor, meter, throttle)
        self._placer = Placer(fs, traits, chance, Rescuer(fs, traits, clock, device_name))
        self._retries = Retries()

    def fetch_small(self, tasks: Sequence[Task[Operation]]) -> list[Outcome]:
        """Fetch files of up to 1 MiB together; each has its own outcome. What is Done is durable."""
        lot = _Lot(is_few=len(tasks) <= FEW)
        all_wanted = [Wanted.of(task) for task in tasks]
        made = [
            self._written(wanted, content, lot) if isinstance(content, bytes) else content
            for wanted, content in self._small_contents(all_wanted, lot)
        ]
        placed = iter(self._place([each for each in made if isinstance(each, Ready)], is_few=lot.is_few))
        outcomes = [next(placed) if isinstance(each, Ready) else each for each in made]
        return [self._retries.judge(wanted.target, each) for wanted, each in zip(all_wanted, outcomes, strict=True)]

    def fetch_large(self, task: Task[Operation]) -> Outcome:
        """Fetch one file of any size, with what is on this device already: chunk by chunk."""
        wanted = Wanted.of(task)
        outcome: Outcome | Ready = _guarded(wanted, lambda: self._assembled(wanted))
        if isinstance(outcome, Ready):
            (outcome,) = self._place([outcome], is_few=True)
        return self._retries.judge(wanted.target, outcome)

    def _small_contents(self, all_wanted: Sequence[Wanted], lot: "_Lot") -> Iterator[tuple[Wanted, bytes | Ended]]:
        """Yield each with its content, in order: with few calls, and alone, some ahead, what these do not bring."""

        def bring(group: Sequence[Wanted]) -> list[tuple[Wanted, bytes | Ended | None]]:
            found = [(wanted, self._found(wanted, lot)) for wanted in group]
            asked = [wanted for wanted, content in found if content is None and wanted.node.sha256 is not None]
            came = dict(zip(map(id, asked), self._contents.read_bundle(asked), strict=True))
            return [(wanted, came.get(id(wanted)) if content is None else content) for wanted, content in found]

        def read_alone(wanted: Wanted) -> bytes | Ended:
            if lot.refused is not None:
                return lot.refused_to(wanted)
            content = _guarded(wanted, lambda: self._contents.read_alone(wanted))
            lot.note(content)
            return content

        for group in map(bring, _groups(all_wanted)):  # other lots bring theirs meanwhile
            alone = self._executor.map(read_alone, [wanted for wanted, content in group if content is None], WIDTH)
            for wanted, content in group:
                yield wanted, next(alone) if content is None else content

    def _found(self, wanted: Wanted, lot: "_Lot") -> bytes | Ended | None:
        """Return what needs no server: a content that is here, or what is in the way."""

        def look() -> bytes | Ended | None:
            if not self._placer.is_awaited(wanted):
                return CHANGED
            if self._room() < wanted.node.size:
                return _full(wanted)
            return self._contents.read_here(wanted)

        if lot.refused is not None:
            return lot.refused_to(wanted)
        found = _guarded(wanted, look)
        lot.note(found)
        return found

    def _written(self, wanted: Wanted, content: bytes, lot: "_Lot") -> Ready | Ended:
        """Write a file that is to be placed; with others, one call makes all of them durable later."""

        def write() -> Ready:
            self._fs.remove(wanted.temp)
            writing = self._create(wanted)
            try:
                writing.write(content, 0)
                stat = self._finish(wanted, writing, sync=lot.is_few)
            finally:
                writing.close()
            return self._placer.get_ready(wanted, stat, hashlib.sha256(content).hexdigest())

        made = _guarded(wanted, write)
        lot.note(made)
        return made

    def _assembled(self, wanted: Wanted) -> Ready | Ended:
        if not self._placer.is_awaited(wanted):
            return CHANGED
        writing = self._open_temp(wanted)
        try:
            if self._room() < wanted.node.size - writing.stat().size:
                return _full(wanted)
            sha256 = self._contents.write(wanted, writing, lambda: self._want_room(wanted))
            if wanted.node.sha256 not in {None, sha256}:
                self._fs.remove(wanted.temp)
                raise DamagedAtServerError("The server sends other bytes than it announces.")
            writing.truncate(wanted.node.size)
            stat = self._finish(wanted, writing, sync=True)
        finally:
            writing.close()
        return self._placer.get_ready(wanted, stat, sha256)

    def _open_temp(self, wanted: Wanted) -> Writing:
        """Open what an earlier try has left, or a new file. What cannot be opened is of no use."""
        try:
            return self._fs.reopen(wanted.temp)
        except FsError:
            self._fs.remove(wanted.temp)
            return self._create(wanted)

    def _create(self, wanted: Wanted) -> Writing:
        try:
            return self._fs.create(wanted.temp)
        except FsError as error:
            if error.trouble is not Trouble.ABSENT:
                raise
            make_private(self._fs, TMP)
            return self._fs.create(wanted.temp)

    def _finish(self, wanted: Wanted, writing: Writing, *, sync: bool) -> Stat:
        """Give a whole file its state; return the Stat that it will be known by."""
        like = None if wanted.entry is None else wanted.target
        writing.set_state(wanted.node.mtime_ms, executable=wanted.node.executable, like=like)
        if sync:
            try:
                writing.sync()
            except FsError:
                self._fs.remove(wanted.temp)  # what a failed sync leaves is not what was written
                raise
        return writing.stat()

    def _place(self, all_ready: Sequence[Ready], *, is_few: bool) -> list[Outcome]:
        """Make what is ready durable, with its name where that matters, and give it its place."""
        if not all_ready:
            return []
        try:
            if not is_few:
                self._fs.sync_all()
            elif any(ready.label is not None and ready.label.own for ready in all_ready):
                self._fs.sync_folders([DISPLACED])
            return self._placer.place(all_ready)
        except FsError as error:
            for ready in all_ready:
                with contextlib.suppress(FsError):
                    self._placer.discard(ready)
            return [of_disk(error, ready.wanted.task.shown) for ready in all_ready]

    def _room(self) -> int:
        """Return how many bytes may be written; below 0 if too few are left free. Raise FsError."""
        free, whole = self._fs.room()
        return free - max(self._reserve.size, whole * self._reserve.percent // 100)

    def _want_room(self, wanted: Wanted) -> None:
        if self._room() < 0:
            raise FsError(Trouble.FULL, wanted.temp)


@dataclass(slots=True)
class _Lot:
    """Small files that are fetched together."""

    is_few: bool
    refused: Blocked | None = None
    """What keeps all others of the lot from being fetched too."""

    def note(self, outcome: object) -> None:
        """Remember what is in the way of all."""
        if isinstance(outcome, Blocked) and outcome.all_of is not None:
            self.refused = outcome

    def refused_to(self, wanted: Wanted) -> Blocked:
        """Return the same for another file."""
        assert self.refused is not None  # noqa: S101 -- asked for only then
        problem = self.refused.problem
        return replace(self.refused, problem=Problem(wanted.task.shown, problem.code, problem.message))


def _groups(all_wanted: Sequence[Wanted]) -> Iterator[list[Wanted]]:
    """Yield small files in groups that one call brings."""
    group: list[Wanted] = []
    size = 0
    for wanted in all_wanted:
        if group and (len(group) == GROUP_FILES or size + wanted.node.size > GROUP_SIZE):
            yield group
            group, size = [], 0
        group.append(wanted)
        size += wanted.node.size
    if group:
        yield group


def _guarded(wanted: Wanted, work: Callable[[], T]) -> T | Ended:
    """Do work whose errors are outcomes."""
    shown = wanted.task.shown
    try:
        return work()
    except FsError as error:
        return of_disk(error, shown)
    except DamagedAtServerError as error:
        return of_damage(error, shown)
    except ClientError as error:
        return of_server(error, shown)


def _full(wanted: Wanted) -> Blocked:
    message = "This disk has too little room left for it: make some."
    return Blocked(Problem(wanted.task.shown, "full", message), 60.0, "fetches")
