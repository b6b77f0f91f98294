"""Nobody gets a file by knowing its hash, or learns whether another has it (security.md, X1 to X4)."""

import re
from typing import Any

from tests.accounts.api import Reply
from tests.api.people import Person, entries, frame, noise, sha256

SIZES = (1000, 100_000)  # a row of the index, and a file


def shape(value: Any) -> Any:
    """Return an answer with all that is drawn by lot, derived from an id, or a second of a URL's life made equal."""
    if isinstance(value, dict):
        return {key: shape(item) for key, item in value.items() if key not in ("request_id", "expires_ms")}
    if isinstance(value, list):
        return [shape(item) for item in value]
    if isinstance(value, str):
        return re.sub(r"[A-Za-z0-9_-]{11,}|(?<=[?&][nx]=)[0-9]+", "·", value)
    return value


def seen(reply: Reply) -> tuple[int, dict[str, str], Any]:
    """Return all that somebody sees of an answer, in its shape."""
    headers = {
        name: shape(value) for name, value in reply.headers.items() if name.title() not in ("Date", "X-Request-Id")
    }
    return reply.status, headers, shape(reply.json)


async def test_a_chunk_that_another_has_must_be_sent_all_the_same(ada: Person, bob: Person) -> None:
    chunks = [noise(size) for size in SIZES]
    await ada.upload("/secret", *chunks)

    answer = await bob.open_upload("/guess", *chunks)
    refused = await bob.commit(answer["upload_id"])

    assert [chunk["needed"] for chunk in answer["chunks"]] == [True, True]
    assert (refused.status, refused.code) == (422, "missing_chunks")
    assert [chunk["index"] for chunk in refused.json["missing"]] == [0, 1]
    assert await bob.names() == []
    await bob.send_needed(answer, chunks)
    assert (await bob.commit(answer["upload_id"])).status == 201


async def test_the_same_holds_in_a_bundle_and_for_appended_chunks(ada: Person, bob: Person) -> None:
    chunk = noise(1000)
    await ada.upload("/secret", chunk)
    bundled = (await bob.request("/a", [chunk], bundle=True)).json["upload_id"]
    grown = (await bob.request("/b", size=1000, chunks=[], append=True)).json["upload_id"]
    appended = await bob.post(f"/api/v1/uploads/{grown}/chunks", {"from": 0, "chunks": entries(chunk)})

    results = await bob.post("/api/v1/uploads/commit", {"upload_ids": [bundled, grown]})

    assert appended.json["chunks"][0]["needed"] is True
    assert [result["code"] for result in results.json["results"]] == ["missing_chunks"] * 2


async def test_known_and_unknown_chunks_are_alike_to_a_stranger(ada: Person, bob: Person) -> None:
    known, unknown = noise(100_000), noise(100_000)
    await ada.upload("/secret", known)
    steps: dict[bytes, list[Any]] = {known: [], unknown: []}
    for chunk, seen_here in steps.items():
        name = f"/{sha256(chunk)[:8]}"
        asked = await bob.request(name, [chunk])
        seen_here.append(seen(asked))
        upload_id, url = asked.json["upload_id"], asked.json["chunks"][0]["url"]
        calls = [
            bob.get(f"/api/v1/uploads/{upload_id}"),
            bob.commit(upload_id),
            bob.send(url, bytes(100_000)),
            bob.send(url, chunk[:-1]),
            bob.fetch(url),
            bob.fetch(url, "HEAD"),
            bob.get(f"/api/v1/uploads/{upload_id}"),
            bob.send(url, chunk),
            bob.get(f"/api/v1/uploads/{upload_id}"),
            bob.send(url, chunk),
            bob.get("/api/v1/me"),
            bob.commit(upload_id),
            bob.get("/api/v1/me"),
        ]
        seen_here += [seen(await call) for call in calls]

    of_known, of_unknown = steps.values()
    for step, (one, other) in enumerate(zip(of_known, of_unknown, strict=True)):
        if one[2] and "file" in one[2] and one[2]["file"]:
            for answer in (one, other):
                for key in ("seq", "etag", "created_ms", "modified_ms", "mtime_ms", "name", "path"):
                    del answer[2]["file"][key]
        if isinstance(one[2], dict) and "spaces" in one[2]:  # the second file comes on top of the first
            continue
        assert one == other, f"step {step}"


