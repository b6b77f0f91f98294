"""HTTP/1.1 over plain or TLS sockets: one request, one answer, connections kept for the next.

Blocking, for use from threads. It was measured against aiohttp's client with 1 MiB bodies (Python 3.11, CPU
seconds of the client for each GiB): aiohttp 0.36, this with a buffer 0.28, this with sendfile 0.17; and it
starts a command 100 ms sooner.
"""

import http.client
import io
import os
import select
import socket
import ssl
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, NamedTuple, cast
from urllib.parse import SplitResult, urlsplit

from client.errors import ClientError, FileChangedError, UntrustedError, UsageError

CONNECT_TIMEOUT_S = 10.0
ANSWER_TIMEOUT_S = 120.0  # a commit waits for a disk's sync, and disks can be slow
MAX_ANSWER = 64 * 1024 * 1024  # an answer is read whole; none of the contract is near this
SLOW_S = 60.0  # an answer that has begun must bring, in each such time, at least
SLOWEST = 256  # bytes a second: dozens of answers at once share the slowest of lines
_NO_BODY = frozenset({HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED})


class ConnectionLostError(Exception):
    """The connection failed before the whole answer was here; trying again may help.

    `sent` is false where there was no connection to send anything on.
    """

    def __init__(self, reason: str, *, sent: bool = True) -> None:
        """Keep what happened."""
        super().__init__(reason)
        self.sent = sent


class FileRange(NamedTuple):
    """A piece of an open file as the body of a request: it goes out without passing through memory."""

    descriptor: int
    offset: int
    size: int


Body = bytes | memoryview | Sequence[memoryview] | FileRange


class Origin(NamedTuple):
    """Where a URL leads: who may see what is sent there."""

    scheme: str
    host: str
    port: int


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, headers and body of an answer. With `into`, `body` is empty and `size` says what was read."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes = b""
    size: int = 0


def _never() -> bool:
    return False


@dataclass(frozen=True, slots=True)
class Request:
    """One request; `into` receives the body of a 200, if it fits exactly.

    Args:
        once: must never go out twice, not even where a kept connection broke.
        timeout_s: of each wait for the server.
        most: bytes of the answer's body, where it is a success.
        cancelled: tells whether it is to end now; asked when it begins, and by `cut`.
    """

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Body | None = None
    into: memoryview | None = None
    once: bool = False
    timeout_s: float = ANSWER_TIMEOUT_S
    cancelled: Callable[[], bool] = _never
    most: int = MAX_ANSWER


def origin_of(url: SplitResult) -> Origin:
    """Return scheme, host and port of an absolute URL; raise UsageError for anything but http and https."""
    try:
        port = url.port
    except ValueError:
        port = 0
    if url.scheme not in {"http", "https"} or not url.hostname or port == 0:
        raise UsageError(f"{url.geturl()!r} is no address of a server: it should look like https://files.example.org.")
    return Origin(url.scheme, url.hostname, port or (443 if url.scheme == "https" else 80))


