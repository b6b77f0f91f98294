"""Zips while the world changes: what was planned is what comes, or nothing whole comes at all."""

import zlib
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from http import HTTPStatus
from typing import IO

import aiohttp
import pytest

from app.auth.identity import Actor
from app.db.transaction import Snapshot
from app.errors import AppError, NotFoundError, RateLimitedError, UnauthenticatedError, UnavailableError
from app.repositories import checksums
from app.repositories.checksums import Checksum
from app.services import archive_plan, archive_stream
from app.services.archive_content import Piece
from app.services.archives import Archive, still_working
from app.services.budget import ByteBudget
from tests.api.conftest import Running
from tests.api.people import MIB, Person, noise
from tests.links.zips import held, make_trip, zip_path


async def actor_of(server: Running, person: Person) -> Actor:
    return await server.cairn.services.authentication.actor_of(str(person.token))


@asynccontextmanager
async def reading(server: Running, person: Person, path: str) -> AsyncIterator[tuple[Archive, AsyncIterator[bytes]]]:
    """Plan a zip, and give its bytes piece by piece."""
    services, actor = server.cairn.services, await actor_of(server, person)
    folder_id = (await person.at(path)).json["file_id"]
    async with services.archives.open("test", actor, [folder_id], still_working(actor)) as archive:
        with ByteBudget(64 * MIB, patience_s=1).lease("test") as lease:
            async with aclosing(archive.read(0, archive.plan.size, lease)) as pieces:
                yield archive, as_bytes(server, pieces)


async def as_bytes(server: Running, pieces: AsyncIterator[bytes | Piece]) -> AsyncIterator[bytes]:
    async for piece in pieces:
        if isinstance(piece, (bytes, memoryview)):
            yield bytes(piece)
        else:
            async for stored, start, stop in piece:
                yield (await server.cairn.store.load(stored))[start:stop]


