"""Renders refusals: the problem's own members come from the services, `current` and `missing` among them."""

from collections.abc import Sequence
from typing import Any, TypeVar

import msgspec
from aiohttp import web

from app.errors import AppError, ConflictError, MissingChunksError, NotFoundError
from app.keys import ACTOR, REQUEST_ID, SERVICES
from app.problems import Problem, problem_of
from app.services.views import View
from app.wire import File, FileReply, missing_chunks
from app.wire_problems import ConflictProblem, FilesReply, FrameProblem, MissingProblem
from storage.errors import ChunkMismatchError

R = TypeVar("R")
P = TypeVar("P", bound=Problem)


async def problem_for(request: web.Request, error: Exception) -> Problem:
    """Return the problem details of a refusal, with what the caller needs to go on."""
    problem = problem_of(error)
    if REQUEST_ID in request:
        problem = msgspec.structs.replace(problem, request_id=request[REQUEST_ID])
    if isinstance(error, ConflictError):
        return _with(problem, ConflictProblem, current=await _current(request, error.current))
    if isinstance(error, MissingChunksError):
        progress = await request.app[SERVICES].uploads.progress(request[ACTOR], error.upload_id, 0)
        return _with(problem, MissingProblem, missing=missing_chunks(progress), next_from=progress.next_from)
    if isinstance(error, ChunkMismatchError) and error.frame is not None:
        return _with(problem, FrameProblem, stored=error.stored, frame=error.frame)
    return problem


async def files_reply(request: web.Request, results: Sequence[View | AppError]) -> FilesReply:
    """Show what came of many changes: each File or refusal at its place."""
    epoch = request.app[SERVICES].epoch
    shown = [result if isinstance(result, AppError) else FileReply(File.of(result, epoch)) for result in results]
    return FilesReply(await each_shown(request, shown))


async def each_shown(request: web.Request, results: Sequence[R | AppError]) -> list[R | Problem]:
    """Return what came of many changes with the problem details of each refusal in its place."""
    return [await problem_for(request, result) if isinstance(result, AppError) else result for result in results]


def _with(problem: Problem, kind: type[P], **members: Any) -> P:
    return kind(**msgspec.structs.asdict(problem), **members)


async def _current(request: web.Request, node_id: int | None) -> File | None:
    if node_id is None or ACTOR not in request:
        return None
    services = request.app[SERVICES]
    try:
        return File.of(await services.tree.get_number(request[ACTOR], node_id), services.epoch)
    except NotFoundError:
        return None
