"""Handlers of what is deleted: into the trash, its list, back, and gone for good."""

from typing import Annotated

import msgspec
from aiohttp import web

from app.api.refusals import each_shown, files_reply
from app.api.routes import Access, Routes
from app.errors import ConflictError, ForbiddenError, LimitReachedError, LockedError
from app.keys import ACTOR, ANSWER, SERVICES
from app.services.budget import ENTRY_SIZE
from app.services.trash import Seen
from app.wire import Count, File, WireId
from app.wire_problems import FilesReply, PurgeManyReply, TrashManyReply
from app.wire_tree import (
    PurgedReply,
    PurgeManyRequest,
    RestoreManyRequest,
    TrashedReply,
    TrashItem,
    TrashManyRequest,
    TrashPage,
)

routes = Routes()


class _Delete(msgspec.Struct, forbid_unknown_fields=True):
    """Query of DELETE /api/v1/files/{id}."""

    base_version: WireId | None = None
    if_seq: Count | None = None
    if_below_seq: Count | None = None
    if_etag: Annotated[str, msgspec.Meta(min_length=1, max_length=64)] | None = None


class _List(msgspec.Struct, forbid_unknown_fields=True):
    """Query of GET /api/v1/trash."""

    limit: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 1_000
    after: Count | None = None


@routes.delete(
    "/api/v1/files/{file_id}",
    access=Access.FILES,
    refuses=(ConflictError, ForbiddenError, LimitReachedError, LockedError),
)
async def delete(request: web.Request, query: _Delete) -> None:
    """Move a node and all below it to the trash; one that is there already is fine."""
    seen = Seen(query.base_version, query.if_seq, query.if_below_seq, query.if_etag)
    await request.app[SERVICES].trash.delete(request[ACTOR], request.match_info["file_id"], seen)


@routes.post("/api/v1/files/trash", access=Access.FILES)
async def trash_many(request: web.Request, body: TrashManyRequest) -> TrashManyReply:
    """Move several nodes to the trash; one that fails does not hold up the others."""
    results = await request.app[SERVICES].trash.delete_many(request[ACTOR], body.file_ids)
    shown = [result or TrashedReply(file_id) for file_id, result in zip(body.file_ids, results, strict=True)]
    return TrashManyReply(await each_shown(request, shown))


@routes.get("/api/v1/trash", access=Access.FILES, refuses=(ForbiddenError,))
async def list_trash(request: web.Request, query: _List) -> TrashPage:
    """List a page of the trash."""
    services = request.app[SERVICES]
    await request[ANSWER].take(query.limit * ENTRY_SIZE)
    page, end = await services.trash.list_page(request[ACTOR], before=query.after, limit=query.limit)
    items = [TrashItem.of_trashed(trashed, services.epoch) for trashed in page]
    return TrashPage(items, None if end is None else str(end), services.settings.history.trash_days)


@routes.post(
    "/api/v1/trash/{trash_id}/restore", access=Access.FILES, refuses=(ForbiddenError, ConflictError, LockedError)
)
async def restore(request: web.Request) -> File:
    """Bring an entry of the trash back to where it was."""
    services = request.app[SERVICES]
    view = await services.trash.restore(request[ACTOR], request.match_info["trash_id"])
    return File.of(view, services.epoch)


@routes.post("/api/v1/trash/restore", access=Access.FILES)
async def restore_many(request: web.Request, body: RestoreManyRequest) -> FilesReply:
    """Bring several entries of the trash back; one that fails does not hold up the others."""
    results = await request.app[SERVICES].trash.restore_many(request[ACTOR], body.trash_ids)
    return await files_reply(request, results)


@routes.delete("/api/v1/trash/{trash_id}", access=Access.FILES, refuses=(ForbiddenError,))
async def purge(request: web.Request) -> None:
    """Remove an entry of the trash for good; again is fine."""
    await request.app[SERVICES].trash.purge(request[ACTOR], request.match_info["trash_id"])


@routes.post("/api/v1/trash/purge", access=Access.FILES)
async def purge_many(request: web.Request, body: PurgeManyRequest) -> PurgeManyReply:
    """Remove several entries of the trash for good; one that fails does not hold up the others."""
    results = await request.app[SERVICES].trash.purge_many(request[ACTOR], body.trash_ids)
    shown = [result or PurgedReply(trash_id) for trash_id, result in zip(body.trash_ids, results, strict=True)]
    return PurgeManyReply(await each_shown(request, shown))
