"""How the folder becomes the local tree: one test for each rule of section 6 of the design."""

import hashlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from client.sync.model import LASTING, LocalEntry
from client.sync.observe.rules import Rules
from client.sync.seams.files import Hint, Traits, Trouble
from tests.sync.observe.world import World, world


@pytest.fixture
def here(tmp_path: Path) -> Iterator[World]:
    with world(tmp_path) as made:
        yield made


@pytest.fixture
def single(tmp_path: Path) -> Iterator[World]:
    with world(tmp_path, once=True) as made:
        yield made


# Scans


def test_a_scan_finds_everything(here: World) -> None:
    here.write("a/b/c")
    here.write("d")

    here.known()

    assert here.tree() == here.on_disk()
    assert set(here.tree()) == {"a", "a/b", "a/b/c", "d"}


def test_a_second_scan_writes_nothing(here: World) -> None:
    here.write("a/b")
    here.known()

    here.scan()

    assert not here.state.dirty
    assert not here.observer.unresolved()


def test_nothing_is_certain_before_its_folder_was_listed(here: World) -> None:
    here.write("a/b")
    here.known()
    here.restart()
    here.observer.scan_all()

    assert not here.certain("a/b")
    here.step()
    assert here.certain("a/b")


def test_a_scan_takes_no_more_folders_than_its_budget(here: World) -> None:
    for number in range(10):
        here.write(f"f{number}/x")
    here.known()
    here.observer.scan_all()
    before = here.fs.lists

    assert here.observer.step(4)
    assert here.fs.lists - before <= 4
    assert not here.observer.is_idle


def test_a_scan_comes_each_hour(here: World) -> None:
    here.known()
    here.write("unheard")

    here.run(3700)

    assert here.lid("unheard")


def test_a_scan_comes_after_suspend(here: World) -> None:
    here.known()
    here.observer.tick()
    here.write("unheard")
    here.clock.wall += 600_000

    here.observer.tick()
    here.run(5)

    assert here.lid("unheard")


def test_lost_events_mean_a_scan(here: World) -> None:
    here.known()
    here.write("unheard")

    here.observer.hint(Hint(None))
    here.run(5)

    assert here.lid("unheard")


def test_a_new_folder_is_listed_after_its_watch_is_set(here: World) -> None:
    here.known()
    here.write("new/deep/x")
    here.hint("new")

    assert ("new",) in here.watch.folders
    assert ("new", "deep") in here.watch.folders
    here.settle()
    assert here.lid("new/deep/x")


def test_folders_beyond_the_limit_of_watches_are_polled(here: World) -> None:
    here.write("a/x")
    here.watch.most = 1
    here.known()
    assert [problem.code for problem in here.observer.problems()] == ["watch_limit"]

    here.write("a/y")
    here.run(40)

    assert here.lid("a/y")


def test_a_folder_that_is_gone_before_it_is_watched_is_no_matter_of_the_limit(here: World) -> None:
    here.write("deep/er/file")
    here.known()
    here.watch.gone = {("deep", "er")}
    here.fs.broken = {("deep", "er"): Trouble.ABSENT}

    here.scan()

    assert here.observer.polled_folders == 0
    assert "watch_limit" not in [problem.code for problem in here.observer.problems()]


def test_a_disk_without_events_is_polled(tmp_path: Path) -> None:
    with world(tmp_path, traits=Traits(events=False)) as here:
        here.known()
        here.write("x")
        here.run(40)

        assert here.lid("x")
        assert not here.watch.folders


# What changed


def test_an_edit_clears_the_hash(here: World) -> None:
    here.write("a", "one")
    here.known()
    here.write("a", "three")
    here.hint("a")

    entry = here.entry("a")
    assert entry.stat == here.on_disk()["a"]
    assert entry.sha256 is None


def test_an_edit_that_puts_the_old_mtime_back_is_seen_by_its_ctime(here: World) -> None:
    file = here.write("a", "one")
    here.known()
    before = file.stat()
    file.write_text("two")
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))

    here.scan()
    here.run(5)

    assert here.entry("a").sha256 is None


