"""What is no HTTP is refused in our words: it may hold a token, and neither the log nor an answer repeats it."""

import json
import logging

import pytest

from tests.api.conftest import Running
from tests.api.wire import status_of, talk

SECRET = b"cairn_0123_verysecret"
REQUESTS: dict[str, bytes] = {
    "space before the colon": b"GET / HTTP/1.1\r\nHost: localhost\r\nAuthorization : Bearer %b\r\n\r\n",
    "control character in the path": b"GET /setup/%b\x01 HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "request line too long": b"GET /chunks/x?m=%b" + b"a" * 9000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "folded header": b"GET / HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer\r\n %b\r\n\r\n",
    "bare line feeds": b"GET /?%b HTTP/1.1\nHost: localhost\n\n",
    "bare carriage return": b"GET / HTTP/1.1\r\nHost: localhost\r\nX: a\r%b\r\n\r\n",
    "two hosts": b"GET /?%b HTTP/1.1\r\nHost: localhost\r\nHost: other\r\n\r\n",
    "no host": b"GET /?%b HTTP/1.1\r\n\r\n",
    "two lengths": b"PUT /?%b HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx",
    "signed length": b"PUT /?%b HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\nx",
    "length and chunks": b"PUT /?%b HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
    "unknown coding": b"PUT /?%b HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03%b\r\n\r\n",
}


@pytest.mark.parametrize("name", REQUESTS)
async def test_what_is_no_http_is_refused_and_not_repeated(
    server: Running, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, logger="app")

    answer = await talk(server.port, REQUESTS[name].replace(b"%b", SECRET))

    top, _, body = answer.partition(b"\r\n\r\n")
    assert status_of(answer) == 400
    assert json.loads(body)["code"] == "invalid_request"
    assert b"application/problem+json" in top
    assert b"Server: Cairn" in top
    assert b"aiohttp" not in answer
    assert b"verysecret" not in answer
    assert "verysecret" not in caplog.text
    assert "not well-formed" in caplog.text
