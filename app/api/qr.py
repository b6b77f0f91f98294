"""Texts as QR codes, so that a phone need not type them: an address, a link."""

import io
from http import HTTPStatus
from typing import Annotated

import segno
from aiohttp import web
from msgspec import Meta

from app.api.routes import Access, Answer, Routes
from app.api.serving import SANDBOX
from app.wire import Request

routes = Routes()

MEDIA_TYPE = "image/svg+xml"
_BORDER = 4  # dots; what scanners count on (ISO/IEC 18004, 5.3.8)


class Text(Request, frozen=True):
    """Body of POST /api/v1/qr."""

    text: Annotated[str, Meta(min_length=1, max_length=500)]


@routes.post("/api/v1/qr", access=Access.FILES, answers=(Answer(HTTPStatus.OK, {MEDIA_TYPE: ()}),))
async def draw_qr(_request: web.Request, body: Text) -> web.Response:
    """Give a text as a QR code: black on white in any theme, for many scanners read nothing else.

    It is asked for in a body, for it may be a secret, and addresses stand in the logs of proxies (security.md, S4).
    """
    headers = {"Cache-Control": "no-store", "Content-Security-Policy": SANDBOX}
    return web.Response(body=drawn(body.text), content_type=MEDIA_TYPE, headers=headers)


def drawn(text: str) -> bytes:
    """Return a text as the SVG of a QR code."""
    picture = io.BytesIO()
    code = segno.make_qr(text, error="m", boost_error=False)
    code.save(picture, kind="svg", border=_BORDER, light="#fff", scale=1, omitsize=True, xmldecl=False, nl=False)
    return picture.getvalue()
