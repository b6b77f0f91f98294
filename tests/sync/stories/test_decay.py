"""Stories of disks that lose bytes under files to which nobody wrote: the deep check, a month later."""

from collections.abc import Iterator

import pytest
from msgspec.structs import replace

from client.sync.loop.deep import EVERY_MS, SLICE
from client.sync.model import Path
from client.sync.seams.files import Trouble
from tests.sim.device import SimDevice
from tests.sim.disks import entries, live_files
from tests.sim.fs import SimFs
from tests.sim.net import Sent
from tests.sim.play import Play, play_of
from tests.sim.weather import Weather

CHECK_S = 900.0  # a look whether it is due, and all that is read in these stories
DAYS_MS = 5 * 24 * 3600 * 1000
FILE = ("a",)


@pytest.fixture
def play() -> Iterator[Play]:
    """Two devices in step, with two files."""
    with play_of(Weather()) as play:
        play.one.put(FILE, b"<1>")
        play.one.put(("b",), b"<2>")
        play.settle()
        play.wait(CHECK_S)
        yield play


def rot(disk: SimFs, path: Path, content: bytes = b"rot") -> None:
    """Let a file have another content, and be as it was to all who look at it."""
    inode = disk.get(path)
    assert len(inode.data) == len(content)
    inode.data[:] = content
    inode.durable = (content, *inode.durable[1:])


def pass_a_month(play: Play, device: SimDevice) -> None:
    """Let the time of a check come, and the check."""
    device.machine.clock.offset_ms += EVERY_MS
    play.wait(CHECK_S)


def decayed(device: SimDevice) -> list[str]:
    """Return what is told of, which keeps a run from ending well."""
    engine = device.engine
    assert engine is not None
    found = [each for each in engine.problems() if each.code == "decayed"]
    assert not any(engine.is_note(each) for each in found)
    return [each.path for each in found]


def fetch(play: Play, device: SimDevice) -> None:
    """Ask for what the server has, as `cairn damaged fetch` does."""
    device.tell(replace(device.machine.settings, fetch_decayed=True))
    play.wait(60)


def uploads_of(play: Play, device: SimDevice) -> list[Sent]:
    """Return what a device sends from now on of what files hold, as it is sent."""
    sent: list[Sent] = []
    hear = play.stage.network.after

    def listen(each: Sent) -> None:
        if each.device == device.name and "/uploadRequest" in each.target:
            sent.append(each)
        hear(each)

    play.stage.network.after = listen
    return sent


def test_bytes_that_rot_are_told_and_not_sent_and_the_servers_come_when_they_are_asked_for(play: Play) -> None:
    sent = uploads_of(play, play.first)
    rot(play.disks[0], FILE)

    pass_a_month(play, play.first)

    assert decayed(play.first) == ["a"]
    assert play.first.is_quiet
    assert live_files(play.disks[0])[FILE] == b"rot"
    assert live_files(play.disks[1])[FILE] == b"<1>"

    fetch(play, play.first)
    play.settle()

    assert play.contents("a") == {b"<1>"}
    assert decayed(play.first) == []
    assert not play.first.machine.settings.fetch_decayed
    assert sent == []
    assert set(entries(play.disks[0])) == {FILE, ("b",)}


def test_what_was_found_is_told_by_the_next_run_as_well_and_can_be_fetched_then(play: Play) -> None:
    rot(play.disks[0], FILE)
    pass_a_month(play, play.first)

    play.first.kill()
    play.first.start()
    play.wait(60)
    found = decayed(play.first)
    fetch(play, play.first)
    play.settle()

    assert (found, play.contents("a")) == (["a"], {b"<1>"})


def test_nothing_is_read_before_a_month_has_passed_and_all_of_it_then(play: Play) -> None:
    rot(play.disks[0], FILE)
    play.first.machine.clock.offset_ms += EVERY_MS - DAYS_MS
    play.wait(CHECK_S)
    before = decayed(play.first)

    play.first.machine.clock.offset_ms += DAYS_MS
    play.wait(CHECK_S)

    assert (before, decayed(play.first)) == ([], ["a"])


def test_an_edit_that_comes_while_the_check_is_due_is_an_edit(play: Play) -> None:
    rot(play.disks[0], FILE)
    play.first.machine.clock.offset_ms += EVERY_MS

    play.one.put(FILE, b"<3>")
    play.wait(CHECK_S)
    play.settle()

    assert decayed(play.first) == []
    assert play.contents("a") == {b"<3>"}


def test_a_write_to_a_file_that_had_rotted_is_sent(play: Play) -> None:
    rot(play.disks[0], FILE)
    pass_a_month(play, play.first)

    play.one.put(FILE, b"<3>")
    play.settle()

    assert decayed(play.first) == []
    assert play.contents("a") == {b"<3>"}


