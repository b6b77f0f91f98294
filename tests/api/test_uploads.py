"""Uploads from request to commit: single, in batches, grown, resumed, given up."""

import asyncio
import sqlite3
from contextlib import closing
from typing import Any

import pytest

from app.config import Limits, Settings
from app.ids import decode_id
from tests.api.conftest import Running
from tests.api.people import MIB, NONSENSE_ID, Person, entries, frame, noise, sha256
from tests.api.wire import eventually


async def test_an_upload_goes_through_request_chunks_and_commit(ada: Person) -> None:
    chunks = [noise(100_000), noise(70_000), noise(1)]
    answer = await ada.open_upload("/a.bin", *chunks, mtime_ms=1_234_567_890_123, executable=True)

    sent = await ada.send_needed(answer, chunks)
    committed = await ada.commit(answer["upload_id"])

    assert sent == [0, 1, 2]
    assert committed.status == 201
    file = committed.json["file"]
    assert (file["path"], file["size"], file["mtime_ms"], file["executable"], file["kind"]) == (
        "/a.bin", 170_001, 1_234_567_890_123, True, "file",
    )  # fmt: skip
    assert (await ada.content(file["file_id"])).body == b"".join(chunks)


async def test_the_file_is_not_there_before_the_commit(ada: Person) -> None:
    chunk = noise(1000)
    answer = await ada.open_upload("/a.bin", chunk)
    await ada.send_needed(answer, [chunk])

    reply = await ada.at("/a.bin")

    assert reply.status == 404


async def test_an_empty_file_has_no_chunks(ada: Person) -> None:
    file = await ada.upload("/empty")

    assert file["size"] == 0
    reply = await ada.content(file["file_id"])
    assert (reply.status, reply.body, reply.headers["Content-Length"]) == (200, b"", "0")
    download = await ada.get("/api/v1/download", params={"file_id": file["file_id"]})
    assert download.json["chunks"] == []


async def test_a_chunk_that_stands_twice_in_a_file_is_served_twice(ada: Person) -> None:
    one, two = noise(80_000), noise(5)
    answer = await ada.open_upload("/twice", one, two, one)
    by_id = {chunk["sha256"]: chunk["url"] for chunk in answer["chunks"]}
    for data in (one, two):
        assert (await ada.send(by_id[sha256(data)], data)).status == 204

    committed = await ada.commit(answer["upload_id"])

    assert committed.json["file"]["size"] == 160_005
    assert (await ada.content(committed.json["file"]["file_id"])).body == one + two + one


@pytest.mark.parametrize("size", [1, 8 * MIB])
async def test_chunks_of_the_least_and_the_largest_size_are_taken(ada: Person, size: int) -> None:
    data = noise(size)

    file = await ada.upload("/f", data)

    assert (await ada.content(file["file_id"])).body == data
    assert file["sha256"] == sha256(data)


@pytest.mark.parametrize("size", [0, -1, 8 * MIB + 1, 2**60])
async def test_chunks_of_other_sizes_are_refused(ada: Person, size: int) -> None:
    reply = await ada.request("/f", size=max(size, 0), chunks=[{"sha256": "0" * 64, "size": size}])

    assert (reply.status, reply.code) == (400, "invalid_request")


@pytest.mark.parametrize("size", [0, 299, 301, 2**53])
async def test_a_list_that_does_not_add_up_is_refused(ada: Person, size: int) -> None:
    reply = await ada.request("/f", [noise(100), noise(200)], size=size)

    assert (reply.status, reply.code) == (400, "invalid_request")


async def test_one_id_with_two_sizes_is_refused(ada: Person) -> None:
    chunk = noise(100)
    listed = [{"sha256": sha256(chunk), "size": 100}, {"sha256": sha256(chunk), "size": 50}]

    reply = await ada.request("/f", size=150, chunks=listed)

    assert (reply.status, reply.code) == (400, "invalid_request")


@pytest.mark.parametrize("size", [99, 101, 70_000])
async def test_a_chunk_that_one_has_is_not_taken_for_one_of_another_size(ada: Person, size: int) -> None:
    chunk = noise(100)
    await ada.upload("/mine", chunk)

    reply = await ada.request("/f", size=size, chunks=[{"sha256": sha256(chunk), "size": size}])

    assert reply.json["chunks"][0]["needed"] is True
    committed = await ada.commit(reply.json["upload_id"])
    assert (committed.status, committed.code) == (422, "missing_chunks")


