"""Purges and reveals go in slices, and whatever stops them, they are finished."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable, Mapping
from functools import partial
from pathlib import Path

import pytest

from app.application import Cairn
from app.config import Settings
from app.db.transaction import Transaction
from app.ids import decode_id
from app.repositories import jobs as job_rows
from app.repositories.jobs import Job, JobKind, Rest
from app.repositories.journal import Operation, rows_after
from app.services import jobs as job_service
from app.services.jobs import JobService, Slice
from app.services.purge import purge_slice
from app.services.reveal import reveal_slice
from storage.errors import StoreFullError
from tests.api.conftest import Running, Template, serving
from tests.api.people import Person, noise
from tests.tree.conftest import assert_clean, working
from tests.tree.keeper import deleted, grow, purge, restored, trash_of, tree_below, used

SLICES: Mapping[JobKind, Slice] = {JobKind.REVEAL: reveal_slice, JobKind.PURGE: purge_slice}
SMALL: Mapping[JobKind, Slice] = {
    JobKind.REVEAL: partial(reveal_slice, limit=3),
    JobKind.PURGE: partial(purge_slice, limit=3),
}
LEAF = b"leaf"


@pytest.fixture
async def resting(folder: Path, settings: Settings) -> AsyncIterator[Running]:
    """A server that does no job by itself."""
    async with serving(folder, settings) as running:
        yield running


@pytest.fixture
def ada(resting: Running, template: Template) -> Person:
    return Person(resting.session, template.tokens["ada"])


@pytest.fixture
async def tree(ada: Person) -> list[str]:
    """Make 27 files in folders three deep, and return their paths."""
    await ada.upload("/seed", LEAF)
    paths = [f"/top/{a}/{b}/{c}" for a in "abc" for b in "abc" for c in "abc"]
    await grow(ada, paths, LEAF)
    return paths


async def feed_places(cairn: Cairn) -> dict[int, int]:
    """Return each node's place in the feed."""

    def work(tx: Transaction) -> dict[int, int]:
        return {row["id"]: row["feed_seq"] for row in tx.all("SELECT id, feed_seq FROM nodes")}

    return await cairn.database.write(work)


async def unfinished(cairn: Cairn) -> int:
    return len(await cairn.database.read(job_rows.unfinished))


async def finish(service: JobService) -> None:
    while await service.advance():
        pass


