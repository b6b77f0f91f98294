"""Stories that the simulation found, each told in a few lines."""

from collections.abc import Iterator

import pytest

from tests.sim.play import Play, play_of
from tests.sim.weather import Weather


@pytest.fixture
def play() -> Iterator[Play]:
    """A play that has begun."""
    with play_of(Weather()) as begun:
        yield begun


def test_a_bit_set_here_while_new_content_comes_from_there_keeps_both(play: Play) -> None:
    """The answer to the bit was taken for one about the content here: then both sides counted as agreed."""
    play.one.put(("f",), b"<1>")
    play.settle()

    play.two.put(("f",), b"<2>")
    play.disks[0].user_chmod(("f",), executable=True)
    play.settle()

    assert play.contents("f") == {b"<2>"}
    assert all(disk.get(("f",)).stat().executable for disk in play.disks)
