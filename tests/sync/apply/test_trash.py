"""Section 7: the local trash is kept 7 days or 5 % of the disk, the oldest going first."""

import inspect
import os
import sys
import time

from client.sync.apply.rescue import Rescuer
from client.sync.operations import DeleteHere
from client.sync.outcome import Task
from tests.sync.apply.world import NAME, World


def test_a_day_is_kept_for_a_week(world: World) -> None:
    world.put(".cairn/trash/2026-11-16/folder/a.txt", b"a week ago")
    world.put(".cairn/trash/2026-11-15/folder/deep/a.txt", b"older")
    world.put(".cairn/trash/2025-12-31/b.txt", b"last year")
    assert world.trash.expire() == 2
    assert world.waiting("trash") == [b"a week ago"]
    assert [path.name for path in (world.top / ".cairn/trash").iterdir()] == ["2026-11-16"]


def test_above_5_percent_of_the_disk_the_oldest_go(world: World) -> None:
    world.disk.answer("room", (1000, 1000))
    world.put(".cairn/trash/2026-11-20/a.txt", b"a" * 20)
    world.put(".cairn/trash/2026-11-21/a.txt", b"b" * 20)
    world.put(".cairn/trash/2026-11-22/a.txt", b"c" * 20)
    assert world.trash.expire() == 1
    assert world.waiting("trash") == [b"b" * 20, b"c" * 20]


def test_days_of_a_wrong_clock_and_other_names_are_no_error(world: World) -> None:
    world.put(".cairn/trash/not a day/a.txt", b"strange")
    world.put(".cairn/trash/2099-01-01/a.txt", b"tomorrow")
    assert world.trash.expire() == 0


def test_folders_in_one_another_deeper_than_python_calls_itself_go_too(world: World) -> None:
    """Somebody put them there: what is synced lies less deep."""
    deep = "d/" * 150
    world.put(f".cairn/trash/2026-11-15/{deep}a.txt", b"older")
    world.put(f".cairn/trash/2026-11-15/{deep[:100]}b.txt", b"held open")
    before = sys.getrecursionlimit()
    with (world.top / f".cairn/trash/2026-11-15/{deep[:100]}b.txt").open():
        sys.setrecursionlimit(len(inspect.stack(0)) + 100)
        try:
            assert world.trash.expire() == 1
        finally:
            sys.setrecursionlimit(before)
    assert world.waiting("trash") == [b"held open"]
    assert not (world.top / f".cairn/trash/2026-11-15/{deep[:102]}").exists()

    world.trash.expire()

    assert list((world.top / ".cairn/trash").iterdir()) == []


def test_no_trash_is_no_error(world: World) -> None:
    assert world.trash.expire() == 0


def test_what_is_written_after_it_was_deleted_comes_back_and_is_never_forgotten(world: World) -> None:
    world.put("folder/a.txt", b"known to the server")
    with (world.top / "folder/a.txt").open("ab") as handle:
        world.applier.run(Task(DeleteHere(entry=world.entry("folder/a.txt")), ("folder", "a.txt")))
        handle.write(b", and more")
    world.clock.day = "2027-11-23"

    assert world.trash.expire() == 0
    (rescued,) = world.trash.give_back(Rescuer(world.fs, world.traits, world.clock, NAME))

    assert (rescued.path[0], world.waiting("trash")) == ("folder", [])
    assert world.content("/".join(rescued.path)) == b"known to the server, and more"


def test_what_is_written_after_it_was_deleted_on_a_day_of_a_wrong_clock_comes_back(world: World) -> None:
    """The simulation found it: the day was a year ahead, so that the write seemed older than the deletion."""
    world.put("a.txt", b"known to the server")
    world.clock.day = "2099-01-01"
    with (world.top / "a.txt").open("ab") as handle:
        world.applier.run(Task(DeleteHere(entry=world.entry("a.txt")), ("a.txt",)))
        handle.write(b", and more")
    world.clock.day = "2100-01-01"

    assert world.trash.expire() == 0
    (rescued,) = world.trash.give_back(Rescuer(world.fs, world.traits, world.clock, NAME))

    assert world.content("/".join(rescued.path)) == b"known to the server, and more"


def test_what_is_written_after_it_was_deleted_and_given_a_time_comes_back(world: World) -> None:
    """As `cp -p`, tar and rsync do it."""
    world.put("a.txt", b"known to the server")
    with (world.top / "a.txt").open("r+b") as handle:
        world.applier.run(Task(DeleteHere(entry=world.entry("a.txt")), ("a.txt",)))
        handle.write(b"other")
        handle.flush()
        os.utime(handle.fileno(), (0, 0))

    (rescued,) = world.trash.give_back(Rescuer(world.fs, world.traits, world.clock, NAME))

    assert world.content("/".join(rescued.path)) == b"other to the server"


def test_a_second_change_of_what_was_there_at_the_start_comes_back_too(world: World) -> None:
    world.put(".cairn/trash/2026-11-16/a.txt", b"left by an earlier run")
    rescuer = Rescuer(world.fs, world.traits, world.clock, NAME)
    assert world.trash.give_back(rescuer) == []
    world.put(".cairn/trash/2026-11-16/a.txt", b"written on, and given its old time")
    assert len(world.trash.give_back(rescuer)) == 1
    assert world.trash.give_back(rescuer) == []


def test_what_a_program_has_open_is_not_forgotten(world: World) -> None:
    path = world.put(".cairn/trash/2025-12-31/a.txt", b"last year")
    with path.open("r+b"):
        assert world.trash.expire() == 0
    assert world.trash.expire() == 1


def test_where_nobody_tells_what_is_open_an_hour_must_have_passed(world: World) -> None:
    world.put(".cairn/trash/2025-12-31/a.txt", b"last year")
    world.disk.answer("is_open", None)
    assert world.trash.expire() == 0
    world.disk.answer("now_ns", time.time_ns() + 3601 * 10**9)
    assert world.trash.expire() == 1


def test_what_was_only_deleted_does_not_come_back(world: World) -> None:
    world.put("a.txt", b"known to the server")
    world.applier.run(Task(DeleteHere(entry=world.entry("a.txt")), ("a.txt",)))

    assert world.trash.give_back(Rescuer(world.fs, world.traits, world.clock, NAME)) == []
