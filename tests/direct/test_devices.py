"""Devices that send and fetch large chunks at the object server, and not through ours."""

import json
from pathlib import Path

from tests.device import Device
from tests.direct.conftest import World
from tests.storage.makers import noise
from tests.storage.servers import KEY, SECRET

MIB = 2**20
LITTLE = 256 * 1024  # what calls in JSON weigh, with the signed URLs in them


def test_no_byte_of_a_large_file_passes_the_server(both: World, device: Device, tmp_path: Path) -> None:
    content = noise(1, 20 * MIB)
    (tmp_path / "large").write_bytes(content)
    before = both.relay.passed

    device.ok("put", tmp_path / "large", "/large")
    device.ok("get", "/large", tmp_path / "again")

    assert both.relay.passed - before < LITTLE
    assert (tmp_path / "again").read_bytes() == content
    assert both.lying("incoming/") == []
    assert device.ok("cat", "/large").out == content


def test_folders_in_step_go_past_the_server_too(both: World, tmp_path: Path) -> None:
    here, there = both.device(tmp_path / "one"), both.device(tmp_path / "two")
    (tmp_path / "here").mkdir()
    content = noise(2, 20 * MIB)
    (tmp_path / "here" / "large").write_bytes(content)
    (tmp_path / "there").mkdir()
    here.ok("mkdir", "/step")
    before = both.relay.passed

    here.ok("sync", tmp_path / "here", "--remote", "/step", "--once")
    there.ok("sync", tmp_path / "there", "--remote", "/step", "--once")

    assert both.relay.passed - before < LITTLE
    assert (tmp_path / "there" / "large").read_bytes() == content


def test_what_a_command_and_the_log_tell(both: World, device: Device, tmp_path: Path) -> None:
    (tmp_path / "large").write_bytes(noise(3, 2 * MIB))
    device.ok("put", tmp_path / "large", "/told")

    told = device.ok("store", "status", "--data", both.server.data)

    assert "Clients send and fetch large chunks at the object server themselves." in told.out.decode()
    assert json.loads(device.ok("store", "status", "--json", "--data", both.server.data).out)["direct"] == ""
    log = both.server.log.read_text()
    assert SECRET not in log
    assert KEY not in log
    assert "X-Amz-Signature" not in log
