"""The pages that people open in a browser, and the files these load."""

from http import HTTPStatus

from aiohttp import web

from app.api.routes import Access, Answer, Routes
from app.errors import NotFoundError
from app.keys import SERVICES

routes = Routes()

# No script and no style stands inside a page, so nothing but this server's own files is allowed (security.md, C3).
POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; object-src 'none'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
_PAGE_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
}
_FOR_EVER = "public, max-age=31536000, immutable"


def page_reply(request: web.Request, template: str, *, base: str, status: int = 200, **values: object) -> web.Response:
    """Render a page that no cache keeps."""
    services = request.app[SERVICES]
    text = services.pages.render(template, base=base, server_name=services.settings.server.name, **values)
    return web.Response(text=text, status=status, content_type="text/html", headers=_PAGE_HEADERS)


@routes.get("/", access=Access.PUBLIC, answers=(Answer(HTTPStatus.OK, {"text/html": ()}),))
async def show_home(request: web.Request) -> web.Response:
    """Show the first page."""
    return page_reply(request, "home.html", base="")


@routes.get("/static/{build}/{name}", access=Access.ALWAYS, answers=(Answer(HTTPStatus.OK, {"*/*": ()}),))
async def send_asset(request: web.Request) -> web.Response:
    """Send a file of this build; those of another are gone."""
    pages = request.app[SERVICES].pages
    asset = pages.assets.get(request.match_info["name"])
    if asset is None or request.match_info["build"] != pages.build:
        raise NotFoundError("There is nothing here.")
    headers = {"Cache-Control": _FOR_EVER}
    return web.Response(body=asset.body, content_type=asset.media_type, headers=headers)
