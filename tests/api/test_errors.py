"""Refusals: problem details everywhere, a stable code, and never a 500 for what a client sends."""

import json
import random
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from app.config import Limits, Settings
from tests.accounts.api import Reply
from tests.api.conftest import Running
from tests.api.people import NONSENSE_ID, Person, noise
from tests.api.wire import connected, head, status_of, talk

BODIES: dict[str, tuple[str, dict[str, Any]]] = {
    "POST /api/v1/uploadRequest": ("path", {"path": "/f", "size": 0, "chunks": []}),
    "POST /api/v1/folders": ("path", {"path": "/d"}),
    "POST /api/v1/uploads/commit": ("upload_ids", {"upload_ids": [NONSENSE_ID]}),
    "POST /api/v1/downloadBundle": ("files", {"files": [{"file_id": NONSENSE_ID}]}),
    "POST /api/v1/login": ("username", {"username": "ada", "password": "x", "device_name": "x"}),
    "POST /api/v1/reauth": ("password", {"password": "x"}),
}
NUMBERS = ("size", "mtime_ms", "if_seq", "from")


def assert_problem(reply: Reply, status: int, code: str) -> None:
    """Hold an answer against RFC 9457 and our own members."""
    assert reply.status == status, reply.body
    assert reply.headers["Content-Type"].partition(";")[0] == "application/problem+json"
    problem = reply.json
    assert (problem["status"], problem["code"], problem["type"]) == (status, code, f"/problems/{code}")
    assert problem["title"]
    assert problem["detail"]
    assert problem["request_id"] == reply.headers["X-Request-Id"]


@pytest.fixture
async def calls(ada: Person) -> dict[str, str]:
    """Every call with a JSON body, and the path at which it answers."""
    file = await ada.upload("/target", b"x")
    upload_id = (await ada.request("/growing", size=10, chunks=[], append=True)).json["upload_id"]
    return {
        **{call: call.partition(" ")[2] for call in BODIES},
        "PATCH file": f"/api/v1/files/{file['file_id']}",
        "POST append": f"/api/v1/uploads/{upload_id}/chunks",
        "POST commit": f"/api/v1/uploads/{upload_id}/commit",
    }


MALFORMED: dict[str, bytes] = {
    "no JSON": b"hello",
    "half": b'{"path": "/a',
    "array": b"[]",
    "string": b'"x"',
    "number": b"5",
    "null": b"null",
    "not UTF-8 in a string": b'{"path": "\xff\xfe"}',
    "not UTF-8 in a key": b'{"\xff": 1}',
    "UTF-16": '{"path": "/a"}'.encode("utf-16"),
    "byte order mark": b'\xef\xbb\xbf{"path": "/a"}',
    "trailing bytes": b'{"path": "/a"} x',
    "two documents": b"{}{}",
    "deep arrays": b"[" * 100_000,
    "deep objects": b'{"a":' * 100_000,
    "deep in a known field": b'{"files": ' + b"[" * 50_000 + b"]" * 50_000 + b"}",
    "deep in an unknown field": b'{"path": "/a", "x": ' + b"[" * 50_000 + b"]" * 50_000 + b"}",
    "NaN": b'{"size": NaN}',
    "Infinity": b'{"size": Infinity}',
    "comment": b'{"path": "/a" /* x */}',
    "single quotes": b"{'path': '/a'}",
    "NUL": b"\0",
}


async def test_malformed_json_is_refused_by_every_call(ada: Person, calls: dict[str, str]) -> None:
    for call, path in calls.items():
        for name, body in MALFORMED.items():
            reply = await ada.call(call.partition(" ")[0], path, data=body)

            assert reply.status == 400, (call, name)
            assert_problem(reply, 400, "invalid_request")
    assert sorted(await ada.names()) == ["target"]


async def test_an_empty_body_is_refused_where_one_is_needed(ada: Person, calls: dict[str, str]) -> None:
    del calls["POST commit"]  # its body may be absent
    for call, path in calls.items():
        assert_problem(await ada.call(call.partition(" ")[0], path, data=b""), 400, "invalid_request")


async def test_unknown_fields_are_refused_by_every_call(ada: Person, calls: dict[str, str]) -> None:
    for call, path in calls.items():
        body = {**BODIES.get(call, ("", {}))[1], "is_admin": True}

        assert_problem(await ada.call(call.partition(" ")[0], path, json=body), 400, "invalid_request")


