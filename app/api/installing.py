"""What a browser asks for to make an app of the pages; nothing here knows who asks."""

from http import HTTPStatus

import msgspec
from aiohttp import web

from app.api.pages import POLICY, language_of, page_reply
from app.api.routes import Access, Answer, Routes
from app.keys import SERVICES
from web.installing import manifest, worker

routes = Routes()

_MANIFEST = "application/manifest+json"
_ASK_EACH_TIME = "no-cache"


@routes.get(
    "/manifest.webmanifest",
    access=Access.PUBLIC,
    answers=(Answer(HTTPStatus.OK, {_MANIFEST: ()}),),
    is_published=False,
)
async def show_manifest(request: web.Request) -> web.Response:
    """Tell what the app is called, where it begins, and what its icons are."""
    services = request.app[SERVICES]
    told = manifest(services.pages, name=services.settings.server.name, language=language_of(request))
    headers = {"Cache-Control": _ASK_EACH_TIME, "Vary": "Accept-Language"}
    return web.Response(body=msgspec.json.encode(told), content_type=_MANIFEST, headers=headers)


@routes.get(
    "/service-worker.js",
    access=Access.PUBLIC,
    answers=(Answer(HTTPStatus.OK, {"text/javascript": ()}),),
    is_published=False,
)
async def send_worker(request: web.Request) -> web.Response:
    """Send the worker of this build. It stands beside the pages, so that these are its scope, below any path."""
    headers = {"Cache-Control": _ASK_EACH_TIME, "Content-Security-Policy": POLICY}
    return web.Response(
        body=worker(request.app[SERVICES].pages), content_type="text/javascript", charset="utf-8", headers=headers
    )


@routes.get("/offline", access=Access.PUBLIC, answers=(Answer(HTTPStatus.OK, {"text/html": ()}),), is_published=False)
async def show_offline(request: web.Request) -> web.Response:
    """Show what the worker keeps for when the server is out of reach: the same page for everybody."""
    return page_reply(request, "offline.html")


@routes.get(
    "/favicon.ico", access=Access.PUBLIC, answers=(Answer(HTTPStatus.OK, {"image/svg+xml": ()}),), is_published=False
)
async def send_icon(request: web.Request) -> web.Response:
    """Send the icon of a tab that shows nothing but a file. That is sandboxed, and so of another origin than this."""
    headers = {"Cache-Control": _ASK_EACH_TIME, "Cross-Origin-Resource-Policy": "cross-origin"}
    icon = request.app[SERVICES].pages.assets["cairn.svg"].body
    return web.Response(body=icon, content_type="image/svg+xml", headers=headers)