async def test_a_zip_is_the_same_whatever_the_slices_are_in_which_it_is_made(
    ada: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    await make_trip(ada, folders=3)
    path = await zip_path(ada, "/Trip")
    whole = await ada.get(path)

    monkeypatch.setattr(archive_plan, "PAGE", 2)
    monkeypatch.setattr(archive_plan, "SLICE", 3)
    monkeypatch.setattr(archive_plan, "IN_MEMORY", 100)
    monkeypatch.setattr(archive_stream, "BATCH", 2)
    sliced = await ada.get(path)
    tail = await ada.get(path, headers={"Range": "bytes=6000000-"})

    expected, found = held(whole.body), held(sliced.body)
    assert found == expected
    assert len(sliced.body) == len(whole.body)
    assert tail.body == sliced.body[6_000_000:]


async def test_what_is_edited_meanwhile_comes_as_it_was_when_the_zip_began(server: Running, ada: Person) -> None:
    expected = await make_trip(ada)

    async with reading(server, ada, "/Trip") as (archive, pieces):
        for name in expected:
            if not name.endswith("/"):
                await ada.put(f"/{name}", b"edited")
        await ada.put("/Trip/0/new", b"new")
        body = b"".join([piece async for piece in pieces])

    assert held(body) == expected
    assert len(body) == archive.plan.size


async def test_what_is_renamed_meanwhile_keeps_its_name_in_the_zip(server: Running, ada: Person) -> None:
    expected = await make_trip(ada, folders=1)

    async with reading(server, ada, "/Trip") as (_, pieces):
        await ada.change((await ada.at("/Trip/0/raw")).json["file_id"], name="renamed")
        body = b"".join([piece async for piece in pieces])

    assert held(body) == expected


@pytest.mark.parametrize(
    ("ending", "error"), [("delete", NotFoundError), ("trash", NotFoundError), ("revoke", UnauthenticatedError)]
)
async def test_a_right_or_a_file_that_ends_meanwhile_ends_the_zip_in_the_middle(
    server: Running, ada: Person, ending: str, error: type[AppError]
) -> None:
    await ada.make_folder("/d")
    for number in range(4):
        await ada.put(f"/d/{number}", noise(3 * MIB))

    async with reading(server, ada, "/d") as (archive, pieces):
        got = len(await anext(pieces))
        if ending == "revoke":
            device = (await ada.get("/api/v1/me")).json["device_id"]
            await ada.delete(f"/api/v1/devices/{device}")
        else:
            gone = (await ada.at("/d/3" if ending == "delete" else "/d")).json["file_id"]
            await ada.delete(f"/api/v1/files/{gone}")
        with pytest.raises(error):
            got += sum([len(piece) async for piece in pieces])

    assert 0 < got < archive.plan.size


async def test_a_zip_that_breaks_off_is_never_taken_for_whole(ada: Person) -> None:
    await ada.make_folder("/d")
    for number in range(24):
        await ada.put(f"/d/{number:02}", noise(MIB))
    last = (await ada.at("/d/23")).json["file_id"]
    headers = {"Authorization": f"Bearer {ada.token}"}

    async with ada.client.get(await zip_path(ada, "/d"), headers=headers) as reply:
        await reply.content.readexactly(1000)
        await ada.delete(f"/api/v1/files/{last}")
        with pytest.raises((aiohttp.ClientError, ConnectionError)):
            await reply.content.read()


async def test_no_content_is_read_twice_for_its_checksum(server: Running, ada: Person) -> None:
    await ada.make_folder("/d")
    data = noise(8 * MIB)
    await ada.put("/d/f", data)

    async with reading(server, ada, "/d") as (_, pieces):
        got = 0
        while got < 2 * MIB:
            got += len(await anext(pieces))
    begun = await only_known(server)
    async with reading(server, ada, "/d") as (_, pieces):
        whole = b"".join([piece async for piece in pieces])
    done = await only_known(server)

    assert 2 * MIB <= begun.size <= 7 * MIB
    assert begun.crc == zlib.crc32(data[: begun.size])
    assert done == Checksum(len(data), zlib.crc32(data))
    assert held(whole)["d/f"] == data
    assert held((await ada.get(await zip_path(ada, "/d"))).body)["d/f"] == data


async def only_known(server: Running) -> Checksum:
    """Return the one CRC that the server has kept."""

    def work(tx: Snapshot) -> Checksum:
        rows = tx.all("SELECT version_id FROM checksums")
        assert len(rows) == 1
        return checksums.find(tx, rows[0]["version_id"])

    return await server.cairn.database.read(work)


async def test_a_zip_resumes_only_while_it_is_the_same(ada: Person) -> None:
    await make_trip(ada, folders=1)
    path = await zip_path(ada, "/Trip")
    etag = (await ada.call("HEAD", path)).headers["ETag"]

    same = await ada.get(path, headers={"Range": "bytes=100-", "If-Range": etag})
    not_modified = await ada.get(path, headers={"If-None-Match": etag})
    await ada.put("/Trip/0/note.txt", b"another")
    other = await ada.get(path, headers={"Range": "bytes=100-", "If-Range": etag})
    failed = await ada.get(path, headers={"If-Match": etag})

    assert same.status == HTTPStatus.PARTIAL_CONTENT
    assert not_modified.status == HTTPStatus.NOT_MODIFIED
    assert other.status == HTTPStatus.OK
    assert held(other.body)["Trip/0/note.txt"] == b"another"
    assert failed.status == HTTPStatus.PRECONDITION_FAILED


async def test_a_zip_of_a_strangers_folder_or_of_a_file_is_not_there(ada: Person, bob: Person) -> None:
    await make_trip(ada, folders=1)
    file_id = (await ada.at("/Trip/0/raw")).json["file_id"]

    assert (await bob.get(await zip_path(ada, "/Trip"))).status == HTTPStatus.NOT_FOUND
    assert (await ada.get(f"/api/v1/folders/{file_id}/archive.zip")).status == HTTPStatus.NOT_FOUND
    assert (await ada.get("/api/v1/folders/root/archive.zip")).status == HTTPStatus.OK


async def test_two_zips_a_person_and_eight_in_all(server: Running, ada: Person) -> None:
    await ada.make_folder("/d")
    services, actor = server.cairn.services, await actor_of(server, ada)
    folder_id = (await ada.at("/d")).json["file_id"]

    async with AsyncExitStack() as stack:
        for owner in "aabbccdd":
            await stack.enter_async_context(services.archives.open(owner, actor, [folder_id], still_working(actor)))
        with pytest.raises(RateLimitedError):
            await stack.enter_async_context(services.archives.open("a", actor, [folder_id], still_working(actor)))
        with pytest.raises(UnavailableError):
            await stack.enter_async_context(services.archives.open("e", actor, [folder_id], still_working(actor)))
        full = await ada.get(f"/api/v1/folders/{folder_id}/archive.zip")

    assert full.status == HTTPStatus.SERVICE_UNAVAILABLE
    assert (await ada.get(f"/api/v1/folders/{folder_id}/archive.zip")).status == HTTPStatus.OK


async def test_a_zip_has_only_so_many_entries(ada: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    await make_trip(ada)
    monkeypatch.setattr(archive_plan, "MOST_ENTRIES", 5)

    reply = await ada.get(await zip_path(ada, "/Trip"))

    assert (reply.status, reply.code) == (HTTPStatus.CONFLICT, "limit_reached")


async def test_a_plan_that_finds_no_room_is_refused(ada: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    await make_trip(ada, folders=1)
    path = await zip_path(ada, "/Trip")

    def no_room(*_: object, **__: object) -> IO[bytes]:
        return open("/dev/full", "w+b", buffering=0)  # noqa: PTH123 - the plan closes it

    monkeypatch.setattr("tempfile.SpooledTemporaryFile", no_room)
    reply = await ada.get(path)

    assert (reply.status, reply.code) == (HTTPStatus.INSUFFICIENT_STORAGE, "storage_full")
