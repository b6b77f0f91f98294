"""`cairn sync` from nothing: the real command, the real engine, a real server."""

from pathlib import Path

import pytest

from client.sync.device.roots import Roots
from tests.device import Device
from tests.server import RunningServer


@pytest.fixture
def device(home: Path, server: RunningServer) -> Device:
    """A device that is logged in at the server."""
    return Device(home).login(server)


def test_a_first_sync_makes_the_folder_there_and_joins_both_sides(
    device: Device, roots: Roots, server: RunningServer, tmp_path: Path
) -> None:
    here, top = tmp_path / "here", f"/{tmp_path.name}"
    (here / "deep").mkdir(parents=True)
    (here / "deep" / "a.txt").write_bytes(b"from here")

    first = device.ok("sync", here, "--remote", f"{top}/below", "--once")
    (tmp_path / "b.txt").write_bytes(b"from there")
    device.ok("put", tmp_path / "b.txt", f"{top}/below/b.txt")
    second = device.ok("sync", here, "--once", "--json")
    third = device.ok("sync", "--once", "--quiet")

    assert ", a new folder, are now kept in step" in first.err
    assert "nothing is deleted by this" in first.err
    assert device.ok("cat", f"{top}/below/deep/a.txt").out == b"from here"
    assert (here / "b.txt").read_bytes() == b"from there"
    assert second.json["last_sync_ms"] is not None
    assert (second.json["not_safe_files"], second.json["pending"]["fetch"]) == (0, 0)
    assert (second.json["held"], second.json["blocked"], second.json["unknown"]) == ([], [], [])
    assert (third.out, third.err) == (b"", "")
    (root,) = roots.list()
    assert (root.settings.remote, root.settings.username) == (f"{top}/below", "ada")
    assert device.ok("status", "--json").json["state"] == "stopped"
