"""How a device comes to trust this server's own certificate: what to install, and how, for each kind of device."""

from http import HTTPStatus

from aiohttp import web

from app.api.pages import page_reply
from app.api.routes import Access, Answer, Routes
from app.errors import NotFoundError
from app.keys import SERVICES
from app.tls.certificates import authority_fingerprint

routes = Routes()

_CERTIFICATE = "application/x-x509-ca-cert"
_ASK_EACH_TIME = "no-cache"


@routes.get("/ca.crt", access=Access.ALWAYS, answers=(Answer(HTTPStatus.OK, {_CERTIFICATE: ()}),), is_published=False)
async def send_authority(request: web.Request) -> web.Response:
    """Send the CA's certificate, which is no secret: whoever installs it compares its fingerprint."""
    return web.Response(body=_authority(request), content_type=_CERTIFICATE, headers={"Cache-Control": _ASK_EACH_TIME})


@routes.get("/trust", access=Access.ALWAYS, answers=(Answer(HTTPStatus.OK, {"text/html": ()}),), is_published=False)
async def show_trust(request: web.Request) -> web.Response:
    """Show the fingerprint and what to do on each kind of device."""
    return page_reply(request, "trust.html", fingerprint=authority_fingerprint(_authority(request)))


def _authority(request: web.Request) -> bytes:
    """Return the CA behind the certificate in use.

    Raises:
        NotFoundError: there is none of this server's own.
    """
    shown = request.app[SERVICES].certificates.shown
    if shown is None or shown.authority is None:
        raise NotFoundError("There is nothing here.")
    return shown.authority
