"""Two sides changed the same thing."""

import os
from pathlib import Path

import pytest

from tests.sync.bad_days.machine import Machine


def _agree(*machines: Machine) -> None:
    for machine in machines:
        machine.sync()


def test_an_edit_on_both_sides_is_kept_twice_told_and_listed(laptop: Machine, desk: Machine) -> None:
    laptop.write("Plan.odt", "first")
    _agree(laptop, desk)
    laptop.write("Plan.odt", "by the laptop")
    desk.write("Plan.odt", "by the desk")
    laptop.sync()

    told = desk.sync(4)
    laptop.sync()

    assert laptop.tree() == desk.tree()
    copy = next(name for name in desk.names() if name != "Plan.odt")
    assert copy.startswith("Plan (conflict from desk 2")
    assert copy.endswith(".odt")
    assert (desk.read("Plan.odt"), desk.read(copy)) == (b"by the laptop", b"by the desk")
    assert "Conflict copies: 1; `cairn conflicts` lists them." in told.out.decode()
    for machine in (laptop, desk):
        assert [each["copy"] for each in machine.here("conflicts", "--json").json] == [copy]
    desk.sync(0)


@pytest.mark.parametrize(
    ("choice", "left"),
    [
        ("mine", {"a.txt": b"by the desk"}),
        ("theirs", {"a.txt": b"by the laptop"}),
        ("both", {"a.txt": b"by the laptop", "a 2.txt": b"by the desk"}),
    ],
)
def test_a_conflict_is_resolved_everywhere_as_a_person_chooses(
    laptop: Machine, desk: Machine, choice: str, left: dict[str, bytes]
) -> None:
    laptop.write("a.txt", "first")
    _agree(laptop, desk)
    laptop.write("a.txt", "by the laptop")
    desk.write("a.txt", "by the desk")
    laptop.sync()
    desk.sync(4)
    laptop.sync()

    laptop.ok("conflicts", choice, laptop.folder / "a.txt")
    _agree(laptop, desk)

    assert laptop.tree() == desk.tree() == left
    assert laptop.here("conflicts").out.decode() == "There are no conflict copies.\n"


def test_an_edit_wins_over_a_delete_on_the_other_side_without_a_conflict_copy(laptop: Machine, desk: Machine) -> None:
    laptop.write("here.txt", "first")
    laptop.write("there.txt", "first")
    _agree(laptop, desk)
    (laptop.folder / "here.txt").unlink()
    laptop.write("there.txt", "edited")
    desk.write("here.txt", "edited")
    (desk.folder / "there.txt").unlink()

    _agree(laptop, desk, laptop)

    assert laptop.tree() == desk.tree() == {"here.txt": b"edited", "there.txt": b"edited"}


def test_a_rename_and_an_edit_at_once_stay_one_file_with_its_history(laptop: Machine, desk: Machine) -> None:
    laptop.write("old.txt", "one")
    _agree(laptop, desk)
    before = _node(laptop, "old.txt")
    (laptop.folder / "old.txt").rename(laptop.folder / "new.txt")
    desk.write("old.txt", "one and more")

    _agree(laptop, desk, laptop)

    assert laptop.tree() == desk.tree() == {"new.txt": b"one and more"}
    assert _node(laptop, "new.txt") == before
    (laptop.folder / "deep").mkdir()
    (laptop.folder / "new.txt").rename(laptop.folder / "deep/new.txt")
    laptop.write("deep/new.txt", "both on one side")
    _agree(laptop, desk)
    assert desk.tree() == {"deep": None, "deep/new.txt": b"both on one side"}
    assert _node(laptop, "deep/new.txt") == before


def test_what_is_new_survives_a_folder_that_is_deleted_on_the_other_side(laptop: Machine, desk: Machine) -> None:
    for name in ("here", "there"):
        laptop.write(f"{name}/old.txt", "old")
        laptop.write(f"{name}/deep/old.txt", "old")
    _agree(laptop, desk)
    for path in ("old.txt", "deep/old.txt"):
        (laptop.folder / "here" / path).unlink()
        (desk.folder / "there" / path).unlink()
    (laptop.folder / "here/deep").rmdir()
    (laptop.folder / "here").rmdir()
    (desk.folder / "there/deep").rmdir()
    (desk.folder / "there").rmdir()
    desk.write("here/deep/new.txt", "new")
    laptop.write("there/deep/new.txt", "new")

    _agree(laptop, desk, laptop)

    left = {"here/deep/new.txt": b"new", "there/deep/new.txt": b"new"}
    assert {path: content for path, content in laptop.tree().items() if content is not None} == left
    assert laptop.tree() == desk.tree()


def test_a_device_that_was_off_for_long_catches_up_with_all_that_happened(laptop: Machine, desk: Machine) -> None:
    for number in range(12):
        laptop.write(f"folder {number % 3}/{number}.txt", f"content {number}")
    _agree(laptop, desk)
    for round_ in range(4):
        laptop.write(f"folder 0/{round_}.txt", f"round {round_}")
        laptop.write(f"round {round_}/new.txt", f"round {round_}")
        laptop.sync()
    (laptop.folder / "folder 1").rename(laptop.folder / "round 1" / "moved")
    (laptop.folder / "folder 2" / "2.txt").unlink()
    laptop.sync()
    desk.write("folder 2/8.txt", "edited while off")
    desk.write("folder 1/here.txt", "made while off")

    _agree(desk, laptop)

    assert laptop.tree() == desk.tree()
    assert desk.read("folder 2/8.txt") == b"edited while off"
    assert desk.read("round 1/moved/here.txt") == b"made while off"
    assert "folder 2/2.txt" not in desk.tree()


def test_times_in_the_past_and_the_future_decide_nothing(laptop: Machine, desk: Machine) -> None:
    year_ns = 365 * 86_400 * 10**9
    for name, by_years in (("past", -30), ("future", 30)):
        path = laptop.write(f"{name}.txt", "first")
        now_ns = path.stat().st_mtime_ns
        os.utime(path, ns=(now_ns, now_ns + by_years * year_ns))
    _agree(laptop, desk)
    assert _times(laptop.folder) == _times(desk.folder)
    # The edit that the server gets first keeps the name, though its time is decades older.
    for machine, times in ((laptop, 10**9), (desk, 4 * 10**18)):
        path = machine.write("past.txt", machine.home.parent.name)
        os.utime(path, ns=(times, times))
    laptop.sync()
    desk.sync(4)
    laptop.sync()

    assert desk.read("past.txt") == b"laptop"
    assert len(desk.names()) == 3
    assert laptop.tree() == desk.tree()


def _times(folder: Path) -> dict[str, int]:
    return {path.name: path.stat().st_mtime_ns // 1_000_000 for path in folder.glob("*.txt")}


def _node(machine: Machine, path: str) -> str:
    full = f"{machine.remote}/{path}"
    answer = machine.ok("ls", "--json", full.rpartition("/")[0]).json
    return next(str(each["file_id"]) for each in answer if each["path"] == full)
