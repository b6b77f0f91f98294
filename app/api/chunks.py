"""Handlers of signed URLs: chunks and bundles in, chunks out. None of them knows a session."""

from collections.abc import AsyncIterator
from dataclasses import replace
from http import HTTPStatus

from aiohttp import web

from app.api.http import json_reply, pieces_of, prove, receiving
from app.api.ranges import is_known, parse_ranges
from app.api.routes import JSON, Access, Answer, Body, Routes, Terms
from app.errors import ForbiddenError, NoRoomError, RangeNotSatisfiableError, TooLargeError, UnsupportedMediaTypeError
from app.keys import ANSWER, SERVICES
from app.services.budget import Lease
from app.services.urls import BUNDLE_SIZE
from app.wire import BundleReply
from storage.base import MAX_CHUNK, ChunkId, Encoding, StoredChunk, WireEncoding
from storage.errors import ChunkMismatchError, UnsupportedEncodingError
from storage.signing import Grant, Operation

IMMUTABLE = "private, max-age=31536000, immutable"

_BYTES: dict[str, tuple[type, ...]] = {"application/octet-stream": ()}
_PUT = Terms(
    headers=("Content-Encoding",),
    body=Body({"*/*": ()}),
    answers=(Answer(HTTPStatus.NO_CONTENT, headers=("ETag",)),),
    refuses=(ChunkMismatchError, ForbiddenError, NoRoomError),
)

routes = Routes()


@routes.post("/chunks/{chunk}", access=Access.SIGNED, **_PUT)
@routes.put("/chunks/{chunk}", access=Access.SIGNED, **_PUT)
async def put_chunk(request: web.Request) -> web.Response:
    """Take one chunk for the upload that its URL names."""
    services = request.app[SERVICES]
    grant = _grant(request, Operation.PUT_CHUNK, request.match_info["chunk"])
    encoding = _encoding(request, grant)
    await services.receive.admit_chunk(grant)
    length = request.content_length
    if length is not None and length > grant.wire_size:
        raise _too_long(grant, length)
    with receiving(request, grant.user) as lease:
        pieces = await _read_pieces(request, grant, lease)
        await services.receive.take_chunk(grant, pieces, encoding)
    return web.Response(status=HTTPStatus.NO_CONTENT, headers={"ETag": f'"{grant.subject}"'})


@routes.put(
    "/bundles/{bundle}",
    access=Access.SIGNED,
    body=Body({"*/*": ()}),
    answers=(Answer(HTTPStatus.OK, {JSON: (BundleReply,)}),),
    refuses=(ChunkMismatchError, ForbiddenError, NoRoomError),
)
async def put_bundle(request: web.Request) -> web.Response:
    """Take many chunks in one body."""
    services = request.app[SERVICES]
    grant = _grant(request, Operation.PUT_BUNDLE, request.match_info["bundle"])
    _encoding(request, grant)
    declared = await services.receive.admit_bundle(grant)
    if (request.content_length or 0) > BUNDLE_SIZE:
        raise TooLargeError(f"A bundle may have {BUNDLE_SIZE} bytes.")
    with receiving(request, grant.user) as lease:
        pieces = pieces_of(request, lease, BUNDLE_SIZE)
        taken = await services.receive.take_bundle(grant, declared, pieces, lease)
    if taken.bad_frame is not None:
        message = f"Frame {taken.bad_frame} is not a chunk that an open upload of this bundle declares, or is damaged."
        raise ChunkMismatchError(message, stored=taken.stored, frame=taken.bad_frame)
    return json_reply(BundleReply(taken.stored))


