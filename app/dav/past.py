"""Time in the path: `/dav/@2026-11-01T12:00/Photos/` is the view as it was, to be read; `/dav/@/` lists days.

Whatever has such a name in the present comes first: nothing that is there is hidden by what was.
"""

from collections.abc import AsyncIterator, Sequence
from http import HTTPStatus
from typing import Final

from aiohttp import web
from msgspec.structs import replace

from app.api.serving import serve_content
from app.dav.get import page_of
from app.dav.headers import overwrites
from app.dav.locked import shown_by
from app.dav.paths import Target
from app.dav.placing import is_copied_deep, judging_overwrite, place_of, placed_response
from app.dav.problems import DavError
from app.dav.propfind import PAGE, Asked, read_propfind, response_of, responses_of, send_multistatus, server_of
from app.dav.when import day_name, when_of
from app.errors import InvalidRequestError, NotFoundError
from app.keys import ACTOR, ANSWER, SERVICES
from app.services.budget import ENTRY_SIZE
from app.services.past import Day, Moment, PastListing, PastView
from app.services.resources import Resource

CLASSES: Final = "1, 3"
"""Of the present also 2, locks: a Mac mounts what has none to be read only, as it should here."""
METHODS: Final = "OPTIONS, GET, HEAD, PROPFIND, COPY"


async def options(request: web.Request, target: Target) -> web.Response:  # noqa: ARG001 - the same everywhere
    """Say that there is nothing but reading."""
    return web.Response(headers={"DAV": CLASSES, "Allow": METHODS, "MS-Author-Via": "DAV", "Accept-Ranges": "bytes"})


async def get(request: web.Request, target: Target) -> web.StreamResponse:
    """Give what a file held then, or a page that lists a folder as it was, or the days there are."""
    services, when = request.app[SERVICES], _when_of(target)
    if when is None:
        await request[ANSWER].take(PAGE * ENTRY_SIZE)
        return await page_of(request, target, _days(request, await services.past.root(request[ACTOR])), is_whole=False)
    content = await services.past.content_at(request[ACTOR], target.names, when)
    if content is not None:
        if target.slash:
            raise NotFoundError("There was no folder at this path.")
        return await serve_content(request, content)
    await request[ANSWER].take((PAGE + 1) * ENTRY_SIZE)
    listing = await services.past.open(request[ACTOR], target.names, when, limit=PAGE)
    return await page_of(request, target, _children(request, target, listing), is_whole=listing.end is None)


async def propfind(request: web.Request, target: Target) -> web.StreamResponse:
    """Answer as the present does, with what was."""
    limit, asked = await read_propfind(request)
    services, when = request.app[SERVICES], _when_of(target)
    if when is None:
        root = await services.past.root(request[ACTOR])
        return await send_multistatus(request, _day_pages(request, target, asked, root, limit), is_whole=not limit)
    listing = await services.past.open(request[ACTOR], target.names, when, limit=limit)
    if target.slash and not listing.resource.is_folder:
        raise NotFoundError("There was no folder at this path.")
    return await send_multistatus(request, _pages(request, target, asked, listing), is_whole=listing.end is None)


async def report(request: web.Request, target: Target) -> web.StreamResponse:  # noqa: ARG001 - alike everywhere
    """Refuse to tell what changed in what does not change.

    Raises:
        DavError: always.
    """
    raise DavError(HTTPStatus.FORBIDDEN, "There are no reports on what was.", "supported-report")


async def copy(request: web.Request, target: Target) -> web.StreamResponse:
    """Bring back what was: it is made anew in the present, from what is kept."""
    is_deep, when = is_copied_deep(request), _when_of(target)
    if when is None or not target.names:
        raise InvalidRequestError("A whole view is not copied: name what is in it.")
    goal = await place_of(request)
    with judging_overwrite():
        placed = await request.app[SERVICES].past_copies.copy_path(
            request[ACTOR],
            target.names,
            when,
            goal.names,
            overwrite=overwrites(request),
            is_deep=is_deep,
            shown=shown_by(request, target),
        )
    return placed_response(request, placed, goal)


async def refuse(request: web.Request, target: Target) -> web.StreamResponse:  # noqa: ARG001 - alike everywhere
    """Refuse what would change the past.

    Raises:
        DavError: always.
    """
    raise read_only()


def read_only() -> DavError:
    """Return the refusal of whatever would change the past."""
    return DavError(
        HTTPStatus.FORBIDDEN,
        "This is how it was: it can only be read. What is to change is in the present, without the @ in its path.",
    )


def _when_of(target: Target) -> Moment | None:
    """Return the time of a path; None of `@` alone.

    Raises:
        NotFoundError: it names something that is no time.
    """
    if not target.moment and target.names:
        raise NotFoundError("There is no such day: name one like @2026-11-01.")
    return when_of(target.moment or "")


async def _pages(request: web.Request, target: Target, asked: Asked, listing: PastListing) -> AsyncIterator[str]:
    server, folder = server_of(request), listing.resource
    yield response_of(target.self_href(is_folder=folder.is_folder), folder, asked, server)
    async for children in _children(request, target, listing):
        for piece in responses_of(target, children, asked, server):
            yield piece


async def _children(request: web.Request, target: Target, listing: PastListing) -> AsyncIterator[Sequence[Resource]]:
    services, end = request.app[SERVICES], listing.end
    yield listing.children
    while end is not None:
        children, end = await services.past.more(request[ACTOR], target.names, listing.seq, end, limit=PAGE)
        yield children


async def _day_pages(
    request: web.Request, target: Target, asked: Asked, root: Resource, limit: int
) -> AsyncIterator[str]:
    server = server_of(request)
    yield response_of(target.self_href(is_folder=True), _named(root, "@"), asked, server)
    if limit:
        async for days in _days(request, root):
            for piece in responses_of(target, days, asked, server):
                yield piece


async def _days(request: web.Request, root: Resource) -> AsyncIterator[Sequence[Resource]]:
    """Yield the days on which something changed, the newest first, as folders by whose name each is entered."""
    services = request.app[SERVICES]
    last: Day | None = None
    while True:
        days, last = await services.past.days(request[ACTOR], last)
        yield [_named(root, f"@{day_name(day.number)}", day) for day in days]
        if last is None:
            return


def _named(root: Resource, name: str, day: Day | None = None) -> Resource:
    """Return the root of the view by a name, as it was at the end of a day; None for now."""
    view = root.view
    if day is not None and isinstance(view, PastView):
        node = replace(view.listed.node, modified_ms=day.last_ms)
        etag = f"{day.seq:x}z{view.etag_then.partition('z')[2]}"
        view = replace(view, listed=replace(view.listed, node=node), etag_then=etag)
    return replace(root, view=replace(view, path=f"/{name}"))
