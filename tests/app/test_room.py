"""What is kept of the disk, and the ballast: when it is laid, when it gives way, and that uploads get none of it."""

import errno
import logging
import os
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from app.clock import now_ms
from app.config import Limits
from app.errors import NoRoomError
from app.services import room as room_module
from app.services.ballast import Ballast
from app.services.room import Room
from app.services.standing import Standing
from storage.disk import DiskUsage, LocalDisk

MIB = 1024 * 1024
GIB = 1024 * MIB
NOTHING_KEPT = Limits(free_disk_bytes=0, free_disk_percent=0)


@dataclass
class Volume(LocalDisk):
    """A disk of which one can say how full it is; what is allocated counts, and takes nothing of the real one."""

    total: int = 10 * GIB
    free: int = 10 * GIB
    refuses: bool = False
    allocated: dict[int, int] = field(default_factory=dict)

    def usage(self, path: Path) -> DiskUsage:  # noqa: ARG002 - there is one volume
        return DiskUsage(self.total, self.free)

    def allocate(self, descriptor: int, size: int) -> None:
        if self.refuses:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        os.truncate(descriptor, size)
        self.free -= size

    def unlink(self, path: Path) -> None:
        if path.exists():
            self.free += path.stat().st_size
        super().unlink(path)


@pytest.fixture(autouse=True)
def every_look_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room_module, "LOOK_EVERY_S", 0)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ballast"


def writable(path: Path) -> Standing:
    return Standing(path.with_name("read-only"), path.with_name("failures"), LocalDisk(), now_ms)


@pytest.mark.parametrize(("total", "size"), [(10 * GIB, 64 * MIB), (64 * MIB, 671_088), (6400 * MIB, 64 * MIB)])
def test_ballast_is_64_mib_but_at_most_a_hundredth_of_the_volume(path: Path, total: int, size: int) -> None:
    volume = Volume(total=total, free=total)
    ballast = Ballast(path, volume)

    ballast.tend(volume.usage(path))

    assert (ballast.size, path.stat().st_size) == (size, size)


def test_ballast_takes_real_room_of_the_disk(path: Path) -> None:
    descriptor = LocalDisk().create(path)
    LocalDisk().allocate(descriptor, MIB)
    LocalDisk().close(descriptor)

    assert path.stat().st_blocks * 512 >= MIB


def test_ballast_that_gave_way_comes_back_only_when_there_is_room_for_two(path: Path) -> None:
    volume = Volume()
    ballast = Ballast(path, volume)
    ballast.tend(volume.usage(path))
    volume.free = 0

    assert ballast.give_up()
    assert not ballast.give_up()
    ballast.tend(volume.usage(path))
    assert not path.exists()  # just what it gave: others are to have it

    volume.free = 128 * MIB
    ballast.tend(volume.usage(path))
    assert path.exists()
    assert volume.free == 64 * MIB


def test_ballast_of_an_earlier_run_is_known_and_half_a_one_laid_anew(path: Path) -> None:
    volume = Volume()
    path.write_bytes(bytes(1000))
    ballast = Ballast(path, volume)
    assert ballast.size == 1000

    ballast.tend(volume.usage(path))

    assert Ballast(path, volume).size == 64 * MIB


def test_ballast_that_finds_no_room_leaves_nothing(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    volume = Volume(refuses=True)
    ballast = Ballast(path, volume)

    ballast.tend(volume.usage(path))

    assert (ballast.size, path.exists()) == (0, False)
    assert "could not be laid" in caplog.text


def test_uploads_get_nothing_of_what_the_ballast_gave(path: Path) -> None:
    volume = Volume()
    ballast = Ballast(path, volume)
    room = Room(path.parent, volume, NOTHING_KEPT, ballast, writable(path))
    ballast.tend(volume.usage(path))
    volume.free = 0
    ballast.give_up()

    with pytest.raises(NoRoomError):
        room.require()

    volume.free += 1
    room.require()


@pytest.mark.parametrize(
    ("total", "kept"), [(4 * GIB, 4 * GIB // 10), (20 * GIB, GIB), (500 * GIB, 10 * GIB)], ids=["tenth", "1 GiB", "2 %"]
)
def test_uploads_stop_at_the_reserve_and_the_log_says_so_once(
    path: Path, caplog: pytest.LogCaptureFixture, total: int, kept: int
) -> None:
    caplog.set_level(logging.INFO)
    volume = Volume(total=total, free=total)
    ballast = Ballast(path, volume)
    ballast.tend(volume.usage(path))
    room = Room(path.parent, volume, Limits(), ballast, writable(path))
    room.require()

    volume.free = kept
    for _ in range(3):
        with pytest.raises(NoRoomError):
            room.require()
    volume.free = kept + 1
    room.require()

    told = [record.getMessage() for record in caplog.records if record.name == room_module.__name__]
    assert told == [
        f"the disk has {kept} bytes left: only reads, logins and deletes go on",
        "the disk has room again: uploads and changes are taken",
    ]
