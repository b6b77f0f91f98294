"""What two programs could read in two ways is refused, and the connection ends with it (security.md, H1)."""

import json

import pytest

from tests.api.conftest import Running
from tests.api.people import Person
from tests.api.wire import connected, head, status_of, talk

HIDDEN = b"GET /readyz HTTP/1.1\r\nHost: a\r\n\r\n"
"""A second request, which nobody may take for one."""


def post(*lines: bytes, body: bytes = b"x") -> bytes:
    """Return a request with a body that these header lines frame."""
    return b"\r\n".join((b"POST /api/v1/login HTTP/1.1", b"Host: a", *lines, b"", body))


def get(*lines: bytes) -> bytes:
    """Return a request with these header lines."""
    return b"\r\n".join((b"GET /healthz HTTP/1.1", *lines, b"", b""))


CHUNKED = b"Transfer-Encoding: chunked"
LAST = b"0\r\n\r\n"
AMBIGUOUS: dict[str, bytes] = {
    "two lengths that differ": post(b"Content-Length: 1", b"Content-Length: 2"),
    "two lengths alike": post(b"Content-Length: 1", b"Content-Length: 1"),
    "a list of lengths": post(b"Content-Length: 1, 1"),
    "a signed length": post(b"Content-Length: +1"),
    "a negative length": post(b"Content-Length: -1"),
    "a length in hexadecimal": post(b"Content-Length: 0x1"),
    "a length with an underscore": post(b"Content-Length: 1_0"),
    "a length without digits": post(b"Content-Length: "),
    "a length that no number holds": post(b"Content-Length: 99999999999999999999999"),
    "a length, then chunks": post(b"Content-Length: 5", CHUNKED, body=LAST),
    "chunks, then a length": post(CHUNKED, b"Content-Length: 5", body=LAST),
    "space before the colon of a length": post(b"Content-Length : 1"),
    "space before the colon of a coding": post(b"Transfer-Encoding : chunked", body=LAST),
    "chunks twice": post(CHUNKED, CHUNKED, body=LAST),
    "chunks in chunks": post(b"Transfer-Encoding: chunked, chunked", body=LAST),
    "an unknown coding": post(b"Transfer-Encoding: xchunked", body=LAST),
    "a coding under chunks": post(b"Transfer-Encoding: gzip, chunked", body=LAST),
    "a coding over chunks": post(b"Transfer-Encoding: chunked, gzip", body=LAST),
    "identity": post(b"Transfer-Encoding: identity", body=LAST),
    "a quoted coding": post(b'Transfer-Encoding: "chunked"', body=LAST),
    "a coding behind a vertical tab": post(b"Transfer-Encoding: \x0bchunked", body=LAST),
    "a coding without a name": post(b"Transfer-Encoding: ", body=LAST),
    "chunks in HTTP/1.0": post(CHUNKED, body=LAST).replace(b"HTTP/1.1", b"HTTP/1.0"),
    "a chunk size that is no number": post(CHUNKED, body=b"zz\r\nx\r\n" + LAST),
    "a negative chunk size": post(CHUNKED, body=b"-1\r\nx\r\n" + LAST),
    "a chunk size with 0x": post(CHUNKED, body=b"0x1\r\nx\r\n" + LAST),
    "a chunk size that no number holds": post(CHUNKED, body=b"fffffffffffffffff\r\nx\r\n" + LAST),
    "a chunk size and a space": post(CHUNKED, body=b"1 \r\nx\r\n" + LAST),
    "a chunk size and a bare line feed": post(CHUNKED, body=b"1\nx\r\n" + LAST),
    "a chunk without its line end": post(CHUNKED, body=b"1\r\nxx0\r\n\r\n"),
    "a bare carriage return in an extension": post(CHUNKED, body=b"1;a\rb\r\nx\r\n" + LAST),
    "a length in the trailer": post(CHUNKED, body=b"0\r\nContent-Length: 5\r\n\r\n"),
    "a folded header": get(b"Host: a", b"X: a", b" b"),
    "a folded first header": get(b" X: a", b"Host: a"),
    "a bare line feed between headers": get(b"Host: a\nX: b"),
    "a bare line feed at the end": b"GET /healthz HTTP/1.1\r\nHost: a\r\n\n",
    "bare line feeds alone": b"GET /healthz HTTP/1.1\nHost: a\n\n",
    "a bare carriage return in a value": get(b"Host: a", b"X: a\rb"),
    "a bare carriage return between headers": get(b"Host: a\rX: b"),
    "a NUL in a value": get(b"Host: a", b"X: a\0b"),
    "a header without a name": get(b"Host: a", b": b"),
    "a header without a colon": get(b"Host: a", b"abc"),
    "a header name with a bracket": get(b"Host: a", b"a(b: c"),
    "a header name beyond ASCII": get(b"Host: a", b"a\xff: c"),
    "two hosts": get(b"Host: a", b"Host: a"),
    "no host": get(b"X: a"),
    "HTTP/0.9": b"GET /healthz\r\n\r\n",
    "HTTP/1.2": get(b"Host: a").replace(b"1.1", b"1.2"),
    "HTTP/1.10": get(b"Host: a").replace(b"1.1", b"1.10"),
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "tabs in the first line": get(b"Host: a").replace(b"GET /healthz ", b"GET\t/healthz\t"),
    "a method in small letters": get(b"Host: a").replace(b"GET", b"get"),
    "a first line that is too long": get(b"Host: a").replace(b"/healthz", b"/" + b"a" * 8200),
}
TOO_LARGE: dict[str, bytes] = {
    "a long value": get(b"Host: a", b"X: " + b"a" * 8200),
    "a long name": get(b"Host: a", b"a" * 8200 + b": 1"),
    "many headers": get(b"Host: a", *[b"X: 1"] * 100),
    "much in all": get(b"Host: a", *[b"X: " + b"1" * 4000] * 9),
    "many trailers": post(CHUNKED, body=b"0\r\n" + b"a: b\r\n" * 1000 + b"\r\n"),
}


