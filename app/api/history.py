"""Handlers of what files were, and of copies: neither moves a byte."""

from http import HTTPStatus
from typing import Annotated

import msgspec
from aiohttp import web

from app.api.refusals import files_reply
from app.api.routes import Access, Routes
from app.errors import ConflictError, ForbiddenError, LimitReachedError, LockedError, NameTakenError, QuotaExceededError
from app.keys import ACTOR, ANSWER, SERVICES
from app.services.budget import ENTRY_SIZE
from app.services.copies import Wanted
from app.wire import Count, File
from app.wire_problems import FilesReply
from app.wire_tree import CopyManyRequest, CopyRequest, LabelRequest, Version, VersionPage

routes = Routes()


class _List(msgspec.Struct, forbid_unknown_fields=True):
    """Query of GET /api/v1/files/{id}/versions."""

    limit: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 1_000
    after: Count | None = None


@routes.get("/api/v1/files/{file_id}/versions", access=Access.FILES)
async def list_versions(request: web.Request, query: _List) -> VersionPage:
    """List a page of a file's versions, the newest first."""
    await request[ANSWER].take(query.limit * ENTRY_SIZE)
    page, end = await request.app[SERVICES].history.list_page(
        request[ACTOR], request.match_info["file_id"], before=query.after, limit=query.limit
    )
    return VersionPage([Version.of(version) for version in page], None if end is None else str(end))


@routes.post(
    "/api/v1/files/{file_id}/versions/{version_id}/restore",
    access=Access.FILES,
    refuses=(ForbiddenError, QuotaExceededError, LockedError),
)
async def restore_version(request: web.Request) -> File:
    """Make one of a file's versions its content again, as a new version."""
    services, names = request.app[SERVICES], request.match_info
    view = await services.history.restore(request[ACTOR], names["file_id"], names["version_id"])
    return File.of(view, services.epoch)


@routes.patch(
    "/api/v1/files/{file_id}/versions/{version_id}",
    access=Access.FILES,
    refuses=(ForbiddenError,),
    example=LabelRequest(label="as sent to the printer"),
)
async def label_version(request: web.Request, body: LabelRequest) -> None:
    """Label a version, which keeps it from retention, or take its label away."""
    match = request.match_info
    await request.app[SERVICES].history.label(request[ACTOR], match["file_id"], match["version_id"], body.label)


@routes.post(
    "/api/v1/files/{file_id}/copy",
    access=Access.FILES,
    status=HTTPStatus.CREATED,
    refuses=(ForbiddenError, ConflictError, NameTakenError, LimitReachedError, QuotaExceededError, LockedError),
    example=CopyRequest(parent_id="root", name="copy of plan.odt"),
)
async def copy(request: web.Request, body: CopyRequest) -> File:
    """Copy a file, or a folder with all below it."""
    services = request.app[SERVICES]
    view = await services.copies.copy(
        request[ACTOR], request.match_info["file_id"], body.parent_id, body.name, body.on_conflict
    )
    return File.of(view, services.epoch)


@routes.post("/api/v1/files/copy", access=Access.FILES)
async def copy_many(request: web.Request, body: CopyManyRequest) -> FilesReply:
    """Copy several nodes, each as a copy of one does; one that fails does not hold up the others."""
    copies = [Wanted(one.file_id, one.parent_id, one.name, one.on_conflict) for one in body.copies]
    return await files_reply(request, await request.app[SERVICES].copies.copy_many(request[ACTOR], copies))
