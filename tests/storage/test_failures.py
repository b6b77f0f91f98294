"""Disks that fail or are full: nothing is acknowledged that is not there, and the next good call works."""

import asyncio
import errno
import sqlite3
import threading
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from storage import received
from storage.base import Buffer, ChunkId
from storage.disk import LocalDisk
from storage.errors import StorageError, StoreFailedError, StoreFullError, StoreUnavailableError
from storage.group_writer import PlainSession
from storage.store import INDEX_NAME, ChunkStore
from storage.verify import verify_store
from tests.simdisk import Mode, SimDisk
from tests.storage.makers import id_of, noise, opened, put

MANY = 10  # files, enough for syncfs


class GatedDisk(SimDisk):
    """A disk on which the operations of `gated` wait at a gate while it is closed."""

    gated: frozenset[str] = frozenset({"commit", "syncfs"})

    def __init__(self, folder: Path, mode: Mode = Mode.STRICT) -> None:
        super().__init__(folder, mode)
        self.gate = threading.Event()
        self.gate.set()
        self.reached = threading.Event()

    def commit(self, connection: sqlite3.Connection, path: Path) -> None:
        self._wait("commit")
        super().commit(connection, path)

    def syncfs(self, descriptor: int) -> None:
        self._wait("syncfs")
        super().syncfs(descriptor)

    def write(self, descriptor: int, pieces: Sequence[Buffer]) -> None:
        self._wait("write")
        super().write(descriptor, pieces)

    def _wait(self, operation: str) -> None:
        if operation in self.gated and not self.gate.is_set():
            self.reached.set()
            assert self.gate.wait(30)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "store").mkdir()
    return tmp_path / "store"


@pytest.fixture(params=[Mode.STRICT, Mode.NO_SYNCFS], ids=lambda mode: mode.value)
def disk(request: pytest.FixtureRequest, tmp_path: Path) -> SimDisk:
    return SimDisk(tmp_path, request.param)


@pytest.fixture
def gated(tmp_path: Path) -> GatedDisk:
    return GatedDisk(tmp_path)


@pytest.fixture
def failures() -> list[StorageError]:
    return []


@pytest.fixture
async def store(folder: Path, disk: SimDisk, failures: list[StorageError]) -> AsyncIterator[ChunkStore]:
    async with opened(folder, disk, failures=failures) as store:
        yield store


@pytest.fixture
async def behind_gate(folder: Path, gated: GatedDisk) -> AsyncIterator[ChunkStore]:
    async with opened(folder, gated) as store:
        yield store
        gated.gate.set()


def left_over(disk: SimDisk, folder: Path) -> list[str]:
    """Return what lies in staging or in place."""
    found = disk.list_(folder / "staging")
    for first in disk.list_(folder / "chunks"):
        for second in disk.list_(folder / "chunks" / first):
            found += disk.list_(folder / "chunks" / first / second)
    return found


async def put_all(store: ChunkStore, claim: str, count: int) -> list[ChunkId]:
    return [await put(store, claim, noise(number)) for number in range(count)]


@pytest.mark.parametrize("nth", range(3))
async def test_a_failed_fsync_is_never_acknowledged_nor_repeated(folder: Path, tmp_path: Path, nth: int) -> None:
    disk = SimDisk(tmp_path)
    async with opened(folder, disk) as store:
        ids = await put_all(store, "u", 3)
        disk.fail("fsync", nth, errno.EIO)
        with pytest.raises(StoreUnavailableError):
            await store.barrier(["u"])
        fsyncs = disk.counts["fsync"]

        await store.barrier(["u"])

        assert disk.counts["fsync"] == fsyncs
        assert await store.present(ids) == await store.claimed(["u"], ids) == set()
        assert left_over(disk, folder) == []
        assert await put_all(store, "u", 3) == ids
        await store.barrier(["u"])
        assert await store.present(ids) == set(ids)
    assert list(verify_store(folder, disk=disk.crash(seed=nth), content=True)) == []


@pytest.mark.parametrize("nth", range(2))
async def test_a_failed_syncfs_is_never_acknowledged(folder: Path, tmp_path: Path, nth: int) -> None:
    disk = SimDisk(tmp_path)
    async with opened(folder, disk) as store:
        ids = await put_all(store, "u", MANY)
        disk.fail("syncfs", nth, errno.EIO)

        with pytest.raises(StoreUnavailableError):
            await store.barrier(["u"])

        assert await store.present(ids) == set()
        assert left_over(disk, folder) == []
        await put_all(store, "u", MANY)
        await store.barrier(["u"])
        assert await store.present(ids) == set(ids)
    assert list(verify_store(folder, disk=disk.crash(seed=nth), content=True)) == []


async def test_where_syncfs_is_not_to_be_trusted_a_failed_fsync_fails_the_put(folder: Path, tmp_path: Path) -> None:
    disk = SimDisk(tmp_path, Mode.NO_SYNCFS)
    async with opened(folder, disk) as store:
        disk.fail("fsync", 0, errno.EIO)

        with pytest.raises(StoreUnavailableError):
            await put(store, "u", noise(1))

        assert left_over(disk, folder) == []
        assert await store.claimed(["u"], [id_of(noise(1))]) == set()


