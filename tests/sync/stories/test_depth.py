"""A story of folders in one another, more than a server keeps."""

from client.sync.plan.unbased import TOO_DEEP
from client.sync.trees.doubt import DEEPEST
from tests.sim.play import play_of
from tests.sim.weather import Weather


def test_what_lies_too_deep_for_the_server_is_told_with_what_to_do_and_is_sent_when_it_is_moved() -> None:
    with play_of(Weather()) as play:
        disk, device = play.disks[0], play.first
        deep = ("d",) * DEEPEST
        for depth in range(1, DEEPEST + 3):
            disk.user_make_folder(("d",) * depth)
        play.one.put((*deep, "file"), b"<1>")
        play.one.put((*deep, "d", "file"), b"<2>")
        play.one.put((*deep[1:], "fits"), b"<3>")
        play.wait(120)

        assert device.engine is not None
        told = {each.path: each.message for each in device.engine.problems()}
        assert told == {"/".join((*deep, "d")): TOO_DEEP, "/".join((*deep, "file")): TOO_DEEP}

        disk.user_rename((*deep, "d"), ("up",))
        disk.user_rename((*deep, "file"), ("file",))
        play.settle()

        assert play.contents("up", "file") == {b"<2>"}
        assert device.engine.problems() == []
