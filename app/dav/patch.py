"""PATCH: the checksum of a file, as rclone asks Nextcloud for one by `X-Recalculate-Hash`; it changes nothing."""

from http import HTTPStatus
from typing import Final

from aiohttp import web

from app.api.ranges import check_match, check_none_match
from app.dav.paths import Target
from app.dav.problems import DavError
from app.errors import NotFoundError, UnsupportedMediaTypeError
from app.keys import ACTOR, ANSWER, SERVICES

HEADER: Final = "X-Recalculate-Hash"


async def patch(request: web.Request, target: Target) -> web.StreamResponse:
    """Read a file once, and answer what it hashes to."""
    services = request.app[SERVICES]
    content = await services.downloads.content_at(request[ACTOR], target.names)
    if content is None:
        raise DavError(HTTPStatus.METHOD_NOT_ALLOWED, "A folder has no content, and so no checksum.")
    if target.slash:
        raise NotFoundError("There is no folder at this path.")
    if HEADER not in request.headers or request.can_read_body:
        raise UnsupportedMediaTypeError(f"A PATCH asks for a checksum here, by {HEADER} and with no body.")
    check_match(request.headers, content.etag)
    check_none_match(request.headers, content.etag)
    algorithm = request.headers[HEADER].strip().upper()

    def check() -> None:
        if request.transport is None:
            raise ConnectionResetError("the peer was gone before its file was read")

    digest = await services.digests.digest(content.manifest, algorithm, request[ANSWER], check)
    headers = {"OC-Checksum": f"{algorithm}:{digest}", "ETag": f'"{content.etag}"'}
    return web.Response(status=HTTPStatus.NO_CONTENT, headers=headers)
