"""Moved to where nothing is synced: below an ignored folder, or under a name that is not UTF-8. Nobody deleted it."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from client.sync.model import Path as Names
from client.sync.observe import elsewhere
from client.sync.seams.files import Hint
from tests.sync.observe.world import World, world

BAD = os.fsdecode(b"bad\xff")


@pytest.fixture(params=[False, True], ids=["daemon", "once"])
def here(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    with world(tmp_path, once=request.param, lines=["build/", "*.tmp"]) as made:
        yield made


def hint(here: World, *paths: Names) -> None:
    for path in paths:
        here.observer.hint(Hint(path, closed=True))
    here.run(0.2)


def is_deleted(here: World, lid: int | None) -> bool:
    """Whether the planner would take an entry for one that was deleted here: no row, and still a base."""
    assert lid is not None
    return here.state.local(lid) is None and here.state.synced_at(lid) is not None


def test_a_file_moved_into_an_ignored_folder_leaves_the_view(here: World) -> None:
    here.write("build/deep/o")
    here.write("docs/x")
    here.write("docs/y")
    here.known()
    moved, deleted = here.lid("docs/x"), here.lid("docs/y")
    here.move("docs/x", "build/deep/x")
    (here.top / "docs/y").unlink()
    here.hint("docs/x", "docs/y")
    here.settle()

    assert here.lid("docs/x") is None
    assert not is_deleted(here, moved)
    assert is_deleted(here, deleted)


def test_a_folder_moved_into_an_ignored_one_leaves_the_view(here: World) -> None:
    here.write("build/o")
    here.write("docs/deep/x")
    here.known()
    lids = [here.lid(path) for path in ("docs", "docs/deep", "docs/deep/x")]
    here.move("docs", "build/old")
    here.scan()
    here.settle()

    assert set(here.tree()) == set()
    assert not any(is_deleted(here, lid) for lid in lids)


def test_what_was_saved_in_an_ignored_folder_from_one_that_is_then_deleted_leaves_the_view(here: World) -> None:
    here.write("build/o")
    here.write("docs/deep/x")
    here.write("docs/deep/y")
    here.known()
    saved, lost = here.lid("docs/deep/x"), here.lid("docs/deep/y")
    here.move("docs/deep/x", "build/x")
    shutil.rmtree(here.top / "docs")
    here.scan()
    here.settle()

    assert not is_deleted(here, saved)
    assert is_deleted(here, lost)


def test_a_new_file_in_an_ignored_folder_with_the_inode_of_one_that_was_deleted_proves_nothing(here: World) -> None:
    here.write("build/o")
    file = here.write("x")
    here.known()
    lid = here.lid("x")
    file.rename(here.top / "build/other")
    (here.top / "build/other").write_text("something else that is longer")
    here.scan()
    here.settle()

    assert is_deleted(here, lid)


def test_ignored_folders_are_gone_through_once_for_all_that_went_together(here: World) -> None:
    for number in range(30):
        here.write(f"build/{number}/o")
        here.write(f"docs/{number}")
    here.known()
    for number in range(30):
        (here.top / f"docs/{number}").unlink()
    here.scan()
    before = here.fs.lists
    here.settle()

    assert here.tree().keys() == {"docs"}
    assert here.fs.lists - before < 3 * 31


def test_no_more_is_looked_at_than_a_person_would_wait_for(here: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(elsewhere, "MOST_LOOKED_AT", 3)
    for number in range(20):
        here.write(f"build/{number}/o")
    here.write("x")
    here.known()
    lid = here.lid("x")
    here.move("x", "build/0/x")
    here.scan()
    before = here.fs.lists
    here.settle()

    assert here.lid("x") is None
    assert here.fs.lists - before < 10
    assert lid is not None


def test_a_file_renamed_to_no_utf_8_stays_here_alone_until_it_is_deleted(here: World) -> None:
    here.write("docs/x")
    here.known()
    lid = here.lid("docs/x")
    here.move("docs/x", f"docs/{BAD}")
    hint(here, ("docs", "x"), ("docs", BAD))
    here.settle()

    assert here.lid("docs/x") == lid
    assert not here.certain("docs/x")
    assert [problem.code for problem in here.observer.problems()] == ["name"]
    here.scan()
    here.run(60)
    assert not here.observer.unresolved()
    assert here.lid("docs/x") == lid

    (here.top / "docs" / BAD).unlink()
    hint(here, ("docs", BAD))
    here.settle()
    assert is_deleted(here, lid)


def test_a_file_renamed_to_no_utf_8_and_then_to_a_good_name_was_renamed(here: World) -> None:
    here.write("docs/x")
    here.known()
    lid = here.lid("docs/x")
    here.move("docs/x", f"docs/{BAD}")
    hint(here, ("docs", "x"), ("docs", BAD))
    here.settle()
    here.move(f"docs/{BAD}", "docs/y")
    hint(here, ("docs", BAD), ("docs", "y"))
    here.settle()

    assert here.lid("docs/y") == lid
    assert here.certain("docs/y")


def test_a_folder_renamed_to_no_utf_8_stays_here_alone_with_all_in_it(here: World) -> None:
    here.write("docs/deep/x")
    here.known()
    lid = here.lid("docs/deep/x")
    here.move("docs", BAD)
    hint(here, ("docs",), (BAD,), ("docs", "deep", "x"))
    here.scan()
    here.settle()

    assert here.lid("docs/deep/x") == lid
    assert not here.certain("docs/deep/x")

    here.move(BAD, "docs")
    hint(here, ("docs",), (BAD,))
    here.settle()
    assert here.lid("docs/deep/x") == lid
    assert here.certain("docs/deep/x")


def test_a_file_moved_into_a_folder_whose_name_is_no_utf_8_is_not_deleted(here: World) -> None:
    (here.top / BAD).mkdir()
    here.write("docs/x")
    here.known()
    lid = here.lid("docs/x")
    here.move("docs/x", f"{BAD}/x")
    here.scan()
    here.settle()

    assert here.lid("docs/x") == lid
    assert not here.certain("docs/x")

    shutil.rmtree(here.top / BAD)
    hint(here, (BAD,))
    here.settle()
    assert is_deleted(here, lid)
