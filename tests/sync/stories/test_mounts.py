"""Stories of disks that are mounted below the root, and are not there for a while."""

from tests.sim.disks import live_files
from tests.sim.play import play_of
from tests.sim.weather import Weather


def test_what_is_on_a_disk_that_is_not_mounted_is_deleted_nowhere() -> None:
    with play_of(Weather()) as play:
        disk, other = play.disks
        disk.user_make_folder(("photos",))
        disk.mount(("photos",))
        for number in range(3):
            play.one.put(("photos", str(number)), b"<%d>" % number)
        play.settle()
        before = live_files(other)

        top = disk.unmount(("photos",))
        play.wait(120)
        assert live_files(other) == before
        play.first.kill()
        play.first.start()
        play.wait(120)
        assert live_files(other) == before

        disk.mount(("photos",))
        play.one.put(("photos", "another"), b"<9>")
        play.wait(120)
        assert live_files(other).keys() == before.keys()

        play.one.remove(("photos", "another"))
        disk.unmount(("photos",))
        disk.mount_again(("photos",), top)
        play.settle()
        assert live_files(other) == before
