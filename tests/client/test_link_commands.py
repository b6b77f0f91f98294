"""Links by command, against a real server."""

import json
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tests.device import Device
from tests.server import RunningServer


def fetch(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=30) as reply:  # noqa: S310 - our own server
        body: bytes = reply.read()
        return body


@pytest.fixture
def file(device: Device, tmp_path: Path) -> None:
    """/d/f holds some text."""
    (tmp_path / "to-put").write_bytes(b"some text")
    device.ok("put", tmp_path / "to-put", "/d/f")


@pytest.mark.usefixtures("file")
def test_a_link_is_made_and_opens_until_it_is_paused_or_ended(device: Device) -> None:
    url = device.ok("link", "/d/f").out.decode().strip()
    link_id = device.ok("link", "list", "--json").json[0]["link_id"]
    assert fetch(f"{url}/content") == b"some text"

    device.ok("link", "pause", link_id)
    with pytest.raises(urllib.error.HTTPError, match="404"):
        fetch(f"{url}/content")
    device.ok("link", "resume", link_id)
    assert fetch(f"{url}/content") == b"some text"
    assert device.ok("link", "rm", link_id).out.decode() == f"Ended {link_id}.\n"
    with pytest.raises(urllib.error.HTTPError, match="404"):
        fetch(f"{url}/content")

    assert device.ok("link", "list").out == b""
    assert device.run("link", "rm", link_id).code == 1


@pytest.mark.usefixtures("file")
def test_a_link_has_the_terms_that_the_command_names(device: Device, server: RunningServer) -> None:
    made = device.ok(
        "link", "/d/f", "--password-stdin", "--expires", "7d", "--max", "3", "--json", stdin="marble-otter-lantern-7\n"
    ).json
    drop = device.ok("link", "/d", "--drop", "--json").json

    in_a_week_ms = (time.time() + 7 * 86_400) * 1000
    assert made["url"].startswith(f"{server.url}/s/")
    assert (made["has_password"], made["max_downloads"], made["mode"]) == (True, 3, "view")
    assert abs(made["expires_ms"] - in_a_week_ms) < 120_000
    request = urllib.request.Request(f"{drop['url']}/upload?name=dropped", b"from outside", method="PUT")  # noqa: S310
    with urllib.request.urlopen(request, timeout=30) as reply:  # noqa: S310 - our own server
        assert json.loads(reply.read()) == {"size": 12}
    assert device.ok("cat", "/d/dropped").out == b"from outside"
    of_file = device.ok("link", "list", "/d/f").out.decode().splitlines()
    assert len(of_file) == 1
    assert "view, password, until" in of_file[0]
    assert of_file[0].endswith("/d/f")


@pytest.mark.usefixtures("file")
@pytest.mark.parametrize(
    "arguments",
    [
        ["/d/f", "--expires", "soon"],
        ["/d/f", "--max", "0"],
        ["d/f"],
        ["pause"],
        ["list", "--drop"],
        ["/d/f", "/d"],
    ],
)
def test_a_link_that_makes_no_sense_is_wrong_use(device: Device, arguments: list[str]) -> None:
    assert device.run("link", *arguments).code == 2