def test_a_new_inode_with_the_old_size_and_mtime_is_read_again(here: World) -> None:
    file = here.write("a", "one")
    here.known()
    before = file.stat()
    other = here.write(".cairn-tmp-x", "two")
    os.utime(other, ns=(before.st_atime_ns, before.st_mtime_ns))
    other.rename(file)

    here.scan()
    here.run(5)

    assert here.entry("a").sha256 is None


def test_a_row_of_ours_that_equals_the_disk_stays(here: World) -> None:
    here.write("a")
    here.known()

    here.hint("a")

    assert here.entry("a").sha256 is not None
    assert not here.state.dirty


def test_a_racy_row_is_read_again_at_the_next_scan(here: World) -> None:
    here.write("a")
    here.known()
    entry = here.entry("a")
    here.state.put_local(type(entry)(entry.lid, 0, "a", entry.stat, entry.sha256, sure=False))

    here.scan()

    assert here.observer.to_hash() == [entry.lid]
    assert here.observer.to_hash() == []


# Settling


def test_a_closed_file_is_taken_at_once(here: World) -> None:
    here.known()
    here.write("a")
    here.hint("a", closed=True)

    assert here.lid("a")


def test_events_within_a_tenth_of_a_second_are_one_look(here: World) -> None:
    here.known()
    here.write("a")
    here.observer.hint(Hint(("a",)))
    here.observer.hint(Hint(("a",), closed=True))
    here.step()
    assert here.lid("a") is None

    here.run(0.11)

    assert here.lid("a")


def test_a_file_that_was_not_closed_is_taken_after_it_has_stood_still(here: World) -> None:
    here.known()
    here.write("a")
    here.hint("a", closed=False)
    assert here.lid("a") is None
    assert here.observer.unresolved()

    here.run(3)

    assert here.lid("a")
    assert not here.observer.unresolved()


def test_a_large_file_is_not_taken_when_it_is_closed(here: World) -> None:
    here.known()
    file = here.write("a")
    os.truncate(file, 65 * 1024 * 1024)
    here.hint("a", closed=True)
    assert here.lid("a") is None

    here.run(3)

    assert here.lid("a")


def test_a_file_that_changes_again_soon_waits(here: World) -> None:
    here.known()
    here.write("a", "1")
    here.hint("a", closed=True)
    here.write("a", "22")
    here.hint("a", closed=True)
    assert here.entry("a").stat.size == 1
    assert not here.certain("a")

    here.run(5)

    assert here.entry("a").stat.size == 2
    assert here.certain("a")


def test_a_file_that_was_written_again_and_again_is_taken_soon_after_it_has_come_to_rest(here: World) -> None:
    """Each write brought a look, and each look doubled the wait: after a second of writes nobody looked for minutes."""
    here.known()
    for size in range(1, 8):
        here.write("a", "x" * size)
        here.hint("a", closed=False)
    assert here.lid("a") is None

    here.run(4)

    assert here.entry("a").stat.size == 7


def test_an_mtime_in_the_future_holds_nothing_back(here: World) -> None:
    here.known()
    file = here.write("a")
    os.utime(file, (4_000_000_000, 4_000_000_000))
    here.hint("a", closed=False)

    here.run(3)

    assert here.lid("a")


def test_a_file_that_never_rests_is_tried_in_the_end(here: World) -> None:
    here.known()
    here.write("a", "")
    here.hint("a", closed=False)
    seconds = 0
    while here.lid("a") is None:
        seconds += 1
        os.truncate(here.top / "a", seconds)
        here.run(1)
        assert seconds < 900

    assert seconds > 300


def test_a_single_run_does_not_wait_for_files_to_rest(single: World) -> None:
    single.write("a")
    single.scan()

    assert single.lid("a")


def test_a_file_that_vanishes_while_it_is_waited_for_leaves_nothing(here: World) -> None:
    here.known()
    here.write("d/a")
    here.hint("d", closed=False)
    shutil.rmtree(here.top / "d")

    here.settle()

    assert here.tree() == {}


