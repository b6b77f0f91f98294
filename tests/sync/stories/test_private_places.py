"""Stories of people who put things into `.cairn`, where only this program should."""

from collections.abc import Iterator

import pytest

from client.sync.model import DISPLACED, PRIVATE, TMP, TRASH, Kind, Path
from tests.sim.disks import live_files
from tests.sim.play import Play, play_of
from tests.sim.weather import Weather


@pytest.fixture
def play() -> Iterator[Play]:
    """Two devices in step."""
    with play_of(Weather()) as play:
        play.one.put(("old",), b"<1>")
        play.settle()
        yield play


def put_in_place(play: Play, how: str, place: Path = TMP) -> None:
    """Let the person of the second device put something else in the place of a folder of ours."""
    disk = play.disks[1]
    if disk.find(place) is not None:
        disk.user_remove_tree(place)
    if how == "link":
        disk.user_link(place, "elsewhere")
    elif how == "file":
        disk.user_write(place, b"<mine>")


@pytest.mark.parametrize("how", ["link", "file", "gone"])
@pytest.mark.parametrize("runs", [True, False])
def test_files_are_fetched_though_something_has_the_place_of_the_folder_for_unfinished_ones(
    play: Play, how: str, *, runs: bool
) -> None:
    if runs:
        put_in_place(play, how)
    else:
        play.second.kill()
        put_in_place(play, how)
        play.second.start()

    play.one.put(("new",), b"<2>")
    play.wait(120)
    play.settle()

    disk = play.disks[1]
    assert play.contents("new") == {b"<2>"}
    assert disk.get(TMP).kind is Kind.FOLDER
    kept = [inode.data for name, inode in disk.get((PRIVATE,)).names.values() if name.startswith("tmp-")]
    assert kept == ([b"<mine>"] if how == "file" else [])


@pytest.mark.parametrize("place", [TRASH, DISPLACED])
@pytest.mark.parametrize("how", ["link", "file"])
def test_what_has_the_place_of_a_folder_that_may_hold_files_is_told_and_left_alone(
    play: Play, how: str, place: Path
) -> None:
    engine = play.second.engine
    assert engine is not None
    put_in_place(play, how, place)
    play.one.put(("old",), b"<2>")
    play.one.put(("new",), b"<3>")
    play.wait(90)

    assert ("/".join(place), "other") in {(each.path, each.code) for each in engine.problems()}
    assert live_files(play.disks[1])[("new",)] == b"<3>"

    play.disks[1].user_remove(place)
    play.wait(90)
    play.settle()
    assert play.contents("old") == {b"<2>"}
    assert engine.problems() == []
