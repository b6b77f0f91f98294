"""Any moment back, by command, against a real server; and times as people write them."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from client.errors import UsageError
from client.moments import parse_time
from tests.device import Device
from tests.server import ADMIN, PASSWORD, RunningServer

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
HOUR = 3600 * 1000
NOW_MS = 1_795_521_600_000


@pytest.mark.parametrize(
    ("text", "time_ms"),
    [
        ("now", NOW_MS),
        ("2h ago", NOW_MS - 2 * HOUR),
        ("90m", NOW_MS - 3 * HOUR // 2),
        ("1.5 hours ago", NOW_MS - 3 * HOUR // 2),
        ("3 days ago", NOW_MS - 72 * HOUR),
        ("2w", NOW_MS - 14 * 24 * HOUR),
        ("2026-11-24T10:00+00:00", NOW_MS - 2 * HOUR),
        ("2026-11-24T10:00:00.250Z", NOW_MS - 2 * HOUR + 250),
    ],
)
def test_a_time_is_written_as_people_do(text: str, time_ms: int) -> None:
    assert parse_time(text, NOW) == time_ms


@pytest.mark.parametrize("text", ["", "yesterday", "2 moons ago", "24.11.2026", "-2h"])
def test_what_is_no_time_is_refused_with_what_is_one(text: str) -> None:
    with pytest.raises(UsageError, match="3 days ago"):
        parse_time(text, NOW)


def put(device: Device, folder: Path, remote: str, content: bytes) -> int:
    """Put a file, and return the time that it has at the server."""
    (folder / "to-put").write_bytes(content)
    device.ok("put", folder / "to-put", remote)
    return int(device.ok("versions", remote, "--json").json[0]["created_ms"])


def iso(time_ms: int) -> str:
    return datetime.fromtimestamp(time_ms / 1000, UTC).isoformat()


def test_rewind_puts_a_folder_back_and_ls_shows_it_as_it_was(device: Device, tmp_path: Path) -> None:
    at = iso(put(device, tmp_path, "/a/f", b"good"))
    put(device, tmp_path, "/a/f", b"bad")
    device.ok("mv", "/a/f", "/a/g")

    assert device.ok("ls", "--at", at, "/a").out == b"f\n"
    plan = device.ok("rewind", "/a", "--to", at, "--dry-run").out.decode()
    assert "move" in plan
    assert "1 would be put back" in plan
    told = device.ok("rewind", "/a", "--to", at, "--json").json

    assert told["result"] == {"changed": 1, "kept": 0, "reason": None}
    assert device.ok("cat", "/a/f").out == b"good"
    assert device.run("rewind", "/a/f", "--to", at).code == 2
    assert device.run("ls", "--at", at, "/no").code == 1


def test_undo_takes_back_what_one_device_did(device: Device, server: RunningServer, tmp_path: Path) -> None:
    start = iso(put(device, tmp_path, "/f", b"good") + 1)
    put(device, tmp_path, "/g", b"good")
    other = Device(tmp_path / "other")
    other.ok("login", server.url, "--user", ADMIN, "--password-stdin", "--device-name", "laptop", stdin=f"{PASSWORD}\n")
    put(other, tmp_path, "/f", b"bad")
    put(other, tmp_path, "/g", b"bad")
    put(device, tmp_path, "/g", b"better")

    out = device.ok("undo", "--device", "laptop", "--from", start).out.decode()

    assert out.splitlines() == ["keep     /g: changed since", "1 put back, 1 left as they are."]
    assert (device.ok("cat", "/f").out, device.ok("cat", "/g").out) == (b"good", b"better")
    assert device.run("undo", "--device", "phone", "--from", start).code == 2
    assert device.run("undo", "--from", start).code == 2
