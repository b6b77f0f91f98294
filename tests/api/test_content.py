"""A version's bytes: whole, in ranges, under conditions, by id and by signed URL."""

import asyncio
import contextlib
import re
import socket
import time
from email.message import Message
from email.parser import BytesParser
from email.policy import HTTP
from typing import Any

import pytest

from app.config import Limits, Settings
from app.deadlines import Deadlines
from tests.accounts.api import Reply
from tests.api.conftest import Running
from tests.api.people import MIB, Person, noise
from tests.api.wire import connected, eventually, head

PARTS = [
    noise(300_000, 1),  # a file
    noise(10_000, 2),  # a row
    noise(40_000, 3).hex().encode(),  # a packed row or file
    b"again and again " * 40_000,  # packed to nearly nothing
    noise(1, 4),
    noise(2 * MIB, 5),
]
WHOLE = b"".join(PARTS)
SIZE = len(WHOLE)


@pytest.fixture
async def file(ada: Person) -> Any:
    """A file of chunks in every stored form."""
    return await ada.upload("/mixed.bin", *PARTS, mtime_ms=1_700_000_000_123)


async def test_content_is_put_together_from_files_rows_and_packed_chunks(ada: Person, file: Any) -> None:
    reply = await ada.content(file["file_id"])

    assert (reply.status, reply.body == WHOLE) == (200, True)
    assert reply.headers["Content-Length"] == str(SIZE)
    assert reply.headers["Accept-Ranges"] == "bytes"


async def test_the_manifest_and_its_chunks_give_the_same_bytes(ada: Person, file: Any) -> None:
    download = (await ada.get("/api/v1/download", params={"file_id": file["file_id"]})).json

    bodies = [(await ada.fetch(chunk["url"])).body for chunk in download["chunks"]]

    assert download["file"] == file
    assert b"".join(bodies) == WHOLE
    assert [chunk["index"] for chunk in download["chunks"]] == list(range(6))
    assert [chunk["offset"] for chunk in download["chunks"]] == [sum(map(len, PARTS[:n])) for n in range(6)]
    assert [chunk["size"] for chunk in download["chunks"]] == list(map(len, PARTS))
    assert download["next_from"] is None


async def test_a_long_manifest_comes_in_pages(ada: Person) -> None:
    chunk, last = noise(1024), noise(1024)
    answer = await ada.request("/long", [chunk] * 9000 + [last])
    assert (await ada.send(answer.json["chunks"][0]["url"], chunk)).status == 204
    page = await ada.get(f"/api/v1/uploads/{answer.json['upload_id']}", params={"from": 9000})
    assert (await ada.send(page.json["missing"][0]["url"], last)).status == 204
    file = (await ada.commit(answer.json["upload_id"])).json["file"]

    pages = list[Any]()
    start: int | None = 0
    while start is not None:
        reply = await ada.get("/api/v1/download", params={"file_id": file["file_id"], "from": start})
        pages.append(reply.json["chunks"])
        start = reply.json["next_from"]

    assert [len(chunks) for chunks in pages] == [4096, 4096, 809]
    assert [chunk["offset"] for chunks in pages for chunk in chunks] == list(range(0, 9001 * 1024, 1024))
    beyond = await ada.get("/api/v1/download", params={"file_id": file["file_id"], "from": 2**40})
    assert (beyond.status, beyond.json["chunks"], beyond.json["next_from"]) == (200, [], None)


# Ranges


async def test_a_range_is_cut_from_whatever_chunks_hold_it(ada: Person, file: Any) -> None:
    first = len(PARTS[0])
    wanted: dict[str, slice] = {
        "bytes=0-0": slice(0, 1),
        f"bytes={first - 5}-{first + 4}": slice(first - 5, first + 5),
        "bytes=299990-": slice(299_990, None),
        "bytes=-10": slice(-10, None),
        f"bytes=-{SIZE * 2}": slice(None),
        f"bytes={SIZE - 1}-{SIZE * 5}": slice(-1, None),
        f"bytes=0-{SIZE - 1}": slice(None),
        "bytes=5-9,0-4": slice(0, 10),
        "bytes=0-9, 5-20 ,,": slice(0, 21),
        "BYTES = 3-4": slice(3, 5),
    }

    for header, part in wanted.items():
        reply = await ada.content(file["file_id"], Range=header)

        start, stop, _ = part.indices(SIZE)
        assert (reply.status, reply.body == WHOLE[part]) == (206, True), header
        assert reply.headers["Content-Range"] == f"bytes {start}-{stop - 1}/{SIZE}"
        assert reply.headers["Content-Length"] == str(stop - start)


