"""Everything of a server that lies behind its handlers, on a real data folder."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from app.application import Cairn
from app.auth.identity import Actor
from app.config import Limits, Settings
from tests.accounts.api import ADMIN, PASSWORD
from tests.api.conftest import serving


@pytest.fixture
async def cairn(tmp_path: Path) -> AsyncIterator[Cairn]:
    """An open server whose only user is ada."""
    settings = Settings(limits=Limits(free_disk_bytes=0, free_disk_percent=0))
    async with serving(tmp_path / "data", settings) as running:
        await running.cairn.services.accounts.create(ADMIN, PASSWORD, is_admin=True)
        yield running.cairn


@pytest.fixture
async def actor(cairn: Cairn) -> Actor:
    """A device of ada's."""
    services = cairn.services
    device = await services.sign_in.login(ADMIN, PASSWORD, "10.0.0.1", device_name="test", install_id=None)
    return await services.authentication.actor_of(device.token)
