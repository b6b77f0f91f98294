"""PUT: files come in whole, with what ownCloud's programs add, and what breaks off changes nothing."""

import asyncio
import hashlib
import threading
import zlib

import pytest

from storage.chunker import StreamChunker
from tests.accounts.api import ADMIN
from tests.api.conftest import Running
from tests.api.people import MIB, Person, noise
from tests.api.wire import eventually
from tests.dav.conftest import Dav, Wire
from tests.tree.keeper import versions_of

CHECKSUMS = {
    "SHA1": lambda data: hashlib.sha1(data).hexdigest(),  # noqa: S324 - what these programs send
    "MD5": lambda data: hashlib.md5(data).hexdigest(),  # noqa: S324
    "SHA256": lambda data: hashlib.sha256(data).hexdigest(),
    "ADLER32": lambda data: f"{zlib.adler32(data):x}",
}


def cut_whole(data: bytes) -> list[bytes]:
    """Return the chunks of bytes that are all there."""
    chunker = StreamChunker()
    return [*chunker.feed(data), *chunker.finish()]


async def open_uploads(server: Running) -> int:
    """Return how many uploads are under way."""
    statement = "SELECT count(*) FROM uploads WHERE state = 0"
    count: int = await server.cairn.database.read(lambda tx: tx.execute(statement).fetchone()[0])
    return count


