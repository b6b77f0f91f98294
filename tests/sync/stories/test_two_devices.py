"""Stories of two devices that the simulation found, each told in a few lines."""

from collections.abc import Iterator

import pytest

from client.sync.seams.files import Trouble
from client.transport import ConnectionLostError
from tests.sim.disks import live_files
from tests.sim.fs import SimMode
from tests.sim.net import Sent
from tests.sim.play import Play, play_of
from tests.sim.weather import Weather


@pytest.fixture
def play() -> Iterator[Play]:
    with play_of(Weather()) as begun:
        yield begun


def test_an_edit_of_a_file_that_was_changed_and_then_deleted_elsewhere_comes_back_as_a_new_one(play: Play) -> None:
    """The server takes no content for what is in its trash at a version that this device never had: for ever."""
    play.one.put(("f",), b"<1>")
    play.settle()

    play.leave(play.second)
    play.wait(60)
    play.one.put(("f",), b"<2>")
    play.wait(60)
    play.one.remove(("f",))
    play.wait(60)
    play.two.put(("f",), b"<3>")
    play.wait(60)
    play.come_back(play.second)
    play.settle()

    assert play.contents("f") == {b"<3>"}


def test_a_device_is_quiet_again_after_the_server_was_put_back_to_before_its_changes(play: Play) -> None:
    """It waited for the feed to reach the number of a change that the server knew no more."""
    play.one.put(("f",), b"<1>")
    play.settle()
    server, backup = play.stage.server, play.stage.folder / "backup"
    server.copy(backup)
    for number in range(2, 9):
        play.one.put(("f",), b"<%d>" % number)
        play.wait(30)

    server.put_back(backup, whole=False)
    play.stage.past.forget()
    play.stage.oracle.server_lost(play.stage.contents())
    play.stage.oracle.disasters.append("server_back")
    play.stage.network.news.set()
    play.settle()

    assert play.contents("f") == {b"<8>"}


def test_a_rename_of_case_alone_arrives_on_a_disk_that_takes_both_names_for_one() -> None:
    with play_of(Weather(mode=SimMode(case_sensitive=False))) as play:
        play.one.put(("f",), b"<1>")
        play.settle()

        play.one.move(("f",), ("F",))
        play.settle()

        assert [list(live_files(disk)) for disk in play.disks] == [[("F",)], [("F",)]]


def test_an_edit_of_a_file_that_is_gone_from_the_trash_as_well_comes_back_as_a_new_one(play: Play) -> None:
    """It was to be brought back under its id, for ever: so is what somebody else deleted in a share that then ended."""
    play.one.put(("f",), b"<1>")
    play.settle()

    play.leave(play.second)
    play.wait(60)
    play.one.remove(("f",))
    play.wait(60)
    server, actor = play.stage.server, play.first.machine.actor
    trash = server.cairn.services.trash
    (deleted,), _ = server.call(trash.list_page(actor, before=None, limit=10))
    server.call(trash.purge(actor, deleted.view.file_id))
    play.two.put(("f",), b"<2>")
    play.wait(60)
    play.come_back(play.second)
    play.settle()

    assert play.contents("f") == {b"<2>"}


def test_what_is_made_anew_under_the_name_of_a_deleted_file_and_deleted_too_is_gone_on_all_sides(play: Play) -> None:
    """What both sides had agreed on was forgotten as the new file was met: the old one came back, to be in the way."""
    play.one.put(("f",), b"<1>")
    play.settle()

    play.leave(play.first)
    play.one.remove(("f",))
    play.wait(60)
    play.one.put(("f",), b"<2>")
    play.wait(60)
    play.one.remove(("f",))
    play.wait(60)
    play.disks[0].user_make_folder(("f",))
    play.wait(60)
    play.come_back(play.first)
    play.settle()

    assert [list(live_files(disk)) for disk in play.disks] == [[], []]


def test_a_file_made_anew_long_after_its_delete_that_was_not_sent_is_an_edit_of_it(play: Play) -> None:
    play.one.put(("f",), b"<1>")
    play.settle()

    play.leave(play.first)
    play.one.remove(("f",))
    play.wait(60)
    play.one.put(("f",), b"<2>")
    play.wait(60)
    play.come_back(play.first)
    play.settle()

    assert [list(live_files(disk)) for disk in play.disks] == [[("f",)], [("f",)]]
    assert play.contents("f") == {b"<2>"}


@pytest.mark.parametrize("edits", [False, True])
def test_what_was_sent_unanswered_and_changed_by_another_is_no_word_of_the_newer_one(
    play: Play, *, edits: bool
) -> None:
    """Asked for what became of the upload, the server shows the file as it is now: that was taken for what was sent."""
    network = play.stage.network

    def lose_the_answer(sent: Sent) -> None:
        if sent.device == play.first.machine.name and sent.target.endswith("/commit"):
            network.after = after
            play.leave(play.first)
            raise ConnectionLostError("the reply was lost", sent=True)

    after, network.after = network.after, lose_the_answer
    play.one.put(("f",), b"<1>")
    play.wait(60)
    play.two.put(("f",), b"<2>")
    play.wait(60)
    if edits:
        play.one.put(("f",), b"<3>")
    play.come_back(play.first)
    play.settle()

    assert play.contents("f") == {b"<2>"}
    copies = [data for path, data in live_files(play.disks[1]).items() if "conflict" in path[0]]
    assert copies == ([b"<3>"] if edits else [])


def test_what_goes_into_a_folder_that_cannot_be_looked_at_is_deleted_nowhere(play: Play) -> None:
    """It was moved there, which failed only when the new place was looked at; so it was missed at the old one."""
    for folder in ("d", "t"):
        play.disks[0].user_make_folder((folder,))
        play.one.put((folder, "f"), b"<%d>" % ord(folder))
    play.settle()

    play.disks[1].denied[("t",)] = Trouble.UNREADABLE
    play.one.move(("d",), ("t", "d"))
    play.wait(60)
    del play.disks[1].denied[("t",)]
    play.settle()

    assert play.contents("t", "d", "f") == {b"<100>"}
