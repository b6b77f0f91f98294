"""PUT /api/v1/files/content: a whole file in one body, for curl and scripts."""

import asyncio
import hashlib
from collections.abc import AsyncIterator

import pytest

from tests.accounts.api import Reply
from tests.api.conftest import Running
from tests.api.people import MIB, Person, noise
from tests.api.test_uploads import reserved
from tests.api.wire import Line, connected, eventually, head, status_of, talk

TARGET = "/api/v1/files/content?path=/f"


async def open_uploads(server: Running) -> int:
    """Return how many uploads are open."""
    count: int = await server.cairn.database.read(lambda tx: tx.execute("SELECT count(*) FROM uploads").fetchone()[0])
    return count


async def test_a_file_goes_up_in_one_call(ada: Person) -> None:
    data = noise(5 * MIB)

    reply = await ada.put("/f.bin", data, **{"X-Mtime-Ms": "1234"})

    assert (reply.status, reply.json["path"], reply.json["size"]) == (201, "/f.bin", len(data))
    assert (reply.json["mtime_ms"], reply.json["sha256"]) == (1234, hashlib.sha256(data).hexdigest())
    assert (await ada.content(reply.json["file_id"])).body == data
    download = await ada.get("/api/v1/download", params={"file_id": reply.json["file_id"]})
    assert len(download.json["chunks"]) > 1


async def test_an_empty_body_is_an_empty_file(ada: Person) -> None:
    reply = await ada.put("/f", b"")

    assert (reply.status, reply.json["size"]) == (201, 0)
    assert (await ada.content(reply.json["file_id"])).body == b""


async def test_a_second_put_is_a_new_version_of_the_same_file(ada: Person) -> None:
    first = await ada.put("/f", b"one")

    second = await ada.put("/f", b"two")

    assert second.status == 200
    assert second.json["file_id"] == first.json["file_id"]
    assert second.json["version_id"] != first.json["version_id"]
    old = await ada.call(
        "GET", f"/api/v1/files/{first.json['file_id']}/content", params={"version_id": first.json["version_id"]}
    )
    assert old.body == b"one"


async def test_parents_are_made_when_asked_for(ada: Person) -> None:
    refused = await ada.put("/a/b/f", b"x")
    made = await ada.call("PUT", "/api/v1/files/content", params={"path": "/a/b/f", "parents": "1"}, data=b"x")

    assert (refused.status, refused.code) == (404, "not_found")
    assert (made.status, made.json["path"]) == (201, "/a/b/f")


async def test_a_folder_is_not_overwritten(ada: Person) -> None:
    folder = await ada.make_folder("/f")

    reply = await ada.put("/f", b"x")

    assert (reply.status, reply.code, reply.json["current"]) == (409, "name_taken", folder)


async def test_the_type_is_the_one_said_or_the_one_of_the_name(ada: Person) -> None:
    said = await ada.put("/a.png", b"x", **{"Content-Type": "Text/Markdown; charset=utf-8"})
    named = await ada.put("/b.png", b"x")
    from_a_form = await ada.put("/c.png", b"x", **{"Content-Type": "application/x-www-form-urlencoded"})
    refused = await ada.put("/d", b"x", **{"Content-Type": "nonsense"})

    assert [reply.json["content_type"] for reply in (said, from_a_form)] == ["text/markdown", "image/png"]
    assert named.json["content_type"] in ("image/png", "application/octet-stream")  # aiohttp's client says the latter
    assert (refused.status, refused.code) == (400, "invalid_request")


# Conditions


async def test_if_match_replaces_only_what_was_seen(ada: Person) -> None:
    first = await ada.put("/f", b"one")
    seen = f'"{first.json["etag"]}"'

    second = await ada.put("/f", b"two", **{"If-Match": seen})
    stale = await ada.put("/f", b"three", **{"If-Match": seen})

    assert second.status == 200
    assert (stale.status, stale.code) == (412, "precondition_failed")
    assert (await ada.content(first.json["file_id"])).body == b"two"


