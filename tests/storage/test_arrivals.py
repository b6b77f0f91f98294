"""Chunks that clients put into the bucket themselves: how they become chunks, and how they go."""

import asyncio
import gzip
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
import urllib3

from storage.base import ChunkId
from storage.disk import LocalDisk
from storage.medium import Ticket
from storage.s3.bucket import Bucket
from storage.s3.client import SdkClient
from storage.s3.medium import S3Medium
from storage.s3.requests import Requests
from storage.store import ChunkStore, OpenMedium
from tests.storage.conftest import Servers
from tests.storage.makers import id_of, noise, opened
from tests.storage.servers import part

CLAIM, OTHER = "upload-1", "upload-2"
_http = urllib3.PoolManager(retries=False)


@pytest.fixture(params=["seaweedfs", "rclone"])
def bucket(request: pytest.FixtureRequest, servers: Servers, tmp_path: Path) -> Bucket:
    """A part of a bucket that clients may reach."""
    whole = servers.get(request.param).bucket
    return replace(part(whole, f"arrivals-{tmp_path.name}"), public_endpoint=whole.endpoint)


@pytest.fixture
def open_medium(bucket: Bucket) -> OpenMedium:
    return partial(S3Medium.open, bucket=bucket)


def ticket(store: ChunkStore, claim: str, data: bytes, chunk_id: ChunkId | None = None) -> Ticket:
    at_s = int(time.time())
    store.arrivals.begin([claim])
    found = store.arrivals.put_ticket(claim, chunk_id or id_of(data), len(data), at_s=at_s, lifetime_s=600)
    assert found is not None
    return found


async def send(way: Ticket, data: bytes, **further: str) -> int:
    headers = {**way.headers, **{name.replace("_", "-"): value for name, value in further.items()}}
    sending = partial(_http.request, "PUT", way.url, body=data, headers=headers)
    return (await asyncio.to_thread(sending)).status


def lying(bucket: Bucket, folder: str) -> list[str]:
    return list(SdkClient(bucket).keys(folder))


async def until_gone(bucket: Bucket, folder: str) -> None:
    async with asyncio.timeout(30):
        while lying(bucket, folder):  # noqa: ASYNC110 - no event tells it
            await asyncio.sleep(0.02)  # between two looks at a server that tells its state in no other way


async def test_what_was_put_exists_after_a_barrier_and_not_before(
    tmp_path: Path, bucket: Bucket, open_medium: OpenMedium
) -> None:
    async with opened(tmp_path / "store", LocalDisk(), open_medium=open_medium) as store:
        data = noise(1)
        assert await send(ticket(store, CLAIM, data), data) == 200
        assert await store.claimed([CLAIM], [id_of(data)]) == set()

        await store.arrivals.receive([CLAIM])
        assert await store.claimed([CLAIM], [id_of(data)]) == {id_of(data)}
        assert await store.present([id_of(data)]) == set()
        await store.barrier([CLAIM])

        assert await store.read(id_of(data)) == data
        assert lying(bucket, "incoming/") == lying(bucket, "taken/") == []


async def test_bytes_that_are_changed_after_they_were_checked_are_not_those_that_are_kept(
    tmp_path: Path, bucket: Bucket, open_medium: OpenMedium
) -> None:
    """The URL is still good while the chunk waits for its barrier."""
    async with opened(tmp_path / "store", LocalDisk(), open_medium=open_medium) as store:
        data, other = noise(1), noise(2)
        way = ticket(store, CLAIM, data)
        assert await send(way, data) == 200
        await store.arrivals.receive([CLAIM])

        await send(way, other)
        await store.barrier([CLAIM])

        assert await store.read(id_of(data)) == data


