"""What a store promises holds over every medium: files of this machine, and buckets of real object servers."""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from storage import rows
from storage.base import INLINE_MAX, MAX_CHUNK, Backend, Blob, ChunkId, Encoding, Place, WireEncoding
from storage.disk import LocalDisk
from storage.disposal import Freed
from storage.errors import BadStoreError, ChunkAbsentError, ChunkDamagedError, StoreUnavailableError
from storage.index import IndexStates
from storage.local import LocalMedium
from storage.medium import Medium
from storage.s3.medium import S3Medium
from storage.store import INDEX_NAME, ChunkStore, OpenMedium
from storage.verify import Finding, Problem, verify_store
from tests.storage.conftest import Servers
from tests.storage.makers import id_of, noise, opened, put

TEXT = b"words and more words, " * 20_000
SMALL = 900


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "store"


@asynccontextmanager
async def store_in(
    folder: Path, open_medium: OpenMedium, *claims: str, clean: bool = True
) -> AsyncIterator[ChunkStore]:
    async with opened(folder, LocalDisk(), open_medium=open_medium, open_claims=claims, clean=clean) as store:
        yield store


@contextlib.contextmanager
def medium_of(folder: Path, open_medium: OpenMedium) -> Iterator[Medium]:
    with contextlib.closing(open_medium(folder, LocalDisk())) as medium:
        yield medium


async def keep(store: ChunkStore, *chunks: bytes) -> list[ChunkId]:
    ids = [await put(store, "u", data) for data in chunks]
    await store.barrier(["u"])
    return ids


async def let_go(store: ChunkStore, ids: list[ChunkId]) -> Freed:
    """Take chunks through all the steps on their way out, and packs too."""
    freed = await let_go_rows(store, ids)
    await store.disposal.shrink()
    return freed


async def let_go_rows(store: ChunkStore, ids: list[ChunkId]) -> Freed:
    await store.disposal.end_claims(["u"])
    await store.disposal.note(found=ids, used=[], run_s=1)
    await store.disposal.condemn(ids)
    await store.disposal.judge(gone=ids, used=[], now_s=2, basis="here")
    return await store.disposal.remove(2)


def objects_of(folder: Path, open_medium: OpenMedium) -> list[str]:
    with medium_of(folder, open_medium) as medium:
        if isinstance(medium, S3Medium):  # one listing, and not one for each folder
            return [key.rpartition("/")[2] for key in medium._client.keys("objects/")]  # noqa: SLF001
        return [file.name for first in range(256) for file in medium.objects(first)]


def check(folder: Path, open_medium: OpenMedium) -> list[Finding]:
    return list(verify_store(folder, disk=LocalDisk(), content=True, open_medium=open_medium))


def places_of(folder: Path, ids: list[ChunkId]) -> set[Place]:
    with contextlib.closing(IndexStates(folder / INDEX_NAME)) as states:
        return {row.place for row in states.run(lambda connection: rows.find(connection, ids)).values()}


async def test_what_was_put_reads_back_now_and_after_a_stop(folder: Path, open_medium: OpenMedium) -> None:
    chunks = [noise(n, size) for n, size in enumerate((1, INLINE_MAX, INLINE_MAX + 1, 1 << 20, MAX_CHUNK))] + [TEXT]
    async with store_in(folder, open_medium) as store:
        ids = [await put(store, "u", data) for data in chunks]
        before = await store.present(ids)
        await store.barrier(["u"])

        assert before == set()
        assert await store.present([*ids, id_of(b"absent")]) == set(ids)
        assert [await store.read(chunk_id) for chunk_id in ids] == chunks

    async with store_in(folder, open_medium) as store:
        assert await store.read_many(ids) == dict(zip(ids, chunks, strict=True))
        with pytest.raises(ChunkAbsentError):
            await store.read(id_of(b"absent"))
    assert check(folder, open_medium) == []


async def test_stored_form_that_is_fetched_is_the_one_that_was_sent(folder: Path, open_bucket: OpenMedium) -> None:
    import zstandard  # noqa: PLC0415 - for this test alone

    data = os.urandom(200_000).hex().encode()
    frame = zstandard.compress(data)
    async with store_in(folder, open_bucket) as store:
        await store.put("u", id_of(data), len(data), [frame], WireEncoding.ZSTD)
        await store.barrier(["u"])

        (lying,) = await store.locate([id_of(data)])
        fetched = await store.fetch(lying)

    assert (lying.path, lying.data, lying.encoding) == (None, None, Encoding.ZSTD)
    assert fetched.data == frame


async def test_chunk_put_twice_is_kept_once(folder: Path, open_medium: OpenMedium) -> None:
    async with store_in(folder, open_medium) as store:
        await keep(store, noise(1))
        await put(store, "v", noise(1))
        await put(store, "w", noise(1))
        await store.barrier(["v", "w"])

        assert await store.claimed(["w"], [id_of(noise(1))]) == {id_of(noise(1))}
    assert objects_of(folder, open_medium) == [id_of(noise(1)).hex()]
    assert list((folder / "staging").iterdir()) == []


