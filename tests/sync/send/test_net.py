"""The real server through the seam: it has all calls, ends soon where that is wanted, and never repeats a change."""

import threading
import time
from collections.abc import Callable

import pytest

from client.errors import StoppedError, UnreachableError
from client.protocol import ChangeRequest
from client.remote import Remote
from client.sync.seams.net import Net
from tests.client.peer import Told, running
from tests.server import RunningServer, free_port
from tests.sync.send.conftest import Device, Make


def test_the_remote_is_a_net(device: Device) -> None:
    net: Net = device.net

    assert net.find_by_id(device.home.file_id) == device.home


def test_the_first_page_needs_no_cursor_and_shows_what_may_be_done(device: Device) -> None:
    page = device.net.sync(None, wait_s=0)

    (home,) = [change.file for change in page.changes if change.file.file_id == device.home.file_id]
    assert "write" in home.permissions


def test_a_child_is_found_by_its_name_alone(device: Device) -> None:
    made = device.net.make_child(device.home.file_id, "Grüße & 100%?")

    assert device.net.find_child(device.home.file_id, "Grüße & 100%?") == made
    assert device.net.find_child(device.home.file_id, "none") is None
    assert device.net.find_child(made.file_id, "Grüße & 100%?") is None
    device.net.delete_node(made.file_id)
    assert device.net.find_child(device.home.file_id, "Grüße & 100%?") is None
    assert device.net.find_by_id(made.file_id) is None


@pytest.mark.parametrize("end", [Remote.end_polls, Remote.stop, Remote.abort])
def test_a_long_poll_ends_at_once(
    end: Callable[[Remote], None], device: Device, server: RunningServer, connect: Make
) -> None:
    net = connect(server.url)
    cursor = net.newest_cursor()
    ended: list[BaseException] = []

    def poll() -> None:
        try:
            net.sync(cursor, wait_s=50)
        except StoppedError as error:
            ended.append(error)

    began_s = time.monotonic()
    thread = threading.Thread(target=poll)
    thread.start()
    while thread.is_alive():  # it may not have begun to wait yet
        end(net)
        thread.join(0.05)

    assert len(ended) == 1
    assert time.monotonic() - began_s < 40


def test_ending_polls_leaves_the_next_calls_alone(device: Device, server: RunningServer, connect: Make) -> None:
    net = connect(server.url)
    net.end_polls()

    assert net.sync(net.newest_cursor(), wait_s=0).changes == []
    net.stop()
    with pytest.raises(StoppedError):
        net.newest_cursor()


def test_an_abort_breaks_off_what_is_under_way(connect: Make) -> None:
    came, go_on = threading.Event(), threading.Event()

    def hang(_: object) -> Told:
        came.set()
        go_on.wait(30)
        return Told()

    with running(hang) as peer:
        net = connect(peer.url)

        def abort() -> None:
            came.wait(30)
            net.abort()

        thread = threading.Thread(target=abort)
        thread.start()
        with pytest.raises(StoppedError):
            net.get_upload("u1")
        thread.join()
        go_on.set()


def test_a_change_is_not_repeated_on_a_connection_that_broke(connect: Make) -> None:
    answers = iter([Told(body=b'{"changes": [], "cursor": "c", "seq": 1, "has_more": false, "server_time_ms": 0}')])
    with running(lambda _: next(answers, Told(lost=True))) as peer:
        net = connect(peer.url, 5.0)
        net.sync(None, wait_s=0)  # so that a connection is kept
        with pytest.raises(UnreachableError) as caught:
            net.patch("f1", ChangeRequest(name="b"))

    assert caught.value.sent
    assert [asked.method for asked in peer.asked] == ["GET", "PATCH"]


def test_what_could_not_be_sent_is_known_as_such_and_soon(connect: Make) -> None:
    net = connect(f"http://127.0.0.1:{free_port()}", 0.2)
    began_s = time.monotonic()

    with pytest.raises(UnreachableError) as caught:
        net.make_child("root", "a")

    assert not caught.value.sent
    assert time.monotonic() - began_s < 20
