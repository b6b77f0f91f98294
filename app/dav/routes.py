"""The table of WebDAV's methods: each a line with its handler, all behind one access rule."""

import inspect
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Final

from aiohttp import web

from app.api.http import read_body, receiving, working
from app.api.routes import Access, Answer, Contract, Handler, Route
from app.dav import past
from app.dav.copy import copy
from app.dav.delete import delete
from app.dav.get import get
from app.dav.lock import lock
from app.dav.locked import locked_answer, require_conditions
from app.dav.mkcol import mkcol
from app.dav.move import move
from app.dav.options import options, options_of_root
from app.dav.patch import patch
from app.dav.paths import Target, target_of
from app.dav.propfind import propfind
from app.dav.proppatch import proppatch
from app.dav.put import put
from app.dav.report import report
from app.dav.settling import settled
from app.dav.unlock import unlock
from app.dav.xml import BODY
from app.errors import LockedError
from app.keys import SENT

DavHandler = Callable[[web.Request, Target], Awaitable[web.StreamResponse]]

PATH: Final = "/dav{path}"
PATTERN: Final = "/dav{path:(?:/(?s:.*))?}"
CONTRACT: Final = Contract(None, None, (), (Answer(HTTPStatus.OK),), (), None)
"""Nothing of it is published: WebDAV is described by its RFCs."""


def _line(
    method: str,
    function: DavHandler,
    *,
    of_past: DavHandler = past.refuse,
    has_body: bool = False,
) -> Route:
    """Return a line of the table, which is worked on when it is the asker's turn (decision 0023).

    Args:
        of_past: what is done where the path begins with a time.
        has_body: it is asked with XML, which is read before, and stands at `SENT`.
    """

    async def handler(request: web.Request) -> web.StreamResponse:
        target = target_of(request)
        if has_body:
            with receiving(request) as lease:
                request[SENT] = await read_body(request, lease, BODY) if request.can_read_body else b""
        async with working(request):
            return await answer(request, target)

    async def answer(request: web.Request, named: Target) -> web.StreamResponse:
        target = await settled(request, named)
        try:
            if target.moment is not None:
                return await of_past(request, target)
            await require_conditions(request, target)
            return await function(request, target)
        except LockedError as error:
            raise await locked_answer(request, error) from error

    return _route(method, PATH, Access.WEBDAV, handler, function, PATTERN)


def _root_line() -> Route:
    return _route("OPTIONS", "/", Access.PUBLIC, options_of_root, options_of_root, "")


def _route(
    method: str, path: str, access: Access, handler: Handler, about: Callable[..., object], pattern: str
) -> Route:
    """Return a line that shows name and docstring of `about`."""
    text = inspect.getdoc(about) or ""
    return Route(
        method, path, access, handler, CONTRACT, about.__name__, "dav", text, pattern=pattern, is_published=False
    )


routes: Final = [
    _root_line(),
    _line("OPTIONS", options, of_past=past.options),
    _line("GET", get, of_past=past.get),
    _line("PROPFIND", propfind, of_past=past.propfind, has_body=True),
    _line("REPORT", report, of_past=past.report, has_body=True),
    _line("PROPPATCH", proppatch, has_body=True),
    _line("PATCH", patch),
    _line("MKCOL", mkcol, has_body=True),
    _line("LOCK", lock, has_body=True),
    _line("UNLOCK", unlock),
    _line("PUT", put),
    _line("DELETE", delete),
    _line("COPY", copy, of_past=past.copy),
    _line("MOVE", move),
]
