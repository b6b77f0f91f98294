"""Handlers about the server as a whole, for admins: how it is, and what it does by itself."""

from http import HTTPStatus
from typing import Annotated

import msgspec
from aiohttp import web

from app.api.routes import Access, Answer, Routes
from app.keys import SERVICES
from app.version import VERSION
from app.wire_server import ServerState, WorkPage, WorkReply

routes = Routes()


class _Work(msgspec.Struct, forbid_unknown_fields=True):
    """Query of GET /api/v1/server/jobs."""

    limit: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 1_000
    after: Annotated[str, msgspec.Meta(max_length=64)] | None = None


@routes.get("/api/v1/server", access=Access.ADMIN)
async def show_server(request: web.Request) -> ServerState:
    """Tell how the server is: whether its parts answer, what room there is, how collections go, what is not set."""
    services = request.app[SERVICES]
    return ServerState.of(await services.supervision.look(), VERSION, services.surroundings.notices())


@routes.get("/api/v1/server/jobs", access=Access.ADMIN)
async def list_work(request: web.Request, query: _Work) -> WorkPage:
    """List a page of the work that is left to do for all users, the oldest first."""
    found = await request.app[SERVICES].jobs.list_page(after=query.after, limit=query.limit)
    items = [WorkReply.of(one) for one in found]
    return WorkPage(items, items[-1].job_id if len(items) == query.limit else None)


@routes.post("/api/v1/server/collection", access=Access.ADMIN, answers=(Answer(HTTPStatus.ACCEPTED),))
async def begin_collection(request: web.Request) -> web.Response:
    """Let a collection of unused chunks begin now, beside those that come by themselves; GET /api/v1/server tells more.

    What it finds unused goes when it was found so twice, with a day between, as ever.
    """
    request.app[SERVICES].supervision.collect()
    return web.Response(status=HTTPStatus.ACCEPTED)
