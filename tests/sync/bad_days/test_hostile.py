"""A server that is no friend: it never ends, and writes to terminals. Each through the real command."""

import hashlib
import json
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from client.home import Home, Login
from tests.client.peer import Asked, Told, running
from tests.device import Device

ESCAPE = "\x1b]0;owned\x07\x1b[31m"
HOME = {"file_id": "home", "name": "", "path": "/", "kind": "folder", "size": 0, "mtime_ms": None, "seq": 1}
CONTENT = b"hello" * 100_000
FILE = {
    "file_id": "f1",
    "name": "a.txt",
    "path": "/a.txt",
    "kind": "file",
    "size": len(CONTENT),
    "mtime_ms": 1,
    "seq": 2,
    "version_id": "v1",
    "parent_id": "home",
    "sha256": hashlib.sha256(CONTENT).hexdigest(),
}
Answer = Callable[[Asked], Told | None]


def told(value: object, status: int = 200) -> Told:
    return Told(status, json.dumps(value).encode(), {"Content-Type": "application/json"})


def page(*files: dict[str, Any]) -> Told:
    changes = [{"seq": each["seq"], "type": "upsert", "file": each} for each in files]
    return told({"changes": changes, "cursor": "c1", "seq": 10, "has_more": False, "server_time_ms": 1})


def server(answer: Answer) -> Callable[[Asked], Told]:
    """Return what answers as a server with one file; `answer` goes first, where it says something."""

    def whole(asked: Asked) -> Told:
        path = asked.path.partition("?")[0]
        first = answer(asked)
        if first is not None:
            return first
        if path == "/api/v1/files":
            return told(HOME)
        if path == "/api/v1/devices":
            return told({"items": [], "next": None})
        if path == "/api/v1/sync":
            if "cursor=" in asked.path:
                time.sleep(0.2)  # so that no test waits for a back-off
                return page()
            return page(HOME, FILE)
        return told({"code": "not_found", "title": "no"}, 404)

    return whole


@contextmanager
def syncing(base: Path, url: str, *options: str) -> "Iterator[subprocess.Popen[bytes]]":
    """Run `cairn sync` against a server."""
    (base / "root").mkdir()
    Home(base / "home").keep_login(Login(url, "ada", "d1", "secret"))
    process = Device(base / "home").begin("sync", base / "root", *options, stderr=subprocess.PIPE)
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        for stream in (process.stdout, process.stderr):
            if stream is not None:
                stream.close()


@pytest.mark.parametrize("options", [(), ("--once",)], ids=["stays", "once"])
def test_it_stops_within_seconds_though_the_server_never_ends_an_answer(
    tmp_path: Path, options: tuple[str, ...]
) -> None:
    begun, over = threading.Event(), threading.Event()

    def hang(asked: Asked) -> Told | None:
        if "/content" not in asked.path and "/download" not in asked.path:
            return None
        begun.set()
        over.wait(120)
        return Told(lost=True)

    with running(server(hang)) as peer, syncing(tmp_path, peer.url, *options) as process:
        assert begun.wait(90), peer.asked
        began_s = time.monotonic()
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=90)
        took_s = time.monotonic() - began_s
        over.set()

    assert took_s < 30  # 3 s of grace, and a slow machine; the answer would be waited for for 120 s
    assert process.returncode == (1 if options else 0)
    if options:
        assert b"stopped before both sides agreed" in err.lower()
        assert b"are in step" not in out


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(Told(307, b"", {"Location": f"http://evil/{ESCAPE}"}), id="redirect"),
        *(
            pytest.param(told({"code": "no", "title": "t", "detail": f"evil {ESCAPE}"}, status), id=str(status))
            for status in (401, 403, 409, 500)
        ),
    ],
)
def test_nothing_of_a_server_steers_the_terminal(tmp_path: Path, answer: Told) -> None:
    with running(lambda _: answer) as peer:
        Home(tmp_path / "home").keep_login(Login(peer.url, "ada", "d1", "secret"))
        result = Device(tmp_path / "home").run("ls", "/")

    assert result.code != 0
    assert "\\x1b]0;owned" in result.err
    assert "\x1b" not in result.err


def test_nothing_that_the_engine_logs_steers_the_terminal(tmp_path: Path) -> None:
    reset = told({"code": "cursor_reset", "title": "t", "detail": f"evil {ESCAPE}"}, 410)
    with (
        running(server(lambda asked: reset if "/sync?" in asked.path else None)) as peer,
        syncing(tmp_path, peer.url, "--once") as process,
    ):
        _, err = process.communicate(timeout=90)

    assert process.returncode == 5
    assert b"begins anew" in err
    assert b"\x1b" not in err
