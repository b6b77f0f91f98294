"""The clock of a machine is set, far back and far ahead: the engine with a clock of the test, the rest real."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from client.home import Login
from client.remote import Remote
from client.sync.device.disk import DiskFs
from client.sync.device.inotify import NoWatch
from client.sync.device.system_clock import SystemChance, SystemClock
from client.sync.device.threads import ThreadExecutor
from client.sync.loop.engine import Engine
from client.sync.seams.files import Fs
from client.sync.settings import Settings
from client.sync.trees.state import State
from tests.sim.fs import SimFs, SimMode
from tests.sync.bad_days.machine import Machine

YEAR_MS = 365 * 86_400 * 1000


class WrongClock(SystemClock):
    """The clock of a machine that somebody has set."""

    off_ms = 0

    def wall_ms(self) -> int:
        return super().wall_ms() + self.off_ms

    def local_time(self, format_: str) -> str:
        return "2001-01-01 00-00-00" if self.off_ms < 0 else super().local_time(format_)


class Inside:
    """An engine in this process, with a disk and a clock of the test's own."""

    def __init__(self, fs: Fs, login: Login, remote: str, database: Path) -> None:
        self.clock = WrongClock()
        self.fs = fs
        self._login = login
        self._remote = remote
        self._database = database

    def sync(self) -> int:
        """Run once to the end, and return the exit code."""
        executor, net = ThreadExecutor(), Remote(self._login.server, self._login.token, patience_s=2.0)
        state = State.open(str(self._database))
        engine = Engine(
            state=state,
            fs=self.fs,
            watch=NoWatch(),
            net=net,
            clock=self.clock,
            chance=SystemChance(),
            executor=executor,
            settings=Settings(
                root="", remote=self._remote, server="", username="", device_id="d", device_name="inside"
            ),
            once=True,
            on_bug=_raise,
        )
        try:
            engine.start()
            while engine.turn():
                pass
            self.problems = engine.problems()
            return engine.exit_code
        finally:
            net.stop()
            executor.stop()
            net.close()
            state.close()


def _raise(error: BaseException) -> None:
    raise error


@pytest.fixture
def inside(laptop: Machine, logins: Callable[[str], Login], tmp_path: Path) -> Iterator[Inside]:
    """The laptop's folder, synced by an engine in this process."""
    laptop.ok("mkdir", laptop.remote)
    fs = DiskFs(str(laptop.folder))
    yield Inside(fs, logins("inside"), laptop.remote, tmp_path / "inside.db")
    fs.close()


def test_a_clock_set_back_a_year_changes_nothing_about_who_wins(inside: Inside, laptop: Machine, desk: Machine) -> None:
    laptop.write("a.txt", "first")
    laptop.write("b.txt", "first")
    assert inside.sync() == 0
    desk.sync()
    for off_ms in (-YEAR_MS, YEAR_MS, -20 * YEAR_MS):
        inside.clock.off_ms = off_ms
        laptop.write("a.txt", f"edited with the clock off by {off_ms}")
        (laptop.folder / "b.txt").unlink()
        assert inside.sync() == 0
        desk.sync()
        assert desk.tree() == {"a.txt": f"edited with the clock off by {off_ms}".encode()}
        desk.write("b.txt", f"made again {off_ms}")
        desk.sync()
        assert inside.sync() == 0
        assert laptop.tree() == desk.tree()
    # Who is first at the server wins, whatever the clocks say; only the name of the copy shows the wrong time.
    laptop.write("a.txt", "of a machine with a wrong clock")
    desk.write("a.txt", "of the desk")
    desk.sync()
    assert inside.sync() == 4
    assert laptop.read("a.txt") == b"of the desk"
    assert laptop.read("a (conflict from inside 2001-01-01 00-00-00).txt") == b"of a machine with a wrong clock"


@pytest.fixture
def mac(laptop: Machine, logins: Callable[[str], Login], tmp_path: Path) -> Inside:
    """A machine whose (simulated) disk takes `a` and `A` for one name, and refuses what Windows does."""
    laptop.ok("mkdir", laptop.remote)
    clock = SystemClock()
    mode = SimMode(case_sensitive=False, windows_names=True, max_name_bytes=143)
    disk = SimFs(lambda: clock.wall_ms() * 1_000_000, mode=mode)
    return Inside(disk, logins("mac"), laptop.remote, tmp_path / "mac.db")


def test_names_that_a_disk_takes_for_one_or_cannot_hold_are_mapped_there_alone(mac: Inside, laptop: Machine) -> None:
    disk = mac.fs
    assert isinstance(disk, SimFs)
    laptop.write("Read.me", "one")
    laptop.sync()
    laptop.write("README", "first")
    laptop.write("readme", "second")
    laptop.write("a:b.txt", "colon")
    laptop.write("CON", "device")
    laptop.write("long " * 40 + ".txt", "long")
    laptop.sync()
    assert mac.sync() == 0
    shown = {name[-1]: disk.user_read(name) for name in disk.tree() if name[:1] != (".cairn",)}

    assert len(shown) == 6
    assert sorted(shown.values()) == [b"colon", b"device", b"first", b"long", b"one", b"second"]
    assert max(len(name) for name in shown) <= 143
    assert shown["Read.me"] == b"one"
    assert any("(case 2)" in name for name in shown)
    assert "a:b.txt" not in shown
    assert "CON" not in shown
    # An edit under the mapped name is an edit of the file; no name at the server changes.
    (mapped,) = [name for name in shown if "(case 2)" in name]
    disk.user_write((mapped,), b"edited under the other name")
    assert mac.sync() == 0
    laptop.sync()
    assert sorted(laptop.tree()) == ["CON", "README", "Read.me", "a:b.txt", "long " * 40 + ".txt", "readme"]
    assert b"edited under the other name" in laptop.tree().values()
    assert mac.sync() == 0