async def test_chunk_that_exists_is_claimed_by_who_puts_its_bytes_and_by_nobody_else(
    tmp_path: Path, bucket: Bucket, open_medium: OpenMedium
) -> None:
    async with opened(tmp_path / "store", LocalDisk(), open_medium=open_medium) as store:
        data, other = noise(1), noise(2)
        await send(ticket(store, CLAIM, data), data)
        await store.arrivals.receive([CLAIM])
        await store.barrier([CLAIM])

        await send(ticket(store, OTHER, data), other)
        await store.arrivals.receive([OTHER])
        await store.barrier([OTHER])
        assert await store.claimed([OTHER], [id_of(data)]) == set()

        assert await send(ticket(store, OTHER, data), data) == 200
        await store.arrivals.receive([OTHER])
        await store.barrier([OTHER])
        assert await store.claimed([OTHER], [id_of(data)]) == {id_of(data)}
        assert await store.read(id_of(data)) == data


@pytest.mark.parametrize("made", [noise, lambda number: gzip.compress(noise(number))])
async def test_headers_that_are_sent_unsigned_with_a_chunk_change_nothing_for_who_gets_it(
    tmp_path: Path, bucket: Bucket, open_medium: OpenMedium, made: Callable[[int], bytes]
) -> None:
    """One chunk is everybody's: whoever came first could have the bytes read as another coding, or not at all."""
    async with opened(tmp_path / "store", LocalDisk(), open_medium=open_medium) as store:
        data = made(1)
        assert await send(ticket(store, CLAIM, data), data, Content_Encoding="gzip", Cache_Control="no-store") == 200
        await store.arrivals.receive([CLAIM])
        await store.barrier([CLAIM])

        assert await store.read(id_of(data)) == data
        found = await store.arrivals.get_tickets([id_of(data)], at_s=int(time.time()), lifetime_s=60)
        asking = partial(_http.request, "GET", found[id_of(data)].url, decode_content=False)
        answer = await asyncio.to_thread(asking)
        assert (answer.status, answer.data) == (200, data)


async def test_copy_has_none_of_the_headers_that_its_source_was_put_with(servers: Servers) -> None:
    """Not every server heeds that, so nothing relies on it but programs that are not ours."""
    bucket, data = part(servers.get("seaweedfs").bucket, "headers"), noise(1)
    client, requests, at_s = SdkClient(bucket), Requests(bucket, bucket.endpoint), int(time.time())
    way = requests.url("PUT", "coded", at_s=at_s, lifetime_s=60)
    assert await send(Ticket(way, {}), data, Content_Encoding="gzip", Cache_Control="no-store") == 200

    client.copy("coded", "plain", len(data))

    found = await asyncio.to_thread(_http.request, "GET", requests.url("GET", "plain", at_s=at_s, lifetime_s=60))
    assert (found.data, found.headers.get("Content-Encoding"), found.headers.get("Cache-Control")) == (data, None, None)


async def test_object_is_read_as_it_lies_there_whatever_coding_it_was_put_with(bucket: Bucket) -> None:
    client, data = SdkClient(bucket), noise(1)
    way = Requests(bucket, bucket.endpoint).url("PUT", "coded", at_s=int(time.time()), lifetime_s=60)
    assert await send(Ticket(way, {}), data, Content_Encoding="gzip") == 200

    assert client.get("coded") == data


async def test_upload_that_ends_while_its_chunks_wait_takes_no_others_with_it(
    tmp_path: Path, bucket: Bucket, open_medium: OpenMedium
) -> None:
    async with opened(tmp_path / "store", LocalDisk(), open_medium=open_medium) as store:
        mine, theirs = noise(1), noise(2)
        for claim, data in ((CLAIM, mine), (OTHER, theirs)):
            assert await send(ticket(store, claim, data), data) == 200
        await store.arrivals.receive([CLAIM, OTHER])

        store.drop_claims([CLAIM])
        await until_gone(bucket, f"incoming/{CLAIM}/")
        await store.barrier([OTHER])

        assert await store.read(id_of(theirs)) == theirs
        await store.arrivals.receive([CLAIM])
        assert await store.claimed([CLAIM], [id_of(mine)]) == set()


