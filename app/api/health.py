"""Handlers for whoever watches the server: is it alive, can it serve."""

from typing import Literal

import msgspec
from aiohttp import web

from app.api.routes import Access, Routes
from app.keys import SERVICES
from app.services.health import Limit

routes = Routes()


class Health(msgspec.Struct, frozen=True):
    """Answer to GET /healthz."""

    status: Literal["ok"] = "ok"


class Readiness(msgspec.Struct, frozen=True):
    """Answer to GET /readyz: `limited` while something is refused for the reasons given, and all else is served."""

    status: Literal["ok", "limited"]
    reasons: list[Limit]


@routes.get("/healthz", access=Access.ALWAYS)
async def show_alive(_request: web.Request) -> Health:
    """Answer: the socket opens only when the server can serve."""
    return Health()


@routes.get("/readyz", access=Access.ALWAYS)
async def show_ready(request: web.Request) -> Readiness:
    """Answer 200 if every part answers, with what is refused at present; else 503."""
    reasons = await request.app[SERVICES].health.check()
    return Readiness("limited" if reasons else "ok", reasons)
