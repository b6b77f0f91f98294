"""What requests show of locks in their `If` header, and how they are told of those that they meet."""

from http import HTTPStatus

from aiohttp import web

from app.api.ranges import matches
from app.dav.conditions import parse_conditions
from app.dav.headers import lock_token_of
from app.dav.paths import Target, hrefs_of, located
from app.dav.problems import DavError
from app.errors import ForbiddenError, InvalidRequestError, LockedError
from app.keys import ACTOR, SERVICES
from app.services.lock_state import ABSENT, NOTHING_SHOWN, Lookup, Names, Shown, State

SUBMITTED = "lock-token-submitted"
_MATCHED = ("MOVE", "COPY", "PROPPATCH")
"""Methods whose If-Match is judged here; PUT and DELETE know the version that they must meet."""


def shown_by(request: web.Request, target: Target) -> Shown:
    """Return what a request shows of locks, for the services: they ask again what it says, inside the unit of work.

    Raises:
        InvalidRequestError: its `If` header is malformed, or stands twice.
    """
    shown = _shown_in_if(request, target)
    if "If-Match" not in request.headers or request.method not in _MATCHED or target.moment is not None:
        return shown

    def holds(look: Lookup) -> bool:
        return matches(request.headers, look(target.names).etag) and (shown.condition is None or shown.condition(look))

    return Shown(shown.tokens, holds)


def _shown_in_if(request: web.Request, target: Target) -> Shown:
    given = request.headers.getall("If", [])
    if not given:
        # Office may show its lock in Lock-Token alone when it saves: that is worth as much, and to its holder alone.
        is_office = request.method == "PUT" and "Lock-Token" in request.headers
        return Shown(frozenset({lock_token_of(request)})) if is_office else NOTHING_SHOWN
    if len(given) > 1:
        raise InvalidRequestError("There is more than one If header.")
    conditions = parse_conditions(given[0])
    places = {resource: _names_of(request, target, resource) for resource in conditions.resources}

    def holds(look: Lookup) -> bool:
        def state_of(resource: str | None) -> State:
            names = places[resource]
            return ABSENT if names is None else look(names)

        return conditions.holds(state_of)

    return Shown(conditions.tokens, holds)


async def require_conditions(request: web.Request, target: Target) -> None:
    """Refuse a request that says of resources what is not so, before anything of it is looked at.

    Raises:
        PreconditionFailedError: it does.
    """
    await request.app[SERVICES].locks.check(request[ACTOR], shown_by(request, target))


async def locked_answer(request: web.Request, error: LockedError) -> DavError:
    """Return a refusal for a lock that was met, which names what is locked as far as this credential sees it."""
    places = await request.app[SERVICES].locks.places(request[ACTOR], error.node_ids)
    hrefs = tuple(map(hrefs_of(request), places))
    return DavError(HTTPStatus.LOCKED, str(error), SUBMITTED, hrefs or (request.path,))


def _names_of(request: web.Request, target: Target, resource: str | None) -> Names | None:
    """Return the path of what a list is about; None where that is not here, or not of the present."""
    try:
        named = target if resource is None else located(request, resource)
    except (DavError, ForbiddenError):  # of another server, or behind another door
        return None
    return named.names if named.moment is None else None