def assert_refused(answer: bytes, status: int, code: str) -> None:
    """See one answer, and nothing behind it."""
    assert status_of(answer) == status
    body = answer.partition(b"\r\n\r\n")[2]
    assert json.loads(body)["code"] == code  # and nothing stands behind the object


@pytest.mark.parametrize("name", AMBIGUOUS)
async def test_what_may_be_read_in_two_ways_is_refused_and_nothing_behind_it_is_read(
    server: Running, ada: Person, name: str
) -> None:
    assert_refused(await talk(server.port, AMBIGUOUS[name] + HIDDEN), 400, "invalid_request")


@pytest.mark.parametrize("name", TOO_LARGE)
async def test_headers_over_their_limit_are_refused(server: Running, ada: Person, name: str) -> None:
    assert_refused(await talk(server.port, TOO_LARGE[name] + HIDDEN), 431, "headers_too_large")


async def test_headers_up_to_their_limit_are_read(server: Running, ada: Person) -> None:
    fields = [b"X: " + b"1" * 300] * 97
    request = get(b"Host: a", b"Connection: close", *fields, b"Y: " + b"1" * 2000)
    path = b"/static/" + b"a" * 8000

    assert status_of(await talk(server.port, request)) == 200
    assert status_of(await talk(server.port, request.replace(b"/healthz", path))) == 404


async def test_what_cannot_be_expected_is_refused(server: Running, ada: Person) -> None:
    for request in (get(b"Host: a", b"Expect: foo"), post(b"Expect: \xff", b"Content-Length: 1")):
        assert_refused(await talk(server.port, request), 400, "invalid_request")


async def test_a_body_is_invited_only_from_somebody_who_is_known(server: Running, ada: Person) -> None:
    asked = {"Expect": "100-continue", "Content_Length": "2"}
    target = "/api/v1/files/content?path=/a"

    assert_refused(await talk(server.port, head("PUT", target, None, **asked)), 401, "unauthenticated")
    async with connected(server.port) as line:
        await line.send(head("PUT", target, ada, **asked))
        assert status_of(await line.head()) == 100
        await line.send(b"ab")
        assert status_of(await line.head()) == 201


async def test_headers_without_an_end_are_not_read_for_ever(server: Running, ada: Person) -> None:
    async with connected(server.port) as line:
        await line.send(b"GET /healthz HTTP/1.1\r\nHost: a\r\n")
        for number in range(50):  # more than is read at once
            await line.send(b"X%d: " % number + b"a" * 7000)
            await line.send(b"\r\n")
        answer = await line.answer()

    assert_refused(answer, 431, "headers_too_large")


async def test_chunks_that_break_off_while_the_body_is_read_are_refused(server: Running, ada: Person) -> None:
    async with connected(server.port) as line:
        await line.send(post(CHUNKED, body=b'5\r\n{"use\r\n'))
        await line.send(b"zz\r\n" + HIDDEN)

        assert status_of(await line.head()) == 400


@pytest.mark.parametrize(
    ("first_line", "status"),
    [
        (b"TRACE /healthz", 405),
        (b"TRACE /nothing", 404),
        (b"CONNECT localhost:22", 404),
        (b"CONNECT /healthz", 404),
    ],
)
async def test_trace_and_connect_are_off(server: Running, ada: Person, first_line: bytes, status: int) -> None:
    request = first_line + b" HTTP/1.1\r\nHost: a\r\nX-Secret: canary\r\nConnection: close\r\n\r\n"

    answer = await talk(server.port, request)

    assert status_of(answer) == status
    assert b"canary" not in answer


@pytest.mark.parametrize("protocol", [b"websocket", b"h2c"])
async def test_another_protocol_is_not_spoken_and_what_comes_behind_the_wish_is_not_read(
    server: Running, ada: Person, protocol: bytes
) -> None:
    wish = get(b"Host: a", b"Connection: upgrade", b"Upgrade: " + protocol)

    answer = await talk(server.port, wish + HIDDEN)

    assert status_of(answer) == 200
    assert answer.count(b"HTTP/1.1 ") == 1


@pytest.mark.parametrize(
    ("target", "status"),
    [(b"http://a/healthz", 200), (b"http://[::1]:80/healthz", 200), (b"http://evil.example/", 421)],
)
async def test_a_whole_url_counts_more_than_the_host_header(
    server: Running, ada: Person, target: bytes, status: int
) -> None:
    request = get(b"Host: a", b"Connection: close").replace(b"/healthz", target)

    assert status_of(await talk(server.port, request)) == status