async def test_if_match_needs_something_to_match(ada: Person) -> None:
    for value in ("*", '"abc"'):
        reply = await ada.put("/f", b"x", **{"If-Match": value})
        assert (reply.status, reply.code) == (412, "precondition_failed")
    await ada.put("/f", b"x")
    assert (await ada.put("/f", b"y", **{"If-Match": "*"})).status == 200


async def test_if_none_match_makes_only_new_files(ada: Person) -> None:
    created = await ada.put("/f", b"one", **{"If-None-Match": "*"})
    refused = await ada.put("/f", b"two", **{"If-None-Match": "*"})

    assert created.status == 201
    assert (refused.status, refused.code) == (412, "precondition_failed")
    assert (await ada.content(created.json["file_id"])).body == b"one"


async def test_a_condition_that_ends_to_hold_while_the_body_comes_refuses_the_commit(
    server: Running, ada: Person
) -> None:
    first = await ada.put("/f", b"one")
    asked = head("PUT", TARGET, ada, Content_Length="3", If_Match=f'"{first.json["etag"]}"')
    async with connected(server.port) as line:
        await _begin(line, server, asked)
        await ada.put("/f", b"meanwhile")
        await line.send(b"two")
        answer = await line.answer()

    assert status_of(answer) in (409, 412)
    assert (await ada.content(first.json["file_id"])).body == b"meanwhile"


async def test_mtimes_are_whole_milliseconds(ada: Person) -> None:
    for good in ("0", "-1", "4102444800000"):
        assert (await ada.put("/f", b"x", **{"X-Mtime-Ms": good})).json["mtime_ms"] == int(good)
    for bad in ("", "1.5", "abc", "+5", "9" * 30, "0x10"):
        reply = await ada.put("/f", b"x", **{"X-Mtime-Ms": bad})
        assert (reply.status, reply.code) == (400, "invalid_request"), bad


async def test_queries_and_encodings_it_does_not_know_are_refused(ada: Person) -> None:
    for target in ("", "?path=/f&mode=1", "?path=/f&path=/g", "?path=/f&parents=yes"):
        reply = await ada.call("PUT", f"/api/v1/files/content{target}", data=b"x")
        assert (reply.status, reply.code) == (400, "invalid_request"), target
    for encoding in ("gzip", "zstd"):
        reply = await ada.put("/f", b"x", **{"Content-Encoding": encoding})
        assert (reply.status, reply.code) == (415, "unsupported_media_type")
    assert await ada.names() == []


async def test_a_piece_of_a_file_does_not_replace_the_whole(ada: Person) -> None:
    file = (await ada.put("/f", b"0123456789")).json

    reply = await ada.put("/f", b"56789", **{"Content-Range": "bytes 5-9/10"})  # as `curl -C 5 -T f` sends it

    assert (reply.status, reply.code) == (400, "invalid_request")
    assert (await ada.content(file["file_id"])).body == b"0123456789"


async def test_a_second_content_encoding_counts_too(server: Running, ada: Person) -> None:
    sent = head("PUT", TARGET, ada, Content_Length="1")[:-2]

    answer = await talk(server.port, sent + b"Content-Encoding: identity\r\nContent-Encoding: gzip\r\n\r\nx")

    assert status_of(answer) == 415


# Bodies that come in pieces, or break off


async def test_a_body_may_come_without_a_length(server: Running, ada: Person) -> None:
    data = noise(3 * MIB)

    async def pieces() -> AsyncIterator[bytes]:
        for at in range(0, len(data), 100_000):
            yield data[at : at + 100_000]

    reply: Reply = await ada.call("PUT", TARGET, data=pieces())

    assert (reply.status, reply.json["size"]) == (201, len(data))
    assert (await ada.content(reply.json["file_id"])).body == data
    assert await reserved(server) == 0