async def test_ranges_that_make_no_sense_give_the_whole(ada: Person, file: Any) -> None:
    many = "bytes=" + ",".join(f"{n * 10}-{n * 10 + 1}" for n in range(17))
    costly = ["bytes=" + " " * 8000 + "x", "bytes=1-" + " " * 8000 + "x", "bytes=" + "0-0," * 2000]
    for header in (
        *costly,
        "bytes=5-4",
        "bytes=x-",
        "bytes=",
        "pages=1-2",
        "bytes=1-2;3-4",
        "bytes=--1",
        many,
        "bytes=0x0-1",
    ):
        reply = await ada.content(file["file_id"], Range=header)

        assert (reply.status, len(reply.body)) == (200, SIZE), header


async def test_no_byte_of_a_range_there_is_416(ada: Person, file: Any) -> None:
    for header in (f"bytes={SIZE}-", f"bytes={SIZE + 1}-{SIZE + 2}", "bytes=-0", f"bytes={10**17}-"):
        reply = await ada.content(file["file_id"], Range=header)

        assert (reply.status, reply.code) == (416, "range_not_satisfiable"), header
        assert reply.headers["Content-Range"] == f"bytes */{SIZE}"
    empty = await ada.upload("/empty")
    reply = await ada.content(empty["file_id"], Range="bytes=0-")
    assert (reply.status, reply.headers["Content-Range"]) == (416, "bytes */0")


def parts_of(reply: Reply) -> list[tuple[str, bytes]]:
    """Parse multipart/byteranges strictly; return Content-Range and bytes of each part."""
    match = re.fullmatch(r"multipart/byteranges; boundary=([0-9a-f]+)", reply.headers["Content-Type"])
    assert match is not None
    border = b"--" + match[1].encode()
    pieces = (b"\r\n" + reply.body.lstrip(b"\r\n")).split(b"\r\n" + border)
    assert pieces[0] == b""
    assert pieces[-1] == b"--\r\n"
    found = []
    for piece in pieces[1:-1]:
        lines, _, data = piece.removeprefix(b"\r\n").partition(b"\r\n\r\n")
        headers: Message = BytesParser(policy=HTTP).parsebytes(lines + b"\r\n\r\n")
        assert headers["Content-Type"] == "application/octet-stream"
        found.append((str(headers["Content-Range"]), data))
    return found


async def test_several_ranges_come_as_parts_in_the_order_asked_for(ada: Person, file: Any) -> None:
    reply = await ada.content(file["file_id"], Range="bytes=-4, 0-2, 299998-300003")

    assert reply.status == 206
    assert reply.headers["Content-Length"] == str(len(reply.body))
    assert parts_of(reply) == [
        (f"bytes {SIZE - 4}-{SIZE - 1}/{SIZE}", WHOLE[-4:]),
        (f"bytes 0-2/{SIZE}", WHOLE[:3]),
        (f"bytes 299998-300003/{SIZE}", WHOLE[299_998:300_004]),
    ]


async def test_parts_of_megabytes_do_not_overtake_their_heads(ada: Person, file: Any) -> None:
    spans = [(0, 250_000), (310_000, 700_000), (1_200_000, SIZE)]
    header = "bytes=" + ",".join(f"{start}-{stop - 1}" for start, stop in spans)

    reply = await ada.content(file["file_id"], Range=header)

    assert [data for _, data in parts_of(reply)] == [WHOLE[start:stop] for start, stop in spans]


async def test_ranges_over_the_end_are_left_out_of_the_parts(ada: Person, file: Any) -> None:
    reply = await ada.content(file["file_id"], Range=f"bytes=0-1,{SIZE + 5}-,10-11")

    assert [data for _, data in parts_of(reply)] == [WHOLE[0:2], WHOLE[10:12]]


# Conditions


async def test_what_the_reader_has_is_not_sent_again(ada: Person, file: Any) -> None:
    first = await ada.content(file["file_id"])
    etag, modified = first.headers["ETag"], first.headers["Last-Modified"]
    had = [
        {"If-None-Match": etag},
        {"If-None-Match": f'"x", W/{etag}'},
        {"If-None-Match": "*"},
        {"If-Modified-Since": modified},
        {"If-Modified-Since": "Fri, 01 Jan 2100 00:00:00 GMT"},
    ]
    not_had = [
        {"If-None-Match": '"x"'},
        {"If-None-Match": '"x"', "If-Modified-Since": modified},
        {"If-Modified-Since": "Thu, 01 Jan 1970 00:00:00 GMT"},
        {"If-Modified-Since": "yesterday"},
    ]

    for headers in had:
        reply = await ada.content(file["file_id"], **headers)
        assert (reply.status, reply.body, reply.headers["ETag"]) == (304, b"", etag), headers
    for headers in not_had:
        assert (await ada.content(file["file_id"], "HEAD", **headers)).status == 200, headers


