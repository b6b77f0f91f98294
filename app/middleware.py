"""What happens around every handler: request id, host, set-up, who asks, and refusals as problem details."""

import logging
import secrets
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from http import HTTPStatus
from typing import Final, cast

from aiohttp import web

from app.api.credentials import who_asks
from app.api.http import prove
from app.api.origins import is_tls, refuse_on_the_way
from app.api.problem_pages import problem_page, wants_page
from app.api.refusals import problem_for
from app.api.routes import Access, Handler, Route
from app.auth.addresses import network_of
from app.auth.identity import Actor, ActorKind
from app.connections import Guest
from app.dav.problems import DavError, dav_response, is_dav
from app.errors import (
    ForbiddenError,
    HeadersTooLargeError,
    MalformedError,
    RateLimitedError,
    UnavailableError,
)
from app.heads import check_head, waits_to_be_invited
from app.keys import ACTOR, ANSWER, IS_PROVEN, NETWORK, OWNER, REQUEST_ID, SERVICES, TURN
from app.problems import is_expected, problem_response
from app.services.budget import FREE

logger = logging.getLogger("app.requests")

RETRY_S = 1
_KNOWN: Final = (Access.FILES, Access.WEBDAV, Access.ACCOUNT, Access.ADMIN)
"""Rules that ask who it is."""
SERVER_NAME = "Cairn"  # in place of one that tells versions
HSTS = "max-age=31536000"  # a year; only beside a certificate that browsers trust by themselves (security.md, E1)
SECURITY_HEADERS: Final[Mapping[str, str]] = {
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
}


def guarded(route: Route, running: Counter[int]) -> Handler:
    """Return the route's handler behind its access rule.

    Args:
        running: how many requests each user has under way; shared by all routes.

    Raises:
        TypeError: the route has no rule, so the server must not start.
    """
    if not isinstance(route.access, Access):
        raise TypeError(f"{route.method} {route.path} has not said who may call it")

    async def handler(request: web.Request) -> web.StreamResponse:
        services = request.app[SERVICES]
        if services.setup.is_needed and route.access not in (Access.ALWAYS, Access.SETUP):
            raise _not_set_up()
        if route.checks_secret:
            refuse_on_the_way(request)
        if route.access not in _KNOWN:
            return await _answer(route, request, request[NETWORK])
        actor = replace(await who_asks(request, by_webdav=route.access is Access.WEBDAV), address=request[NETWORK])
        request[ACTOR] = actor
        prove(request)
        _check_opens(route, actor)
        if route.proof:
            services.authentication.require_proof(actor)
        if running[actor.user_id] >= services.settings.limits.requests_per_user:
            raise RateLimitedError("Too many requests of yours are under way: wait for some to end.", RETRY_S)
        running[actor.user_id] += 1
        request[TURN] = services.work.of(actor.user_id)
        try:
            with services.calls.running(actor, request.transport):
                return await _answer(route, request, str(actor.user_id))
        finally:
            running[actor.user_id] -= 1
            if not running[actor.user_id]:
                del running[actor.user_id]

    return handler


def _check_opens(route: Route, actor: Actor) -> None:
    """Refuse a route that this kind of credential does not open.

    Raises:
        ForbiddenError: it does not.
    """
    if route.access is Access.FILES:
        if actor.scope.webdav_only:
            raise ForbiddenError("This app password opens WebDAV alone.")
    elif route.access is not Access.WEBDAV and actor.kind is ActorKind.APP_PASSWORD:
        raise ForbiddenError("An app password opens files alone: log in for this.")
    elif route.access is Access.ADMIN and not actor.is_admin:
        raise ForbiddenError("Only an admin may do this.")


