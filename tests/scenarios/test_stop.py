"""The server is told to stop while people are at work."""

import json
import socket
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.device import Device
from tests.server import RunningServer


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RunningServer]:
    """A server that has just started on an empty data folder."""
    running = RunningServer(tmp_path / "data").start()
    yield running
    running.close()


def token_of(device: Device) -> str:
    """Return the token that a login left in a device's state."""
    return str(json.loads((device.home / "login.json").read_text("utf-8"))["token"])


def test_a_stop_in_the_middle_of_an_upload_ends_in_time_and_leaves_a_clean_folder(
    server: RunningServer, tmp_path: Path
) -> None:
    device = Device(tmp_path / "home").login(server)
    head = (
        f"PUT /api/v1/files/content?path=/f HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token_of(device)}\r\n"
        "Content-Length: 1000000\r\nExpect: 100-continue\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as line:
        line.sendall(head.encode())
        assert line.recv(100).startswith(b"HTTP/1.1 100")
        line.sendall(bytes(300_000))

        server.stop()  # holds that it ends by itself, in time and with 0

    assert (server.data / "guard" / "clean-stop").exists()
    with closing(sqlite3.connect(server.data / "metadata.db")) as database:
        assert database.execute("SELECT count(*), sum(reserved) FROM uploads").fetchone()[0] == 0
        assert database.execute("SELECT sum(reserved) FROM spaces").fetchone()[0] == 0
    server.start()
    assert device.ok("ls", "/").out == b""
