"""Whether clients may be let at an object server: it is tried, and shut if it lets them do more than was signed."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest

from storage.errors import StoreUnavailableError
from storage.s3.client import SdkClient
from storage.s3.proof import prove
from storage.s3.requests import Requests
from tests.server import free_port
from tests.storage.conftest import Servers
from tests.storage.servers import part

RIGHT = b"what was signed"
MOMENT = "%Y%m%dT%H%M%SZ"
HOLES = {
    "length": "another length",
    "type": "another type",
    "copy": "copies other objects",
    "acl": "open it to everybody",
    "place": "another place",
    "time": "long ago",
    "method": "another thing",
    "anonymous GET": "gives everybody",
    "anonymous PUT": "takes anything",
}


class _Lax(BaseHTTPRequestHandler):
    """Refuses what was not signed, as far as it can see that, save for one thing."""

    hole = ""
    protocol_version = "HTTP/1.1"

    def _answer(self) -> None:
        url, body = urlsplit(self.path), self.rfile.read(int(self.headers.get("Content-Length", 0)))
        query = parse_qs(url.query)
        wrong = {
            "length": len(body) > len(RIGHT),
            "content": len(body) == len(RIGHT) and body != RIGHT,
            "type": self.headers.get("Content-Type") == "text/html",
            "copy": "x-amz-copy-source" in self.headers,
            "acl": "x-amz-acl" in self.headers,
            "place": url.path.endswith("b"),
            "time": bool(query) and time.strptime(query["X-Amz-Date"][0], MOMENT) < time.gmtime(time.time() - 60),
            "method": bool(query) and self.command != "PUT",
            f"anonymous {self.command}": not query,
        }
        is_refused = any(is_so for name, is_so in wrong.items() if name != self.hole)
        self.send_response(403 if is_refused else 200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_GET = do_PUT = do_DELETE = _answer  # noqa: N815 - http.server's own names

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def lax(hole: str) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Lax,), {"hole": hole}))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize("hole", HOLES)
def test_server_that_lets_clients_do_more_than_was_signed_is_not_for_them(servers: Servers, hole: str) -> None:
    bucket = part(servers.get("rclone").bucket, "proof")
    with lax(hole) as address:
        found = prove(Requests(bucket, address), SdkClient(bucket))

    assert HOLES[hole] in found.problem
    assert not found.trusts_checksums


def test_server_without_a_hole_is_for_them(servers: Servers) -> None:
    bucket = part(servers.get("rclone").bucket, "proof")
    with lax("") as address:
        assert prove(Requests(bucket, address), SdkClient(bucket)).problem == ""


def test_checksums_of_a_server_that_does_not_check_them_are_not_trusted(servers: Servers) -> None:
    bucket = part(servers.get("rclone").bucket, "proof")
    with lax("content") as address:
        found = prove(Requests(bucket, address), SdkClient(bucket))

    assert (found.problem, found.trusts_checksums) == ("", False)


@pytest.mark.parametrize(("kind", "trusts"), [("seaweedfs", True), ("rclone", False)])
def test_real_servers_are_for_clients_and_nothing_of_the_trial_stays(servers: Servers, kind: str, trusts: bool) -> None:  # noqa: FBT001 - a parameter
    bucket = part(servers.get(kind).bucket, "proof")
    client = SdkClient(bucket)

    found = prove(Requests(bucket, bucket.endpoint), client)

    assert (found.problem, found.trusts_checksums) == ("", trusts)
    assert list(client.keys("incoming/")) == []


def test_server_that_knows_no_such_key_is_not_for_clients(servers: Servers) -> None:
    bucket = part(servers.get("seaweedfs").bucket, "proof")

    found = prove(Requests(replace(bucket, secret_key="another"), bucket.endpoint), SdkClient(bucket))

    assert "does not take what was signed" in found.problem


def test_nothing_is_said_of_a_server_that_does_not_answer(servers: Servers) -> None:
    bucket = part(servers.get("rclone").bucket, "proof")

    with pytest.raises(StoreUnavailableError):
        prove(Requests(bucket, f"http://127.0.0.1:{free_port()}"), SdkClient(bucket))
