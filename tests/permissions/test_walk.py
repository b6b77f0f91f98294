"""Every route by every role about every kind of foreign object, against the table (security.md, P1 to P5, S5)."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from app import server
from app.api.routes import Access, Route
from app.application import route_table
from app.server import listening
from tests.permissions.droppers import DROPPERS
from tests.permissions.second_lines import SECOND_LINES, TOGETHER
from tests.permissions.walk import Walk
from tests.permissions.world import SETTINGS

pytestmark = pytest.mark.asyncio(loop_scope="module")

WEAKER = {Access.ADMIN: Access.ACCOUNT, Access.ACCOUNT: Access.FILES}


async def test_everybody_gets_what_the_table_says_and_a_refusal_changes_and_tells_nothing(walk: Walk) -> None:
    assert walk.deviations == [], "\n".join(walk.deviations)


@pytest.mark.logs_errors
async def test_each_check_of_the_program_that_is_taken_away_lets_somebody_through(walk: Walk) -> None:
    single = [(str(site),) for site in walk.checks.sites if str(site) not in SECOND_LINES]

    missed = [checks for checks in (*single, *TOGETHER) if not await lets_any_through(walk, frozenset(checks))]

    assert missed == [], "\n".join(map(str, missed))
    assert {str(site) for site in walk.checks.sites} >= SECOND_LINES, "second lines that are gone"


@pytest.mark.soak
@pytest.mark.logs_errors
async def test_second_lines_are_none_of_the_first(walk: Walk) -> None:
    assert [check for check in sorted(SECOND_LINES) if await lets_any_through(walk, frozenset({check}))] == []


async def lets_any_through(walk: Walk, checks: frozenset[str]) -> bool:
    """Take checks away, and make again the calls that met them and were refused; with the checks they still are."""
    met = [case for case, sites in walk.refusals.items() if checks & sites]
    doors = [DROPPERS[name] for name, sites in walk.dropped.items() if checks & sites]
    walk.checks.removed = checks
    try:
        case = await walk.let_through(met)
        is_open = case is not None or any([await walk.drops(door) for door in doors])
    finally:
        walk.checks.removed = frozenset()
    assert case is None or await walk.let_through([case]) is None, f"{case} goes through with {checks} in place"
    return is_open


def weaker_access(route: Route) -> Route:
    """Return a route that opens for more kinds of credentials."""
    return replace(route, access=WEAKER.get(route.access, route.access))


def no_proof(route: Route) -> Route:
    """Return a route that asks for no proof."""
    return replace(route, proof=False)


@pytest.mark.logs_errors
@pytest.mark.parametrize("weaken", [weaker_access, no_proof])
async def test_each_route_with_a_weaker_rule_lets_somebody_through(
    walk: Walk, monkeypatch: pytest.MonkeyPatch, weaken: Callable[[Route], Route]
) -> None:
    routes = route_table()
    weakened = [f"{route.method} {route.path}" for route in routes if weaken(route) != route]
    monkeypatch.setattr(server, "route_table", lambda: [weaken(route) for route in routes])

    async with listening(replace(SETTINGS, server=replace(SETTINGS.server, port=0)), walk.world.server.cairn) as port:
        missed = [
            route
            for route in weakened
            if not await walk.let_through([case for case in walk.refusals if case.line.route == route], port)
        ]

    assert weakened
    assert missed == [], "\n".join(map(str, missed))
