"""What goes to which address, and how answers, refusals and failures are taken."""

import json
import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest

from client import channel, transport
from client.errors import (
    ApiError,
    ClientError,
    ConflictError,
    FileChangedError,
    NotLoggedInError,
    RefusedError,
    StoppedError,
    UnreachableError,
    UrlExpiredError,
    UsageError,
)
from client.protocol import File
from client.remote import Remote
from client.transport import FileRange
from tests.client.peer import Asked, Told, running
from tests.server import free_port

Connect = Callable[..., Remote]
FILE = File("f1", "a", "/a", "file", 3, 0, 1, version_id="v1", sha256="0" * 64)


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(channel, "FIRST_PAUSE_S", 0.001)
    monkeypatch.setattr(channel, "FIRST_PATIENCE_S", 0.05)


@pytest.fixture
def connect() -> Iterator[Connect]:
    """Make remotes that are closed at the end."""
    with ExitStack() as stack:

        def make(server: str, token: str | None = None) -> Remote:
            remote = Remote(server, token)
            stack.callback(remote.close)
            return remote

        yield make


def problem(status: int, code: str, **more: object) -> Told:
    return Told(status, json.dumps({"code": code, "detail": f"It is {code}.", **more}).encode())


def in_turn(*answers: Told) -> "Iterator[Told]":
    return iter(answers)


def test_the_token_goes_with_calls_below_the_address_that_was_given(connect: Connect) -> None:
    with running(lambda _: Told(body=b'{"items": [], "next": null}')) as peer:
        list(connect(f"{peer.url}/sub/path/", "secret").list_children("root"))

    (asked,) = peer.asked
    assert asked.path.startswith("/sub/path/api/v1/folders/root/children?")
    assert asked.headers["Authorization"] == "Bearer secret"


def test_the_token_does_not_go_to_a_signed_url_here_or_elsewhere(connect: Connect) -> None:
    with running(lambda _: Told(204, b"")) as home, running(lambda _: Told(204, b"")) as elsewhere:
        remote = connect(f"{home.url}/sub", "secret")
        remote.put_content("/chunks/abc?m=1", b"x")
        remote.put_content(f"{elsewhere.url}/bucket/abc?sig=2", b"x")

    assert [asked.path for asked in (*home.asked, *elsewhere.asked)] == ["/sub/chunks/abc?m=1", "/bucket/abc?sig=2"]
    assert not any("Authorization" in asked.headers for asked in (*home.asked, *elsewhere.asked))


def test_a_redirect_is_not_followed_and_gets_no_token(connect: Connect) -> None:
    with running(lambda _: Told(204, b"")) as elsewhere:
        moved = Told(307, b"", {"Location": f"{elsewhere.url}/api/v1/files"})
        with running(lambda _: moved) as peer, pytest.raises(RefusedError, match="log in there"):
            connect(peer.url, "secret").get_file("/a")

    assert elsewhere.asked == []


def test_nothing_is_sent_without_encryption_where_the_login_has_it(connect: Connect) -> None:
    with running(lambda _: Told(204, b"")) as elsewhere, pytest.raises(RefusedError, match="without encryption"):
        connect("https://files.example.org", "secret").put_content(f"{elsewhere.url}/x", b"x")

    assert elsewhere.asked == []


@pytest.mark.parametrize(
    "address",
    ["files.example.org", "ftp://x", "http://", "http://h:99999", "http://u:p@h", "https://h/?a=b", "http://h#f"],
)
def test_what_is_no_address_of_a_server_is_wrong_use(address: str, connect: Connect) -> None:
    with pytest.raises(UsageError):
        connect(address)


@pytest.mark.parametrize(
    ("told", "kind", "exit_code"),
    [
        (problem(401, "unauthenticated"), NotLoggedInError, 3),
        (problem(403, "forbidden"), RefusedError, 3),
        (problem(403, "url_expired"), UrlExpiredError, 1),
        (problem(404, "not_found"), ApiError, 1),
        (problem(409, "name_taken"), ConflictError, 4),
        (problem(412, "precondition_failed"), ConflictError, 4),
        (problem(507, "quota_exceeded"), ApiError, 1),
        (Told(500, b"<html>oops"), ApiError, 1),
    ],
)
def test_each_refusal_has_its_kind_of_error_and_exit_code(
    told: Told, kind: type[ClientError], exit_code: int, connect: Connect
) -> None:
    with running(lambda _: told) as peer, pytest.raises(ClientError) as caught:
        connect(peer.url).get_file("/a")

    assert type(caught.value) is kind
    assert caught.value.exit_code == exit_code
    assert len(peer.asked) == 1