def spoil(medium: Medium, blob: Blob) -> None:
    medium.put(blob, b"x" + medium.read(blob)[1:])


def cut_short(medium: Medium, blob: Blob) -> None:
    medium.put(blob, medium.read(blob)[:-1])


def take_away(medium: Medium, blob: Blob) -> None:
    medium.remove([blob])


@pytest.mark.parametrize(
    ("harm", "problem"),
    [(spoil, Problem.CONTENT), (cut_short, Problem.SIZE), (take_away, Problem.MISSING)],
    ids=["spoilt", "cut short", "gone"],
)
async def test_harmed_object_is_found_told_and_never_given_out(
    folder: Path, open_bucket: OpenMedium, harm: Callable[[Medium, Blob], None], problem: Problem
) -> None:
    async with store_in(folder, open_bucket) as store:
        (chunk_id,) = await keep(store, noise(1))
        with medium_of(folder, open_bucket) as medium:
            harm(medium, Blob.of(chunk_id, Encoding.RAW))

        with pytest.raises(ChunkDamagedError):
            await store.read(chunk_id)
        assert [found.problem for found in check(folder, open_bucket)] == [problem]
        if harm is not spoil:  # what has its length is only found by who reads it
            await keep(store, noise(1))
            assert await store.read(chunk_id) == noise(1)


async def test_bucket_that_was_emptied_takes_and_damages_nothing_until_it_is_put_back(
    folder: Path, open_bucket: OpenMedium
) -> None:
    async with store_in(folder, open_bucket) as store:
        (chunk_id,) = await keep(store, noise(1))
        with medium_of(folder, open_bucket) as medium:
            assert isinstance(medium, S3Medium)
            client = medium._client  # noqa: SLF001 - there is no call of a medium that empties it
            kept = {key: client.get(key) for key in client.keys("")}
            client.delete(list(kept))

            with pytest.raises(StoreUnavailableError):
                await store.read(chunk_id)
            with pytest.raises(StoreUnavailableError):
                await put(store, "u", noise(2))

            for key, content in kept.items():
                client.put(key, content)
        async with asyncio.timeout(30):
            while not is_ready(store):  # noqa: ASYNC110 - what happens by itself has nobody to set an event
                await asyncio.sleep(0.02)
        assert await store.read(chunk_id) == noise(1)


def is_ready(store: ChunkStore) -> bool:
    try:
        store.require()
    except StoreUnavailableError:
        return False
    return True


async def test_unused_chunks_and_strays_go_and_used_ones_stay(folder: Path, open_medium: OpenMedium) -> None:
    async with store_in(folder, open_medium) as store:
        ids = await keep(store, noise(1), noise(2), noise(3, SMALL))
        with medium_of(folder, open_medium) as medium:
            medium.put(Blob.of(id_of(b"stray"), Encoding.ZSTD), b"stray")
        strays = await store.disposal.strays(id_of(b"stray")[0])

        assert await let_go(store, ids[1:]) == Freed(2, len(noise(2)) + SMALL)
        assert await store.disposal.remove_strays(strays) == Freed(1, 5)
        assert await store.present(ids) == {ids[0]}
        assert await store.read(ids[0]) == noise(1)
    assert objects_of(folder, open_medium) == [ids[0].hex()]
    assert check(folder, open_medium) == []


async def test_small_chunks_become_packs_and_give_their_room_back(
    folder: Path, open_gathering: OpenMedium, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rows, "PACK_SIZE", 20 * SMALL)
    chunks = {id_of(data): data for data in (noise(number, SMALL) for number in range(50))}
    ids = list(chunks)
    async with store_in(folder, open_gathering) as store:
        await keep(store, *chunks.values())
        await store.packs.fill()

        assert (places_of(folder, ids[:40]), places_of(folder, ids[40:])) == ({Place.PACK}, {Place.ROW})
        assert await store.read_many(ids) == chunks
        assert await store.read(ids[7]) == chunks[ids[7]]
        assert len(objects_of(folder, open_gathering)) == 2

        await let_go(store, ids[:15])  # of 20 in the first pack, so that less than half is left
        left = dict(list(chunks.items())[15:])

        assert places_of(folder, ids[15:20]) == {Place.ROW}
        assert len(objects_of(folder, open_gathering)) == 1
        assert await store.read_many(ids) == left

        await let_go(store, ids[20:40])
        assert objects_of(folder, open_gathering) == []
        await keep(store, *chunks.values())
        assert await store.read_many(ids) == chunks
    assert check(folder, open_gathering) == []


