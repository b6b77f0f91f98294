"""The way of unused chunks out of a store: what a put, a kill or a power cut does to one at each step of it."""

import errno
import random
from collections.abc import Iterable
from operator import methodcaller
from pathlib import Path

import pytest

from storage.base import Blob, ChunkId, ChunkState, Encoding
from storage.disposal import BUCKETS, Freed
from storage.errors import StorageError
from storage.index import IndexStates
from storage.local import LocalMedium
from storage.store import INDEX_NAME, ChunkStore
from storage.unused import Held
from storage.verify import verify_store
from tests.simdisk import Mode, SimDisk
from tests.storage.makers import FILE_SIZE, id_of, noise, opened, put

CLAIM = "upload"
LEAST_CALLS, MOST_CALLS = 5, 100
DATA = noise(1)
CHUNK = id_of(DATA)


@pytest.fixture
def disk(tmp_path: Path) -> SimDisk:
    (tmp_path / "store").mkdir()
    return SimDisk(tmp_path)


async def keep(store: ChunkStore, *chunks: bytes) -> list[ChunkId]:
    """Put chunks durably, and let nobody claim them."""
    ids = [await put(store, CLAIM, data) for data in chunks]
    await store.barrier([CLAIM])
    await store.disposal.end_claims([CLAIM])
    return ids


async def condemn(store: ChunkStore, ids: Iterable[ChunkId], *, is_judged: bool = True) -> None:
    """Take chunks as far as they can go without being removed."""
    wanted = list(ids)
    await store.disposal.note(found=wanted, used=[], run_s=1)
    await store.disposal.condemn(wanted)
    if is_judged:
        await store.disposal.judge(gone=wanted, used=[], now_s=2, basis="here")


async def remove(store: ChunkStore) -> Freed:
    """Remove all that is judged."""
    freed = Freed()
    while (some := await store.disposal.remove(2)).chunks:
        freed += some
    return freed


async def held(store: ChunkStore) -> dict[ChunkId, Held]:
    """Return all that the index has."""
    return {chunk.chunk_id: chunk for n in range(BUCKETS) for chunk in await store.disposal.page(n, b"")}


def files_of(disk: SimDisk, folder: Path) -> list[str]:
    medium = LocalMedium(folder, disk)
    return [file.name for first in range(256) for file in medium.objects(first)]


@pytest.mark.parametrize("data", [DATA, noise(2, 900)], ids=["file", "row"])
async def test_removed_chunk_leaves_nothing(tmp_path: Path, disk: SimDisk, data: bytes) -> None:
    async with opened(tmp_path / "store", disk) as store:
        (chunk_id,) = await keep(store, data)
        await condemn(store, [chunk_id])

        freed = await remove(store)

        assert freed == Freed(1, len(data))
        assert (await held(store), files_of(disk, tmp_path / "store")) == ({}, [])


@pytest.mark.parametrize("is_judged", [False, True], ids=["condemned", "judged"])
@pytest.mark.parametrize("data", [DATA, noise(2, 900), DATA.hex().encode()], ids=["file", "row", "compressed"])
async def test_put_on_the_way_out_keeps_the_chunk(
    tmp_path: Path, disk: SimDisk, data: bytes, *, is_judged: bool
) -> None:
    async with opened(tmp_path / "store", disk) as store:
        (chunk_id,) = await keep(store, data)
        await condemn(store, [chunk_id], is_judged=is_judged)
        assert await store.present([chunk_id]) == set()

        await put(store, "another", data)
        await store.barrier(["another"])
        await store.disposal.judge(gone=[chunk_id], used=[], now_s=2, basis="here")

        assert await remove(store) == Freed()
        assert await store.present([chunk_id]) == {chunk_id}
        assert await store.read(chunk_id) == data


async def test_put_that_fails_leaves_a_condemned_chunk_its_bytes(tmp_path: Path, disk: SimDisk) -> None:
    """It may be lifted yet, so the file in place is not the failed put's to take back."""
    async with opened(tmp_path / "store", disk) as store:
        (chunk_id,) = await keep(store, DATA)
        await condemn(store, [chunk_id], is_judged=False)
        await put(store, "another", DATA)
        await put(store, "another", noise(3))
        disk.fail("fsync", 0, errno.EIO)
        with pytest.raises(StorageError):
            await store.barrier(["another"])

        await store.disposal.judge(gone=[], used=[chunk_id], now_s=2, basis="here")

        assert await store.read(chunk_id) == DATA


async def test_chunk_that_was_removed_can_be_put_anew(tmp_path: Path, disk: SimDisk) -> None:
    async with opened(tmp_path / "store", disk) as store:
        await condemn(store, await keep(store, DATA))
        await remove(store)

        (chunk_id,) = await keep(store, DATA)

        assert await store.read(chunk_id) == DATA


async def test_chunk_that_is_claimed_is_taken_off_the_way_out(tmp_path: Path, disk: SimDisk) -> None:
    async with opened(tmp_path / "store", disk) as store:
        ids = await keep(store, DATA)
        await store.disposal.note(found=ids, used=[], run_s=1)

        await put(store, "another", DATA)
        await store.barrier(["another"])
        await store.disposal.condemn(ids)

        assert await store.present(ids) == set(ids)


