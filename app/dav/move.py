"""MOVE: one row whatever lies below (RFC 4918, 9.9)."""

from aiohttp import web

from app.dav.headers import Depth, depth_of, overwrites
from app.dav.locked import shown_by
from app.dav.paths import Target
from app.dav.placing import goal_of, judging_overwrite, placed_response
from app.errors import InvalidRequestError
from app.keys import ACTOR, SERVICES


async def move(request: web.Request, target: Target) -> web.StreamResponse:
    """Rename or move; what was at the destination is in the trash, a file's content in the versions of the other."""
    if depth_of(request) is not Depth.INFINITY:
        raise InvalidRequestError("Something moves with all that is in it: Depth is infinity.")
    goal, overwrite = await goal_of(request, target), overwrites(request)
    with judging_overwrite():
        placed = await request.app[SERVICES].tree.move_path(
            request[ACTOR], target.names, goal.names, overwrite=overwrite, shown=shown_by(request, target)
        )
    return placed_response(request, placed, goal)
