"""Handler of the audit log, for admins."""

from typing import Annotated

import msgspec
from aiohttp import web

from app.api.routes import Access, Routes
from app.keys import SERVICES
from app.wire_users import AuditLine, AuditPage

routes = Routes()

_NEWEST = 2**53


class _Lines(msgspec.Struct, forbid_unknown_fields=True):
    """Query of GET /api/v1/audit."""

    limit: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 1_000
    after: Annotated[int, msgspec.Meta(ge=1, le=_NEWEST)] = _NEWEST
    event: Annotated[str, msgspec.Meta(max_length=64)] | None = None
    username: Annotated[str, msgspec.Meta(max_length=64)] | None = None


@routes.get("/api/v1/audit", access=Access.ADMIN)
async def list_audit(request: web.Request, query: _Lines) -> AuditPage:
    """List what was done about accounts, rights and secrets, the newest first.

    `username` narrows it to what people of this name did, and what was done about the name; deleted ones included.
    """
    lines = await request.app[SERVICES].audit.list_page(
        before=query.after, event=query.event, username=query.username, limit=query.limit
    )
    items = [AuditLine.of(line) for line in lines]
    return AuditPage(items, items[-1].audit_id if len(items) == query.limit else None)