def test_a_refusal_says_what_it_is_about_and_what_the_server_said(connect: Connect) -> None:
    with running(lambda _: problem(404, "not_found")) as peer, pytest.raises(ApiError) as caught:
        connect(peer.url).get_file("/Docs/a")

    assert str(caught.value) == "/Docs/a: It is not_found."
    assert caught.value.code == "not_found"


@pytest.mark.parametrize("status", [408, 429, 502, 503, 504])
def test_a_busy_server_is_asked_again(status: int, connect: Connect) -> None:
    nothing = Told(body=b'{"items": [], "next": null}')
    answers = in_turn(nothing, Told(status), Told(status), nothing)
    with running(lambda _: next(answers)) as peer:
        remote = connect(peer.url)
        assert list(remote.list_children("root")) == []  # of one that has answered, more is hoped for
        assert list(remote.list_children("root")) == []

    assert len(peer.asked) == 4


def test_a_server_that_stays_unavailable_is_out_of_reach(connect: Connect) -> None:
    with (
        running(lambda _: problem(503, "unavailable")) as peer,
        pytest.raises(UnreachableError, match="It is unavailable"),
    ):
        connect(peer.url).get_file("/a")

    assert len(peer.asked) > 1


def test_a_pause_that_the_server_asks_for_is_kept_or_the_call_ends(connect: Connect) -> None:
    with running(lambda _: Told(429, headers={"Retry-After": "3600"})) as peer, pytest.raises(ApiError):
        connect(peer.url).get_file("/a")

    assert len(peer.asked) == 1


def test_too_many_logins_are_told_and_not_tried_again(connect: Connect) -> None:
    with running(lambda _: problem(429, "rate_limited")) as peer, pytest.raises(ApiError, match="rate_limited"):
        connect(peer.url).login("ada", "wrong", "laptop")

    assert len(peer.asked) == 1


def test_no_server_at_the_address_is_out_of_reach(connect: Connect) -> None:
    with pytest.raises(UnreachableError) as caught:
        connect(f"http://127.0.0.1:{free_port()}").get_file("/a")

    assert caught.value.exit_code == 5


def test_an_answer_that_breaks_off_is_asked_for_again(connect: Connect) -> None:
    whole = b'{"items": [], "next": null}'
    answers = in_turn(Told(body=whole, cut=5), Told(body=whole))
    with running(lambda _: next(answers)) as peer:
        assert list(connect(peer.url).list_children("root")) == []

    assert len(peer.asked) == 2


def test_a_kept_connection_that_the_server_has_closed_costs_no_failure(connect: Connect) -> None:
    with running(lambda _: Told(204, b"", cut=0)) as peer:
        remote = connect(peer.url)
        for _ in range(3):
            remote.put_content("/x", b"abc")

    assert [asked.body for asked in peer.asked] == [b"abc"] * 3


@pytest.mark.parametrize("status", [200, 404])
def test_an_answer_that_was_damaged_on_the_way_is_told_in_a_sentence(connect: Connect, status: int) -> None:
    damaged = Told(status, b'{"code": "not_found", "detail": "There is nothing with th\xe9s id.", "path": "\xe9"}')
    with running(lambda _: damaged) as peer, pytest.raises(ClientError) as failed:
        connect(peer.url).get_file("/a")

    assert str(failed.value).endswith(".")


def test_what_is_no_cairn_server_is_told_in_a_sentence(connect: Connect) -> None:
    with (
        running(lambda _: Told(body=b"<html>hello</html>")) as peer,
        pytest.raises(ClientError, match="like a Cairn server"),
    ):
        connect(peer.url).get_file("/a")


def test_unknown_fields_of_an_answer_are_passed_over(connect: Connect) -> None:
    answer = {
        "file_id": "f1", "name": "a", "path": "/a", "kind": "file", "size": 3, "mtime_ms": 0, "seq": 1,
        "version_id": "v1", "sha256": "0" * 64, "of a later version": {"deep": [1]},
    }  # fmt: skip
    with running(lambda _: Told(body=json.dumps(answer).encode())) as peer:
        assert connect(peer.url).get_file("/a") == FILE


