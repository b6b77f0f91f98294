"""Shared folders by command, against a real server."""

from pathlib import Path

import pytest

from tests.device import Device
from tests.server import PASSWORD, RunningServer


@pytest.fixture
def grace(device: Device, server: RunningServer, tmp_path: Path) -> Device:
    """The device of somebody to share with, who has nothing yet."""
    device.ok("user", "add", "grace", "--password-stdin", "--data", server.data, stdin=f"{PASSWORD}\n")
    return Device(tmp_path / "home of grace").login(server, "grace")


def test_a_folder_is_shared_listed_handed_over_and_left(device: Device, grace: Device, tmp_path: Path) -> None:
    (tmp_path / "to-put").write_bytes(b"some text")
    device.ok("put", tmp_path / "to-put", "/Plans/f")

    said = device.ok("share", "/Plans", "grace", "--role", "viewer").out.decode()

    assert said == "grace is viewer of /Plans.\n"
    assert grace.ok("cat", "/Plans/f").out == b"some text"
    assert grace.run("rm", "/Plans/f").code == 3
    assert device.ok("share", "/Plans", "grace", "--json").json == {"username": "grace", "role": "viewer"}
    device.ok("share", "/Plans", "grace", "--role", "editor")
    listed = grace.ok("share", "list", "/Plans", "--json").json
    assert [member["role"] for member in listed] == ["owner", "editor"]
    assert grace.run("share", "transfer", "/Plans", "grace").code == 3
    device.ok("share", "transfer", "/Plans", "grace")
    assert grace.run("share", "leave", "/Plans").code == 4
    device.ok("share", "leave", "/Plans")
    assert device.run("ls", "/Plans").code == 1
    assert grace.ok("share", "list", "/Plans").out == b"owner   grace\n"


def test_one_who_is_removed_sees_nothing(device: Device, grace: Device) -> None:
    device.ok("mkdir", "/Plans")
    device.ok("share", "/Plans", "grace")

    device.ok("share", "remove", "/Plans", "grace")

    assert grace.run("ls", "/Plans").code == 1
    assert device.run("share", "remove", "/Plans", "grace").code == 1
    assert device.run("share", "/Plans").code == 2
    assert device.run("share", "list", "/Plans", "--role", "viewer").code == 2
