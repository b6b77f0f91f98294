"""The handler that gives many small files in one answer."""

from http import HTTPStatus

from aiohttp import web

from app.api.routes import Access, Answer, Routes
from app.api.sending import SLICE
from app.keys import ACTOR, ANSWER, SERVICES
from app.services.download_bundles import Wanted
from app.wire import DownloadBundleRequest

MEDIA_TYPE = "application/octet-stream"

routes = Routes()


@routes.post("/api/v1/downloadBundle", access=Access.FILES, answers=(Answer(HTTPStatus.OK, {MEDIA_TYPE: ()}),))
async def get_bundle(request: web.Request, body: DownloadBundleRequest) -> web.StreamResponse:
    """Give up to 1,000 small files in one answer.

    For each file, in order: its chunks as frames (32 bytes SHA-256, 4 bytes big-endian length, the bytes), then 36 zero
    bytes; or 32 zero bytes and the length 0xFFFFFFFF for one that is not given, which is asked for by itself. Files of
    up to 1 MiB, 8 MiB and 4,096 frames in all, are given.
    """
    wanted = [Wanted(file.file_id, file.version_id) for file in body.files]
    pieces = await request.app[SERVICES].download_bundles.read(request[ACTOR], wanted, request[ANSWER])
    response = web.StreamResponse(headers={"Cache-Control": "no-store"})
    response.content_type = MEDIA_TYPE
    response.content_length = sum(map(len, pieces))
    await response.prepare(request)
    for piece in pieces:
        for at in range(0, len(piece), SLICE):  # a whole one would be copied, and stay until all is taken
            await response.write(memoryview(piece)[at : at + SLICE])
    await response.write_eof()
    return response
