"""The folder here is not there, was emptied, or is used by two."""

import os
import shutil
import time
from pathlib import Path

import pytest

from tests.sync.bad_days.conftest import NewMachine
from tests.sync.bad_days.machine import Machine, eventually

MANY = 25


def _fill(machine: Machine, number: int = MANY) -> None:
    for each in range(number):
        machine.write(f"folder {each % 3}/{each}.txt", f"content of {each}")


def _there(machine: Machine) -> int:
    """Return how many files the server holds."""
    names = machine.ok("ls", "--json", machine.remote).json
    return sum(len(machine.ok("ls", "--json", each["path"]).json) for each in names if each["kind"] == "folder")


def test_a_folder_whose_disk_is_not_mounted_ends_with_1_and_changes_nothing(laptop: Machine, desk: Machine) -> None:
    _fill(laptop)
    laptop.sync()
    away = laptop.folder.with_name("unmounted")
    laptop.folder.rename(away)
    no_folder = laptop.process("--once")
    laptop.folder.mkdir()
    empty_folder = laptop.process("--once")
    (laptop.folder / ".cairn").mkdir()
    no_marker = laptop.process("--once")
    desk.sync()

    assert (no_folder.code, empty_folder.code, no_marker.code) == (1, 1, 1)
    assert "Is its disk mounted?" in no_folder.err
    assert "--forget" in empty_folder.err
    assert "is its disk mounted?" in no_marker.err
    assert "--forget" in no_marker.err
    assert len(desk.names()) == MANY + 3
    assert _there(desk) == MANY

    shutil.rmtree(laptop.folder)
    away.rename(laptop.folder)
    laptop.sync()
    assert laptop.tree() == desk.tree()


def test_a_folder_that_goes_while_the_daemon_runs_ends_it_with_1_and_deletes_nothing(
    laptop: Machine, desk: Machine
) -> None:
    _fill(laptop, 5)
    with laptop.daemon() as daemon:
        daemon.in_step()
        laptop.folder.rename(laptop.folder.with_name("unmounted"))
        laptop.folder.mkdir()
        (laptop.folder / "something.txt").write_bytes(b"of another disk")
        code = daemon.ends()

    assert code == 1
    assert "is its disk mounted?" in daemon.said
    assert _there(laptop) == 5
    desk.sync()
    assert len(desk.names()) == 5 + 3


def test_a_folder_emptied_with_cairns_own_in_it_ends_with_1_and_begins_anew_by_forget(
    laptop: Machine, desk: Machine
) -> None:
    _fill(laptop)
    laptop.sync()
    before = laptop.tree()
    laptop.empty(private=True)

    refused = laptop.process("--once")
    assert _there(laptop) == MANY
    laptop.ok("sync", laptop.folder, "--forget")
    laptop.sync()
    desk.sync()

    assert refused.code == 1
    assert laptop.tree() == desk.tree() == before


def test_many_deletes_are_held_told_and_go_on_when_confirmed(laptop: Machine, desk: Machine) -> None:
    _fill(laptop)
    laptop.sync()
    desk.sync()
    laptop.empty()
    laptop.write("new.txt", "goes on")

    held = laptop.sync(1)
    desk.sync()
    status = laptop.status()

    assert f"Held: {MANY} of {MANY + 1} files going at the server" in held.out.decode()
    assert {each["reason"] for each in status["held"]} == {"held_deletes"}
    assert "new.txt" in desk.names()
    assert len(desk.names()) == MANY + 3 + 1
    assert f"{MANY} of {MANY + 1}" in laptop.here("held").out.decode()

    laptop.here("held", "confirm")
    laptop.sync()
    desk.sync(1)  # nearly all that the desk has is about to go: there it is asked as well
    assert laptop.tree() == {"new.txt": b"goes on"}
    desk.here("held", "confirm")
    desk.sync()
    assert desk.tree() == laptop.tree()
    # What was confirmed is used up.
    _fill(laptop)
    laptop.sync()
    laptop.empty()
    laptop.sync(1)


