"""Handlers of shared folders: who is a member, and with which role."""

from http import HTTPStatus

from aiohttp import web

from app.api.routes import Access, Routes
from app.errors import ConflictError, ForbiddenError, LimitReachedError, LockedError, NotFoundError, QuotaExceededError
from app.keys import ACTOR, SERVICES
from app.wire_members import Member, MemberPage, RoleRequest, ShareRequest, role_of

routes = Routes()


@routes.post(
    "/api/v1/files/{file_id}/members",
    access=Access.ACCOUNT,
    status=HTTPStatus.CREATED,
    refuses=(ForbiddenError, NotFoundError, ConflictError, LimitReachedError, QuotaExceededError, LockedError),
    example=ShareRequest(username="grace", role="editor"),
)
async def share(request: web.Request, body: ShareRequest) -> Member:
    """Share a folder with a user; it is in their view when this answers."""
    member = await request.app[SERVICES].sharing.share(
        request[ACTOR], request.match_info["file_id"], body.username, role_of(body.role)
    )
    return Member.of(member)


@routes.get("/api/v1/files/{file_id}/members", access=Access.ACCOUNT, refuses=(ForbiddenError,))
async def list_members(request: web.Request) -> MemberPage:
    """List who sees a node."""
    found = await request.app[SERVICES].sharing.list_members(request[ACTOR], request.match_info["file_id"])
    return MemberPage([Member.of(member) for member in found])


@routes.patch(
    "/api/v1/files/{file_id}/members/{username}",
    access=Access.ACCOUNT,
    refuses=(ForbiddenError, ConflictError, LimitReachedError, QuotaExceededError),
)
async def set_role(request: web.Request, body: RoleRequest) -> Member:
    """Change what a member may do, or hand the folder over to them."""
    names = request.match_info
    member = await request.app[SERVICES].sharing.set_role(
        request[ACTOR], names["file_id"], names["username"], role_of(body.role)
    )
    return Member.of(member)


@routes.delete(
    "/api/v1/files/{file_id}/members/{username}",
    access=Access.ACCOUNT,
    refuses=(ForbiddenError, ConflictError, LimitReachedError),
)
async def remove(request: web.Request) -> None:
    """Take a folder out of a member's view, or leave it."""
    names = request.match_info
    await request.app[SERVICES].sharing.remove(request[ACTOR], names["file_id"], names["username"])