# Absence


def test_something_missing_is_absent_after_ten_seconds(here: World) -> None:
    here.write("a")
    here.known()
    (here.top / "a").unlink()
    here.hint("a")
    assert not here.certain("a")

    here.run(9)
    assert here.lid("a")
    here.run(2)

    assert here.lid("a") is None
    assert here.state.dirty.ids


def test_in_a_single_run_it_is_absent_after_a_second(single: World) -> None:
    single.write("a")
    single.known()
    (single.top / "a").unlink()
    single.scan()
    assert single.lid("a")

    single.run(1.1)

    assert single.lid("a") is None


def test_what_comes_back_in_time_was_never_gone(here: World) -> None:
    file = here.write("a")
    here.known()
    lid = here.lid("a")
    file.rename(here.top.parent / "outside")
    here.hint("a")
    (here.top.parent / "outside").rename(file)
    here.hint("a")

    here.run(20)

    assert here.lid("a") == lid
    assert here.certain("a")


def test_a_folder_goes_with_all_below_it(here: World) -> None:
    here.write("d/e/x")
    here.known()
    shutil.rmtree(here.top / "d")
    here.hint("d/e/x", "d/e", "d")

    here.settle()

    assert here.tree() == {}


@pytest.mark.parametrize("trouble", [Trouble.UNREADABLE, Trouble.DAMAGED, Trouble.CHANGED, Trouble.OTHER])
def test_no_absence_follows_from_a_folder_that_cannot_be_listed(here: World, trouble: Trouble) -> None:
    here.write("d/e/x")
    here.known()
    (here.top / "d/e/x").unlink()
    here.fs.broken[("d",)] = trouble
    here.scan()
    here.run(60)

    assert here.lid("d/e/x")
    assert not here.certain("d/e/x")
    assert [problem.path for problem in here.observer.problems()] == ["d"]

    here.fs.broken.clear()
    here.run(700)
    assert here.lid("d/e/x") is None
    assert here.observer.problems() == []


def test_a_hint_about_a_path_that_cannot_be_looked_at_proves_nothing(here: World) -> None:
    here.write("d/x")
    here.known()
    here.fs.broken[("d",)] = Trouble.DAMAGED
    here.hint("d/x")
    here.run(30)

    assert here.lid("d/x")
    assert not here.certain("d/x")


def test_nothing_is_absent_while_a_scan_is_under_way(here: World) -> None:
    here.write("a/x")
    for number in range(6):
        here.write(f"z{number}/y")
    here.known()
    (here.top / "a/x").unlink()
    here.hint("a/x")
    here.observer.scan_all()
    here.clock.advance(11)
    for _ in range(3):
        here.observer.step(1)

    assert here.lid("a/x")
    here.settle()
    assert here.lid("a/x") is None


def test_a_root_that_is_gone_proves_nothing(here: World) -> None:
    here.write("a")
    here.known()
    here.top.rename(here.top.parent / "away")
    here.scan()
    here.run(60)
    assert here.lid("a")
    assert here.is_lost()
    assert not here.certain("a")

    (here.top.parent / "away").rename(here.top)
    here.run(60)

    assert not here.is_lost()
    assert here.certain("a")


def test_an_empty_mount_point_in_place_of_the_root_proves_nothing(here: World) -> None:
    here.write("a")
    here.known()
    here.top.rename(here.top.parent / "away")
    here.top.mkdir()
    here.scan()
    here.run(60)

    assert here.lid("a")
    assert here.is_lost()


def test_a_mount_that_comes_or_goes_below_the_root_is_left_alone(here: World) -> None:
    here.write("m/x")
    here.known()
    (here.top / "m/x").rename(here.top.parent / "x")
    here.fs.mounts[("m",)] = 77
    here.scan()
    here.run(60)
    assert here.lid("m/x")
    assert not here.certain("m/x")
    assert [problem.path for problem in here.observer.problems()] == ["m"]

    (here.top.parent / "x").rename(here.top / "m/x")
    here.fs.mounts.clear()
    here.scan()
    here.run(60)

    assert here.certain("m/x")
    assert here.observer.problems() == []


