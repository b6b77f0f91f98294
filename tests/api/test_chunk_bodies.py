"""Bodies of chunk PUTs: plain and encoded, wrong and hostile."""

import asyncio
import gzip
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard

from tests.accounts.api import Reply
from tests.api.conftest import Running
from tests.api.people import MIB, Person, entries, noise, sha256
from tests.api.wire import connected, head, status_of, talk

ROOM_FOR_A_BOMB = 32 * MIB


def text(size: int) -> bytes:
    """Return bytes that compress well and never stood in the store before."""
    return (noise(1000).hex().encode() * (size // 2000 + 1))[:size]


async def put_url(ada: Person, data: bytes) -> str:
    """Open an upload of one chunk and return its URL."""
    url: str = (await ada.open_upload("/f", data, on_conflict="rename"))["chunks"][0]["url"]
    return url


ENCODERS: dict[str, Callable[[bytes], bytes]] = {
    "identity": bytes,
    "gzip": gzip.compress,
    "zstd": zstandard.ZstdCompressor().compress,
    "ZSTD": zstandard.ZstdCompressor(write_content_size=False).compress,
    "zstd ": zstandard.ZstdCompressor(level=19, write_checksum=True).compress,
}


@pytest.mark.parametrize("encoding", ENCODERS)
async def test_a_chunk_may_come_encoded(ada: Person, encoding: str) -> None:
    for size in (1, 1000, 300_000):
        data = text(size)
        answer = await ada.open_upload(f"/{size}", data)

        sent = await ada.send(answer["chunks"][0]["url"], ENCODERS[encoding](data), **{"Content-Encoding": encoding})

        assert (sent.status, sent.headers["ETag"]) == (204, f'"{sha256(data)}"')
        file = (await ada.commit(answer["upload_id"])).json["file"]
        assert (await ada.content(file["file_id"])).body == data


async def test_an_unknown_encoding_is_refused(ada: Person) -> None:
    data = text(1000)
    url = await put_url(ada, data)

    for encoding in ("br", "deflate", "x-gzip", "zstd, gzip", "identity, zstd", "", "*", "utf-8"):
        sent = await ada.send(url, data, **{"Content-Encoding": encoding})
        assert (sent.status, sent.code) == (415, "unsupported_media_type"), encoding
    assert (await ada.send(url, data)).status == 204


async def test_an_encoding_named_twice_is_refused(server: Running, ada: Person) -> None:
    data = noise(100)
    url = await put_url(ada, data)
    twice = head("PUT", url, Content_Length="100").replace(
        b"\r\n\r\n", b"\r\nContent-Encoding: identity\r\nContent-Encoding: identity\r\n\r\n"
    )

    assert status_of(await talk(server.port, twice + data)) == 415


async def assert_refused(ada: Person, data: bytes, body: bytes, encoding: str = "identity") -> None:
    """Send `body` for the chunk `data`: it is refused, nothing is kept, and the URL stays good."""
    answer = await ada.open_upload("/f", data, on_conflict="rename")
    url = answer["chunks"][0]["url"]

    sent = await ada.send(url, body, **{"Content-Encoding": encoding})

    assert (sent.status, sent.code) == (400, "chunk_mismatch")
    assert (await ada.commit(answer["upload_id"])).code == "missing_chunks"
    assert (await ada.send(url, data)).status == 204
    assert (await ada.commit(answer["upload_id"])).status == 201


async def test_wrong_bytes_are_refused_and_the_url_stays_good(ada: Person) -> None:
    for spoil in (
        lambda data: noise(len(data)),
        lambda data: data[:-1],
        lambda data: data + b"x",
        lambda _: b"",
        lambda data: data[::-1],
        lambda data: data[:-1] + bytes([data[-1] ^ 1]),
    ):
        data = noise(70_000)
        await assert_refused(ada, data, spoil(data))


async def test_damaged_frames_are_refused(ada: Person) -> None:
    data = text(100_000)
    packed = zstandard.ZstdCompressor(write_checksum=True).compress(data)
    for body in (
        packed[:-5],
        packed + b"x",
        packed + packed,
        packed[:20] + bytes([packed[20] ^ 0xFF]) + packed[21:],
        b"",
        b"\x28\xb5\x2f\xfd",
        data,
        zstandard.ZstdCompressor().compress(data[:-1]),
        b"\x50\x2a\x4d\x18\x04\x00\x00\x00skip" + packed,
    ):
        await assert_refused(ada, data, body, "zstd")
        data = text(100_000)
        packed = zstandard.ZstdCompressor(write_checksum=True).compress(data)


async def test_damaged_gzip_members_are_refused(ada: Person) -> None:
    data = text(100_000)
    packed = gzip.compress(data)
    for body in (packed[:-5], packed + b"x", packed + packed, packed[:-8] + bytes(8), b"", data, zlib.compress(data)):
        await assert_refused(ada, text(100_000), body, "gzip")


# Too much


async def test_a_body_longer_than_a_chunk_can_be_is_refused_before_it_is_read(server: Running, ada: Person) -> None:
    url = await put_url(ada, noise(1000))

    longer = await talk(server.port, head("PUT", url, Content_Length="100000") + bytes(100_000))
    async with connected(server.port) as line:
        await line.send(head("PUT", url, Content_Length=str(2**40)))
        huge = await line.head()

    assert status_of(longer) == 400
    assert b"chunk_mismatch" in longer
    assert status_of(huge) == 413


async def test_a_body_without_a_length_is_cut_off(server: Running, ada: Person) -> None:
    url = await put_url(ada, noise(1000))
    async with connected(server.port) as line:
        await line.send(
            head("PUT", url, Transfer_Encoding="chunked") + b"186a0\r\n" + bytes(100_000) + b"\r\n0\r\n\r\n"
        )
        answer = await line.answer()

    assert status_of(answer) == 400
    assert b"chunk_mismatch" in answer


async def test_a_chunk_that_comes_without_a_length_is_taken(server: Running, ada: Person) -> None:
    data = noise(1000)
    url = await put_url(ada, data)

    answer = await talk(
        server.port, head("PUT", url, Transfer_Encoding="chunked") + b"3e8\r\n" + data + b"\r\n0\r\n\r\n"
    )

    assert status_of(answer) == 204


class Memory:
    """The peak of resident memory since `start`, as Linux tells it."""

    def __init__(self) -> None:
        try:
            Path("/proc/self/clear_refs").write_text("5", "ascii")
        except OSError as error:
            pytest.skip(f"this system does not tell the peak of memory: {error}")
        self._before = self._peak()

    @property
    def growth(self) -> int:
        return self._peak() - self._before

    @staticmethod
    def _peak() -> int:
        lines = Path("/proc/self/status").read_text("ascii").splitlines()
        return int(next(line.split()[1] for line in lines if line.startswith("VmHWM"))) * 1024


def zstd_bomb(blocks: int, *, window: int = 0x68) -> bytes:
    """Return a valid frame of run-length blocks: 4 bytes for each 128 KiB."""
    header = b"\x28\xb5\x2f\xfd" + b"\x00" + bytes([window])  # no content size; 0x68 is a window of 8 MiB
    one = (128 * 1024) << 3 | 1 << 1
    return header + b"".join((one | (n == blocks - 1)).to_bytes(3, "little") + b"\0" for n in range(blocks))


BOMBS = {
    "8 GiB of zeros in zstd": (zstd_bomb(65_536), "zstd", 400),
    "one byte too many in zstd": (zstd_bomb(65), "zstd", 400),
    "128 MiB of zeros in gzip": (gzip.compress(bytes(128 * MIB), 9), "gzip", 400),
    "gzip in gzip": (gzip.compress(gzip.compress(bytes(64 * MIB))), "gzip", 400),
}


@pytest.mark.parametrize("bomb", BOMBS)
async def test_a_bomb_is_refused_in_bounded_memory(ada: Person, bomb: str) -> None:
    body, encoding, status = BOMBS[bomb]
    declared = [{"sha256": "0" * 64, "size": 8 * MIB}]
    answer = await ada.request("/f", size=8 * MIB, chunks=declared)
    memory = Memory()

    sent = await ada.send(answer.json["chunks"][0]["url"], body, **{"Content-Encoding": encoding})

    assert (sent.status, sent.code) == (status, "chunk_mismatch")
    assert memory.growth < ROOM_FOR_A_BOMB


async def test_a_chunk_of_zeros_is_no_bomb(ada: Person) -> None:
    data = bytes(8 * MIB)
    answer = await ada.open_upload("/f", data)

    sent = await ada.send(answer["chunks"][0]["url"], zstd_bomb(64), **{"Content-Encoding": "zstd"})

    assert sent.status == 204
    file = (await ada.commit(answer["upload_id"])).json["file"]
    assert (await ada.content(file["file_id"])).body == data


async def test_a_window_over_8_mib_is_refused_though_the_bytes_are_right(ada: Person) -> None:
    await assert_refused(ada, bytes(8 * MIB), zstd_bomb(64, window=0xA8), "zstd")


# Encodings elsewhere


async def test_no_other_call_takes_an_encoded_body(ada: Person) -> None:
    body = gzip.compress(b'{"path": "/f", "size": 0}')
    calls: list[Reply] = [
        await ada.call("POST", path, data=body, headers={"Content-Encoding": "gzip"})
        for path in ("/api/v1/uploadRequest", "/api/v1/folders", "/api/v1/uploads/commit", "/api/v1/login")
    ]

    assert {(reply.status, reply.code) for reply in calls} == {(415, "unsupported_media_type")}


async def test_many_chunks_at_once_all_arrive(ada: Person) -> None:
    chunks = [noise(1 * MIB) for _ in range(24)]
    answer = await ada.open_upload("/f", *chunks)

    replies = await asyncio.gather(*(ada.send(chunk["url"], chunks[chunk["index"]]) for chunk in answer["chunks"]))

    assert {reply.status for reply in replies} == {204}
    assert (await ada.commit(answer["upload_id"])).status == 201
    assert [entry["sha256"] for entry in answer["chunks"]] == [entry["sha256"] for entry in entries(*chunks)]
