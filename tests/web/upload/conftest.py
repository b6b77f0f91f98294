"""A browser that uploads, files for it, and what the server counts of it."""

import contextlib
import itertools
import os
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from playwright.sync_api import BrowserContext, Error, Locator, Page, Route, expect

from tests.contract.chunk_sources import make
from tests.server import RunningServer
from tests.web.conftest import Opener
from tests.web.people import Person, ask

MIB = 2**20


@pytest.fixture(scope="module")
def environment() -> dict[str, str]:
    """The server tells how many bytes came in."""
    return {"CAIRN_METRICS__OPEN": "true"}


def received(server: RunningServer) -> float:
    """Return the bytes of all bodies that the server took since it started, by its own count."""
    text = ask(server, "GET", "/metrics").body.decode()
    found = re.search(r"^cairn_received_bytes_total (\S+)$", text, re.MULTILINE)
    assert found is not None
    return float(found[1])


class Files:
    """Files on the person's disk."""

    def __init__(self, folder: Path) -> None:
        """Make them below `folder`."""
        self.folder = folder

    def make(self, name: str, size: int, *, seed: int | None = None) -> Path:
        """Make a file of random bytes."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(os.urandom(size) if seed is None else make("xorshift32", size, seed))
        return path


@pytest.fixture
def files(tmp_path: Path) -> Files:
    """A folder of the person's own."""
    folder = tmp_path / "disk"
    folder.mkdir()
    return Files(folder)


class Panel:
    """The panel of a page, as a person sees it."""

    def __init__(self, page: Page, folder: str) -> None:
        """Look at `page`, which shows `folder`."""
        self.page = page
        self.folder = folder
        self.element = page.locator(".upload-panel")
        self.title = page.locator(".upload-title")
        self.notice = page.locator(".upload-notice")

    def put(self, *paths: Path) -> None:
        """Choose files by the first file input of the page."""
        self.page.locator("input[type=file]").first.set_input_files(list(paths))

    def put_folder(self, path: Path) -> None:
        """Choose a folder."""
        self.page.locator("#upload-folder").set_input_files(path)

    def drop(self, *paths: Path, on: Locator | None = None) -> None:
        """Drop files and folders on an element, or the middle of the page, as the system's file manager does."""
        box = on.bounding_box() if on is not None else None
        x, y = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2) if box is not None else (500, 300)
        self.page.wait_for_selector("#upload-files", state="attached")
        session = self.page.context.new_cdp_session(self.page)
        data = {"items": [], "files": [str(path) for path in paths], "dragOperationsMask": 1}
        for kind in ("dragEnter", "dragOver", "drop"):
            session.send("Input.dispatchDragEvent", {"type": kind, "x": x, "y": y, "data": data})
        session.detach()

    def says(self, text: str) -> None:
        """Wait until the head says so."""
        expect(self.title).to_have_text(text, timeout=60_000)

    def tab(self, name: str) -> None:
        """Choose a tab."""
        self.element.get_by_role("tab", name=name).click()

    def row(self, name: str) -> Locator:
        """Return the row of a file."""
        return self.element.locator(".upload-row").filter(has_text=name)

    def press(self, name: str) -> None:
        """Press a button of the panel."""
        self.element.get_by_role("button", name=name, exact=True).click()


_numbers = itertools.count(1)


@pytest.fixture
def folder(ada: Person) -> str:
    """The path of an empty folder that no other test knows."""
    path = f"/Test {next(_numbers)}"
    ada.folder(path)
    return path


@pytest.fixture
def panel(open_page: Opener, ada: Person, folder: str) -> Panel:
    """The panel of ada's page, which shows that folder."""
    return Panel(open_page(f"/files{folder}", who=ada), folder)


@dataclass
class Barrier:
    """Lets so many bodies through to the server, and holds the others."""

    context: BrowserContext
    passing: int
    held: list[Route] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Begin."""
        self.context.route("**/bundles/*", self._meet)

    def _meet(self, route: Route) -> None:
        if self.passing > 0:
            self.passing -= 1
            route.continue_()
        else:
            self.held.append(route)

    def wait(self, page: Page, bodies: int = 1) -> None:
        """Wait until so many bodies are held."""
        while len(self.held) < bodies:
            page.wait_for_timeout(20)  # Playwright sees to its events in here alone

    def lift(self) -> None:
        """Let all through from now on."""
        self.passing = 10**9
        for route in self.held:
            route.continue_()
        self.held.clear()

    def drop(self) -> None:
        """Let all through from now on, but for those that are held: nobody waits for them any more."""
        self.passing = 10**9
        for route in self.held:
            with contextlib.suppress(Error):
                route.abort()
        self.held.clear()


Barring = Callable[..., Barrier]


@pytest.fixture
def bar(panel: Panel) -> Barring:
    """A function that puts up a barrier behind ada's page; so many bodies go through."""
    return lambda passing=0: Barrier(panel.page.context, passing)


def find(person: Person, path: str) -> Any:
    """Return the file or folder at a path."""
    return person.call("GET", f"/api/v1/files?path={quote(path)}").json


def content(person: Person, path: str) -> bytes:
    """Return what the server has at a path."""
    return person.call("GET", f"/api/v1/files/{find(person, path)['file_id']}/content").body


def names(person: Person, path: str) -> list[str]:
    """Return the names in a folder."""
    folder_id = find(person, path)["file_id"]
    return [item["name"] for item in person.call("GET", f"/api/v1/folders/{folder_id}/children").json["items"]]


def arrived(person: Person, folder: str, *sources: Path) -> bool:
    """Tell whether the very bytes of all `sources` are in a folder, under their names."""
    return all(content(person, f"{folder}/{source.name}") == source.read_bytes() for source in sources)
