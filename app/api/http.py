"""What handlers share: the route table with its access rules, and JSON in and out."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any, TypeVar

import msgspec
from aiohttp import web

from app.errors import InvalidRequestError, RequestTimeoutError, TooLargeError, UnsupportedMediaTypeError

T = TypeVar("T")
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

JSON_BODY = 1024 * 1024
BODY_GRACE_S = 30
BODY_GAP_S = 60
SLOWEST_BYTES_S = 8 * 1024


class Access(Enum):
    """Who may call a route; the object itself is judged by the service."""

    ALWAYS = "anyone, also before there is an admin"
    PUBLIC = "anyone"
    SETUP = "anyone, while there is no admin"
    SIGNED = "whoever holds the signed URL"
    ACCOUNT = "a device or session of an enabled user"
    ADMIN = "an admin"


@dataclass(frozen=True, slots=True)
class Route:
    """One line of the route table."""

    method: str
    path: str
    access: Access
    handler: Handler


class Routes(list[Route]):
    """Collects the routes of a module; a route without an access rule cannot be written down."""

    def get(self, path: str, *, access: Access) -> Callable[[Handler], Handler]:
        """Register a GET, with HEAD."""
        return self._add("GET", path, access)

    def post(self, path: str, *, access: Access) -> Callable[[Handler], Handler]:
        """Register a POST."""
        return self._add("POST", path, access)

    def put(self, path: str, *, access: Access) -> Callable[[Handler], Handler]:
        """Register a PUT."""
        return self._add("PUT", path, access)

    def patch(self, path: str, *, access: Access) -> Callable[[Handler], Handler]:
        """Register a PATCH."""
        return self._add("PATCH", path, access)

    def delete(self, path: str, *, access: Access) -> Callable[[Handler], Handler]:
        """Register a DELETE."""
        return self._add("DELETE", path, access)

    def _add(self, method: str, path: str, access: Access) -> Callable[[Handler], Handler]:
        def register(handler: Handler) -> Handler:
            self.append(Route(method, path, access, handler))
            return handler

        return register


async def read_body(request: web.Request, limit: int = JSON_BODY) -> bytes:
    """Return the whole body.

    Raises:
        TooLargeError: it is longer than `limit` bytes.
        UnsupportedMediaTypeError: it carries a Content-Encoding, which only chunk PUTs may.
    """
    require_plain(request)
    if (request.content_length or 0) > limit:
        raise _too_long(limit)
    return b"".join([piece async for piece in pieces_of(request, limit)])


def require_plain(request: web.Request) -> None:
    """Refuse a body with a Content-Encoding, which only chunk PUTs may have.

    Raises:
        UnsupportedMediaTypeError: it has one.
    """
    if any(encoding != "identity" for encoding in request.headers.getall("Content-Encoding", [])):
        raise UnsupportedMediaTypeError("Only a chunk may be sent with a Content-Encoding.")


async def pieces_of(request: web.Request, limit: int | None = None) -> AsyncIterator[bytes]:
    """Yield the body as it comes, if it comes in time: 8 KiB a second after the first half minute, and no long gap.

    Only the sender's time counts, not what this server takes between two pieces.

    Raises:
        TooLargeError: it is longer than `limit` bytes.
        RequestTimeoutError: it comes too slowly.
    """
    size, waited_s, loop, content = 0, 0.0, asyncio.get_running_loop(), request.content
    while True:
        piece = content.read_nowait() if content.total_bytes > size else b""  # what is here needs no clock
        if not piece:
            begun_s = loop.time()
            try:
                async with asyncio.timeout(min(BODY_GRACE_S + size / SLOWEST_BYTES_S - waited_s, BODY_GAP_S)):
                    piece = await content.readany()
            except TimeoutError as error:
                raise RequestTimeoutError("The body came too slowly.") from error
            waited_s += loop.time() - begun_s
        if not piece:
            return
        size += len(piece)
        if limit is not None and size > limit:
            raise _too_long(limit)
        yield piece


def _too_long(limit: int) -> TooLargeError:
    return TooLargeError(f"The body is longer than the {limit} bytes that this call takes.")


async def read_json(request: web.Request, kind: type[T], *, limit: int = JSON_BODY) -> T:
    """Return the body as `kind`; see `decode_json`."""
    return decode_json(await read_body(request, limit), kind)


def decode_json(body: bytes, kind: type[T]) -> T:
    """Return `body` as `kind`; what does not fit it is refused by msgspec, which says where.

    Raises:
        InvalidRequestError: it is not UTF-8, or nested too deep to be read.
    """
    try:
        return msgspec.json.decode(body, type=kind)
    except UnicodeDecodeError as error:
        raise InvalidRequestError("The body is not UTF-8.") from error
    except RecursionError as error:
        raise InvalidRequestError("The body is nested too deep.") from error


def json_reply(reply: Any, status: int = 200) -> web.Response:
    """Render `reply` as JSON that no cache keeps."""
    return web.Response(
        body=msgspec.json.encode(reply),
        status=status,
        content_type="application/json",
        charset="utf-8",
        headers={"Cache-Control": "no-store"},
    )


def query(request: web.Request, kind: type[T]) -> T:
    """Return the query parameters as `kind`; unknown and repeated ones are refused."""
    values: dict[str, str] = {}
    for name, value in request.query.items():
        if name in values:
            raise InvalidRequestError(f"The parameter {name!r} stands twice.")
        values[name] = value
    return msgspec.convert(values, type=kind, strict=False)