async def test_commit_with_chunks_missing_names_them_and_leaves_the_upload_open(ada: Person) -> None:
    chunks = [noise(1000), noise(2000), noise(3000)]
    answer = await ada.open_upload("/f", *chunks)
    await ada.send(answer["chunks"][1]["url"], chunks[1])

    refused = await ada.commit(answer["upload_id"])

    assert (refused.status, refused.code) == (422, "missing_chunks")
    assert [chunk["index"] for chunk in refused.json["missing"]] == [0, 2]
    for chunk in refused.json["missing"]:
        assert (await ada.send(chunk["url"], chunks[chunk["index"]])).status == 204
    assert (await ada.commit(answer["upload_id"])).status == 201


async def test_committing_again_gives_the_same_file_and_version(ada: Person) -> None:
    first, second = noise(1000), noise(1000)
    answer = await ada.open_upload("/f", first)
    await ada.send_needed(answer, [first])
    once = (await ada.commit(answer["upload_id"])).json["file"]
    later = await ada.upload("/f", second, base_version=once["version_id"])

    again = await ada.commit(answer["upload_id"])

    assert again.status == 201
    assert again.json["file"]["file_id"] == once["file_id"]
    assert again.json["file"]["version_id"] == once["version_id"]
    assert again.json["file"]["seq"] == later["seq"]
    assert (await ada.at("/f")).json["version_id"] == later["version_id"]


async def test_two_commits_at_once_make_one_version(ada: Person) -> None:
    chunk = noise(1000)
    answer = await ada.open_upload("/f", chunk)
    await ada.send_needed(answer, [chunk])

    replies = await asyncio.gather(*(ada.commit(answer["upload_id"]) for _ in range(8)))

    assert {reply.status for reply in replies} == {201}
    assert len({reply.json["file"]["version_id"] for reply in replies}) == 1
    assert await ada.names() == ["f"]


# Resume


async def test_resume_lists_what_is_missing_with_urls_that_work(ada: Person) -> None:
    chunks = [noise(1000) for _ in range(4)]
    answer = await ada.open_upload("/f", *chunks)
    await ada.send(answer["chunks"][2]["url"], chunks[2])

    progress = await ada.get(f"/api/v1/uploads/{answer['upload_id']}")

    assert progress.json["state"] == "open"
    assert progress.json["file"] is None
    assert [chunk["index"] for chunk in progress.json["missing"]] == [0, 1, 3]
    for chunk in progress.json["missing"]:
        assert (await ada.send(chunk["url"], chunks[chunk["index"]])).status == 204
    assert (await ada.get(f"/api/v1/uploads/{answer['upload_id']}")).json["missing"] == []


async def test_resume_from_an_index_lists_only_what_follows(ada: Person) -> None:
    chunks = [noise(100) for _ in range(5)]
    answer = await ada.open_upload("/f", *chunks)

    progress = await ada.get(f"/api/v1/uploads/{answer['upload_id']}", params={"from": 3})
    beyond = await ada.get(f"/api/v1/uploads/{answer['upload_id']}", params={"from": 99})

    assert [chunk["index"] for chunk in progress.json["missing"]] == [3, 4]
    assert (beyond.status, beyond.json["missing"], beyond.json["next_from"]) == (200, [], None)


async def test_a_committed_upload_shows_its_file(ada: Person) -> None:
    chunk = noise(100)
    answer = await ada.open_upload("/f", chunk)
    await ada.send_needed(answer, [chunk])
    file = (await ada.commit(answer["upload_id"])).json["file"]

    progress = await ada.get(f"/api/v1/uploads/{answer['upload_id']}")

    assert (progress.json["state"], progress.json["missing"]) == ("committed", [])
    assert progress.json["file"]["file_id"] == file["file_id"]


