"""Whether a path that could be one of the past is one: what has such a name in the present comes first."""

from aiohttp import web

from app.dav.paths import Target
from app.errors import NotFoundError
from app.keys import ACTOR, SERVICES
from app.services.resources import Wants


async def settled(request: web.Request, target: Target) -> Target:
    """Return what a path is about: the present, if there is something of the name that could say a moment."""
    if target.moment is None:
        return target
    present = target.present
    try:
        await request.app[SERVICES].resources.look(request[ACTOR], present.names[:1], Wants())
    except NotFoundError:
        return target
    return present
