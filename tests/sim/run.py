"""One run: users, world and engines at work; then a calm, in which all must come to agree (sync-engine.md, 16 B)."""

from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

import msgspec

from client.sync.known import Confirmed
from client.sync.model import Kind, Path
from client.sync.seams.files import FsError
from client.sync.trees.database import Database
from client.sync.trees.state import State
from tests.sim.chance import seeded
from tests.sim.device import SimDevice
from tests.sim.disks import entries, is_executable, live_files
from tests.sim.oracle import BrokenPromise, digest
from tests.sim.past import LiveNode
from tests.sim.schedule import StuckError
from tests.sim.server import server_of, temporary_folder
from tests.sim.stage import Stage
from tests.sim.users import Person
from tests.sim.weather import Weather
from tests.sim.world import World

STEP_SWITCHES = 20_000
CALM_SWITCHES = 100_000
HOUSEKEEPING_S = 3700.0
LONGEST_CALM_S = 6 * 3600.0
CALM_S = 150.0  # longer than displaced files are watched, and than any back-off of a retry that matters
LOOK_S = 5.0
MOST_STARTS = 5
NESTED = "A shared folder can not be in another one"


@dataclass(slots=True)
class Trace:
    """What happened in a run, and what broke, if anything did."""

    seed: int
    lines: list[str]
    failure: BaseException | None = None
    switches: int = 0
    asked: Counter[str] = field(default_factory=Counter)
    hit: Counter[str] = field(default_factory=Counter)

    def __str__(self) -> str:
        """Return the story, with its seed."""
        return "\n".join([f"seed {self.seed}", *self.lines, f"failure: {self.failure!r}"])


def simulate(seed: int, steps: int = 300, devices: int = 3, weather: Weather | None = None) -> Trace:
    """Return what happened in a run with this seed; a failure stands in it."""
    with server_of(seed) as server, temporary_folder() as folder:
        drawn = weather or Weather.draw(seed)
        owners = ["ada"] * devices
        if "share" in drawn.events:
            owners.append("ben")
        stage = Stage.build(seed, server, folder, drawn, owners)
        run = Simulation(stage, steps)
        failure: BaseException | None = None
        try:
            run.run()
        except (BrokenPromise, StuckError) as error:
            failure = error
        except Exception as error:  # noqa: BLE001 -- a bug of an engine is a finding with a story as well
            failure = error
        finally:
            stage.watching = False
            stage.scheduler.close()
        return Trace(seed, stage.trace, failure, stage.scheduler.switches, stage.tricks.asked, stage.tricks.hit)


