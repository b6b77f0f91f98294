"""Handlers of what files were, and of copies: neither moves a byte."""

from http import HTTPStatus
from typing import Annotated

import msgspec
from aiohttp import web

from app.api.http import Access, Routes, json_reply, query, read_json
from app.keys import ACTOR, SERVICES
from app.wire import Count, File
from app.wire_tree import CopyRequest, Version, VersionPage

routes = Routes()


class _List(msgspec.Struct, forbid_unknown_fields=True):
    """Query of GET /api/v1/files/{id}/versions."""

    limit: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 1_000
    after: Count | None = None


@routes.get("/api/v1/files/{file_id}/versions", access=Access.ACCOUNT)
async def list_versions(request: web.Request) -> web.Response:
    """List a page of a file's versions, the newest first."""
    asked = query(request, _List)
    page, end = await request.app[SERVICES].history.list_page(
        request[ACTOR], request.match_info["file_id"], before=asked.after, limit=asked.limit
    )
    return json_reply(VersionPage([Version.of(version) for version in page], None if end is None else str(end)))


@routes.post("/api/v1/files/{file_id}/versions/{version_id}/restore", access=Access.ACCOUNT)
async def restore_version(request: web.Request) -> web.Response:
    """Make one of a file's versions its content again, as a new version."""
    services, names = request.app[SERVICES], request.match_info
    view = await services.history.restore(request[ACTOR], names["file_id"], names["version_id"])
    return json_reply(File.of(view, services.epoch))


@routes.post("/api/v1/files/{file_id}/copy", access=Access.ACCOUNT)
async def copy(request: web.Request) -> web.Response:
    """Copy a file, or a folder with all below it."""
    body, services = await read_json(request, CopyRequest), request.app[SERVICES]
    view = await services.copies.copy(request[ACTOR], request.match_info["file_id"], body.parent_id, body.name)
    return json_reply(File.of(view, services.epoch), HTTPStatus.CREATED)
