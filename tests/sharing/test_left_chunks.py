"""What left a shared folder is never read by who joins it later: they send its bytes (security.md, X1)."""

import pytest

from app.config import History
from tests.api.conftest import Running
from tests.api.people import noise
from tests.retention.test_retention import Clock, date_versions, keeper_of
from tests.sharing.conftest import Member


async def _needs(person: Member, *chunks: bytes) -> bool:
    """Tell whether somebody has to send chunks, and cannot commit without."""
    asked = await person.open_upload("/guess", *chunks, on_conflict="rename")
    needed = [chunk["needed"] for chunk in asked["chunks"]]
    assert (await person.commit(asked["upload_id"])).status == (422 if any(needed) else 201)
    assert len(set(needed)) == 1
    return bool(needed[0])


@pytest.mark.parametrize("count", [1, 2])
async def test_of_a_file_that_was_moved_out(ada: Member, bob: Member, cyd: Member, count: int) -> None:
    folder, chunks = await ada.shared("/Plans", "bob"), [noise(1000) for _ in range(count)]
    file = await ada.upload("/Plans/x", *chunks)
    await ada.change(file["file_id"], parent_id="root")

    await ada.share(folder["file_id"], "cyd", "viewer")

    assert await _needs(cyd, *chunks)
    assert not await _needs(ada, *chunks)


async def test_of_a_folder_that_was_moved_out(ada: Member, bob: Member, cyd: Member, server: Running) -> None:
    folder, one, two = await ada.shared("/Plans", "bob"), [noise(1000)], [noise(1000), noise(1000)]
    inner = await ada.make_folder("/Plans/Inner/Deep", parents=True)
    await ada.upload("/Plans/Inner/Deep/one", *one)
    await ada.upload("/Plans/Inner/two", *two)
    await ada.change(inner["parent_id"], parent_id="root")
    await server.cairn.jobs.wait_idle()

    await ada.share(folder["file_id"], "cyd", "viewer")

    assert await _needs(cyd, *one)
    assert await _needs(cyd, *two)
    assert not await _needs(ada, *one)


@pytest.mark.parametrize("count", [1, 2])
async def test_of_a_file_that_was_purged(ada: Member, bob: Member, cyd: Member, server: Running, count: int) -> None:
    folder, chunks = await ada.shared("/Plans", "bob"), [noise(1000) for _ in range(count)]
    file = await ada.upload("/Plans/x", *chunks)
    await ada.delete(f"/api/v1/files/{file['file_id']}")
    await ada.delete(f"/api/v1/trash/{file['file_id']}")
    await server.cairn.jobs.wait_idle()

    await ada.share(folder["file_id"], "cyd", "viewer")

    assert await _needs(cyd, *chunks)


async def test_the_home_that_a_shared_and_handed_over_folder_came_from_has_nothing_of_it(
    ada: Member, bob: Member
) -> None:
    chunks = [noise(1000)]
    folder = await ada.make_folder("/Plans")
    await ada.upload("/Plans/x", *chunks)
    await ada.share(folder["file_id"], "bob")
    await ada.set_role(folder["file_id"], "bob", "owner")

    await bob.remove(folder["file_id"], "ada")

    assert await _needs(ada, *chunks)
    assert not await _needs(bob, *chunks)


async def test_of_a_version_that_was_thinned_but_not_of_what_the_file_still_has(
    ada: Member, bob: Member, cyd: Member, server: Running
) -> None:
    folder, stays, goes = await ada.shared("/Plans", "bob"), noise(1000), noise(1000)
    file = await ada.upload("/Plans/x", stays, goes)
    file = await ada.upload("/Plans/x", stays, noise(1000), base_version=file["version_id"])
    await ada.upload("/Plans/x", stays, noise(1000), base_version=file["version_id"])
    clock = Clock()
    await date_versions(server, clock)
    keeper = keeper_of(server, clock, History(newest=1))
    await keeper.tend()
    clock.pass_days(400)
    await keeper.tend()

    await ada.share(folder["file_id"], "cyd", "viewer")

    assert await _needs(cyd, goes)
    assert not await _needs(cyd, stays)
