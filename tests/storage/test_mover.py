"""Chunks move from files into a bucket of a real server and back, and at any moment each can be read."""

import contextlib
import errno
import itertools
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from app.chunk_medium import medium_beside
from app.config import Storage
from storage import moves, rows
from storage.base import Backend, Blob, ChunkId, Encoding
from storage.disk import Disk, LocalDisk
from storage.errors import BadStoreError, StorageError, StoreFullError, StoreUnavailableError
from storage.layout import say_both
from storage.local import LocalMedium
from storage.media import Media
from storage.medium import Medium
from storage.moves import Move, Stage
from storage.s3 import patience, reach
from storage.s3.bucket import Bucket
from storage.s3.medium import S3Medium
from storage.store import INDEX_NAME, ChunkStore
from storage.verify import Finding, verify_store
from tests.storage.conftest import Servers
from tests.storage.faulty import Proxy, faulty
from tests.storage.makers import id_of, noise, opened, put
from tests.storage.servers import part

SMALL = 60_000  # a row, which does not compress; enough of them make a pack
KEEP_S = 100
_numbers = itertools.count()


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait less long for what passes than a server does."""
    for module, name, value in (
        (patience, "FIRST_WAIT_S", 0.001),
        (patience, "BUSY_WAIT_S", 0.001),
        (reach, "FIRST_PROBE_S", 0.02),
        (reach, "LONGEST_PROBE_S", 0.05),
    ):
        monkeypatch.setattr(module, name, value)


@pytest.fixture(params=["rclone", pytest.param("seaweedfs", marks=pytest.mark.soak)])
def through(request: pytest.FixtureRequest, servers: Servers) -> Iterator[tuple[Proxy, Bucket]]:
    bucket = part(servers.get(request.param).bucket, f"m{next(_numbers)}")
    with faulty(servers.get(request.param).port) as (proxy, address):
        yield proxy, replace(bucket, endpoint=address, read_timeout_s=5.0)


def open_as_moved(root: Path, disk: Disk, *, bucket: Bucket) -> Medium:
    """Open what the index says, as a server does at its start."""
    move = moves.read_from(root / INDEX_NAME)
    if move is None:
        return LocalMedium.open(root, disk)
    sides: dict[Backend, Callable[[], Medium]] = {
        Backend.LOCAL: lambda: LocalMedium.beside(root, disk),
        Backend.S3: lambda: S3Medium.open(root, disk, bucket=bucket, is_beside=True),
    }
    if not move.is_both:
        return sides[move.target]()
    say_both(root, disk)
    return Media(sides[move.target](), sides[move.source]())


@asynccontextmanager
async def store_in(
    folder: Path, bucket: Bucket, *, disk: Disk | None = None, clean: bool = True
) -> AsyncIterator[ChunkStore]:
    open_medium = partial(open_as_moved, bucket=bucket)
    async with opened(folder, disk or LocalDisk(), open_medium=open_medium, clean=clean, flush_after_s=0.05) as store:
        yield store


def check(folder: Path, bucket: Bucket, proxy: Proxy) -> list[Finding]:
    bucket = replace(bucket, endpoint=f"http://127.0.0.1:{proxy.upstream}")  # the shorter way
    return list(verify_store(folder, disk=LocalDisk(), content=True, open_medium=partial(open_as_moved, bucket=bucket)))


async def begin(store: ChunkStore, bucket: Bucket, target: Backend) -> None:
    if not store.mover.has(target):
        open_medium = open_as_moved_to(store, bucket, target)
        store.mover.join(open_medium)
    await store.mover.begin(target, "s3", 0)


def open_as_moved_to(store: ChunkStore, bucket: Bucket, target: Backend) -> Medium:
    root = store.staged_path("x").parent.parent
    if target is Backend.LOCAL:
        return LocalMedium.beside(root, LocalDisk())
    return S3Medium.open(root, LocalDisk(), bucket=bucket, is_beside=True)


async def stage_of(store: ChunkStore) -> Stage:
    move = await store.mover.move()
    assert move is not None
    return move.stage


async def go_on(store: ChunkStore, until: Stage, *, now_s: int = 0) -> None:
    """Do slices until a stage is reached; a fault on the way is met as a server does: by another try."""
    for _ in range(5_000):
        if await stage_of(store) is until:
            return
        try:
            await store.mover.advance(now_s, KEEP_S)
        except StorageError:
            continue
    raise AssertionError(f"it stays at {await stage_of(store)}")


async def fill(store: ChunkStore) -> list[bytes]:
    """Keep some large chunks, and small ones for more than a pack."""
    large = [noise(number, 70_000 + number) for number in range(40)]
    small = [noise(1_000 + number, SMALL) for number in range(150)]
    for data in large:
        await put(store, "claim", data)
    await store.put_many("claim", [(id_of(data), data) for data in small])
    await store.barrier(["claim"])
    return large + small


async def assert_all_there(store: ChunkStore, contents: Sequence[bytes]) -> None:
    found = await store.read_many([id_of(data) for data in contents])
    assert [data for data in contents if found.get(id_of(data)) != data] == []


async def keep(store: ChunkStore, data: bytes) -> ChunkId:
    """Put a chunk, durably."""
    chunk_id = await put(store, "kept", data)
    await store.barrier(["kept"])
    return chunk_id


async def places(store: ChunkStore) -> dict[tuple[Backend, str], int]:
    return {(held.backend, held.place.name): held.chunks for held in await store.mover.held()}


async def test_chunks_move_into_a_bucket_and_back_and_are_there_at_every_moment(
    tmp_path: Path, through: tuple[Proxy, Bucket]
) -> None:
    proxy, bucket = through
    folder = tmp_path / "store"
    async with store_in(folder, bucket) as store:
        contents = await fill(store)
        proxy.fail_at_random(0.05, 7)
        await begin(store, bucket, Backend.S3)
        contents.append(noise(5_000))
        await keep(store, contents[-1])
        assert (await places(store))[(Backend.S3, "FILE")] == 1  # what is new is put there at once
        await store.mover.advance(0, KEEP_S)
        await assert_all_there(store, contents)
    async with store_in(folder, bucket, clean=False) as store:  # it goes on after a stop
        await go_on(store, Stage.RETAIN)
        await assert_all_there(store, contents)
        held = await places(store)
        assert held[(Backend.S3, "FILE")] == 41
        assert (Backend.LOCAL, "FILE") not in held
        assert held[(Backend.S3, "PACK")] >= 139
        proxy.mend()
    assert check(folder, bucket, proxy) == []

    async with store_in(folder, bucket) as store:
        store.mover.join(LocalMedium.beside(folder, LocalDisk()))
        await store.mover.advance(KEEP_S - 1, KEEP_S)
        assert await stage_of(store) is Stage.RETAIN
        await go_on(store, Stage.DONE, now_s=KEEP_S)
        assert [path for path in (folder / "chunks").rglob("*") if path.is_file()] == []
        await assert_all_there(store, contents)

    async with store_in(folder, bucket) as store:
        proxy.fail_at_random(0.05, 8)
        await begin(store, bucket, Backend.LOCAL)
        await go_on(store, Stage.RETAIN)
        proxy.mend()
        await assert_all_there(store, contents)
        assert {backend for backend, _ in await places(store)} == {Backend.LOCAL}
        await go_on(store, Stage.DONE, now_s=KEEP_S)
        medium = store.mover._media.of(Backend.S3)  # noqa: SLF001 - of the same bucket
        assert [found for digit in range(16) for found in medium.lengths(digit)] == []
    assert check(folder, bucket, proxy) == []
    async with opened(folder, LocalDisk()) as store:  # all of it lies in files, as if it never had been elsewhere
        await assert_all_there(store, contents)


async def test_move_is_taken_back_at_any_point_before_the_switch(tmp_path: Path, through: tuple[Proxy, Bucket]) -> None:
    proxy, bucket = through
    folder = tmp_path / "store"
    async with store_in(folder, bucket) as store:
        contents = await fill(store)
        await begin(store, bucket, Backend.S3)
        contents.append(noise(5_000))
        await keep(store, contents[-1])
        with pytest.raises(BadStoreError, match="on their way"):
            medium_beside(Storage(), folder, LocalDisk())
        await go_on(store, Stage.VERIFY)
        await begin(store, bucket, Backend.LOCAL)
        await keep(store, noise(5_001))
        contents.append(noise(5_001))
        await assert_all_there(store, contents)
        await go_on(store, Stage.RETAIN)
        await assert_all_there(store, contents)
        assert {backend for backend, _ in await places(store)} == {Backend.LOCAL}
    assert check(folder, bucket, proxy) == []


async def test_object_that_is_not_in_the_listing_is_copied_again_and_nothing_is_switched(
    tmp_path: Path, through: tuple[Proxy, Bucket]
) -> None:
    _, bucket = through
    folder = tmp_path / "store"
    async with store_in(folder, bucket) as store:
        contents = [noise(number) for number in range(3)]
        for data in contents:
            await keep(store, data)
        await begin(store, bucket, Backend.S3)
        await go_on(store, Stage.VERIFY)
        medium = store.mover._media.of(Backend.S3)  # noqa: SLF001 - of the same bucket
        medium.remove([Blob.of(id_of(contents[0]), Encoding.RAW)])

        seen = [await stage_of(store)]
        while seen[-1] is not Stage.RETAIN:
            await store.mover.advance(0, KEEP_S)
            seen.append(await stage_of(store))

        assert [stage for stage, _ in itertools.groupby(seen)] == [Stage.VERIFY, Stage.COPY, Stage.VERIFY, Stage.RETAIN]
        await assert_all_there(store, contents)

        medium.remove([Blob.of(id_of(contents[1]), Encoding.RAW)])  # and one that the old store no longer has either
        LocalMedium(folder, LocalDisk()).remove([Blob.of(id_of(contents[1]), Encoding.RAW)])
        await store.mover._write(partial(moves.write, move=Move(Backend.S3, "s3", Stage.VERIFY, 0)))  # noqa: SLF001
        while await store.mover.advance(0, KEEP_S):
            pass
        assert await stage_of(store) is Stage.VERIFY


async def test_damaged_chunk_is_not_copied_and_the_next_put_heals_it(
    tmp_path: Path, through: tuple[Proxy, Bucket]
) -> None:
    proxy, bucket = through
    folder = tmp_path / "store"
    async with store_in(folder, bucket) as store:
        chunk_id = await keep(store, noise(1))
        path = LocalMedium(folder, LocalDisk()).path_of(Blob.of(chunk_id, Encoding.RAW))
        path.write_bytes(b"x" + path.read_bytes()[1:])
        await begin(store, bucket, Backend.S3)
        await go_on(store, Stage.RETAIN)
        assert await store.present([chunk_id]) == set()

        await keep(store, noise(1))

        assert await store.read(chunk_id) == noise(1)
    assert check(folder, bucket, proxy) == []


async def test_chunk_that_is_put_while_it_waits_to_be_copied_has_moved_by_that(
    tmp_path: Path, through: tuple[Proxy, Bucket]
) -> None:
    proxy, bucket = through
    async with store_in(tmp_path / "store", bucket) as store:
        chunk_id = await keep(store, noise(1))
        await begin(store, bucket, Backend.S3)
        (row,) = (await store._reader.run(partial(rows.find, ids=[chunk_id]))).values()  # noqa: SLF001
        assert await store._barriers.run(partial(store.mover._hold, Backend.S3, [row])) == [row]  # noqa: SLF001

        await put(store, "again", noise(1))  # it is being copied at this moment: nobody else puts its object
        calls = proxy.calls
        await store.barrier(["again"])
        assert proxy.calls == calls
        await store._barriers.run(partial(store.mover._name, Backend.S3, [], []))  # noqa: SLF001
        await keep(store, noise(1))

        assert await places(store) == {(Backend.S3, "FILE"): 1}
        assert await store.read(chunk_id) == noise(1)


async def test_server_that_is_away_holds_the_move_up_and_loses_nothing(
    tmp_path: Path, through: tuple[Proxy, Bucket]
) -> None:
    proxy, bucket = through
    async with store_in(tmp_path / "store", bucket) as store:
        contents = await fill(store)
        await begin(store, bucket, Backend.S3)
        proxy.fail("busy")
        with pytest.raises(StoreUnavailableError):
            await store.mover.advance(0, KEEP_S)
        await assert_all_there(store, contents)
        assert store.mover.problem(Backend.S3)

        proxy.mend()
        await go_on(store, Stage.RETAIN)
        await assert_all_there(store, contents)
        assert ChunkId(id_of(contents[0])) in await store.present([id_of(data) for data in contents])


async def test_what_a_server_says_to_have_kept_and_has_not_stays_where_it_was(
    tmp_path: Path, through: tuple[Proxy, Bucket]
) -> None:
    proxy, bucket = through
    async with store_in(tmp_path / "store", bucket) as store:
        contents = [noise(1), *(noise(1_000 + number, SMALL) for number in range(145))]
        await put(store, "claim", contents[0])
        await store.put_many("claim", [(id_of(data), data) for data in contents[1:]])
        await store.barrier(["claim"])
        await begin(store, bucket, Backend.S3)
        before = await places(store)

        proxy.fail("swallowed", "PUT", times=2)
        with pytest.raises(StoreUnavailableError):
            await store.mover.advance(0, KEEP_S)
        with contextlib.suppress(StoreUnavailableError):
            await store.packs.fill()
        assert await places(store) == before

        proxy.mend()
        await go_on(store, Stage.RETAIN)
        await assert_all_there(store, contents)


class _PoorDisk(LocalDisk):
    """Has no room for what the folder of the store says of where chunks lie, or opens none of their files."""

    is_full = False
    is_short = False

    def create(self, path: Path) -> int:
        if self.is_full and path.name.startswith("layout"):
            raise OSError(errno.ENOSPC, "no room")
        return super().create(path)

    def read(self, path: Path) -> bytes:
        if self.is_short and "chunks" in path.parts:
            raise OSError(errno.EMFILE, "too many open files")
        return super().read(path)


async def test_move_whose_beginning_found_the_disk_full_puts_what_is_new_where_the_store_stays(
    tmp_path: Path, through: tuple[Proxy, Bucket]
) -> None:
    proxy, bucket = through
    folder, disk = tmp_path / "store", _PoorDisk()
    async with store_in(folder, bucket, disk=disk) as store:
        disk.is_full = True
        with pytest.raises(StoreFullError):
            await begin(store, bucket, Backend.S3)
        with pytest.raises(StoreFullError):
            await store.mover.advance(0, KEEP_S)
        disk.is_full = False
        await go_on(store, Stage.RETAIN)
        chunk_id = await keep(store, noise(1))
    async with store_in(folder, bucket) as store:
        assert await store.read(chunk_id) == noise(1)
    assert check(folder, bucket, proxy) == []


async def test_chunk_that_cannot_be_opened_at_present_is_not_taken_for_damaged(
    tmp_path: Path, through: tuple[Proxy, Bucket]
) -> None:
    _, bucket = through
    disk = _PoorDisk()
    async with store_in(tmp_path / "store", bucket, disk=disk) as store:
        chunk_id = await keep(store, noise(1))
        await begin(store, bucket, Backend.S3)
        disk.is_short = True
        with pytest.raises(StoreUnavailableError):
            await store.mover.advance(0, KEEP_S)
        disk.is_short = False
        await go_on(store, Stage.RETAIN)
        assert await store.read(chunk_id) == noise(1)


async def test_what_waits_for_its_barrier_as_a_move_begins_or_turns_round_is_put_by_the_other_side(
    tmp_path: Path, through: tuple[Proxy, Bucket]
) -> None:
    _, bucket = through
    contents = [noise(1), noise(3, 200_000).hex().encode(), noise(2)]  # the second is stored compressed
    open_medium = partial(open_as_moved, bucket=bucket)
    async with opened(tmp_path / "store", LocalDisk(), open_medium=open_medium) as store:
        for data in contents[:2]:
            await put(store, "claim", data)
        await begin(store, bucket, Backend.S3)
        await store.barrier(["claim"])
        await put(store, "claim", contents[2])
        await begin(store, bucket, Backend.LOCAL)
        await store.barrier(["claim"])
        await assert_all_there(store, contents)


async def test_bucket_that_was_left_is_the_only_right_one_as_soon_as_chunks_go_there_again(
    tmp_path: Path, through: tuple[Proxy, Bucket]
) -> None:
    _, bucket = through
    folder = tmp_path / "store"
    async with store_in(folder, bucket) as store:
        for target in (Backend.S3, Backend.LOCAL):
            await begin(store, bucket, target)
            await go_on(store, Stage.RETAIN)
        await go_on(store, Stage.DONE, now_s=KEEP_S)
        await begin(store, bucket, Backend.S3)
        await keep(store, noise(1))

    with pytest.raises(BadStoreError, match="does not bear the mark"):
        async with store_in(folder, part(bucket, "another")):
            pass


async def test_nothing_is_switched_while_a_row_names_the_old_store(
    tmp_path: Path, through: tuple[Proxy, Bucket]
) -> None:
    _, bucket = through
    async with store_in(tmp_path / "store", bucket) as store:
        chunk_id = await keep(store, noise(1))
        await begin(store, bucket, Backend.S3)
        await store.mover._write(partial(moves.write, move=Move(Backend.S3, "s3", Stage.VERIFY, 0)))  # noqa: SLF001

        await go_on(store, Stage.COPY)
        await go_on(store, Stage.RETAIN)

        assert await places(store) == {(Backend.S3, "FILE"): 1}
        assert await store.read(chunk_id) == noise(1)
