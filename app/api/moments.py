"""Handlers of any moment back: a folder as it was, rewind, undo, and what they left alone."""

import base64
import binascii
from http import HTTPStatus
from typing import Annotated

import msgspec
from aiohttp import web

from app.api.http import json_reply
from app.api.routes import JSON, Access, Answer, Routes
from app.errors import ForbiddenError, InvalidRequestError, NotFoundError
from app.keys import ACTOR, ANSWER, SERVICES
from app.services.budget import ENTRY_SIZE
from app.services.moments import Place
from app.services.takebacks_shown import Preview
from app.wire import Count
from app.wire_jobs import JobAccepted
from app.wire_moments import (
    ActivityReply,
    KeptPage,
    Moment,
    PastFile,
    PastPage,
    PlanEntry,
    PlanReply,
    RewindRequest,
    UndoRequest,
)

routes = Routes()

_ANSWERS = (Answer(HTTPStatus.ACCEPTED, {JSON: (JobAccepted,)}), Answer(HTTPStatus.OK, {JSON: (PlanReply,)}))


class _At(msgspec.Struct, forbid_unknown_fields=True):
    """Query of GET /api/v1/folders/{id}/at."""

    time_ms: Moment
    limit: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 1_000
    after: Annotated[str, msgspec.Meta(max_length=1024)] | None = None


class _Activity(msgspec.Struct, forbid_unknown_fields=True):
    """Query of GET /api/v1/folders/{id}/activity."""

    from_ms: Moment
    days: Annotated[int, msgspec.Meta(ge=1, le=100)] = 28


class _Kept(msgspec.Struct, forbid_unknown_fields=True):
    """Query of GET /api/v1/jobs/{id}/kept."""

    limit: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 1_000
    after: Count = 0


@routes.get("/api/v1/folders/{file_id}/at", access=Access.FILES)
async def list_at(request: web.Request, query: _At) -> PastPage:
    """List a page of a folder as it was at a time, folders first."""
    services = request.app[SERVICES]
    await request[ANSWER].take(query.limit * ENTRY_SIZE)
    views, end = await services.moments.children_at(
        request[ACTOR],
        request.match_info["file_id"],
        time_ms=query.time_ms,
        after=None if query.after is None else _decode_place(query.after),
        limit=query.limit,
    )
    items = [PastFile.of_past(view, services.epoch) for view in views]
    return PastPage(items, None if end is None else _encode_place(end))


@routes.get("/api/v1/folders/{file_id}/activity", access=Access.FILES)
async def show_activity(request: web.Request, query: _Activity) -> ActivityReply:
    """Tell how many changes there were in a folder, day by day."""
    counts = await request.app[SERVICES].moments.activity(
        request[ACTOR], request.match_info["file_id"], from_ms=query.from_ms, days=query.days
    )
    return ActivityReply(counts)


@routes.post(
    "/api/v1/folders/{file_id}/rewind",
    access=Access.FILES,
    answers=_ANSWERS,
    refuses=(ForbiddenError,),
    example=RewindRequest(time_ms=0, dry_run=True),
)
async def rewind(request: web.Request, body: RewindRequest) -> web.Response:
    """Put what is below a folder back as it was at a time, as new changes; a dry run tells what they would be."""
    services = request.app[SERVICES]
    return _reply(
        await services.takebacks.rewind(
            request[ACTOR], request.match_info["file_id"], body.time_ms, dry_run=body.dry_run
        )
    )


@routes.post(
    "/api/v1/undo",
    access=Access.FILES,
    answers=_ANSWERS,
    refuses=(ForbiddenError, NotFoundError),
    example=UndoRequest(from_ms=0, to_ms=0, username="ada", dry_run=True),
)
async def undo(request: web.Request, body: UndoRequest) -> web.Response:
    """Take back what one device, link or person did in a span, and keep what others have changed since."""
    if sum(named is not None for named in (body.device_id, body.link_id, body.username)) != 1:
        raise InvalidRequestError("Say whose changes: one of device_id, link_id and username.")
    takebacks = request.app[SERVICES].takebacks
    return _reply(await takebacks.undo(request[ACTOR], body.whose(), body.from_ms, body.to_ms, dry_run=body.dry_run))


@routes.get("/api/v1/jobs/{job_id}/kept", access=Access.FILES)
async def list_kept(request: web.Request, query: _Kept) -> KeptPage:
    """List a page of what a rewind or undo that is over left alone, and why."""
    await request[ANSWER].take(query.limit * ENTRY_SIZE)
    page, end = await request.app[SERVICES].takebacks.list_kept(
        request[ACTOR], request.match_info["job_id"], after=query.after, limit=query.limit
    )
    return KeptPage([PlanEntry.of_kept(shown) for shown in page], None if end is None else str(end))


def _reply(found: Preview | str) -> web.Response:
    if isinstance(found, Preview):
        return json_reply(PlanReply.of(found))
    return json_reply(JobAccepted(found), HTTPStatus.ACCEPTED)


def _encode_place(place: Place) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode((place.is_file, place.name))).rstrip(b"=").decode()


def _decode_place(text: str) -> Place:
    try:
        packed = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        return Place(*msgspec.json.decode(packed, type=tuple[bool, str]))
    except (ValueError, binascii.Error) as error:
        raise InvalidRequestError("`after` is not one that a listing gave.") from error
