"""Bundles: many chunks in one body, up to the first bad frame."""

from collections.abc import AsyncIterator
from typing import Any
from unittest.mock import Mock

import pytest

from app.services import open_uploads, uploads
from tests.api.people import MIB, Person, entries, frame, noise
from tests.api.traced import Traced


async def open_bundle(ada: Person, *files: bytes) -> Any:
    """Ask for a batch of one-chunk files `/0`, `/1`, … and return its answer."""
    wanted = [{"path": f"/{n}", "size": len(data), "chunks": entries(data)} for n, data in enumerate(files)]
    reply = await ada.post("/api/v1/uploadRequest", {"files": wanted, "bundle": True})
    assert reply.status == 201, reply.body
    return reply.json


async def missing(ada: Person, answer: Any) -> list[int]:
    """Return the numbers of the files that still lack their chunk."""
    states = [await ada.get(f"/api/v1/uploads/{upload['upload_id']}") for upload in answer["uploads"]]
    return [number for number, state in enumerate(states) if state.json["missing"]]


async def test_a_bundle_carries_small_and_large_chunks(ada: Person) -> None:
    files = [noise(1), noise(64 * 1024), noise(64 * 1024 + 1), noise(8 * MIB), b"a" * 100_000]
    answer = await open_bundle(ada, *files)
    urls = [chunk["url"] for upload in answer["uploads"] for chunk in upload["chunks"]]

    sent = await ada.send(answer["bundle_url"], b"".join(map(frame, files)))

    assert (sent.status, sent.json) == (200, {"stored": 5})
    assert urls == [None] * 5
    ids = [upload["upload_id"] for upload in answer["uploads"]]
    results = (await ada.post("/api/v1/uploads/commit", {"upload_ids": ids})).json["results"]
    for result, data in zip(results, files, strict=True):
        assert (await ada.content(result["file"]["file_id"])).body == data