async def test_long_lists_come_in_answers_of_4096(ada: Person) -> None:
    listed = [{"sha256": f"{number:064x}", "size": 1024} for number in range(9000)]
    answer = await ada.request("/f", size=9000 * 1024, chunks=listed)
    upload_id, seen, start = answer.json["upload_id"], list[int](), answer.json["next_from"]
    seen += [chunk["index"] for chunk in answer.json["chunks"]]
    while start is not None:
        page = await ada.get(f"/api/v1/uploads/{upload_id}", params={"from": start})
        assert len(page.json["missing"]) <= 4096
        seen += [chunk["index"] for chunk in page.json["missing"]]
        start = page.json["next_from"]

    assert seen == list(range(9000))
    assert len(answer.json["chunks"]) == 4096


def tiny(count: int, size: int = 1) -> list[dict[str, Any]]:
    return [{"sha256": f"{number:064x}", "size": size} for number in range(count)]


@pytest.mark.parametrize(
    ("listed", "status"),
    [
        (tiny(1024), 201),
        (tiny(1025, 1023), 400),
        (tiny(1025, 1024), 201),
        ([*tiny(1024), {"sha256": "f" * 64, "size": 1024 * 1024}], 201),
    ],
    ids=["no more than 1,024", "a byte too few in each", "just enough", "enough on average"],
)
async def test_a_long_list_of_tiny_chunks_is_refused(
    server: Running, ada: Person, listed: list[dict[str, Any]], status: int
) -> None:
    reply = await ada.request("/f", size=sum(chunk["size"] for chunk in listed), chunks=listed)

    assert reply.status == status, reply.body
    if status == 400:
        assert reply.code == "invalid_request"
        assert "cut it more coarsely" in reply.json["detail"]
        assert await reserved(server) == 0


# Append


async def test_a_list_does_not_grow_long_by_tiny_chunks(ada: Person) -> None:
    listed = tiny(1025)
    upload_id = (await ada.request("/f", size=5000, chunks=listed[:1000], append=True)).json["upload_id"]
    address = f"/api/v1/uploads/{upload_id}/chunks"

    taken = await ada.post(address, {"from": 1000, "chunks": listed[1000:1024]})
    refused = await ada.post(address, {"from": 1024, "chunks": listed[1024:]})

    assert taken.status == 200
    assert (refused.status, refused.code) == (400, "invalid_request")
    progress = await ada.get(f"/api/v1/uploads/{upload_id}", params={"from": 1000})
    assert len(progress.json["missing"]) == 24


async def test_a_list_may_grow_while_chunks_are_sent(ada: Person) -> None:
    chunks = [noise(1000), noise(2000), noise(500)]
    reply = await ada.request("/f", size=3500, chunks=entries(chunks[0]), append=True)
    upload_id = reply.json["upload_id"]
    await ada.send_needed(reply.json, chunks)

    grown = await ada.post(f"/api/v1/uploads/{upload_id}/chunks", {"from": 1, "chunks": entries(*chunks[1:])})
    await ada.send_needed(grown.json, chunks)
    committed = await ada.commit(upload_id)

    assert [chunk["index"] for chunk in grown.json["chunks"]] == [1, 2]
    assert committed.status == 201
    assert (await ada.content(committed.json["file"]["file_id"])).body == b"".join(chunks)


async def test_repeating_an_append_is_harmless(ada: Person) -> None:
    chunks = [noise(1000), noise(2000)]
    upload_id = (await ada.request("/f", size=3000, chunks=[], append=True)).json["upload_id"]
    body = {"from": 0, "chunks": entries(*chunks)}
    first = await ada.post(f"/api/v1/uploads/{upload_id}/chunks", body)

    second = await ada.post(f"/api/v1/uploads/{upload_id}/chunks", body)

    assert second.status == first.status == 200
    await ada.send_needed(second.json, chunks)
    assert (await ada.commit(upload_id)).json["file"]["size"] == 3000


@pytest.mark.parametrize("start", [0, 2, 2**40])
async def test_an_append_elsewhere_than_at_the_end_is_a_conflict(ada: Person, start: int) -> None:
    upload_id = (await ada.request("/f", [noise(100)], size=300, append=True)).json["upload_id"]

    reply = await ada.post(f"/api/v1/uploads/{upload_id}/chunks", {"from": start, "chunks": entries(noise(200))})

    assert (reply.status, reply.code) == (409, "conflict")


