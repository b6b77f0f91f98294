"""Handler of the search by name."""

from http import HTTPStatus
from typing import Annotated, Literal

import msgspec
from aiohttp import web
from msgspec import Meta

from app.api.http import long_reply
from app.api.routes import JSON, Access, Answer, Routes
from app.errors import ForbiddenError, NotFoundError
from app.keys import ACTOR, ANSWER, SERVICES
from app.services.budget import ENTRY_SIZE
from app.services.search import Wanted
from app.wire import Count, File, Page, Time, WireId

routes = Routes()


class _Search(msgspec.Struct, forbid_unknown_fields=True, rename={"folder": "in"}):
    """Query of GET /api/v1/search.

    `q` is part of a name: case and accents do not count. `in` is a folder below which to look. `type` is a content
    type, or all that begin alike, as `image/*`. The times are compared with a file's mtime and a folder's last change:
    from `modified_after_ms` on, and before `modified_before_ms`.
    """

    q: Annotated[str, Meta(max_length=255)] = ""
    folder: WireId | None = None
    kind: Literal["file", "folder"] | None = None
    type: Annotated[str, Meta(min_length=1, max_length=255)] | None = None
    modified_after_ms: Time | None = None
    modified_before_ms: Time | None = None
    min_size: Count | None = None
    max_size: Count | None = None
    limit: Annotated[int, Meta(ge=1, le=1_000)] = 100
    after: Count | None = None


@routes.get(
    "/api/v1/search",
    access=Access.FILES,
    answers=(Answer(HTTPStatus.OK, {JSON: (Page,)}),),
    refuses=(ForbiddenError, NotFoundError),
)
async def search(request: web.Request, query: _Search) -> web.Response:
    """Find files and folders by name, the newest first; a page may be short, or empty, and have a next one."""
    services = request.app[SERVICES]
    await request[ANSWER].take(query.limit * ENTRY_SIZE)
    wanted = Wanted(
        text=query.q,
        kind=query.kind,
        content_type=query.type,
        changed_from_ms=query.modified_after_ms,
        changed_before_ms=query.modified_before_ms,
        min_size=query.min_size,
        max_size=query.max_size,
    )
    views, end = await services.search.find(
        request[ACTOR], wanted, folder_id=query.folder, before=query.after, limit=query.limit
    )
    items = [File.of(view, services.epoch) for view in views]
    return long_reply(request, Page(items, None if end is None else str(end)))
