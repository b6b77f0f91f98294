"""A browser that sends the chunks of larger files to the object server, and not through ours."""

import json
import re

import pytest
from playwright.sync_api import Request, Route, expect

from tests.direct.conftest import World
from tests.server import RunningServer
from tests.web.conftest import Opener, browser, open_page, sessions, watch
from tests.web.people import Person, ask
from tests.web.upload.conftest import MIB, Files, Panel, arrived, files, folder, panel
from tests.web.watch import Watch

__all__ = ["browser", "files", "folder", "open_page", "panel", "sessions", "watch"]

LITTLE = 256 * 1024
REQUESTS = 3


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


def test_a_file_longer_than_what_is_read_ahead_arrives_though_the_object_server_does_not_answer(
    both: World, panel: Panel, files: Files, ada: Person, watch: Watch
) -> None:
    """All that is read ahead waits for that way before it proves to lead nowhere, as from outside a home's network."""
    watch.allow(r"^foreign request: |ERR_FAILED|/chunks/cairn/incoming/")
    page, held, declared, is_over = panel.page, list[Route](), 0, False

    def less_ahead(route: Route) -> None:
        answer = route.fetch()
        text = answer.text().replace("AHEAD = 256 *", "AHEAD = 16 *").replace("GROUP = 16", "GROUP = 1")
        route.fulfill(response=answer, body=text)

    def hold(route: Route) -> None:
        held.append(route)
        if is_over:
            route.abort()

    def is_full(request: Request) -> bool:
        nonlocal declared
        if request.method == "POST" and '"chunks":[' in (request.post_data or ""):
            declared += sum(chunk["size"] for chunk in json.loads(request.post_data or "")["chunks"])
        return declared > 19 * MIB

    page.route("**/hash_worker.js", less_ahead)
    page.route(f"http://localhost:{both.objects.port}/**", hold)
    page.reload()
    expect(page.locator("#upload-files")).to_be_attached()
    source = files.make("long.bin", 64 * MIB)

    with page.expect_request(is_full):
        panel.put(source)
    waiting, is_over = held.copy(), True
    for route in waiting:
        route.abort()

    panel.says("One file uploaded")
    assert arrived(ada, panel.folder, source)
    assert len(held) <= REQUESTS


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
