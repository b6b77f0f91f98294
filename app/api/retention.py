"""Handlers of the rules by which folders keep earlier versions."""

from aiohttp import web

from app.api.routes import Access, Routes
from app.errors import ForbiddenError
from app.keys import ACTOR, SERVICES
from app.services.retention import Rule
from app.wire_tree import RetentionReply

routes = Routes()


@routes.get("/api/v1/folders/{file_id}/retention", access=Access.FILES, refuses=(ForbiddenError,))
async def get_retention(request: web.Request) -> RetentionReply:
    """Show which earlier versions a folder keeps, by its own rule, one of a folder above it, or the server's."""
    return await _shown(request)


@routes.put(
    "/api/v1/folders/{file_id}/retention",
    access=Access.ACCOUNT,
    proof=True,
    refuses=(ForbiddenError,),
    example=Rule(newest=10, hourly_days=1, daily_days=30, weekly_days=365),
)
async def set_retention(request: web.Request, body: Rule) -> RetentionReply:
    """Give a folder a rule of its own, for all below it; a rule can let history go, so it wants a proof."""
    await request.app[SERVICES].retention.put(request[ACTOR], request.match_info["file_id"], body)
    return await _shown(request)


@routes.delete("/api/v1/folders/{file_id}/retention", access=Access.ACCOUNT, proof=True, refuses=(ForbiddenError,))
async def drop_retention(request: web.Request) -> None:
    """Take a folder's own rule away; without one is fine."""
    await request.app[SERVICES].retention.put(request[ACTOR], request.match_info["file_id"], None)


async def _shown(request: web.Request) -> RetentionReply:
    rule, is_own = await request.app[SERVICES].retention.get(request[ACTOR], request.match_info["file_id"])
    return RetentionReply(rule.newest, rule.hourly_days, rule.daily_days, rule.weekly_days, is_own)
