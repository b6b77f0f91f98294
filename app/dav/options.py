"""OPTIONS: what this door can do (RFC 4918, 10.1)."""

from typing import Final

from aiohttp import web

from app.dav.paths import Target

CLASSES: Final = "1, 2, 3, extended-mkcol"
METHODS: Final = (
    *("OPTIONS", "GET", "HEAD", "PUT", "DELETE", "PROPFIND", "PROPPATCH", "MKCOL", "COPY", "MOVE", "LOCK", "UNLOCK"),
    *("REPORT", "PATCH"),
)


_HEADERS: Final = {"DAV": CLASSES, "Allow": ", ".join(METHODS), "MS-Author-Via": "DAV", "Accept-Ranges": "bytes"}


async def options(request: web.Request, target: Target) -> web.Response:  # noqa: ARG001 - the same everywhere
    """Say which classes and methods there are; Windows looks for MS-Author-Via before it mounts anything."""
    return web.Response(headers=_HEADERS)


async def options_of_root(request: web.Request) -> web.Response:  # noqa: ARG001 - the same for everybody
    """Say the same of the whole server to anybody: Windows asks here first, and mounts nothing after a refusal."""
    return web.Response(headers=_HEADERS)
