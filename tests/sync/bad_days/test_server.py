"""The server is away, full, takes the device no more, or is not what it was."""

import random
import shutil
import time
from pathlib import Path

import pytest

from tests.server import RunningServer
from tests.sync.bad_days.conftest import NewMachine, login_at
from tests.sync.bad_days.disks import IS_ROOT, small_disk
from tests.sync.bad_days.machine import Machine, codes, eventually, server_command


@pytest.fixture
def laptop(at: NewMachine) -> Machine:
    """A machine that is logged in at the server of this test alone."""
    return at("laptop")


@pytest.fixture
def desk(at: NewMachine) -> Machine:
    """Another one."""
    return at("desk")


def test_out_of_reach_at_the_start_ends_with_5_and_nothing_is_lost(
    own_server: RunningServer, laptop: Machine, desk: Machine
) -> None:
    laptop.write("a.txt", "first")
    laptop.sync()
    own_server.kill()
    laptop.write("a.txt", "edited while the server was away")
    laptop.write("new.txt", "new")

    away = laptop.process("--once")
    status = laptop.status()
    own_server.start()
    laptop.sync()
    desk.sync()

    assert away.code == 5
    assert "cairn: " in away.err
    assert (status["not_safe"], status["not_safe_files"]) == (["a.txt", "new.txt"], 2)
    assert desk.tree() == laptop.tree() == {"a.txt": b"edited while the server was away", "new.txt": b"new"}


def test_a_daemon_goes_on_with_a_login_that_took_the_place_of_its_own(
    own_server: RunningServer, laptop: Machine, desk: Machine
) -> None:
    """The server ends the device of the first, and the process met that as a device that was signed out."""
    laptop.device.login(own_server)
    laptop.write("a.txt", "first")
    with laptop.daemon() as daemon:
        daemon.in_step()
        laptop.device.login(own_server)
        laptop.write("b.txt", "made after the second login")
        eventually(lambda: "b.txt" in laptop.ok("ls", "/").out.decode(), "the file is sent")
        desk.sync()

    assert desk.names() == ["a.txt", "b.txt"]


def test_a_daemon_outlasts_a_server_that_goes_and_comes_back(
    own_server: RunningServer, laptop: Machine, desk: Machine
) -> None:
    laptop.write("a.txt", "first")
    with laptop.daemon() as daemon:
        daemon.in_step()
        own_server.kill()
        laptop.write("b.txt", "made while the server was away")
        away = daemon.until(lambda status: status["state"] == "offline" and status["not_safe_files"] == 1)
        own_server.start()
        back = daemon.until(lambda status: status["state"] == "in_step" and not status["not_safe_files"])
        desk.sync()

    assert away["not_safe"] == ["b.txt"]
    assert codes(back) == set()
    assert desk.tree() == {"a.txt": b"first", "b.txt": b"made while the server was away"}


def test_a_server_killed_in_the_middle_of_an_upload_gets_the_rest_when_it_is_back(
    own_server: RunningServer, laptop: Machine, desk: Machine
) -> None:
    for number in range(40):
        laptop.write(f"{number}.bin", bytes([number]) * 300_000 + str(number).encode())
    laptop.sync()
    for number in range(40, 80):
        laptop.write(f"{number}.bin", bytes([number]) * 300_000 + str(number).encode())
    laptop.here("limit", "--up", "4M")
    with laptop.daemon() as daemon:
        daemon.until(lambda status: 0 < status["not_safe_files"] < 40)
        own_server.kill()
        own_server.start()
        laptop.here("limit", "none")
        daemon.until(lambda status: status["state"] == "in_step" and not status["not_safe_files"])
    desk.sync()

    assert desk.tree() == laptop.tree()


