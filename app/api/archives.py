"""Folders and selections as zips: one answer whose size is known, in parts if they are asked for."""

from collections.abc import Awaitable, Callable
from contextlib import aclosing
from http import HTTPStatus

from aiohttp import web

from app.api.ranges import Span, check_preconditions, parse_ranges, range_applies
from app.api.routes import Access, Answer, Routes
from app.api.sending import reset
from app.api.serving import SANDBOX, content_range
from app.errors import (
    ForbiddenError,
    LimitReachedError,
    NotFoundError,
    PreconditionFailedError,
    RangeNotSatisfiableError,
)
from app.keys import ACTOR, ANSWER, OWNER, SERVICES, TURN
from app.services.archives import Archive, still_working
from app.services.media import content_disposition
from app.wire_archives import ArchiveReply, ArchiveRequest
from storage.errors import StoreFullError

routes = Routes()

MEDIA_TYPE = "application/zip"
READING = ("Range", "If-Range", "If-Match", "If-None-Match")
REFUSES = (LimitReachedError, PreconditionFailedError, RangeNotSatisfiableError, StoreFullError)
_ALWAYS = ("ETag", "Accept-Ranges", "Content-Disposition")
ARCHIVE = (
    Answer(HTTPStatus.OK, {MEDIA_TYPE: ()}, _ALWAYS),
    Answer(HTTPStatus.PARTIAL_CONTENT, {MEDIA_TYPE: ()}, (*_ALWAYS, "Content-Range")),
    Answer(HTTPStatus.NOT_MODIFIED, {}, ("ETag",)),
)
_NO_TIME = -1  # a zip has no time of its own: conditions with a date do not hold
"""How `serve_archive` answers when it succeeds; several ranges at once are answered with the whole."""


@routes.get(
    "/api/v1/folders/{file_id}/archive.zip",
    access=Access.FILES,
    headers=READING,
    answers=ARCHIVE,
    refuses=(*REFUSES, ForbiddenError),
)
async def get_archive(request: web.Request) -> web.StreamResponse:
    """Give a folder as a zip: nothing is compressed, so its size is known, and a download can be resumed."""
    services, actor = request.app[SERVICES], request[ACTOR]
    request[TURN].give_back()  # planning takes long and goes step by step: there are places of its own for zips
    folder_ids = [request.match_info["file_id"]]
    opening = services.archives.open(request[OWNER], actor, folder_ids, still_working(actor), is_folder=True)
    async with opening as archive:
        return await serve_archive(request, archive)


@routes.post(
    "/api/v1/archives",
    access=Access.FILES,
    status=HTTPStatus.CREATED,
    refuses=(LimitReachedError, ForbiddenError, NotFoundError, StoreFullError),
)
async def choose(request: web.Request, body: ArchiveRequest) -> ArchiveReply:
    """Choose files and folders to be fetched as one zip, within an hour; a fifth selection ends the oldest."""
    services, actor = request.app[SERVICES], request[ACTOR]
    request[TURN].give_back()
    file_ids = tuple(dict.fromkeys(body.file_ids))
    async with services.archives.open(request[OWNER], actor, file_ids, still_working(actor)) as archive:
        selection = services.selections.keep(actor.user_id, file_ids)
        return ArchiveReply.of(selection, archive)


@routes.get(
    "/api/v1/archives/{archive_id}",
    access=Access.FILES,
    headers=READING,
    answers=ARCHIVE,
    refuses=(*REFUSES, ForbiddenError),
)
async def get_selection(request: web.Request) -> web.StreamResponse:
    """Give a selection as a zip, like that of a folder."""
    services, actor = request.app[SERVICES], request[ACTOR]
    request[TURN].give_back()
    selection = services.selections.get(actor.user_id, request.match_info["archive_id"])
    async with services.archives.open(request[OWNER], actor, selection.file_ids, still_working(actor)) as archive:
        return await serve_archive(request, archive)


async def serve_archive(
    request: web.Request, archive: Archive, *, begins: Callable[[int], Awaitable[None]] | None = None
) -> web.StreamResponse:
    """Send a zip as the request's conditions and range ask.

    Args:
        begins: awaited before bytes are sent, with the number of the first of them; may refuse.

    Raises:
        PreconditionFailedError: If-Match does not hold.
        RangeNotSatisfiableError: none of the bytes asked for exist.
    """
    etag, size = archive.plan.etag, archive.plan.size
    headers = _headers(archive)
    if not check_preconditions(request.headers, etag, _NO_TIME):
        return web.Response(status=HTTPStatus.NOT_MODIFIED, headers=headers)
    status, span = HTTPStatus.OK, Span(0, size)
    if "Range" in request.headers and range_applies(request.headers, etag, _NO_TIME):
        spans = parse_ranges(request.headers["Range"], size)
        if len(spans) == 1:
            status, span = HTTPStatus.PARTIAL_CONTENT, spans[0]
            headers["Content-Range"] = content_range(span, size)
    if begins is not None and request.method != "HEAD":
        await begins(span.start)
    response = web.StreamResponse(status=status, headers=headers)
    response.content_type = MEDIA_TYPE
    response.content_length = span.size
    await response.prepare(request)
    if request.method != "HEAD":
        await _send(request, response, archive, span)
    return response


async def _send(request: web.Request, response: web.StreamResponse, archive: Archive, span: Span) -> None:
    """Write the bytes; whatever fails breaks the connection off, so that nobody takes them for a whole zip."""
    services, lease, transport = request.app[SERVICES], request[ANSWER], request.transport
    try:
        async with aclosing(archive.read(span.start, span.stop, lease)) as pieces:
            async for piece in pieces:
                if isinstance(piece, (bytes, memoryview)):
                    await response.write(piece)
                else:
                    await services.sender.send(request, response, piece, services.downloads, lease)
    except BaseException:
        if transport is not None:
            reset(transport)
        raise


def _headers(archive: Archive) -> dict[str, str]:
    return {
        "ETag": f'"{archive.plan.etag}"',
        "Accept-Ranges": "bytes",
        "Content-Disposition": content_disposition("attachment", f"{archive.name}.zip"),
        "Content-Security-Policy": SANDBOX,
        "Cache-Control": "private, no-cache",
    }
