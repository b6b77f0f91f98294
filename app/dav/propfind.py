"""PROPFIND: properties of a resource and of what is in it, sent page by page (RFC 4918, 9.1)."""

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum
from functools import lru_cache
from http import HTTPStatus
from typing import Final

from aiohttp import web

from app.api.http import in_turns
from app.api.sending import reset
from app.dav.headers import Depth, depth_of
from app.dav.paths import Target, hrefs_of
from app.dav.problems import XML_TYPE, DavError
from app.dav.properties import LIVE, Server
from app.dav.xml import DAV, DECLARED, HEAD, Element, Name, empty, escape, parse, require_xml, tags
from app.errors import InvalidRequestError, NotFoundError
from app.keys import ACTOR, ANSWER, SENT, SERVICES
from app.services.budget import ENTRY_SIZE
from app.services.resources import Listing, Resource, Wants

PAGE: Final = 500
PIECE: Final = 256 * 1024
WHOLE: Final = 2 * 1024 * 1024
"""Of a listing so much is put together at once; what is larger is written piece by piece."""
SHORT: Final = 1024
NAMES: Final = 200
"""Properties that may be asked for at once (security.md, Limits)."""
FIRST: Final = f"{HEAD}<d:multistatus{DECLARED}>"
LAST: Final = "</d:multistatus>\n"
FOUND: Final = "<d:status>HTTP/1.1 200 OK</d:status></d:propstat>"
MISSING: Final = "<d:status>HTTP/1.1 404 Not Found</d:status></d:propstat>"
_IN_ALL: Final = tuple(name for name, live in LIVE.items() if live.in_all)


class Kind(Enum):
    """In which way properties are asked for."""

    ALL = "allprop"
    NAMES = "propname"
    SOME = "prop"


_KINDS: Final = {kind.value: kind for kind in Kind}


@dataclass(frozen=True, slots=True)
class Column:
    """A property that is asked for, made ready for many resources.

    Attributes:
        key: namespace and local name.
        value: gives what is in it; None for one that this server knows nothing of.
        start: its start tag, which stands before a value that is not empty, as `end` stands behind it.
        bare: the element with nothing in it.
        is_named: it was asked for by its name, so that its absence is told.
    """

    key: tuple[str, str]
    value: Callable[[Resource, Server], str | None] | None
    start: str
    end: str
    bare: str
    is_named: bool


