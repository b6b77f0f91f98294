"""Handlers for whoever watches the server: is it alive, can it serve."""

from aiohttp import web

from app.api.http import Access, Routes, json_reply
from app.keys import SERVICES

routes = Routes()


@routes.get("/healthz", access=Access.ALWAYS)
async def show_alive(_request: web.Request) -> web.Response:
    """Answer: the socket opens only when the server can serve."""
    return json_reply({"status": "ok"})


@routes.get("/readyz", access=Access.ALWAYS)
async def show_ready(request: web.Request) -> web.Response:
    """Answer 200 if every part can serve, else 503."""
    await request.app[SERVICES].health.check()
    return json_reply({"status": "ok"})