async def _answer(route: Route, request: web.Request, owner: str) -> web.StreamResponse:
    """Run the handler; an answer of some size holds its memory until the reader has taken it."""
    request[OWNER] = owner
    with request.app[SERVICES].answers.lease(owner, request.get(TURN)) as lease:
        request[ANSWER] = lease
        response = await route.handler(request)
        body = response.body if isinstance(response, web.Response) else None
        if isinstance(body, bytes) and len(body) > FREE:
            await lease.hold(len(body))
            await response.prepare(request)
            await response.write_eof()
    return response


@web.middleware
async def observe(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Name the request, judge its Host, turn what is raised into an answer, and log one line."""
    request[REQUEST_ID] = secrets.token_hex(8)
    begun = time.perf_counter()
    try:
        services, headers = request.app[SERVICES], request.headers
        request[NETWORK] = network_of(
            services.proxies.client_address(
                request.remote, headers.getall("X-Forwarded-For", []), headers.getall("Forwarded", [])
            )
        )
        services.surroundings.note(
            request.remote,
            request[NETWORK],
            is_forwarded="X-Forwarded-For" in headers or "Forwarded" in headers,
            tells_scheme="X-Forwarded-Proto" in headers or "Forwarded" in headers,
            is_tls=is_tls(request),
        )
        check_head(request, services.settings.server.host_names)
        _check_route(request)
        with services.connections.forwarded(request.remote, request[NETWORK]):
            response = await handler(request)
    except Exception as error:
        response = await _refusal(request, error)
        if not is_expected(error) and not isinstance(error, DavError):
            logger.exception("request %s failed", request[REQUEST_ID])
        elif response.status == HTTPStatus.INTERNAL_SERVER_ERROR:  # known, and for the operator to mend
            logger.error("request %s failed: %s", request[REQUEST_ID], error)  # noqa: TRY400 - no fault of the code
        if isinstance(error, (MalformedError, HeadersTooLargeError)) or waits_to_be_invited(request):
            response.force_close()
    _log(request, response.status, time.perf_counter() - begun)
    return response


async def add_headers(request: web.Request, response: web.StreamResponse) -> None:
    """Set the headers that every answer has, just before it goes out. Who takes it slowly has no turn."""
    if IS_PROVEN not in request:
        request.app[SERVICES].connections.rests(cast(Guest, request.protocol))
    if TURN in request:
        request[TURN].give_back()
    response.headers["Server"] = SERVER_NAME
    for name, value in SECURITY_HEADERS.items():
        response.headers.setdefault(name, value)
    shown = request.app[SERVICES].certificates.shown
    if shown is not None and shown.is_public:
        response.headers["Strict-Transport-Security"] = HSTS
    if REQUEST_ID in request:
        response.headers["X-Request-Id"] = request[REQUEST_ID]


async def _refusal(request: web.Request, error: Exception) -> web.Response:
    """Return the answer to what was raised, as whoever asks can read it."""
    if is_dav(request):
        return dav_response(error)
    problem = await problem_for(request, error)
    return problem_page(request, problem, error) if wants_page(request) else problem_response(problem, error)


def _check_route(request: web.Request) -> None:
    """Refuse a path or method that no route has."""
    services = request.app[SERVICES]
    if (refused := request.match_info.http_exception) is not None:
        raise refused if not services.setup.is_needed else _not_set_up()


def _not_set_up() -> UnavailableError:
    return UnavailableError(
        "This server has no enabled admin: run `cairn user enable NAME` or `cairn user add NAME --admin` on its "
        "machine, or open the set-up address that a new server prints when it starts."
    )


def _log(request: web.Request, status: int, seconds: float) -> None:
    """Write one line without names, queries or ids, which may be secret (security.md, E3)."""
    resource = request.match_info.route.resource
    line = None if resource is None else resource.canonical
    request.app[SERVICES].metrics.count(request.method, line, status, seconds)
    level = logging.INFO if status >= web.HTTPBadRequest.status_code else logging.DEBUG
    logger.log(
        level,
        "%s %s %d %.1f ms request=%s",
        request.method,
        line or "-",
        status,
        seconds * 1000,
        request[REQUEST_ID],
    )