async def test_an_append_beyond_the_size_is_refused_and_changes_nothing(ada: Person) -> None:
    chunk = noise(100)
    upload_id = (await ada.request("/f", [chunk], size=300, append=True)).json["upload_id"]

    reply = await ada.post(f"/api/v1/uploads/{upload_id}/chunks", {"from": 1, "chunks": entries(noise(201))})

    assert (reply.status, reply.code) == (400, "invalid_request")
    progress = await ada.get(f"/api/v1/uploads/{upload_id}")
    assert [entry["sha256"] for entry in progress.json["missing"]] == [sha256(chunk)]


async def test_a_list_that_stays_short_does_not_commit(ada: Person) -> None:
    chunk = noise(100)
    reply = await ada.request("/f", [chunk], size=300, append=True)
    await ada.send_needed(reply.json, [chunk])

    committed = await ada.commit(reply.json["upload_id"])

    assert (committed.status, committed.code) == (400, "invalid_request")
    assert await ada.names() == []


async def test_a_bundle_takes_chunks_that_were_appended_after_its_first_use(ada: Person) -> None:

    chunks = [noise(100), noise(200)]
    reply = await ada.request("/f", chunks[:1], size=300, append=True, bundle=True)
    assert (await ada.send(reply.json["bundle_url"], frame(chunks[0]))).status == 200
    upload_id = reply.json["upload_id"]

    grown = await ada.post(f"/api/v1/uploads/{upload_id}/chunks", {"from": 1, "chunks": entries(chunks[1])})
    sent = await ada.send(grown.json["bundle_url"], frame(chunks[1]))

    assert sent.status == 200, sent.body
    assert (await ada.commit(upload_id)).status == 201


# Give up


async def test_giving_up_leaves_nothing(server: Running, ada: Person) -> None:
    chunk = noise(1000)
    answer = await ada.open_upload("/f", chunk)
    await ada.send_needed(answer, [chunk])

    given_up = await ada.delete(f"/api/v1/uploads/{answer['upload_id']}")

    assert given_up.status == 204
    for call in (ada.commit(answer["upload_id"]), ada.get(f"/api/v1/uploads/{answer['upload_id']}")):
        reply = await call
        assert (reply.status, reply.code) == (404, "not_found")
    assert await ada.names() == []
    assert await reserved(server) == 0


async def test_giving_up_after_the_commit_is_a_conflict_that_shows_the_file(ada: Person) -> None:
    chunk = noise(1000)
    answer = await ada.open_upload("/f", chunk)
    await ada.send_needed(answer, [chunk])
    file = (await ada.commit(answer["upload_id"])).json["file"]

    reply = await ada.delete(f"/api/v1/uploads/{answer['upload_id']}")

    assert (reply.status, reply.code) == (409, "conflict")
    assert reply.json["current"] == file
    assert (await ada.content(file["file_id"])).body == chunk


@pytest.mark.parametrize("end", ["commit", "give up", "bundle"])
async def test_an_upload_that_is_over_leaves_no_claim_in_the_store(server: Running, ada: Person, end: str) -> None:
    chunk = noise(1000)
    answer = (await ada.request("/f", [chunk], bundle=end == "bundle")).json
    if end == "bundle":
        await ada.send(answer["bundle_url"], frame(chunk))
    else:
        await ada.send_needed(answer, [chunk])
    if end == "give up":
        await ada.delete(f"/api/v1/uploads/{answer['upload_id']}")
    else:
        await ada.commit(answer["upload_id"])

    async def is_forgotten() -> bool:
        with closing(sqlite3.connect(server.folder / "store" / "chunks.db")) as index:
            chunks, claims = index.execute("SELECT (SELECT count(*) FROM chunks), count(*) FROM claims").fetchone()
        return bool(chunks) and not claims

    await eventually(is_forgotten)


# Batches


