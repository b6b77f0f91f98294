"""A whole server for each test, which works off its jobs, and whose data folder is found clean at the end."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from app.application import Cairn
from app.config import Settings
from app.data_folder import DataFolder
from app.services.fsck import Level, check
from storage.disk import LocalDisk
from tests.api.conftest import (
    Running,
    Template,
    ada,
    bob,
    copy_template,
    nothing_is_logged_as_error,
    serving,
    settings,
    template,
)

__all__ = ["ada", "bob", "nothing_is_logged_as_error", "settings", "template"]


@asynccontextmanager
async def working(cairn: Cairn) -> AsyncIterator[None]:
    """Work off jobs while entered, as `cairn serve` does."""
    async with asyncio.TaskGroup() as group:
        jobs = group.create_task(cairn.jobs.run())
        yield
        jobs.cancel()


def assert_clean(folder: Path) -> None:
    """Find no damage in a data folder, whose server may be running."""
    found = list(check(DataFolder(folder, LocalDisk()), LocalDisk(), Level.REFERENCES))

    assert [damage for damage in found if not damage.is_harmless] == []


@pytest.fixture
def folder(template: Template, tmp_path: Path) -> Path:
    """A data folder of two users, whom no server serves yet."""
    return copy_template(template, tmp_path / "data")


@pytest.fixture
async def server(folder: Path, settings: Settings) -> AsyncIterator[Running]:
    """A server with the users ada and bob, who have nothing yet."""
    async with serving(folder, settings) as running:
        async with working(running.cairn):
            yield running
        await asyncio.to_thread(assert_clean, folder)