@pytest.mark.parametrize("sent", [b"ab", b"abcd"])
def test_a_chunk_of_another_length_is_not_taken(sent: bytes, connect: Connect) -> None:
    with running(lambda _: Told(body=sent)) as peer, pytest.raises(ClientError, match="another length"):
        connect(peer.url).read_chunk("/chunks/x", memoryview(bytearray(3)))


def test_a_chunk_is_read_into_the_place_that_waits_for_it(connect: Connect) -> None:
    place = bytearray(3)
    with running(lambda _: Told(body=b"abc")) as peer:
        connect(peer.url).read_chunk("/chunks/x", memoryview(place))

    assert place == b"abc"
    assert peer.asked[0].headers["Accept-Encoding"] == "identity"


def test_pieces_and_ranges_of_files_arrive_as_one_body(tmp_path: Path, connect: Connect) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"0123456789" * 100_000)
    descriptor = os.open(path, os.O_RDONLY)
    with running(lambda _: Told(204, b"")) as peer:
        remote = connect(peer.url)
        remote.put_content("/a", [memoryview(b"ab"), memoryview(b"cd")])
        remote.put_content("/b", FileRange(descriptor, 5, 900_000))

    os.close(descriptor)
    assert [asked.body for asked in peer.asked] == [b"abcd", path.read_bytes()[5:900_005]]


def test_a_file_that_became_shorter_never_counts_as_sent(tmp_path: Path, connect: Connect) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"short")
    descriptor = os.open(path, os.O_RDONLY)
    with running(lambda _: Told(204, b"")) as peer, pytest.raises(FileChangedError, match="shorter"):
        connect(peer.url).put_content("/a", FileRange(descriptor, 0, 100))

    os.close(descriptor)


def test_stopping_ends_a_call_that_waits_for_its_next_try(monkeypatch: pytest.MonkeyPatch, connect: Connect) -> None:
    monkeypatch.setattr(channel, "FIRST_PAUSE_S", 600.0)
    monkeypatch.setattr(channel, "FIRST_PATIENCE_S", 3600.0)
    came = threading.Event()

    def answer(_: Asked) -> Told:
        came.set()
        return Told(503)

    with running(answer) as peer:
        remote = connect(peer.url)

        def stop() -> None:
            came.wait()
            remote.stop()

        stopper = threading.Thread(target=stop)
        stopper.start()
        with pytest.raises(StoppedError):
            remote.get_file("/a")
        stopper.join()


@pytest.mark.parametrize(
    "url",
    ["http://[::1", "http://a b/", "http://a/b c", "http://a..b/", "http://h:x/", "ftp://h/", "//h/", "", "http://h/\u00e9",
     "http://h/\r\nX: y", "/chunks/a b"],
)  # fmt: skip
def test_what_is_no_address_of_a_chunk_is_refused_and_nothing_is_sent(url: str, connect: Connect) -> None:
    with running(lambda _: Told(204, b"")) as peer, pytest.raises(RefusedError, match="no address"):
        connect(peer.url, "secret").put_content(url, b"x")

    assert peer.asked == []


def test_an_answer_longer_than_what_was_asked_for_is_not_read(connect: Connect) -> None:
    with running(lambda _: Told(body=bytes(1 << 20))) as peer, pytest.raises(ClientError, match="longer"):
        connect(peer.url).contents_of([("f1", "v1", 10)])

    assert len(peer.asked) == 1


def test_an_answer_that_drips_is_given_up(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "SLOW_S", 0.2)
    monkeypatch.setattr(transport, "SLOWEST", 1000)

    with dripping() as url, pytest.raises(UnreachableError, match="slowly"):
        connect(url).content_of("f1", "v1", memoryview(bytearray(1 << 20)))


def test_what_drips_is_broken_off_when_asked_to(connect: Connect) -> None:
    with dripping() as url:
        remote = connect(url)
        threading.Timer(0.3, remote.abort).start()
        with pytest.raises(StoppedError):
            remote.content_of("f1", "v1", memoryview(bytearray(1 << 20)))


@contextmanager
def dripping() -> Iterator[str]:
    """Run a server that promises 1 MiB and sends a byte now and then."""
    listener = socket.create_server(("127.0.0.1", 0))
    over = threading.Event()

    def drip(connection: socket.socket) -> None:
        with connection, suppress(OSError):
            connection.recv(1 << 16)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1048576\r\n\r\n")
            while not over.wait(0.02):
                connection.sendall(b"x")

    def serve() -> None:
        with suppress(OSError):
            while True:
                threading.Thread(target=drip, args=(listener.accept()[0],), daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        over.set()
        listener.close()