async def chunked(wire: Wire, data: bytes) -> None:
    """Send a body of unknown length in two pieces."""
    for piece in (data[: len(data) // 2], data[len(data) // 2 :]):
        await wire.send(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
    await wire.send(b"0\r\n\r\n")


async def test_a_file_is_made_and_then_changed(dav: Dav, ada: Person) -> None:
    made = await dav.call("PUT", "/dav/a%20b.txt", b"one")
    changed = await dav.call("PUT", "/dav/a%20b.txt", b"two")

    assert (made.status, changed.status) == (201, 204)
    file = (await ada.at("/a b.txt")).json
    assert (await ada.content(file["file_id"])).body == b"two"
    assert [version["size"] for version in (await versions_of(ada, file)).json["items"]] == [3, 3]


async def test_the_answer_tells_etag_and_id_as_they_are_shown_next(dav: Dav) -> None:
    answer = await dav.call("PUT", "/dav/f.txt", b"one")

    found = (await dav.propfind("/dav/f.txt", "d:getetag", "oc:fileid")).of("/dav/f.txt")
    assert answer.headers["etag"] == answer.headers["oc-etag"] == found["d:getetag"].text
    number, _, instance = answer.headers["oc-fileid"].partition("oc")
    assert int(number) == int(found["oc:fileid"].text or "")
    assert len(number) >= 8
    assert instance.isalnum()


async def test_a_large_file_of_unknown_length_is_cut_as_every_file(dav: Dav, ada: Person) -> None:
    data = noise(21 * MIB)
    async with dav.connected() as wire:
        await wire.send(dav.head("PUT", "/dav/f.bin", {"Transfer-Encoding": "chunked"}))
        await chunked(wire, data)
        answer = await wire.answer("PUT")

    assert answer.status == 201
    file = (await ada.at("/f.bin")).json
    assert (file["size"], file["sha256"]) == (len(data), hashlib.sha256(data).hexdigest())
    assert (await ada.content(file["file_id"])).body == data
    chunks = (await ada.get("/api/v1/download", params={"file_id": file["file_id"]})).json["chunks"]
    assert [chunk["sha256"] for chunk in chunks] == [hashlib.sha256(cut).hexdigest() for cut in cut_whole(data)]


async def test_a_time_is_taken_and_said_to_be_taken(dav: Dav, ada: Person) -> None:
    timed = await dav.call("PUT", "/dav/f", b"x", X_OC_Mtime="1795467870.123")
    untimed = await dav.call("PUT", "/dav/g", b"x", X_OC_Mtime="0")

    assert timed.headers["x-oc-mtime"] == "accepted"
    assert (await ada.at("/f")).json["mtime_ms"] == 1795467870123
    assert "x-oc-mtime" not in untimed.headers


@pytest.mark.parametrize("algorithm", CHECKSUMS)
async def test_a_checksum_that_holds_is_no_hindrance(dav: Dav, ada: Person, algorithm: str) -> None:
    small, large = noise(100), noise(3 * MIB)

    for name, data in (("small", small), ("large", large)):
        said = f"{algorithm}:{CHECKSUMS[algorithm](data)}"
        assert (await dav.call("PUT", f"/dav/{name}", data, OC_Checksum=said)).status == 201
    assert (await ada.at("/large")).json["size"] == len(large)


@pytest.mark.parametrize("algorithm", CHECKSUMS)
@pytest.mark.parametrize("size", [100, 3 * MIB])
async def test_bytes_that_are_not_what_was_announced_change_nothing(
    server: Running, dav: Dav, ada: Person, algorithm: str, size: int
) -> None:
    old = await ada.upload("/f", b"old")
    said = f"{algorithm}:{CHECKSUMS[algorithm](b'others')}"

    refused = await dav.call("PUT", "/dav/f", noise(size), OC_Checksum=said)

    assert refused.status == 400
    assert (await ada.at("/f")).json == old
    assert await open_uploads(server) == 0


@pytest.mark.parametrize("said", ["SHA3-256:00", "SHA1", "SHA1:", "MD5:xyz", ":00"])
async def test_a_checksum_that_nobody_can_hold_it_to_is_refused(dav: Dav, said: str) -> None:
    assert (await dav.call("PUT", "/dav/f", b"x", OC_Checksum=said)).status == 400
    assert (await dav.propfind("/dav/f")).status == 404


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("/dav/", {}, 405),
        ("/dav/folder", {}, 405),
        ("/dav/folder/", {}, 405),
        ("/dav/new/", {}, 405),
        ("/dav/none/f", {}, 409),
        ("/dav/file/f", {}, 409),
        ("/dav/f", {"Content-Range": "bytes 0-0/1"}, 400),
        ("/dav/f", {"Content-Encoding": "gzip"}, 415),
        ("/dav/f", {"If-Match": '"other"'}, 412),
        ("/dav/f", {"If-Match": "*"}, 412),
        ("/dav/file", {"If-None-Match": "*"}, 412),
        ("/dav/file", {"If-Match": '"other"'}, 412),
        ("/dav/f", {"X-OC-Mtime": "noon"}, 400),
        ("/dav/f", {"OC-Total-Length": "2"}, 400),
        ("/dav/f", {"X-Expected-Entity-Length": "2"}, 400),
        ("/dav/f", {"X-Expected-Entity-Length": "some"}, 400),
    ],
)
async def test_what_can_be_refused_is_refused_before_the_body(
    dav: Dav, ada: Person, path: str, headers: dict[str, str], status: int
) -> None:
    await ada.make_folder("/folder")
    old = await ada.upload("/file", b"old")

    async with dav.connected() as wire:
        await wire.send(dav.head("PUT", path, {"Expect": "100-continue", "Content-Length": "1", **headers}))
        answer = await wire.answer("PUT")

    assert answer.status == status
    assert (await ada.at("/file")).json == old
    assert (await ada.at("/f")).status == 404


async def test_who_waits_to_be_invited_is(dav: Dav, ada: Person) -> None:
    async with dav.connected() as wire:
        await wire.send(dav.head("PUT", "/dav/f", {"Expect": "100-continue", "Content-Length": "5"}))
        assert (await wire.answer("PUT")).status == 100
        await wire.send(b"hello")
        assert (await wire.answer("PUT")).status == 201

    assert (await ada.at("/f")).json["size"] == 5


async def test_a_condition_that_holds_lets_it_in(dav: Dav) -> None:
    first = await dav.call("PUT", "/dav/f", b"one", If_None_Match="*")
    second = await dav.call("PUT", "/dav/f", b"two", If_Match=first.headers["etag"])
    third = await dav.call("PUT", "/dav/f", b"three", If_Match=first.headers["etag"])

    assert (first.status, second.status, third.status) == (201, 204, 412)
    assert (await dav.call("GET", "/dav/f")).body == b"two"


async def test_a_put_that_breaks_off_leaves_the_old_version(server: Running, dav: Dav, ada: Person) -> None:
    old = await ada.upload("/f", b"old")
    async with dav.connected() as wire:
        await wire.send(dav.head("PUT", "/dav/f", {"Content-Length": str(20 * MIB)}))
        await wire.send(noise(10 * MIB))
        await eventually(lambda: _one_is_open(server))

    await eventually(lambda: _none_is_open(server))
    assert (await ada.at("/f")).json == old
    assert (await ada.content(old["file_id"])).body == b"old"


@pytest.mark.parametrize(
    ("length", "sent"),
    [
        ({"Transfer-Encoding": "chunked"}, b"0\r\n\r\n"),
        ({"Transfer-Encoding": "chunked"}, b"3\r\nnew\r\n0\r\n\r\n"),
        ({"Transfer-Encoding": "chunked"}, b"6\r\nnewest\r\n0\r\n\r\n"),
        ({"Content-Length": "0"}, b""),
        ({}, b""),
    ],
)
async def test_less_or_more_than_finder_said_that_it_sends_changes_nothing(
    dav: Dav, ada: Person, length: dict[str, str], sent: bytes
) -> None:
    """A proxy that can not pass chunks on makes an empty body of them."""
    old = await ada.upload("/f", b"old")
    async with dav.connected() as wire:
        await wire.send(dav.head("PUT", "/dav/f", {"X-Expected-Entity-Length": "5", **length}) + sent)
        refused = await wire.answer("PUT")

    assert refused.status == 400
    assert (await ada.at("/f")).json == old


async def _one_is_open(server: Running) -> bool:
    return await open_uploads(server) == 1


async def _none_is_open(server: Running) -> bool:
    return await open_uploads(server) == 0


async def test_twenty_clients_in_one_folder_lose_nothing(dav: Dav, ada: Person) -> None:
    await ada.make_folder("/all")

    async def work(client: int) -> None:
        async with dav.connected() as wire:
            for number in range(10):
                body = f"{client} {number}".encode()
                path = f"/dav/all/{client}-{number}"
                await wire.send(dav.head("PUT", path, {"Content-Length": str(len(body))}) + body)
                assert (await wire.answer("PUT")).status == 201
                if number % 2:
                    await wire.send(dav.head("MOVE", path, {"Destination": f"{path}.moved"}))
                    assert (await wire.answer("MOVE")).status == 201

    async with asyncio.TaskGroup() as group:
        for client in range(20):
            group.create_task(work(client))

    listed = await dav.propfind("/dav/all/", "d:getetag", depth="1")
    names = {href.rpartition("/")[2] for href in listed.hrefs[1:]}
    assert names == {f"{c}-{n}{'.moved' * (n % 2)}" for c in range(20) for n in range(10)}
    assert (await dav.call("GET", "/dav/all/7-3.moved")).body == b"7 3"


async def test_twenty_writers_of_one_file_leave_a_version_each(dav: Dav, ada: Person) -> None:
    bodies = [f"writer {n}".encode() for n in range(20)]

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(dav.call("PUT", "/dav/f", body)) for body in bodies]

    assert {task.result().status for task in tasks} <= {201, 204}
    file = (await ada.at("/f")).json
    items = (await versions_of(ada, file)).json["items"]
    sums = {hashlib.sha256(body).hexdigest() for body in bodies}
    assert {item["sha256"] for item in items} == sums


