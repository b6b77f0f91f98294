"""A small HTTP server outside of Cairn: it answers what a test tells it to, and remembers what it was asked."""

import http.client
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as it came in."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Told:
    """An answer to give. `cut` ends the connection after that many bytes of the body, `lost` before the answer."""

    status: int = 200
    body: bytes = b"{}"
    headers: dict[str, str] = field(default_factory=dict)
    cut: int | None = None
    lost: bool = False


@dataclass(slots=True)
class Peer:
    """A running peer."""

    url: str
    asked: list[Asked] = field(default_factory=list)


@contextmanager
def running(answer: Callable[[Asked], Told], tls: ssl.SSLContext | None = None) -> Iterator[Peer]:
    """Run a peer that gives to each request what `answer` returns."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_one_request(self) -> None:
            self.raw_requestline = self.rfile.readline(65_537)
            if not self.raw_requestline or not self.parse_request():
                self.close_connection = True
                return
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            asked = Asked(self.command, self.path, dict(self.headers), body)
            peer.asked.append(asked)
            told = answer(asked)
            if told.lost:
                self.close_connection = True
                return
            self.send_response(told.status)
            for name, value in told.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(told.body)))
            self.end_headers()
            with suppress(ConnectionError):  # a client that was killed meanwhile
                self.wfile.write(told.body[: told.cut])
            self.close_connection = self.close_connection or told.cut is not None

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    scheme = "http" if tls is None else "https"
    peer = Peer(f"{scheme}://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield peer
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def forward(asked: Asked, port: int) -> Told:
    """Hand a request on to the server at a local port, and give its answer; a lost one if it does not answer."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request(asked.method, asked.path, asked.body, asked.headers)
        response = connection.getresponse()
        body = response.read()
    except (OSError, http.client.HTTPException):
        return Told(lost=True)
    finally:
        connection.close()
    kept = {name: value for name, value in response.headers.items() if name.lower() not in _OWN_HEADERS}
    return Told(response.status, body, kept)


_OWN_HEADERS = {"content-length", "connection", "keep-alive", "transfer-encoding", "date", "server"}