class Transport:
    """Connections to servers, shared by threads; each is used by one request at a time."""

    def __init__(self, own: Origin | None = None, authority: str = "") -> None:
        """Open nothing yet: a connection is made when a request needs one.

        Args:
            own: where nobody but `authority`, as PEM, may vouch for the server; elsewhere those count that this machine
                trusts.
        """
        self._own = own if authority else None
        self._authority = authority
        self._idle: dict[Origin, list[http.client.HTTPConnection]] = {}
        self._busy: dict[http.client.HTTPConnection, Request] = {}
        self._lock = threading.Lock()
        self._contexts: dict[bool, ssl.SSLContext] = {}  # by whether it is for `own`

    def close(self) -> None:
        """Close the connections that are not in use."""
        with self._lock:
            for connections in self._idle.values():
                for connection in connections:
                    connection.close()
            self._idle.clear()

    def cut(self) -> None:
        """Break the connections of requests that are cancelled by now: they end with ConnectionLostError."""
        with self._lock:
            for connection, request in self._busy.items():
                # Read once: its thread may let go of it meanwhile.
                sock = connection.sock
                if sock is not None and request.cancelled():
                    with suppress(OSError):
                        socket.socket.shutdown(sock, socket.SHUT_RDWR)  # the form of TLS would wait for the peer

    def exchange(self, request: Request) -> Answer:
        """Send a request and read its answer.

        A kept connection that the server has closed meanwhile is replaced at once, so that only real
        failures are reported.

        Raises:
            ConnectionLostError: no connection, or none that lasted until the answer was whole.
            ClientError: the answer is longer than the request allows.
            FileChangedError: the file that is the body is shorter than it was.
            UntrustedError: the server's certificate is not trusted.
        """
        url = urlsplit(request.url)
        origin = origin_of(url)
        target = f"{url.path or '/'}?{url.query}" if url.query else url.path or "/"
        while True:
            connection, kept = self._take(origin, request)
            try:
                answer = self._exchange(connection, target, request)
            except ssl.SSLCertVerificationError as error:
                raise UntrustedError(
                    f"The certificate of {origin.host} is not trusted ({error.verify_message}): nothing was sent."
                ) from error
            except (OSError, http.client.HTTPException) as error:
                if kept and not request.once and not request.cancelled() and not isinstance(error, TimeoutError):
                    continue
                raise ConnectionLostError(_reason(error)) from error
            self._give_back(origin, connection)
            return answer

    def _exchange(self, connection: http.client.HTTPConnection, target: str, request: Request) -> Answer:
        """Exchange on one connection, which is closed if that fails."""
        try:
            _connect(connection, request.timeout_s)
            self._note(connection, request)
            return _exchange(connection, target, request)
        except BaseException:
            connection.close()
            raise
        finally:
            with self._lock:
                self._busy.pop(connection, None)

    def _note(self, connection: http.client.HTTPConnection, request: Request) -> None:
        """Note a connection as in use, unless `cut` has been here already."""
        with self._lock:
            self._busy[connection] = request
            if request.cancelled():
                raise ConnectionLostError("it was cancelled", sent=False)

    def _take(self, origin: Origin, request: Request) -> tuple[http.client.HTTPConnection, bool]:
        with self._lock:
            idle = self._idle.get(origin, [])
            while idle:
                connection = idle.pop()
                if not request.once or _is_quiet(connection.sock):
                    return connection, True
                connection.close()
            context = self._context_for(origin) if origin.scheme == "https" else None
        if context is not None:
            connection = http.client.HTTPSConnection(
                origin.host, origin.port, timeout=CONNECT_TIMEOUT_S, context=context
            )
        else:
            connection = http.client.HTTPConnection(origin.host, origin.port, timeout=CONNECT_TIMEOUT_S)
        connection.response_class = _Response
        return connection, False

    def _context_for(self, origin: Origin) -> ssl.SSLContext:
        is_own = origin == self._own
        if is_own not in self._contexts:
            self._contexts[is_own] = ssl.create_default_context(cadata=self._authority if is_own else None)
        return self._contexts[is_own]

    def _give_back(self, origin: Origin, connection: http.client.HTTPConnection) -> None:
        if connection.sock is None:  # the answer said "Connection: close"
            return
        with self._lock:
            self._idle.setdefault(origin, []).append(connection)


class _Paced(io.RawIOBase):
    """The answer's side of a socket, which fails where an answer that has begun comes too slowly to be meant."""

    def __init__(self, sock: socket.socket) -> None:
        self._raw = sock.makefile("rb", buffering=0)
        self._since_s: float | None = None
        self._count = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        count = self._raw.readinto(buffer)
        now_s = time.monotonic()
        if self._since_s is None:
            self._since_s = now_s
        self._count += count or 0
        if now_s >= self._since_s + SLOW_S:
            if count and self._count < SLOWEST * SLOW_S:
                raise TimeoutError("the server sends too slowly")
            self._since_s, self._count = now_s, 0
        return count

    def close(self) -> None:
        self._raw.close()
        super().close()