def test_held_deletes_that_are_refused_come_back(laptop: Machine, desk: Machine) -> None:
    _fill(laptop)
    laptop.sync()
    desk.sync()
    before = laptop.tree()
    laptop.empty()
    laptop.sync(1)

    laptop.here("held", "refuse")
    laptop.sync()
    desk.sync()

    assert laptop.tree() == desk.tree() == before
    assert laptop.here("held").out.decode() == "Nothing is held.\n"


def test_deletes_at_the_server_are_held_here_and_refused_go_up_again(laptop: Machine, desk: Machine) -> None:
    _fill(laptop)
    laptop.sync()
    desk.sync()
    before = laptop.tree()
    for name in ("folder 0", "folder 1", "folder 2"):
        laptop.ok("rm", "-r", f"{laptop.remote}/{name}")

    held = desk.sync(1)
    assert desk.tree() == before
    assert "files going on this device" in held.out.decode()
    desk.here("held", "refuse")
    desk.sync()
    desk.here("held")

    assert desk.tree() == before
    assert _there(desk) == MANY


def test_a_hold_dissolves_when_the_files_come_back_by_themselves(laptop: Machine) -> None:
    _fill(laptop)
    with laptop.daemon() as daemon:
        daemon.in_step()
        kept = laptop.folder.parent / "kept"
        kept.mkdir()
        for folder in list(laptop.folder.glob("folder *")):
            folder.rename(kept / folder.name)
        held = daemon.until(lambda status: status["held"])
        for folder in list(kept.iterdir()):
            folder.rename(laptop.folder / folder.name)
        daemon.until(lambda status: status["state"] == "in_step" and not status["held"])

    assert held["held"][0]["files"] == MANY
    assert _there(laptop) == MANY


def test_many_files_that_became_empty_while_their_time_stayed_are_held(laptop: Machine, desk: Machine) -> None:
    _fill(laptop)
    laptop.sync()
    before = laptop.tree()
    for path in laptop.folder.glob("folder */*"):
        times = path.stat()
        path.write_bytes(b"")
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))  # as a torn disk leaves it, and no program

    laptop.sync(1)
    desk.sync()

    assert {each["reason"] for each in laptop.status()["held"]} == {"held_shrinks"}
    assert desk.tree() == before
    laptop.here("held", "confirm")
    laptop.sync()
    desk.sync(None)
    assert _there(laptop) == MANY


def test_the_second_process_on_a_folder_ends_with_1_and_the_first_goes_on(
    laptop: Machine, new: NewMachine, desk: Machine
) -> None:
    laptop.write("a.txt", "first")
    with laptop.daemon() as daemon:
        daemon.in_step()
        second = laptop.process("--once")
        other = new("phone")
        other.folder.rmdir()
        other.folder = laptop.folder
        elsewhere = other.process("--remote", other.remote, "--once")
        laptop.write("b.txt", "second")
        eventually(lambda: b"b.txt" in laptop.ok("ls", laptop.remote).out, "the first goes on")

    assert second.code == elsewhere.code == 1
    assert "is kept in step already by another process" in second.err
    assert "is kept in step already from another CAIRN_HOME" in elsewhere.err


@pytest.mark.parametrize("how", ["home", "inside", "around"])
def test_a_folder_that_will_not_do_is_refused(laptop: Machine, how: str, tmp_path: Path) -> None:
    laptop.write("a.txt", "first")
    laptop.sync()
    folder = {"home": Path("/"), "inside": laptop.folder / "deep", "around": laptop.folder.parent}[how]
    if how == "inside":
        folder.mkdir()

    assert laptop.run("sync", folder, "--once").code == 2


def test_a_folder_emptied_bit_by_bit_is_held_too(laptop: Machine) -> None:
    for number in range(MANY):
        laptop.write(f"{number:02}.txt", f"content of {number}")
    with laptop.daemon() as daemon:
        daemon.in_step()
        for path in sorted(laptop.folder.glob("*.txt")):
            path.unlink()
            time.sleep(0.15)  # what a slow program does: each is missed, and found to be absent, at a time of its own
        held = daemon.until(lambda status: status["held"])

    assert held["held"][0]["tracked"] == MANY
    assert len(laptop.ok("ls", "--json", laptop.remote).json) == MANY
