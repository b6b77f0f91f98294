"""One connection: the library's HTTP, with deadlines and limits of our own around it (security.md, H1 and H3).

The library closes a connection that has been idle too long, and knows no other deadline.
"""

import asyncio
import logging
import socket
from typing import Any, cast

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError, LineTooLong
from aiohttp.http_parser import RawRequestMessage
from aiohttp.streams import EMPTY_PAYLOAD, StreamReader
from multidict import CIMultiDict, CIMultiDictProxy

from app.api.sending import reset
from app.connections import Connections
from app.deadlines import Deadlines
from app.errors import AppError, ForbiddenError, HeadersTooLargeError, MalformedError, RequestTimeoutError
from app.middleware import SECURITY_HEADERS, SERVER_NAME
from app.problems import problem_of, problem_response

logger = logging.getLogger(__name__)

LINE = 8 * 1024 - len("GET  HTTP/1.1\r\n")
FIELD = 8 * 1024 - len(": \r\n")
FIELDS = 100
HEAD = 44 * 1024
"""More bytes than a line and all headers may have (`app.middleware` counts exactly what has come whole)."""
READ_BUFFER = 512 * 1024
LAST_WORD_S = 1.0
PARTING = 128
SLOWEST_READER_BYTES_S = 1024
SPEAK_TLS = "This server speaks TLS alone here: write https:// in place of http://."
KERNEL_WAITS = 3
"""So many times as long as this server: it may look twice before it hangs up, and tells the peer."""
_TOO_MANY_FIELDS = ("Too many headers received",)


