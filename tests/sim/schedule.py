"""One thread, one task at a time, and a seed that says which goes on: the time, the workers and the chance of a run.

Tasks are greenlets. Every call through a seam may give way to another task, or be the last of a device that dies.
Virtual time stands still while somebody can go on, but for a moment with each switch, and jumps ahead when all wait.
"""

import contextlib
import heapq
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from greenlet import getcurrent, greenlet  # type: ignore[import-untyped] # it has no types

from client.sync.seams.executor import Finished, Lane, draw
from tests.sim.chance import seeded

A = TypeVar("A")
T = TypeVar("T")

SWITCH_S = 0.0005
NEVER = float("inf")
READY = -1.0
LANES = {Lane.LOOK: 2, Lane.SMALL: 2, Lane.LARGE: 1, Lane.FEED: 1}


class DeviceDied(BaseException):
    """What runs on this device ends here."""


class StuckError(AssertionError):
    """The run does not end within its number of switches."""


class SimTask:
    """A greenlet with what the scheduler knows of it. `group` dies as one; None cannot die."""

    __slots__ = ("error", "green", "group", "is_dead", "name", "number", "wake_s")

    def __init__(self, number: int, name: str, group: str | None) -> None:
        self.number = number
        self.name = name
        self.group = group
        self.green: greenlet
        self.wake_s = READY
        self.is_dead = False
        self.error: BaseException | None = None

    @property
    def is_over(self) -> bool:
        """Whether it has ended."""
        return bool(self.green.dead)


class Signal:
    """Something that tasks wait for."""

    __slots__ = ("_scheduler", "_waiting")

    def __init__(self, scheduler: "Scheduler") -> None:
        self._scheduler = scheduler
        self._waiting: list[SimTask] = []

    def wait(self, until_s: float) -> None:
        """Wait for `set`, or until a moment of virtual time."""
        task = self._scheduler.current
        self._waiting.append(task)
        self._scheduler.sleep_until(until_s)
        if task in self._waiting:  # time came first: what it sleeps for next is something else
            self._waiting.remove(task)

    def set(self) -> None:
        """Let all go on that wait."""
        waiting, self._waiting = self._waiting, []
        for task in waiting:
            self._scheduler.wake(task)


