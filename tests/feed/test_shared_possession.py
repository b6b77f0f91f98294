"""Whose bytes need not be sent: what one can read now, through shared folders too (security.md, X1 to X3)."""

from http import HTTPStatus
from typing import Any

from tests.api.people import Person, noise, sha256
from tests.api.test_possession import seen
from tests.feed.test_shared import remove, share


async def shared_chunk(owner: Person, username: str) -> tuple[Any, bytes]:
    """Share a folder with a file of one chunk; return the folder and the chunk."""
    folder, chunk = await owner.make_folder("/docs"), noise(100_000)
    await owner.upload("/docs/a", chunk)
    await share(owner, folder["file_id"], username, "viewer")
    return folder, chunk


async def is_needed(person: Person, path: str, chunk: bytes) -> bool:
    return bool((await person.open_upload(path, chunk))["chunks"][0]["needed"])


async def test_a_chunk_that_one_can_read_in_a_shared_folder_needs_no_bytes(ada: Person, bob: Person) -> None:
    _, chunk = await shared_chunk(ada, "bob")

    answer = await bob.open_upload("/mine", chunk)
    committed = await bob.commit(answer["upload_id"])

    assert answer["chunks"][0]["needed"] is False
    assert committed.status == HTTPStatus.CREATED
    assert (await bob.content(committed.json["file"]["file_id"])).body == chunk


async def test_one_that_could_be_read_when_the_upload_was_asked_for_must_be_sent_if_it_can_no_more(
    ada: Person, bob: Person
) -> None:
    folder, chunk = await shared_chunk(ada, "bob")
    answer = await bob.open_upload("/mine", chunk)

    await remove(ada, folder["file_id"], "bob")
    refused = await bob.commit(answer["upload_id"])

    assert (refused.status, refused.code) == (422, "missing_chunks")
    url = refused.json["missing"][0]["url"]
    assert (await bob.send(url, chunk)).status == 204
    assert (await bob.commit(answer["upload_id"])).status == HTTPStatus.CREATED


async def test_an_upload_into_a_folder_that_one_may_write_to_no_more_is_not_committed(ada: Person, bob: Person) -> None:
    folder, chunk = await ada.make_folder("/docs"), noise(1000)
    await share(ada, folder["file_id"], "bob")
    uploads = [await bob.open_upload(f"/docs/{name}", chunk) for name in "ab"]
    await bob.send_needed(uploads[0], [chunk])
    await ada.call("PATCH", f"/api/v1/files/{folder['file_id']}/members/bob", json={"role": "viewer"})
    of_a_viewer = await bob.commit(uploads[0]["upload_id"])

    await remove(ada, folder["file_id"], "bob")
    of_a_stranger = await bob.commit(uploads[1]["upload_id"])

    assert of_a_viewer.status in (403, 404)
    assert of_a_stranger.status == 404
    assert await ada.names(folder["file_id"]) == []


async def test_a_chunk_of_a_file_that_one_could_read_yesterday_must_be_sent(ada: Person, bob: Person) -> None:
    folder, chunk = await shared_chunk(ada, "bob")
    await remove(ada, folder["file_id"], "bob")

    answer = await bob.open_upload("/mine", chunk)

    assert answer["chunks"][0]["needed"] is True
    assert (await bob.commit(answer["upload_id"])).status == 422


async def test_so_must_one_of_a_file_that_was_moved_out_of_the_shared_folder_and_changed_there(
    ada: Person, bob: Person
) -> None:
    await shared_chunk(ada, "bob")
    file, home, later = (await ada.at("/docs/a")).json, (await ada.at("/")).json, noise(100_000)
    await ada.change(file["file_id"], parent_id=home["file_id"], name="private")
    await ada.upload("/private", later, base_version=file["version_id"])

    assert await is_needed(bob, "/mine", later)


async def test_a_chunk_of_another_members_home_must_be_sent(ada: Person, bob: Person) -> None:
    await shared_chunk(ada, "bob")
    of_ada, of_bob = noise(1000), noise(1000)
    await ada.upload("/private", of_ada)
    await bob.upload("/private", of_bob)

    assert await is_needed(bob, "/guess", of_ada)
    assert await is_needed(ada, "/guess", of_bob)
    assert await is_needed(ada, "/docs/guess", of_bob)


async def test_to_who_was_removed_a_chunk_of_the_folder_is_as_one_that_nobody_has(ada: Person, bob: Person) -> None:
    folder, known = await shared_chunk(ada, "bob")
    await remove(ada, folder["file_id"], "bob")
    steps: list[list[Any]] = []
    for chunk in (known, noise(100_000)):
        asked = await bob.request(f"/{sha256(chunk)[:8]}", [chunk])
        upload_id, url = asked.json["upload_id"], asked.json["chunks"][0]["url"]
        calls = [
            bob.get(f"/api/v1/uploads/{upload_id}"),
            bob.commit(upload_id),
            bob.send(url, bytes(len(chunk))),
            bob.fetch(url),
            bob.send(url, chunk),
            bob.get(f"/api/v1/uploads/{upload_id}"),
        ]
        steps.append([seen(asked), *[seen(await call) for call in calls]])

    for step, (one, other) in enumerate(zip(*steps, strict=True)):
        assert one == other, f"step {step}"
