"""The root's generation follows what both sides agreed on: soon after the first change, then each minute, and at once
at the end."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from client.remote import Remote
from client.sync.device.disk import DiskFs
from client.sync.device.inotify import NoWatch
from client.sync.device.system_clock import SystemChance, SystemClock
from client.sync.device.threads import ThreadExecutor
from client.sync.loop.caretaking import RENEW_S, RENEW_SOON_S, Caretaker
from client.sync.loop.memory import Memory
from client.sync.loop.meter import Meter
from client.sync.loop.throttle import Throttle
from client.sync.loop.tools import Tools, World
from client.sync.model import MARKER
from client.sync.observe import Observer
from client.sync.observe.rules import Rules
from client.sync.trees import marker
from client.sync.trees.state import State
from tests.sync.state.rows import local, put, remote, synced


class Stage:
    """A caretaker of a folder, with nothing around it that moves."""

    def __init__(self, tmp_path: Path) -> None:
        self._marker = tmp_path / "root" / Path(*MARKER)
        (tmp_path / "root").mkdir()
        self._fs = DiskFs(str(tmp_path / "root"))
        self.state = State.open(str(tmp_path / "state.db"))
        self._executor = ThreadExecutor()
        clock, chance = SystemClock(), SystemChance()
        net = Remote("http://127.0.0.1:9")
        world = World(self._fs, net, clock, chance, self._executor)
        marker.begin(self._fs, self.state, chance, device_id="d")
        traits = self._fs.probe()
        tools = Tools.of(world, traits, Meter(clock, threading.Lock()), Throttle(clock, [], threading.Lock()), "laptop")
        observer = Observer(self.state, self._fs, NoWatch(), clock, Rules(), traits, once=True)
        self.caretaker = Caretaker(self.state, world, tools, observer, Memory())
        self.caretaker.work(0.0)

    def agree(self, number: int) -> None:
        """Record that both sides agree on one more file."""
        node, entry = remote(f"n{number}"), local(number)
        put(self.state, [node, entry, synced(node, entry)])

    def generation(self) -> bytes:
        """Return the marker as it is now."""
        return self._marker.read_bytes()

    def close(self) -> None:
        """Let go of all."""
        self._executor.stop()
        self.state.close()
        self._fs.close()


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    made = Stage(tmp_path)
    yield made
    made.close()


def test_a_change_renews_the_generation_soon_and_further_ones_each_minute(stage: Stage) -> None:
    first = stage.generation()
    stage.agree(1)
    stage.caretaker.work(10.0)
    assert stage.generation() == first
    assert stage.caretaker.due_s == 10.0 + RENEW_SOON_S

    stage.caretaker.work(10.0 + RENEW_SOON_S)
    second = stage.generation()
    assert second != first

    stage.agree(2)
    stage.caretaker.work(20.0)
    stage.caretaker.work(10.0 + RENEW_S)
    assert stage.generation() == second
    stage.caretaker.work(10.0 + RENEW_SOON_S + RENEW_S)
    assert stage.generation() != second


def test_where_nothing_changes_the_generation_stays(stage: Stage) -> None:
    first = stage.generation()

    stage.caretaker.work(1000.0)
    stage.caretaker.renew()

    assert stage.generation() == first


def test_the_end_renews_the_generation_whatever_the_minute(stage: Stage) -> None:
    stage.agree(1)
    stage.caretaker.work(10.0)
    stage.caretaker.work(20.0)
    before = stage.generation()
    stage.agree(2)

    stage.caretaker.renew()

    assert stage.generation() != before
