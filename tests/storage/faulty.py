"""A proxy in front of a real object server that does to its traffic what networks and servers do."""

import hashlib
import http.client
import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

_BUSY = b"<Error><Code>SlowDown</Code><Message>Reduce your request rate.</Message></Error>"
_FULL = b"<Error><Code>XMinioStorageFull</Code><Message>Storage backend has no room left.</Message></Error>"


@dataclass
class Fault:
    """What happens to calls: to the next `times` of the given methods."""

    kind: str = ""
    methods: tuple[str, ...] = ()
    times: int = 0


class Proxy:
    """Passes calls on, with a fault where one was asked for; `calls` counts all that came."""

    def __init__(self, port: int) -> None:
        self.upstream = port
        self.calls = 0
        self.released = threading.Event()
        self._fault = Fault()
        self._lock = threading.Lock()
        self._chance: random.Random | None = None
        self._rate = 0.0

    def fail_at_random(self, rate: float, seed: int) -> None:
        """Let this part of all calls be refused, carried out and not answered, or answered in part."""
        self._chance, self._rate = random.Random(seed), rate  # noqa: S311 - the same each time

    def fail(self, kind: str, *methods: str, times: int = 1_000_000) -> None:
        """Let calls of some methods, of all if none is named, be `busy`, `full`, `cut`, `hung`, or `swallowed`."""
        self._fault = Fault(kind, methods, times)

    def mend(self) -> None:
        self._fault = Fault()
        self._chance = None
        self.released.set()

    def next_fault(self, method: str) -> str:
        with self._lock:
            self.calls += 1
            if self._chance is not None and self._chance.random() < self._rate:
                return self._chance.choice(("busy", "cut"))
            fault = self._fault
            if not fault.times or (fault.methods and method not in fault.methods):
                return ""
            fault.times -= 1
            return fault.kind


@contextmanager
def faulty(port: int) -> Iterator[tuple[Proxy, str]]:
    """Run a proxy for the time of a block; return it and its address."""
    proxy = Proxy(port)
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"proxy": proxy}))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield proxy, f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        proxy.mend()
        server.shutdown()
        thread.join()
        server.server_close()


_HOP = frozenset({"connection", "transfer-encoding", "keep-alive"})


class _Handler(BaseHTTPRequestHandler):
    proxy: Proxy
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: Any) -> None:
        pass

    def _pass_on(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        fault = self.proxy.next_fault(self.command)
        if fault == "hung":
            self.proxy.released.wait(30)
            self.close_connection = True
            return
        if fault == "swallowed":
            self._answer(200, {"ETag": f'"{hashlib.md5(body, usedforsecurity=False).hexdigest()}"'}, b"")
            return
        if fault in {"busy", "full"}:
            self._answer(503 if fault == "busy" else 507, {}, _BUSY if fault == "busy" else _FULL)
            return
        upstream = http.client.HTTPConnection("127.0.0.1", self.proxy.upstream, timeout=30)
        try:
            upstream.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
            for name, value in self.headers.items():
                upstream.putheader(name, value)
            upstream.endheaders(body)
            response = upstream.getresponse()
            content = response.read()
        except OSError:
            self.close_connection = True
            return
        finally:
            upstream.close()
        named = {name: value for name, value in response.getheaders() if name.lower() not in _HOP}
        self._answer(response.status, named, content, is_cut=fault == "cut")

    def _answer(self, status: int, headers: dict[str, str], content: bytes, *, is_cut: bool = False) -> None:
        if is_cut and not content:  # the server did it, and nobody hears of that
            self.close_connection = True
            return
        self.send_response_only(status)
        is_head = self.command == "HEAD"
        for name, value in (headers or {"Content-Type": "application/xml"}).items():
            if name.lower() != "content-length" or is_head:
                self.send_header(name, value)
        if not is_head:
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if not is_head:
            self.wfile.write(content[: len(content) // 2] if is_cut else content)
        self.close_connection = self.close_connection or is_cut

    do_GET = do_PUT = do_HEAD = do_POST = do_DELETE = _pass_on  # noqa: N815 - named by the standard library
