"""Handlers of the feed: pages, long polls and the stream of events."""

import asyncio
from contextlib import aclosing
from http import HTTPStatus
from typing import Annotated

import msgspec
from aiohttp import web

from app.api.http import json_reply
from app.api.routes import JSON, Access, Answer, Routes
from app.errors import CursorResetError, InvalidRequestError, NotFoundError
from app.keys import ACTOR, ANSWER, SERVICES
from app.services.cursor import Cursor
from app.services.feed_page import Change
from app.services.feed_view import Asked
from app.wire import Count, WireId
from app.wire_sync import ChangeReply, EventReply, SyncReply

routes = Routes()

ALIVE_S = 25.0
_EVENT_HEADERS = {
    "Content-Type": "text/event-stream; charset=utf-8",
    "Cache-Control": "no-store",
    "X-Accel-Buffering": "no",  # nginx would hold events back to fill a buffer
}
_ALIVE = b":\n\n"
_CursorText = Annotated[str, msgspec.Meta(max_length=1024)]


class _Sync(msgspec.Struct, forbid_unknown_fields=True):
    """Query of GET /api/v1/sync."""

    cursor: _CursorText | None = None
    since_ms: Count | None = msgspec.field(name="lastSyncTimestamp", default=None)
    space_id: WireId | None = None
    limit: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 1_000
    wait: Annotated[int, msgspec.Meta(ge=0, le=60)] = 0


class _Events(msgspec.Struct, forbid_unknown_fields=True):
    """Query of GET /api/v1/events."""

    cursor: _CursorText | None = None
    space_id: WireId | None = None


@routes.get(
    "/api/v1/sync",
    access=Access.FILES,
    answers=(Answer(HTTPStatus.OK, {JSON: (SyncReply[ChangeReply],)}),),
    refuses=(CursorResetError, NotFoundError),
)
async def sync(request: web.Request, query: _Sync) -> web.Response:
    """Answer with a page of changes, or wait for one."""
    services = request.app[SERVICES]
    if query.cursor is not None and query.since_ms is not None:
        raise InvalidRequestError("Give cursor or lastSyncTimestamp, not both.")

    def show(change: Change) -> msgspec.Raw:
        # Encoded one by one: of 10,000 nodes the bytes are kept and nothing else.
        return msgspec.Raw(msgspec.json.encode(ChangeReply.of(change, services.epoch)))

    page = await services.feed.poll(
        request[ACTOR],
        Asked(query.cursor, query.since_ms, query.space_id, query.limit),
        wait_s=query.wait,
        is_gone=lambda: request.transport is None,
        show=show,
        lease=request[ANSWER],
    )
    return json_reply(SyncReply.of(page))


@routes.get(
    "/api/v1/events",
    access=Access.FILES,
    headers=("Last-Event-ID",),
    answers=(Answer(HTTPStatus.OK, {"text/event-stream": ()}),),
    refuses=(CursorResetError, NotFoundError),
)
async def events(request: web.Request, query: _Events) -> web.StreamResponse:
    """Say each time that there is something new, until the peer leaves (server-sent events, HTML Standard 9.2)."""
    response = web.StreamResponse(headers=_EVENT_HEADERS)
    asked = Asked(request.headers.get("Last-Event-ID", query.cursor), space_id=query.space_id)
    news = request.app[SERVICES].feed.watch(
        request[ACTOR], asked, alive_s=ALIVE_S, is_gone=lambda: request.transport is None
    )
    async with aclosing(news):
        async for found in news:
            if not response.prepared:
                await response.prepare(request)
            if request.method == "HEAD":
                break
            await _send(response, _ALIVE if found is None else _event(*found))
    return response


def _event(before: Cursor, after: Cursor) -> bytes:
    """Write one event: a reader asks from the cursor in its data, and takes the stream up again with its id."""
    data = msgspec.json.encode(EventReply(before.encode()))
    return b"event: change\nid: %b\ndata: %b\n\n" % (after.encode().encode(), data)


async def _send(response: web.StreamResponse, data: bytes) -> None:
    try:
        async with asyncio.timeout(ALIVE_S):
            await response.write(data)
    except TimeoutError as error:
        raise ConnectionResetError("the reader of the events takes nothing") from error