def test_a_device_that_was_signed_out_ends_with_3_and_goes_on_after_a_login_where_it_was(
    own_server: RunningServer, laptop: Machine, desk: Machine
) -> None:
    laptop.write("a.txt", "first")
    laptop.write("gone.txt", "first")
    laptop.sync()
    desk.sync()
    with laptop.daemon() as daemon:
        daemon.in_step()
        (current,) = [each for each in laptop.ok("devices", "--json").json if each["current"]]
        desk.ok("devices", "revoke", current["device_id"])
        code = daemon.ends()
        said = daemon.said
    laptop.write("a.txt", "edited while signed out")
    (laptop.folder / "gone.txt").unlink()
    desk.write("b.txt", "from the desk")
    desk.sync()
    again = laptop.process("--once")

    laptop.keep(login_at(own_server, "laptop"))
    laptop.sync()
    desk.sync()

    assert (code, again.code) == (3, 3)
    assert "`cairn login`" in said
    assert "`cairn login`" in again.err
    # With its base: the edit is no conflict, and the delete was a delete.
    assert desk.tree() == laptop.tree() == {"a.txt": b"edited while signed out", "b.txt": b"from the desk"}


def test_a_full_quota_stops_uploads_alone_and_ends_when_there_is_room(
    own_server: RunningServer, laptop: Machine, desk: Machine
) -> None:
    laptop.write("old.txt", "old")
    laptop.write("gone.txt", "gone")
    laptop.sync()
    desk.write("from desk.bin", b"d" * 400_000)
    desk.sync()
    server_command(own_server, "user", "quota", "ada", "1M")
    laptop.write("big.bin", bytes(range(256)) * 8_000)
    (laptop.folder / "old.txt").rename(laptop.folder / "renamed.txt")
    (laptop.folder / "gone.txt").unlink()

    full = laptop.sync(1)
    desk.sync()

    status = laptop.status()
    assert codes(status) == {("big.bin", "quota")}
    assert "big.bin: The quota has no room for this" in full.err
    assert "or ask for more" in full.err
    assert status["not_safe"] == ["big.bin"]
    assert laptop.read("from desk.bin") == b"d" * 400_000
    assert desk.names() == ["from desk.bin", "renamed.txt"]

    with laptop.daemon() as daemon:
        daemon.until(lambda status: codes(status) == {("big.bin", "quota")})
        server_command(own_server, "user", "quota", "ada", "none")
        laptop.here("pause")
        laptop.here("resume")
        daemon.until(lambda status: status["state"] == "in_step" and not status["not_safe_files"])
    desk.sync()
    assert desk.tree() == laptop.tree()


def test_a_server_put_back_to_an_earlier_state_is_noticed_and_gets_back_what_it_lacks(
    own_server: RunningServer, laptop: Machine, desk: Machine
) -> None:
    laptop.write("a.txt", "one")
    laptop.write("b.txt", "one")
    laptop.write("folder/c.txt", "one")
    laptop.sync()
    desk.sync()
    backup = own_server.data.with_name("backup")
    own_server.stop()
    shutil.copytree(own_server.data, backup)
    own_server.start()
    laptop.write("a.txt", "two")
    laptop.write("new.txt", "new")
    laptop.sync()
    laptop.write("a.txt", "three")
    laptop.sync()
    desk.sync()
    (laptop.folder / "b.txt").unlink()
    laptop.sync()
    desk.write("folder/c.txt", "edited and not sent")
    now = laptop.tree()

    own_server.stop()
    shutil.rmtree(own_server.data)
    shutil.copytree(backup, own_server.data)
    own_server.start()
    for machine in (laptop, desk, laptop, desk):
        machine.sync()

    # What was deleted after the backup comes back; what is newer goes up again, and is no conflict.
    assert laptop.tree() == desk.tree() == {**now, "b.txt": b"one", "folder/c.txt": b"edited and not sent"}
    assert laptop.read("a.txt") == b"three"
    assert [each["size"] for each in laptop.ok("versions", "--json", "/a.txt").json] == [5, 3]


