"""The way between commands and a running daemon, over real sockets."""

import contextlib
import os
import socket
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from client.errors import ClientError
from client.sync.device import control
from client.sync.device.control import NAME, Control, Reply, Request, ask
from client.sync.known import Held
from client.sync.status import Status, Trouble

DIES = """
import os, sys
from pathlib import Path
from client.sync.device.control import Control, Reply
Control(Path(sys.argv[1]), lambda request: Reply(), through_proc=False)
os._exit(9)
"""
"""A process that ends as by a kill -9."""


def answer(request: Request) -> Reply:
    if request.do == "fail":
        raise RuntimeError("no such luck")
    return Reply(message=f"{request.do} {request.path} {request.how}".strip())


def nobody() -> bool:
    return False


def somebody() -> bool:
    return True


@pytest.fixture(params=[10, 180], ids=["short path", "long path"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    length: int = request.param
    place = tmp_path / ("x" * length)
    place.mkdir(mode=0o700)
    return place


@pytest.fixture(params=[True, False], ids=["through proc", "through a link"])
def listening(request: pytest.FixtureRequest, folder: Path) -> Iterator[Path]:
    with Control(folder, answer, through_proc=bool(request.param)):
        yield folder


def test_a_request_is_answered_and_those_after_it(listening: Path) -> None:
    for do in ("status", "reload", "resolve"):
        assert ask(listening, Request(do, path="a/b c", how="mine"), somebody) == Reply(message=f"{do} a/b c mine")


def test_what_is_left_behind_is_nothing(folder: Path) -> None:
    with Control(folder, answer, through_proc=False):
        link = folder / NAME
        short = link.readlink().parent if link.is_symlink() else None
        assert stat.S_IMODE(link.stat().st_mode) == 0o600

    assert list(folder.iterdir()) == []
    assert short is None or not short.exists()


def test_no_daemon_is_told_by_none_and_what_a_dead_one_left_is_replaced(folder: Path) -> None:
    assert ask(folder, Request("status"), nobody) is None
    subprocess.run([sys.executable, "-c", DIES, folder], check=False)
    assert os.path.lexists(folder / NAME)

    assert ask(folder, Request("status"), nobody) is None
    with Control(folder, answer, through_proc=False):
        assert ask(folder, Request("reload"), nobody) == Reply(message="reload")


def test_a_daemon_that_has_its_lock_and_not_yet_its_socket_is_waited_for(folder: Path) -> None:
    asked = threading.Event()

    def is_held() -> bool:
        asked.set()
        return True

    replies: list[Reply | None] = []
    thread = threading.Thread(target=lambda: replies.append(ask(folder, Request("status"), is_held)))
    thread.start()
    asked.wait()
    with Control(folder, answer):
        thread.join()

    assert replies == [Reply(message="status")]


def test_a_daemon_that_has_its_lock_and_no_socket_is_told_after_a_time(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(control, "WAIT_S", 0.1)

    with pytest.raises(ClientError, match="does not answer"):
        ask(folder, Request("status"), somebody)


def test_a_fault_in_the_answer_ends_neither_the_thread_nor_the_daemon(listening: Path) -> None:
    failed = ask(listening, Request("fail"), somebody)

    assert failed == Reply(done=False, message="no such luck")
    assert ask(listening, Request("status"), somebody) == Reply(message="status")


@pytest.mark.parametrize("content", [b"", b"\n", b"no json\n", b'{"do": 5}\n', b'{"do": "st'])
def test_what_is_no_request_is_refused_and_the_next_is_answered(tmp_path: Path, content: bytes) -> None:
    with Control(tmp_path, answer):
        with socket.socket(socket.AF_UNIX) as peer:
            peer.connect(f"{tmp_path}/{NAME}")
            peer.sendall(content)
            peer.shutdown(socket.SHUT_WR)
            assert b'"done":false' in peer.makefile("rb").read()

        assert ask(tmp_path, Request("status"), somebody) == Reply(message="status")


def test_a_peer_that_says_nothing_or_too_much_holds_up_the_next_only_so_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(control, "WAIT_S", 0.3)
    monkeypatch.setattr(control, "MOST_BYTES", 1000)
    with Control(tmp_path, answer), socket.socket(socket.AF_UNIX) as silent, socket.socket(socket.AF_UNIX) as endless:
        silent.connect(f"{tmp_path}/{NAME}")
        endless.connect(f"{tmp_path}/{NAME}")
        endless.sendall(b"x" * 100_000)

        assert ask(tmp_path, Request("status"), somebody) == Reply(message="status")


def test_a_peer_that_never_comes_to_an_end_holds_up_the_next_only_so_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(control, "WAIT_S", 0.3)
    answered = threading.Event()

    def drip(peer: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while not answered.wait(0.02):
                peer.send(b"x")

    with Control(tmp_path, answer), socket.socket(socket.AF_UNIX) as slow:
        slow.connect(f"{tmp_path}/{NAME}")
        dripping = threading.Thread(target=drip, args=(slow,))
        dripping.start()
        try:
            assert ask(tmp_path, Request("status"), somebody) == Reply(message="status")
        finally:
            answered.set()
            dripping.join()


def test_a_status_comes_over_whole_with_names_that_are_no_text(tmp_path: Path) -> None:
    status = Status(
        root="/r",
        remote="/",
        server="http://s",
        state="blocked",
        since_ms=1,
        problems=[Trouble(os.fsdecode(b"a\xff"), "name", "its name is not valid UTF-8; rename it", 5)],
        held=[Held("held_deletes", "there", 600, 1000, ["a", "b"])],
    )
    with Control(tmp_path, lambda _: Reply(status=status)):
        reply = ask(tmp_path, Request("status"), somebody)

    assert reply is not None
    assert reply.status is not None
    assert reply.status.problems[0].path == "a\\udcff"
    assert reply.status.held == status.held


def test_a_link_to_a_folder_that_others_may_enter_is_not_followed(tmp_path: Path) -> None:
    folder = tmp_path / ("x" * 180)
    folder.mkdir()
    with Control(folder, answer, through_proc=False):
        short = (folder / NAME).readlink().parent
        short.chmod(0o755)

        assert ask(folder, Request("status"), nobody) is None
        short.chmod(0o700)


def test_a_daemon_that_ends_while_it_is_asked_counts_as_none(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as dying:
        dying.bind(f"{tmp_path}/{NAME}")
        dying.listen()
        replies: list[Reply | None] = []
        asker = threading.Thread(target=lambda: replies.append(ask(tmp_path, Request("status"), nobody)))
        asker.start()
        dying.accept()[0].close()
        asker.join()

    assert replies == [None]


def test_closing_waits_for_the_answer_under_way(tmp_path: Path) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def slow(_: Request) -> Reply:
        begun.set()
        go_on.wait()
        return Reply(message="late")

    replies: list[Reply | None] = []
    listening = Control(tmp_path, slow)
    asker = threading.Thread(target=lambda: replies.append(ask(tmp_path, Request("status"), somebody)))
    asker.start()
    begun.wait()
    closer = threading.Thread(target=listening.close)
    closer.start()
    go_on.set()
    for thread in (asker, closer):
        thread.join()

    assert replies == [Reply(message="late")]


def test_clients_that_say_nothing_hold_up_nobody(listening: Path) -> None:
    with contextlib.ExitStack() as stack:
        for _ in range(5):
            silent = stack.enter_context(socket.socket(socket.AF_UNIX))
            with control._place(listening / NAME, through_proc=True, there=True) as place:  # noqa: SLF001 -- as ask does
                silent.connect(place)
        began_s = time.monotonic()
        assert ask(listening, Request("status"), somebody) is not None
        assert time.monotonic() - began_s < control.WAIT_S / 2