def test_a_mount_that_was_there_from_the_start_is_like_any_folder(here: World) -> None:
    here.write("m/x")
    here.write("m/y")
    here.fs.mounts[("m",)] = 77
    here.known()
    assert here.certain("m/x")

    here.fs.mounts[("m",)] = 78  # the system counts anew
    (here.top / "m/y").unlink()
    here.restart()
    here.scan()
    here.settle()

    assert here.certain("m/x")
    assert here.lid("m/y") is None


def test_another_disk_with_the_same_root_inode_is_not_the_one_that_was_mounted_before(here: World) -> None:
    """A number that lasts does not change by a new start of the machine: nothing that is not on this disk is absent."""
    here.write("m/x")
    here.fs.mounts[("m",)] = LASTING + 77
    here.known()
    assert here.certain("m/x")

    here.fs.mounts[("m",)] = LASTING + 78
    (here.top / "m/x").unlink()
    here.restart()
    here.scan()
    here.run(60)

    assert here.lid("m/x")
    assert not here.certain("m/x")
    assert [problem.path for problem in here.observer.problems()] == ["m"]


# Atomic saves and moves


def test_a_file_written_beside_and_renamed_over_is_an_edit(here: World) -> None:
    here.write("x", "one")
    here.known()
    lid = here.lid("x")
    here.write("x.tmp", "three")
    here.hint("x.tmp")
    here.move("x.tmp", "x")
    here.hint("x.tmp", "x")
    here.settle()

    assert here.lid("x") == lid
    assert set(here.tree()) == {"x"}
    assert here.entry("x").stat.size == 5


@pytest.mark.parametrize("pause", [0.0, 0.3, 1.5])
def test_a_backup_by_rename_and_a_new_file_is_an_edit(here: World, pause: float) -> None:
    here.write("x", "one")
    here.known()
    lid = here.lid("x")
    here.move("x", "x~")
    if pause:
        here.hint("x", "x~")
        here.run(pause)
    here.write("x", "three")
    here.hint("x~", "x")
    here.settle()

    assert here.lid("x") == lid
    assert here.entry("x").stat.size == 5
    assert here.lid("x~") not in {None, lid}


def test_a_rename_in_its_folder_is_told_after_two_seconds(here: World) -> None:
    here.write("a")
    here.known()
    lid = here.lid("a")
    here.move("a", "b")
    here.hint("a", "b")
    assert here.lid("b") is None

    here.run(2.1)

    assert here.lid("b") == lid
    assert here.lid("a") is None
    assert here.certain("b")


def test_a_rename_that_is_edited_while_it_is_held_is_still_one(here: World) -> None:
    here.write("a")
    here.known()
    lid = here.lid("a")
    here.move("a", "b")
    here.hint("a", "b")
    with (here.top / "b").open("a") as file:
        file.write("more")
    here.hint("b")
    here.settle()

    assert here.lid("b") == lid
    assert here.tree() == here.on_disk()


def test_a_rename_that_is_found_when_the_old_name_falls_due_is_one(here: World) -> None:
    here.write("a")
    here.known()
    lid = here.lid("a")
    here.move("a", "b")
    here.hint("a")  # the event of the new name is lost
    here.settle()

    assert here.lid("b") == lid


def test_a_single_run_tells_a_rename_at_once(single: World) -> None:
    single.write("a")
    single.known()
    lid = single.lid("a")
    single.move("a", "b")
    single.scan()

    assert single.lid("b") == lid
    assert single.lid("a") is None


def test_a_file_moved_to_another_folder_keeps_its_number(here: World) -> None:
    here.write("a/x")
    here.write("b/y")
    here.known()
    lid = here.lid("a/x")
    here.move("a/x", "b/z")
    here.hint("a/x", "b/z")

    assert here.lid("b/z") == lid