@pytest.mark.parametrize("operation", ["rename", "sync_folder"])
async def test_a_failure_while_files_are_put_into_place_fails_the_barrier(
    store: ChunkStore, disk: SimDisk, folder: Path, operation: str
) -> None:
    ids = await put_all(store, "u", 3)
    disk.fail(operation, 1, errno.EIO)

    with pytest.raises(StoreUnavailableError):
        await store.barrier(["u"])

    assert await store.present(ids) == set()
    assert left_over(disk, folder) == []
    await put_all(store, "u", 3)
    await store.barrier(["u"])
    assert await store.present(ids) == set(ids)


async def test_a_failed_sync_speaks_for_all_that_was_received_meanwhile(
    behind_gate: ChunkStore, gated: GatedDisk, folder: Path
) -> None:
    store = behind_gate
    await put_all(store, "u", MANY)
    gated.fail("syncfs", 0, errno.EIO)
    gated.gate.clear()
    first = asyncio.ensure_future(store.barrier(["u"]))
    await asyncio.to_thread(gated.reached.wait, 30)
    late = await put(store, "v", noise(100))
    second = asyncio.ensure_future(store.barrier(["v"]))
    await asyncio.sleep(0)

    gated.gate.set()
    outcomes = await asyncio.gather(first, second, return_exceptions=True)

    assert [type(outcome) for outcome in outcomes] == [StoreUnavailableError] * 2
    assert await store.claimed(["v"], [late]) == set()
    assert left_over(gated, folder) == []


async def test_a_failed_sync_speaks_for_a_chunk_that_is_just_being_written(
    behind_gate: ChunkStore, gated: GatedDisk, folder: Path
) -> None:
    store = behind_gate
    await put(store, "u", noise(1))
    gated.gated = frozenset({"write"})
    gated.gate.clear()
    late = asyncio.ensure_future(put(store, "v", noise(2)))
    await asyncio.to_thread(gated.reached.wait, 30)
    gated.fail("fsync", 0, errno.EIO)
    gated.fail("create", 0, errno.EIO)  # of the note, which would wait at the gate
    with pytest.raises(StoreUnavailableError):
        await store.barrier(["u"])

    gated.gate.set()

    with pytest.raises(StoreUnavailableError):
        await late
    assert left_over(gated, folder) == []


@pytest.mark.parametrize("operation", ["create", "write"])
async def test_a_full_disk_refuses_a_put_and_keeps_nothing_of_it(
    store: ChunkStore, disk: SimDisk, folder: Path, operation: str
) -> None:
    disk.fail(operation, 0, errno.ENOSPC)

    with pytest.raises(StoreFullError):
        await put(store, "u", noise(1))

    assert left_over(disk, folder) == []
    chunk_id = await put(store, "u", noise(1))
    await store.barrier(["u"])
    assert await store.read(chunk_id) == noise(1)


async def test_a_disk_that_is_full_only_when_it_syncs_says_so(folder: Path, tmp_path: Path) -> None:
    disk = SimDisk(tmp_path)
    async with opened(folder, disk) as store:
        await put(store, "u", noise(1))
        disk.fail("fsync", 0, errno.ENOSPC)

        with pytest.raises(StoreFullError):
            await store.barrier(["u"])


async def test_a_barrier_does_not_need_its_note(store: ChunkStore, disk: SimDisk) -> None:
    chunk_id = await put(store, "u", noise(1))
    disk.fail("create", 0, errno.ENOSPC)

    await store.barrier(["u"])

    assert await store.present([chunk_id]) == {chunk_id}


async def test_a_failed_index_ends_the_store(
    store: ChunkStore, disk: SimDisk, folder: Path, failures: list[StorageError]
) -> None:
    await put(store, "u", noise(1))
    disk.fail("commit", 0, errno.EIO)

    with pytest.raises(StoreFailedError):
        await store.barrier(["u"])

    assert [type(failure) for failure in failures] == [StoreFailedError]
    with pytest.raises(StoreFailedError):
        await put(store, "v", noise(2))
    with pytest.raises(StoreFailedError):
        await store.barrier(["v"])
    assert [name for name in left_over(disk, folder) if name.startswith("v.")] == []


async def test_an_index_without_room_refuses_a_barrier_and_works_again_with_room(folder: Path) -> None:
    async with opened(folder, LocalDisk()) as store:
        pages = store._writer.write_blocking(lambda session: limit_pages(session, 12))  # noqa: SLF001 - a full disk
        chunks = [noise(number, 60_000) for number in range(10)] + [noise(99)]
        ids = [id_of(data) for data in chunks]
        await store.put_many("u", list(zip(ids, chunks, strict=True)))
        with pytest.raises(StoreFullError):
            await store.barrier(["u"])
        refused = await store.present(ids), await store.claimed(["u"], ids)
        in_place = [path.name for path in (folder / "chunks").rglob("*") if path.is_file()]
        store._writer.write_blocking(lambda session: limit_pages(session, pages))  # noqa: SLF001 - and room again

        await store.put_many("u", list(zip(ids, chunks, strict=True)))
        await store.barrier(["u"])

        assert refused == (set(), set())
        assert in_place == []
        assert await store.present(ids) == set(ids)