@dataclass(frozen=True, slots=True)
class Asked:
    """Which properties are asked for; with ALL, `names` are those beyond what ALL has.

    Attributes:
        columns: the properties to show of each resource, made ready.
        wants: what has to be read for them.
    """

    kind: Kind
    names: tuple[Name, ...] = ()
    columns: tuple[Column, ...] = field(init=False, repr=False, compare=False)
    wants: Wants = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Make ready what each resource needs."""
        shown = self.names if self.kind is Kind.SOME else dict.fromkeys((*_IN_ALL, *self.names))
        columns = tuple(_column(name, is_named=name in self.names) for name in shown)
        object.__setattr__(self, "columns", columns)  # the way of frozen classes
        object.__setattr__(self, "wants", self._wants())

    def _wants(self) -> Wants:
        if self.kind is Kind.NAMES:
            return Wants(kept=True, room=True, token=True)
        wanted = [LIVE[name].wants for name in self.names if name in LIVE]
        is_all = self.kind is Kind.ALL
        return Wants(
            kept=is_all or len(wanted) < len(self.names) or any(one.kept for one in wanted),
            room=any(one.room for one in wanted),
            token=any(one.token for one in wanted),
            locks=is_all or any(one.locks for one in wanted),
        )


def _column(name: Name, *, is_named: bool) -> Column:
    key, live, bare = (name.namespace, name.local), LIVE.get(name), empty(name)
    if live is None:
        return Column(key, None, "", "", bare, is_named)
    start, end = tags(name)
    return Column(key, live.value, start, end, bare, is_named)


async def propfind(request: web.Request, target: Target) -> web.StreamResponse:
    """Answer with the resource first, and with depth 1 with all that is in it."""
    limit, asked = await read_propfind(request)
    services = request.app[SERVICES]
    listing = await services.resources.open(request[ACTOR], target.names, asked.wants, limit=limit)
    if target.slash and not listing.resource.is_folder:
        raise NotFoundError("There is no folder at this path.")
    return await send_multistatus(request, _pages(request, target, asked, listing), is_whole=listing.end is None)


def server_of(request: web.Request) -> Server:
    """Return what properties tell of this server."""
    services = request.app[SERVICES]
    return Server(services.settings.server.name, services.instance, services.epoch, hrefs_of(request))


async def send_multistatus(
    request: web.Request, pages: AsyncIterator[str], *, is_whole: bool, last: str = LAST
) -> web.StreamResponse:
    """Send responses as a multistatus, as they come.

    Args:
        pages: XML of responses.
        is_whole: there is one page, which is sent with its length, unless it is large.
        last: what stands behind the responses, the end of the multistatus included.

    Whatever fails once it has begun closes the connection, so that nobody takes the answer for complete.
    """
    headers = {"Content-Type": XML_TYPE, "Cache-Control": "no-store"}
    begun = FIRST
    while is_whole and len(begun) < WHOLE:
        page = await anext(pages, None)
        if page is None:
            return web.Response(body=f"{begun}{last}".encode(), status=HTTPStatus.MULTI_STATUS, headers=headers)
        begun += page
    response = web.StreamResponse(status=HTTPStatus.MULTI_STATUS, headers=headers)
    await response.prepare(request)
    try:
        async for page in in_turns(request, pages):
            await response.write(f"{begun}{page}".encode())
            begun = ""
        await response.write(f"{begun}{last}".encode())
    except BaseException:
        if request.transport is not None:
            reset(request.transport)
        raise
    return response


def response_of(href: str, resource: Resource, asked: Asked, server: Server) -> str:
    """Return what is said of one resource: the properties that it has first, then the names of those it has not."""
    if asked.kind is Kind.NAMES:
        return _response(href, [*_names_of(resource, server)], [])
    found, missing = [], []
    kept = resource.kept
    for column in asked.columns:
        xml = kept.get(column.key) if kept else None  # what was set comes before what is known
        if xml is None and column.value is not None:
            value = column.value(resource, server)
            if value is not None:
                xml = f"{column.start}{value}{column.end}" if value else column.bare
        if xml is not None:
            found.append(xml)
        elif column.is_named:
            missing.append(column.bare)
    if kept and asked.kind is Kind.ALL:
        listed = {column.key for column in asked.columns}
        found += [xml for key, xml in kept.items() if key not in listed]
    return _response(href, found, missing)


def asked_in(body: bytes) -> Asked:
    """Return what a body asks for; an empty one asks for all.

    Raises:
        InvalidRequestError: it is no propfind, or asks for too many.
    """
    return _asked_in_short(body) if len(body) <= SHORT else _asked_in(body)


def _asked_in(body: bytes) -> Asked:
    if not body.strip():
        return Asked(Kind.ALL)
    root = parse(body)
    if root.name != Name(DAV, "propfind"):
        raise InvalidRequestError("The body is no propfind.")
    ways = [child for child in root.elements() if child.name.namespace == DAV]
    kinds = [_KINDS[way.name.local] for way in ways if way.name.local in _KINDS]
    if len(kinds) != 1:
        raise InvalidRequestError("A propfind asks for prop, allprop or propname, and for one of them.")
    include = root.first("include")
    if kinds[0] is Kind.SOME:
        return Asked(Kind.SOME, names_in(root.first("prop")))
    return Asked(kinds[0], names_in(include) if kinds[0] is Kind.ALL else ())


_asked_in_short: Final = lru_cache(maxsize=128)(_asked_in)
"""Each program asks with a few bodies of its own, over and over."""


def names_in(prop: Element | None) -> tuple[Name, ...]:
    """Return the names that an element lists, each once.

    Raises:
        InvalidRequestError: they are too many.
    """
    names = () if prop is None else tuple(dict.fromkeys(child.name for child in prop.elements()))
    if len(names) > NAMES:
        raise InvalidRequestError(f"At most {NAMES} properties can be asked for at once.")
    return names


async def read_propfind(request: web.Request) -> tuple[int, Asked]:
    """Return how many children are to be read at first, none with depth 0, and what is asked of each.

    Raises:
        DavError: it is about a whole tree.
        InvalidRequestError: depth or body is no such thing.
    """
    depth = depth_of(request)
    if depth is Depth.INFINITY:
        raise DavError(
            HTTPStatus.FORBIDDEN, "A whole tree is not listed at once: ask with Depth 0 or 1.", "propfind-finite-depth"
        )
    if body := request[SENT]:
        require_xml(request.headers.get("Content-Type", ""))
    asked = asked_in(body)
    limit = PAGE if depth is Depth.ONE else 0
    await request[ANSWER].take((limit + 1) * ENTRY_SIZE)
    return limit, asked


async def _pages(request: web.Request, target: Target, asked: Asked, listing: Listing) -> AsyncIterator[str]:
    services, server = request.app[SERVICES], server_of(request)
    folder, wants = listing.resource, asked.wants
    first = response_of(target.self_href(is_folder=folder.is_folder), folder, asked, server)
    children, end = listing.children, listing.end
    yield first
    for piece in responses_of(target, children, asked, server):
        yield piece
    while end is not None:
        children, end = await services.resources.more(request[ACTOR], folder.view.file_id, end, wants, limit=PAGE)
        for piece in responses_of(target, children, asked, server):
            yield piece


def responses_of(target: Target, children: Sequence[Resource], asked: Asked, server: Server) -> Iterator[str]:
    """Yield what is said of what is in a folder, in pieces of some size: of a few locks, each child tells all."""
    piece, size = list[str](), 0
    for child in children:
        name = child.view.path.rpartition("/")[2]
        piece.append(response_of(target.child_href(name, is_folder=child.is_folder), child, asked, server))
        size += len(piece[-1])
        if size > PIECE:
            yield "".join(piece)
            piece, size = [], 0
    if piece:
        yield "".join(piece)


def _response(href: str, found: list[str], missing: list[str]) -> str:
    parts = [f"<d:response><d:href>{escape(href)}</d:href>"]
    if found or not missing:
        parts.append(f"<d:propstat><d:prop>{''.join(found)}</d:prop>{FOUND}")
    if missing:
        parts.append(f"<d:propstat><d:prop>{''.join(missing)}</d:prop>{MISSING}")
    parts.append("</d:response>\n")
    return "".join(parts)


def _names_of(resource: Resource, server: Server) -> list[str]:
    names = [name for name, live in LIVE.items() if live.value(resource, server) is not None]
    names += [name for key in resource.kept if (name := Name(*key)) not in LIVE]
    return [empty(name) for name in names]
