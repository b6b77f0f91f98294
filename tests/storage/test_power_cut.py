"""Power cuts at every call to the disk: what a barrier acknowledged is there, all else is whole or absent."""

import contextlib
import errno
import itertools
import tempfile
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import pytest

from storage.base import ChunkId, WireEncoding
from storage.errors import StorageError, StoreFailedError
from storage.local import LocalMedium
from storage.store import INDEX_NAME, ChunkStore
from storage.verify import Problem, verify_store
from tests.simdisk import Mode, SimDisk
from tests.storage.makers import id_of, noise, opened, put

CLAIMS = ("A", "B")
MOST_CALLS = 400  # more than any script here makes


@dataclass
class Oracle:
    """What was sent and what was acknowledged."""

    sent: dict[ChunkId, bytes] = field(default_factory=dict)
    durable: set[ChunkId] = field(default_factory=set)

    async def put(self, store: ChunkStore, claim: str, data: bytes) -> None:
        self.sent[id_of(data)] = data
        await put(store, claim, data)

    async def barrier(self, store: ChunkStore) -> None:
        await store.barrier(CLAIMS)
        self.durable |= self.sent.keys()


Script = Callable[[ChunkStore, Oracle], Awaitable[None]]


async def few(store: ChunkStore, oracle: Oracle) -> None:
    """So few files that each gets its own fsync; then one that is known, one that is small, one that compresses."""
    await oracle.put(store, "A", noise(1))
    await oracle.put(store, "A", noise(2))
    await oracle.barrier(store)
    await oracle.put(store, "B", noise(2))
    await oracle.put(store, "B", noise(3, 900))
    await oracle.put(store, "B", noise(4, 80_000).hex().encode())
    await oracle.barrier(store)
    store.drop_claims(["A"])
    await oracle.put(store, "B", noise(5))
    await oracle.barrier(store)


async def many(store: ChunkStore, oracle: Oracle) -> None:
    """So many files that they are synced all at once, and a chunk that comes under two claims in one barrier."""
    for number in range(10, 20):
        await oracle.put(store, "A", noise(number))
    await oracle.put(store, "B", noise(10))
    await oracle.barrier(store)
    await oracle.put(store, "B", noise(20))


async def crowded(store: ChunkStore, oracle: Oracle) -> None:
    """Many files that all go into one folder, so that their names are synced otherwise than their bytes."""
    for data in in_one_folder():
        await oracle.put(store, "A", data)
    await oracle.barrier(store)


@cache
def in_one_folder() -> list[bytes]:
    """Return ten chunks whose ids begin alike."""
    chunks = (noise(1) + number.to_bytes(4, "big") for number in itertools.count())
    return list(itertools.islice((data for data in chunks if id_of(data)[0] == 0), 10))