async def test_a_type_that_says_nothing_is_guessed_from_the_name(dav: Dav, ada: Person) -> None:
    await dav.call("PUT", "/dav/a.jpg", b"x", Content_Type="application/octet-stream")
    await dav.call("PUT", "/dav/b.jpg", b"x", Content_Type="text/plain; charset=utf-8")

    types = [(await ada.at(path)).json["content_type"] for path in ("/a.jpg", "/b.jpg")]
    assert types == ["image/jpeg", "text/plain"]


async def test_a_full_quota_refuses_before_the_body(dav: Dav, ada: Person, server: Running) -> None:
    await server.cairn.services.accounts.set_quota(ADMIN, 10)

    async with dav.connected() as wire:
        await wire.send(dav.head("PUT", "/dav/f", {"Expect": "100-continue", "Content-Length": "11"}))
        answer = await wire.answer("PUT")

    assert answer.status == 507
    assert answer.precondition == "d:quota-not-exceeded"


async def test_puts_that_are_received_while_a_barrier_runs_share_the_next_one_and_a_commit(
    server: Running, dav: Dav, ada: Person
) -> None:
    """Each alone would take a barrier, and a commit to begin and one to end."""
    puts, size = 32, 4096
    store = server.cairn.store
    barriers, is_free = store.stats().barriers, threading.Event()

    async def all_are_received() -> bool:
        return store.stats().staged_bytes >= puts * size

    async with asyncio.TaskGroup() as group:
        held = group.create_task(store._barriers.run(is_free.wait))  # noqa: SLF001 - a slow disk
        for number in range(puts):
            group.create_task(dav.call("PUT", f"/dav/{number}", noise(size)))
        try:
            await eventually(all_are_received)
            commits = server.cairn.database.commits
        finally:
            is_free.set()
        await held

    assert store.stats().barriers - barriers == 1
    assert server.cairn.database.commits - commits < puts / 2
    assert len((await dav.propfind("/dav/", depth="1")).hrefs) == puts + 1
