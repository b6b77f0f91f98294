"""Every route that changes something, with all that it could change locked by another program: it meets 423.

The same table as for rights says what the routes are. One that is new is here by itself: it refuses, or it is said why
a lock does not bind it.
"""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from app.services.locks import Wanted
from tests.api.conftest import serving
from tests.permissions.roles import Outcome, Role
from tests.permissions.table import TABLE, Line, Pair
from tests.permissions.walk import ask, cases_of
from tests.permissions.world import PRIVATE, SETTINGS, World
from tests.tree.conftest import working

pytestmark = pytest.mark.asyncio(loop_scope="module")

FREE = {
    "They read, as a GET does.": ("POST /api/v1/downloadBundle", "POST /api/v1/archives", "PATCH /dav{path}"),
    "It begins a job, which leaves alone what is locked and says so (tests/rewind).": (
        "POST /api/v1/folders/{file_id}/rewind",
    ),
    "They are about bytes on their way; the commit is refused.": (
        "POST /api/v1/uploads/{upload_id}/chunks",
        "DELETE /api/v1/uploads/{upload_id}",
        "PUT /chunks/{chunk}",
        "POST /chunks/{chunk}",
        "PUT /bundles/{bundle}",
    ),
    "They are about what is kept of the past, and of the trash, where nothing is locked.": (
        "PATCH /api/v1/files/{file_id}/versions/{version_id}",
        "PUT /api/v1/folders/{file_id}/retention",
        "DELETE /api/v1/folders/{file_id}/retention",
        "DELETE /api/v1/trash/{trash_id}",
        "POST /api/v1/trash/purge",
    ),
    "They are about who sees something. What is in it, and who of its members finds it where, stays as it is.": (
        "POST /api/v1/files/{file_id}/members",
        "PATCH /api/v1/files/{file_id}/members/{username}",
        "DELETE /api/v1/files/{file_id}/members/{username}",
        "POST /api/v1/links",
        "PATCH /api/v1/links/{link_id}",
        "DELETE /api/v1/links/{link_id}",
        "POST /s/{token}/password",
        "POST /api/v1/app-passwords",
    ),
}
"""Routes about something in a folder that no lock binds, by the reason."""
UNBOUND = frozenset(route for routes in FREE.values() for route in routes)
READING = ("GET", "OPTIONS", "PROPFIND", "REPORT")
ABOUT_FILES = ("upload", "/chunks/", "/bundles/", "/s/")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """A world in which the owner has a program beside the device that asks."""
    folder = tmp_path_factory.mktemp("locked") / "data"
    async with serving(folder, SETTINGS) as server, working(server.cairn):
        world = World(server)
        await world.begin()
        yield world


def changing() -> list[Line]:
    """Return the lines that could change something in a folder, and get that far."""
    return [
        line
        for line in TABLE
        if line.method not in READING
        and line.passes is Outcome.OK
        and (isinstance(line.rule, Pair) or any(part in line.route for part in ABOUT_FILES))
    ]


LINES = changing()


@pytest.mark.parametrize("line", LINES, ids=lambda line: f"{line.route} {line.make.__name__} {LINES.index(line)}")
async def test_what_another_program_has_locked_is_not_changed_by(world: World, line: Line) -> None:
    for place, _, cases in cases_of(line):
        case = next((case for case in cases if case.role in (Role.OWNER, Role.STRANGER) and not case.is_refused), None)
        if case is None:
            continue
        named = await line.make(world, place)
        await world.headers(case.role)
        for kind in line.own:
            await world.own(case.role, kind)
        await lock_all(world)

        asked = await ask(world, case, named)

        await release_all(world)
        world.used(case.role, credential=line.spends)
        if line.route in UNBOUND:
            assert asked.outcome is Outcome.OK, asked
        else:
            assert asked.status == 423, f"{case}: {asked}"


async def test_no_route_is_free_that_is_not_there() -> None:
    assert UNBOUND - {line.route for line in LINES} == set()


async def lock_all(world: World) -> None:
    """Lock the owner's home and every shared folder in it, as another device of the owner's."""
    services, home = world.server.cairn.services, world.folders[PRIVATE]["space_id"]
    program = await services.authentication.actor_of(await world.device("owner"))
    items = world.must(await world.owner.get("/api/v1/folders/root/children"))["items"]
    for names in ((), *((item["name"],) for item in items if item["space_id"] != home)):
        await services.locks.lock(program, names, Wanted())


async def release_all(world: World) -> None:
    """End all locks."""
    await world.server.cairn.database.write(lambda tx: tx.execute("DELETE FROM locks"))