@pytest.fixture(params=Mode, ids=lambda mode: mode.value)
async def installed(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[SimDisk, Path]:
    """A disk with an empty store that was closed well."""
    folder = tmp_path / "template"
    (folder / "store").mkdir(parents=True)
    disk = SimDisk(folder, request.param)
    async with opened(folder / "store", disk):
        pass
    return disk, tmp_path


async def run_until_cut(folder: Path, disk: SimDisk, script: Script, call: int) -> tuple[Oracle, bool]:
    """Run a script on an open store and cut the power at a call; return what it knows and whether it was cut off."""
    oracle = Oracle()
    async with opened(folder, disk) as store:
        disk.cut_power_at(call)
        with contextlib.suppress(StorageError, OSError):
            await script(store, oracle)
        cut_off = len(disk.trace) >= call
    return oracle, cut_off


async def check(folder: Path, disk: SimDisk, oracle: Oracle) -> None:
    """Assert that the disk as found holds the promise, by itself and after recovery."""
    findings = list(verify_store(folder, disk=disk, content=True))
    assert {finding.problem for finding in findings} <= {Problem.STRAY}, findings
    async with opened(folder, disk, open_claims=CLAIMS, clean=False) as store:
        present = await store.present(oracle.sent)
        assert oracle.durable <= present
        for chunk_id in present:
            assert await store.read(chunk_id) == oracle.sent[chunk_id]
        for data in oracle.sent.values():  # the client sends all again
            await put(store, "A", data)
        await store.barrier(CLAIMS)
        assert await store.present(oracle.sent) == oracle.sent.keys()
    assert disk.list_(folder / "staging") == []


@pytest.mark.parametrize("script", [few, many, crowded], ids=lambda script: script.__name__)
async def test_power_cut_at_every_call_loses_nothing_acknowledged(
    installed: tuple[SimDisk, Path], script: Script
) -> None:
    template, tmp_path = installed
    for call in range(MOST_CALLS):
        folder = tmp_path / str(call)
        disk = template.copy(folder)
        oracle, cut_off = await run_until_cut(folder / "store", disk, script, call)

        await check(folder / "store", disk.crash(seed=call), oracle)

        if not cut_off:
            return
    pytest.fail("the script makes more calls than were tried")


@pytest.mark.parametrize("seed", range(12))
async def test_power_cut_after_a_barrier_loses_nothing_whatever_the_disk_drops(
    installed: tuple[SimDisk, Path], seed: int
) -> None:
    template, tmp_path = installed
    for script in (few, many, crowded):
        folder = tmp_path / script.__name__
        disk = template.copy(folder)
        oracle, _ = await run_until_cut(folder / "store", disk, script, MOST_CALLS)

        await check(folder / "store", disk.crash(seed), oracle)


@pytest.mark.parametrize("mode", Mode, ids=lambda mode: mode.value)
async def test_power_cut_while_a_store_is_made_leaves_a_store_or_none(tmp_path: Path, mode: Mode) -> None:
    for call, seed in [(call, call) for call in range(0, 280, 40)] + [
        (call, seed) for call in AT_MARK for seed in "abc"
    ]:
        folder = tmp_path / f"{call} {seed}"
        (folder / "store").mkdir(parents=True)
        disk = SimDisk(folder, mode)
        disk.cut_power_at(call)
        with contextlib.suppress(StorageError, OSError):
            async with opened(folder / "store", disk):
                pass

        await check_new(folder / "store", disk.crash(seed))


def calls_at_mark() -> range:
    """Return the calls around the one that makes the mark of a finished store visible."""
    with tempfile.TemporaryDirectory() as folder:
        disk = SimDisk(Path(folder))
        LocalMedium.install(Path(folder) / "store", disk)
    mark = [call for call, _ in disk.trace].index("rename")
    return range(mark - 6, mark + 5)


AT_MARK = calls_at_mark()


async def check_new(folder: Path, disk: SimDisk) -> None:
    """Assert that a store can be made or opened and keeps its promise."""
    oracle = Oracle()
    async with opened(folder, disk, open_claims=CLAIMS, clean=False) as store:
        for data in (noise(1), noise(2)):
            await oracle.put(store, "A", data)
        await oracle.barrier(store)
    await check(folder, disk.crash(seed=1), oracle)


@pytest.mark.parametrize("call", range(1, 12))
@pytest.mark.parametrize("seed", range(3))
async def test_what_is_found_after_a_kill_survives_a_power_cut_from_then_on(
    installed: tuple[SimDisk, Path], call: int, seed: int
) -> None:
    template, tmp_path = installed
    disk = template.copy(tmp_path / "kill")
    folder = tmp_path / "kill" / "store"
    oracle, _ = await run_until_cut(folder, disk, few, call)
    disk.revive()
    async with opened(folder, disk, open_claims=CLAIMS, clean=False) as store:
        oracle.durable |= await store.present(oracle.sent)
        disk.cut_power_at(0)

    await check(folder, disk.crash(seed), oracle)


async def test_received_chunks_of_open_uploads_survive_a_kill_without_a_barrier(
    installed: tuple[SimDisk, Path],
) -> None:
    template, tmp_path = installed
    disk = template.copy(tmp_path / "kill")
    folder = tmp_path / "kill" / "store"
    oracle = Oracle()
    async with opened(folder, disk) as store:
        for claim, number in (("A", 1), ("A", 2), ("gone", 3)):
            await oracle.put(store, claim, noise(number))
        found = disk.copy(tmp_path / "after")  # a killed process loses nothing that it had written

    async with opened(tmp_path / "after" / "store", found, open_claims=CLAIMS, clean=False) as store:
        after_restart = await store.present(oracle.sent), await store.claimed(["A"], oracle.sent)
    crashed = found.crash(seed=3)
    async with opened(tmp_path / "after" / "store", crashed, open_claims=CLAIMS, clean=False) as store:
        after_power_cut = await store.present(oracle.sent)

    mine = {id_of(noise(1)), id_of(noise(2))}
    assert after_restart == (mine, mine)
    assert after_power_cut == mine


@pytest.mark.parametrize(("claim", "kept"), [("A", True), ("gone", False)])
async def test_files_of_a_barrier_that_was_cut_before_its_rows_are_adopted_or_removed(
    installed: tuple[SimDisk, Path], claim: str, *, kept: bool
) -> None:
    template, tmp_path = installed
    disk = template.copy(tmp_path / "cut")
    async with opened(tmp_path / "cut" / "store", disk) as store:
        chunk_id = await put(store, claim, noise(1))
        disk.fail("commit", 0, errno.EIO)
        with pytest.raises(StoreFailedError):
            await store.barrier([claim])
    found = disk.copy(tmp_path / "after")
    folder = tmp_path / "after" / "store"
    before = [finding.problem for finding in verify_store(folder, disk=found, content=True)]

    async with opened(folder, found, open_claims=CLAIMS, clean=False) as store:
        present = await store.present([chunk_id])

    assert before == []  # for the check, it is a barrier under way
    assert present == ({chunk_id} if kept else set())
    files = [name for path in chunk_folders(folder) for name in found.list_(path)]
    assert files == ([chunk_id.hex()] if kept else [])


def chunk_folders(folder: Path) -> list[Path]:
    digits = "0123456789abcdef"
    return [folder / "chunks" / first / second for first in digits for second in digits]


async def test_a_put_of_known_bytes_does_not_touch_what_is_there(installed: tuple[SimDisk, Path]) -> None:
    template, tmp_path = installed
    disk = template.copy(tmp_path / "known")
    async with opened(tmp_path / "known" / "store", disk) as store:
        chunk_id = await put(store, "A", noise(1))
        await store.barrier(["A"])
        disk.trace.clear()

        await store.put("B", chunk_id, len(noise(1)), [noise(1)], WireEncoding.IDENTITY)
        await store.barrier(["B"])

        assert [call for call, _ in disk.trace if call in {"rename", "fsync", "syncfs", "sync_folder"}] in (
            [],
            ["fsync"],
        )
        assert await store.claimed(["B"], [chunk_id]) == {chunk_id}
    assert (tmp_path / "known" / "store" / INDEX_NAME).exists()
