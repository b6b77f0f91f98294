"""COPY: new nodes for the same chunks, no byte is copied (RFC 4918, 9.8)."""

from aiohttp import web

from app.dav.headers import overwrites
from app.dav.locked import shown_by
from app.dav.paths import Target
from app.dav.placing import goal_of, is_copied_deep, judging_overwrite, placed_response
from app.keys import ACTOR, SERVICES


async def copy(request: web.Request, target: Target) -> web.StreamResponse:
    """Copy a file, a folder with all that is in it, or with depth 0 the folder alone."""
    is_deep = is_copied_deep(request)
    goal, overwrite = await goal_of(request, target), overwrites(request)
    with judging_overwrite():
        placed = await request.app[SERVICES].copies.copy_path(
            request[ACTOR],
            target.names,
            goal.names,
            overwrite=overwrite,
            is_deep=is_deep,
            shown=shown_by(request, target),
        )
    return placed_response(request, placed, goal)
