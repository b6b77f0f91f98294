"""LOCK: a lock is taken, or with no body refreshed (RFC 4918, 9.10)."""

from collections.abc import Sequence
from dataclasses import replace
from http import HTTPStatus

from aiohttp import web

from app.dav.headers import Depth, depth_of, timeout_s
from app.dav.locked import shown_by
from app.dav.paths import Target, hrefs_of
from app.dav.problems import XML_TYPE, DavError
from app.dav.properties import active_lock
from app.dav.propfind import FIRST, LAST
from app.dav.xml import DAV, DECLARED, HEAD, Element, Name, escape, parse, require_xml, written
from app.errors import InvalidRequestError, LockConflictError, PreconditionFailedError
from app.keys import ACTOR, SENT, SERVICES
from app.services.lock_state import Shown
from app.services.locks import LockView, Wanted

OWNER_SIZE = 4096
_SCOPES = {Name(DAV, "exclusive"): True, Name(DAV, "shared"): False}


async def lock(request: web.Request, target: Target) -> web.StreamResponse:
    """Lock what is there, or a name that is free: then an empty file is made."""
    shown, depth = shown_by(request, target), depth_of(request)
    if depth is Depth.ONE:
        raise InvalidRequestError("A lock has Depth 0 or infinity.")
    if not (body := request[SENT]):
        return await _refresh(request, target, shown)
    require_xml(request.headers.get("Content-Type", ""))
    wanted = wanted_in(parse(body), is_deep=depth is Depth.INFINITY, seconds=timeout_s(request))
    wanted = replace(wanted, is_folder=target.slash)
    services, actor = request.app[SERVICES], request[ACTOR]
    try:
        granted = await services.locks.lock(actor, target.names, wanted, shown)
    except LockConflictError as error:
        return await _refused(request, target, error)
    status = HTTPStatus.CREATED if granted.created else HTTPStatus.OK
    return _answer(request, granted.locks, status, {"Lock-Token": f"<{granted.token}>"})


def wanted_in(root: Element, *, is_deep: bool, seconds: int | None) -> Wanted:
    """Return the lock that a body asks for.

    Raises:
        InvalidRequestError: it is no lockinfo of a write lock, or says too much of its owner.
    """
    scope, kind, owner = (root.first(name) for name in ("lockscope", "locktype", "owner"))
    scopes = [] if scope is None else [element.name for element in scope.elements()]
    if root.name != Name(DAV, "lockinfo") or len(scopes) != 1 or scopes[0] not in _SCOPES:
        raise InvalidRequestError("The body asks for no exclusive and no shared lock.")
    if kind is None or kind.first("write") is None:
        raise InvalidRequestError("There are write locks, and no others.")
    owner_xml = "" if owner is None else written(owner)
    if len(owner_xml.encode()) > OWNER_SIZE:
        raise InvalidRequestError(f"A lock may say {OWNER_SIZE} bytes of its owner.")
    return Wanted(_SCOPES[scopes[0]], is_deep, owner_xml, seconds)


async def _refresh(request: web.Request, target: Target, shown: Shown) -> web.Response:
    if not shown.tokens:
        raise InvalidRequestError("Say which lock is to be refreshed in an If header, or send a lockinfo.")
    try:
        found = await request.app[SERVICES].locks.refresh(request[ACTOR], target.names, timeout_s(request), shown)
    except PreconditionFailedError as error:
        raise DavError(HTTPStatus.PRECONDITION_FAILED, str(error), "lock-token-matches-request-uri") from error
    return _answer(request, found, HTTPStatus.OK, {})


async def _refused(request: web.Request, target: Target, error: LockConflictError) -> web.Response:
    """Name what is locked: below the resource with one response each, and one for the resource itself (9.10.9)."""
    places = await request.app[SERVICES].locks.places(request[ACTOR], error.node_ids)
    href = hrefs_of(request)
    below = [place for place in places if place.path.startswith(f"{target.path.rstrip('/')}/") and place.path != "/"]
    if not below:
        hrefs = tuple(map(href, places)) or (target.href,)
        raise DavError(HTTPStatus.LOCKED, str(error), "no-conflicting-lock", hrefs) from error
    responses = [_response(href(place), HTTPStatus.LOCKED) for place in below]
    responses.append(_response(target.self_href(is_folder=True), HTTPStatus.FAILED_DEPENDENCY))
    text = f"{FIRST}{''.join(responses)}{LAST}"
    return web.Response(body=text.encode(), status=HTTPStatus.MULTI_STATUS, headers={"Content-Type": XML_TYPE})


def _response(href: str, status: HTTPStatus) -> str:
    line = f"HTTP/1.1 {status.value} {status.phrase}"
    return f"<d:response><d:href>{escape(href)}</d:href><d:status>{line}</d:status></d:response>"


def _answer(
    request: web.Request, found: Sequence[LockView], status: HTTPStatus, headers: dict[str, str]
) -> web.Response:
    href = hrefs_of(request)
    inside = "".join(active_lock(one, href) for one in found)
    text = f"{HEAD}<d:prop{DECLARED}><d:lockdiscovery>{inside}</d:lockdiscovery></d:prop>\n"
    headers = {"Content-Type": XML_TYPE, "Cache-Control": "no-store", **headers}
    return web.Response(body=text.encode(), status=status, headers=headers)
