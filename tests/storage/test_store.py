"""The store on a real disk: what is received, what exists, what is read, and what is refused."""

import asyncio
import gzip
import shutil
import sqlite3
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
import zstandard

from storage import index, received
from storage.base import INLINE_MAX, MAX_CHUNK, ChunkId, ChunkState, Encoding, WireEncoding
from storage.disk import LocalDisk
from storage.errors import (
    BadStoreError,
    ChunkAbsentError,
    ChunkDamagedError,
    ChunkMismatchError,
    StoreFailedError,
    StoreUnavailableError,
)
from storage.store import INDEX_NAME, ChunkStore
from tests.storage.makers import FILE_SIZE, id_of, noise, opened, put

TEXT = b"words and words and more words, " * 8000


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "store"


@pytest.fixture
async def store(folder: Path) -> AsyncIterator[ChunkStore]:
    async with opened(folder, LocalDisk()) as store:
        yield store


def files_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def folders_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_dir()]


async def eventually(ask: Callable[[], Awaitable[set[ChunkId]]], expected: set[ChunkId]) -> None:
    """Wait until the store itself has brought the answer about, at most a minute."""
    async with asyncio.timeout(60):
        while await ask() != expected:  # noqa: ASYNC110 - what happens by itself has nobody to set an event
            await asyncio.sleep(0.001)


def set_state(folder: Path, chunk_id: ChunkId, state: ChunkState) -> None:
    """Do to a closed store what the collector and the scrub will do."""
    connection = sqlite3.connect(folder / INDEX_NAME)
    with connection:
        connection.execute("UPDATE chunks SET state = ? WHERE id = ?", (state, chunk_id))
    connection.close()


@pytest.mark.parametrize("size", [1, INLINE_MAX, INLINE_MAX + 1, 1 << 20, MAX_CHUNK])
async def test_a_chunk_exists_after_its_barrier_and_reads_back(store: ChunkStore, size: int) -> None:
    data = noise(1, size)
    chunk_id = await put(store, "u", data)
    before = await store.present([chunk_id])

    await store.barrier(["u"])

    assert before == set()
    assert await store.present([chunk_id, id_of(b"absent")]) == {chunk_id}
    assert await store.read(chunk_id) == data


async def test_small_chunks_are_rows_and_larger_ones_files(store: ChunkStore, folder: Path) -> None:
    small, large, text = noise(1, INLINE_MAX), noise(2, INLINE_MAX + 1), TEXT
    for data in (small, large, text):
        await put(store, "u", data)
    await store.barrier(["u"])

    of_small, of_large, of_text = await store.locate([id_of(small), id_of(large), id_of(text)])

    assert (of_small.path, of_small.data) == (None, small)
    assert of_large.path is not None
    assert of_large.path.read_bytes() == large
    assert of_large.path.relative_to(folder / "chunks").parts[:2] == tuple(id_of(large).hex()[:2])
    assert (of_text.encoding, of_text.size) == (Encoding.ZSTD, len(text))
    assert of_text.stored_size == len(of_text.data or b"")


async def test_files_are_for_the_owner_alone(store: ChunkStore, folder: Path) -> None:
    await put(store, "u", noise(1))
    await store.barrier(["u"])

    modes = {path.stat().st_mode & 0o777 for path in files_in(folder / "chunks")}
    folders = {path.stat().st_mode & 0o777 for path in folders_in(folder)}

    assert (modes, folders) == ({0o600}, {0o700})


@pytest.mark.parametrize(
    ("encoding", "body"),
    [(WireEncoding.ZSTD, zstandard.compress(TEXT)), (WireEncoding.GZIP, gzip.compress(TEXT))],
)
async def test_compressed_bodies_are_the_same_chunk(store: ChunkStore, encoding: WireEncoding, body: bytes) -> None:
    await store.put("u", id_of(TEXT), len(TEXT), [body[:100], body[100:]], encoding)
    await store.barrier(["u"])

    assert await store.read(id_of(TEXT)) == TEXT