async def test_the_etag_is_the_files_and_strong(ada: Person, file: Any) -> None:
    reply = await ada.content(file["file_id"])

    assert reply.headers["ETag"] == f'"{file["etag"]}"'
    assert re.fullmatch(r"[A-Za-z0-9]+", file["etag"])
    assert reply.headers["Last-Modified"] == "Tue, 14 Nov 2023 22:13:20 GMT"


async def test_if_match_that_does_not_hold_is_412(ada: Person, file: Any) -> None:
    for headers in (
        {"If-Match": '"x"'},
        {"If-Match": f'W/"{file["etag"]}"'},
        {"If-Unmodified-Since": "Thu, 01 Jan 1970 00:00:00 GMT"},
    ):
        reply = await ada.content(file["file_id"], **headers)
        assert (reply.status, reply.code) == (412, "precondition_failed"), headers
    for headers in ({"If-Match": f'"{file["etag"]}"'}, {"If-Match": "*"}, {"If-Unmodified-Since": "nonsense"}):
        assert (await ada.content(file["file_id"], "HEAD", **headers)).status == 200, headers


async def test_if_range_gives_the_part_or_the_whole_new_state(ada: Person, file: Any) -> None:
    holds = [f'"{file["etag"]}"', "Tue, 14 Nov 2023 22:13:20 GMT"]
    fails = ['"x"', f'W/"{file["etag"]}"', "Tue, 14 Nov 2023 22:13:21 GMT", "Tue, 14 Nov 2023 22:13:19 GMT", "junk"]

    statuses = [
        (await ada.content(file["file_id"], "HEAD", **{"Range": "bytes=1-2", "If-Range": value})).status
        for value in (*holds, *fails)
    ]

    assert statuses == [206] * 2 + [200] * 5


@pytest.mark.parametrize("mtime_ms", [-(2**53), -1, 0, 2**53])
async def test_dates_beyond_a_calendar_do_no_harm(ada: Person, mtime_ms: int) -> None:
    file = await ada.upload("/f", b"x", mtime_ms=mtime_ms)

    reply = await ada.content(file["file_id"], **{"If-Modified-Since": "Fri, 31 Dec 9999 23:59:59 GMT"})

    assert file["mtime_ms"] == mtime_ms
    assert reply.status in (200, 304)
    assert re.fullmatch(r"\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT", reply.headers["Last-Modified"])


async def test_head_tells_what_get_would(ada: Person, file: Any) -> None:
    for headers in ({}, {"Range": "bytes=1-2"}, {"If-None-Match": "*"}, {"Range": f"bytes={SIZE}-"}):
        get, told = await ada.content(file["file_id"], **headers), await ada.content(file["file_id"], "HEAD", **headers)

        assert (told.status, told.body) == (get.status, b"")
        for name in ("Content-Length", "Content-Type", "ETag", "Content-Range", "Content-Disposition"):
            assert told.headers.get(name) == get.headers.get(name), name


# Versions and signed URLs


async def test_an_older_version_has_its_own_bytes_and_etag(ada: Person) -> None:
    old = await ada.upload("/f", noise(1000, 11))
    new = await ada.upload("/f", noise(2000, 12), base_version=old["version_id"])
    url = f"/api/v1/files/{old['file_id']}/content"

    of_old = await ada.call("GET", url, params={"version_id": old["version_id"]})
    of_new = await ada.call("GET", url, params={"version_id": new["version_id"]})
    manifest = await ada.get("/api/v1/download", params={"file_id": old["file_id"], "version_id": old["version_id"]})

    assert (of_old.body, of_new.body) == (noise(1000, 11), noise(2000, 12))
    assert of_old.headers["ETag"] == f'"{old["version_id"]}"'
    assert of_new.headers["ETag"] == f'"{new["etag"]}"'
    assert [chunk["size"] for chunk in manifest.json["chunks"]] == [1000]


async def test_a_signed_content_url_needs_no_token_and_takes_ranges(ada: Person, file: Any) -> None:
    url = (await ada.get("/api/v1/download", params={"file_id": file["file_id"]})).json["content_url"]

    whole, part = await ada.fetch(url), await ada.fetch(url, Range="bytes=299990-300009")

    assert (whole.status, whole.body == WHOLE) == (200, True)
    assert (part.status, part.body) == (206, WHOLE[299_990:300_010])
    assert (await ada.fetch(url, **{"If-None-Match": whole.headers["ETag"]})).status == 304
    assert (await ada.fetch(url, "HEAD")).headers["Content-Length"] == str(SIZE)