class _PacedSocket:
    """A socket for http.client's response, which only makes a file of it."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(_Paced(self._sock))


class _Response(http.client.HTTPResponse):
    def __init__(self, sock: socket.socket, *arguments: Any, **named: Any) -> None:
        super().__init__(cast("socket.socket", _PacedSocket(sock)), *arguments, **named)


def _exchange(connection: http.client.HTTPConnection, target: str, request: Request) -> Answer:
    connection.putrequest(request.method, target, skip_accept_encoding=True)
    for name, value in request.headers.items():
        connection.putheader(name, value)
    if request.body is not None:
        connection.putheader("Content-Length", str(_size(request.body)))
    elif request.method in {"POST", "PUT", "PATCH"}:
        connection.putheader("Content-Length", "0")
    # A server that refuses may close before it has read all; what it said is worth more than the broken pipe.
    with suppress(BrokenPipeError, ConnectionResetError):
        connection.endheaders()
        if request.body is not None:
            _send(connection.sock, request.body)
    response = connection.getresponse()
    return _read(response, request)


def _connect(connection: http.client.HTTPConnection, timeout_s: float) -> None:
    """Open a new connection; one that was kept is open already."""
    if connection.sock is None:
        try:
            connection.connect()
        except ssl.SSLCertVerificationError:
            raise
        except (OSError, http.client.HTTPException) as error:
            raise ConnectionLostError(_reason(error), sent=False) from error
    connection.sock.settimeout(timeout_s)


def _is_quiet(sock: socket.socket | None) -> bool:
    """Tell whether a kept connection is as it was left: the server has neither closed it nor said anything."""
    if sock is None:
        return False
    readable = select.poll()
    readable.register(sock, select.POLLIN)
    return not readable.poll(0)


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


def _size(body: Body) -> int:
    if isinstance(body, FileRange):
        return body.size
    if isinstance(body, (bytes, memoryview)):
        return len(body)
    return sum(map(len, body))


def _send(sock: socket.socket, body: Body) -> None:
    if isinstance(body, FileRange):
        _send_range(sock, body)
    elif isinstance(body, (bytes, memoryview)):
        sock.sendall(body)
    else:
        for piece in body:
            sock.sendall(piece)


def _send_range(sock: socket.socket, piece: FileRange) -> None:
    """Send a piece of a file; raise FileChangedError, and leave the request broken off, if the file is shorter now."""
    if isinstance(sock, ssl.SSLSocket) or not hasattr(os, "sendfile"):
        content = os.pread(piece.descriptor, piece.size, piece.offset)
        sock.sendall(content)
        sent = len(content)
    else:
        sent = _sendfile(sock, piece)
    if sent < piece.size:
        raise FileChangedError("it became shorter while it was sent; run the command again")


def _sendfile(sock: socket.socket, piece: FileRange) -> int:
    """Let the kernel send a piece of a file; return how many bytes of it there were."""
    writable = select.poll()
    writable.register(sock, select.POLLOUT)
    sent = 0
    while sent < piece.size:
        try:
            count = os.sendfile(sock.fileno(), piece.descriptor, piece.offset + sent, piece.size - sent)
        except BlockingIOError:
            if not writable.poll(ANSWER_TIMEOUT_S * 1000):
                raise TimeoutError("the server stopped reading") from None
            continue
        if count == 0:
            break
        sent += count
    return sent


def _read(response: http.client.HTTPResponse, request: Request) -> Answer:
    headers = response.headers
    length = response.length
    if request.into is not None and response.status == HTTPStatus.OK and length == len(request.into):
        done = 0
        while done < length:
            count = response.readinto(request.into[done:])
            if not count:
                raise http.client.IncompleteRead(b"", length - done)
            done += count
        response.read()
        return Answer(response.status, headers, size=done)
    if response.status in _NO_BODY:
        response.read()
        return Answer(response.status, headers)
    most = request.most if response.status == HTTPStatus.OK else MAX_ANSWER
    # Only a read without a limit notices that an answer of known length broke off.
    body = response.read(most + 1) if length is None else response.read() if length <= most else None
    if body is None or len(body) > most:
        if most == MAX_ANSWER:
            raise http.client.HTTPException("the answer is longer than any that the contract knows")
        raise ClientError("The server's answer is longer than what it was asked for.")
    return Answer(response.status, headers, body, len(body))