async def test_a_batch_into_one_folder_looks_it_up_once(ada: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = await ada.make_folder("/a/b", parents=True)
    files = [noise(10) for _ in range(9)]
    wanted = [
        {"parent_id": folder["file_id"], "name": f"{number}", "size": 10, "chunks": entries(data)}
        for number, data in enumerate(files)
    ]
    traced = Traced(monkeypatch)

    answer = (await ada.post("/api/v1/uploadRequest", {"files": wanted, "bundle": True})).json
    await ada.send(answer["bundle_url"], b"".join(map(frame, files)))
    ids = [upload["upload_id"] for upload in answer["uploads"]]
    results = (await ada.post("/api/v1/uploads/commit", {"upload_ids": ids})).json["results"]

    assert [result["file"]["path"] for result in results] == [f"/a/b/{number}" for number in range(9)]
    looked_up = [one for one in traced.statements() if "n.tag = " in one]
    assert len(looked_up) == 2  # for the request, and for the commit


async def test_a_single_upload_may_ask_for_a_bundle(ada: Person) -> None:
    chunks = [noise(10), noise(20)]
    asked = await ada.request("/f", chunks, bundle=True)

    sent = await ada.send(asked.json["bundle_url"], b"".join(map(frame, chunks)))

    assert [chunk["url"] for chunk in asked.json["chunks"]] == [None, None]
    assert sent.json == {"stored": 2}
    assert (await ada.commit(asked.json["upload_id"])).status == 201


async def test_a_bundle_never_grows_beyond_what_a_batch_may_have(ada: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "BATCH_CHUNKS", 3)
    wanted = [{"path": f"/{n}", "size": 1000, "chunks": entries(noise(10)), "append": True} for n in range(2)]
    answer = (await ada.post("/api/v1/uploadRequest", {"files": wanted, "bundle": True})).json
    first, second = (f"/api/v1/uploads/{upload['upload_id']}/chunks" for upload in answer["uploads"])

    fits = await ada.post(first, {"from": 1, "chunks": entries(noise(10))})
    over = await ada.post(second, {"from": 1, "chunks": entries(noise(10))})

    assert (fits.status, over.status, over.code) == (200, 413, "too_large")


async def test_of_many_large_bundles_few_are_remembered_and_all_are_taken(
    ada: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(open_uploads, "BUNDLE_CHUNKS", 3)
    looked_up = Mock(wraps=open_uploads.__dict__["_declared"])
    monkeypatch.setattr(open_uploads, "_declared", looked_up)
    bundles = [[noise(10), noise(10)] for _ in range(2)]
    answers = [await ada.open_upload(f"/{n}", *files, bundle=True) for n, files in enumerate(bundles)]

    for index in (0, 1):  # of each bundle the one frame, then the other
        for answer, files in zip(answers, bundles, strict=True):
            assert (await ada.send(answer["bundle_url"], frame(files[index]))).json == {"stored": 1}

    assert looked_up.call_count == 4
    for answer in answers:
        assert (await ada.commit(answer["upload_id"])).status == 201


async def test_a_bundle_may_come_in_several_bodies(ada: Person) -> None:
    files = [noise(100) for _ in range(4)]
    answer = await open_bundle(ada, *files)

    await ada.send(answer["bundle_url"], b"".join(map(frame, files[:2])))
    between = await missing(ada, answer)
    await ada.send(answer["bundle_url"], b"".join(map(frame, files[1:])))

    assert between == [2, 3]
    assert await missing(ada, answer) == []


BAD_FRAMES = {
    "wrong bytes": lambda data: frame(data, chunk_id=None)[:36] + bytes(len(data)),
    "undeclared chunk": lambda data: frame(noise(len(data), seed=7)),
    "declared chunk, wrong length": lambda data: frame(data, size=len(data) - 1),
    "length 0": lambda data: frame(data, size=0),
    "length over 8 MiB": lambda data: frame(data, size=2**32 - 1),
}


@pytest.mark.parametrize("kind", BAD_FRAMES)
async def test_a_bad_frame_refuses_itself_and_those_after_it(ada: Person, kind: str) -> None:
    files = [noise(500) for _ in range(5)]
    answer = await open_bundle(ada, *files)
    frames = [*map(frame, files[:2]), BAD_FRAMES[kind](files[2]), *map(frame, files[3:])]

    sent = await ada.send(answer["bundle_url"], b"".join(frames))

    assert (sent.status, sent.code, sent.json["stored"], sent.json["frame"]) == (400, "chunk_mismatch", 2, 2)
    assert await missing(ada, answer) == [2, 3, 4]
    again = await ada.send(answer["bundle_url"], b"".join(map(frame, files[2:])))
    assert again.json == {"stored": 3}
    assert await missing(ada, answer) == []


async def test_a_bad_frame_behind_many_bytes_is_still_told_by_its_number(ada: Person) -> None:
    files = [noise(1 * MIB) for _ in range(9)]
    answer = await open_bundle(ada, *files)
    frames = [*map(frame, files[:7]), frame(noise(MIB)), frame(files[8])]

    sent = await ada.send(answer["bundle_url"], b"".join(frames))

    assert (sent.status, sent.json["stored"], sent.json["frame"]) == (400, 7, 7)
    assert await missing(ada, answer) == [7, 8]


@pytest.mark.parametrize("cut", [1, 35, 36, 37, 535])
async def test_a_truncated_frame_is_bad(ada: Person, cut: int) -> None:
    files = [noise(500), noise(500)]
    answer = await open_bundle(ada, *files)

    sent = await ada.send(answer["bundle_url"], frame(files[0]) + frame(files[1])[:cut])

    assert (sent.status, sent.code, sent.json["stored"], sent.json["frame"]) == (400, "chunk_mismatch", 1, 1)
    assert await missing(ada, answer) == [1]


async def test_an_empty_bundle_stores_nothing(ada: Person) -> None:
    answer = await open_bundle(ada, noise(10))

    sent = await ada.send(answer["bundle_url"], b"")

    assert (sent.status, sent.json) == (200, {"stored": 0})


async def test_a_frame_may_be_repeated(ada: Person) -> None:
    data = noise(100)
    answer = await open_bundle(ada, data)

    sent = await ada.send(answer["bundle_url"], frame(data) * 3)

    assert sent.status == 200
    assert await missing(ada, answer) == []


async def test_a_bundle_has_at_most_4096_frames(ada: Person) -> None:
    data = noise(10)
    answer = await open_bundle(ada, data)

    most = await ada.send(answer["bundle_url"], frame(data) * 4096)
    more = await ada.send(answer["bundle_url"], frame(data) * 4097)

    assert most.status == 200
    assert (more.status, more.code) == (413, "too_large")


async def test_a_bundle_has_at_most_32_mib(ada: Person) -> None:
    data = noise(8 * MIB)
    answer = await open_bundle(ada, data)

    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(4):
            yield frame(data)

    announced = await ada.send(answer["bundle_url"], frame(data) * 4)
    unannounced = await Person(ada.client).call("PUT", answer["bundle_url"], data=pieces())

    for sent in (announced, unannounced):
        assert (sent.status, sent.code) == (413, "too_large")


async def test_a_bundle_takes_no_content_encoding(ada: Person) -> None:
    data = noise(100)
    answer = await open_bundle(ada, data)

    for encoding in ("gzip", "zstd", "br"):
        sent = await ada.send(answer["bundle_url"], frame(data), **{"Content-Encoding": encoding})
        assert (sent.status, sent.code) == (415, "unsupported_media_type")


async def test_a_bundle_is_closed_when_its_last_upload_is(ada: Person) -> None:
    files = [noise(100), noise(200)]
    answer = await open_bundle(ada, *files)
    await ada.send(answer["bundle_url"], b"".join(map(frame, files)))
    first, second = [upload["upload_id"] for upload in answer["uploads"]]

    await ada.commit(first)
    while_open = await ada.send(answer["bundle_url"], frame(files[1]))
    of_the_closed = await ada.send(answer["bundle_url"], frame(files[0]))
    await ada.delete(f"/api/v1/uploads/{second}")
    closed = await ada.send(answer["bundle_url"], frame(files[1]))

    assert while_open.status == 200
    assert (of_the_closed.status, of_the_closed.code) == (400, "chunk_mismatch")
    assert (closed.status, closed.code) == (403, "forbidden")


async def test_giving_up_one_upload_of_a_bundle_keeps_what_the_others_received(ada: Person) -> None:
    files = [noise(100), noise(200)]
    answer = await open_bundle(ada, *files)
    await ada.send(answer["bundle_url"], b"".join(map(frame, files)))
    first, second = [upload["upload_id"] for upload in answer["uploads"]]

    await ada.delete(f"/api/v1/uploads/{first}")

    assert (await ada.get(f"/api/v1/uploads/{second}")).json["missing"] == []
    assert (await ada.commit(second)).status == 201