@pytest.mark.parametrize(
    ("chunk_id", "size", "body", "encoding"),
    [
        (id_of(b"other"), FILE_SIZE, noise(1), WireEncoding.IDENTITY),
        (id_of(noise(1)), FILE_SIZE - 1, noise(1), WireEncoding.IDENTITY),
        (id_of(noise(1)), FILE_SIZE + 1, noise(1), WireEncoding.IDENTITY),
        (id_of(noise(1)[:-1]), FILE_SIZE, noise(1)[:-1], WireEncoding.IDENTITY),
        (id_of(b""), 0, b"", WireEncoding.IDENTITY),
        (id_of(noise(1)), -1, noise(1), WireEncoding.IDENTITY),
        (id_of(bytes(MAX_CHUNK + 1)), MAX_CHUNK + 1, bytes(MAX_CHUNK + 1), WireEncoding.IDENTITY),
        (id_of(noise(1)), FILE_SIZE, noise(1), WireEncoding.ZSTD),
        (id_of(noise(1)), FILE_SIZE, noise(1), WireEncoding.GZIP),
        (id_of(TEXT), len(TEXT), zstandard.compress(TEXT + b"x"), WireEncoding.ZSTD),
    ],
    ids=[
        "other id",
        "one byte more than said",
        "one byte less than said",
        "cut off",
        "empty",
        "negative",
        "over 8 MiB",
        "no zstd",
        "no gzip",
        "zstd of more",
    ],
)
async def test_wrong_bytes_are_refused_and_leave_nothing(
    store: ChunkStore, folder: Path, chunk_id: ChunkId, size: int, body: bytes, encoding: WireEncoding
) -> None:
    with pytest.raises(ChunkMismatchError):
        await store.put("u", chunk_id, size, [body], encoding)

    assert files_in(folder / "staging") == []
    assert await store.claimed(["u"], [chunk_id]) == set()
    good = await put(store, "u", noise(1))
    await store.barrier(["u"])
    assert await store.read(good) == noise(1)


async def test_wrong_bytes_for_a_known_chunk_leave_it_intact(store: ChunkStore) -> None:
    chunk_id = await put(store, "u", noise(1))
    await store.barrier(["u"])

    with pytest.raises(ChunkMismatchError):
        await store.put("v", chunk_id, FILE_SIZE, [noise(2)], WireEncoding.IDENTITY)

    await store.barrier(["u", "v"])
    assert await store.read(chunk_id) == noise(1)


@pytest.mark.parametrize("claim", ["", "a/b", "..", "a.b", "é", "x" * 129, "a\0"])
async def test_a_claim_that_is_no_word_is_refused(store: ChunkStore, claim: str) -> None:
    with pytest.raises(ValueError, match="claim"):
        await put(store, claim, noise(1))
    with pytest.raises(ValueError, match="claim"):
        await store.put_many(claim, [])


async def test_many_chunks_come_in_one_call(store: ChunkStore) -> None:
    chunks = [noise(number, 100 + number * 997) for number in range(100)]

    stored = await store.put_many("b", [(id_of(data), memoryview(data)) for data in chunks])
    await store.barrier(["b"])

    assert stored == 100
    assert [await store.read(id_of(data)) for data in chunks] == chunks
    assert store.stats().barriers == 1


async def test_of_many_chunks_those_before_a_bad_one_are_kept(store: ChunkStore) -> None:
    good = [noise(number, 500) for number in range(3)]
    frames = [(id_of(data), data) for data in good] + [(id_of(b"x"), b"y"), (id_of(b"z"), b"z")]

    with pytest.raises(ChunkMismatchError) as caught:
        await store.put_many("b", frames)
    await store.barrier(["b"])

    assert (caught.value.stored, caught.value.frame) == (3, 3)
    assert await store.present([chunk_id for chunk_id, _ in frames]) == {id_of(data) for data in good}


async def test_a_view_of_a_larger_body_is_copied_not_kept(store: ChunkStore) -> None:
    body = bytearray(noise(1, 1000))
    await store.put_many("b", [(id_of(bytes(body)), memoryview(body))])
    chunk_id = id_of(bytes(body))

    body[:] = bytes(1000)
    await store.barrier(["b"])

    assert await store.read(chunk_id) == noise(1, 1000)


async def test_a_claim_holds_before_and_after_the_barrier_for_its_own_chunks_alone(store: ChunkStore) -> None:
    ids = [await put(store, claim, noise(number, 1000)) for number, claim in enumerate(("u", "v", "u"))]
    before = await store.claimed(["u"], ids), await store.claimed(["v", "w"], ids)

    await store.barrier(["u"])

    assert before == ({ids[0], ids[2]}, {ids[1]})
    assert (await store.claimed(["u"], ids), await store.claimed(["v", "w"], ids)) == before
    assert await store.claimed([], ids) == set()