WRONG: list[tuple[str, Any]] = [
    ("path", 5), ("path", None), ("path", ["/a"]), ("path", True), ("path", {"a": 1}), ("path", "/" + "a" * 5000),
    ("size", "0"), ("size", -1), ("size", 1.5), ("size", 0.0), ("size", True), ("size", None), ("size", 2**53 + 1),
    ("size", 2**64), ("size", 10**400), ("size", -(10**400)), ("size", [0]),
    ("mtime_ms", 1.0), ("mtime_ms", 2**53 + 1), ("mtime_ms", -(2**53) - 1), ("mtime_ms", False), ("mtime_ms", "1"),
    ("chunks", {}), ("chunks", None), ("chunks", ["x"]), ("chunks", [{}]), ("chunks", [{"sha256": "0" * 64}]),
    ("chunks", [{"sha256": "0" * 63, "size": 1}]), ("chunks", [{"sha256": "G" * 64, "size": 1}]),
    ("chunks", [{"sha256": "A" * 64, "size": 1}]), ("chunks", [{"sha256": "0" * 64 + "\n", "size": 1}]),
    ("chunks", [{"sha256": "0" * 64, "size": True}]), ("chunks", [{"sha256": "0" * 64, "size": 1.0}]),
    ("chunks", [{"sha256": "0" * 64, "size": 1, "more": 1}]), ("chunks", [{"sha256": None, "size": 1}]),
    ("executable", 1), ("executable", "true"), ("executable", None), ("on_conflict", "overwrite"),
    ("on_conflict", None), ("base_version", 5),
    ("base_version", ""), ("base_version", "x" * 65), ("ancestors", ["0" * 63]),
    ("ancestors", ["0" * 64] * 17), ("sha256", "0" * 63), ("sha256", 0), ("content_type", 5), ("parents", 1),
    ("append", "yes"), ("bundle", 1), ("file_id", ""), ("parent_id", "x" * 65), ("name", ""), ("restore", 1),
]  # fmt: skip


async def test_wrong_types_and_numbers_out_of_range_are_refused(ada: Person) -> None:
    for field, value in WRONG:
        body = {"path": "/f", "size": 0, "chunks": [], field: value}
        if field in ("file_id", "parent_id", "name"):
            del body["path"]

        single = await ada.call("POST", "/api/v1/uploadRequest", data=json.dumps(body).encode())
        batch = await ada.call("POST", "/api/v1/uploadRequest", data=json.dumps({"files": [body]}).encode())

        assert single.status == 400, (field, value)
        assert batch.status == 400 or batch.json["uploads"][0]["status"] == 400, (field, value)
    assert await ada.names() == []
    assert (await ada.upload("/f", noise(10)))["size"] == 10


async def test_numbers_written_oddly_are_refused(ada: Person) -> None:
    for number in ("0.0", "1e2", "1E400", "-0.5", "01", "+1", "0x1", "1_000", '"1"', "true", "9" * 5000):
        body = f'{{"path": "/f", "size": {number}, "chunks": [], "append": true}}'.encode()
        assert_problem(await ada.call("POST", "/api/v1/uploadRequest", data=body), 400, "invalid_request")


async def test_of_a_repeated_key_the_last_counts(ada: Person) -> None:
    body = b'{"path": "/first", "size": 5, "path": "/last", "size": 0}'

    reply = await ada.call("POST", "/api/v1/uploadRequest", data=body)

    assert (await ada.commit(reply.json["upload_id"])).json["file"]["path"] == "/last"


async def test_bodies_over_their_limit_are_refused(server: Running, ada: Person) -> None:
    padding = b" " * (1024 * 1024)
    small = await ada.call("POST", "/api/v1/folders", data=b'{"path": "/a"}' + padding)
    large = await ada.call("POST", "/api/v1/uploadRequest", data=b'{"path": "/a"}' + padding * 32)
    chunked = head("POST", "/api/v1/folders", ada, Transfer_Encoding="chunked")
    unannounced = await talk(server.port, chunked + b"200000\r\n" + padding * 2 + b"\r\n0\r\n\r\n")

    assert_problem(small, 413, "too_large")
    assert_problem(large, 413, "too_large")
    assert status_of(unannounced) == 413
    below = await ada.call("POST", "/api/v1/uploadRequest", data=b'{"path": "/a", "size": 0}' + padding * 2)
    assert below.status == 201


async def test_unknown_routes_and_methods_are_told(ada: Person, stranger: Person) -> None:
    for person in (ada, stranger):
        for path in (
            "/api/v1/nothing",
            "/nothing",
            "/api/v2/me",
            "/api/v1/files/x/y/z",
            "/api/v1//files",
            "/%00",
            "/%ff",
        ):
            assert_problem(await person.get(path), 404, "not_found")
    for method, path, allowed in (
        ("POST", "/api/v1/files", "GET,HEAD"), ("DELETE", "/healthz", "GET,HEAD"),
        ("GET", "/api/v1/uploadRequest", "POST"),
        ("PUT", f"/api/v1/uploads/{NONSENSE_ID}", "DELETE,GET,HEAD"), ("TRACE", "/healthz", "GET,HEAD"),
        ("PROPFIND", "/healthz", "GET,HEAD"),
    ):  # fmt: skip
        reply = await ada.call(method, path)
        assert_problem(reply, 405, "method_not_allowed")
        assert sorted(reply.headers["Allow"].replace(" ", "").split(",")) == allowed.split(",")