async def test_a_signed_content_url_stays_with_its_version(ada: Person) -> None:
    old = await ada.upload("/f", noise(1000, 13))
    url = (await ada.get("/api/v1/download", params={"file_id": old["file_id"]})).json["content_url"]
    await ada.upload("/f", noise(2000, 14), base_version=old["version_id"])

    assert (await ada.fetch(url)).body == noise(1000, 13)


async def test_a_folder_has_no_content(ada: Person) -> None:
    folder = await ada.make_folder("/d")

    for file_id in (folder["file_id"], "root"):
        assert (await ada.content(file_id)).status == 404
        assert (await ada.get("/api/v1/download", params={"file_id": file_id})).status == 404


# Readers that leave, or are slow


async def test_readers_that_leave_do_no_harm(server: Running, ada: Person) -> None:
    file = await ada.upload("/big", *(noise(4 * MIB) for _ in range(4)))
    target = f"/api/v1/files/{file['file_id']}/content"
    for _ in range(5):
        async with connected(server.port) as line:
            await line.send(head("GET", target, ada))
            await line.reader.readexactly(100_000)
            line.hang_up()

    reply = await ada.content(file["file_id"])

    assert (reply.status, len(reply.body)) == (200, 16 * MIB)


class TestStalledReader:
    @pytest.fixture
    def settings(self) -> Settings:
        """One request at once, so that a second one tells whether the first is over."""
        return Settings(limits=Limits(requests_per_user=1, free_disk_bytes=0, free_disk_percent=0))

    @pytest.fixture
    def deadlines(self) -> Deadlines:
        """Tenths of seconds, where the server waits for a minute."""
        return Deadlines(stall_s=0.3)

    @pytest.mark.parametrize("stored", ["raw", "packed"])
    async def test_a_reader_who_stalls_is_hung_up_on(self, server: Running, ada: Person, stored: str) -> None:
        text = noise(4000).hex().encode()
        chunks = [noise(4 * MIB) if stored == "raw" else text[n:] * 1000 for n in range(4)]
        file = await ada.upload("/big", *chunks)
        with socket.socket() as line:
            line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            line.connect(("127.0.0.1", server.port))
            line.sendall(head("GET", f"/api/v1/files/{file['file_id']}/content", ada))

            received = await asyncio.to_thread(line.recv, 100)  # it is under way

            async def is_over() -> bool:
                return (await ada.get("/api/v1/me")).status == 200

            await eventually(is_over)
            received += await asyncio.to_thread(_read_all, line)

        assert len(received) < sum(map(len, chunks))
        assert (await ada.content(file["file_id"])).body == b"".join(chunks)


def _read_all(line: socket.socket, pause_s: float = 0) -> bytes:
    """Return what comes until the connection ends, however it does; pause before each piece."""
    received = bytearray()
    with contextlib.suppress(ConnectionResetError):
        while piece := line.recv(8192):
            received += piece
            time.sleep(pause_s)
    return bytes(received)


async def test_to_a_slow_reader_files_do_not_overtake_what_was_written_before(server: Running, ada: Person) -> None:
    # More bytes from memory than the kernel takes for a reader, in pieces that the transport takes without a wait:
    # some of them are in its hands when the file's turn comes.
    text = noise(30_000).hex().encode()
    rows = [text[n:] for n in range(80)]
    parts = [*rows, noise(200_000), *rows, noise(100_000)]
    file = await ada.upload("/big", *parts)
    with socket.socket() as line:
        line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16_384)
        line.connect(("127.0.0.1", server.port))
        line.sendall(head("GET", f"/api/v1/files/{file['file_id']}/content", ada))
        answer = await asyncio.to_thread(_read_all, line, 0.001)

    assert answer.partition(b"\r\n\r\n")[2] == b"".join(parts)


async def test_a_slow_reader_gets_every_byte(server: Running, ada: Person) -> None:
    big = await ada.upload("/big", *(noise(4 * MIB, seed) for seed in (41, 42, 43, 44)), *PARTS)
    received = bytearray()
    async with connected(server.port) as line:
        await line.send(head("GET", f"/api/v1/files/{big['file_id']}/content", ada))
        for _ in range(4):
            received += await line.reader.read(64 * 1024)
            await asyncio.sleep(0.05)  # longer than a thread of the server waits for a reader
        received += await line.answer()

    body = bytes(received).partition(b"\r\n\r\n")[2]
    assert body == b"".join(noise(4 * MIB, seed) for seed in (41, 42, 43, 44)) + WHOLE


async def test_many_readers_at_once_each_get_every_byte(ada: Person, file: Any) -> None:
    replies = await asyncio.gather(*(ada.content(file["file_id"]) for _ in range(16)))

    assert all(reply.body == WHOLE for reply in replies)