async def test_the_promise_made_for_a_known_chunk_is_that_for_an_unknown_one(ada: Person, bob: Person) -> None:
    known, unknown = noise(1000), noise(1000)
    await ada.upload("/secret", known)
    before = (await bob.get("/api/v1/me")).json["spaces"][0]["used"]

    await bob.upload("/known", known)
    between = (await bob.get("/api/v1/me")).json["spaces"][0]["used"]
    await bob.upload("/unknown", unknown)

    after = (await bob.get("/api/v1/me")).json["spaces"][0]["used"]
    assert (between - before, after - between) == (1000, 1000)


async def test_a_chunk_of_ones_own_file_needs_no_bytes(ada: Person) -> None:
    chunks = [noise(size) for size in SIZES]
    await ada.upload("/a", *chunks)

    answer = await ada.open_upload("/b", *chunks)
    committed = await ada.commit(answer["upload_id"])

    assert [(chunk["needed"], chunk["url"]) for chunk in answer["chunks"]] == [(False, None)] * 2
    assert committed.status == 201
    assert (await ada.content(committed.json["file"]["file_id"])).body == b"".join(chunks)


async def test_only_what_is_new_in_an_edit_is_asked_for(ada: Person) -> None:
    old = [noise(1000) for _ in range(5)]
    file = await ada.upload("/a", *old)
    new = [*old[:2], noise(500), *old[2:]]

    answer = await ada.open_upload("/a", *new, base_version=file["version_id"])

    assert await ada.send_needed(answer, new) == [2]
    assert (await ada.commit(answer["upload_id"])).status == 201


async def test_bytes_received_for_one_upload_do_not_count_for_another(ada: Person, bob: Person) -> None:
    chunk = noise(1000)
    first = await ada.open_upload("/a", chunk)
    await ada.send_needed(first, [chunk])

    for person in (ada, bob):
        other = await person.open_upload("/b", chunk)
        assert other["chunks"][0]["needed"] is True
        assert (await person.commit(other["upload_id"])).status == 422


async def test_bytes_of_an_upload_given_up_do_not_count(ada: Person) -> None:
    chunk = noise(1000)
    first = await ada.open_upload("/a", chunk)
    await ada.send_needed(first, [chunk])
    await ada.delete(f"/api/v1/uploads/{first['upload_id']}")

    second = await ada.open_upload("/a", chunk)

    assert second["chunks"][0]["needed"] is True
    assert (await ada.commit(second["upload_id"])).status == 422


async def test_wrong_bytes_for_a_known_chunk_are_refused_and_the_original_stays(ada: Person, bob: Person) -> None:
    for size in SIZES:
        chunk = noise(size)
        file = await ada.upload(f"/{size}", chunk)
        answer = await bob.open_upload(f"/{size}", chunk)
        url = answer["chunks"][0]["url"]

        refusals = [await bob.send(url, noise(size)), await bob.send(url, b"x"), await bob.send(url, chunk + b"x")]

        assert [(reply.status, reply.code) for reply in refusals] == [(400, "chunk_mismatch")] * 3
        assert (await bob.commit(answer["upload_id"])).status == 422
        assert (await ada.content(file["file_id"])).body == chunk
        assert (await bob.send(url, chunk)).status == 204


async def test_a_bundle_frame_with_wrong_bytes_for_a_known_chunk_changes_nothing(ada: Person, bob: Person) -> None:
    chunk = noise(1000)
    file = await ada.upload("/a", chunk)
    asked = await bob.request("/a", [chunk], bundle=True)

    sent = await bob.send(asked.json["bundle_url"], frame(noise(1000), chunk_id=sha256(chunk)))

    assert (sent.status, sent.code) == (400, "chunk_mismatch")
    assert (await ada.content(file["file_id"])).body == chunk


async def test_one_photo_through_every_door_is_stored_once_and_belongs_to_each(ada: Person, bob: Person) -> None:
    photo = noise(200_000)

    through_chunks = await ada.upload("/a", photo)
    in_one_shot = await bob.put("/b", photo)

    assert in_one_shot.json["sha256"] == through_chunks["sha256"]
    chunk_of = [
        (await person.get("/api/v1/download", params={"file_id": file["file_id"]})).json["chunks"][0]["sha256"]
        for person, file in ((ada, through_chunks), (bob, in_one_shot.json))
    ]
    assert chunk_of == [sha256(photo)] * 2
    again = await bob.open_upload("/c", photo)
    assert again["chunks"][0]["needed"] is False