async def test_upload_that_ended_while_its_answer_was_made_gets_no_way_past_the_server(
    tmp_path: Path, bucket: Bucket, open_medium: OpenMedium
) -> None:
    """What came that way would lie in the bucket until the next start, beyond every quota."""
    async with opened(tmp_path / "store", LocalDisk(), open_medium=open_medium) as store:
        ticket(store, CLAIM, noise(1))
        store.drop_claims([CLAIM])

        at_s = int(time.time())
        assert store.arrivals.put_ticket(CLAIM, id_of(noise(2)), 70_000, at_s=at_s, lifetime_s=60) is None


async def test_many_who_look_at_one_upload_receive_each_chunk_once(
    tmp_path: Path, bucket: Bucket, open_medium: OpenMedium
) -> None:
    async with opened(tmp_path / "store", LocalDisk(), open_medium=open_medium) as store:
        datas = [noise(number) for number in range(6)]
        for data in datas:
            assert await send(ticket(store, CLAIM, data), data) == 200

        async def look() -> None:
            await store.arrivals.receive([CLAIM])
            await store.barrier([CLAIM])

        await asyncio.gather(*(look() for _ in range(4)))

        assert [await store.read(id_of(data)) for data in datas] == datas
        assert lying(bucket, "incoming/") == lying(bucket, "taken/") == []


async def test_what_nobody_waits_for_is_swept_at_a_start_and_what_is_waited_for_stays(
    tmp_path: Path, bucket: Bucket, open_medium: OpenMedium
) -> None:
    data, client = noise(1), SdkClient(bucket)
    async with opened(tmp_path / "store", LocalDisk(), open_medium=open_medium) as store:
        for claim in (CLAIM, OTHER):
            assert await send(ticket(store, claim, data), data) == 200
    client.put("taken/0123456789abcdef/upload-9/x", b"a copy of an earlier run")

    async with opened(tmp_path / "store", LocalDisk(), open_claims=(CLAIM,), open_medium=open_medium) as store:
        await until_gone(bucket, f"incoming/{OTHER}/")
        await until_gone(bucket, "taken/")

        await store.arrivals.receive([CLAIM, OTHER])
        assert await store.claimed([CLAIM], [id_of(data)]) == {id_of(data)}
        assert await store.claimed([OTHER], [id_of(data)]) == set()


async def test_only_chunks_that_lie_there_as_they_are_can_be_fetched_there(
    tmp_path: Path, bucket: Bucket, open_medium: OpenMedium
) -> None:
    async with opened(tmp_path / "store", LocalDisk(), open_medium=open_medium) as store:
        plain, text, small = noise(1), b"compresses well " * 100_000, b"small"
        for data in (plain, text, small):
            await store.take(CLAIM, data)
        await store.barrier([CLAIM])

        found = await store.arrivals.get_tickets(
            [id_of(plain), id_of(text), id_of(small), id_of(b"never")], at_s=int(time.time()), lifetime_s=60
        )

        assert list(found) == [id_of(plain)]
        answer = await asyncio.to_thread(_http.request, "GET", found[id_of(plain)].url)
        assert (answer.status, answer.data) == (200, plain)
        assert answer.headers["Content-Disposition"] == "attachment"


async def test_without_a_public_endpoint_there_is_no_way_past_the_server(tmp_path: Path, bucket: Bucket) -> None:
    closed = partial(S3Medium.open, bucket=replace(bucket, public_endpoint=""))
    async with opened(tmp_path / "store", LocalDisk(), open_medium=closed) as store:
        at_s = int(time.time())
        store.arrivals.begin([CLAIM])

        assert store.arrivals.put_ticket(CLAIM, id_of(noise(1)), 70_000, at_s=at_s, lifetime_s=60) is None
        assert await store.arrivals.get_tickets([id_of(noise(1))], at_s=at_s, lifetime_s=60) == {}
        assert store.arrivals.problem is None
