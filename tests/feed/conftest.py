"""A server for each test, and for the model a server without its HTTP."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from app.application import Cairn, open_cairn
from app.auth.identity import Actor
from app.data_folder import DataFolder
from storage.disk import LocalDisk
from storage.errors import StorageError
from tests.api.conftest import (  # noqa: F401 - fixtures
    ada,
    bob,
    deadlines,
    nothing_is_logged_as_error,
    server,
    settings,
    stranger,
    template,
)
from tests.crash.powered import SETTINGS, sign_up


@dataclass(frozen=True, slots=True)
class Home:
    """An open server, and somebody with an empty home."""

    cairn: Cairn
    actor: Actor


@asynccontextmanager
async def opened(data: Path) -> AsyncIterator[Cairn]:
    """Run a server in this process, without its HTTP; its jobs run only when the test lets them."""
    failures: list[StorageError] = []
    with DataFolder(data, LocalDisk()) as folder:
        async with open_cairn(SETTINGS, folder, on_failure=failures.append) as cairn:
            yield cairn
    assert not failures


@pytest.fixture
async def home(tmp_path: Path) -> AsyncIterator[Home]:
    """A server, and somebody with an empty home in it."""
    async with opened(tmp_path / "data") as cairn:
        yield Home(cairn, await sign_up(cairn))
