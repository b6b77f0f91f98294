"""UNLOCK: a lock is given back by who holds it (RFC 4918, 9.11)."""

from http import HTTPStatus

from aiohttp import web

from app.dav.headers import lock_token_of
from app.dav.locked import shown_by
from app.dav.paths import Target
from app.dav.problems import DavError
from app.errors import LockTokenError
from app.keys import ACTOR, SERVICES


async def unlock(request: web.Request, target: Target) -> web.StreamResponse:
    """End the lock that the Lock-Token header names, wherever in it the path is."""
    token = lock_token_of(request)
    try:
        await request.app[SERVICES].locks.unlock(request[ACTOR], target.names, token, shown_by(request, target))
    except LockTokenError as error:
        raise DavError(HTTPStatus.CONFLICT, str(error), "lock-token-matches-request-uri") from error
    return web.Response(status=HTTPStatus.NO_CONTENT)