class Simulation:
    """Plays a stage."""

    def __init__(self, stage: Stage, steps: int) -> None:
        self._stage = stage
        self._left = steps
        self._world = World(stage, seeded(stage.seed, "world"), self._begin)

    def run(self) -> None:
        """Work, then calm, then judge."""
        stage = self._stage
        self.begin_jobs()
        for device in stage.devices:
            device.start()
        people = stage.people[:1] if stage.weather.one_user else stage.people
        for person in people:
            self._begin(person)
        if stage.weather.events:
            stage.scheduler.spawn("world", "world", self._world.live)
        stage.scheduler.run(lambda: self._left <= 0, most=STEP_SWITCHES * self._left)
        self.calm()
        self.judge()

    def begin_jobs(self) -> None:
        """Let the server do now and then what it left for later."""
        network, chance = self._stage.network, seeded(self._stage.seed, "jobs")
        self._stage.scheduler.spawn("jobs", "jobs", lambda: network.work_off(chance))

    def calm(self) -> None:
        """End all trouble and wait until every engine has nothing more to do, and stays so."""
        stage = self._stage
        stage.note("calm")
        stage.scheduler.kill("world")
        for person in stage.people:
            stage.scheduler.kill(f"user {person.device}")
            person.let_go()
        stage.weather.clear()
        stage.tricks.rate = 0.0
        if not stage.server.is_open:
            stage.server.start()
        self._world.end()
        stage.network.is_down = False
        for device in stage.devices:
            self._mend(device)
        self.settle()

    def settle(self, calm_s: float = CALM_S) -> None:
        """Run until all engines are quiet and stay so."""
        stage, scheduler = self._stage, self._stage.scheduler
        began_s = scheduler.now_s
        rest = [scheduler.now_s, stage.writes]

        def is_settled() -> bool:
            if stage.bugs:
                raise stage.bugs[0]
            if scheduler.now_s > began_s + LONGEST_CALM_S:
                raise StuckError(f"no quiet within {LONGEST_CALM_S:.0f} s")
            if stage.writes != rest[1]:
                rest[:] = [scheduler.now_s, stage.writes]
            # A scan now and then is no unrest: what counts is that nothing is sent or changed, and nothing waits.
            is_quiet = all(device.is_quiet for device in stage.devices) and not stage.server.has_jobs
            return scheduler.now_s - rest[0] > calm_s and is_quiet

        ticker = scheduler.spawn("ticker", "ticker", self._keep_running)
        try:
            scheduler.run(is_settled, most=CALM_SWITCHES)
        except StuckError as error:
            raise StuckError(f"{error}\n{self._why()}") from error
        finally:
            if not ticker.is_over:
                scheduler.kill("ticker")

    def _keep_running(self) -> None:
        """Start engines again that were still stopping because of what has ended, and do what only people can."""
        again = MOST_STARTS
        while True:
            self._stage.scheduler.sleep(LOOK_S)
            for device in self._stage.devices:
                if not device.is_running and again:
                    again -= 1
                    device.start()
                self._confirm(device)
            self._move_out()

    def _move_out(self) -> None:
        """Let people move out again what may not be where they put it: engines only tell them."""
        for device, person in zip(self._stage.devices, self._stage.people, strict=True):
            told = [] if device.engine is None else device.engine.problems()
            for path in [tuple(problem.path.split("/")) for problem in told if NESTED in problem.message]:
                with suppress(FsError):
                    person.move(path, (f"{path[-1]} out of {path[0]}",))

    def _confirm(self, device: SimDevice) -> None:
        """Let a person confirm deletes that are held, while nothing else is under way."""
        engine, settings = device.engine, device.machine.settings
        if engine is not None and engine.memory.held and not engine.work.running and settings.may_delete is None:
            confirmed = [Confirmed(each.reason, each.side, each.files) for each in engine.memory.held]
            self._stage.note(f"{device.name} confirms {confirmed}")
            device.tell(msgspec.structs.replace(settings, may_delete=confirmed))

    def judge(self) -> None:
        """Hold the end to the invariants 1, 3, 4, 11 and 12."""
        stage = self._stage
        stage.note("judge")
        if stage.bugs:
            raise stage.bugs[0]
        stage.oracle.nothing_is_lost(stage.contents())
        self.agree()
        names = [name for device in stage.devices for path in live_files(device.machine.fs) for name in path]
        stage.oracle.no_false_conflicts(names)
        self.settle(HOUSEKEEPING_S)  # what was written into the trash through an open handle comes back by then
        before = stage.writes
        for device in stage.devices:
            device.kill()
            device.start()
        self.settle()
        if stage.writes != before:
            raise BrokenPromise(f"4: a second run made {stage.writes - before} changes")
        self.agree()

    def agree(self) -> None:
        """Judge that every device has the server's tree, through its mapped names (3)."""
        for device in self._stage.devices:
            self._agrees(device)

    def _agrees(self, device: SimDevice) -> None:
        fs, state = device.machine.fs, State(Database(device.machine.database))
        there = self._stage.past.view(device.machine.actor)
        here = entries(fs)
        files = live_files(fs)
        for node in there.values():
            path = self._local_path(device, state, node)
            if path not in here:
                raise BrokenPromise(
                    f"3: {device.name} lacks {'/'.join(path)}, of what it should have has {sorted(here)}"
                )
            content = digest(files[path]) if here[path] is Kind.FILE else None
            if content != node.content:
                raise BrokenPromise(f"3: {device.name} has other content in {'/'.join(path)} than the server")
            if content is not None and is_executable(fs, path) != node.executable:
                raise BrokenPromise(f"3: {device.name} has another executable bit on {'/'.join(path)}")
            del here[path]
        if here:
            raise BrokenPromise(f"3: {device.name} has {sorted(here)}, which the server lacks")

    def _local_path(self, device: SimDevice, state: State, node: LiveNode) -> Path:
        synced = state.synced(node.id)
        if synced is None:
            raise BrokenPromise(f"3: {device.name} has no synced row for {'/'.join(node.path)}")
        path = state.path_of(synced.lid)
        if _tells_apart(device) and path != node.path:
            raise BrokenPromise(f"3: {device.name} has {'/'.join(node.path)} as {'/'.join(path)}")
        return path

    def _begin(self, person: Person) -> None:
        """Let somebody work at their device."""
        self._stage.scheduler.spawn(f"user {person.device}", f"user {person.device}", lambda: self._work(person))

    def _work(self, person: Person) -> None:
        stage = self._stage
        chance = seeded(stage.seed, person.device, "pauses", self._left)
        while True:
            stage.scheduler.sleep(chance.expovariate(1 / stage.weather.user_pause_s))
            if stage.bugs:
                raise stage.bugs[0]
            self._left -= 1
            stage.note(f"{person.device}: {person.step()}")

    def _mend(self, device: SimDevice) -> None:
        machine = device.machine
        machine.transport.is_away = False
        for path in [*machine.fs.denied]:
            machine.fs.allow(path)
        machine.fs.rates.clear()
        device.tell(msgspec.structs.replace(machine.settings, ignore=[], excluded=[], paused=False))
        if not device.is_running:
            device.start()

    def _why(self) -> str:
        """Return what keeps each device from being quiet."""
        lines = []
        for device in self._stage.devices:
            engine = device.engine
            if engine is None:
                lines.append(f"{device.name}: no engine: {device.stopped_by}")
            elif not engine.is_quiet:
                lines.append(f"{device.name}: {engine.problems()[:3]} {list(engine.waits)[:2]} {engine.state.dirty}")
        return "\n".join(lines)


def find_failure(
    seeds: range, steps: int, devices: int, also: Callable[[Trace], None] = lambda _: None
) -> Trace | None:
    """Return the first run that fails."""
    for seed in seeds:
        trace = simulate(seed, steps, devices)
        also(trace)
        if trace.failure is not None:
            return trace
    return None


def _tells_apart(device: SimDevice) -> bool:
    """Tell whether this disk can hold all names of the run as the server has them."""
    mode = device.machine.fs.mode
    return mode.case_sensitive and mode.keeps_form
