"""The handler of the metrics."""

from http import HTTPStatus

from aiohttp import web

from app.api.routes import Access, Answer, Routes
from app.keys import SERVICES

routes = Routes()

_TEXT = "text/plain; version=0.0.4; charset=utf-8"


@routes.get(
    "/metrics",
    access=Access.METRICS,
    answers=(Answer(HTTPStatus.OK, {"text/plain": ()}),),
)
async def show_metrics(request: web.Request) -> web.Response:
    """Show numbers about the whole server in the text format of Prometheus."""
    metrics = request.app[SERVICES].metrics
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    metrics.require(token.strip() if scheme.lower() == "bearer" else None)
    return web.Response(body=metrics.text().encode(), headers={"Content-Type": _TEXT, "Cache-Control": "no-store"})