async def test_a_chunk_that_another_claim_brought_is_claimed_too_once_it_is_put(store: ChunkStore) -> None:
    chunk_id = await put(store, "u", noise(1))
    await store.barrier(["u"])
    before = await store.claimed(["v"], [chunk_id])

    await put(store, "v", noise(1))
    await store.barrier(["v"])

    assert before == set()
    assert await store.claimed(["v"], [chunk_id]) == {chunk_id}


async def test_dropped_claims_go_with_the_next_barrier(store: ChunkStore) -> None:
    chunk_id = await put(store, "u", noise(1))
    await store.barrier(["u"])
    commits = store.stats().commits

    store.drop_claims(["u"])
    await put(store, "v", noise(2))
    await store.barrier(["v"])

    assert await store.claimed(["u"], [chunk_id]) == set()
    assert await store.present([chunk_id]) == {chunk_id}
    assert store.stats().commits == commits + 1


async def test_dropped_claims_go_by_themselves_soon(folder: Path) -> None:
    async with opened(folder, LocalDisk(), flush_after_s=0.01) as store:
        ids = [await put(store, "u", noise(1))]
        await store.barrier(["u"])

        store.drop_claims(["u"])

        await eventually(lambda: store.claimed(["u"], ids), set())


async def test_claims_of_uploads_that_are_no_longer_open_go_at_the_start(folder: Path) -> None:
    chunk_id = id_of(noise(1))
    async with opened(folder, LocalDisk()) as store:
        for claim in ("a", "b", "c"):
            await put(store, claim, noise(1))
        await store.barrier(["a", "b", "c"])

    async with opened(folder, LocalDisk(), open_claims=("b",)) as store:
        kept = [claim for claim in ("a", "b", "c") if await store.claimed([claim], [chunk_id])]

    assert kept == ["b"]


async def test_a_barrier_without_anything_waiting_does_nothing(store: ChunkStore) -> None:
    await put(store, "u", noise(1))
    before = store.stats()

    await store.barrier(["v"])
    await store.barrier([])

    assert store.stats() == before


async def test_a_barrier_runs_by_itself_after_a_time(folder: Path) -> None:
    async with opened(folder, LocalDisk(), flush_after_s=0.01) as store:
        chunk_id = await put(store, "u", noise(1))

        await eventually(lambda: store.present([chunk_id]), {chunk_id})


@pytest.mark.parametrize(("limit", "size"), [("FILES_SIZE", FILE_SIZE), ("ROWS_SIZE", 1000)])
async def test_a_barrier_runs_by_itself_once_enough_waits(
    store: ChunkStore, monkeypatch: pytest.MonkeyPatch, limit: str, size: int
) -> None:
    monkeypatch.setattr(received, limit, 3 * size)
    ids = [await put(store, "u", noise(number, size)) for number in range(3)]

    await eventually(lambda: store.present(ids), set(ids))


async def test_closing_makes_durable_what_was_received(folder: Path) -> None:
    async with opened(folder, LocalDisk()) as store:
        chunk_id = await put(store, "u", noise(1))

    async with opened(folder, LocalDisk()) as store:
        assert await store.read(chunk_id) == noise(1)


async def test_a_closed_store_refuses(folder: Path) -> None:
    async with opened(folder, LocalDisk()) as store:
        pass

    with pytest.raises(StoreUnavailableError):
        await put(store, "u", noise(1))


async def test_a_put_whose_caller_went_away_leaves_no_stray(store: ChunkStore, folder: Path) -> None:
    task = asyncio.create_task(put(store, "u", noise(1)))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    await put(store, "u", noise(2))
    await store.barrier(["u"])

    staged = {path.name.split(".")[1] for path in files_in(folder / "staging")}
    assert staged <= {id_of(noise(1)).hex()}  # if at all, it is known and waits
    if staged:
        await store.barrier(["u"])
        assert files_in(folder / "staging") == []


@pytest.mark.parametrize("state", [ChunkState.CONDEMNED, ChunkState.REMOVING, ChunkState.DAMAGED])
@pytest.mark.parametrize("data", [noise(1), noise(1, 1000)], ids=["file", "row"])
async def test_a_chunk_that_is_not_ok_is_absent_until_it_is_put_again(
    folder: Path, state: ChunkState, data: bytes
) -> None:
    async with opened(folder, LocalDisk()) as store:
        chunk_id = await put(store, "u", data)
    set_state(folder, chunk_id, state)

    async with opened(folder, LocalDisk(), open_claims=("u",)) as store:
        before = await store.present([chunk_id]), await store.claimed(["u"], [chunk_id])
        await put(store, "v", data)
        await store.barrier(["v"])
        after = await store.present([chunk_id])

        assert before == (set(), set())
        assert after == {chunk_id}
        assert await store.read(chunk_id) == data


