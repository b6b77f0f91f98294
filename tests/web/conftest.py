"""A real server, and Debian's Chromium on it, one of each a module; every page is watched (see `Watch`).

The tests here are plain functions: Playwright's synchronous calls, with its own waits. Fixtures to begin with:
`server`, `ada` (the admin, at a device), `page` (ada's browser on the first page of the shell), `visitor` (a page that
nobody has signed in on), `open_page` (more pages, of other people, sizes, languages), `watch` (to allow what is meant).
All are on the loopback origin, where a browser grants what needs a secure context, unless the test is marked
`@both_origins`: then it runs on `http://nas.home` too, which is what a family has.
"""

import os
import shutil
from collections.abc import Iterator
from typing import Any, Protocol

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.server import NO_RESERVE, RunningServer
from tests.web.people import Person
from tests.web.watch import Watch

PLAIN_NAME = "nas.home"
DESKTOP, TABLET, PHONE = (1280, 800), (768, 1024), (390, 844)

both_origins = pytest.mark.parametrize("origin", ["127.0.0.1", PLAIN_NAME], indirect=True)


class Opener(Protocol):
    """Opens a page in a context of its own."""

    def __call__(
        self,
        path: str | None = "/",
        *,
        who: Person | None = None,
        size: tuple[int, int] = DESKTOP,
        locale: str = "en-GB",
        dark: bool = False,
        **options: Any,
    ) -> Page:
        """Open `path`, or an empty page if None.

        Args:
            who: is signed in; nobody if None.
            options: of Playwright's `new_context`, such as `has_touch` or `java_script_enabled`. No service worker
                runs unless `service_workers` allows one: it would stand between the page and what a test routes.
        """


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's Chromium; the tests are skipped where there is none."""
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        pytest.skip("no Chromium is installed")
    arguments = [f"--host-resolver-rules=MAP {PLAIN_NAME} 127.0.0.1"]
    if os.geteuid() == 0:
        arguments.append("--no-sandbox")  # its sandbox refuses to work for root
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=program, args=arguments)
        try:
            yield opened
        finally:
            opened.close()


@pytest.fixture(scope="module")
def environment() -> dict[str, str]:
    """Settings of the module's server, to be added to by modules."""
    return {}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, environment: dict[str, str]) -> Iterator[RunningServer]:
    """A server with one admin, which answers to both names."""
    settings = {**NO_RESERVE, "CAIRN_SERVER__HOSTS": PLAIN_NAME, **environment}
    running = RunningServer(tmp_path_factory.mktemp("server") / "data", settings).start()
    try:
        yield running
    finally:
        running.close()


@pytest.fixture(scope="module")
def ada(server: RunningServer) -> Person:
    """The admin, at a device."""
    return Person(server)


@pytest.fixture
def origin(request: pytest.FixtureRequest, server: RunningServer) -> str:
    """Where the browser goes, without a "/" at the end."""
    return f"http://{getattr(request, 'param', '127.0.0.1')}:{server.port}"


@pytest.fixture
def watch(origin: str) -> Iterator[Watch]:
    """Sees what every page of the test does; the test fails if it was anything that no page may do."""
    watching = Watch(origin.partition("://")[2])
    yield watching
    watching.check()


@pytest.fixture(scope="module")
def sessions() -> dict[tuple[str, str], dict[str, Any]]:
    """Cookies by user and host: a sign-in costs a hash of a password, so a module makes one of each."""
    return {}


@pytest.fixture
def open_page(
    browser: Browser, origin: str, watch: Watch, sessions: dict[tuple[str, str], dict[str, Any]]
) -> Iterator[Opener]:
    """A function that opens pages; they are closed, and checked, after the test."""
    contexts: list[BrowserContext] = []
    host = origin.partition("://")[2].partition(":")[0]

    def open_(
        path: str | None = "/",
        *,
        who: Person | None = None,
        size: tuple[int, int] = DESKTOP,
        locale: str = "en-GB",
        dark: bool = False,
        **options: Any,
    ) -> Page:
        context = browser.new_context(
            base_url=origin,
            viewport={"width": size[0], "height": size[1]},
            locale=locale,
            color_scheme="dark" if dark else "light",
            **{"service_workers": "block", **options},
        )
        context.set_default_timeout(15_000)
        contexts.append(context)
        watch.over(context)
        if who is not None:
            if (who.name, host) not in sessions:
                sessions[who.name, host] = who.session(host)
            context.add_cookies([sessions[who.name, host]])  # type: ignore[list-item] # Playwright's own TypedDict
        page = context.new_page()
        if path is not None:
            page.goto(path)
            if who is not None:
                ready(page)
        return page

    yield open_
    for context in contexts:
        context.close()


@pytest.fixture
def page(open_page: Opener, ada: Person) -> Page:
    """The admin's browser on the first page of the shell."""
    return open_page(who=ada)


@pytest.fixture
def visitor(open_page: Opener) -> Page:
    """A browser that nobody has signed in on, on the first page."""
    return open_page()


def ready(page: Page) -> None:
    """Wait until the shell has started."""
    page.wait_for_selector("html[data-ready]")
