"""The thin door to the real disk, and the simulated one that stands for it."""

import os
from pathlib import Path

import pytest

from storage.disk import Disk, LocalDisk, file_system_type, replace_file
from tests.simdisk import Mode, SimDisk


@pytest.fixture(params=["local", "simulated"])
def disk(request: pytest.FixtureRequest, tmp_path: Path) -> Disk:
    return LocalDisk() if request.param == "local" else SimDisk(tmp_path)


def write(disk: Disk, path: Path, *pieces: bytes) -> None:
    descriptor = disk.create(path)
    disk.write(descriptor, pieces)
    disk.fsync(descriptor)
    disk.close(descriptor)


def test_both_disks_do_the_same(disk: Disk, tmp_path: Path) -> None:
    disk.make_folder(tmp_path / "a")
    disk.make_folder(tmp_path / "a")
    write(disk, tmp_path / "a" / "x", b"one", b"", b"two")
    write(disk, tmp_path / "a" / "y", b"other")
    with pytest.raises(FileExistsError):
        disk.create(tmp_path / "a" / "x")
    disk.rename(tmp_path / "a" / "x", tmp_path / "a" / "y")
    disk.unlink(tmp_path / "a" / "absent")
    disk.sync_folder(tmp_path / "a")
    folder = disk.open_folder(tmp_path)
    disk.syncfs(folder)
    disk.close(folder)
    descriptor = disk.open_(tmp_path / "a" / "y")
    disk.fsync(descriptor)
    disk.close(descriptor)

    assert disk.list_(tmp_path / "a") == ["y"]
    assert disk.read(tmp_path / "a" / "y") == b"onetwo"
    assert disk.stat(tmp_path / "a" / "y").size == 6
    assert disk.stat(tmp_path / "a" / "y").mode == 0o600
    assert disk.stat(tmp_path / "a").mode == 0o700
    assert disk.usage(tmp_path).free <= disk.usage(tmp_path).total
    for call in (disk.read, disk.stat, disk.list_, disk.open_):
        with pytest.raises(FileNotFoundError):
            call(tmp_path / "absent")


def test_more_pieces_than_one_call_takes_are_written_whole(tmp_path: Path) -> None:
    pieces = [bytes([number % 256]) * (number % 5) for number in range(5000)]

    write(LocalDisk(), tmp_path / "x", *pieces)

    assert (tmp_path / "x").read_bytes() == b"".join(pieces)


def test_short_writes_are_continued(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def one_byte_at_a_time(descriptor: int, pieces: list[memoryview]) -> int:
        return os.write(descriptor, pieces[0][:1])

    monkeypatch.setattr(os, "writev", one_byte_at_a_time)

    write(LocalDisk(), tmp_path / "x", b"abc", b"", b"defg")

    assert (tmp_path / "x").read_bytes() == b"abcdefg"


def test_the_file_system_is_told_by_the_mount_that_holds_the_path(tmp_path: Path) -> None:
    assert file_system_type(Path("/proc/self")) == "proc"
    assert file_system_type(tmp_path) != ""


def test_syncfs_is_not_trusted_on_an_unknown_file_system() -> None:
    assert not LocalDisk().can_syncfs(Path("/proc"))


@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize("calls", range(8))
def test_a_replaced_file_is_old_or_new_after_a_power_cut(tmp_path: Path, mode: Mode, calls: int) -> None:
    for seed in range(20):
        disk = SimDisk(tmp_path, mode)
        replace_file(disk, tmp_path / "x", b"old" * 1000)
        disk.cut_power_at(calls)
        done = True
        try:
            replace_file(disk, tmp_path / "x", b"new" * 1000)
        except OSError:
            done = False

        content = disk.crash(seed).read(tmp_path / "x")

        assert content == b"new" * 1000 if done else content in {b"old" * 1000, b"new" * 1000}


def outcomes(mode: Mode, tmp_path: Path) -> set[tuple[str, ...]]:
    """Return what may be left of a file that was created and written, and of its rename, with nothing synced."""
    found = set()
    for seed in range(300):
        disk = SimDisk(tmp_path, mode)
        descriptor = disk.create(tmp_path / "a")
        disk.write(descriptor, [b"x" * 1000])
        disk.rename(tmp_path / "a", tmp_path / "b")
        after = disk.crash(seed)
        found.add(tuple(f"{name}:{after.stat(tmp_path / name).size}" for name in after.list_(tmp_path)))
    return found


def test_the_simulated_disk_keeps_no_more_than_it_must(tmp_path: Path) -> None:
    strict = outcomes(Mode.STRICT, tmp_path)
    ext4 = outcomes(Mode.EXT4, tmp_path)

    assert {(), ("a:0",), ("b:0",), ("b:1000",), ("a:1000", "b:1000")} <= strict
    assert {(), ("a:0",), ("b:0",)} <= ext4


def test_a_failed_fsync_of_the_simulated_disk_loses_the_bytes_though_the_next_says_fine(tmp_path: Path) -> None:
    disk = SimDisk(tmp_path)
    descriptor = disk.create(tmp_path / "a")
    disk.sync_folder(tmp_path)
    disk.write(descriptor, [b"bytes"])
    disk.fail("fsync", 0, 5)
    with pytest.raises(OSError, match="Input/output"):
        disk.fsync(descriptor)
    seen = disk.read(tmp_path / "a")

    disk.fsync(descriptor)

    assert seen == b"bytes"
    assert disk.crash(seed=0).read(tmp_path / "a") == b""
