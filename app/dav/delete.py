"""DELETE: into the trash, one row whatever lies below (RFC 4918, 9.6)."""

from http import HTTPStatus

from aiohttp import web

from app.api.ranges import check_match, check_none_match
from app.dav.headers import Depth, depth_of
from app.dav.locked import shown_by
from app.dav.paths import Target
from app.errors import ConflictError, ForbiddenError, InvalidRequestError, PreconditionFailedError
from app.keys import ACTOR, SERVICES
from app.services.trash import Seen


async def delete(request: web.Request, target: Target) -> web.StreamResponse:
    """Put something into the trash; a shared folder of somebody else is left."""
    services = request.app[SERVICES]
    if depth_of(request) is not Depth.INFINITY:
        raise InvalidRequestError("Something goes with all that is in it: Depth is infinity.")
    if not target.names:
        raise ForbiddenError("The whole view can not be deleted.")
    seen = Seen()
    if "If-Match" in request.headers or "If-None-Match" in request.headers:
        etag = (await services.tree.get_path(request[ACTOR], target.path)).etag(services.epoch)
        check_match(request.headers, etag)
        check_none_match(request.headers, etag)
        seen = Seen(if_etag=etag)
    try:
        await services.trash.delete_path(request[ACTOR], target.names, seen, shown_by(request, target))
    except ConflictError as error:
        raise PreconditionFailedError("It changed while it was to be deleted.") from error
    return web.Response(status=HTTPStatus.NO_CONTENT)
