"""Behind a real nginx under a sub-path, set up as docs/webdav.md says: programs follow what answers say."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from app.config import Settings
from tests.accounts.api import ADMIN
from tests.api.conftest import Running
from tests.api.people import Person
from tests.api.wire import eventually
from tests.dav.clients.programs import rclone_for
from tests.dav.clients.test_rclone import ODD, contents, credentials, fill
from tests.dav.conftest import Dav, app_password
from tests.nginx import in_manual, nginx
from tests.server import free_port
from tests.tree.keeper import tree_below

SILENT = "location /files/ {{ proxy_pass http://127.0.0.1:{port}/; client_max_body_size 0; }}"
"""A proxy that says nothing of the host and path that were asked for."""
OUTER = "cloud.example"


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """As an operator sets a server below a path of another."""
    server = replace(settings.server, public_url=f"https://{OUTER}/files", trusted_proxies=("127.0.0.1",))
    return replace(settings, server=server)


@pytest.fixture(params=["as documented", "silent"])
async def outside(request: pytest.FixtureRequest, server: Running, ada: Person, tmp_path: Path) -> AsyncIterator[Dav]:
    """Ada on the other side of the proxy, for whom the server is https://cloud.example/files."""
    port = free_port()
    location = SILENT.format(port=server.port)
    if request.param == "as documented":
        location = in_manual("webdav.md").replace("http://127.0.0.1:8080", f"http://127.0.0.1:{server.port}")
    outer = Dav(port, headers={"Host": OUTER}).showing(ADMIN, await app_password(ada))

    async def is_up() -> bool:
        try:
            return (await outer.call("OPTIONS", "/files/dav/")).status == 200
        except OSError:
            return False

    with nginx(tmp_path / "nginx", f"server {{ listen 127.0.0.1:{port}; {location} }}"):
        await eventually(is_up)
        yield outer


async def test_hrefs_begin_with_what_was_asked_for(outside: Dav, ada: Person) -> None:
    await ada.upload("/Papers/100% #1 ü?.txt", b"a", parents=True)

    root = await outside.propfind("/files/dav/", "d:getetag", depth="1")
    papers = await outside.propfind("/files/dav/Papers", "d:getetag", depth="1")

    assert root.hrefs == ["/files/dav/", "/files/dav/Papers/"]
    assert papers.hrefs[0] == "/files/dav/Papers/"
    assert (await outside.call("GET", papers.hrefs[1])).body == b"a"


@pytest.mark.parametrize("outside", ["as documented"], indirect=True)
async def test_windows_finds_webdav_at_the_root_of_the_host(outside: Dav) -> None:
    answer = await replace(outside, authorization="").call("OPTIONS", "/")

    assert answer.status == 200
    assert answer.headers["ms-author-via"] == "DAV"


@pytest.mark.parametrize("before", ["", f"https://{OUTER}", f"http://{OUTER}:8443"])
async def test_moves_and_copies_go_where_the_outer_address_says(outside: Dav, ada: Person, before: str) -> None:
    await ada.put("/a.txt", b"a")

    copied = await outside.call("COPY", "/files/dav/a.txt", Destination=f"{before}/files/dav/b%20c.txt")
    moved = await outside.call("MOVE", "/files/dav/a.txt", Destination=f"{before}/files/dav/d%25.txt")
    foreign = await outside.call("MOVE", "/files/dav/b%20c.txt", Destination="https://other.example/files/dav/x")

    assert (copied.status, moved.status, foreign.status) == (201, 201, 502)
    assert sorted(await tree_below(ada)) == ["/b c.txt", "/d%.txt"]


async def test_who_waits_to_be_told_sends_the_body_once_told(outside: Dav, ada: Person) -> None:
    body = b"x" * 100_000

    async with outside.connected() as wire:
        sent = {"Content-Length": str(len(body)), "Expect": "100-continue"}
        await wire.send(outside.head("PUT", "/files/dav/large.bin", sent))
        assert (await wire.answer()).status == 100
        await wire.send(body)
        made = await wire.answer()

    assert made.status == 201
    assert (await ada.at("/large.bin")).json["size"] == len(body)


async def test_locks_are_shown_by_the_outer_address(outside: Dav, ada: Person) -> None:
    await ada.put("/a.txt", b"a")
    wanted = (
        '<d:lockinfo xmlns:d="DAV:"><d:lockscope><d:exclusive/></d:lockscope><d:locktype><d:write/></d:locktype>'
        "</d:lockinfo>"
    )

    locked = await outside.call("LOCK", "/files/dav/a.txt", wanted, Depth="0")
    root = locked.xml.findtext(".//{DAV:}lockroot/{DAV:}href")
    token = locked.headers["lock-token"]
    tagged = await outside.call("PUT", "/files/dav/a.txt", b"b", If=f"<https://{OUTER}/files/dav/a.txt> ({token})")

    assert root == "/files/dav/a.txt"
    assert tagged.status == 204


async def test_rclone_brings_odd_names_there_and_back(outside: Dav, tmp_path: Path) -> None:
    remote = await rclone_for(f"http://127.0.0.1:{outside.port}/files/dav", *credentials(outside), "owncloud")
    here = fill(tmp_path / "here", ODD)

    await remote("copy", here, "cairn:odd", "--header", f"Host: {OUTER}")
    await remote("copy", "cairn:odd", tmp_path / "again", "--header", f"Host: {OUTER}")

    assert contents(tmp_path / "again") == contents(here)
