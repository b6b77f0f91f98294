"""Ten minutes of kill -9, and what else a world does to processes (sync engine, section 16 E). SYNC_SOAK_S shortens."""

import os
import random
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.server import RunningServer
from tests.sync.processes.proxy import CuttingProxy
from tests.sync.processes.stage import Play, Stage

LONG_S = float(os.environ.get("SYNC_SOAK_S") or 600.0)
VARIANT_S = min(LONG_S, 180.0)
MINUTE_S = 60.0
TMPFS_BYTES = 64 * 1024 * 1024
WATCHES = 50
FEW_WATCHES = f'echo {WATCHES} > /proc/sys/user/max_inotify_watches && exec "$@"'

pytestmark = [pytest.mark.soak, pytest.mark.timeout(LONG_S + 900)]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 64 MiB in memory."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={TMPFS_BYTES}", "none", disk], check=False, capture_output=True
    )
    if mounted.returncode:
        pytest.skip(f"no disk can be mounted here: {mounted.stderr.decode().strip()}")
    yield disk
    subprocess.run(["umount", "-l", disk], check=True)


@pytest.mark.parametrize("devices", [("a", "b"), ("a", "b", "c")], ids=["two", "three"])
def test_ten_minutes_of_kills_lose_nothing(
    seed: int, server: RunningServer, tmp_path: Path, devices: tuple[str, ...]
) -> None:
    Stage(tmp_path, Play(seed, LONG_S, devices=devices), server).run()


def test_ten_minutes_of_kills_make_no_conflict_where_one_device_is_active(
    seed: int, server: RunningServer, tmp_path: Path
) -> None:
    Stage(tmp_path, Play(seed, LONG_S, active=("a",)), server).run()


@pytest.mark.parametrize("active", [(), ("a",)], ids=["both", "one"])
def test_replies_that_are_cut_off(seed: int, server: RunningServer, tmp_path: Path, active: tuple[str, ...]) -> None:
    proxy = CuttingProxy(server.port, random.Random(seed))  # noqa: S311 -- a run that can be repeated

    def calm() -> None:
        proxy.rate = 0.0

    play = Play(seed, VARIANT_S, active=active, between_kills_s=(3.0, 15.0), before_quiet=calm)
    stage = Stage(tmp_path, play, server, proxy.url)
    proxy.rate = 0.1
    stage.run()

    assert proxy.cuts
    proxy.close()


@pytest.mark.parametrize("active", [(), ("a",)], ids=["both", "one"])
def test_daemons_that_stand_still_for_a_minute(
    seed: int, server: RunningServer, tmp_path: Path, active: tuple[str, ...]
) -> None:
    play = Play(seed, VARIANT_S, active=active, between_kills_s=(1.0, 6.0), freeze_s=MINUTE_S)
    stage = Stage(tmp_path, play, server)
    stage.run()

    assert stage.killer.freezes


def test_a_disk_that_fills_up(seed: int, server: RunningServer, tmp_path: Path, small_disk: Path) -> None:
    """Nothing is fetched to so small a disk, whatever is free (section 7): the device on it is the one at work.

    Its state lies on it too, so the daemon may end by itself; the user makes room in the end.
    """
    filler = small_disk / "filler"

    def fill(_: Path) -> None:
        filler.write_bytes(bytes(TMPFS_BYTES * 7 // 8))

    play = Play(
        seed,
        VARIANT_S,
        active=("a",),
        between_kills_s=(1.0, 6.0),
        folders={"a": small_disk},
        large=2_000_000,
        may_end=True,
        prepare=fill,
        before_quiet=filler.unlink,
    )
    Stage(tmp_path, play, server).run()


def test_a_system_that_watches_few_folders(seed: int, server: RunningServer, tmp_path: Path) -> None:
    """Folders that are not watched are polled, each 30 s."""
    limited = ("unshare", "--user", "--map-root-user", "sh", "-c", FEW_WATCHES, "sh")
    tried = subprocess.run([*limited, "true"], check=False, capture_output=True)
    if tried.returncode:
        pytest.skip(f"no limit of watches can be set here: {tried.stderr.decode().strip()}")

    def make_many(folder: Path) -> None:
        for number in range(WATCHES * 2):
            (folder / f"folder {number:03}").mkdir()

    play = Play(
        seed,
        VARIANT_S,
        between_kills_s=(5.0, 20.0),
        prefix=limited,
        prepare=make_many,
        still_s=45.0,
        troubles=("watch_limit",),
    )
    Stage(tmp_path, play, server).run()
