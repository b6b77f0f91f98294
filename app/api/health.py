"""Handlers for whoever watches the server: is it alive, can it serve."""

from typing import Literal

import msgspec
from aiohttp import web

from app.api.routes import Access, Routes
from app.keys import SERVICES

routes = Routes()


class Health(msgspec.Struct, frozen=True):
    """Answer to GET /healthz and /readyz."""

    status: Literal["ok"] = "ok"


@routes.get("/healthz", access=Access.ALWAYS)
async def show_alive(_request: web.Request) -> Health:
    """Answer: the socket opens only when the server can serve."""
    return Health()


@routes.get("/readyz", access=Access.ALWAYS)
async def show_ready(request: web.Request) -> Health:
    """Answer 200 if every part can serve, else 503."""
    await request.app[SERVICES].health.check()
    return Health()
