"""GET of one chunk by its signed URL: stored form or plain, ranges, conditions."""

import zlib
from typing import Any

import pytest
import zstandard

from storage.base import ChunkId
from storage.vault import MasterKey
from tests.api.conftest import Running
from tests.api.people import MIB, Person, noise, sha256

RAW, PACKED = noise(200_000), b"the same line again\n" * 20_000
SMALL_RAW, SMALL_PACKED = noise(300), b"tiny " * 200
CHUNKS = {
    "file, raw": RAW,
    "file, zstd": noise(40_000).hex().encode() * 3,
    "row, raw": SMALL_RAW,
    "row, zstd": SMALL_PACKED,
}


async def chunk_url(ada: Person, data: bytes) -> str:
    """Upload a file of one chunk and return the chunk's URL."""
    file = await ada.upload("/f", data, on_conflict="rename")
    download = await ada.get("/api/v1/download", params={"file_id": file["file_id"]})
    url: str = download.json["chunks"][0]["url"]
    return url


def unzstd(data: bytes) -> bytes:
    return zstandard.ZstdDecompressor().decompressobj().decompress(data)


@pytest.mark.parametrize("kind", CHUNKS)
async def test_a_chunk_comes_plain_to_whoever_asks_for_nothing_else(ada: Person, kind: str) -> None:
    data = CHUNKS[kind]
    url = await chunk_url(ada, data)

    for accepted in ("identity", "gzip, br", "zstd;q=0", "gzip, zstd; q=0.0", ""):
        reply = await ada.fetch(url, **{"Accept-Encoding": accepted})

        assert (reply.status, reply.body) == (200, data), accepted
        assert "Content-Encoding" not in reply.headers
        assert reply.headers["ETag"] == f'"{sha256(data)}"'
        assert reply.headers["Content-Length"] == str(len(data))


@pytest.mark.parametrize("kind", CHUNKS)
async def test_a_chunk_comes_as_it_is_stored_to_whoever_takes_zstd(ada: Person, kind: str) -> None:
    data = CHUNKS[kind]
    url = await chunk_url(ada, data)

    for accepted in ("zstd", "gzip, deflate, zstd", "ZSTD;q=0.5, *;q=0"):
        reply = await ada.fetch(url, **{"Accept-Encoding": accepted})

        is_packed = "zstd" in kind
        assert reply.headers.get("Content-Encoding") == ("zstd" if is_packed else None)
        assert (unzstd(reply.body) if is_packed else reply.body) == data
        assert not is_packed or len(reply.body) < len(data) * 0.9
        assert (reply.headers["ETag"] == f'"{sha256(data)}"') != is_packed


async def test_a_chunk_may_be_kept_for_ever_by_its_reader_alone(ada: Person) -> None:
    reply = await ada.fetch(await chunk_url(ada, RAW))

    assert reply.headers["Cache-Control"] == "private, max-age=31536000, immutable"
    assert reply.headers["Vary"] == "Accept-Encoding"
    assert reply.headers["Content-Type"] == "application/octet-stream"
    assert reply.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("kind", CHUNKS)
async def test_ranges_count_in_the_plain_form(ada: Person, kind: str) -> None:
    data = CHUNKS[kind]
    url = await chunk_url(ada, data)
    end = len(data)
    wanted: dict[str, slice] = {
        "bytes=0-0": slice(0, 1),
        "bytes=10-99": slice(10, 100),
        "bytes=100-": slice(100, None),
        "bytes=-7": slice(-7, None),
        f"bytes={end - 1}-{end + 1000}": slice(-1, None),
        "bytes=0-": slice(None),
        "bytes=0-4,5-9": slice(0, 10),
    }

    for header, part in wanted.items():
        reply = await ada.fetch(url, **{"Range": header, "Accept-Encoding": "zstd"})

        start, stop, _ = part.indices(end)
        assert (reply.status, reply.body) == (206, data[part]), header
        assert reply.headers["Content-Range"] == f"bytes {start}-{stop - 1}/{end}"
        assert "Content-Encoding" not in reply.headers


async def test_a_range_beyond_the_end_is_not_satisfiable(ada: Person) -> None:
    url = await chunk_url(ada, RAW)

    for header in ("bytes=200000-", "bytes=999999-1000000", "bytes=-0"):
        reply = await ada.fetch(url, Range=header)
        assert (reply.status, reply.code) == (416, "range_not_satisfiable")
        assert reply.headers["Content-Range"] == "bytes */200000"


async def test_ranges_that_make_no_sense_give_the_whole(ada: Person) -> None:
    url = await chunk_url(ada, RAW)

    for header in ("bytes=5-1", "bytes=a-b", "lines=0-1", "bytes", "bytes=-", "bytes=0-1,x", "bytes=0-1,90-99"):
        reply = await ada.fetch(url, Range=header)
        assert (reply.status, reply.body) == (200, RAW), header