def test_a_running_daemon_notices_too_that_the_server_was_put_back(
    own_server: RunningServer, laptop: Machine, desk: Machine
) -> None:
    laptop.write("a.txt", "one")
    laptop.sync()
    backup = own_server.data.with_name("backup")
    own_server.stop()
    shutil.copytree(own_server.data, backup)
    own_server.start()
    with laptop.daemon() as daemon:
        daemon.in_step()
        laptop.write("a.txt", "two")
        laptop.write("b.txt", "two")
        eventually(lambda: b"b.txt" in laptop.ok("ls", "/").out, "the new file is at the server")
        daemon.until(lambda status: status["state"] == "in_step" and not status["not_safe_files"])
        own_server.stop()
        shutil.rmtree(own_server.data)
        shutil.copytree(backup, own_server.data)
        own_server.start()
        eventually(lambda: b"b.txt" in laptop.ok("ls", "/").out, "the new file is at the server again")
        daemon.until(lambda status: status["state"] == "in_step" and not status["not_safe_files"])
    desk.sync()

    assert desk.tree() == laptop.tree() == {"a.txt": b"two", "b.txt": b"two"}


@pytest.mark.skipif(not IS_ROOT, reason="mounts a disk")
def test_a_server_whose_disk_is_full_takes_nothing_more_until_there_is_room(tmp_path: Path) -> None:
    disk = tmp_path / "server"
    disk.mkdir()
    with small_disk(disk, "300m"):
        server = RunningServer(disk / "data", {"CAIRN_LIMITS__FREE_DISK_BYTES": "20000000"}).start()
        try:
            laptop = Machine(tmp_path / "laptop", login_at(server, "laptop"), "/")
            for path in ("a.txt", "gone.txt", "folder/b.txt"):
                laptop.write(path, "first")
            laptop.sync()
            filling = disk / "filling"
            free = shutil.disk_usage(disk).free
            filling.write_bytes(bytes(free - 15_000_000))
            eventually(lambda: laptop.run("mkdir", f"/{time.monotonic_ns()}").code, "the server sees it")
            laptop.write("new.txt", "new")
            (laptop.folder / "folder").rename(laptop.folder / "renamed")
            (laptop.folder / "gone.txt").unlink()

            refused = laptop.sync(1)

            status = laptop.status()
            assert {reason for _, reason in codes(status)} == {"server_full"}
            assert status["not_safe"] == ["new.txt"]
            assert "disk is nearly full" in refused.err
            assert b"gone.txt" not in laptop.ok("ls", "/").out
            filling.unlink()
            eventually(lambda: not laptop.run("mkdir", "/room").code, "the server sees it")
            laptop.sync()
            names = laptop.ok("ls", "/").out
            assert b"new.txt" in names
            assert b"renamed/" in names
        finally:
            server.close()


def test_a_damaged_chunk_at_the_server_leaves_the_file_here_as_it_is_and_is_told(
    own_server: RunningServer, laptop: Machine, desk: Machine
) -> None:
    laptop.write("a.bin", "first")
    laptop.sync()
    desk.sync()
    laptop.write("a.bin", random.Random(7).randbytes(200_000))  # noqa: S311 -- content alone
    laptop.write("b.txt", "whole")
    laptop.sync()
    own_server.stop()
    _damage(own_server.data, larger_than=100_000)
    own_server.start()

    told = desk.sync(1)

    assert desk.tree() == {"a.bin": b"first", "b.txt": b"whole"}
    assert codes(desk.status()) == {("a.bin", "damaged_at_server")}
    assert "a.bin: " in told.err


def _damage(data: Path, larger_than: int) -> None:
    """Turn a byte over in the middle of each large file of chunks."""
    large = [path for path in data.rglob("*") if path.is_file() and path.stat().st_size > larger_than]
    chunks = [path for path in large if "chunks" in path.parts]
    assert chunks, large
    for path in chunks:
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 0xFF
        mode = path.stat().st_mode
        path.chmod(0o600)
        path.write_bytes(content)
        path.chmod(mode)