@pytest.mark.parametrize("framing", ["Content-Length: 1000000", "Transfer-Encoding: chunked"])
async def test_of_a_body_that_breaks_off_nothing_stays(server: Running, ada: Person, framing: str) -> None:
    await ada.put("/f", b"as it was")
    name, _, value = framing.partition(": ")
    data = noise(500_000)
    async with connected(server.port) as line:
        await _begin(line, server, head("PUT", TARGET, ada, **{name.replace("-", "_"): value}))
        await line.send(data if "Length" in name else b"7a120\r\n" + data + b"\r\n")
        line.hang_up()

    await eventually(lambda: _is_over(server))
    assert await reserved(server) == 0
    assert (await ada.at("/f")).json["size"] == 9
    assert (await ada.put("/f", data)).status == 200


@pytest.mark.logs_errors  # by aiohttp, for what its parser refuses
async def test_a_body_whose_framing_breaks_is_refused(server: Running, ada: Person) -> None:
    answer = await talk(
        server.port, head("PUT", TARGET, ada, Transfer_Encoding="chunked") + b"5\r\nhello\r\nnonsense\r\n"
    )

    assert status_of(answer) == 400
    await eventually(lambda: _is_over(server))
    assert await ada.names() == []


async def test_many_puts_to_one_path_at_once_leave_one_whole_file(ada: Person) -> None:
    contents = [noise(200_000) for _ in range(8)]

    replies = await asyncio.gather(*(ada.put("/f", data) for data in contents))

    assert {reply.status for reply in replies} <= {200, 201}
    assert await ada.names() == ["f"]
    file = (await ada.at("/f")).json
    assert (await ada.content(file["file_id"])).body in contents


# Quota


async def test_a_body_beyond_the_quota_is_refused_and_nothing_stays(server: Running, ada: Person) -> None:
    await server.cairn.services.accounts.set_quota("ada", MIB)

    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(40):
            yield noise(100_000)

    announced = await ada.put("/f", noise(MIB + 1))
    unannounced: Reply = await ada.call("PUT", TARGET, data=pieces())

    for reply in (announced, unannounced):
        assert (reply.status, reply.code) == (507, "quota_exceeded")
    assert await ada.names() == []
    assert (await reserved(server), await open_uploads(server)) == (0, 0)
    assert (await ada.put("/f", noise(MIB))).status == 201


async def _begin(line: Line, server: Running, request: bytes) -> None:
    """Send a head and wait until its upload is open."""
    before = await open_uploads(server)
    await line.send(request)

    async def is_open() -> bool:
        return await open_uploads(server) > before

    await eventually(is_open)


async def _is_over(server: Running) -> bool:
    open_: int = await server.cairn.database.read(
        lambda tx: tx.execute("SELECT count(*) FROM uploads WHERE state = 0").fetchone()[0]
    )
    return open_ == 0


@pytest.mark.parametrize("condition", ["If_Match", "If_None_Match"])
async def test_a_condition_that_held_at_the_start_and_not_at_the_end_is_a_precondition_that_failed(
    server: Running, ada: Person, condition: str
) -> None:
    etag = "*" if condition == "If_None_Match" else f'"{(await ada.upload("/f", b"one"))["etag"]}"'
    async with connected(server.port) as line:
        target = "/api/v1/files/content?path=/f"
        await line.send(head("PUT", target, ada, Content_Length="6", **{condition: etag}) + b"slo")
        await eventually(lambda: has_open_upload(ada))
        assert (await ada.put("/f", b"swift")).status in (200, 201)
        await line.send(b"wer")

        answer = await line.answer()

    assert status_of(answer) == 412, answer
    assert b'"precondition_failed"' in answer
    assert (await ada.content((await ada.at("/f")).json["file_id"])).body == b"swift"


async def has_open_upload(person: Person) -> bool:
    return bool((await person.get("/api/v1/uploads")).json["items"])