@pytest.mark.parametrize(
    ("state", "error"), [(ChunkState.REMOVING, ChunkAbsentError), (ChunkState.DAMAGED, ChunkDamagedError)]
)
async def test_a_chunk_without_good_bytes_is_not_located(
    folder: Path, state: ChunkState, error: type[Exception]
) -> None:
    async with opened(folder, LocalDisk()) as store:
        chunk_id = await put(store, "u", noise(1))
    set_state(folder, chunk_id, state)

    async with opened(folder, LocalDisk()) as store:
        with pytest.raises(error):
            await store.locate([chunk_id])


async def test_an_unknown_chunk_is_absent(store: ChunkStore) -> None:
    with pytest.raises(ChunkAbsentError):
        await store.read(id_of(b"never"))


async def test_many_are_read_at_once_and_what_cannot_be_given_is_left_out(store: ChunkStore) -> None:
    chunks = [
        noise(1, 10),
        noise(2, INLINE_MAX + 1),
        TEXT,
        noise(3, INLINE_MAX + 1),
        *(noise(n, 20) for n in range(600)),
    ]
    ids = [await put(store, "u", data) for data in chunks]
    await store.barrier(["u"])
    (torn,) = await store.locate([ids[3]])
    assert torn.path is not None
    torn.path.unlink()

    found = await store.read_many([*ids, id_of(b"never")])

    assert found == {chunk_id: data for chunk_id, data in zip(ids, chunks, strict=True) if chunk_id != ids[3]}


async def test_torn_files_are_never_served_as_if_they_were_whole(store: ChunkStore) -> None:
    text = noise(3, 100_000).hex().encode()
    ids = [await put(store, "u", noise(1)), await put(store, "u", noise(2)), await put(store, "u", text)]
    await store.barrier(["u"])
    first, second, third = [chunk.path for chunk in await store.locate(ids)]
    assert first is not None
    assert second is not None
    assert third is not None
    first.unlink()
    second.write_bytes(noise(2)[:-1])
    third.write_bytes(third.read_bytes()[:-1] + b"?")

    for chunk_id in ids:
        with pytest.raises(ChunkDamagedError):
            await store.read(chunk_id)


async def test_a_torn_new_file_is_found_after_an_unclean_stop_and_healed_by_a_put(folder: Path) -> None:
    async with opened(folder, LocalDisk()) as store:
        ids = [await put(store, "u", noise(number)) for number in range(3)]
        await store.barrier(["u"])
        path = (await store.locate(ids))[1].path
        assert path is not None
    path.write_bytes(bytes(FILE_SIZE))

    async with opened(folder, LocalDisk(), clean=False) as store:
        present = await store.present(ids)
        await put(store, "v", noise(1))
        await store.barrier(["v"])

        assert present == {ids[0], ids[2]}
        assert [path.name for path in files_in(folder / "quarantine")] == [ids[1].hex()]
        assert await store.read(ids[1]) == noise(1)


