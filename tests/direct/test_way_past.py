"""The way past the server as the client takes it: once, with nothing of the device's, and back to the server's own."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from client.protocol import DirectWay
from client.remote import Remote
from tests.server import free_port

BYTES = b"the bytes of a chunk"


@dataclass
class Host:
    """A host that answers everything with one status, and remembers what it was asked."""

    port: int = 0
    status: int = 200
    answer: bytes = b""
    asked: list[tuple[str, str, dict[str, str], bytes]] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


class _Handler(BaseHTTPRequestHandler):
    host: Host
    protocol_version = "HTTP/1.1"

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.host.asked.append((self.command, self.path, dict(self.headers), body))
        self.send_response(self.host.status)
        self.send_header("Content-Length", str(len(self.host.answer)))
        self.end_headers()
        self.wfile.write(self.host.answer)

    do_GET = do_PUT = _answer  # noqa: N815 - http.server's own names

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def serve(host: Host) -> Iterator[Host]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"host": host}))
    host.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield host
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def ours() -> Iterator[Host]:
    yield from serve(Host(answer=BYTES))


@pytest.fixture
def theirs() -> Iterator[Host]:
    yield from serve(Host(answer=BYTES))


@pytest.fixture
def remote(ours: Host) -> Iterator[Remote]:
    remote = Remote(ours.url, "a-token-of-this-device", patience_s=1.0)
    yield remote
    remote.close()


def test_nothing_of_the_device_goes_past_the_server_but_the_chunk(remote: Remote, ours: Host, theirs: Host) -> None:
    way = DirectWay(f"{theirs.url}/in?X-Amz-Signature=1", {"Content-Type": "application/octet-stream"})

    remote.put_content("/chunks/a?k=1", BYTES, way)
    into = bytearray(len(BYTES))
    remote.read_chunk("/chunks/a?k=2", memoryview(into), DirectWay(f"{theirs.url}/out"))

    assert ours.asked == []
    assert [(method, path, body) for method, path, _, body in theirs.asked] == [
        ("PUT", "/in?X-Amz-Signature=1", BYTES),
        ("GET", "/out", b""),
    ]
    assert into == BYTES
    for _, _, headers, _ in theirs.asked:
        assert not {"authorization", "cookie"} & {name.lower() for name in headers}
        assert "token" not in str(headers)


@pytest.mark.parametrize("status", [307, 400, 403, 500, 503])
def test_a_refusal_leads_back_to_the_server_at_once(remote: Remote, ours: Host, theirs: Host, status: int) -> None:
    theirs.status = status
    into = bytearray(len(BYTES))

    remote.put_content("/chunks/a?k=1", BYTES, DirectWay(theirs.url))
    remote.read_chunk("/chunks/a?k=2", memoryview(into), DirectWay(theirs.url))

    assert [(method, path) for method, path, _, _ in ours.asked] == [("PUT", "/chunks/a?k=1"), ("GET", "/chunks/a?k=2")]
    assert len(theirs.asked) == 2


def test_answer_of_another_length_leads_back_to_the_server(remote: Remote, ours: Host, theirs: Host) -> None:
    theirs.answer = BYTES + b"!"
    into = bytearray(len(BYTES))

    remote.read_chunk("/chunks/a?k=2", memoryview(into), DirectWay(theirs.url))

    assert into == BYTES
    assert len(ours.asked) == 1


def test_host_that_does_not_answer_is_left_alone_for_a_while(remote: Remote, ours: Host, theirs: Host) -> None:
    remote.put_content("/chunks/a?k=1", BYTES, DirectWay(f"http://127.0.0.1:{free_port()}/"))
    remote.put_content("/chunks/b?k=1", BYTES, DirectWay(theirs.url))

    assert len(ours.asked) == 2
    assert theirs.asked == []


@pytest.mark.parametrize("url", ["", "//host/a", "file:///etc/passwd", "http://host with space/", "http://ümlaut/"])
def test_what_is_no_address_is_not_followed(remote: Remote, ours: Host, url: str) -> None:
    remote.put_content("/chunks/a?k=1", BYTES, DirectWay(url))

    assert len(ours.asked) == 1


def test_a_server_with_tls_points_to_no_host_without_it(theirs: Host) -> None:
    remote = Remote(f"https://127.0.0.1:{free_port()}", "token", patience_s=0.1)

    with pytest.raises(Exception, match="No answer"):  # its own way leads to nobody here
        remote.put_content("/chunks/a?k=1", BYTES, DirectWay(theirs.url))

    assert theirs.asked == []