async def test_chunk_of_a_pack_that_was_lost_is_told_and_comes_back_with_a_put(
    folder: Path, open_gathering: OpenMedium, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rows, "PACK_SIZE", 5 * SMALL)
    chunks = [noise(number, SMALL) for number in range(5)]
    async with store_in(folder, open_gathering) as store:
        ids = await keep(store, *chunks)
        await store.packs.fill()
        with medium_of(folder, open_gathering) as medium:
            (found,) = (file.blob for first in range(256) for file in medium.objects(first))
            assert found is not None
            medium.remove([found])

        with pytest.raises(ChunkDamagedError):
            await store.read(ids[0])
        assert await store.read_many(ids) == {}
        await keep(store, chunks[0])
        assert await store.read_many(ids) == {ids[0]: chunks[0]}


async def test_chunk_that_came_where_another_has_left_meanwhile_is_not_taken_for_it_in_a_pack(
    folder: Path, servers: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rows, "PACK_SIZE", 5 * SMALL)
    async with store_in(folder, servers.medium("local packs")) as store:
        ids = await keep(store, *(noise(number, SMALL) for number in range(5)))
        put_pack = store.packs._medium.put  # noqa: SLF001 - what comes between the put of a pack and its name
        loop = asyncio.get_running_loop()

        async def replaced() -> None:
            await let_go_rows(store, ids[4:])
            await keep(store, noise(9, SMALL))

        def slowly(blob: Blob, content: bytes) -> None:
            put_pack(blob, content)
            asyncio.run_coroutine_threadsafe(replaced(), loop).result()

        monkeypatch.setattr(store.packs._medium, "put", slowly)  # noqa: SLF001 - as above
        await store.packs.fill()

        assert await store.read(id_of(noise(9, SMALL))) == noise(9, SMALL)
        assert places_of(folder, ids[:4]) == {Place.PACK}


async def test_chunk_that_leaves_its_pack_is_found_by_who_had_located_it(
    folder: Path, open_gathering: OpenMedium, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rows, "PACK_SIZE", 5 * SMALL)
    async with store_in(folder, open_gathering) as store:
        ids = await keep(store, *(noise(number, SMALL) for number in range(5)))
        await store.packs.fill()
        (located,) = await store.locate([ids[4]])

        await let_go(store, ids[:4])

        assert await store.load(located) == noise(4, SMALL)
        assert (await store.fetch(located)).data == noise(4, SMALL)


async def test_received_chunks_outlive_a_kill_if_their_upload_is_open(folder: Path, open_medium: OpenMedium) -> None:
    kept, dropped = noise(1), noise(2)
    async with store_in(folder, open_medium) as store:
        pass
    for claim, data in (("open", kept), ("over", dropped)):
        (folder / "staging" / f"{claim}.{id_of(data).hex()}.0").write_bytes(data)

    async with store_in(folder, open_medium, "open", clean=False) as store:
        assert await store.claimed(["open"], [id_of(kept)]) == {id_of(kept)}
        assert await store.read(id_of(kept)) == kept
        assert await store.present([id_of(dropped)]) == set()
    assert list((folder / "staging").iterdir()) == []


async def test_bucket_of_another_store_is_refused(folder: Path, tmp_path: Path, open_bucket: OpenMedium) -> None:
    async with store_in(folder, open_bucket):
        pass

    with pytest.raises(BadStoreError, match="another Cairn"):
        async with store_in(tmp_path / "second", open_bucket):
            pass


async def test_bucket_without_the_mark_that_it_had_is_refused(folder: Path, open_bucket: OpenMedium) -> None:
    async with store_in(folder, open_bucket) as store:
        await keep(store, noise(1))
        medium = store._medium.of(Backend.S3)  # noqa: SLF001 - of the same bucket
        assert isinstance(medium, S3Medium)
        medium._client.delete(["cairn-store.json"])  # noqa: SLF001

    with pytest.raises(BadStoreError, match="mark of this store"):
        async with store_in(folder, open_bucket):
            pass


async def test_chunks_are_not_looked_for_where_they_are_not(
    folder: Path, tmp_path: Path, open_bucket: OpenMedium
) -> None:
    async with store_in(folder, open_bucket):
        pass
    with pytest.raises(BadStoreError, match="bucket"):
        async with store_in(folder, LocalMedium.open):
            pass

    async with store_in(tmp_path / "files", LocalMedium.open):
        pass
    with pytest.raises(BadStoreError, match="local"):
        async with store_in(tmp_path / "files", open_bucket):
            pass


async def test_index_that_is_gone_is_not_made_anew_beside_its_chunks(folder: Path, open_medium: OpenMedium) -> None:
    async with store_in(folder, open_medium) as store:
        await keep(store, noise(1))
    (folder / INDEX_NAME).unlink()

    with pytest.raises(BadStoreError, match="put it back"):
        async with store_in(folder, open_medium):
            pass