@pytest.mark.parametrize("kind", CHUNKS)
async def test_what_the_reader_has_is_not_sent_again(ada: Person, kind: str) -> None:
    url = await chunk_url(ada, CHUNKS[kind])

    for accepted in ("identity", "zstd"):
        first = await ada.fetch(url, **{"Accept-Encoding": accepted})
        for tags in (first.headers["ETag"], f'"other", {first.headers["ETag"]}', f"W/{first.headers['ETag']}", "*"):
            again = await ada.fetch(url, **{"Accept-Encoding": accepted, "If-None-Match": tags})
            assert (again.status, again.body) == (304, b""), tags
            assert again.headers["ETag"] == first.headers["ETag"]
    assert (await ada.fetch(url, **{"If-None-Match": '"other"'})).status == 200


@pytest.mark.parametrize("kind", CHUNKS)
async def test_head_tells_what_get_would(ada: Person, kind: str) -> None:
    url = await chunk_url(ada, CHUNKS[kind])

    for headers in ({}, {"Accept-Encoding": "zstd"}, {"Range": "bytes=1-9"}, {"Range": "bytes=9999999-"}):
        get, head = await ada.fetch(url, **headers), await ada.fetch(url, "HEAD", **headers)

        told: list[dict[str, Any]] = [
            {name: value for name, value in reply.headers.items() if name.lower() not in ("date", "x-request-id")}
            for reply in (get, head)
        ]
        assert (head.status, head.body) == (get.status, b"")
        assert told[0] == told[1]


async def test_a_packed_chunk_sent_by_its_owner_is_given_back_as_it_came(ada: Person) -> None:
    data = noise(50_000).hex().encode() * 4
    packed = zstandard.ZstdCompressor(level=12).compress(data)
    answer = await ada.open_upload("/f", data)
    await ada.send(answer["chunks"][0]["url"], packed, **{"Content-Encoding": "zstd"})
    file = (await ada.commit(answer["upload_id"])).json["file"]
    download = await ada.get("/api/v1/download", params={"file_id": file["file_id"]})

    reply = await ada.fetch(download.json["chunks"][0]["url"], **{"Accept-Encoding": "zstd"})

    assert reply.body == packed


async def test_a_gzipped_chunk_is_given_back_plain_or_in_zstd(ada: Person) -> None:
    data = noise(50_000).hex().encode() * 4
    work = zlib.compressobj(wbits=31)
    answer = await ada.open_upload("/f", data)
    body = work.compress(data) + work.flush()
    assert (await ada.send(answer["chunks"][0]["url"], body, **{"Content-Encoding": "gzip"})).status == 204
    file = (await ada.commit(answer["upload_id"])).json["file"]
    download = await ada.get("/api/v1/download", params={"file_id": file["file_id"]})

    reply = await ada.fetch(download.json["chunks"][0]["url"], **{"Accept-Encoding": "gzip, zstd"})

    assert (reply.headers["Content-Encoding"], unzstd(reply.body)) == ("zstd", data)


async def test_the_largest_chunk_is_given_whole(ada: Person) -> None:
    data = noise(8 * MIB)

    reply = await ada.fetch(await chunk_url(ada, data))

    assert reply.body == data


async def test_a_chunk_that_is_encrypted_at_rest_comes_as_any_other(server: Running, ada: Person) -> None:
    store = server.cairn.store
    store.vault.master = MasterKey(b"m" * 32)
    await store.seal_anew()
    for kind, data in CHUNKS.items():
        url = await chunk_url(ada, data)
        plain, taken = {"Accept-Encoding": "identity"}, {"Accept-Encoding": "zstd"}
        whole, packed = await ada.fetch(url, **plain), await ada.fetch(url, **taken)
        part = await ada.fetch(url, Range="bytes=10-99", **taken)

        assert (whole.status, whole.body) == (200, data)
        assert (unzstd(packed.body) if "zstd" in kind else packed.body) == data
        assert ("zstd" in kind) == (packed.headers.get("Content-Encoding") == "zstd")
        assert (part.status, part.body) == (206, data[10:100])
        for headers, given in ((plain, whole), (taken, packed)):
            told = await ada.fetch(url, method="HEAD", **headers)
            assert (told.status, told.headers["Content-Length"]) == (200, given.headers["Content-Length"])
            assert told.headers["ETag"] == given.headers["ETag"]
    assert {row.seal is not None for row in await store.locate([ChunkId(bytes.fromhex(sha256(RAW)))])} == {True}