def test_a_file_moved_and_edited_keeps_its_number_if_it_keeps_its_name(here: World) -> None:
    here.write("a/x")
    here.write("b/y")
    here.known()
    lid = here.lid("a/x")
    here.move("a/x", "b/x")
    with (here.top / "b/x").open("a") as file:
        file.write("more")
    here.hint("a/x", "b/x")
    here.settle()

    assert here.lid("b/x") == lid
    assert here.entry("b/x").sha256 is None


def test_a_moved_folder_keeps_all_numbers_and_hashes(here: World) -> None:
    here.write("a/b/x")
    here.write("c/y")
    here.known()
    lids = (here.lid("a"), here.lid("a/b"), here.lid("a/b/x"))
    here.move("a", "c/d")
    here.hint("a", "c/d")
    here.settle()

    assert (here.lid("c/d"), here.lid("c/d/b"), here.lid("c/d/b/x")) == lids
    assert here.entry("c/d/b/x").sha256 is not None
    assert ("c", "d", "b") in here.watch.folders
    assert ("a",) not in here.watch.folders


def test_a_move_is_told_whichever_end_is_heard_of(here: World) -> None:
    here.write("a/x")
    here.known()
    lid = here.lid("a/x")
    (here.top / "b").mkdir()
    here.move("a/x", "b/x")
    here.hint("b/x")
    here.settle()

    assert here.lid("b/x") == lid
    assert here.lid("a/x") is None


def test_an_inode_that_is_used_again_is_not_a_move(here: World) -> None:
    first = here.write("a", "others")
    here.known()
    inode = first.stat().st_ino
    lid = here.lid("a")
    first.unlink()
    for number in range(50):
        other = here.write(f"new{number}", "wholly")
        if other.stat().st_ino == inode:
            break
    else:
        pytest.skip("this disk does not use inodes again")
    here.scan()
    here.settle()

    assert lid not in {here.lid(name) for name in here.tree()}


def test_hard_links_are_separate_files(here: World) -> None:
    file = here.write("a")
    here.known()
    one = here.lid("a")
    (here.top / "b").hardlink_to(file)
    here.hint("b", "a")
    here.settle()
    other = here.lid("b")
    assert here.lid("a") == one
    assert other not in {None, one}

    here.move("b", "c")
    here.hint("b", "c")
    here.settle()

    assert here.lid("a") == one
    assert here.lid("c") == other


def test_an_edit_through_one_of_two_hard_links_is_an_edit_of_both(here: World) -> None:
    file = here.write("a", "one")
    (here.top / "d").mkdir()
    (here.top / "d/b").hardlink_to(file)
    here.known()
    (here.top / "d/b").write_text("three")
    here.hint("d/b")
    here.run(5)

    assert here.entry("a").stat.size == here.entry("d/b").stat.size == len("three")
    assert here.entry("a").sha256 is None
    assert here.observer.is_idle


def test_a_folder_copied_and_deleted_is_a_move_if_most_of_its_children_are_there(here: World) -> None:
    for name in "abcd":
        here.write(f"old/{name}")
    here.known()
    lid = here.lid("old")
    here.move("old", "../outside")
    here.hint("old")
    shutil.copytree(here.top.parent / "outside", here.top / "new")
    here.hint("new")
    here.settle()

    assert here.lid("new") == lid


def test_where_inodes_prove_nothing_one_file_with_the_same_bytes_is_a_move(tmp_path: Path) -> None:
    with world(tmp_path, once=True, traits=Traits(stable_inodes=False)) as here:
        here.write("d/x", "the bytes")
        here.known()
        entry = here.entry("d/x")
        sha256 = hashlib.sha256(b"the bytes").hexdigest()
        here.state.put_local(type(entry)(entry.lid, entry.parent, "x", entry.stat, sha256, sure=True))
        (here.top / "d/x").unlink()
        here.scan()
        here.write("e", "the bytes")
        here.write("f", "the bytez")
        here.scan()

        assert here.lid("e") == entry.lid


