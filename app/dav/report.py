"""REPORT: what changed in a folder since it was looked at the last time (RFC 6578); no other report is made."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from aiohttp import web

from app.dav.headers import Depth, depth_of
from app.dav.paths import Target
from app.dav.problems import DavError
from app.dav.properties import Server
from app.dav.propfind import Asked, Kind, names_in, response_of, send_multistatus, server_of
from app.dav.xml import DAV, Element, Name, escape, parse, require_xml
from app.errors import CursorResetError, InvalidRequestError
from app.keys import ACTOR, ANSWER, SENT, SERVICES
from app.services.budget import ENTRY_SIZE
from app.services.sync_report import Member, SyncPage

PAGE: Final = 500
MOST: Final = 10_000
"""Members that one answer tells of; the rest comes with its token."""
PAGES: Final = 400
"""Pages of the feed that are looked through for one answer: in a large view most may be of other folders."""
_TOKEN: Final = Name(DAV, "sync-token")
_GONE: Final = "<d:status>HTTP/1.1 404 Not Found</d:status></d:response>\n"
_CUT: Final = (
    "<d:status>HTTP/1.1 507 Insufficient Storage</d:status>"
    "<d:error><d:number-of-matches-within-limits/></d:error></d:response>\n"
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a sync-collection asks for."""

    token: str | None
    is_deep: bool
    limit: int
    asked: Asked


async def report(request: web.Request, target: Target) -> web.StreamResponse:
    """Tell what is new, changed and gone in a folder, page by page, and the token with which to ask the next time."""
    wanted = _read_wanted(request)
    services = request.app[SERVICES]
    await request[ANSWER].take(2 * PAGE * ENTRY_SIZE)
    resource = await services.resources.look(request[ACTOR], target.names, Asked(Kind.SOME, (_TOKEN,)).wants)
    if resource.sync_token is None:
        raise DavError(
            HTTPStatus.FORBIDDEN,
            "Only a folder has this report, for a credential that sees the whole view.",
            "supported-report",
        )
    first = await _page(request, target, wanted, wanted.token, wanted.limit)
    if len(first.members) > wanted.limit:
        first = await _page(request, target, wanted, wanted.token, 1)
    if len(first.members) > wanted.limit:
        raise DavError(
            HTTPStatus.INSUFFICIENT_STORAGE,
            "What changed can not be told in so few steps: ask for more at once.",
            "number-of-matches-within-limits",
        )
    return await send_multistatus(request, _pages(request, target, wanted, first), is_whole=not first.has_more)


async def _page(request: web.Request, target: Target, wanted: Wanted, token: str | None, room: int) -> SyncPage:
    """Return a page of at most about `room` members.

    Raises:
        DavError: one cannot go on from this token.
    """
    services = request.app[SERVICES]
    try:
        return await services.sync_reports.page(
            request[ACTOR],
            target.names,
            token,
            is_deep=wanted.is_deep,
            wants=wanted.asked.wants,
            limit=max(1, min(PAGE, room // 2)),  # what moved is told of twice
        )
    except CursorResetError as error:
        raise DavError(HTTPStatus.FORBIDDEN, str(error), "valid-sync-token") from error


async def _pages(request: web.Request, target: Target, wanted: Wanted, first: SyncPage) -> AsyncIterator[str]:
    """Yield responses, and the token last. It ends early where the next page would tell of something again."""
    server, told = server_of(request), _Told()
    page, count, token, is_cut = first, 0, "", False
    for _ in range(PAGES):
        news = told.news(page.members)
        if news is None or count + len(news) > wanted.limit:
            break
        count += len(news)
        token, is_cut = page.token, page.has_more
        yield "".join(_response(target, member, wanted.asked, server) for member in news)
        if not page.has_more or count >= wanted.limit:
            break
        try:
            page = await _page(request, target, wanted, page.token, wanted.limit - count)
        except DavError:  # a folder moved meanwhile that holds too much: the next request is told so
            break
    if is_cut:
        yield f"<d:response><d:href>{escape(target.self_href(is_folder=True))}</d:href>{_CUT}"
    yield f"<d:sync-token>{escape(token)}</d:sync-token>"


class _Told:
    """What an answer has told, so that it tells of nothing twice (RFC 6578, 3.6)."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._told: dict[tuple[str, ...], tuple[str, int] | None] = {}

    def news(self, members: list[Member]) -> list[Member] | None:
        """Return what was not told yet; None where something is not any more what was told of it."""
        states = {member.names: _state_of(member) for member in members}
        if any(names in self._told and self._told[names] != state for names, state in states.items()):
            return None
        found = [member for member in members if member.names not in self._told]
        self._told |= states
        return found


def _state_of(member: Member) -> tuple[str, int] | None:
    if member.resource is None:
        return None
    view = member.resource.view
    return view.file_id, max(view.listed.node.seq, view.listed.below_seq)


def _response(target: Target, member: Member, asked: Asked, server: Server) -> str:
    href, resource = target.below_href(member.names, is_folder=member.is_folder), member.resource
    if resource is None:
        return f"<d:response><d:href>{escape(href)}</d:href>{_GONE}"
    return response_of(href, resource, asked, server)


def _read_wanted(request: web.Request) -> Wanted:
    """Return what a body asks for.

    Raises:
        DavError: it is another report.
        InvalidRequestError: it is malformed.
    """
    require_xml(request.headers.get("Content-Type", ""))
    root = parse(request[SENT])
    if root.name != Name(DAV, "sync-collection"):
        raise DavError(HTTPStatus.FORBIDDEN, "There is no such report here.", "supported-report")
    prop = root.first("prop")
    if prop is None:
        raise InvalidRequestError("A sync-collection names properties, in a prop.")
    token = root.first("sync-token")
    text = "" if token is None else token.text.strip()
    return Wanted(text or None, _is_deep(request, root), _limit_in(root), Asked(Kind.SOME, names_in(prop)))


def _is_deep(request: web.Request, root: Element) -> bool:
    """Tell whether all that is below counts; early programs say it by Depth (RFC 6578, appendix A)."""
    level = root.first("sync-level")
    said = depth_of(request, Depth.ZERO).value if level is None else level.text.strip()
    if said not in ("1", "infinity", "infinite"):
        raise InvalidRequestError("A sync-level is 1 or infinite.")
    return said != "1"


def _limit_in(root: Element) -> int:
    limit = root.first("limit")
    nresults = None if limit is None else limit.first("nresults")
    if nresults is None:
        return MOST
    text = nresults.text.strip()
    if not text.isascii() or not text.isdigit() or not int(text[:9]):
        raise InvalidRequestError("A limit says how many in nresults, at least one.")
    return min(MOST, int(text[:9]))