async def test_a_start_with_many_received_files_keeps_few_of_them_open(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(LocalDisk, "can_syncfs", lambda _disk, _path: True)
    data = [noise(number) for number in range(40)]
    async with opened(folder, LocalDisk()) as store:
        for content in data:
            await put(store, "u1", content)
        shutil.copytree(folder, tmp_path / "after the kill")
    disk = CountingDisk()

    async with opened(tmp_path / "after the kill", disk, open_claims=("u1",), clean=False) as store:
        assert await store.present([id_of(content) for content in data]) == {id_of(content) for content in data}

    assert disk.most_open <= 8


class CountingDisk(LocalDisk):
    """Counts the descriptors of files that are open at once."""

    def __init__(self) -> None:
        self._open: set[int] = set()
        self.most_open = 0

    def open_(self, path: Path) -> int:
        descriptor = super().open_(path)
        self._open.add(descriptor)
        self.most_open = max(self.most_open, len(self._open))
        return descriptor

    def close(self, descriptor: int) -> None:
        self._open.discard(descriptor)
        super().close(descriptor)


async def test_strange_files_in_staging_are_removed_at_the_start(folder: Path) -> None:
    async with opened(folder, LocalDisk()):
        pass
    staged = f"u.{id_of(noise(1)).hex()}.5"
    for name in ("strange", staged, f"u.{id_of(noise(2)).hex()}.6.zst", f"gone.{id_of(noise(3)).hex()}.7"):
        (folder / "staging" / name).write_bytes(noise(1))

    async with opened(folder, LocalDisk(), open_claims=("u",)) as store:
        present = await store.present([id_of(noise(number)) for number in (1, 2, 3)])

    assert files_in(folder / "staging") == []
    assert present == {id_of(noise(1))}


async def test_states_answer_in_another_thread_what_is_durable(store: ChunkStore) -> None:
    durable = await put(store, "u", noise(1))
    await store.barrier(["u"])
    waiting = await put(store, "u", noise(2))
    states = store.states()
    answers: list[set[ChunkId]] = []

    def ask() -> None:
        answers.append(states.present([durable, waiting]))
        answers.append(states.claimed(["u"], [durable, waiting]))
        answers.append(states.claimed(["v"], [durable, waiting]))
        states.close()

    thread = threading.Thread(target=ask)
    thread.start()
    await asyncio.to_thread(thread.join)

    assert answers == [{durable}, {durable}, set()]


async def test_thousands_of_ids_are_asked_for_at_once(store: ChunkStore) -> None:
    chunks = [number.to_bytes(4, "big") * 25 for number in range(3000)]
    ids = [id_of(data) for data in chunks]
    await store.put_many("u", list(zip(ids, chunks, strict=True)))
    await store.barrier(["u"])

    assert await store.present(ids) == set(ids)
    assert await store.claimed(["u"], ids) == set(ids)
    assert [chunk.chunk_id for chunk in await store.locate(ids)] == ids


async def test_room_on_the_disk_is_told(store: ChunkStore) -> None:
    usage = store.usage()

    assert 0 < usage.free <= usage.total


def test_the_writer_syncs_each_commit_and_readers_cannot_write(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    writer = index.connect_writer(path)
    writer.execute("CREATE TABLE t (a)")
    reader = index.connect_reader(path)

    settings = {name: writer.execute(f"PRAGMA {name}").fetchone()[0] for name in ("synchronous", "journal_mode")}
    settings["checkpoints of writer"] = writer.execute("PRAGMA wal_autocheckpoint").fetchone()[0]
    settings["checkpoints of reader"] = reader.execute("PRAGMA wal_autocheckpoint").fetchone()[0]

    assert settings == {
        "synchronous": 2,
        "journal_mode": "wal",
        "checkpoints of writer": 0,
        "checkpoints of reader": 0,
    }
    with pytest.raises(sqlite3.OperationalError):
        reader.execute("INSERT INTO t VALUES (1)")
    reader.close()
    writer.close()


async def test_a_store_of_a_newer_program_is_refused(folder: Path) -> None:
    async with opened(folder, LocalDisk()):
        pass
    connection = sqlite3.connect(folder / INDEX_NAME)
    connection.execute("PRAGMA user_version = 99")
    connection.close()

    with pytest.raises(BadStoreError, match="99"):
        await ChunkStore.open(folder, disk=LocalDisk(), open_claims=(), clean=True)
    (folder / "layout").write_bytes(b"cairn chunks 2\n")
    with pytest.raises(BadStoreError, match="layout"):
        await ChunkStore.open(folder, disk=LocalDisk(), open_claims=(), clean=True)


@pytest.fixture
def not_an_index(folder: Path) -> Path:
    folder.mkdir()
    (folder / INDEX_NAME).write_bytes(b"this is not a database, and long enough to be looked at" * 100)
    return folder


async def test_an_index_that_is_no_database_is_refused(not_an_index: Path, folder: Path) -> None:
    with pytest.raises(StoreFailedError, match="NOTADB"):
        await ChunkStore.open(folder, disk=LocalDisk(), open_claims=(), clean=True)


async def test_chunks_without_their_index_are_not_taken_for_a_new_store(folder: Path) -> None:
    async with opened(folder, LocalDisk()) as store:
        await put(store, "up", noise(1))
        await store.barrier(["up"])
    (folder / INDEX_NAME).unlink()

    with pytest.raises(BadStoreError, match="put it back"):
        async with opened(folder, LocalDisk()):
            pass

    assert not (folder / INDEX_NAME).exists()