def test_a_rename_of_case_alone_is_one_node(tmp_path: Path) -> None:
    with world(tmp_path, traits=Traits(case_sensitive=False)) as here:
        here.write("readme")
        here.known()
        lid = here.lid("readme")
        here.move("readme", "README")
        here.hint("README")

        assert here.lid("README") == lid
        assert set(here.tree()) == {"README"}


@pytest.mark.parametrize("folder", ["", "d/"])
def test_a_file_that_was_removed_under_another_spelling_of_its_name_is_missed(tmp_path: Path, folder: str) -> None:
    with world(tmp_path, traits=Traits(case_sensitive=False)) as here:
        here.write(f"{folder}README")
        here.write(f"{folder}other")
        here.known()
        (here.top / folder / "README").unlink()
        here.hint(f"{folder}readme")
        here.run(15)

        assert here.lid(f"{folder}README") is None
        assert here.lid(f"{folder}other") is not None


def test_a_folder_that_took_the_name_of_another_in_another_spelling_has_it_alone(tmp_path: Path) -> None:
    with world(tmp_path, traits=Traits(case_sensitive=False, stable_inodes=False)) as here:
        (here.top / "d/A").mkdir(parents=True)
        here.write("new/x")
        here.known()
        (here.top / "d/A").rmdir()  # as a rename over it does on a disk that takes both for one
        here.move("new", "d/a")
        here.hint("d/a")
        here.run(30)

        assert {path for path in here.tree() if path.startswith("d")} == {"d", "d/a", "d/a/x"}


def test_a_folder_in_place_of_a_file_waits_until_the_file_is_absent(here: World) -> None:
    here.write("a")
    here.known()
    lid = here.lid("a")
    (here.top / "a").unlink()
    here.write("a/x")
    here.hint("a")
    assert here.lid("a") == lid
    assert not here.certain("a")

    here.settle()

    assert here.lid("a") != lid
    assert set(here.tree()) == {"a", "a/x"}


def test_a_file_moved_away_and_a_folder_in_its_place_are_a_move_and_a_new_folder(here: World) -> None:
    here.write("a")
    here.known()
    lid = here.lid("a")
    here.move("a", "b")
    here.write("a/x")
    here.hint("a", "b")
    here.settle()

    assert here.tree() == here.on_disk()
    assert here.lid("a") != lid


# Ignored places, and what is never synced


def test_rules_that_change_delete_nothing(here: World) -> None:
    here.write("log/x")
    here.write("y")
    here.known()
    lid = here.lid("log")
    here.observer.set_rules(Rules(["log/"]))
    here.settle()

    assert here.observer.newly_ignored() == [lid]
    assert set(here.tree()) == {"y"}
    assert here.state.synced(f"n{lid}") is None
    assert not here.state.synced_children(f"n{lid}")

    here.observer.set_rules(Rules())
    here.settle()
    assert set(here.tree()) == {"log", "log/x", "y"}


def test_a_file_moved_to_an_ignored_name_leaves_the_view(here: World) -> None:
    here.write("a")
    here.known()
    lid = here.lid("a")
    here.move("a", "a.part")
    here.hint("a", "a.part")
    here.settle()

    assert here.lid("a") is None
    assert here.state.synced(f"n{lid}") is None


def test_a_backup_to_an_ignored_name_and_a_new_file_is_an_edit(tmp_path: Path) -> None:
    with world(tmp_path, lines=["*~"]) as here:
        here.write("x", "one")
        here.known()
        lid = here.lid("x")
        here.move("x", "x~")
        here.hint("x", "x~")
        here.write("x", "three")
        here.hint("x")
        here.settle()

        assert here.lid("x") == lid
        assert here.state.synced(f"n{lid}") is not None


def test_a_file_moved_out_of_an_ignored_place_is_new(here: World) -> None:
    here.write("a.part")
    here.known()
    assert here.tree() == {}
    here.move("a.part", "a")
    here.hint("a.part", "a")
    here.settle()

    assert set(here.tree()) == {"a"}


