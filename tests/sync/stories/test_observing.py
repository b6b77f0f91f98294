"""Stories about what the observer waits for."""

import hashlib
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from client.sync.model import PARKED, ROOT_LID, LocalEntry
from client.sync.seams.files import Trouble
from tests.sync.observe.world import World, world


@pytest.fixture
def here(tmp_path: Path) -> Iterator[World]:
    with world(tmp_path) as made:
        yield made


def put_row(here: World, name: str) -> None:
    """Set the row for what stands at a name, as an operation does that has put it there."""
    stat = here.fs.look((name,))
    assert stat is not None
    sha256 = hashlib.sha256((here.top / name).read_bytes()).hexdigest()
    met = here.state.local_child(ROOT_LID, name)
    lid = here.state.new_lid() if met is None else met.lid
    here.state.put_local(LocalEntry(lid, ROOT_LID, name, stat, sha256, sure=True))


@pytest.mark.parametrize("by_scan", [False, True])
def test_a_file_that_the_engine_replaced_while_it_came_to_rest_is_waited_for_no_more(
    here: World, *, by_scan: bool
) -> None:
    here.write("a")
    here.hint("a", closed=False)
    assert here.observer.unresolved()

    here.write("a", "what the engine has put there")
    put_row(here, "a")
    if by_scan:
        here.scan()
    else:
        here.run(60.0)

    assert not here.observer.unresolved()
    assert here.entry("a").sha256 is not None


@pytest.mark.parametrize("by_engine", [False, True])
def test_a_file_that_came_to_rest_in_a_folder_that_was_moved_meanwhile_is_waited_for_no_more(
    here: World, *, by_engine: bool
) -> None:
    """The folder could not be listed when the time came to look at the file."""
    here.write("f/a")
    here.scan()
    assert here.observer.unresolved()
    here.fs.broken[("f",)] = Trouble.UNREADABLE
    here.scan()
    here.run(3.0)

    if by_engine:
        here.observer.hold(("f",), ("g",))
    here.move("f", "g")
    here.fs.broken.clear()
    if by_engine:
        here.state.put_local(replace(here.entry("f"), name="g"))
        here.observer.release(("f",), ("g",))
    here.run(60.0)
    here.scan()
    here.run(60.0)

    assert not here.observer.unresolved()
    assert set(here.tree()) == {"g", "g/a"}


@pytest.mark.parametrize("how", ["moved", "renamed again", "gone"])
def test_a_rename_that_was_held_where_nothing_could_be_listed_is_waited_for_no_more(here: World, how: str) -> None:
    """The device was never quiet again: the look at the new name came while its folder could not be read."""
    here.write("f/a")
    here.settle()
    here.known()
    here.move("f/a", "f/b")
    here.hint("f/a", "f/b")
    here.run(0.5)
    here.fs.broken[("f",)] = Trouble.UNREADABLE
    here.scan()
    here.run(5.0)
    assert here.observer.unresolved()

    here.fs.broken.clear()
    if how == "moved":
        here.move("f", "g")
    elif how == "renamed again":
        here.move("f/b", "f/c")
    else:
        shutil.rmtree(here.top / "f")
    here.scan()
    here.run(60.0)

    assert not here.observer.unresolved()
    assert set(here.tree()) == {"moved": {"g", "g/b"}, "renamed again": {"f", "f/c"}, "gone": set()}[how]


def test_the_place_where_entries_wait_is_known_when_it_could_not_be_listed_and_is_gone(here: World) -> None:
    here.fs.broken[PARKED] = Trouble.CHANGED
    here.scan()
    assert here.observer.unresolved()

    here.fs.broken.clear()
    shutil.rmtree(here.top.joinpath(*PARKED), ignore_errors=True)
    here.run(60.0)

    assert not here.observer.unresolved()
