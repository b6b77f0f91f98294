"""Handlers of links for those who make and manage them."""

from http import HTTPStatus
from typing import Annotated

import msgspec
from aiohttp import web

from app.api.routes import Access, Routes
from app.errors import ForbiddenError, LimitReachedError, NotFoundError
from app.keys import ACTOR, ANSWER, SERVICES
from app.link_mode import Mode
from app.services.budget import ENTRY_SIZE
from app.services.links import Keep, Terms
from app.wire import WireId
from app.wire_links import LinkChange, LinkPage, LinkReply, LinkRequest

routes = Routes()


class _Links(msgspec.Struct, forbid_unknown_fields=True):
    """Query of GET /api/v1/links."""

    file_id: WireId | None = None
    limit: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 1_000
    after: Annotated[str, msgspec.Meta(max_length=64)] | None = None


@routes.post(
    "/api/v1/links",
    access=Access.ACCOUNT,
    status=HTTPStatus.CREATED,
    refuses=(ForbiddenError, LimitReachedError, NotFoundError),
)
async def make_link(request: web.Request, body: LinkRequest) -> LinkReply:
    """Make a URL that shows a file or folder to whoever holds it, or takes files into a folder."""
    services = request.app[SERVICES]
    terms = Terms(
        body.password,
        body.expires_ms,
        body.max_downloads,
        allows_download=body.allow_download,
        title=body.title,
    )
    mode = Mode.DROP if body.mode == "drop" else Mode.VIEW
    shown = await services.links.make(request[ACTOR], body.file_id, mode, terms)
    return LinkReply.of(shown, services.settings.server.public_url)


@routes.get("/api/v1/links", access=Access.ACCOUNT, refuses=(ForbiddenError, NotFoundError))
async def list_links(request: web.Request, query: _Links) -> LinkPage:
    """List the links that one made, and all that lead to what is one's own."""
    await request[ANSWER].take(query.limit * ENTRY_SIZE)
    found = await request.app[SERVICES].links.list_page(
        request[ACTOR], file_id=query.file_id, after=query.after, limit=query.limit + 1
    )
    public_url = request.app[SERVICES].settings.server.public_url
    items = [LinkReply.of(shown, public_url) for shown in found[: query.limit]]
    return LinkPage(items, items[-1].link_id if len(found) > query.limit else None)


@routes.patch("/api/v1/links/{link_id}", access=Access.ACCOUNT)
async def change_link(request: web.Request, body: LinkChange) -> LinkReply:
    """Set or clear a link's password, title, end and what may be downloaded; pause it, or let it go on."""
    terms = Terms(
        password=Keep.AS_IS if body.password is msgspec.UNSET else body.password,
        expires_ms=Keep.AS_IS if body.expires_ms is msgspec.UNSET else body.expires_ms,
        max_downloads=Keep.AS_IS if body.max_downloads is msgspec.UNSET else body.max_downloads,
        is_paused=Keep.AS_IS if body.paused is msgspec.UNSET else body.paused,
        allows_download=Keep.AS_IS if body.allow_download is msgspec.UNSET else body.allow_download,
        title=Keep.AS_IS if body.title is msgspec.UNSET else body.title,
    )
    services = request.app[SERVICES]
    shown = await services.links.change(request[ACTOR], request.match_info["link_id"], terms)
    return LinkReply.of(shown, services.settings.server.public_url)


@routes.delete("/api/v1/links/{link_id}", access=Access.ACCOUNT)
async def end_link(request: web.Request) -> None:
    """End a link for good."""
    await request.app[SERVICES].links.end(request[ACTOR], request.match_info["link_id"])
