"""A browser that sends the chunks of larger files to the object server, and not through ours."""

import re

import pytest
from playwright.sync_api import expect

from tests.direct.conftest import World
from tests.server import RunningServer
from tests.web.conftest import Opener, browser, open_page, sessions, watch
from tests.web.people import Person, ask
from tests.web.upload.conftest import MIB, Files, Panel, arrived, files, folder, panel
from tests.web.watch import Watch

__all__ = ["browser", "files", "folder", "open_page", "panel", "sessions", "watch"]

LITTLE = 256 * 1024


@pytest.fixture(scope="module")
def server(both: World) -> RunningServer:
    return both.server


@pytest.fixture
def origin(both: World) -> str:
    """The page is the one at the public address, which is that of the relay."""
    return both.relay.url


@pytest.fixture(scope="module")
def ada(both: World) -> Person:
    return Person(both.server)


def test_no_byte_of_a_larger_file_passes_the_server(
    both: World, panel: Panel, files: Files, ada: Person, watch: Watch
) -> None:
    watch.allow(r"^foreign request: http://localhost:\d+/chunks/cairn/incoming/")
    source = files.make("large.bin", 20 * MIB)
    expect(panel.page.locator("#upload-files")).to_be_attached()
    before = both.relay.up

    panel.put(source)

    panel.says("One file uploaded")
    assert both.relay.up - before < LITTLE
    assert arrived(ada, panel.folder, source)
    assert both.lying("incoming/") == []


def test_browser_at_another_address_sends_by_way_of_ours(
    both: World, open_page: Opener, files: Files, ada: Person, folder: str, watch: Watch
) -> None:
    """The object server lets the pages of the public address at the bucket, and no others."""
    watch.allow(r"^foreign request: |CORS policy|/chunks/cairn/incoming/")
    panel = Panel(open_page(f"{both.server.url}/files{folder}", who=ada), folder)
    source = files.make("large.bin", 12 * MIB)

    panel.put(source)

    panel.says("One file uploaded")
    assert arrived(ada, folder, source)


def test_only_the_worker_that_sends_may_reach_the_object_server(both: World) -> None:
    static = re.search(r"static/[^/\"]+/", ask(both.server, "GET", "/").body.decode())
    assert static is not None
    policy = {
        name: ask(both.server, "GET", f"/{static[0]}js/upload/{name}").headers["content-security-policy"]
        for name in ("net_worker.js", "hash_worker.js")
    }

    allowed = {name: text.partition("connect-src ")[2].split(";")[0] for name, text in policy.items()}
    assert allowed == {
        "net_worker.js": f"'self' http://localhost:{both.objects.port}",
        "hash_worker.js": "'self'",
    }
