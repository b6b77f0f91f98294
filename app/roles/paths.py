"""Which routes each role serves, as they stand in the route table."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from aiohttp import web

from app.api.routes import Route
from app.errors import UnavailableError

HEALTH: Final = ("/healthz", "/readyz")
CHUNKS: Final = ("/chunks/{chunk}",)
FEED: Final = ("/api/v1/sync", "/api/v1/events")


def only(paths: Iterable[str], routes: Iterable[Route]) -> list[Route]:
    """Return the routes with one of some paths, and those for whoever watches the process."""
    wanted = {*paths, *HEALTH}
    return [route for route in routes if route.path in wanted]


def leaving(paths: Iterable[str], routes: Iterable[Route]) -> list[Route]:
    """Return all routes; those with one of some paths say that a process beside this one serves them."""
    left = set(paths)
    return [replace(route, handler=_elsewhere) if route.path in left else route for route in routes]


async def _elsewhere(request: web.Request) -> web.StreamResponse:
    raise UnavailableError(
        f"This process leaves {request.path} to another, for it runs with --role api: the proxy must send it there."
    )
