"""A whole server for each test: it listens as `cairn serve` does, on a copy of a folder with two users."""

import asyncio
import logging
import shutil
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from aiohttp import ClientSession, DummyCookieJar

from app.application import WAITS, Cairn, open_cairn
from app.config import Limits, Server, Settings
from app.connections import Connections
from app.data_folder import DataFolder
from app.deadlines import Deadlines
from app.server import listening
from storage.disk import Disk, LocalDisk
from tests.accounts.api import ADMIN, PASSWORD
from tests.api.people import Person

OTHER = "bob"


@dataclass(frozen=True, slots=True)
class Template:
    """A data folder that was set up once, and the tokens of its users."""

    folder: Path
    tokens: dict[str, str]


@dataclass(frozen=True, slots=True)
class Running:
    """A server that listens."""

    cairn: Cairn
    folder: Path
    port: int
    session: ClientSession

    @property
    def connections(self) -> Connections:
        """Who is connected."""
        return self.cairn.services.connections

    @property
    def stranger(self) -> Person:
        """Somebody without a token."""
        return Person(self.session)


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Template:
    """Make the users once: a password hash takes longer than most tests."""
    folder = tmp_path_factory.mktemp("template") / "data"
    return Template(folder, asyncio.run(_set_up(folder)))


async def _set_up(folder: Path) -> dict[str, str]:
    tokens = {}
    async with serving(folder, Settings()) as server:
        for name in (ADMIN, OTHER):
            await server.cairn.services.accounts.create(name, PASSWORD, is_admin=name == ADMIN)
            login = await server.stranger.log_in(name)
            assert login.token is not None
            tokens[name] = login.token
    return tokens


@asynccontextmanager
async def serving(
    folder: Path, settings: Settings, deadlines: Deadlines = WAITS, *, disk: Disk | None = None
) -> AsyncIterator[Running]:
    """Serve `folder` while entered, on a free port."""
    failures: list[Exception] = []
    settings = replace(settings, server=replace(settings.server, port=0))
    async with AsyncExitStack() as stack:
        data = stack.enter_context(DataFolder(folder, LocalDisk()))
        opening = open_cairn(settings, data, disk=disk, deadlines=deadlines, on_failure=failures.append)
        cairn = await stack.enter_async_context(opening)
        port = await stack.enter_async_context(listening(settings, cairn))
        # Bodies come as they are on the wire; who wants them decoded does it.
        session = ClientSession(f"http://127.0.0.1:{port}", auto_decompress=False, cookie_jar=DummyCookieJar())
        yield Running(cairn, folder, port, await stack.enter_async_context(session))
    assert not failures


def copy_template(template: Template, folder: Path) -> Path:
    """Make `folder` a data folder like the template's, and return it."""
    shutil.copytree(template.folder, folder, copy_function=shutil.copyfile)
    folder.chmod(0o700)
    for key in (folder / "keys").iterdir():
        key.chmod(0o600)
    return folder


@pytest.fixture
def settings() -> Settings:
    """The defaults, save that the reserve of free disk is not a matter of the machine that runs the tests."""
    return Settings(limits=Limits(free_disk_bytes=0, free_disk_percent=0), server=Server())


@pytest.fixture
def deadlines() -> Deadlines:
    """How long the server waits."""
    return WAITS


@pytest.fixture
async def server(
    template: Template, settings: Settings, deadlines: Deadlines, tmp_path: Path
) -> AsyncIterator[Running]:
    """A server with the users ada and bob, who have nothing yet."""
    async with serving(copy_template(template, tmp_path / "data"), settings, deadlines) as running:
        yield running


@pytest.fixture
def ada(server: Running, template: Template) -> Person:
    """One user."""
    return Person(server.session, template.tokens[ADMIN])


@pytest.fixture
def bob(server: Running, template: Template) -> Person:
    """Another user, who shares nothing with the first."""
    return Person(server.session, template.tokens[OTHER])


@pytest.fixture
def stranger(server: Running) -> Person:
    """Somebody without an account."""
    return server.stranger


@pytest.fixture(autouse=True)
def nothing_is_logged_as_error(request: pytest.FixtureRequest, caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Refusals are no faults: whatever a client sends, the log stays free of errors."""
    caplog.set_level(logging.WARNING)
    yield
    allowed = request.node.get_closest_marker("logs_errors") is not None
    records: Sequence[logging.LogRecord] = [*caplog.get_records("setup"), *caplog.get_records("call")]
    errors = [record.getMessage() for record in records if record.levelno >= logging.ERROR]
    assert allowed or not errors, errors
