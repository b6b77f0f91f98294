"""Renders refusals: the problem's own members come from the services, `current` and `missing` among them."""

from typing import Any

from aiohttp import web

from app.errors import ConflictError, MissingChunksError, NotFoundError
from app.keys import ACTOR, REQUEST_ID, SERVICES
from app.problems import problem_of
from app.wire import File, missing_chunks
from storage.errors import ChunkMismatchError


async def problem_for(request: web.Request, error: Exception) -> dict[str, Any]:
    """Return the problem details of a refusal, with what the caller needs to go on."""
    members: dict[str, Any] = {}
    if REQUEST_ID in request:
        members["request_id"] = request[REQUEST_ID]
    if isinstance(error, ConflictError):
        members["current"] = await _current(request, error.current)
    elif isinstance(error, MissingChunksError):
        progress = await request.app[SERVICES].uploads.progress(request[ACTOR], error.upload_id, 0)
        members["missing"] = missing_chunks(progress)
        members["next_from"] = progress.next_from
    elif isinstance(error, ChunkMismatchError) and error.frame is not None:
        members["stored"], members["frame"] = error.stored, error.frame
    return problem_of(error, **members)


async def _current(request: web.Request, node_id: int | None) -> File | None:
    if node_id is None or ACTOR not in request:
        return None
    services = request.app[SERVICES]
    try:
        return File.of(await services.tree.get_number(request[ACTOR], node_id), services.epoch)
    except NotFoundError:
        return None