class Connection(web.RequestHandler):
    """Speaks HTTP with one peer, who is waited for so long and no longer."""

    __slots__ = (
        "_connections",
        "_deadlines",
        "_end_timer",
        "_events",
        "_has_moved",
        "_head_at",
        "_head_size",
        "_head_timer",
        "_is_busy",
        "_is_tls",
        "_payload",
        "_reader_timer",
        "_wire",
    )
    _wire: asyncio.Transport

    def __init__(
        self,
        server: web.Server,
        connections: Connections,
        deadlines: Deadlines,
        *,
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        """Begin before there is anybody.

        Args:
            connections: where this one is entered, or refused.
        """
        super().__init__(
            server,
            loop=loop,
            keepalive_timeout=deadlines.idle_s,
            access_log=None,  # type: ignore[arg-type] # None turns it off, as the library's own runner says
            max_line_size=LINE,
            max_field_size=FIELD,
            max_headers=FIELDS,
            read_bufsize=READ_BUFFER,
            auto_decompress=False,
        )
        self._connections = connections
        self._deadlines = deadlines
        self._events = loop
        self._payload: StreamReader = EMPTY_PAYLOAD
        self._is_busy = False
        self._is_tls = False
        self._head_at: float | None = None  # since when a head is waited for; None while there is no hurry
        self._head_size = 0
        self._has_moved = False  # whether the reader took all that was written, since the last look
        self._head_timer: asyncio.TimerHandle | None = None
        self._reader_timer: asyncio.TimerHandle | None = None
        self._end_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the peer in, or say why not."""
        self._wire = cast(asyncio.Transport, transport)
        self._is_tls = transport.get_extra_info("sslcontext") is not None
        peer = transport.get_extra_info("peername")
        try:
            self._connections.enter(self, peer[0] if isinstance(peer, tuple) else None)
        except AppError as error:
            _LastWord(self._wire, _plain_answer(error), self._connections, self._events)
            return
        _limit_silence(self._wire, self._deadlines.stall_s)
        super().connection_made(transport)
        self._expect_head()

    def connection_lost(self, exc: BaseException | None) -> None:
        """Give the place back."""
        self._connections.leave(self)
        for timer in (self._head_timer, self._reader_timer, self._end_timer):
            if timer is not None:
                timer.cancel()  # one that ran on would keep this object
        super().connection_lost(exc)
        if not self._is_busy and not self._payload.is_eof():
            self._payload.feed_eof()  # the library reads on in what is left of a refused body, and is told of no end

    def hang_up(self) -> None:
        """End at once, whatever has not been sent."""
        self._wire.abort()

    def data_received(self, data: bytes) -> None:
        """Take what has come; between two requests it is the head of the next, which must be short and soon whole."""
        if data and not self._is_busy and self._payload.is_eof():
            if self._end_timer is not None:
                return
            if self._head_size > HEAD:
                self._refuse(HeadersTooLargeError("The headers of this request are too long."))
                return
            self._head_size += len(data)
            if self._head_at is None:
                self._expect_head()
        super().data_received(data)

    def begin(self, message: RawRequestMessage, payload: StreamReader) -> RawRequestMessage:
        """Note that a request begins, which the server's request factory tells, and return how to understand it."""
        self._is_busy, self._payload = True, payload
        self._head_at, self._head_size = None, 0
        payload.on_eof(lambda: self._works(payload))  # at once if there is no body, or all of it is here
        if "Expect" in message.headers:
            message = _without_expectation(message)
        # Nothing here speaks another protocol. The library loses what came behind such a request.
        return message._replace(should_close=True) if message.upgrade else message

    async def finish_response(
        self, request: web.BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> tuple[web.StreamResponse, bool]:
        """Send the answer, and rest."""
        try:
            return await super().finish_response(request, resp, start_time)
        finally:
            self._is_busy = False
            self._connections.rests(self)
            self._watch_reader()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Return the answer to what no handler could answer, without repeating it: the line may hold a token."""
        if not isinstance(exc, HttpProcessingError) or request.writer.output_size:
            response = super().handle_error(request, status, exc, message)
        else:
            logger.info("a request that is not well-formed was refused: %s", type(exc).__name__)
            refused = _refusal_of(exc)
            response = problem_response(problem_of(refused), refused)
            response.force_close()
        response.headers["Server"] = SERVER_NAME
        response.headers.update(SECURITY_HEADERS)
        return response

    def pause_writing(self) -> None:
        """Stop: the reader is slower than the server."""
        super().pause_writing()
        self._watch_reader()

    def resume_writing(self) -> None:
        """Go on."""
        super().resume_writing()
        self._has_moved = True

    def _works(self, payload: StreamReader) -> None:
        """Keep the place: a body has come whole, and is that of the request under way, not the rest of a refused one.

        Until then whoever has proven nothing counts as idle: 2,000 strangers who send a byte would shut all others out.
        """
        if self._is_busy and payload is self._payload:
            self._connections.works(self)

    def _expect_head(self) -> None:
        self._head_at = self._events.time()
        if self._head_timer is None:
            self._head_timer = self._events.call_later(self._deadlines.headers_s, self._check_head)

    def _check_head(self) -> None:
        """Refuse a head that is overdue; one timer looks after all the requests of its time."""
        self._head_timer = None
        if self._head_at is None:
            return
        due_at = self._head_at + self._deadlines.headers_s
        if self._events.time() < due_at:
            self._head_timer = self._events.call_at(due_at, self._check_head)
        else:
            self._refuse(RequestTimeoutError("The headers of the request did not come in time."))

    def _refuse(self, error: AppError) -> None:
        """Answer a request that has not come whole, and end."""
        self._head_at = None
        self.close()
        self._end_timer = _say_last(self._wire, _plain_answer(error), self._events)

    def _watch_reader(self) -> None:
        """Look again in a while, if anything waits for the reader."""
        left = self._left()
        if left and self._reader_timer is None:
            self._has_moved = False
            self._reader_timer = self._events.call_later(self._deadlines.stall_s, self._check_reader, left)

    def _left(self) -> int:
        """Return how much waits for the reader; TLS sees to its end by itself, and cannot be asked then."""
        is_ending = self._is_tls and self._wire.is_closing()
        return 0 if is_ending else self._wire.get_write_buffer_size()

    def _check_reader(self, before: int) -> None:
        """Hang up on a reader who took next to nothing since the last look."""
        self._reader_timer = None
        left = self._left()
        if left and not self._has_moved and before - left < SLOWEST_READER_BYTES_S * self._deadlines.stall_s:
            reset(self._wire)
        else:
            self._watch_reader()


def _without_expectation(message: RawRequestMessage) -> RawRequestMessage:
    """Hide the Expect header, which the library meets before anybody is known and in words of its own.

    It still stands in the raw headers, where `app.heads` looks for it.
    """
    headers = CIMultiDict(message.headers)
    headers.popall("Expect")
    return message._replace(headers=CIMultiDictProxy(headers))


def refuse_plain(transport: asyncio.Transport, connections: Connections, loop: asyncio.AbstractEventLoop) -> None:
    """Tell a peer at a port with TLS that it must speak so, in the one way that it understands."""
    _LastWord(transport, _plain_answer(ForbiddenError(SPEAK_TLS)), connections, loop)


class _LastWord(asyncio.Protocol):
    """Answers a connection that is not taken in."""

    def __init__(
        self,
        transport: asyncio.Transport,
        answer: bytes,
        connections: Connections,
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        """Say it, unless too many are being answered so: then hang up."""
        self._connections = connections
        self._timer: asyncio.TimerHandle | None = None
        transport.set_protocol(self)
        connections.parting += 1
        if connections.parting > PARTING:
            transport.abort()
        else:
            self._timer = _say_last(transport, answer, loop)

    def connection_lost(self, _: BaseException | None) -> None:
        """Forget about it."""
        self._connections.parting -= 1
        if self._timer is not None:
            self._timer.cancel()


def _say_last(transport: asyncio.Transport, answer: bytes, loop: asyncio.AbstractEventLoop) -> asyncio.TimerHandle:
    """Send an answer, and read on for a moment: to close with bytes unread is a reset, which overtakes the answer."""
    transport.write(answer)
    if transport.can_write_eof():
        transport.write_eof()
    return loop.call_later(LAST_WORD_S, transport.abort)


def _refusal_of(error: HttpProcessingError) -> AppError:
    """Return what is said of what the parser refuses; it tells a long line from a long header by the limit."""
    if isinstance(error, LineTooLong):
        if error.args[1] == FIELD:
            return HeadersTooLargeError("A header of this request is too long.")
        return MalformedError("The first line of this request is too long.")
    if error.args == _TOO_MANY_FIELDS:
        return HeadersTooLargeError(f"A request may have {FIELDS} headers.")
    return MalformedError("This is no well-formed HTTP request.")


def _limit_silence(transport: asyncio.Transport, stall_s: float) -> None:
    """Let the kernel end a connection whose peer acknowledges nothing, or has no room, a while after we would.

    It tells the peer nothing (RFC 5482), and is for what nobody here waits for: an event stream whose reader is gone.
    """
    option: Any = getattr(socket, "TCP_USER_TIMEOUT", None)
    raw = transport.get_extra_info("socket")
    if option is not None and raw.family in (socket.AF_INET, socket.AF_INET6):
        raw.setsockopt(socket.IPPROTO_TCP, option, int(stall_s * 1000 * KERNEL_WAITS))


def _plain_answer(error: AppError) -> bytes:
    """Return a whole answer for a connection on which no request was read."""
    response = problem_response(problem_of(error), error)
    body = cast(bytes, response.body)
    headers = {
        **response.headers,
        **SECURITY_HEADERS,
        "Server": SERVER_NAME,
        "Content-Length": str(len(body)),
        "Connection": "close",
    }
    lines = [f"HTTP/1.1 {response.status} {response.reason}", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode() + body