async def test_a_batch_of_a_thousand_files_takes_one_barrier_and_one_commit(server: Running, ada: Person) -> None:

    contents = {f"/batch/{number:04}.txt": noise(50 + number) for number in range(1000)}
    files = [
        {"path": path, "size": len(data), "chunks": entries(data), "parents": True} for path, data in contents.items()
    ]
    asked = await ada.post("/api/v1/uploadRequest", {"files": files, "bundle": True})
    assert asked.status == 201
    sent = await ada.send(asked.json["bundle_url"], b"".join(map(frame, contents.values())))
    assert sent.json == {"stored": 1000}
    barriers, commits = server.cairn.store.stats().barriers, server.cairn.database.commits

    ids = [upload["upload_id"] for upload in asked.json["uploads"]]
    committed = await ada.post("/api/v1/uploads/commit", {"upload_ids": ids})

    assert server.cairn.store.stats().barriers - barriers <= 1
    assert server.cairn.database.commits - commits == 1
    assert [result["file"]["path"] for result in committed.json["results"]] == list(contents)
    for path in ("/batch/0000.txt", "/batch/0567.txt", "/batch/0999.txt"):
        file = (await ada.at(path)).json
        assert (await ada.content(file["file_id"])).body == contents[path]
    assert (await ada.at("/batch")).json["size"] == sum(map(len, contents.values()))


async def test_one_file_of_a_batch_that_is_refused_does_not_hold_up_the_others(ada: Person) -> None:
    one, two = noise(10), noise(20)
    files: list[dict[str, Any]] = [
        {"path": "/one", "size": 10, "chunks": entries(one)},
        {"path": "/../etc", "size": 0, "chunks": []},
        {"path": "/no/such/folder", "size": 0, "chunks": []},
        {"path": "/short", "size": 9, "chunks": entries(one)},
        {"path": "/type", "size": 0, "chunks": [], "content_type": "nonsense"},
        {"path": "/two", "size": 20, "chunks": entries(two)},
    ]

    reply = await ada.post("/api/v1/uploadRequest", {"files": files})

    assert reply.status == 201
    codes = [upload.get("code") for upload in reply.json["uploads"]]
    assert codes == [None, "invalid_request", "not_found", "invalid_request", "invalid_request", None]
    for index, data in ((0, one), (5, two)):
        await ada.send_needed(reply.json["uploads"][index], [data])
        assert (await ada.commit(reply.json["uploads"][index]["upload_id"])).status == 201


async def test_one_commit_of_a_batch_that_fails_does_not_hold_up_the_others(server: Running, ada: Person) -> None:
    chunks = [noise(100), noise(200), noise(300)]
    answers = [await ada.open_upload(f"/deep/{n}", chunk, parents=True) for n, chunk in enumerate(chunks)]
    for answer, chunk in ((answers[0], chunks[0]), (answers[2], chunks[2])):
        await ada.send_needed(answer, [chunk])
    ids = [answers[0]["upload_id"], NONSENSE_ID, answers[1]["upload_id"], answers[2]["upload_id"]]

    reply = await ada.post("/api/v1/uploads/commit", {"upload_ids": ids})

    assert reply.status == 200
    first, unknown, missing, last = reply.json["results"]
    assert (first["file"]["path"], last["file"]["path"]) == ("/deep/0", "/deep/2")
    assert (unknown["code"], missing["code"]) == ("not_found", "missing_chunks")
    assert [chunk["index"] for chunk in missing["missing"]] == [0]
    assert (await ada.at("/deep")).json["size"] == 400
    assert await reserved(server) == 200


async def test_one_upload_named_twice_in_a_batch_is_committed_once(ada: Person) -> None:
    chunk = noise(100)
    answer = await ada.open_upload("/f", chunk)
    await ada.send_needed(answer, [chunk])

    reply = await ada.post("/api/v1/uploads/commit", {"upload_ids": [answer["upload_id"]] * 2})

    one, other = reply.json["results"]
    assert one == other
    assert (await ada.at("/")).json["size"] == 100
    assert await ada.names() == ["f"]


async def test_two_uploads_of_one_batch_for_one_name_conflict(ada: Person) -> None:
    chunks = [noise(100), noise(200)]
    answers = [await ada.open_upload("/f", chunk) for chunk in chunks]
    for answer, chunk in zip(answers, chunks, strict=True):
        await ada.send_needed(answer, [chunk])

    reply = await ada.post("/api/v1/uploads/commit", {"upload_ids": [answer["upload_id"] for answer in answers]})

    won, lost = reply.json["results"]
    assert lost["code"] == "name_taken"
    assert lost["current"]["version_id"] == won["file"]["version_id"]


