"""Whom to tell of a flaw of this server: RFC 9116's security.txt, where an operator has named somebody."""

from datetime import UTC, datetime, timedelta
from http import HTTPStatus

from aiohttp import web

from app.api.routes import Access, Answer, Routes
from app.clock import now_ms
from app.errors import NotFoundError
from app.keys import SERVICES

routes = Routes()

PATH = "/.well-known/security.txt"
_VALID = timedelta(days=30)


@routes.get(PATH, access=Access.PUBLIC, answers=(Answer(HTTPStatus.OK, {"text/plain": ()}),), is_published=False)
async def show_security_contact(request: web.Request) -> web.Response:
    """Show the contact; it is told anew each time, so it never has run out."""
    server = request.app[SERVICES].settings.server
    if not server.security_contact:
        raise NotFoundError("There is nothing here.")
    expires = datetime.fromtimestamp(now_ms() // 1000, UTC) + _VALID
    lines = [f"Contact: {server.security_contact}", f"Expires: {expires:%Y-%m-%dT%H:%M:%SZ}"]
    if server.public_url:
        lines.append(f"Canonical: {server.public_url.rstrip('/')}{PATH}")
    text = "".join(f"{line}\n" for line in lines)
    return web.Response(text=text, content_type="text/plain", charset="utf-8", headers={"Cache-Control": "no-cache"})
