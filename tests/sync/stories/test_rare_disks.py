"""Stories of disks that keep less than others: inode numbers that are made up, times of two seconds."""

from tests.sim.fs import SimMode
from tests.sim.play import play_of
from tests.sim.weather import Weather


def test_a_save_of_the_same_size_in_the_same_two_seconds_arrives_from_a_disk_that_makes_inodes_up() -> None:
    """It showed in nothing but the inode; what was to be read once more was then taken for another file, for ever."""
    with play_of(Weather(mode=SimMode(stable_inodes=False, step_ns=2_000_000_000))) as play:
        play.wait(60 - play.stage.scheduler.now_s % 2)  # to the begin of a step of the clock
        play.one.put(("f",), b"<1>")
        play.wait(1)
        assert play.contents("f") == {b"<1>"}

        play.one.put(("g",), b"<2>")
        play.one.move(("g",), ("f",))
        play.settle()

        assert play.contents("f") == {b"<2>"}


def test_a_write_under_another_spelling_within_one_step_of_the_clock_is_seen() -> None:
    """Its event named the other spelling; the listing that followed found size and times as they were."""
    with play_of(Weather(mode=SimMode(case_sensitive=False, step_ns=2_000_000_000))) as play:
        play.wait(60 - play.stage.scheduler.now_s % 2)  # to the begin of a step of the clock
        play.two.put(("F",), b"<1>")
        play.wait(1)
        assert play.contents("F") == {b"<1>"}

        play.one.put(("f",), b"<2>")
        play.settle()

        assert play.contents("F") == {b"<2>"}


def test_what_is_made_in_a_folder_that_took_the_place_of_another_at_once_arrives() -> None:
    """Its times were the same, and such a disk makes inodes up: so nobody watched the new folder."""
    with play_of(Weather(mode=SimMode(stable_inodes=False, step_ns=2_000_000_000))) as play:
        disk = play.disks[0]
        play.wait(60 - play.stage.scheduler.now_s % 2)  # to the begin of a step of the clock
        disk.user_make_folder(("a",))
        play.wait(0.5)
        disk.user_make_folder(("b",))
        play.one.move(("a",), ("c",))
        play.one.move(("b",), ("a",))
        play.wait(30)

        play.one.put(("a", "f"), b"<1>")
        play.settle()

        assert play.contents("a", "f") == {b"<1>"}


def test_a_folder_that_went_into_the_one_that_took_its_name_in_another_spelling_is_followed() -> None:
    """The new folder waited for the name, and what had it for the new folder, for ever."""
    with play_of(Weather(mode=SimMode(case_sensitive=False))) as play:
        play.disks[0].user_make_folder(("A",))
        play.one.put(("A", "f"), b"<1>")
        play.settle()
        play.disks[0].user_make_folder(("b",))
        play.one.move(("A",), ("b", "c"))
        play.one.move(("b",), ("a",))

        play.settle()

        assert play.contents("a", "c", "f") == {b"<1>"}
