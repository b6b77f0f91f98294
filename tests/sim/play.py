"""Small stories: two devices of one account, told step by step, and held to all promises at the end."""

from collections.abc import Iterator
from contextlib import contextmanager

from tests.sim.device import SimDevice
from tests.sim.disks import live_files
from tests.sim.run import Simulation
from tests.sim.server import server_of, temporary_folder
from tests.sim.stage import Stage
from tests.sim.weather import Weather

MOST_SWITCHES = 100_000


class Play:
    """What the devices `first` and `second` go through, and what their people `one` and `two` do there."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.one, self.two = stage.people
        self.first, self.second = stage.devices
        self.disks = [device.machine.fs for device in stage.devices]
        self._simulation = Simulation(stage, 0)
        self._simulation.begin_jobs()

    def settle(self) -> None:
        """Wait until all agree, and hold them to the promises."""
        self._simulation.settle()
        self._simulation.judge()

    def wait(self, seconds: float) -> None:
        """Let so much time pass, and no more."""
        scheduler = self.stage.scheduler
        end_s = scheduler.now_s + seconds
        scheduler.spawn("clock", "clock", lambda: scheduler.sleep(seconds))
        scheduler.run(lambda: scheduler.now_s >= end_s, most=MOST_SWITCHES)

    def leave(self, device: SimDevice) -> None:
        """Take a device out of reach of the server."""
        device.machine.transport.is_away = True
        self.stage.network.news.set()

    def come_back(self, device: SimDevice) -> None:
        """Let it reach the server again."""
        device.machine.transport.is_away = False

    def contents(self, *path: str) -> set[bytes]:
        """Return what the devices have in a file."""
        return {live_files(disk)[path] for disk in self.disks}


@contextmanager
def play_of(weather: Weather) -> Iterator[Play]:
    """Begin a play; both devices run."""
    with server_of(0) as server, temporary_folder() as folder:
        stage = Stage.build(0, server, folder, weather, ["ada", "ada"])
        for device in stage.devices:
            device.start()
        yield Play(stage)
        stage.watching = False
        stage.scheduler.close()
