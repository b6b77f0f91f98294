"""A whole server in this process: real port, real database, real store, on an empty folder."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import DummyCookieJar
from aiohttp.test_utils import TestClient, TestServer

from app.application import Cairn, build_app, open_cairn
from app.config import Limits, Settings
from app.data_folder import DataFolder
from app.repositories.users import User
from storage.disk import LocalDisk
from tests.accounts.api import ADMIN, PASSWORD, Api


@pytest.fixture
def settings() -> Settings:
    return Settings(limits=Limits(devices_per_user=5))


@pytest.fixture
async def cairn(tmp_path: Path, settings: Settings) -> AsyncIterator[Cairn]:
    """A server without an admin."""
    failures: list[Exception] = []
    with DataFolder(tmp_path / "data", LocalDisk()) as folder:
        async with open_cairn(settings, folder, on_failure=failures.append) as opened:
            yield opened
    assert not failures


@pytest.fixture
async def api(cairn: Cairn) -> AsyncIterator[Api]:
    """A stranger's view of that server."""
    async with TestClient(TestServer(build_app(cairn.services)), cookie_jar=DummyCookieJar()) as client:
        yield Api(client)


@pytest.fixture
async def admin(cairn: Cairn) -> User:
    """The first admin; with one the server serves."""
    return await cairn.services.accounts.create(ADMIN, PASSWORD, is_admin=True)