async def test_what_is_below_a_restored_folder_comes_into_view_again(
    resting: Running, ada: Person, tree: list[str]
) -> None:
    gone = (await ada.at("/top/a/a/a")).json
    trash_id = await deleted(ada, (await ada.at("/top")).json)
    before = (await ada.at("/")).json["etag"]
    await restored(ada, trash_id)
    restore_seq = (await ada.at("/top")).json["seq"]

    await finish(JobService(resting.cairn.database, SMALL))

    places = await feed_places(resting.cairn)
    below = await tree_below(ada)
    assert len(below) == 1 + 13 + len(tree)
    revealed = [decode_id(file["file_id"])[0] for path, file in below.items() if path.startswith("/top/")]
    assert all(places[number] > restore_seq for number in revealed)
    assert below["/top/a/a/a"] == gone
    assert before != (await ada.at("/")).json["etag"]
    rows = await resting.cairn.database.read(lambda tx: rows_after(tx, restore_seq, limit=100))
    assert {row.operation for row in rows} == {Operation.REVEAL}
    assert len(rows) == -(-len(revealed) // 3)
    for path, file in below.items():
        parent = below.get(path.rpartition("/")[0])
        if parent is not None and parent["path"] != "/top":
            assert places[decode_id(parent["file_id"])[0]] <= places[decode_id(file["file_id"])[0]]


async def test_what_was_dead_before_is_not_revealed(resting: Running, ada: Person, tree: list[str]) -> None:
    inner = decode_id(await deleted(ada, (await ada.at("/top/b")).json))[0]
    trash_id = await deleted(ada, (await ada.at("/top")).json)
    before = await feed_places(resting.cairn)
    await restored(ada, trash_id)

    await finish(JobService(resting.cairn.database, SMALL))

    assert (await feed_places(resting.cairn))[inner] == before[inner]
    assert len(await tree_below(ada)) == 1 + 9 + 18


@pytest.mark.parametrize("done", range(1, 8))
async def test_a_folder_that_moves_out_before_its_turn_is_revealed_where_it_is(
    resting: Running, ada: Person, tree: list[str], done: int
) -> None:
    trash_id = await deleted(ada, (await ada.at("/top")).json)
    inner, outer = (await trash_of(ada))[0]["seq"], await ada.make_folder("/out")
    await restored(ada, trash_id)
    service = JobService(resting.cairn.database, SMALL)
    for _ in range(done):
        await service.advance()
    folder = (await ada.at("/top/b")).json

    await ada.change(folder["file_id"], parent_id=outer["file_id"], name="0")
    await ada.change((await ada.at("/out/0/c")).json["file_id"], parent_id="root", name="0")
    await ada.change((await ada.at("/top/c")).json["file_id"], name="A")
    await finish(service)

    places, below = await feed_places(resting.cairn), await tree_below(ada)
    late = [path for path, file in below.items() if places[decode_id(file["file_id"])[0]] <= inner]
    assert late == ["/seed"]


async def test_what_is_deleted_again_is_revealed_when_it_comes_back_again(
    resting: Running, ada: Person, tree: list[str]
) -> None:
    service = JobService(resting.cairn.database, SMALL)
    trash_id = await deleted(ada, (await ada.at("/top")).json)
    await restored(ada, trash_id)
    await service.advance()
    await deleted(ada, (await ada.at("/top")).json)
    await finish(service)
    await restored(ada, trash_id)
    seq = (await ada.at("/top")).json["seq"]
    await finish(service)

    places, below = await feed_places(resting.cairn), await tree_below(ada)
    assert all(places[decode_id(file["file_id"])[0]] >= seq for path, file in below.items() if path.startswith("/top"))


async def test_a_purge_gives_its_space_back_slice_by_slice(resting: Running, ada: Person, tree: list[str]) -> None:
    await purge(ada, await deleted(ada, (await ada.at("/top")).json))
    service, seen = JobService(resting.cairn.database, SMALL), [await used(ada)]

    while await service.advance():
        seen.append(await used(ada))
        await asyncio.to_thread(assert_clean, resting.folder)

    assert (seen[0], seen[-1]) == (len(LEAF) * (len(tree) + 1), len(LEAF))
    assert all(0 <= before - after <= 3 * len(LEAF) for before, after in itertools.pairwise(seen))


async def test_jobs_take_turns(resting: Running, ada: Person, tree: list[str]) -> None:
    await purge(ada, await deleted(ada, (await ada.at("/top/a")).json))
    await restored(ada, await deleted(ada, (await ada.at("/top/b")).json))
    turns: list[JobKind] = []

    def noting(tx: Transaction, job: Job) -> Rest:
        turns.append(job.kind)
        return SMALL[job.kind](tx, job)

    await finish(JobService(resting.cairn.database, dict.fromkeys(JobKind, noting)))

    assert turns[:4] == [JobKind.PURGE, JobKind.REVEAL] * 2


# Stops


async def run_until(cairn: Cairn, slices: int) -> None:
    """Work off jobs, and be cancelled while the last of so many slices runs."""
    async with asyncio.TaskGroup() as group:
        stopped = asyncio.Event()
        jobs = group.create_task(JobService(cairn.database, _telling_after(slices, stopped.set)).run())
        await stopped.wait()
        jobs.cancel()


def _telling_after(slices: int, tell: Callable[[], None]) -> Mapping[JobKind, Slice]:
    """Return slices that call `tell`, in the loop of who asks, when the last of them begins."""
    loop, done = asyncio.get_running_loop(), 0

    def work(tx: Transaction, job: Job) -> Rest:
        nonlocal done
        done += 1
        if done == slices:
            loop.call_soon_threadsafe(tell)
        return SMALL[job.kind](tx, job)

    return dict.fromkeys(JobKind, work)


@pytest.mark.parametrize("slices", [1, 2, 5, 9, 12])
@pytest.mark.parametrize("kind", [JobKind.REVEAL, JobKind.PURGE])
async def test_a_job_that_is_stopped_between_slices_goes_on_at_the_next_start(
    folder: Path, settings: Settings, template: Template, kind: JobKind, slices: int
) -> None:
    async with serving(folder, settings) as running:
        ada = Person(running.session, template.tokens["ada"])
        await ada.upload("/seed", LEAF)
        await grow(ada, [f"/top/{a}/{b}/{c}" for a in "abc" for b in "abc" for c in "abc"], LEAF)
        top = await deleted(ada, (await ada.at("/top")).json)
        await (restored if kind is JobKind.REVEAL else purge)(ada, top)
        before = await feed_places(running.cairn)
        await run_until(running.cairn, slices)
        assert await unfinished(running.cairn) == 1
    await asyncio.to_thread(assert_clean, folder)

    async with serving(folder, settings) as running, working(running.cairn):
        ada = Person(running.session, template.tokens["ada"])
        await running.cairn.jobs.wait_idle()
        left, places = await tree_below(ada), await feed_places(running.cairn)
        assert await unfinished(running.cairn) == 0
        if kind is JobKind.PURGE:
            assert (list(left), await used(ada)) == (["/seed"], len(LEAF))
        else:
            revealed = [decode_id(file["file_id"])[0] for path, file in left.items() if path.startswith("/top/")]
            assert len(revealed) == 12 + 27
            assert all(places[number] > before[number] for number in revealed)
    await asyncio.to_thread(assert_clean, folder)


@pytest.mark.logs_errors
async def test_a_job_that_meets_a_fault_holds_up_no_other(resting: Running, ada: Person, tree: list[str]) -> None:
    kept = noise(100)
    await ada.upload("/kept", kept)
    await restored(ada, await deleted(ada, (await ada.at("/top/a")).json))
    await purge(ada, await deleted(ada, (await ada.at("/top/b")).json))

    def failing(tx: Transaction, job: Job) -> Rest:
        tx.execute("DELETE FROM possession")
        raise ValueError

    await finish(JobService(resting.cairn.database, {JobKind.REVEAL: failing, JobKind.PURGE: purge_slice}))

    assert await used(ada) == len(LEAF) * 19 + len(kept)
    assert await unfinished(resting.cairn) == 1
    await finish(JobService(resting.cairn.database, SLICES))
    assert await unfinished(resting.cairn) == 0
    again = await ada.request("/again", [kept])
    assert not again.json["chunks"][0]["needed"]


async def test_a_job_waits_for_a_disk_that_is_full(
    resting: Running, ada: Person, tree: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job_service, "RETRY_S", 0.0)
    await purge(ada, await deleted(ada, (await ada.at("/top")).json))
    tries = 0

    def full_at_first(tx: Transaction, job: Job) -> Rest:
        nonlocal tries
        tries += 1
        if tries <= 2:
            raise StoreFullError("the disk is full")
        return purge_slice(tx, job)

    await finish(JobService(resting.cairn.database, {JobKind.PURGE: full_at_first}))

    assert await used(ada) == len(LEAF)


@pytest.mark.parametrize("path", ["/", "/top", "/top/c", "/top/a/a/a"])
@pytest.mark.parametrize("done", [0, 1, 4, None])
async def test_a_delete_is_refused_where_something_came_into_view_that_its_author_has_not_seen(
    resting: Running, ada: Person, tree: list[str], done: int | None, path: str
) -> None:
    await ada.make_folder("/outer")
    outer = (await ada.at("/outer")).json["file_id"]
    await ada.change((await ada.at("/top")).json["file_id"], parent_id=outer)
    trash_id = await deleted(ada, (await ada.at("/outer/top")).json)
    await restored(ada, trash_id)
    service = JobService(resting.cairn.database, SMALL)
    seen = (await ada.at("/outer/top")).json["seq"]
    for _ in range(0 if done is None else done):
        await service.advance()
    if done is None:
        await finish(service)
    folder = (await ada.at("/outer" + path.rstrip("/"))).json

    early = await ada.call("DELETE", f"/api/v1/files/{folder['file_id']}", params={"if_below_seq": str(seen)})
    await finish(service)
    seen = (await ada.get("/api/v1/sync", params={"limit": "10000"})).json["seq"]
    late = await ada.call("DELETE", f"/api/v1/files/{folder['file_id']}", params={"if_below_seq": str(seen)})

    assert (early.status, early.code) == (409, "conflict")
    assert late.status == 204


async def test_a_delete_is_refused_for_what_a_later_slice_brought_into_view(resting: Running, ada: Person) -> None:
    await ada.upload("/seed", LEAF)
    await grow(ada, [f"/top/a/b/{n}" for n in range(4)], LEAF)
    await restored(ada, await deleted(ada, (await ada.at("/top")).json))
    service = JobService(resting.cairn.database, SMALL)
    await service.advance()  # a, b and one file; the next brings the other three, and the last none
    seen = (await ada.get("/api/v1/sync")).json["seq"]
    await finish(service)

    for path in ("/top", "/top/a", "/top/a/b"):
        folder = (await ada.at(path)).json
        reply = await ada.call("DELETE", f"/api/v1/files/{folder['file_id']}", params={"if_below_seq": str(seen)})
        assert (reply.status, reply.code) == (409, "conflict"), path
