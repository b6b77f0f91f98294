"""Stories of rules that leave out a folder while something in it is under way."""

from collections.abc import Iterable, Iterator
from unittest.mock import patch

import pytest
from msgspec.structs import replace

from client.sync.model import Path
from client.sync.seams.files import FsError, Trouble
from client.transport import Request
from tests.sim.device import SimDevice
from tests.sim.disks import live_files
from tests.sim.net import Sent
from tests.sim.play import Play, play_of
from tests.sim.weather import Weather


@pytest.fixture
def play() -> Iterator[Play]:
    with play_of(Weather()) as begun:
        begun.disks[0].user_make_folder(("c",))
        begun.one.put(("c", "f"), b"<1>")
        begun.settle()
        yield begun


def set_rules(device: SimDevice, *rules: str) -> None:
    device.tell(replace(device.machine.settings, ignore=list(rules)))


def set_rules_at(play: Play, device: SimDevice, what: str, *rules: str) -> None:
    """Set the rules while the next request of a kind is on its way, which takes long enough to act on them."""
    network = play.stage.network
    judge = network.before

    def meanwhile(request: Request) -> None:
        judge(request)
        if what in request.url:
            network.before = judge
            set_rules(device, *rules)
            play.stage.scheduler.sleep(30)

    network.before = meanwhile


@pytest.mark.parametrize("back_s", [0, 60])
def test_a_file_in_a_folder_that_is_left_out_while_it_is_fetched_is_there_when_the_folder_is_taken_in_again(
    play: Play, back_s: int
) -> None:
    """Its row was put into a folder that had none any more, and the next that was planned for it ended the run."""
    set_rules_at(play, play.second, "/content?", "c")
    play.one.put(("c", "f"), b"<2>")
    play.wait(45)
    play.wait(back_s)
    play.one.put(("c", "f"), b"<3>")
    play.wait(60)
    set_rules(play.second)
    play.settle()

    assert play.contents("c", "f") == {b"<3>"}


@pytest.mark.parametrize("back_s", [0, 60])
def test_a_file_in_a_folder_that_is_left_out_while_it_is_sent_is_not_deleted_at_the_server(
    play: Play, back_s: int
) -> None:
    """Once it was sent it was tied to an entry that is not there, as if somebody had deleted it."""
    deleted: list[str] = []
    hear = play.stage.network.after

    def note_deletes(sent: Sent) -> None:
        hear(sent)
        if sent.method == "DELETE":
            deleted.append(sent.target)

    play.stage.network.after = note_deletes
    set_rules_at(play, play.first, "/uploads/commit", "c")
    play.one.put(("c", "f"), b"<2>")
    play.wait(45)
    play.wait(back_s)
    assert b"<2>" in play.contents("c", "f")
    set_rules(play.first)
    play.settle()

    assert play.contents("c", "f") == {b"<2>"}
    assert deleted == []


def test_a_new_file_that_is_left_out_while_it_is_sent_and_then_removed_here_stays_at_the_server(play: Play) -> None:
    """Its answer tied it to an entry that had left the view: once it was really gone, that was a delete."""
    set_rules_at(play, play.first, "/uploads/commit", "n")
    play.one.put(("n",), b"<2>")
    play.wait(45)
    play.disks[0].user_remove(("n",))
    play.wait(60)

    assert live_files(play.disks[1])[("n",)] == b"<2>"


def test_a_file_that_is_moved_into_a_folder_that_is_left_out_is_fetched_again_and_deleted_nowhere(play: Play) -> None:
    """It left the view: nobody said that it is to go for all."""
    set_rules(play.second, "private/")
    play.disks[1].user_make_folder(("private",))
    play.wait(60)

    play.disks[1].user_rename(("c", "f"), ("private", "f"))
    play.wait(120)

    assert play.contents("c", "f") == {b"<1>"}
    assert live_files(play.disks[1])[("private", "f")] == b"<1>"


def test_what_was_left_out_while_the_disk_failed_and_taken_in_again_is_deleted_nowhere(play: Play) -> None:
    """It lay in the trash, which was not noted since that could not be synced: the user seemed to have deleted it."""
    device, disk = play.second, play.disks[1]
    folder = next(node.id for path, node in play.stage.past.view(device.machine.actor).items() if path == ("c",))

    def fail(_: Iterable[Path]) -> None:
        raise FsError(Trouble.DAMAGED, ())

    with patch.object(disk, "sync_folders", fail):
        device.tell(replace(device.machine.settings, excluded=[folder]))
        play.wait(3)
    device.tell(replace(device.machine.settings, excluded=[]))
    play.settle()

    assert play.contents("c", "f") == {b"<1>"}


@pytest.mark.parametrize("is_running", [True, False])
def test_what_a_kill_left_unnoted_in_the_trash_comes_back_when_its_folder_is_taken_in_again(
    play: Play, *, is_running: bool
) -> None:
    """It was left out and moved to the trash, and before that was noted the end came: the user seemed to delete it."""
    device, disk = play.second, play.disks[1]
    folder = next(node.id for path, node in play.stage.past.view(device.machine.actor).items() if path == ("c",))

    def is_in_trash() -> bool:
        return ("c", "f") not in live_files(disk)

    def hang(_: Iterable[Path]) -> None:
        if is_in_trash():
            play.stage.scheduler.sleep(30)

    with patch.object(disk, "sync_folders", hang):
        device.tell(replace(device.machine.settings, excluded=[folder]))
        play.wait(3)
        assert is_in_trash()
        if is_running:
            device.tell(replace(device.machine.settings, excluded=[]))
            play.wait(1)
        device.kill()
    device.machine.settings = replace(device.machine.settings, excluded=[])
    device.start()
    play.settle()

    assert play.contents("c", "f") == {b"<1>"}


def test_an_empty_folder_that_a_kill_left_unnoted_comes_back_when_it_is_taken_in_again(play: Play) -> None:
    device, disk = play.second, play.disks[1]
    play.disks[0].user_make_folder(("e",))
    play.settle()
    folder = next(node.id for path, node in play.stage.past.view(device.machine.actor).items() if path == ("e",))
    remove = disk.remove_folder

    def hang(path: Path) -> None:
        remove(path)
        if path == ("e",):
            play.stage.scheduler.sleep(30)

    with patch.object(disk, "remove_folder", hang):
        device.tell(replace(device.machine.settings, excluded=[folder]))
        play.wait(3)
        assert disk.look(("e",)) is None
        device.kill()
    device.machine.settings = replace(device.machine.settings, excluded=[])
    device.start()
    play.settle()

    assert [disk.look(("e",)) is not None for disk in play.disks] == [True, True]
