"""Short stories: hypothesis looks for one that breaks a promise, and shrinks it (sync-engine.md, 16 C).

What it finds becomes a plain test with the story in its name.
"""

import contextlib

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from client.sync.seams.files import FsError
from tests.sim.chance import seeded
from tests.sim.disks import Before, contents
from tests.sim.fs import SimMode
from tests.sim.run import Simulation
from tests.sim.server import server_of, temporary_folder
from tests.sim.stage import Stage
from tests.sim.weather import Weather

DEVICES = st.integers(0, 1)
PATHS = st.sampled_from([("a",), ("b",), ("f",), ("f", "a"), ("g", "b")])
MOST_SWITCHES = 50_000


class Stories(RuleBasedStateMachine):
    """Two devices of one account, three names, two folders."""

    def __init__(self) -> None:
        super().__init__()
        self._open = contextlib.ExitStack()
        self._stage: Stage
        self._tokens = 0

    @initialize(case_sensitive=st.booleans(), exchanges=st.booleans())
    def begin(self, case_sensitive: bool, exchanges: bool) -> None:  # noqa: FBT001 -- drawn by name
        server = self._open.enter_context(server_of(0))
        folder = self._open.enter_context(temporary_folder())
        weather = Weather(mode=SimMode(case_sensitive=case_sensitive, exchanges=exchanges))
        self._stage = Stage.build(0, server, folder, weather, ["ada", "ada"])
        for device in self._stage.devices:
            device.start()

    # Users

    @rule(device=DEVICES, path=PATHS)
    def write(self, device: int, path: tuple[str, ...]) -> None:
        self._tokens += 1
        with contextlib.suppress(FsError):
            self._stage.people[device].put(path, b"<%d>" % (1000 + self._tokens))

    @rule(device=DEVICES, source=PATHS, to=PATHS)
    def move(self, device: int, source: tuple[str, ...], to: tuple[str, ...]) -> None:
        with contextlib.suppress(FsError):
            self._stage.people[device].move(source, to)

    @rule(device=DEVICES, path=PATHS)
    def delete(self, device: int, path: tuple[str, ...]) -> None:
        with contextlib.suppress(FsError):
            self._stage.people[device].remove(path)

    @rule(device=DEVICES, name=st.sampled_from(["f", "g"]))
    def make_folder(self, device: int, name: str) -> None:
        with contextlib.suppress(FsError):
            self._stage.devices[device].machine.fs.user_make_folder((name,))
            self._stage.oracle.touched(f"d{device}")

    # World

    @rule(seconds=st.sampled_from([0.01, 0.2, 3.0, 15.0, 90.0]))
    def pass_time(self, seconds: float) -> None:
        scheduler = self._stage.scheduler
        clock = scheduler.spawn("clock", None, lambda: scheduler.sleep(seconds))
        scheduler.run(lambda: clock.is_over, most=MOST_SWITCHES)

    @rule(device=DEVICES, switches=st.integers(1, 60))
    def restart_after(self, device: int, switches: int) -> None:
        self._run(switches)
        self._stage.devices[device].kill()
        self._stage.devices[device].start()

    @rule(device=DEVICES, switches=st.integers(1, 60))
    def cut_power_after(self, device: int, switches: int) -> None:
        self._run(switches)
        stage, cut = self._stage, self._stage.devices[device]
        fs = cut.machine.fs
        stage.oracle.disasters.append("power_cut")
        cut.kill()
        before, all_before = Before.of(fs), list(contents(fs))
        fs.crash(seeded("crash", switches))
        stage.oracle.lost(cut.name, all_before, contents(fs))
        stage.oracle.torn(cut.name, before.torn(fs))
        cut.start()

    @rule(device=DEVICES)
    def lose_state(self, device: int) -> None:
        lost = self._stage.devices[device]
        self._stage.oracle.disasters.append("lose_state")
        lost.kill()
        lost.lose_state()
        lost.start()

    @rule(device=DEVICES, away=st.booleans())
    def network(self, device: int, away: bool) -> None:  # noqa: FBT001 -- drawn by name
        self._stage.devices[device].machine.transport.is_away = away
        self._stage.network.news.set()

    def teardown(self) -> None:
        """All must come to agree."""
        try:
            if hasattr(self, "_stage"):
                simulation = Simulation(self._stage, 0)
                simulation.calm()
                simulation.judge()
        finally:
            if hasattr(self, "_stage"):
                self._stage.watching = False
                self._stage.scheduler.close()
            self._open.close()

    def _run(self, switches: int) -> None:
        scheduler = self._stage.scheduler
        until = scheduler.switches + switches
        clock = scheduler.spawn("clock", "clock", lambda: scheduler.sleep(60))
        scheduler.run(lambda: scheduler.switches >= until or clock.is_over, most=MOST_SWITCHES)
        scheduler.kill("clock")


def told(examples: int) -> settings:
    """Return settings for so many stories, the same at each run."""
    return settings(
        max_examples=examples,
        stateful_step_count=20,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )


def test_short_stories_keep_the_promises() -> None:
    run_state_machine_as_test(Stories, settings=told(40))


@pytest.mark.soak
def test_many_short_stories_keep_the_promises() -> None:
    run_state_machine_as_test(Stories, settings=told(3000))
