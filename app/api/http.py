"""What handlers share: bodies as they come, JSON in and out, and query parameters."""

import asyncio
import gzip
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final, TypeVar, cast
from urllib.parse import parse_qsl

import msgspec
from aiohttp import web

from app.connections import Guest
from app.errors import InvalidRequestError, RequestTimeoutError, TooLargeError, UnsupportedMediaTypeError
from app.heads import waits_to_be_invited
from app.keys import IS_PROVEN, OWNER, SERVICES, TURN
from app.services.budget import Lease

T = TypeVar("T")

PACKED_FROM, PACKED_TO = 8 * 1024, 1024 * 1024
"""Bytes of a list that is packed: a shorter one gains little, a longer one would hold up the event loop."""
JSON_BODY = 1024 * 1024
MOST_FIELDS = 8
URLENCODED: Final = "application/x-www-form-urlencoded"
SLOWEST_BYTES_S = 8 * 1024


def prove(request: web.Request) -> None:
    """Note that a token or a signature held: nobody takes this connection's place while the request is under way."""
    request[IS_PROVEN] = True
    request.app[SERVICES].connections.works(cast(Guest, request.protocol))


@asynccontextmanager
async def working(request: web.Request) -> AsyncIterator[None]:
    """Wait for the asker's turn, and keep it while entered or until the answer goes out; strangers need none.

    Raises:
        ConnectionResetError: the peer left before.
    """
    turn = request.get(TURN)
    if turn is None:
        yield
        return
    await turn.take()
    try:
        if request.transport is None:
            raise ConnectionResetError("the peer was gone before it was its turn")
        yield
    finally:
        turn.give_back()


async def in_turns(request: web.Request, pages: AsyncIterator[T]) -> AsyncIterator[T]:
    """Yield pages of an answer that goes out already, each made when it is the asker's turn; who takes them has none.

    Raises:
        ConnectionResetError: the peer left before.
    """
    while True:
        async with working(request):
            try:
                page = await anext(pages)
            except StopAsyncIteration:
                return
        yield page


def receiving(request: web.Request, user_id: str | None = None) -> Lease:
    """Return the lease under which a body comes in, to be entered; by default it counts for whoever asks.

    The asker's turn, where it is taken already, is let go of while nothing has come, and once all has.

    Args:
        user_id: for whom it counts where a signed URL tells.
    """
    owner = request[OWNER] if user_id is None else user_id
    return request.app[SERVICES].bodies.lease(owner, request.get(TURN))


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
    deadlines, metrics = request.app[SERVICES].deadlines, request.app[SERVICES].metrics
    size, waited_s, loop, content = 0, 0.0, asyncio.get_running_loop(), request.content
    if waits_to_be_invited(request):
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.writer.output_size = 0  # that was no answer yet
    while True:
        lease.rests()
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
        metrics.receive(len(piece))
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


async def read_form(request: web.Request, kind: type[T]) -> T:
    """Return the fields of a page's form (application/x-www-form-urlencoded) as `kind`.

    Raises:
        InvalidRequestError: the body is none, or has more fields than any page of ours.
    """
    with receiving(request) as lease:
        body = await read_body(request, lease)
    try:
        fields = dict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=MOST_FIELDS, errors="strict"))
    except ValueError as error:
        raise InvalidRequestError("The body is no form of this page.") from error
    return msgspec.convert(fields, kind)


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


def long_reply(request: web.Request, reply: Any) -> web.Response:
    """Render a list that may be long, for whoever takes that with gzip: of a thousand files in 2 ms to a fifth."""
    response = json_reply(reply)
    response.headers["Vary"] = "Accept-Encoding"
    body = cast(bytes, response.body)
    if PACKED_FROM <= len(body) <= PACKED_TO and takes_gzip(request):
        response.body = gzip.compress(body, 1, mtime=0)
        response.headers["Content-Encoding"] = "gzip"
    return response


def takes_gzip(request: web.Request) -> bool:
    """Tell whether the asker takes gzip (RFC 9110, 12.5.3)."""
    for wish in request.headers.get("Accept-Encoding", "").lower().split(","):
        coding, _, weight = wish.partition(";")
        if coding.strip() == "gzip":
            return weight.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False


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