async def test_start_lifts_what_was_condemned(tmp_path: Path, disk: SimDisk) -> None:
    async with opened(tmp_path / "store", disk) as store:
        ids = await keep(store, DATA, noise(2))
        await condemn(store, ids[:1])
        await condemn(store, ids[1:], is_judged=False)

    async with opened(tmp_path / "store", disk) as store:
        assert await store.present(ids) == set(ids)
        assert await remove(store) == Freed()
        assert [chunk.found_s for chunk in (await held(store)).values()] == [1, 1]


@pytest.mark.parametrize("is_removing", [False, True], ids=["judged", "removing"])
async def test_older_index_put_back_lets_nothing_go_that_was_put_anew_since(
    tmp_path: Path, disk: SimDisk, *, is_removing: bool
) -> None:
    folder = tmp_path / "store"
    async with opened(folder, disk) as store:
        await condemn(store, await keep(store, DATA))
        if is_removing:
            disk.fail("unlink", 0, errno.EIO)
            with pytest.raises(StorageError):
                await remove(store)
    older = (folder / INDEX_NAME).read_bytes()
    async with opened(folder, disk) as store:
        await keep(store, DATA)
    put_back(folder, older)

    async with opened(folder, disk) as store:
        assert await remove(store) == Freed()
        assert await store.read(CHUNK) == DATA


@pytest.mark.parametrize("is_cut_short", [False, True], ids=["no file", "half a file"])
async def test_put_of_a_chunk_whose_file_was_lost_brings_it_back(
    tmp_path: Path, disk: SimDisk, *, is_cut_short: bool
) -> None:
    """As where an index was put back that is older than a removal."""
    folder = tmp_path / "store"
    async with opened(folder, disk) as store:
        await keep(store, DATA)
        path = LocalMedium(folder, disk).path_of(Blob.of(CHUNK, Encoding.RAW))
        disk.unlink(path)
        if is_cut_short:
            disk.write(disk.create(path), [DATA[:100]])

        await keep(store, DATA)

        assert await store.read(CHUNK) == DATA
        assert [found.problem for found in verify_store(folder, disk=disk, content=True)] == []


def put_back(folder: Path, index: bytes) -> None:
    """Replace the index of a store that is closed by an older copy."""
    for path in folder.glob(f"{INDEX_NAME}*"):
        path.unlink()
    (folder / INDEX_NAME).write_bytes(index)


async def test_fsck_counts_a_chunk_as_lost_only_once_it_is_judged(tmp_path: Path, disk: SimDisk) -> None:
    states = IndexStates(tmp_path / "store" / INDEX_NAME)
    async with opened(tmp_path / "store", disk) as store:
        ids = await keep(store, DATA)
        await condemn(store, ids, is_judged=False)
        assert states.kept(ids) == set(ids)

        await store.disposal.judge(gone=ids, used=[], now_s=2, basis="here")

        assert states.kept(ids) == set()
    states.close()


async def test_removal_that_fails_is_done_by_the_next(tmp_path: Path, disk: SimDisk) -> None:
    async with opened(tmp_path / "store", disk) as store:
        await condemn(store, await keep(store, DATA, noise(2)))
        disk.fail("unlink", 1, errno.EIO)
        with pytest.raises(StorageError):
            await remove(store)

        freed = await remove(store)

        assert (freed.chunks, await held(store)) == (2, {})


async def test_removal_that_fails_leaves_its_chunks_to_be_put_anew(tmp_path: Path, disk: SimDisk) -> None:
    async with opened(tmp_path / "store", disk) as store:
        await condemn(store, await keep(store, DATA, noise(2)))
        disk.fail("unlink", 1, errno.EIO)
        with pytest.raises(StorageError):
            await remove(store)

        again = await keep(store, DATA, noise(2))

        assert await remove(store) == Freed()
        assert [await store.read(chunk_id) for chunk_id in again] == [DATA, noise(2)]


async def test_damaged_chunk_that_nobody_uses_goes_with_what_was_set_aside_of_it(tmp_path: Path, disk: SimDisk) -> None:
    folder = tmp_path / "store"
    async with opened(folder, disk) as store:
        ids = await keep(store, DATA)
    path = LocalMedium(folder, disk).path_of(Blob.of(CHUNK, Encoding.RAW))
    disk.unlink(path)
    disk.write(disk.create(path), [b"wrong"])
    async with opened(folder, disk, clean=False) as store:
        assert (await held(store))[CHUNK].state is ChunkState.DAMAGED
        await condemn(store, ids, is_judged=False)
        await store.disposal.judge(gone=[], used=ids, now_s=2, basis="here")
        assert await store.present(ids) == set()

        await condemn(store, ids)
        await remove(store)

        assert (await held(store), disk.list_(folder / "quarantine")) == ({}, [])