async def test_queries_are_strict(ada: Person) -> None:
    file = await ada.upload("/f", b"x")
    for target in (
        "/api/v1/files", "/api/v1/files?path=/f&path=/g", "/api/v1/files?path=/f&x=1", "/api/v1/files?path=f",
        "/api/v1/files?path=%00", "/api/v1/files?path=%2f%ff", "/api/v1/download", "/api/v1/download?file_id=",
        f"/api/v1/download?file_id={file['file_id']}&from=-1", f"/api/v1/download?file_id={file['file_id']}&from=x",
        f"/api/v1/download?file_id={file['file_id']}&from=99999999999999999999", f"/api/v1/download?file_id={'x' * 65}",
        f"/api/v1/files/{file['file_id']}/content?download=yes", f"/api/v1/files/{file['file_id']}/content?version_id=",
        f"/api/v1/uploads/{NONSENSE_ID}?from=1e9999",
    ):  # fmt: skip
        reply = await ada.get(target)
        assert (reply.status, reply.code) in {(400, "invalid_request"), (404, "not_found")}, target
        assert reply.status == 400 or "%ff" in target or NONSENSE_ID in target, target


async def test_a_token_counts_in_its_header_alone(ada: Person, stranger: Person) -> None:
    assert ada.token is not None
    for reply in (
        await stranger.get("/api/v1/me"),
        await stranger.get("/api/v1/me", params={"token": ada.token}),
        await stranger.get("/api/v1/me", params={"access_token": ada.token}),
        await stranger.get("/api/v1/me", headers={"Cookie": f"token={ada.token}"}),
        await stranger.get("/api/v1/me", headers={"Authorization": ada.token}),
        await stranger.get("/api/v1/me", headers={"Authorization": f"Basic {ada.token}"}),
    ):
        assert_problem(reply, 401, "unauthenticated")


class TestWithOneRequestAtOnce:
    @pytest.fixture
    def settings(self) -> Settings:
        return Settings(limits=Limits(requests_per_user=1, free_disk_bytes=0, free_disk_percent=0))

    async def test_requests_of_one_user_at_once_are_limited(self, server: Running, ada: Person, bob: Person) -> None:
        async with connected(server.port) as line:
            await line.send(head("POST", "/api/v1/folders", ada, Content_Length="14", Expect="100-continue"))
            assert status_of(await line.head()) == 100  # from here on it is under way
            refused = await ada.get("/api/v1/me")
            others = await bob.get("/api/v1/me")
            await line.send(b'{"path": "/a"}')
            assert status_of(await line.answer()) == 201

        assert_problem(refused, 429, "rate_limited")
        assert int(refused.headers["Retry-After"]) > 0
        assert others.status == 200
        assert (await ada.get("/api/v1/me")).status == 200


async def test_a_foreign_host_is_misdirected(ada: Person) -> None:
    reply = await ada.get("/api/v1/me", headers={"Host": "evil.example.com"})

    assert_problem(reply, 421, "misdirected")


async def test_answers_with_private_data_are_kept_by_no_cache(ada: Person) -> None:
    await ada.upload("/f", b"x")

    for path in ("/api/v1/me", "/api/v1/files?path=/f", "/api/v1/folders/root/children", "/api/v1/nothing"):
        reply = await ada.get(path)
        assert reply.headers["Cache-Control"] == "no-store"
        assert reply.headers["X-Content-Type-Options"] == "nosniff"


async def test_refusals_tell_no_inner_thing(ada: Person) -> None:
    replies = [
        await ada.get("/api/v1/files/x"),
        await ada.post("/api/v1/uploadRequest", {"path": "/'; DROP TABLE nodes; --", "size": -1}),
        await ada.at("/../../etc/passwd"),
    ]

    for reply in replies:
        for inner in (b"Traceback", b"SELECT", b"sqlite", b".py", b"aiohttp", b"/tmp"):
            assert inner not in reply.body


async def test_random_bodies_are_never_a_fault(ada: Person, calls: dict[str, str]) -> None:
    """The log's fixture holds that none of these is an error."""
    chance = random.Random(20)  # noqa: S311 - the same bodies in each run
    pieces = [
        '{"',
        '"}',
        "path",
        "size",
        "chunks",
        '":',
        ",",
        "[",
        "]",
        "{",
        "}",
        "0",
        "-1",
        "1e9",
        '"/a"',
        "null",
        "true",
    ]
    pieces += ["files", "\\u0000", "\\ud800", "é", "upload_ids", "sha256", "0" * 64, " ", '"', "from", "name", "bundle"]
    ask: Callable[[str, str, bytes], Awaitable[Reply]] = lambda method, path, body: ada.call(method, path, data=body)  # noqa: E731 - a name for the type
    for _ in range(150):
        call, path = chance.choice(list(calls.items()))
        body = "".join(chance.choices(pieces, k=chance.randrange(1, 30))).encode()

        reply = await ask(call.partition(" ")[0], path, body)

        assert reply.status < 500, body