def limit_pages(session: PlainSession, most: int) -> int:
    """Let the database grow to so many pages and no further; return the limit of before."""
    before = session.connection.execute("PRAGMA max_page_count").fetchone()[0]
    session.connection.execute(f"PRAGMA max_page_count = {most}")
    return int(before)


async def test_waiters_of_one_batch_share_one_barrier(store: ChunkStore, disk: SimDisk) -> None:
    claims = [f"u{number}" for number in range(200)]
    for number, claim in enumerate(claims):
        await put(store, claim, noise(number, 1000 if number % 2 else 70_000))
    before = disk.counts.copy()

    await asyncio.gather(*(store.barrier([claim]) for claim in claims))

    made = disk.counts - before
    assert made["commit"] == 1
    assert made["fsync"] + made["syncfs"] <= 2
    assert store.stats().barriers == 1


async def test_whoever_comes_while_a_barrier_runs_shares_the_next(behind_gate: ChunkStore, gated: GatedDisk) -> None:
    store = behind_gate
    gated.gate.clear()
    await put(store, "first", noise(1, 1000))
    first = asyncio.ensure_future(store.barrier(["first"]))
    await asyncio.to_thread(gated.reached.wait, 30)
    claims = [f"u{number}" for number in range(100)]
    for number, claim in enumerate(claims):
        await put(store, claim, noise(100 + number, 1000))
    others = [asyncio.ensure_future(store.barrier([claim])) for claim in claims]
    await asyncio.sleep(0)
    answered_early = [task.done() for task in (first, *others)]
    commits = gated.counts["commit"]

    gated.gate.set()
    await asyncio.gather(first, *others)

    assert not any(answered_early)
    assert gated.counts["commit"] == commits + 2


@pytest.mark.parametrize(
    ("mode", "count", "expected"),
    [
        (Mode.STRICT, 3, ["fsync"] * 3 + ["rename"] * 3 + ["sync_folder"] * 3 + ["commit"]),
        (Mode.STRICT, MANY, ["syncfs"] + ["rename"] * MANY + ["syncfs", "commit"]),
        (Mode.NO_SYNCFS, 3, ["fsync"] * 3 + ["rename"] * 3 + ["sync_folder"] * 3 + ["commit"]),
        (Mode.NO_SYNCFS, MANY, ["fsync"] * MANY + ["rename"] * MANY + ["sync_folder"] * MANY + ["commit"]),
    ],
)
async def test_bytes_are_synced_then_moved_then_names_synced_then_rows_committed_then_answered(
    folder: Path, tmp_path: Path, mode: Mode, count: int, expected: list[str]
) -> None:
    disk = SimDisk(tmp_path, mode)
    async with opened(folder, disk) as store:
        disk.trace.clear()
        await put_all(store, "u", count)

        await store.barrier(["u"])

        assert [call for call, _ in disk.trace if call in set(expected)] == expected


async def test_receiving_waits_while_too_much_waits_for_a_slow_disk(
    behind_gate: ChunkStore, gated: GatedDisk, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = behind_gate
    monkeypatch.setattr(received, "ROWS_SIZE", 1000)
    gated.gate.clear()
    await put(store, "u", noise(0, 1000))
    await asyncio.to_thread(gated.reached.wait, 30)
    for number in range(1, 1 + received.HOLD_BACK):
        await put(store, "u", noise(number, 1000))

    one_more = asyncio.ensure_future(put(store, "u", noise(50, 1000)))
    done, _ = await asyncio.wait([one_more], timeout=0.05)
    gated.gate.set()
    await one_more
    await store.barrier(["u"])

    assert not done
    assert await store.present([id_of(noise(50, 1000))])


async def test_a_cancelled_waiter_holds_up_nobody(behind_gate: ChunkStore, gated: GatedDisk) -> None:
    store = behind_gate
    gated.gate.clear()
    chunk_id = await put(store, "u", noise(1, 1000))
    impatient = asyncio.ensure_future(store.barrier(["u"]))
    patient = asyncio.ensure_future(store.barrier(["u"]))
    await asyncio.to_thread(gated.reached.wait, 30)
    impatient.cancel()
    await asyncio.sleep(0)

    gated.gate.set()
    await patient

    assert impatient.cancelled()
    assert await store.present([chunk_id]) == {chunk_id}


async def test_a_start_that_fails_leaves_nothing_open(folder: Path, tmp_path: Path) -> None:
    disk = SimDisk(tmp_path)
    async with opened(folder, disk) as store:
        await put(store, "u", noise(1))
        await store.barrier(["u"])
    disk.fail("commit", 0, errno.EIO)

    with pytest.raises(StoreFailedError):
        await ChunkStore.open(folder, disk=disk, open_claims=(), clean=True)

    names = {thread.name for thread in threading.enumerate()}
    assert f"writer {INDEX_NAME}" not in names
    assert "barrier" not in names
