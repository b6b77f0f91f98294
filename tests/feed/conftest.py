"""A server for each test, and for the model a server without its HTTP."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from app.application import Cairn, open_cairn
from app.auth.identity import Actor
from app.config import Limits, Settings
from app.data_folder import DataFolder
from storage.disk import LocalDisk
from storage.errors import StorageError
from tests.api.conftest import (  # noqa: F401 - fixtures
    ada,
    bob,
    nothing_is_logged_as_error,
    server,
    settings,
    stranger,
    template,
)
from tests.crash.powered import sign_up


@dataclass(frozen=True, slots=True)
class Home:
    """An open server, and somebody with an empty home."""

    cairn: Cairn
    actor: Actor


@pytest.fixture
async def home(tmp_path: Path) -> AsyncIterator[Home]:
    """A server in this process; its jobs run only when the test lets them."""
    failures: list[StorageError] = []
    settings = Settings(limits=Limits(free_disk_bytes=0, free_disk_percent=0))
    with DataFolder(tmp_path / "data", LocalDisk()) as folder:
        async with open_cairn(settings, folder, on_failure=failures.append) as cairn:
            yield Home(cairn, await sign_up(cairn))
    assert not failures
