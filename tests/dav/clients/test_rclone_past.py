"""rclone on the view as it was: what it finds between now and then are the edits since, and it brings them back."""

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.api.conftest import Running
from tests.dav.clients.programs import Rclone, rclone_for
from tests.dav.clients.test_rclone import credentials
from tests.dav.conftest import Dav
from tests.rewind.conftest import time_of

FILES = 60
EDITED_S = 1_500_000_000


@pytest.fixture
async def remote(dav: Dav) -> Rclone:
    """Ada's rclone."""
    return await rclone_for(f"http://127.0.0.1:{dav.port}/dav", *credentials(dav), "owncloud")


async def test_a_check_of_now_against_then_lists_exactly_the_edits_since(
    server: Running, remote: Rclone, tmp_path: Path
) -> None:
    here = tmp_path / "here"
    for number in range(FILES):
        path = here / "Photos" / ("sub ü" if number % 2 else ".") / f"{number} é.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(f"photo {number}".encode())
    await remote("copy", here, "cairn:")
    then = f"@{datetime.fromtimestamp(time_of(server.folder) / 1000, UTC):%Y-%m-%dT%H:%M:%S.%f}"
    (here / "Photos/sub ü/3 é.jpg").write_bytes(b"PHOTO 3")
    os.utime(here / "Photos/sub ü/3 é.jpg", (EDITED_S, EDITED_S))  # rclone goes by size and time, in seconds
    (here / "Photos/4 é.jpg").unlink()
    (here / "Photos/new").write_bytes(b"new")
    await remote("sync", here, "cairn:")

    check = await remote("check", "--download", "--combined", "-", "cairn:Photos", f"cairn:{then}/Photos", fails=True)
    days = await remote("lsf", "cairn:@")

    differing = sorted(line for line in check.out.splitlines() if not line.startswith("="))
    assert differing == ["* sub ü/3 é.jpg", "+ new", "- 4 é.jpg"]
    assert check.out.count("\n") == FILES + 1
    assert f"{then[:11]}/" in days.out.splitlines()

    await remote("copy", f"cairn:{then}/Photos", tmp_path / "rescued")
    await remote("copyto", f"cairn:{then}/Photos/4 é.jpg", "cairn:Photos/4 é.jpg")

    assert (tmp_path / "rescued/sub ü/3 é.jpg").read_bytes() == b"photo 3"
    assert len(list((tmp_path / "rescued").rglob("*.jpg"))) == FILES
    assert (await remote("cat", "cairn:Photos/4 é.jpg")).out == "photo 4"
    refused = await remote("copyto", here / "Photos/new", f"cairn:{then}/Photos/new", fails=True)
    assert "it can only be read" in refused.err
