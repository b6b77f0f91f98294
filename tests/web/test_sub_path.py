"""The pages below a path of another server: a real nginx takes the path away, as docs/webdav.md says."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.nginx import nginx
from tests.server import ADMIN, PASSWORD, RunningServer, free_port
from tests.web.conftest import Opener, ready
from tests.web.people import Person

SITE = """
server {{
    listen 127.0.0.1:{port};
    location /home/cloud/ {{
        proxy_pass http://127.0.0.1:{inner}/;
        proxy_set_header Host $http_host;
        proxy_buffering off;
    }}
}}
"""


@pytest.fixture
def origin(server: RunningServer, tmp_path: Path) -> Iterator[str]:
    port = free_port()
    with nginx(tmp_path / "nginx", SITE.format(port=port, inner=server.port)):
        yield f"http://127.0.0.1:{port}"


def test_all_stays_below_the_path(open_page: Opener, ada: Person) -> None:
    page = open_page(None)
    page.goto("/home/cloud/settings/devices/a%20b")
    page.fill("#username", ADMIN)
    page.fill("#password", PASSWORD)
    page.click("button[type=submit]")
    ready(page)
    assert page.url.endswith("/home/cloud/settings/devices/a%20b")
    page.get_by_role("link", name="Photos").first.click()
    expect(page).to_have_url(re.compile("/home/cloud/photos$"))
    page.get_by_role("link", name="Trash").first.click()
    expect(page).to_have_url(re.compile("/home/cloud/trash$"))
    expect(page.locator("#storage")).to_contain_text("used")
    page.get_by_role("button", name="Account of ada").click()
    page.get_by_role("menuitem", name="Sign out").click()

    page.wait_for_selector("#username")

    assert page.url.endswith("/home/cloud/")


def test_the_app_is_what_is_below_the_path(open_page: Opener) -> None:
    page = open_page(None, service_workers="allow")
    page.goto("/home/cloud/files")
    page.fill("#username", ADMIN)
    page.fill("#password", PASSWORD)
    page.click("button[type=submit]")
    ready(page)

    scope = page.evaluate("navigator.serviceWorker.ready.then((registration) => registration.scope)")
    told = page.evaluate("fetch(document.querySelector('link[rel=manifest]').href).then((answer) => answer.json())")
    start = page.evaluate(
        "(start) => new URL(start, document.querySelector('link[rel=manifest]').href).href", told["start_url"]
    )

    assert scope.endswith("/home/cloud/")
    assert start == f"{scope}files"
