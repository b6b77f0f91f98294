"""Small pictures of images: re-encoded, upright, and without what else stood in the file."""

from http import HTTPStatus
from typing import Literal

import msgspec
from aiohttp import web

from app.api.ranges import check_preconditions
from app.api.routes import Access, Answer, Routes
from app.api.serving import SANDBOX
from app.auth.identity import Actor
from app.errors import PreconditionFailedError, UnavailableError
from app.keys import ACTOR, ANSWER, OWNER, SERVICES, TURN
from app.wire import WireId

routes = Routes()

Edge = Literal["256", "1600"]
"""Longest side in pixels: one for lists and grids, one for a whole screen."""
READING = ("If-Match", "If-None-Match")
REFUSES = (PreconditionFailedError, UnavailableError)
THUMBNAIL = (
    Answer(HTTPStatus.OK, {"image/jpeg": (), "image/webp": ()}, ("ETag",)),
    Answer(HTTPStatus.NO_CONTENT, {}, ("ETag",)),
    Answer(HTTPStatus.NOT_MODIFIED, {}, ("ETag",)),
)
"""How `serve_thumbnail` answers when it succeeds: with nothing where there is no picture of such a content."""
_NO_TIME = -1  # conditions with a date do not hold
_FOR_A_MONTH = "private, max-age=2592000, immutable"
_ASK_EACH_TIME = "private, no-cache"


class _Thumbnail(msgspec.Struct, forbid_unknown_fields=True):
    """Query of GET /api/v1/files/{id}/thumbnail: the longest side, and a version; the current one if absent."""

    size: Edge = "256"
    version_id: WireId | None = None


@routes.get(
    "/api/v1/files/{file_id}/thumbnail", access=Access.FILES, headers=READING, answers=THUMBNAIL, refuses=REFUSES
)
async def get_thumbnail(request: web.Request, query: _Thumbnail) -> web.Response:
    """Give a picture of an image that is no longer than `size` on either side, and never larger than the image."""
    return await serve_thumbnail(
        request, request[ACTOR], request.match_info["file_id"], version_id=query.version_id, edge=query.size
    )


async def serve_thumbnail(
    request: web.Request, actor: Actor, file_id: str, *, version_id: str | None, edge: Edge
) -> web.Response:
    """Answer with the thumbnail of a file that `actor` may read.

    A version that was asked for by its id never changes, so that a browser may keep its picture.

    Raises:
        PreconditionFailedError: If-Match does not hold.
        UnavailableError: too many wait for theirs.
    """
    thumbnails = request.app[SERVICES].thumbnails
    source = await thumbnails.find(actor, file_id, version_id, int(edge))
    etag = source.key.hex()
    headers = {
        "ETag": f'"{etag}"',
        "Cache-Control": _ASK_EACH_TIME if version_id is None else _FOR_A_MONTH,
        "Content-Security-Policy": SANDBOX,
    }
    if not check_preconditions(request.headers, etag, _NO_TIME):
        return web.Response(status=HTTPStatus.NOT_MODIFIED, headers=headers)
    if TURN in request:
        request[TURN].give_back()  # there are turns of its own for this, which takes long
    thumbnail = await thumbnails.get(request[OWNER], source, lambda: request.transport is not None)
    if thumbnail.media_type is None:
        return web.Response(status=HTTPStatus.NO_CONTENT, headers=headers)
    await request[ANSWER].take(len(thumbnail.body))
    return web.Response(body=thumbnail.body, content_type=thumbnail.media_type, headers=headers)
