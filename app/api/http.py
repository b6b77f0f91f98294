"""What handlers share: bodies as they come, JSON in and out, and query parameters."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any, TypeVar, cast

import msgspec
from aiohttp import web

from app.connections import Guest
from app.errors import InvalidRequestError, RequestTimeoutError, TooLargeError, UnsupportedMediaTypeError
from app.heads import waits_to_be_invited
from app.keys import IS_PROVEN, OWNER, SERVICES
from app.services.budget import Lease

T = TypeVar("T")

JSON_BODY = 1024 * 1024
SLOWEST_BYTES_S = 8 * 1024


def prove(request: web.Request) -> None:
    """Note that a token or a signature held: nobody takes this connection's place while the request is under way."""
    request[IS_PROVEN] = True
    request.app[SERVICES].connections.works(cast(Guest, request.protocol))


def receiving(request: web.Request, user_id: str | None = None) -> Lease:
    """Return the lease under which a body comes in, to be entered; by default it counts for whoever asks.

    Args:
        user_id: for whom it counts where a signed URL tells.
    """
    return request.app[SERVICES].bodies.lease(request[OWNER] if user_id is None else user_id)


async def read_body(request: web.Request, lease: Lease, limit: int = JSON_BODY) -> bytes:
    """Return the whole body.

    Raises:
        UnavailableError: bodies of others have taken the memory for it.
        TooLargeError: it is longer than `limit` bytes.
        UnsupportedMediaTypeError: it carries a Content-Encoding, which only chunk PUTs may.
    """
    require_plain(request)
    if (request.content_length or 0) > limit:
        raise _too_long(limit)
    return b"".join([piece async for piece in pieces_of(request, lease, limit)])


def require_plain(request: web.Request) -> None:
    """Refuse a body with a Content-Encoding, which only chunk PUTs may have.

    Raises:
        UnsupportedMediaTypeError: it has one.
    """
    if any(encoding != "identity" for encoding in request.headers.getall("Content-Encoding", [])):
        raise UnsupportedMediaTypeError("Only a chunk may be sent with a Content-Encoding.")


async def pieces_of(request: web.Request, lease: Lease, limit: int | None = None) -> AsyncIterator[bytes]:
    """Yield the body as it comes, if it comes in time: 8 KiB a second after the first half minute, and no long gap.

    Only the sender's time counts, not what this server takes between two pieces. The lease holds all that was yielded;
    whoever lets go of some of it says so to the lease.

    Raises:
        TooLargeError: it is longer than `limit` bytes.
        RequestTimeoutError: it comes too slowly.
        UnavailableError: bodies of others have taken the memory for it.
    """
    deadlines = request.app[SERVICES].deadlines
    size, waited_s, loop, content = 0, 0.0, asyncio.get_running_loop(), request.content
    if waits_to_be_invited(request):
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.writer.output_size = 0  # that was no answer yet
    while True:
        piece = content.read_nowait() if content.total_bytes > size else b""  # what is here needs no clock
        if not piece:
            if request.transport is None and not content.is_eof():  # the library calls it a fault of ours
                raise ConnectionResetError("the peer was gone before its body was read")
            begun_s = loop.time()
            try:
                patience_s = deadlines.body_grace_s + size / SLOWEST_BYTES_S - waited_s
                async with asyncio.timeout(min(patience_s, deadlines.body_gap_s)):
                    piece = await content.readany()
            except TimeoutError as error:
                raise RequestTimeoutError("The body came too slowly.") from error
            waited_s += loop.time() - begun_s
        if not piece:
            return
        size += len(piece)
        if limit is not None and size > limit:
            raise _too_long(limit)
        await lease.take(len(piece))
        yield piece


def _too_long(limit: int) -> TooLargeError:
    return TooLargeError(f"The body is longer than the {limit} bytes that this call takes.")


async def read_json(request: web.Request, kind: type[T]) -> T:
    """Return the body as `kind`; see `require_json` and `decode_json`."""
    require_json(request)
    with receiving(request) as lease:
        return decode_json(await read_body(request, lease), kind)


def require_json(request: web.Request) -> None:
    """Refuse a body that says it is something else than JSON; one that says nothing may be.

    Raises:
        UnsupportedMediaTypeError: it does.
    """
    if "Content-Type" in request.headers and request.content_type != "application/json":
        raise UnsupportedMediaTypeError("This call takes JSON: send it with 'Content-Type: application/json'.")


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
    """Return the query parameters as `kind`; unknown and repeated ones are refused.

    Raises:
        InvalidRequestError: one stands twice, is unknown, or is not what `kind` says.
    """
    values: dict[str, str] = {}
    for name, value in request.query.items():
        if name in values:
            raise InvalidRequestError(f"The parameter {name!r} stands twice.")
        values[name] = value
    return convert_texts(values, kind, "a query parameter")


def convert_texts(values: Mapping[str, str], kind: type[T], what: str) -> T:
    """Return a struct made of texts; a number counts only as it is written in JSON, without a point or an exponent.

    Args:
        what: what each text is, for the refusal.

    Raises:
        InvalidRequestError: a text is not what `kind` says, or no field of it.
    """
    try:
        converted = msgspec.convert(values, type=kind, strict=False)
    except msgspec.ValidationError as error:
        raise InvalidRequestError(f"Of {what}: {error}.") from error
    except UnicodeEncodeError as error:  # bytes that are no UTF-8, which come here as lone surrogates
        raise InvalidRequestError(f"{what.capitalize()} is not UTF-8.") from error
    for name, value in msgspec.to_builtins(converted).items():
        if name in values and not isinstance(value, str) and str(value) != values[name]:
            raise InvalidRequestError(f"{what.capitalize()} is a whole number, as JSON writes it: {name!r} is not.")
    return converted
