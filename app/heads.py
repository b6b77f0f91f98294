"""Judges a request's head before anything else does (security.md, H1, C5 and Limits)."""

from collections.abc import Collection

from aiohttp import HttpVersion11, web

from app.auth.addresses import is_own_host
from app.errors import HeadersTooLargeError, MalformedError, MisdirectedError

HEADERS_SIZE = 32 * 1024
_BETWEEN = len(": \r\n")


def check_head(request: web.Request, host_names: Collection[str]) -> None:
    """Refuse what is too long, what two programs could read in two ways, and what is meant for another server.

    The parser has refused all that is malformed by itself.

    Args:
        host_names: names of this server besides those that are always its own.

    Raises:
        HeadersTooLargeError: all headers together are over 32 KiB.
        MalformedError: the body has another transfer coding than chunked, or something unknown is expected.
        MisdirectedError: the Host header, or a whole URL in its place, names another server.
    """
    if sum(len(name) + len(value) + _BETWEEN for name, value in request.raw_headers) > HEADERS_SIZE:
        raise HeadersTooLargeError(f"The headers of a request may have {HEADERS_SIZE} bytes.")
    if request.headers.get("Transfer-Encoding", "chunked").lower() != "chunked":
        raise MalformedError("The body has a transfer coding that is not known here.")
    if any(value.lower() != b"100-continue" for value in _expectations(request)):
        raise MalformedError("Nothing but 100-continue can be expected of this server.")
    if not is_own_host(request.headers.get("Host"), host_names) or not _names_this_server(request, host_names):
        raise MisdirectedError("This server is not known by this name: add it to server.hosts.")


def waits_to_be_invited(request: web.Request) -> bool:
    """Say whether the client sends the body only once it is told to, and none of it has come (RFC 9110, 10.1.1)."""
    content = request.content
    return not content.is_eof() and not content.total_bytes and bool(_expectations(request))


def _expectations(request: web.Request) -> list[bytes]:
    if request.version < HttpVersion11:
        return []
    return [value for name, value in request.raw_headers if name.lower() == b"expect"]


def _names_this_server(request: web.Request, host_names: Collection[str]) -> bool:
    """Say whether a target that is a whole URL names this server; it comes before the Host header (RFC 9112, 3.2.2)."""
    return request.raw_path.startswith(("/", "*")) or is_own_host(request.url.host_port_subcomponent, host_names)
