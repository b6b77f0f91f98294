"""One world for all tests of a module: they ask it in turn, each about objects of its own."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.api.conftest import nothing_is_logged_as_error, serving
from tests.permissions.checks import Checks
from tests.permissions.droppers import DROPPERS
from tests.permissions.table import TABLE
from tests.permissions.walk import Walk
from tests.permissions.world import SETTINGS, World
from tests.tree.conftest import working

__all__ = ["nothing_is_logged_as_error"]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def walk(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Walk]:
    """The walk of the whole table by everybody, with every check of the program asking before it acts."""
    folder = tmp_path_factory.mktemp("permissions") / "data"
    with Checks().planted() as checks:  # before the routes are wrapped in what checks their rule
        async with serving(folder, SETTINGS) as server, working(server.cairn):
            world = World(server)
            await world.begin()
            walk = Walk(world, checks)
            for line in TABLE:
                await walk.line(line)
            for name, call in DROPPERS.items():
                await walk.dropper(name, call)
            yield walk
