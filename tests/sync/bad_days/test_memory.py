"""What this device remembers is lost, damaged, or older than the folder; or the folder is older than it."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.sync.bad_days.machine import Machine, Tree, eventually


def _lose(database: Path) -> None:
    database.unlink()
    for suffix in ("-wal", "-shm"):
        database.with_name(database.name + suffix).unlink(missing_ok=True)


def _cut(database: Path) -> None:
    database.write_bytes(database.read_bytes()[: database.stat().st_size // 3])


def _overwrite(database: Path) -> None:
    database.write_bytes(b"this is no database " * 500)


@pytest.mark.parametrize("damage", [_lose, _cut, _overwrite])
def test_without_its_memory_a_device_deletes_nothing_and_makes_no_needless_copy(
    laptop: Machine, desk: Machine, damage: Callable[[Path], None]
) -> None:
    for path in ("same.txt", "folder/same.txt", "edited here.txt", "edited there.txt", "gone there.txt"):
        laptop.write(path, f"first of {path}")
    laptop.sync()
    desk.sync()
    desk.write("edited there.txt", "newer")
    (desk.folder / "gone there.txt").unlink()
    desk.write("new there.txt", "new")
    desk.sync()
    laptop.write("new here.txt", "new")
    damage(laptop.root.database)

    told = laptop.sync()
    desk.sync()

    # Deleted elsewhere while nothing was remembered: it comes back, and that is told.
    assert laptop.status()["came_back"] == 2
    assert "Sent as new: 2 files, since this device had lost its memory." in told.out.decode()
    assert laptop.tree() == desk.tree()
    assert laptop.tree() == {
        "folder": None,
        "folder/same.txt": b"first of folder/same.txt",
        "same.txt": b"first of same.txt",
        "edited here.txt": b"first of edited here.txt",
        "edited there.txt": b"newer",
        "gone there.txt": b"first of gone there.txt",
        "new here.txt": b"new",
        "new there.txt": b"new",
    }
    laptop.sync()


def test_a_memory_from_a_backup_counts_as_none(laptop: Machine, desk: Machine, tmp_path: Path) -> None:
    laptop.write("a.txt", "one")
    laptop.write("b.txt", "one")
    laptop.sync()
    backup = tmp_path / "backup"
    shutil.copytree(laptop.root.state, backup)
    laptop.write("a.txt", "two")
    laptop.write("new.txt", "new")
    laptop.sync()
    desk.sync()
    (desk.folder / "b.txt").unlink()
    desk.sync()
    state = laptop.root.state
    shutil.rmtree(state)
    shutil.copytree(backup, state)

    laptop.sync()
    desk.sync()

    assert laptop.tree() == desk.tree() == {"a.txt": b"two", "b.txt": b"one", "new.txt": b"new"}
    assert laptop.status()["came_back"] == 1


def test_a_folder_from_a_backup_brings_nothing_old_back_over_newer_versions(
    laptop: Machine, desk: Machine, tmp_path: Path
) -> None:
    laptop.write("a.txt", "one")
    laptop.write("kept.txt", "one")
    laptop.sync()
    desk.sync()
    backup = tmp_path / "backup"
    shutil.copytree(laptop.folder, backup)
    laptop.write("a.txt", "two")
    laptop.write("new.txt", "new")
    laptop.sync()
    desk.sync()
    shutil.rmtree(laptop.folder)
    shutil.copytree(backup, laptop.folder)
    laptop.write("edited in the backup.txt", "only there")

    laptop.sync()
    desk.sync()

    expected = {"a.txt": b"two", "kept.txt": b"one", "new.txt": b"new", "edited in the backup.txt": b"only there"}
    assert laptop.tree() == desk.tree() == expected


def test_what_differs_in_a_folder_from_a_backup_and_is_no_known_version_becomes_a_copy(
    laptop: Machine, desk: Machine, tmp_path: Path
) -> None:
    laptop.write("a.txt", "one")
    laptop.sync()
    backup = tmp_path / "backup"
    shutil.copytree(laptop.folder, backup)
    laptop.write("a.txt", "two")
    laptop.sync()
    shutil.rmtree(laptop.folder)
    shutil.copytree(backup, laptop.folder)
    laptop.write("a.txt", "edited in the backup")

    laptop.sync(4)
    desk.sync()

    assert desk.tree() == laptop.tree()
    assert laptop.read("a.txt") == b"two"
    assert set(laptop.tree().values()) == {b"edited in the backup", b"two"}


def test_a_settings_file_that_cannot_be_read_is_told_and_nothing_is_done(laptop: Machine) -> None:
    laptop.write("a.txt", "one")
    laptop.sync()
    (laptop.root.state / "settings.json").write_bytes(b"{")

    result = laptop.process("--once")

    assert result.code == 1
    assert "cannot be read as settings" in result.err
    assert laptop.tree() == {"a.txt": b"one"}


def _arrived(machine: Machine) -> Tree:
    machine.sync()
    return machine.tree()


def test_a_folder_from_a_backup_is_known_as_one_though_a_file_was_in_the_way_all_the_time(
    laptop: Machine, desk: Machine, tmp_path: Path
) -> None:
    """With one file in the way both sides never agree: the generation was not renewed, and the old folder won."""
    laptop.write("bad\nname.txt", "stays here")
    laptop.write("a.txt", "one")
    with laptop.daemon() as daemon:
        daemon.until(lambda status: status["not_safe"] == ["bad\nname.txt"] and status["state"] == "blocked")
        shutil.copytree(laptop.folder, tmp_path / "backup")
        laptop.write("a.txt", "two")
        laptop.write("new.txt", "new")
        eventually(lambda: _arrived(desk) == {"a.txt": b"two", "new.txt": b"new"}, "both are sent")
    shutil.rmtree(laptop.folder)
    shutil.copytree(tmp_path / "backup", laptop.folder)

    laptop.sync(1)
    desk.sync()

    assert desk.tree() == {"a.txt": b"two", "new.txt": b"new"}
    assert laptop.tree() == {**desk.tree(), "bad\nname.txt": b"stays here"}
