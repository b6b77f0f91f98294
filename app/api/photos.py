"""Handlers of the gallery: all pictures and videos that somebody sees, by their times."""

from typing import Annotated

import msgspec
from aiohttp import web
from msgspec import Meta

from app.api.routes import Access, Routes
from app.errors import ForbiddenError, InvalidRequestError
from app.keys import ACTOR, ANSWER, SERVICES
from app.listing import Spot
from app.services.budget import ENTRY_SIZE
from app.wire import File, Page, Time
from app.wire_tree import PhotoMonth, PhotoMonths

routes = Routes()


class _Photos(msgspec.Struct, forbid_unknown_fields=True):
    """Query of GET /api/v1/photos: what is older than `before_ms`, by mtime, or what comes after an earlier page."""

    before_ms: Time | None = None
    limit: Annotated[int, Meta(ge=1, le=1_000)] = 200
    after: Annotated[str, Meta(max_length=100, pattern=r"^-?\d{1,19}\.\d{1,19}\.\d{1,19}$")] | None = None


class _Months(msgspec.Struct, forbid_unknown_fields=True):
    """Query of GET /api/v1/photos/months: by whose clock, in minutes after UTC."""

    offset_min: Annotated[int, Meta(ge=-1_440, le=1_440)] = 0


@routes.get("/api/v1/photos", access=Access.FILES, refuses=(ForbiddenError, InvalidRequestError))
async def list_photos(request: web.Request, query: _Photos) -> Page:
    """List pictures and videos of the whole view, the newest first; a page may be short and have a next one."""
    services = request.app[SERVICES]
    await request[ANSWER].take(query.limit * ENTRY_SIZE)
    views, end = await services.photos.page(request[ACTOR], after=_spot(query), limit=query.limit)
    return Page([File.of(view, services.epoch) for view in views], None if end is None else ".".join(map(str, end)))


@routes.get("/api/v1/photos/months", access=Access.FILES, refuses=(ForbiddenError,))
async def count_photos(request: web.Request, query: _Months) -> PhotoMonths:
    """Count pictures and videos of the whole view by month."""
    months = await request.app[SERVICES].photos.months(request[ACTOR], offset_min=query.offset_min)
    return PhotoMonths([PhotoMonth(month, photos) for month, photos in months])


def _spot(query: _Photos) -> Spot | None:
    if query.after is not None:
        if query.before_ms is not None:
            raise InvalidRequestError("Say where to begin in one way: before_ms, or after.")
        return Spot(*(min(int(part), 2**63 - 1) for part in query.after.split(".")))
    return None if query.before_ms is None else Spot(query.before_ms, -1, -1)