class Scheduler:
    """Runs tasks; `now_s` is the virtual time."""

    def __init__(self, seed: str) -> None:
        """Begin at second 0; all choices follow from `seed`."""
        self._chance = seeded(seed)
        self.now_s = 0.0
        self.switches = 0
        self.trace: list[str] = []
        self._number = 0
        self._ready: list[SimTask] = []
        self._sleeping: list[tuple[float, int, SimTask]] = []
        self._groups: dict[str, list[SimTask]] = {}
        self._current: SimTask | None = None
        self._hub: greenlet = getcurrent()
        self._keep = 0
        self._eager = self._chance.choice([1, 2, 4, 16])

    @property
    def current(self) -> SimTask:
        """The task that runs."""
        assert self._current is not None
        return self._current

    def spawn(self, name: str, group: str | None, work: Callable[[], object]) -> SimTask:
        """Add a task that is ready to begin; an error that leaves `work` ends the run."""
        self._number += 1
        task = SimTask(self._number, name, group)

        def body() -> None:
            try:
                work()
            except DeviceDied:
                pass
            except BaseException as error:  # noqa: BLE001 -- raised again by the hub
                task.error = error

        task.green = greenlet(body, self._hub)
        self._ready.append(task)
        if group is not None:
            self._groups.setdefault(group, []).append(task)
        return task

    def switch(self) -> None:
        """Perhaps let another task go on. Raises DeviceDied in what belongs to a dead group."""
        task = self._current
        if task is None:  # the oracle looks
            return
        if task.is_dead:
            raise DeviceDied
        self._keep -= 1
        if self._keep > 0:
            return
        self._keep = self._chance.randint(1, self._eager)
        task.wake_s = READY
        self._ready.append(task)
        self._leave(task)

    def sleep(self, seconds: float) -> None:
        """Wait."""
        self.sleep_until(self.now_s + max(0.0, seconds))

    def sleep_until(self, until_s: float) -> None:
        """Wait for `wake`, or until a moment of virtual time."""
        task = self.current
        if task.is_dead:
            raise DeviceDied
        task.wake_s = until_s
        if until_s is not NEVER:
            heapq.heappush(self._sleeping, (until_s, task.number, task))
        self._leave(task)

    def wake(self, task: SimTask) -> None:
        """Let a task go on that sleeps."""
        if task.wake_s != READY and not task.is_over:
            task.wake_s = READY
            self._ready.append(task)

    def kill(self, group: str) -> None:
        """End all tasks of a group where they stand: everything that they still try raises DeviceDied."""
        tasks = self._groups.pop(group, [])
        mine = self._current
        for task in tasks:
            task.is_dead = True
        for task in tasks:
            if task.is_over:
                continue
            assert task is not mine, "a task cannot kill itself"
            self._current = task
            _throw(task)
            self._current = mine
            assert task.is_over, f"{task.name} outlived its device"
        gone = set(tasks)
        self._ready = [task for task in self._ready if task not in gone]

    def run(self, until: Callable[[], bool], *, most: int) -> None:
        """Let tasks run until `until()`; raise StuckError after `most` switches, or what a task ended with."""
        end = self.switches + most
        while not until():
            if self.switches >= end:
                names = [task.name for task in self._ready]
                raise StuckError(f"no end after {most} switches at {self.now_s:.3f} s; ready: {names}")
            task = self._next()
            self.switches += 1
            self.now_s += SWITCH_S
            self._current = task
            task.wake_s = NEVER
            task.green.switch()
            self._current = None
            if task.error is not None:
                error, task.error = task.error, None
                raise error
            if task.green.dead and task.group is not None:
                self._groups[task.group].remove(task)

    def close(self) -> None:
        """End all that is left, whoever it belongs to."""
        for group in list(self._groups):
            self.kill(group)
        for task in self._ready + [task for _, _, task in self._sleeping]:
            if not task.is_over:
                task.is_dead = True
                self._current = task
                _throw(task)
        self._current = None

    def _leave(self, task: SimTask) -> None:
        self._hub.switch()
        if task.is_dead:
            raise DeviceDied

    def _next(self) -> SimTask:
        ready, sleeping = self._ready, self._sleeping
        while sleeping and (sleeping[0][0] <= self.now_s or not ready):
            at_s, _, task = heapq.heappop(sleeping)
            if task.wake_s == at_s and not task.is_over:
                self.now_s = max(self.now_s, at_s)
                self.wake(task)
        if not ready:
            raise StuckError(f"everything waits for ever at {self.now_s:.3f} s")
        at = self._chance.randrange(len(ready)) if len(ready) > 1 else 0
        task = ready[at]
        ready[at] = ready[-1]
        ready.pop()
        return task


def _throw(task: SimTask) -> None:
    task.green.parent = getcurrent()
    with contextlib.suppress(DeviceDied):  # one that had not begun has nobody else to catch it
        task.green.throw(DeviceDied)


class SimClock:
    """A device's clocks: `offset_ms` is how wrong its wall clock is."""

    def __init__(self, scheduler: Scheduler, begin_ms: int, offset_ms: int = 0) -> None:
        self._scheduler = scheduler
        self._begin_ms = begin_ms
        self.offset_ms = offset_ms

    def monotonic_s(self) -> float:
        """Return virtual seconds."""
        return self._scheduler.now_s

    def wall_ms(self) -> int:
        """Return what this device takes for the time."""
        return self._begin_ms + int(self._scheduler.now_s * 1000) + self.offset_ms

    def local_time(self, format_: str) -> str:
        """Return the wall clock; every device lives in Greenwich."""
        return time.strftime(format_, time.gmtime(self.wall_ms() / 1000))

    def sleep(self, seconds: float) -> None:
        """Wait in a worker."""
        self._scheduler.sleep(seconds)


@dataclass(slots=True)
class Tricks:
    """How often rare branches of engines are forced, which were asked for, and which were taken."""

    rate: float = 0.0
    asked: Counter[str] = field(default_factory=Counter)
    hit: Counter[str] = field(default_factory=Counter)


class SimChance:
    """Numbers from the seed, and rare branches that are forced now and then."""

    def __init__(self, seed: str, tricks: Tricks) -> None:
        self._chance = seeded(seed)
        self._tricks = tricks

    def uniform(self, low: float, high: float) -> float:
        """Return a number between both."""
        return self._chance.uniform(low, high)

    def token(self) -> str:
        """Return 16 hex digits."""
        return f"{self._chance.getrandbits(64):016x}"

    def unlikely(self, name: str) -> bool:
        """Force a rare branch now and then."""
        self._tricks.asked[name] += 1
        if self._chance.random() >= self._tricks.rate:
            return False
        self._tricks.hit[name] += 1
        return True


@dataclass(slots=True)
class _Job(Generic[T]):
    name: str
    work: Callable[[], T]
    done: Callable[[Finished[T]], None]