@routes.get(
    "/chunks/{chunk}",
    access=Access.SIGNED,
    headers=("Accept-Encoding", "Range", "If-None-Match"),
    answers=(
        Answer(HTTPStatus.OK, _BYTES, ("ETag", "Accept-Ranges")),
        Answer(HTTPStatus.PARTIAL_CONTENT, _BYTES, ("ETag", "Accept-Ranges", "Content-Range")),
        Answer(HTTPStatus.NOT_MODIFIED, headers=("ETag",)),
    ),
    refuses=(RangeNotSatisfiableError,),
)
async def get_chunk(request: web.Request) -> web.StreamResponse:
    """Give one chunk: as it is stored to those who accept that, else plain; ranges count in the plain form."""
    services = request.app[SERVICES]
    grant = _grant(request, Operation.GET_CHUNK, request.match_info["chunk"])
    stored = await services.downloads.chunk(ChunkId(bytes.fromhex(grant.subject)))
    headers = {"Cache-Control": IMMUTABLE, "Vary": "Accept-Encoding", "Accept-Ranges": "bytes"}
    as_stored = stored.encoding is Encoding.ZSTD and "Range" not in request.headers and _accepts_zstd(request)
    etag = f"{grant.subject}-zstd" if as_stored else grant.subject
    headers["ETag"] = f'"{etag}"'
    if is_known(request.headers, etag):
        return web.Response(status=HTTPStatus.NOT_MODIFIED, headers=headers)
    spans = parse_ranges(request.headers["Range"], stored.size) if "Range" in request.headers else []
    is_asked = request.method != "HEAD" or (as_stored and stored.seal is not None)  # how long that is, it alone tells
    if is_asked and stored.path is None and stored.data is None:
        await request[ANSWER].take(stored.stored_size)
        stored = await services.downloads.fetch(stored)  # before anything is promised: it may be out of reach
    if as_stored:
        headers["Content-Encoding"] = "zstd"
        stored = replace(stored, encoding=Encoding.RAW, size=stored.stored_size)  # sent as it lies there
    span = spans[0] if len(spans) == 1 else None
    start, stop = (0, stored.size) if span is None else (span.start, span.stop)
    response = web.StreamResponse(status=HTTPStatus.OK if span is None else HTTPStatus.PARTIAL_CONTENT, headers=headers)
    if span is not None:
        response.headers["Content-Range"] = f"bytes {start}-{stop - 1}/{stored.size}"
    response.content_type = "application/octet-stream"
    response.content_length = stop - start
    await response.prepare(request)
    if request.method != "HEAD":
        parts = _single(stored, start, stop)
        await services.sender.send(request, response, parts, services.downloads, request[ANSWER])
    return response


def _grant(request: web.Request, operation: Operation, subject: str) -> Grant:
    grant = request.app[SERVICES].urls.verify(operation, subject, request.raw_path.partition("?")[2])
    prove(request)
    return grant


def _encoding(request: web.Request, grant: Grant) -> WireEncoding:
    named = request.headers.getall("Content-Encoding", ["identity"])
    try:
        encoding = WireEncoding(named[0].strip().lower()) if len(named) == 1 else None
    except ValueError:
        encoding = None
    if encoding is None or encoding not in grant.encodings:
        if grant.operation is Operation.PUT_BUNDLE:
            raise UnsupportedMediaTypeError("A bundle is sent without a Content-Encoding.")
        raise UnsupportedEncodingError("A chunk is sent plain, or with Content-Encoding zstd or gzip.")
    return encoding


async def _read_pieces(request: web.Request, grant: Grant, lease: Lease) -> list[bytes]:
    """Return the body as it came, in pieces that nobody joins."""
    pieces, size = list[bytes](), 0
    async for piece in pieces_of(request, lease):
        size += len(piece)
        if size > grant.wire_size:
            raise _too_long(grant, size)
        pieces.append(piece)
    return pieces


def _too_long(grant: Grant, length: int) -> Exception:
    if length > MAX_CHUNK * 2:
        return TooLargeError(f"A chunk has at most {MAX_CHUNK} bytes.")
    return ChunkMismatchError(f"The body is longer than a chunk of {grant.size} bytes can be.")


def _accepts_zstd(request: web.Request) -> bool:
    for item in request.headers.get("Accept-Encoding", "").lower().split(","):
        coding, _, weight = item.partition(";")
        if coding.strip() == "zstd":
            return weight.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False


async def _single(stored: StoredChunk, start: int, stop: int) -> AsyncIterator[tuple[StoredChunk, int, int]]:
    if start < stop:
        yield stored, start, stop