@pytest.mark.parametrize("count", [0, 1001])
async def test_a_batch_has_1_to_1000_files(ada: Person, count: int) -> None:
    files = [{"path": f"/{number}", "size": 0, "chunks": []} for number in range(count)]

    asked = await ada.post("/api/v1/uploadRequest", {"files": files})
    committed = await ada.post("/api/v1/uploads/commit", {"upload_ids": [NONSENSE_ID] * count})

    assert (asked.status, asked.code) == (400, "invalid_request")
    assert (committed.status, committed.code) == (400, "invalid_request")


async def test_a_chunk_of_one_file_of_a_batch_serves_another_in_the_same_commit(ada: Person) -> None:
    chunk = noise(1000)
    first, second = [await ada.open_upload(f"/{name}", chunk) for name in "ab"]
    await ada.send_needed(first, [chunk])

    ids = [first["upload_id"], second["upload_id"]]
    reply = await ada.post("/api/v1/uploads/commit", {"upload_ids": ids})

    assert [result["file"]["size"] for result in reply.json["results"]] == [1000, 1000]


# Limits


class TestWithFewUploads:
    @pytest.fixture
    def settings(self) -> Settings:
        limits = Limits(open_uploads_per_user=3, chunks_per_file=2, free_disk_bytes=0, free_disk_percent=0)
        return Settings(limits=limits)

    async def test_open_uploads_of_a_user_are_limited(self, ada: Person, bob: Person) -> None:
        opened = [await ada.open_upload(f"/{number}") for number in range(3)]

        refused = await ada.request("/3")

        assert (refused.status, refused.code) == (429, "rate_limited")
        assert int(refused.headers["Retry-After"]) > 0
        assert (await bob.request("/3")).status == 201
        await ada.delete(f"/api/v1/uploads/{opened[0]['upload_id']}")
        assert (await ada.request("/3")).status == 201

    async def test_chunks_of_a_file_are_limited(self, ada: Person) -> None:
        refused = await ada.request("/f", [b"a", b"b", b"c"])
        opened = await ada.request("/g", [b"a", b"b"], size=3, append=True)
        grown = await ada.post(
            f"/api/v1/uploads/{opened.json['upload_id']}/chunks", {"from": 2, "chunks": entries(b"c")}
        )

        assert (refused.status, refused.code) == (413, "too_large")
        assert (grown.status, grown.code) == (413, "too_large")


async def reserved(server: Running) -> int:
    """Return what is promised to open uploads in all spaces."""
    total: int = await server.cairn.database.read(
        lambda tx: tx.execute("SELECT sum(reserved) FROM spaces").fetchone()[0]
    )
    return total


async def test_open_uploads_whose_answers_were_lost_are_found_again_and_given_up(ada: Person, bob: Person) -> None:
    await ada.upload("/done", noise(10))
    used = (await ada.get("/api/v1/me")).json["used"]
    first = await ada.open_upload("/first", noise(20))
    second = await ada.request(None, [noise(30)], parent_id="root", name="second")
    await bob.open_upload("/his", noise(40))

    page = (await ada.get("/api/v1/uploads", params={"limit": "1"})).json
    rest = (await ada.get("/api/v1/uploads", params={"after": page["next"]})).json

    assert [(item["path"], item["size"], item["reserved"]) for item in page["items"]] == [("/first", 20, 20)]
    assert [(item["parent_id"], item["name"]) for item in rest["items"]] == [("root", "second")]
    assert rest["next"] is None
    assert [item["upload_id"] for item in (*page["items"], *rest["items"])] == [
        first["upload_id"],
        second.json["upload_id"],
    ]
    for item in (*page["items"], *rest["items"]):
        assert (await ada.delete(f"/api/v1/uploads/{item['upload_id']}")).status == 204
    assert (await ada.get("/api/v1/uploads")).json == {"items": [], "next": None}
    assert (await ada.get("/api/v1/me")).json["used"] == used
    assert (await ada.get("/api/v1/uploads", params={"after": "x"})).status == 400


async def test_what_an_upload_grew_from_is_kept_with_its_version(server: Running, ada: Person) -> None:
    base, older = sha256(b"base"), sha256(b"older")
    file = await ada.upload("/f", noise(10), base_sha256=base, ancestors=[base, older])

    number = decode_id(file["version_id"])[0]
    row = await server.cairn.database.read(
        lambda tx: tx.one("SELECT ancestors FROM versions WHERE id = :id", {"id": number})
    )

    assert row is not None
    assert row["ancestors"].hex() == base + older