def test_a_person_who_says_that_the_bytes_are_right_by_a_new_time_sends_them(play: Play) -> None:
    rot(play.disks[0], FILE)
    pass_a_month(play, play.first)

    play.disks[0].user_touch(FILE, play.disks[0].now_ns())
    play.wait(60)

    assert decayed(play.first) == []
    assert play.contents("a") == {b"rot"}


@pytest.mark.parametrize("restarts", [False, True])
def test_a_rename_or_other_rights_do_not_let_rotten_bytes_be_sent(play: Play, *, restarts: bool) -> None:
    """Both give a file another ctime, so that it counts as unread, and was then an edit."""
    sent = uploads_of(play, play.first)
    for path in (FILE, ("b",)):
        rot(play.disks[0], path)
    pass_a_month(play, play.first)

    if restarts:
        play.first.kill()
    play.one.move(FILE, ("c",))
    play.disks[0].user_chmod(("b",), executable=True)
    if restarts:
        play.first.start()
    play.wait(CHECK_S)

    assert sorted(decayed(play.first)) == ["b", "c"]
    assert sent == []
    assert live_files(play.disks[1]) == {("b",): b"<2>", ("c",): b"<1>"}
    fetch(play, play.first)
    play.settle()
    assert live_files(play.disks[0]) == {("b",): b"<2>", ("c",): b"<1>"}


def test_a_newer_version_takes_the_place_of_rotten_bytes_and_keeps_no_copy_of_them(play: Play) -> None:
    sent = uploads_of(play, play.first)
    rot(play.disks[0], FILE)
    pass_a_month(play, play.first)

    play.two.put(FILE, b"<3>")
    play.wait(CHECK_S)
    play.settle()

    assert decayed(play.first) == []
    assert play.contents("a") == {b"<3>"}
    assert sent == []
    assert set(entries(play.disks[0])) == {FILE, ("b",)}


def test_a_check_goes_on_where_it_was_when_its_process_was_stopped(play: Play) -> None:
    for number in range(3, 40):
        play.one.put((f"f{number}",), b"<%02d>" % number)
    play.settle()
    play.first.machine.clock.offset_ms += EVERY_MS
    engine = play.first.engine
    assert engine is not None

    def stands_at() -> int:
        return int(engine.state.meta("deep_check_next") or 0)

    for _ in range(2000):
        play.wait(1)
        if stands_at() > 1:
            break
    engine.stop()
    play.wait(120)
    assert not play.first.is_running
    rot(play.disks[0], FILE)
    rot(play.disks[0], ("f39",), b"rott")

    play.first.start()
    play.wait(CHECK_S)

    assert decayed(play.first) == ["f39"]


def test_a_large_file_is_read_in_slices_and_only_its_damaged_chunks_are_fetched(play: Play) -> None:
    content = bytes(range(256)) * (2 * SLICE // 256) + b"<3>"
    play.one.put(("large",), content)
    play.settle()
    rot(play.disks[0], ("large",), content[:-1] + b"!")

    pass_a_month(play, play.first)
    found = decayed(play.first)
    fetch(play, play.first)
    play.settle()

    assert found == ["large"]
    assert play.contents("large") == {content}


def test_a_file_that_the_disk_reads_no_more_is_told_and_comes_from_the_server(play: Play) -> None:
    play.disks[0].denied[FILE] = Trouble.DAMAGED
    pass_a_month(play, play.first)
    found = decayed(play.first)
    del play.disks[0].denied[FILE]

    fetch(play, play.first)
    play.wait(CHECK_S)

    assert (found, decayed(play.first)) == (["a"], [])
    assert play.contents("a") == {b"<1>"}


def test_a_file_that_was_damaged_and_is_whole_again_at_the_next_check_is_no_longer_told_of(play: Play) -> None:
    rot(play.disks[0], FILE)
    pass_a_month(play, play.first)
    found = decayed(play.first)
    rot(play.disks[0], FILE, b"<1>")

    pass_a_month(play, play.first)

    assert (found, decayed(play.first)) == (["a"], [])


def test_nothing_is_checked_while_sync_is_paused(play: Play) -> None:
    play.first.tell(replace(play.first.machine.settings, paused=True))
    play.wait(60)
    rot(play.disks[0], FILE)
    pass_a_month(play, play.first)
    before = decayed(play.first)

    play.first.tell(replace(play.first.machine.settings, paused=False))
    play.wait(CHECK_S)

    assert (before, decayed(play.first)) == ([], ["a"])


def test_where_the_disk_has_no_ctime_other_bytes_are_an_edit_of_a_program_that_put_the_time_back(play: Play) -> None:
    inode = play.disks[0].get(FILE)
    inode.ctime_ns = 0
    play.wait(2 * 3600)  # it is looked through, and read once more
    rot(play.disks[0], FILE)

    pass_a_month(play, play.first)
    play.wait(CHECK_S)

    assert decayed(play.first) == []
    assert play.contents("a") == {b"rot"}
