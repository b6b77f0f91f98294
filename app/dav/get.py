"""GET and HEAD: the bytes of a file, and of a folder a page that lists it (RFC 4918, 9.4)."""

from collections.abc import AsyncIterator, Sequence
from html import escape
from typing import Final
from urllib.parse import quote

from aiohttp import web

from app.api.http import in_turns
from app.api.sending import reset
from app.api.serving import serve_content
from app.dav.paths import SAFE, Target
from app.dav.propfind import PAGE
from app.errors import NotFoundError
from app.keys import ACTOR, ANSWER, SERVICES
from app.services.budget import ENTRY_SIZE
from app.services.display import shown
from app.services.resources import Listing, Resource, Wants

_HEADERS: Final = {
    "Content-Type": "text/html; charset=utf-8",
    "Cache-Control": "no-store",
    # Names are other people's text: nothing in the page can run, load or send anything (security.md, C3 and O1).
    "Content-Security-Policy": (
        "sandbox; default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
}
_FIRST: Final = (
    '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title></head><body>'
    "<h1>{title}</h1><table><tr><th>Name</th><th>Size</th></tr>\n"
)
_UP: Final = '<tr><td><a href="{href}">..</a></td><td></td></tr>\n'
_ROW: Final = '<tr><td><a href="{href}">{name}</a></td><td>{size}</td></tr>\n'
_LAST: Final = "</table></body></html>\n"


async def get(request: web.Request, target: Target) -> web.StreamResponse:
    """Give the bytes of a file as conditions and ranges ask, or list a folder for whoever looks with a browser."""
    services = request.app[SERVICES]
    content = await services.downloads.content_at(request[ACTOR], target.names)
    if content is None:
        return await _list(request, target)
    if target.slash:
        raise NotFoundError("There is no folder at this path.")
    return await serve_content(request, content)


async def _list(request: web.Request, target: Target) -> web.StreamResponse:
    services = request.app[SERVICES]
    await request[ANSWER].take((PAGE + 1) * ENTRY_SIZE)
    listing = await services.resources.open(request[ACTOR], target.names, Wants(), limit=PAGE)
    return await page_of(request, target, _pages(request, listing), is_whole=listing.end is None)


async def page_of(
    request: web.Request, target: Target, pages: AsyncIterator[Sequence[Resource]], *, is_whole: bool
) -> web.StreamResponse:
    """Send an HTML page that lists what is in a folder, as it comes.

    Args:
        pages: what is in it.
        is_whole: there is one page of it, which is sent with its length.
    """
    if is_whole:
        text = "".join([piece async for piece in _pieces(target, pages)])
        return web.Response(body=text.encode(), headers=_HEADERS)
    response = web.StreamResponse(headers=_HEADERS)
    await response.prepare(request)
    if request.method == "HEAD":
        return response
    try:
        async for piece in in_turns(request, _pieces(target, pages)):
            await response.write(piece.encode())
    except BaseException:
        if request.transport is not None:
            reset(request.transport)
        raise
    return response


async def _pages(request: web.Request, listing: Listing) -> AsyncIterator[Sequence[Resource]]:
    services, folder_id = request.app[SERVICES], listing.resource.view.file_id
    yield listing.children
    end = listing.end
    while end is not None:
        children, end = await services.resources.more(request[ACTOR], folder_id, end, Wants(), limit=PAGE)
        yield children


async def _pieces(target: Target, pages: AsyncIterator[Sequence[Resource]]) -> AsyncIterator[str]:
    yield _FIRST.format(title=escape(shown("/" + "/".join((*target.door, *target.names)))))
    if target.names or target.door:
        up = target.href.rpartition("/")[0]
        yield _UP.format(href=escape(f"{up}/"))
    async for children in pages:
        rows = []
        for child in children:
            name = child.view.path.rpartition("/")[2]
            slash = "/" if child.is_folder else ""
            href = f"{target.href}/{quote(name, safe=SAFE)}{slash}"
            rows.append(_ROW.format(href=escape(href), name=escape(shown(name) + slash), size=child.view.listed.size))
        yield "".join(rows)
    yield _LAST
