"""The command line without a server: usage, help, and what is said when nobody answers."""

import subprocess
import sys
from pathlib import Path
from subprocess import PIPE

import pytest

from client.cli.main import COMMANDS, SERVER_COMMANDS
from client.home import Home, Login
from tests.client.peer import Told, running
from tests.device import Device
from tests.server import free_port


@pytest.fixture
def device(tmp_path: Path) -> Device:
    return Device(tmp_path / "home")


def test_help_lists_every_command(device: Device) -> None:
    listed = device.ok("--help").out.decode()

    assert all(f"\n  {name} " in listed for name in (*COMMANDS, *SERVER_COMMANDS))


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_explains_itself(device: Device, command: str) -> None:
    assert device.ok(command, "--help").out.decode().startswith(f"usage: cairn {command} ")


def test_version_is_told(device: Device) -> None:
    assert device.ok("--version").out.decode().startswith("cairn 0.")


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("fetch",),
        ("ls", "--no-such-option"),
        ("put", "only-one"),
        ("login", "http://127.0.0.1"),
        ("login", "no-url", "--user", "ada", "--password-stdin"),
        ("login", "http://127.0.0.1:1", "--user", "ada"),
    ],
)
def test_wrong_use_ends_with_2(device: Device, arguments: tuple[str, ...]) -> None:
    assert device.run(*arguments).code == 2


def test_an_output_that_takes_nothing_ends_with_1_and_one_sentence() -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run([sys.executable, "-m", "client", "--help"], stdout=full, stderr=PIPE, check=False)

    assert done.returncode == 1
    assert done.stderr.decode() == "cairn: The output cannot be used: No space left on device.\n"


def test_state_that_cannot_be_kept_ends_with_1_and_one_sentence(device: Device) -> None:
    (device.home / "uploads" / "folder.json").mkdir(parents=True)
    with running(lambda _: Told(404, b'{"code": "not_found"}')) as peer:
        Home(device.home).keep_login(Login(peer.url, "ada", "d1", "token"))

        result = device.run("put", "/dev/null", "/x")

    assert result.code == 1
    assert result.err == f"cairn: {device.home}/uploads/folder.json cannot be used: Is a directory.\n"


def test_a_usage_error_is_one_sentence_and_says_where_to_look(device: Device) -> None:
    result = device.run("put", "only-one")

    assert result.err.startswith("cairn put: ")
    assert result.err.endswith("`cairn put --help` explains it.\n")
    assert result.err.count("\n") == 1


@pytest.mark.parametrize(
    "command", [("ls",), ("cat", "/a"), ("mkdir", "/a"), ("mv", "/a", "/b"), ("events",), ("logout",)]
)
def test_without_a_login_it_ends_with_3_and_says_what_to_do(device: Device, command: tuple[str, ...]) -> None:
    result = device.run(*command)

    assert result.code == 3
    assert result.err == "cairn: This device is not logged in: run `cairn login URL --user NAME`.\n"


def test_a_server_that_does_not_answer_ends_with_5(device: Device) -> None:
    Home(device.home).keep_login(Login(f"http://127.0.0.1:{free_port()}", "ada", "d1", "token"))

    result = device.run("ls")

    assert result.code == 5
    assert result.err.startswith("cairn: No answer from http://127.0.0.1:")
    assert result.err.endswith(" (Connection refused): is the server running, and is the address right?\n")
    assert result.err.count("\n") == 1


def test_a_folder_needs_r_to_be_sent(device: Device, tmp_path: Path) -> None:
    result = device.run("put", tmp_path, "/x")

    assert (result.code, result.err) == (2, f"cairn: {tmp_path} is a folder: `cairn put -r` sends it.\n")
