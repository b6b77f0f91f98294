"""What a request shows of who asks: a Bearer, Basic, or a browser's cookie (security.md, S and C)."""

import base64
import binascii

from aiohttp import web

from app.api.origins import (
    is_cross_site,
    is_tls,
    refuse_foreign,
    refuse_on_the_way,
    refuse_told_foreign,
    require_own,
)
from app.auth import tokens
from app.auth.identity import Actor, ActorKind
from app.auth.lifetimes import LIFETIMES
from app.errors import ForbiddenError, UnauthenticatedError
from app.keys import CSRF, NETWORK, SERVICES

# Over plain HTTP another name, so that the two never mix: a cookie sniffed there opens nothing over TLS.
SECURE_COOKIE, PLAIN_COOKIE = "__Host-cairn", "cairn-session"
SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
CSRF_HEADER = "X-CSRF-Token"


async def who_asks(request: web.Request, *, by_webdav: bool = False) -> Actor:
    """Return who asks; where there is an Authorization header it counts alone, and no cookie.

    Args:
        by_webdav: Basic may show the account's own password, and a cookie counts only beside its CSRF token: the
            programs of that door never show one, and a browser sends it to whatever page it is led to (C1).

    Raises:
        UnauthenticatedError: nothing is shown, or nothing that works.
        ForbiddenError: a cookie would change something, and the request is not known to come from an own page; or
            Basic would, and the browser says that it comes from a foreign one; or a password came in the open.
        RateLimitedError: a wrong app password was shown too often.
    """
    authentication = request.app[SERVICES].authentication
    header = request.headers.get("Authorization")
    if header is None:
        if by_webdav and CSRF_HEADER not in request.headers:
            raise _nothing_shown()
        return await _of_session(request)
    scheme, _, value = header.partition(" ")
    if scheme.lower() == "bearer" and value:
        return await authentication.actor_of(value.strip(), request[NETWORK])
    # A browser adds Basic by itself once a person has typed it, also to what a foreign page makes it send.
    if scheme.lower() == "basic" and not is_cross_site(request):
        if request.method not in SAFE_METHODS:
            refuse_told_foreign(request)
        refuse_on_the_way(request)
        basic = request.app[SERVICES].own_password if by_webdav else authentication
        return await basic.actor_of_basic(*_read_basic(value), request[NETWORK])
    raise _nothing_shown()


async def session_of(request: web.Request) -> Actor | None:
    """Return whose browser asks for a page, None where nobody is signed in: then the page is the one to sign in on."""
    try:
        actor = await _of_session(request)
    except (UnauthenticatedError, ForbiddenError):
        return None
    return actor


def cookie_name(request: web.Request) -> str:
    """Return the name of the session's cookie for the way this request came."""
    return SECURE_COOKIE if is_tls(request) else PLAIN_COOKIE


def set_cookie(request: web.Request, response: web.Response, value: str, *, lasts: bool) -> None:
    """Give the browser its session: for as long as that can last, or until the browser is closed."""
    response.set_cookie(
        cookie_name(request),
        value,
        max_age=LIFETIMES[ActorKind.SESSION].whole_ms // 1000 if lasts else None,
        path="/",
        secure=is_tls(request),
        httponly=True,
        samesite="Lax",
    )


def remove_cookie(request: web.Request, response: web.Response) -> None:
    """Take the session from the browser."""
    response.del_cookie(cookie_name(request), path="/", secure=is_tls(request), httponly=True, samesite="Lax")


async def _of_session(request: web.Request) -> Actor:
    cookie = request.cookies.get(cookie_name(request))
    if not cookie:
        raise _nothing_shown()
    refuse_foreign(request)
    actor = await request.app[SERVICES].authentication.actor_of_session(cookie, request[NETWORK])
    shown = request.headers.get(CSRF_HEADER)
    is_change = request.method not in SAFE_METHODS
    if is_change:
        require_own(request)
    # A page may show it with a read too: then it hears nothing from the account of who has signed in there since.
    if (is_change or shown is not None) and not tokens.is_csrf_token_of(cookie, shown):
        raise ForbiddenError(f"The header {CSRF_HEADER} must be that of this session: GET /api/v1/me tells it.")
    request[CSRF] = tokens.csrf_token_of(cookie)
    return actor


def _read_basic(value: str) -> tuple[str, str]:
    """Return user name and password (RFC 7617, 2)."""
    try:
        name, colon, password = base64.b64decode(value.strip(), validate=True).decode().partition(":")
    except (binascii.Error, ValueError) as error:
        raise _nothing_shown() from error
    if not colon:
        raise _nothing_shown()
    return name, password


def _nothing_shown() -> UnauthenticatedError:
    return UnauthenticatedError("This call needs the header 'Authorization: Bearer TOKEN': log in first.")
