"""An object server that is stopped, slow, full, busy, or whose answers break off: nothing acknowledged is lost."""

import asyncio
import contextlib
import errno
import itertools
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from storage.base import Blob, ChunkId, Encoding
from storage.disk import LocalDisk
from storage.errors import StorageError, StoreFullError, StoreUnavailableError
from storage.s3 import patience, reach
from storage.s3.bucket import Bucket
from storage.s3.client import SdkClient
from storage.s3.medium import S3Medium
from storage.store import ChunkStore
from tests.storage.conftest import Servers
from tests.storage.faulty import Proxy, faulty
from tests.storage.makers import id_of, noise, opened, put
from tests.storage.servers import S3Server, part, running

_numbers = itertools.count()


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait less long for what passes than a server does."""
    for module, name, value in (
        (patience, "FIRST_WAIT_S", 0.01),
        (patience, "BUSY_WAIT_S", 0.05),
        (patience, "TRIES", 4),
        (reach, "FIRST_PROBE_S", 0.02),
        (reach, "LONGEST_PROBE_S", 0.05),
        (reach, "FULL_FOR_S", 0.2),
    ):
        monkeypatch.setattr(module, name, value)


@pytest.fixture(params=["rclone", "seaweedfs"])
def through(request: pytest.FixtureRequest, servers: Servers) -> Iterator[tuple[Proxy, Bucket]]:
    bucket = part(servers.get(request.param).bucket, f"f{next(_numbers)}")
    with faulty(servers.get(request.param).port) as (proxy, address):
        yield proxy, replace(bucket, endpoint=address, read_timeout_s=1.0)


@pytest.fixture
def proxy(through: tuple[Proxy, Bucket]) -> Proxy:
    return through[0]


@pytest.fixture
async def store(through: tuple[Proxy, Bucket], tmp_path: Path) -> AsyncIterator[ChunkStore]:
    open_medium = partial(S3Medium.open, bucket=through[1])
    async with opened(tmp_path / "store", LocalDisk(), open_medium=open_medium, flush_after_s=0.05) as store:
        yield store


async def keep(store: ChunkStore, *chunks: bytes) -> list[ChunkId]:
    ids = [await put(store, "u", data) for data in chunks]
    await store.barrier(["u"])
    return ids


async def eventually(holds: Callable[[], object]) -> None:
    """Wait until something that the store does by itself has come about, at most a minute."""
    async with asyncio.timeout(60):
        while not holds():  # noqa: ASYNC110 - what happens by itself has nobody to set an event
            await asyncio.sleep(0.005)


async def becomes_durable(store: ChunkStore, ids: list[ChunkId]) -> None:
    async with asyncio.timeout(60):
        while await store.present(ids) != set(ids):  # noqa: ASYNC110 - as above
            await asyncio.sleep(0.005)


def takes(store: ChunkStore) -> bool:
    try:
        store.require()
    except StorageError:
        return False
    return True


async def test_busy_server_is_asked_again_and_by_all_more_slowly(store: ChunkStore, proxy: Proxy) -> None:
    proxy.fail("busy", "PUT", times=3)

    ids = await keep(store, *(noise(number) for number in range(4)))

    assert await store.read(ids[0]) == noise(0)
    assert takes(store)


@pytest.mark.parametrize("methods", [("PUT",), ("GET",), ("POST",), ("HEAD",)], ids=lambda methods: methods[0])
async def test_answers_that_break_off_are_asked_for_again(
    store: ChunkStore, proxy: Proxy, methods: tuple[str, ...]
) -> None:
    proxy.fail("cut", *methods, times=2)

    ids = await keep(store, noise(1), noise(2))
    await put(store, "v", noise(1))
    await store.barrier(["v"])

    assert [await store.read(chunk_id) for chunk_id in ids] == [noise(1), noise(2)]
    await store.disposal.end_claims(["u", "v"])
    await store.disposal.note(found=ids[1:], used=[], run_s=1)
    await store.disposal.condemn(ids[1:])
    await store.disposal.judge(gone=ids[1:], used=[], now_s=2, basis="here")
    assert (await store.disposal.remove(2)).chunks == 1


async def test_full_server_takes_no_uploads_gives_what_it_has_and_goes_on_once_it_has_room(
    store: ChunkStore, proxy: Proxy
) -> None:
    (before,) = await keep(store, noise(1))
    proxy.fail("full", "PUT")

    waiting = await put(store, "u", noise(2))
    with pytest.raises(StoreFullError):
        await store.barrier(["u"])
    with pytest.raises(StoreFullError):
        await put(store, "u", noise(3))
    assert await store.read(before) == noise(1)
    proxy.mend()

    await becomes_durable(store, [waiting])
    await eventually(lambda: takes(store))
    assert await store.read(waiting) == noise(2)


async def test_server_that_is_away_costs_no_memory_for_each_who_asks(store: ChunkStore, proxy: Proxy) -> None:
    proxy.fail("hung")
    with pytest.raises(StoreUnavailableError):
        await keep(store, noise(1))

    frames = []
    for _ in range(3):
        with pytest.raises(StoreUnavailableError) as refused:
            store.require()
        frames.append(len(refused.traceback))

    assert len(set(frames)) == 1


async def test_what_the_disk_lost_in_staging_is_asked_for_again_and_not_put(store: ChunkStore, tmp_path: Path) -> None:
    chunk_id = await put(store, "u", noise(1))
    for staged in (tmp_path / "store" / "staging").iterdir():
        staged.write_bytes(bytes(len(noise(1))))

    with pytest.raises(StoreUnavailableError):
        await store.barrier(["u"])
    assert await store.present([chunk_id]) == set()

    assert await keep(store, noise(1)) == [chunk_id]
    assert await store.read(chunk_id) == noise(1)


class _Beside(SdkClient):
    """Speaks to a bucket, and before its next put does something else."""

    first: Callable[[], None] | None = None

    def put(self, key: str, content: bytes, *, is_new: bool = False) -> None:
        work, self.first = self.first, None
        if work is not None:
            work()
        super().put(key, content, is_new=is_new)


async def test_sync_that_fails_speaks_of_what_others_put_at_that_time_too(tmp_path: Path, servers: Servers) -> None:
    """The kernel tells of it once, to whoever asks first."""
    client = _Beside(part(servers.get("rclone").bucket, f"f{next(_numbers)}"))
    failures = [OSError(errno.EIO, "lost")]

    def settle() -> None:
        if failures:
            raise failures.pop()

    medium = S3Medium.over(tmp_path / "store", LocalDisk(), client, settle)
    with contextlib.closing(medium):

        def fail() -> None:
            with pytest.raises(OSError, match="lost"):
                medium.put(Blob.of(id_of(noise(2)), Encoding.RAW), noise(2))

        client.first = fail
        with pytest.raises(OSError, match="beside"):
            medium.put(Blob.of(id_of(noise(1)), Encoding.RAW), noise(1))
        medium.put(Blob.of(id_of(noise(1)), Encoding.RAW), noise(1))


async def test_server_that_hangs_counts_as_away_until_it_answers(store: ChunkStore, proxy: Proxy) -> None:
    (before,) = await keep(store, noise(1))
    proxy.fail("hung")

    waiting = await put(store, "u", noise(2))
    with pytest.raises(StoreUnavailableError):
        await store.barrier(["u"])
    with pytest.raises(StoreUnavailableError):
        await store.read(before)
    assert not takes(store)
    proxy.mend()

    await eventually(lambda: takes(store))
    await becomes_durable(store, [waiting])
    assert await store.read(before) == noise(1)


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[S3Server]:
    with running("rclone", tmp_path) as server:
        yield server


async def test_stopped_server_loses_nothing_and_is_found_again(tmp_path: Path, own_server: S3Server) -> None:
    open_medium = partial(S3Medium.open, bucket=own_server.bucket)
    async with opened(tmp_path / "store", LocalDisk(), open_medium=open_medium, flush_after_s=0.05) as store:
        (before,) = await keep(store, noise(1))
        received = [await put(store, "u", noise(2)), await put(store, "u", noise(3, 900))]
        own_server.stop()

        with pytest.raises(StoreUnavailableError):
            await store.barrier(["u"])
        with pytest.raises(StoreUnavailableError):
            await put(store, "u", noise(4))
        with pytest.raises(StoreUnavailableError):
            await store.read(before)
        assert await store.present([before, *received]) == {before}
        assert await store.claimed(["u"], received) == set(received)
        own_server.start()

        await eventually(lambda: takes(store))
        await becomes_durable(store, received)
        assert [await store.read(chunk_id) for chunk_id in received] == [noise(2), noise(3, 900)]


async def test_start_without_the_server_waits_for_it_and_keeps_what_was_received(
    tmp_path: Path, own_server: S3Server
) -> None:
    folder, open_medium = tmp_path / "store", partial(S3Medium.open, bucket=own_server.bucket)
    async with opened(folder, LocalDisk(), open_medium=open_medium) as store:
        (before,) = await keep(store, noise(1))
    (folder / "staging" / f"u.{id_of(noise(2)).hex()}.0").write_bytes(noise(2))
    own_server.stop()

    async with opened(
        folder, LocalDisk(), open_medium=open_medium, open_claims=("u",), clean=False, flush_after_s=0.05
    ) as store:
        assert not takes(store)
        assert await store.present([before]) == {before}
        own_server.start()

        await eventually(lambda: takes(store))
        await becomes_durable(store, [id_of(noise(2))])
        assert await store.read(before) == noise(1)


async def test_stop_while_the_server_is_away_keeps_what_was_received(tmp_path: Path, own_server: S3Server) -> None:
    folder, open_medium = tmp_path / "store", partial(S3Medium.open, bucket=own_server.bucket)
    async with opened(folder, LocalDisk(), open_medium=open_medium) as store:
        chunk_id = await put(store, "u", noise(1))
        own_server.stop()
    own_server.start()

    async with opened(folder, LocalDisk(), open_medium=open_medium, open_claims=("u",), clean=True) as store:
        assert await store.read(chunk_id) == noise(1)
