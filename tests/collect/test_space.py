"""What is deleted for good gives its room back, all of it; what is used in any way stays."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Collection
from contextlib import closing
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest

from app.config import Settings
from app.db.transaction import Transaction
from app.errors import LimitReachedError, UnavailableError
from app.ids import decode_id
from app.manifest import Chunk, Manifest
from app.repositories import nodes, spaces, versions
from storage.base import ChunkId
from storage.errors import StoreUnavailableError
from tests.accounts.api import ADMIN
from tests.api.conftest import Running, Template, serving
from tests.api.people import MIB, Person, entries, noise, sha256
from tests.api.wire import eventually
from tests.collect.conftest import DAY, GRACE, Keeper, keeping
from tests.tree.conftest import working
from tests.tree.keeper import deleted, purge

BIG, SMALL = 100_000, 3_000


async def gone(server: Running, person: Person, *files: object) -> None:
    """Delete files for good."""
    for file in files:
        reply = await purge(person, await deleted(person, file))
        assert reply.status == HTTPStatus.NO_CONTENT, reply.body
    await server.cairn.jobs.wait_idle()


def size_on_disk(keeper: Keeper) -> int:
    return sum(path.stat().st_size for path in (keeper.folder / "store" / "chunks").rglob("*") if path.is_file())


async def test_room_of_purged_files_comes_back_with_the_second_collection(
    server: Running, ada: Person, keeper: Keeper
) -> None:
    await ada.upload("/kept", noise(BIG), noise(SMALL))
    before = keeper.files(), size_on_disk(keeper), keeper.count("chunks"), keeper.count("small")
    files = [await ada.upload(f"/{n}", noise(BIG), noise(SMALL), noise(BIG)) for n in range(10)]
    await gone(server, ada, *files)

    first, second, third = await keeper.collect_all()

    assert (first.freed.chunks, first.waiting.chunks) == (0, 30)
    assert (second.freed.chunks, second.leaving.chunks) == (0, 30)
    assert (third.freed.chunks, third.freed.size) == (30, 10 * (2 * BIG + SMALL))
    assert (keeper.files(), size_on_disk(keeper), keeper.count("chunks"), keeper.count("small")) == before
    assert keeper.count("unused") == 0


async def test_index_gives_the_room_of_small_chunks_back_to_the_disk(
    server: Running, ada: Person, keeper: Keeper
) -> None:
    path = keeper.folder / "store" / "chunks.db"
    await ada.upload("/kept", noise(SMALL))
    files = [await ada.upload(f"/{n}", *(noise(60_000) for _ in range(10))) for n in range(10)]
    full = pages_of(path)
    await gone(server, ada, *files)

    await keeper.collect_all()

    assert pages_of(path) < full // 4


async def test_what_is_used_in_any_way_stays(server: Running, ada: Person, bob: Person, keeper: Keeper) -> None:
    old, other, trashed, copied, foreign, listed, received, begun = (noise(BIG) for _ in range(8))
    file = await ada.upload("/file", old)
    await ada.upload(None, noise(BIG), file_id=file["file_id"], base_version=file["version_id"])
    await deleted(ada, await ada.upload("/trashed", trashed))
    original = await ada.upload("/original", copied)
    root = (await ada.at("/")).json["file_id"]
    await ada.post(f"/api/v1/files/{original['file_id']}/copy", {"parent_id": root, "name": "copy"})
    mine = await ada.upload("/mine", foreign, other)
    await bob.upload("/his", foreign)
    pinned = await ada.upload("/pinned", listed)
    assert not (await ada.open_upload("/list", listed))["chunks"][0]["needed"]
    upload = await ada.open_upload("/received", received)
    await ada.send_needed(upload, [received])
    growing = await ada.open_upload("/growing", size=BIG, append=True)
    await ada.post(f"/api/v1/uploads/{growing['upload_id']}/chunks", {"from": 0, "chunks": entries(begun)})
    extra = await ada.upload("/extra", begun)
    await gone(server, ada, original, mine, pinned, extra)

    await keeper.collect_all()

    kept = {sha256(data) for data in (old, trashed, copied, foreign, listed, received, begun)}
    assert kept <= {name.removesuffix(".zst") for name in keeper.files()}
    assert sha256(other) not in keeper.files()
    assert (await ada.commit(upload["upload_id"])).status == HTTPStatus.CREATED


async def test_what_a_refused_upload_left_behind_goes(server: Running, ada: Person, keeper: Keeper) -> None:
    taken = await ada.upload("/taken", noise(BIG))
    assert (await ada.put("/taken", noise(BIG), **{"If-None-Match": "*"})).status == HTTPStatus.PRECONDITION_FAILED
    given_up = await ada.open_upload("/given-up", data := noise(BIG))
    await ada.send_needed(given_up, [data])
    await ada.delete(f"/api/v1/uploads/{given_up['upload_id']}")
    await server.cairn.store.barrier({given_up["upload_id"]})

    await keeper.collect_all()

    assert keeper.count("chunks") == 1
    assert (await ada.content(taken["file_id"])).status == HTTPStatus.OK


async def test_possession_ends_with_the_last_version_that_gives_it(
    server: Running, ada: Person, bob: Person, keeper: Keeper
) -> None:
    data, kept = noise(BIG), noise(BIG)
    await bob.upload("/his", data)
    mine = await ada.upload("/mine", data)
    await ada.upload("/kept", kept)
    await gone(server, ada, mine)
    row = decode_id(mine["space_id"])[0], ChunkId(bytes.fromhex(sha256(data)))
    await server.cairn.database.write(lambda tx: versions.possess(tx, [row]))  # as earlier servers left it
    await keeper.collect()

    mine_again = await ada.open_upload("/again", data, kept)
    his_again = await bob.open_upload("/again", data)

    assert [chunk["needed"] for chunk in mine_again["chunks"]] == [True, False]
    assert [chunk["needed"] for chunk in his_again["chunks"]] == [False]


async def test_pin_keeps_the_chunk_and_not_the_right_to_skip_it(server: Running, ada: Person, keeper: Keeper) -> None:
    data = noise(BIG)
    file = await ada.upload("/file", data)
    upload = await ada.open_upload("/pinned", data)
    await gone(server, ada, file)
    await keeper.collect_all()

    reply = await ada.commit(upload["upload_id"])

    assert (reply.status, reply.code) == (HTTPStatus.UNPROCESSABLE_ENTITY, "missing_chunks")
    await ada.send_needed({"chunks": [{**chunk, "needed": True} for chunk in reply.json["missing"]]}, [data])
    assert (await ada.commit(upload["upload_id"])).status == HTTPStatus.CREATED


async def test_server_collects_by_itself_once_a_day_of_running_and_removes_in_between(
    server: Running, ada: Person, keeper: Keeper
) -> None:
    await ada.upload("/kept", noise(BIG), noise(BIG))
    await gone(server, ada, await ada.upload("/file", noise(BIG)))

    async def tend(after_s: int) -> tuple[int, int, int]:
        keeper.runtime.added_s += after_s
        await keeper.collector.tend()
        return keeper.count("unused"), keeper.count("unused WHERE step = 2"), keeper.count("chunks")

    days = [await tend(after_s) for after_s in (0, DAY - 60, DAY, GRACE - 60, 60)]

    assert days == [(1, 0, 3), (1, 0, 3), (1, 1, 3), (1, 1, 3), (0, 0, 2)]


@pytest.mark.parametrize("after_s", [0, DAY - 2])
async def test_second_run_takes_nothing_before_a_day_of_running(
    server: Running, ada: Person, keeper: Keeper, after_s: int
) -> None:
    await gone(server, ada, await ada.upload("/file", noise(BIG)))
    await keeper.collect()

    again = await keeper.collect(after_s=after_s)
    last = await keeper.collect(after_s=GRACE)

    assert (again.leaving.chunks, last.freed.chunks) == (0, 0)
    assert keeper.count("chunks") == 1


async def test_run_that_condemns_some_chunks_leaves_those_that_it_found_itself(
    server: Running, ada: Person, keeper: Keeper
) -> None:
    await gone(server, ada, await ada.upload("/early", noise(BIG)))
    await keeper.collect()
    await gone(server, ada, await ada.upload("/late", noise(BIG)))

    collected = await keeper.collect(after_s=DAY)

    assert (collected.leaving.chunks, collected.waiting.chunks) == (1, 1)


async def test_stream_that_goes_on_for_days_keeps_what_it_sent(server: Running, ada: Person, keeper: Keeper) -> None:
    data, may_go_on = noise(20 * MIB), asyncio.Event()
    begun = 16 * MIB  # a chunk may have 8 MiB, the chunker looks as far ahead, and two slabs are held back

    async def slowly() -> AsyncIterator[bytes]:
        yield data[:begun]
        await may_go_on.wait()
        yield data[begun:]

    async def is_on_disk() -> bool:
        return keeper.count("claims") > 0

    sending = asyncio.ensure_future(ada.call("PUT", "/api/v1/files/content", params={"path": "/file"}, data=slowly()))
    await eventually(is_on_disk)
    await keeper.collect_all()
    may_go_on.set()
    reply = await sending

    assert reply.status == HTTPStatus.CREATED, reply.body
    assert (await ada.content(reply.json["file_id"])).body == data


async def test_condemned_chunk_has_its_grace_and_a_new_upload_keeps_it(
    server: Running, ada: Person, keeper: Keeper
) -> None:
    data = noise(BIG)
    await gone(server, ada, await ada.upload("/file", data))
    await keeper.collect()
    assert (await keeper.collect(after_s=DAY)).leaving.chunks == 1
    assert (await keeper.collect(after_s=GRACE - 60)).freed.chunks == 0

    file = await ada.upload("/again", data)
    await keeper.collect_all()

    assert (await ada.content(file["file_id"])).body == data


async def test_run_that_would_remove_over_half_of_the_store_needs_a_word(
    server: Running, ada: Person, keeper: Keeper
) -> None:
    await ada.upload("/kept", noise(BIG))
    await gone(server, ada, *[await ada.upload(f"/{n}", noise(BIG)) for n in range(2)])
    await keeper.collect(over_half=False)

    with pytest.raises(LimitReachedError, match="2 of 3 chunks"):
        await keeper.collect(after_s=DAY, over_half=False)

    assert (await keeper.collect(over_half=True)).leaving.chunks == 2


@pytest.mark.logs_errors
async def test_server_that_only_reads_collects_nothing(server: Running, ada: Person, keeper: Keeper) -> None:
    await gone(server, ada, await ada.upload("/file", noise(BIG)))
    await keeper.collect()
    await keeper.collect(after_s=DAY)
    server.cairn.standing.turn_read_only("a test says so")

    with pytest.raises(StoreUnavailableError):
        await keeper.collect(after_s=GRACE)

    assert keeper.count("chunks") == 1


@pytest.mark.parametrize("manifest", [b"x" * 35, b"x" * 36])
async def test_manifest_that_cannot_be_read_ends_the_run_and_nothing_goes(
    server: Running, ada: Person, keeper: Keeper, manifest: bytes
) -> None:
    file = await ada.upload("/file", noise(BIG))
    await gone(server, ada, await ada.upload("/gone", noise(BIG)))
    await keeper.collect()
    packed = await swap_manifest(server, manifest)

    with pytest.raises(UnavailableError, match="damaged"):
        await keeper.collect(after_s=DAY)

    assert len(keeper.files()) == 2
    await swap_manifest(server, packed)
    assert (await ada.content(file["file_id"])).status == HTTPStatus.OK


async def swap_manifest(server: Running, manifest: bytes) -> bytes:
    """Give the only version another manifest, and return the one that it had."""

    def work(tx: Transaction) -> bytes:
        before = tx.execute("SELECT manifest FROM versions").fetchone()[0]
        tx.execute("UPDATE versions SET manifest = :manifest", {"manifest": manifest})
        return bytes(before)

    return await server.cairn.database.write(work)


async def test_commit_that_saw_a_chunk_just_before_it_was_condemned_keeps_it(
    server: Running, ada: Person, keeper: Keeper
) -> None:
    """No way of a client leads there, for possession has ended by then; a later one may."""
    data = noise(BIG)
    await gone(server, ada, await ada.upload("/gone", data))
    file = await ada.upload("/file", noise(BIG))
    await keeper.collect()
    real, chunk = server.cairn.store.disposal.condemn, Chunk(ChunkId(bytes.fromhex(sha256(data))), BIG)

    async def commit_first(ids: Collection[ChunkId]) -> None:
        await server.cairn.database.write(lambda tx: add_version(tx, file, chunk))
        await real(ids)

    server.cairn.store.disposal.condemn = commit_first  # type: ignore[method-assign] # just between two steps
    await keeper.collect(after_s=DAY)
    await keeper.collect(after_s=GRACE)

    assert await server.cairn.store.read(chunk.id) == data
    assert await server.cairn.store.present([chunk.id]) == {chunk.id}


def add_version(tx: Transaction, file: Any, chunk: Chunk) -> None:
    """Write a version as a commit does that finds the chunk in the store."""
    assert tx.chunks.present([chunk.id]) == {chunk.id}
    node_id = decode_id(file["file_id"])[0]
    versions.add(
        tx,
        version_id=tx.next_id(),
        tag=tx.next_tag(),
        node_id=node_id,
        size=chunk.size,
        mtime_ms=0,
        executable=False,
        content_type="text/plain",
        sha256=None,
        claimed_sha256=None,
        base_id=None,
        ancestors=None,
        actor_id=1,
        manifest=Manifest.of([chunk]),
    )
    node = nodes.find(tx, node_id)
    assert node is not None
    spaces.adjust(tx, node.space_id, used=chunk.size)


async def test_database_that_was_put_back_keeps_what_its_versions_use(
    folder: Path, settings: Settings, template: Template
) -> None:
    data = noise(BIG)
    async with serving(folder, settings) as running, working(running.cairn):
        ada = Person(running.session, template.tokens[ADMIN])
        file = await ada.upload("/file", data)
    older = (folder / "metadata.db").read_bytes()
    async with serving(folder, settings) as running, working(running.cairn):
        ada = Person(running.session, template.tokens[ADMIN])
        async with keeping(running.cairn, folder) as keeper:
            await gone(running, ada, file)
            await keeper.collect()
            assert (await keeper.collect(after_s=DAY)).leaving.chunks == 1
    (folder / "metadata.db").write_bytes(older)

    async with serving(folder, settings) as running, working(running.cairn):
        ada = Person(running.session, template.tokens[ADMIN])
        async with keeping(running.cairn, folder, begin_s=9 * DAY) as keeper:
            assert (await keeper.collect()).freed.chunks == 0
            await keeper.collect(after_s=DAY)

            assert (await ada.content(file["file_id"])).body == data
            assert await running.cairn.store.present([ChunkId(bytes.fromhex(sha256(data)))])


def pages_of(path: Path) -> int:
    """Return how many pages a database has, with those in its log."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        return int(connection.execute("PRAGMA page_count").fetchone()[0])
