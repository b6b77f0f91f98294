"""Answers a request for content: conditions, ranges, headers, bytes."""

import secrets
from collections.abc import Awaitable, Callable
from http import HTTPStatus

from aiohttp import web

from app.api.ranges import Span, check_preconditions, http_date, parse_ranges, range_applies
from app.api.routes import Answer
from app.keys import ANSWER, SERVICES
from app.services.downloads import Content
from app.services.media import PDF

_ALWAYS = ("ETag", "Last-Modified", "Accept-Ranges")
CONTENT = (
    Answer(HTTPStatus.OK, {"*/*": ()}, (*_ALWAYS, "Content-Disposition")),
    Answer(HTTPStatus.PARTIAL_CONTENT, {"*/*": ()}, (*_ALWAYS, "Content-Disposition")),
    Answer(HTTPStatus.NOT_MODIFIED, {}, _ALWAYS),
)
"""How `serve_content` answers when it succeeds: several ranges come as multipart/byteranges."""
_FRAMED = "default-src 'none'; frame-ancestors 'self'"  # no viewer of PDFs starts in a sandbox
SANDBOX = "sandbox; default-src 'none'; img-src 'self'; media-src 'self'; frame-ancestors 'none'"


async def serve_content(
    request: web.Request, content: Content, *, begins: Callable[[int], Awaitable[None]] | None = None
) -> web.StreamResponse:
    """Send a version's bytes as the request's conditions and ranges ask (RFC 9110, 13 and 14).

    Args:
        begins: awaited before bytes are sent, with the number of the first of them; may refuse.

    Raises:
        PreconditionFailedError: If-Match or If-Unmodified-Since does not hold.
        RangeNotSatisfiableError: none of the bytes asked for exist.
    """
    headers = _headers(content)
    if not check_preconditions(request.headers, content.etag, content.modified_ms):
        return web.Response(status=HTTPStatus.NOT_MODIFIED, headers=headers)
    spans: list[Span] = []
    if "Range" in request.headers and range_applies(request.headers, content.etag, content.modified_ms):
        spans = parse_ranges(request.headers["Range"], content.size)
    if begins is not None and request.method != "HEAD":
        await begins(min((span.start for span in spans), default=0))
    if len(spans) > 1:
        return await _serve_parts(request, content, spans, headers)
    headers["Content-Type"] = content.presentation.media_type
    status, span = HTTPStatus.OK, Span(0, content.size)
    if spans:
        status, span = HTTPStatus.PARTIAL_CONTENT, spans[0]
        headers["Content-Range"] = content_range(span, content.size)
    response = web.StreamResponse(status=status, headers=headers)
    response.content_length = span.size
    await response.prepare(request)
    if request.method != "HEAD" and span.size:
        services = request.app[SERVICES]
        parts = services.downloads.locate(content, span.start, span.stop)
        await services.sender.send(request, response, parts, services.downloads, request[ANSWER])
    return response


def _headers(content: Content) -> dict[str, str]:
    return {
        "ETag": f'"{content.etag}"',
        "Last-Modified": http_date(content.modified_ms),
        "Accept-Ranges": "bytes",
        "Content-Disposition": content.presentation.disposition,
        "Content-Security-Policy": _FRAMED if content.presentation.media_type == PDF else SANDBOX,
        "Cache-Control": "private, no-cache",
    }


async def _serve_parts(
    request: web.Request, content: Content, spans: list[Span], headers: dict[str, str]
) -> web.StreamResponse:
    """Send several ranges as multipart/byteranges (RFC 9110, 14.6)."""
    border = secrets.token_hex(16)
    heads = [_part_head(border, span, content) for span in spans]
    end = f"\r\n--{border}--\r\n".encode()
    headers["Content-Type"] = f"multipart/byteranges; boundary={border}"
    response = web.StreamResponse(status=HTTPStatus.PARTIAL_CONTENT, headers=headers)
    response.content_length = sum(len(head) for head in heads) + sum(span.size for span in spans) + len(end)
    await response.prepare(request)
    if request.method == "HEAD":
        return response
    services = request.app[SERVICES]
    for head, span in zip(heads, spans, strict=True):
        await response.write(head)
        parts = services.downloads.locate(content, span.start, span.stop)
        await services.sender.send(request, response, parts, services.downloads, request[ANSWER])
    await response.write(end)
    return response


def _part_head(border: str, span: Span, content: Content) -> bytes:
    lines = [
        "",
        f"--{border}",
        f"Content-Type: {content.presentation.media_type}",
        f"Content-Range: {content_range(span, content.size)}",
        "",
        "",
    ]
    return "\r\n".join(lines).encode()


def content_range(span: Span, size: int) -> str:
    """Return the value of Content-Range for a part of `size` bytes."""
    return f"bytes {span.start}-{span.stop - 1}/{size}"
