"""cairn events against a real server."""

import json
import signal
import subprocess
from pathlib import Path

from tests.device import Device
from tests.server import RunningServer


def begin(device: Device, *options: str) -> "subprocess.Popen[bytes]":
    """Begin to listen, and return once the server was asked where its feed ends."""
    command = device.begin("events", *options)
    assert command.stderr is not None
    assert b"Waiting for changes" in command.stderr.readline()
    return command


def next_line(command: "subprocess.Popen[bytes]") -> str:
    assert command.stdout is not None
    return command.stdout.readline().decode().rstrip("\n")


def end(command: "subprocess.Popen[bytes]") -> int:
    command.send_signal(signal.SIGINT)
    command.communicate(timeout=30)
    return command.returncode


def test_events_prints_what_changes_as_it_changes(device: Device) -> None:
    device.ok("mkdir", "/before")
    command = begin(device)

    device.ok("mkdir", "/new")
    first = next_line(command)
    device.ok("mv", "/new", "/old")
    second = next_line(command)

    assert (first, second) == ("changed  /new/", "changed  /old/")
    assert end(command) == 0


def test_events_as_json_is_a_change_a_line(device: Device, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"content")
    command = begin(device, "--json")

    device.ok("put", tmp_path / "file", "/file")

    change = json.loads(next_line(command))
    assert (change["type"], change["file"]["path"], change["file"]["size"]) == ("upsert", "/file", 7)
    assert end(command) == 0


def test_events_go_on_when_the_server_comes_back(device: Device, server: RunningServer) -> None:
    command = begin(device)
    server.stop()
    server.start()

    device.ok("mkdir", "/new")

    assert next_line(command) == "changed  /new/"
    assert end(command) == 0


def test_events_go_on_behind_a_server_that_was_put_back(device: Device, server: RunningServer, tmp_path: Path) -> None:
    server.stop()
    copy = (server.data / "metadata.db").read_bytes()
    server.start()
    device.ok("mkdir", "/lost")
    command = begin(device)
    server.stop()
    (server.data / "metadata.db").write_bytes(copy)
    server.start()
    assert command.stderr is not None
    assert b"put back" in command.stderr.readline()

    device.ok("mkdir", "/new")

    assert next_line(command) == "changed  /new/"
    assert end(command) == 0