class SimExecutor:
    """Workers of one device, which are tasks of its group."""

    def __init__(self, scheduler: Scheduler, group: str) -> None:
        self._scheduler = scheduler
        self._group = group
        self._calls: deque[Callable[[], None]] = deque()
        self._news = Signal(scheduler)
        self._waiting: dict[Lane, deque[_Job[object]]] = {lane: deque() for lane in Lane}
        self._busy: Counter[Lane] = Counter()
        self._stopped = False

    def run(self, lane: Lane, name: str, work: Callable[[], T], done: Callable[[Finished[T]], None]) -> None:
        """Do `work` in a task; see `client.sync.seams.executor.Executor`."""
        if self._stopped:
            return
        self._waiting[lane].append(_Job(name, work, done))  # type: ignore[arg-type] # a job's own types stay together
        self._begin(lane)

    def post(self, call: Callable[[], None]) -> None:
        """Let a call be made in the engine's task."""
        self._calls.append(call)
        self._news.set()

    def wait(self, timeout_s: float | None) -> bool:
        """Make the calls that are due."""
        until_s = NEVER if timeout_s is None else self._scheduler.now_s + timeout_s
        self._scheduler.switch()
        while not self._calls and self._scheduler.now_s < until_s:
            self._news.wait(until_s)
        if not self._calls:
            return False
        for _ in range(len(self._calls)):
            self._calls.popleft()()
        return True

    def map(self, work: Callable[[A], T], items: Iterable[A], width: int) -> Iterator[T]:
        """Yield results in order, up to `width` at a time."""
        source = iter(items)
        ahead: deque[_Piece[A, T]] = deque()
        try:
            while True:
                while len(ahead) < width:
                    try:
                        item = next(source)
                    except StopIteration:
                        break
                    ahead.append(_Piece(self._scheduler, self._group, work, item))
                if not ahead:
                    return
                yield ahead.popleft().result()
        finally:
            for piece in ahead:
                if not self._scheduler.current.is_dead:
                    piece.end()

    def ahead(self, items: Iterable[T]) -> Iterator[T]:
        """Yield the items, the next of which is made meanwhile."""
        source = iter(items)
        drawing = _Piece(self._scheduler, self._group, draw, source)
        try:
            while drawn := drawing.result():
                drawing = _Piece(self._scheduler, self._group, draw, source)
                yield drawn[0]
        finally:
            if not self._scheduler.current.is_dead:
                drawing.end()

    def free(self, lane: Lane) -> int:
        """Return how many jobs would begin at once."""
        return max(0, LANES[lane] - self._busy[lane] - len(self._waiting[lane]))

    def stop(self) -> None:
        """Begin nothing more, and wait for what runs."""
        self._stopped = True
        for jobs in self._waiting.values():
            jobs.clear()
        while any(self._busy.values()):
            self._news.wait(NEVER)

    def _begin(self, lane: Lane) -> None:
        while self._waiting[lane] and self._busy[lane] < LANES[lane] and not self._stopped:
            job = self._waiting[lane].popleft()
            self._busy[lane] += 1
            self._scheduler.spawn(f"{self._group} {job.name}", self._group, lambda job=job: self._work(lane, job))  # type: ignore[misc] # mypy knows no default of a lambda

    def _work(self, lane: Lane, job: _Job[object]) -> None:
        finished: Finished[object]
        try:
            finished = Finished(job.work(), None)
        except Exception as error:  # noqa: BLE001 -- handed to the engine
            finished = Finished(None, error)
        self._busy[lane] -= 1
        self.post(lambda: job.done(finished))
        self._begin(lane)


class _Piece(Generic[A, T]):
    """One item of a map, in a task of its own."""

    def __init__(self, scheduler: Scheduler, group: str, work: Callable[[A], T], item: A) -> None:
        self._ended = Signal(scheduler)
        self._value: list[T] = []
        self._error: Exception | None = None
        self._task = scheduler.spawn(f"{group} piece", group, lambda: self._work(work, item))

    def _work(self, work: Callable[[A], T], item: A) -> None:
        try:
            self._value.append(work(item))
        except Exception as error:  # noqa: BLE001 -- raised at its place
            self._error = error
        self._ended.set()

    def end(self) -> None:
        """Wait until it has ended, well or not."""
        while not self._value and self._error is None:
            self._ended.wait(NEVER)

    def result(self) -> T:
        """Return what it gave, or raise what it raised."""
        self.end()
        if self._error is not None:
            raise self._error
        return self._value[0]
