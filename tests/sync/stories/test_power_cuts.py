"""Stories of a disk that says too early that all is on it, and of the power that goes then."""

import random
from collections.abc import Iterator
from unittest.mock import patch

import pytest

from client.sync.model import MARKER, Path, Stat
from client.sync.seams.files import FsError, Trouble
from tests.sim.fs import SimFs
from tests.sim.net import Sent
from tests.sim.play import Play, play_of
from tests.sim.weather import Weather


@pytest.fixture
def play() -> Iterator[Play]:
    """Two devices in step, the second of which has fetched one file and replaced another."""
    with play_of(Weather()) as play:
        play.one.put(("old",), b"<1>")
        play.settle()
        play.one.put(("old",), b"<2>")
        play.one.put(("new",), b"<3>")
        play.wait(30)
        yield play


def tear(disk: SimFs, path: Path, content: bytes) -> None:
    """Let a file have another content under the times that it had; the names are there."""
    inode = disk.get(path)
    inode.data[:] = content
    inode.durable = (content, *inode.durable[1:])


def uploads_of(play: Play, device: str) -> list[Sent]:
    """Return what a device sends from now on of what files hold, as it is sent."""
    sent: list[Sent] = []
    hear = play.stage.network.after

    def listen(each: Sent) -> None:
        if each.device == device and "/uploadRequest" in each.target:
            sent.append(each)
        hear(each)

    play.stage.network.after = listen
    return sent


@pytest.mark.parametrize("content", [b"", bytes(3)])
@pytest.mark.parametrize("path", [("old",), ("new",)])
def test_a_file_that_a_power_cut_tore_is_fetched_again_and_never_sent(play: Play, path: Path, content: bytes) -> None:
    right = play.contents(*path)
    play.second.kill()
    play.disks[1].crash(random.Random(1))  # noqa: S311 - the same each time
    tear(play.disks[1], path, content)
    sent = uploads_of(play, play.second.name)

    play.second.start()
    play.settle()

    assert play.contents(*path) == right
    assert sent == []


def test_what_is_torn_is_not_sent_either_where_the_marker_of_the_folder_is_torn_with_it(play: Play) -> None:
    """Without a base it would become a conflict copy."""
    right = play.contents("new")
    play.second.kill()
    for path in (MARKER, ("new",)):
        tear(play.disks[1], path, bytes(3))
    sent = uploads_of(play, play.second.name)

    play.second.start()
    play.settle()

    assert play.contents("new") == right
    assert sent == []


def test_nothing_is_read_again_after_a_clean_stop(play: Play) -> None:
    engine = play.second.engine
    assert engine is not None
    assert engine.state.applied()

    engine.stop()
    play.wait(60)

    assert engine.state.applied() == []


def test_what_was_put_here_long_ago_is_not_read_again(play: Play) -> None:
    engine = play.second.engine
    assert engine is not None

    play.wait(700)

    assert engine.state.applied() == []


def test_what_could_not_be_looked_at_once_it_was_placed_outlasts_a_power_cut() -> None:
    """Its name was not made durable: it was found there, and gone after a power cut, as if its user had deleted it."""
    with play_of(Weather()) as play:
        play.wait(30)
        disk, look = play.disks[1], play.disks[1].look
        failed: list[Path] = []

        def fail_once(path: Path) -> Stat | None:
            found = look(path)
            if path == ("new",) and found is not None and not failed:
                failed.append(path)
                raise FsError(Trouble.DAMAGED, path)
            return found

        with patch.object(disk, "look", fail_once):
            play.one.put(("new",), b"<1>")
            engine = play.second.engine
            assert engine is not None
            while not engine.state.tracked_files():
                play.wait(0.1)
        assert failed
        play.second.kill()
        disk.crash(random.Random(1))  # noqa: S311 - the same each time
        play.second.start()
        play.settle()

        assert play.contents("new") == {b"<1>"}
