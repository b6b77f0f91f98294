"""A simulated device: a disk, a state database, an engine that comes and goes, and who uses it."""

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass

from app.auth.identity import Actor
from client.sync.loop.engine import Engine
from client.sync.model import Problem
from client.sync.settings import Settings
from client.sync.trees.database import Database
from client.sync.trees.state import State
from tests.sim.chance import seeded
from tests.sim.fs import SimFs, SimWatch, WatchFaults
from tests.sim.net import SimNet, SimTransport
from tests.sim.schedule import NEVER, Scheduler, Signal, SimChance, SimClock, SimExecutor


@dataclass(slots=True)
class Machine:
    """What outlives the engine of a device."""

    name: str
    actor: Actor
    fs: SimFs
    transport: SimTransport
    clock: SimClock
    settings: Settings
    database: sqlite3.Connection
    chance: SimChance
    watch: WatchFaults


class SimDevice:
    """One device. Its engine runs in the group `engine NAME`, its users in `user NAME`."""

    def __init__(
        self,
        scheduler: Scheduler,
        machine: Machine,
        on_bug: Callable[[BaseException], None],
        note: Callable[[str], None],
    ) -> None:
        self.machine = machine
        self.name = machine.name
        self.starts = 0
        self.engine: Engine | None = None
        self.stopped_by: Problem | None = None
        self._scheduler = scheduler
        self._on_bug = on_bug
        self._note = note
        self._executor: SimExecutor | None = None
        self._watch: SimWatch | None = None

    @property
    def group(self) -> str:
        """What dies with the engine's process."""
        return f"engine {self.name}"

    @property
    def is_running(self) -> bool:
        """Whether an engine runs."""
        return self.engine is not None

    @property
    def is_quiet(self) -> bool:
        """Whether the engine runs and has nothing to do."""
        return self.engine is not None and self.engine.is_quiet

    def start(self) -> None:
        """Start an engine on what is on the disk and in the database."""
        assert self.engine is None, "it runs already"
        machine = self.machine
        self.starts += 1
        self._note(f"{self.name} starts")
        executor = SimExecutor(self._scheduler, self.group)
        chance = seeded(self.name, self.starts, "watch")
        watch = SimWatch(machine.fs, lambda hint: executor.post(lambda: engine.hint(hint)), chance, machine.watch)
        engine = Engine(
            state=State(Database(machine.database)),
            fs=machine.fs,
            watch=watch,
            net=SimNet(machine.transport),
            clock=machine.clock,
            chance=machine.chance,
            executor=executor,
            settings=machine.settings,
            save_settings=self._save,
            on_bug=self._on_bug,
        )
        self.engine, self._executor, self._watch = engine, executor, watch
        self._scheduler.spawn(f"watch {self.name}", self.group, lambda: self._deliver(watch))
        self._scheduler.spawn(self.group, self.group, lambda: self._live(engine))

    def kill(self) -> None:
        """End the engine's process where it stands; the disk keeps all it had."""
        self._scheduler.kill(self.group)
        self.engine = self._executor = None
        self.machine.fs.kill()
        if self._watch is not None:
            self._watch.close()
        if self.machine.database.in_transaction:
            self.machine.database.execute("ROLLBACK")

    def tell(self, settings: Settings) -> None:
        """Change what a person chose."""
        self.machine.settings = settings
        engine, executor = self.engine, self._executor
        if engine is not None and executor is not None:
            executor.post(lambda: engine.set_settings(settings))

    def lose_state(self) -> None:
        """The state database is gone; no engine runs."""
        self.machine.database.close()
        self.machine.database = new_database()

    def save_state(self) -> bytes:
        """Return the database as it is."""
        return self.machine.database.serialize()

    def put_state_back(self, saved: bytes) -> None:
        """Put an old database back; no engine runs."""
        self.lose_state()
        self.machine.database.deserialize(saved)

    def _live(self, engine: Engine) -> None:
        engine.start()
        while engine.turn(None):
            pass
        if self.engine is engine:
            self.stopped_by = engine.stopped_by
            self._note(f"{self.name} stopped with {engine.exit_code}: {engine.stopped_by}")
            self.engine = self._executor = None

    def _deliver(self, watch: SimWatch) -> None:
        """Give the hints of the watch when they are due."""
        fs = self.machine.fs
        news = Signal(self._scheduler)

        def tell(*_: object) -> None:
            news.set()

        fs.on_event.append(tell)
        try:
            while True:
                due_ns = watch.next_ns
                if due_ns is not None and due_ns <= fs.clock_ns():
                    watch.deliver()
                    self._scheduler.switch()
                    continue
                until_s = NEVER if due_ns is None else self._scheduler.now_s + (due_ns - fs.clock_ns()) / 1e9
                news.wait(until_s)
        finally:
            fs.on_event.remove(tell)

    def _save(self, settings: Settings) -> None:
        self.machine.settings = settings


def new_database() -> sqlite3.Connection:
    """Return an empty database in memory; a commit in it outlives any crash of the simulation."""
    return sqlite3.connect(":memory:", isolation_level=None)