async def test_stray_goes_and_a_file_that_a_row_names_stays(tmp_path: Path, disk: SimDisk) -> None:
    folder = tmp_path / "store"
    async with opened(folder, disk) as store:
        await keep(store, DATA)
        medium = LocalMedium(folder, disk)
        for path in (medium.path_of(Blob.of(CHUNK, Encoding.ZSTD)), medium.folder(CHUNK[0]) / "no chunk"):
            disk.write(disk.create(path), [b"stray"])
        strays = await store.disposal.strays(CHUNK[0])
        await store.disposal.note_strays(strays, 5)
        strays = await store.disposal.strays(CHUNK[0])

        freed = await store.disposal.remove_strays(strays)

        assert [stray.found_s for stray in strays] == [5]
        assert freed == Freed(1, 5)
        assert sorted(files_of(disk, folder)) == sorted([CHUNK.hex(), "no chunk"])
        assert await store.disposal.strays(CHUNK[0]) == []


async def test_stray_that_a_row_came_to_name_stays(tmp_path: Path, disk: SimDisk) -> None:
    """As one does that was seen while a barrier had put it into place and not written its row."""
    async with opened(tmp_path / "store", disk) as store:
        path = LocalMedium(tmp_path / "store", disk).path_of(Blob.of(CHUNK, Encoding.RAW))
        disk.write(disk.create(path), [DATA])
        strays = await store.disposal.strays(CHUNK[0])
        await keep(store, DATA)

        assert await store.disposal.remove_strays(strays) == Freed()
        assert await store.read(CHUNK) == DATA


@pytest.mark.parametrize("mode", Mode, ids=lambda mode: mode.value)
async def test_power_cut_at_every_call_of_a_removal_leaves_a_chunk_whole_or_nothing_of_it(
    tmp_path: Path, mode: Mode
) -> None:
    chunks = [noise(number) for number in range(3)] + [noise(9, 900)]
    for number in range(MOST_CALLS):
        is_over = False
        for cut in ("cut_power_at", "cut_power_after"):
            folder = tmp_path / f"{number}-{cut}"
            (folder / "store").mkdir(parents=True)
            disk = SimDisk(folder, mode)
            async with opened(folder / "store", disk) as store:
                kept, *leaving = await keep(store, *chunks)
            try:
                async with opened(folder / "store", disk) as store:
                    await condemn(store, leaving)
                    methodcaller(cut, number)(disk)
                    await remove(store)
            except (StorageError, OSError):
                pass
            is_over = not disk.is_off
            found = disk.crash(number)

            async with opened(folder / "store", found, clean=False) as store:
                problems = [f.problem for f in verify_store(folder / "store", disk=found, content=True)]
                assert problems == [], f"the power was cut at call {number}"
                assert kept in await held(store)
                await condemn(store, [chunk_id for chunk_id in await held(store) if chunk_id != kept])
                await remove(store)
                assert files_of(found, folder / "store") == [kept.hex()]
        if is_over:
            assert number > LEAST_CALLS
            return
    raise AssertionError("the removal made more calls than can be")


@pytest.mark.parametrize("seed", range(6))
async def test_any_order_of_puts_and_steps_and_stops_keeps_what_is_used(
    tmp_path: Path, disk: SimDisk, seed: int
) -> None:
    chance = random.Random(seed)  # noqa: S311 - a failure must come back with its seed
    data = {id_of(chunk): chunk for chunk in [noise(n, FILE_SIZE if n % 2 else 900) for n in range(8)]}
    used: set[ChunkId] = set()
    clean = True
    for _ in range(12):
        async with opened(tmp_path / "store", disk, clean=clean) as store:
            for _ in range(chance.randrange(25)):
                await one_step(store, chance, used, data)
                assert used <= await store.present(list(data))
            clean = chance.random() < 0.5
        disk.revive()
    async with opened(tmp_path / "store", disk) as store:
        for chunk_id in used:
            assert await store.read(chunk_id) == data[chunk_id]
        assert [found.problem for found in verify_store(tmp_path / "store", disk=disk, content=True)] == []


async def one_step(store: ChunkStore, chance: random.Random, used: set[ChunkId], data: dict[ChunkId, bytes]) -> None:
    """Do one thing: who uses a chunk puts it, or finds it present; a collector is told the truth when it judges."""
    some = chance.sample(list(data), chance.randint(1, 4))
    idle = [chunk_id for chunk_id in some if chunk_id not in used]
    step = chance.randrange(6)
    if step == 0:
        for chunk_id in some:
            await put(store, CLAIM, data[chunk_id])
        await store.barrier([CLAIM])
        await store.disposal.end_claims([CLAIM])
        used |= set(some)
    elif step == 1:
        used |= await store.present(some)
    elif step == 2:
        used -= set(some)
    elif step == 3:
        await store.disposal.note(found=idle, used=[], run_s=1)
    elif step == 4:
        seen = await store.present(idle[:1])  # by a commit that comes just before
        await store.disposal.condemn(idle)
        gone = [chunk_id for chunk_id in idle if chunk_id not in seen]
        await store.disposal.judge(gone=gone, used=seen, now_s=2, basis="here")
        used |= seen
    else:
        await store.disposal.remove(2)
