"""What a space may hold: reserved when an upload is asked for, settled when it is committed."""

import asyncio

import pytest

from app.config import Limits, Settings
from tests.accounts.api import ADMIN
from tests.api.conftest import Running
from tests.api.people import Person, entries, noise
from tests.api.test_uploads import reserved


async def used(ada: Person) -> int:
    """Return what a user's home holds as `me` says."""
    reply = await ada.get("/api/v1/me")
    total: int = reply.json["spaces"][0]["used"]
    return total


@pytest.fixture
async def quota(server: Running) -> int:
    """A quota of 1,000 bytes for ada."""
    await server.cairn.services.accounts.set_quota(ADMIN, 1000)
    return 1000


async def test_what_does_not_fit_is_refused_at_the_request(server: Running, ada: Person, quota: int) -> None:
    fits = await ada.request("/a", [noise(1000)])
    refused = await ada.request("/b", [noise(1)])

    assert fits.status == 201
    assert (refused.status, refused.code) == (507, "quota_exceeded")
    assert await reserved(server) == 1000


async def test_parallel_requests_that_each_fit_alone_never_pass_it(server: Running, ada: Person, quota: int) -> None:
    replies = await asyncio.gather(*(ada.request(f"/{number}", [noise(90)]) for number in range(50)))

    assert sorted(reply.status for reply in replies) == [201] * 11 + [507] * 39
    assert await reserved(server) == 990


async def test_a_commit_turns_the_promise_into_use(server: Running, ada: Person, quota: int) -> None:
    await ada.upload("/a", noise(600))

    assert (await used(ada), await reserved(server)) == (600, 0)
    assert (await ada.request("/b", [noise(401)])).status == 507
    assert (await ada.request("/b", [noise(400)])).status == 201


async def test_giving_up_takes_the_promise_back(ada: Person, quota: int) -> None:
    answer = await ada.open_upload("/a", noise(1000))

    await ada.delete(f"/api/v1/uploads/{answer['upload_id']}")

    assert (await ada.request("/a", [noise(1000)])).status == 201


async def test_old_versions_count(ada: Person, quota: int) -> None:
    file = await ada.upload("/a", noise(600))

    refused = await ada.request("/a", [noise(401)], base_version=file["version_id"])
    await ada.upload("/a", noise(400), base_version=file["version_id"])

    assert (refused.status, refused.code) == (507, "quota_exceeded")
    assert await used(ada) == 1000


async def test_deduplicated_bytes_count(ada: Person, quota: int) -> None:
    chunk = noise(600)
    await ada.upload("/a", chunk)

    refused = await ada.request("/b", [chunk])

    assert (refused.status, refused.code) == (507, "quota_exceeded")


async def test_a_batch_takes_what_fits_in_order(ada: Person, quota: int) -> None:
    files = [
        {"path": f"/{n}", "size": size, "chunks": entries(noise(size))} for n, size in enumerate([500, 600, 400, 101])
    ]

    reply = await ada.post("/api/v1/uploadRequest", {"files": files})

    assert [upload.get("code") for upload in reply.json["uploads"]] == [None, "quota_exceeded", None, "quota_exceeded"]


async def test_a_growing_list_is_promised_by_its_announced_size(server: Running, ada: Person, quota: int) -> None:
    opened = await ada.request("/a", size=900, chunks=[], append=True)
    refused = await ada.request("/b", [noise(101)])

    assert opened.status == 201
    assert refused.status == 507
    assert await reserved(server) == 900


async def test_a_lowered_quota_stops_new_uploads_and_takes_nothing_away(
    server: Running, ada: Person, quota: int
) -> None:
    chunk = noise(500)
    file = await ada.upload("/a", noise(500))
    answer = await ada.open_upload("/b", chunk)
    await ada.send_needed(answer, [chunk])
    await server.cairn.services.accounts.set_quota(ADMIN, 100)

    committed = await ada.commit(answer["upload_id"])
    refused = await ada.request("/c", [noise(1)])
    empty = await ada.request("/c")

    assert committed.status == 201  # it was promised
    assert refused.status == 507
    assert empty.status in (201, 507)
    assert (await ada.content(file["file_id"])).status == 200


async def test_one_users_quota_is_nothing_to_another(ada: Person, bob: Person, quota: int) -> None:
    assert (await ada.request("/a", [noise(1001)])).status == 507
    assert (await bob.request("/a", [noise(1001)])).status == 201


class TestUncommittedBytes:
    @pytest.fixture
    def settings(self) -> Settings:
        limits = Limits(uncommitted_bytes_per_user=8 * 1024 * 1024, free_disk_bytes=0, free_disk_percent=0)
        return Settings(limits=limits)

    async def test_bytes_waiting_in_open_uploads_are_limited(self, ada: Person, bob: Person) -> None:
        size = 5 * 1024 * 1024
        first = await ada.request("/a", size=size, chunks=[], append=True)
        refused = await ada.request("/b", size=size, chunks=[], append=True)
        others = await bob.request("/a", size=size, chunks=[], append=True)
        await ada.delete(f"/api/v1/uploads/{first.json['upload_id']}")

        assert (refused.status, refused.code) == (507, "quota_exceeded")
        assert others.status == 201
        assert (await ada.request("/b", size=size, chunks=[], append=True)).status == 201