def test_links_special_files_and_undecodable_names_are_told_and_not_synced(here: World) -> None:
    (here.top / "link").symlink_to("/etc")
    os.mkfifo(here.top / "pipe")
    Path(os.fsdecode(os.fsencode(here.top) + b"/bad\xff")).write_text("x")
    here.known()

    assert here.tree() == {}
    assert sorted(problem.code for problem in here.observer.problems()) == ["link", "name", "special"]

    (here.top / "link").unlink()
    here.hint("link")
    (here.top / "pipe").unlink()
    here.scan()
    assert [problem.code for problem in here.observer.problems()] == ["name"]


def test_a_link_in_place_of_a_file_deletes_nothing(here: World) -> None:
    here.write("a")
    here.write("d/x")
    here.known()
    for name in ("a", "d"):
        here.move(name, f"../outside-{name}")
        (here.top / name).symlink_to(here.top.parent / f"outside-{name}")
    here.hint("a", "d", "d/x")
    here.run(60)
    here.scan()
    here.run(60)

    assert here.lid("a")
    assert here.lid("d/x")
    assert not here.certain("a")
    assert not here.certain("d/x")
    assert [problem.code for problem in here.observer.problems()] == ["link", "link"]


def test_changed_rules_are_heard_of(here: World) -> None:
    here.known()
    here.observer.rules_touched()
    here.write(".cairnignore", "*.o")
    here.hint(".cairnignore")

    assert here.observer.rules_touched()
    assert not here.observer.rules_touched()


# The engine's own work


def test_held_paths_are_passed_over_until_they_are_released(here: World) -> None:
    here.known()
    here.observer.hold(("a",), ("d",))
    here.write("a")
    here.write("d/x")
    here.hint("a", "d", "d/x")
    here.scan()
    assert here.tree() == {}

    here.observer.release(("a",), ("d",))
    here.settle()

    assert set(here.tree()) == {"a", "d", "d/x"}


def test_a_held_path_is_not_missing(here: World) -> None:
    here.write("a")
    here.known()
    here.observer.hold(("a",))
    (here.top / "a").unlink()
    here.scan()
    here.run(20)
    assert here.lid("a")

    here.observer.release(("a",))
    here.settle()
    assert here.lid("a") is None


def test_parked_rows_are_looked_at_at_the_start(here: World) -> None:
    here.write("a")
    here.known()
    entry = here.entry("a")
    here.fs.make_folder((".cairn", "parked"))
    here.fs.move(("a",), (".cairn", "parked", "p1"))
    here.state.put_local(type(entry)(entry.lid, -1, "p1", entry.stat, entry.sha256, entry.sure))
    here.scan()
    here.run(20)
    assert here.state.local(entry.lid) is not None

    (here.top / ".cairn/parked/p1").unlink()
    here.restart()
    here.scan()
    here.settle()
    assert here.state.local(entry.lid) is None


def test_what_was_parked_right_before_a_stop_is_taken_for_what_it_is(here: World) -> None:
    here.write("a")
    here.write("d/b")
    here.known()
    lids = here.lid("a"), here.lid("d")
    here.fs.make_folder((".cairn", "parked"))
    for name, lid in zip(("a", "d"), lids, strict=True):
        here.fs.move((name,), (".cairn", "parked", f"parked-{lid}"))

    here.restart()
    here.scan()
    here.run(30)

    places = [(row.parent, row.name) for lid in lids if lid is not None and (row := here.state.local(lid)) is not None]
    assert places == [(-1, f"parked-{lid}") for lid in lids]
    assert [here.observer.is_certain(lid) for lid in lids if lid is not None] == [True, True]


def test_what_is_parked_and_belongs_to_nothing_known_is_new(here: World) -> None:
    here.write("a")
    here.known()
    here.fs.make_folder((".cairn", "parked"))
    here.fs.move(("a",), (".cairn", "parked", "parked-77"))
    here.write("a", "another")

    here.restart()
    here.scan()
    here.run(30)

    (row,) = here.state.local_children(-1)
    assert row.name == "parked-77"
    assert row.lid != here.lid("a")


