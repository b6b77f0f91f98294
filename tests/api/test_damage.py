"""What the disk spoils is never passed off as whole: a reader gets an error or a broken connection."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.api.conftest import Running
from tests.api.people import Person, noise, sha256

PACKED = noise(100_000, 21).hex().encode()
RAW = noise(200_000, 22)
pytestmark = pytest.mark.logs_errors


def file_of(server: Running, data: bytes) -> Path:
    """Return the one file that holds a chunk."""
    (found,) = (server.folder / "store" / "chunks").rglob(f"{sha256(data)}*")
    return found


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1000])


def empty(path: Path) -> None:
    path.write_bytes(b"")


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


async def complete(person: Person, url: str, **headers: str) -> bytes | None:
    """Return a body that came whole under a good status, or None."""
    try:
        reply = await person.call("GET", url, headers=headers)
    except aiohttp.ClientError:
        return None
    return reply.body if reply.status in (200, 206) else None


async def doors_to(ada: Person, file: Any) -> list[str]:
    """Return every URL under which the only chunk of a file can be read."""
    download = (await ada.get("/api/v1/download", params={"file_id": file["file_id"]})).json
    return [f"/api/v1/files/{file['file_id']}/content", download["content_url"], download["chunks"][0]["url"]]


@pytest.mark.parametrize("spoil", [truncate, empty, Path.unlink])
@pytest.mark.parametrize("data", [RAW, PACKED], ids=["raw", "packed"])
async def test_a_chunk_whose_file_is_short_or_gone_is_never_served_whole(
    server: Running, ada: Person, data: bytes, spoil: Any
) -> None:
    file = await ada.upload("/f", data)
    spoil(file_of(server, data))

    for url in await doors_to(ada, file):
        assert await complete(ada, url) is None, url
        assert await complete(ada, url, Range="bytes=199000-") is None, url
    assert (await ada.get("/healthz")).status == 200


async def test_a_packed_chunk_with_a_flipped_bit_is_not_served_and_told_to_the_operator(
    server: Running, ada: Person, caplog: pytest.LogCaptureFixture
) -> None:
    file = await ada.upload("/f", PACKED)
    flip(file_of(server, PACKED))

    for url in await doors_to(ada, file):
        caplog.clear()
        assert await complete(ada, url) is None, url
        assert any(sha256(PACKED) in record.getMessage() for record in caplog.records), "the operator is told"


async def test_damage_in_the_middle_breaks_the_connection(server: Running, ada: Person) -> None:
    parts = [noise(100_000) for _ in range(4)]
    file = await ada.upload("/f", *parts)
    file_of(server, parts[2]).unlink()
    url = f"/api/v1/files/{file['file_id']}/content"

    assert await complete(ada, url) is None
    assert await complete(ada, url, Range="bytes=0-199999") == parts[0] + parts[1]
    assert await complete(ada, url, Range="bytes=300000-") == parts[3]


async def test_a_chunk_marked_damaged_is_refused_until_somebody_sends_it_again(server: Running, ada: Person) -> None:
    data = noise(100_000)
    file = await ada.upload("/f", data)
    with closing(sqlite3.connect(server.folder / "store" / "chunks.db")) as index:
        index.execute("UPDATE chunks SET state = 3 WHERE id = ?", (bytes.fromhex(sha256(data)),))
        index.commit()
    flip(file_of(server, data))

    refused = [await complete(ada, url) for url in await doors_to(ada, file)]
    answer = await ada.open_upload("/again", data)
    assert answer["chunks"][0]["needed"] is True
    await ada.send_needed(answer, [data])
    await ada.commit(answer["upload_id"])

    assert refused == [None] * 3
    assert [await complete(ada, url) for url in await doors_to(ada, file)] == [data] * 3
