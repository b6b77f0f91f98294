"""Whether a browser's request comes from an own page, and over TLS (security.md, C1, C2, S2, E1)."""

from urllib.parse import urlsplit

from aiohttp import web

from app.auth.addresses import is_internet, is_same_link
from app.errors import ForbiddenError
from app.keys import NETWORK, SERVICES

SAME = "same-origin"
CROSS = "cross-site"
OTHERS = (CROSS, "same-site")


def is_tls(request: web.Request) -> bool:
    """Say whether the client speaks TLS, with this server or with a trusted proxy before it."""
    headers = request.headers
    return request.secure or request.app[SERVICES].proxies.told_tls(
        request.remote, headers.getall("X-Forwarded-Proto", []), headers.getall("Forwarded", [])
    )


def is_read_on_the_way(request: web.Request) -> bool:
    """Say whether the request came over the internet, and in the open."""
    if not is_internet(request[NETWORK]) or is_tls(request):
        return False
    transport = request.transport
    own = None if transport is None else transport.get_extra_info("sockname")
    is_neighbour = is_same_link(request.remote, own[0] if isinstance(own, tuple) else None)
    return not is_neighbour or request.app[SERVICES].proxies.is_trusted(request.remote)


def refuse_on_the_way(request: web.Request) -> None:
    """Take no password from the internet without TLS, unless the operator wants that.

    Raises:
        ForbiddenError: it comes so.
    """
    if is_read_on_the_way(request) and not request.app[SERVICES].settings.tls.open_passwords:
        raise ForbiddenError(
            "No password is taken from the internet without TLS, where others can read it: use https://. If a proxy in "
            "front speaks it, let that send X-Forwarded-Proto, and name it in server.trusted_proxies."
        )


def is_cross_site(request: web.Request) -> bool:
    """Say whether the browser tells that a page of another site made the request."""
    return request.headers.get("Sec-Fetch-Site") == CROSS


def refuse_foreign(request: web.Request) -> None:
    """Refuse what a page of another origin sends, where the browser names it.

    Raises:
        ForbiddenError: it does so.
    """
    if request.headers.get("Sec-Fetch-Site") != SAME and _has_foreign_origin(request):
        raise _foreign()


def refuse_told_foreign(request: web.Request) -> None:
    """Refuse what a browser says comes from a page of another origin; programs that say nothing pass.

    Raises:
        ForbiddenError: it does so.
    """
    if request.headers.get("Sec-Fetch-Site") in OTHERS:
        raise _foreign()
    refuse_foreign(request)


def require_own(request: web.Request) -> None:
    """Refuse what is not known to come from an own page: browsers name the origin of all that changes something.

    Raises:
        ForbiddenError: it comes from elsewhere, or does not say whence.
    """
    site = request.headers.get("Sec-Fetch-Site")
    if site == SAME:
        return
    if site is not None or "Origin" not in request.headers or _has_foreign_origin(request):
        raise _foreign()


def _has_foreign_origin(request: web.Request) -> bool:
    origin = request.headers.get("Origin")
    if origin is None:
        return False
    public = urlsplit(request.app[SERVICES].settings.server.public_url)
    own = {f"{'https' if is_tls(request) else 'http'}://{request.headers.get('Host', '')}".lower()}
    if public.netloc:
        own.add(f"{public.scheme}://{public.netloc}".lower())
    return origin.lower() not in own


def _foreign() -> ForbiddenError:
    return ForbiddenError("This is for pages of this server alone: send an own Origin.")