def test_what_was_written_while_it_was_parked_is_seen_when_it_is_looked_at_again(here: World) -> None:
    """A program had it open. Its row stayed as it was, so that it was never brought back to its place."""
    here.write("a")
    here.known()
    entry = here.entry("a")
    here.fs.make_folder((".cairn", "parked"))
    here.fs.move(("a",), (".cairn", "parked", "p1"))
    here.state.put_local(type(entry)(entry.lid, -1, "p1", entry.stat, entry.sha256, entry.sure))
    here.write(".cairn/parked/p1", "more of it")

    here.observer.look_again((".cairn", "parked", "p1"))
    here.run(1)

    row = here.state.local(entry.lid)
    assert row is not None
    assert row.stat == here.fs.look((".cairn", "parked", "p1"))
    assert row.sha256 is None


def test_what_is_written_in_a_parked_folder_is_not_waited_for_once_that_is_at_its_place(here: World) -> None:
    here.write("d/b")
    here.observer.scan_all()
    here.observer.step(1)  # the root was listed, and what is in it is to be
    entry = here.entry("d")
    parked = (".cairn", "parked", "p1")
    here.fs.make_folder(parked[:2])
    here.fs.move(("d",), parked)
    here.state.put_local(type(entry)(entry.lid, -1, "p1", entry.stat))
    here.step()
    assert here.observer.unread() == [(*parked, "b")]

    here.observer.hold(parked, ("e",))
    here.fs.move(parked, ("e",))
    here.state.put_local(type(entry)(entry.lid, 0, "e", entry.stat))
    here.observer.release(parked, ("e",))
    here.settle()

    assert here.observer.unresolved() == 0
    assert here.entry("e/b").stat == here.fs.look(("e", "b"))


def test_what_nothing_happened_to_while_it_was_held_is_not_looked_at(here: World) -> None:
    here.write("a")
    here.known()
    here.observer.hold(("a",))
    here.observer.release(("a",))

    assert here.observer.is_idle


def test_a_folder_tells_whether_it_holds_what_has_no_row(here: World) -> None:
    here.write("d/x")
    here.write("d/y.part")
    here.write("e/x")
    here.known()
    one, other = here.entry("d").lid, here.entry("e").lid
    assert here.observer.holds_others(one)
    assert not here.observer.holds_others(other)

    (here.top / "d/y.part").unlink()
    (here.top / "e/link").symlink_to("x")
    here.hint("d/y.part", "e/link")
    here.run(5)

    assert not here.observer.holds_others(one)
    assert here.observer.holds_others(other)


def test_a_folder_that_the_engine_made_is_watched(here: World) -> None:
    here.known()
    here.observer.hold(("d",))
    stat = here.fs.make_folder(("d",))
    here.state.put_local(LocalEntry(here.state.new_lid(), 0, "d", stat))
    here.observer.release(("d",))
    here.step()

    assert ("d",) in here.watch.folders


def test_a_folder_that_the_engine_moved_is_watched_at_its_new_place(here: World) -> None:
    here.write("d/e/x")
    here.known()
    entry = here.entry("d")
    here.observer.hold(("d",), ("f",))
    here.fs.move(("d",), ("f",))
    here.state.put_local(LocalEntry(entry.lid, 0, "f", entry.stat))
    here.observer.release(("d",), ("f",))
    here.step()

    assert sorted(here.watch.folders) == [(), ("f",), ("f", "e")]


def test_what_could_not_be_looked_at_is_named(here: World) -> None:
    here.write("d/x")
    here.known()
    here.fs.broken[("d",)] = Trouble.UNREADABLE
    here.scan()

    assert [path for path, _ in here.observer.unknown()] == ["d"]
    assert here.observer.is_watching
    assert here.observer.polled_folders == 0


def test_in_a_single_run_nothing_falls_due_forever(single: World) -> None:
    single.write("d/x")
    single.write("a")
    single.watch.most = 1
    single.known()
    single.fs.broken[("d",)] = Trouble.DAMAGED
    single.scan()
    single.run(20)

    assert single.observer.next_due_s() is None
    assert [path for path, _ in single.observer.unknown()] == ["d"]
    assert not single.certain("d/x")
