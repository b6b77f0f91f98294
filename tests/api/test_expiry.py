"""Uploads that nobody works on end; those that are worked on live."""

import pytest

from app.db.transaction import Transaction
from tests.api.conftest import Running
from tests.api.people import Person, entries, frame, noise
from tests.api.test_uploads import reserved


async def age(server: Running, *, wall: bool = True, uptime: bool = True) -> None:
    """Let the time of all uploads be over, by one clock or both."""

    def work(tx: Transaction) -> None:
        if wall:
            tx.execute("UPDATE uploads SET expires_ms = 1")
        if uptime:
            tx.execute("UPDATE uploads SET expires_uptime_s = -1")

    await server.cairn.database.write(work)


async def test_an_upload_whose_time_is_over_is_dropped_with_its_promise(server: Running, ada: Person) -> None:
    chunk = noise(1000)
    answer = await ada.open_upload("/f", chunk)
    await ada.send_needed(answer, [chunk])
    await server.cairn.sweep.end_uploads()  # takes note of what was worked on
    await age(server)

    await server.cairn.sweep.end_uploads()

    assert await reserved(server) == 0
    assert (await ada.get(f"/api/v1/uploads/{answer['upload_id']}")).status == 404
    assert (await ada.commit(answer["upload_id"])).status == 404
    refused = await ada.send(answer["chunks"][0]["url"], chunk)
    assert (refused.status, refused.code) == (403, "forbidden")


@pytest.mark.parametrize("clock", ["wall", "uptime"])
async def test_one_clock_alone_ends_nothing(server: Running, ada: Person, clock: str) -> None:
    chunk = noise(1000)
    answer = await ada.open_upload("/f", chunk)
    await age(server, wall=clock == "wall", uptime=clock == "uptime")

    await server.cairn.sweep.end_uploads()

    await ada.send_needed(answer, [chunk])
    assert (await ada.commit(answer["upload_id"])).status == 201


@pytest.mark.parametrize("work", ["chunk", "bundle", "resume", "append"])
async def test_an_upload_that_is_worked_on_lives_on(server: Running, ada: Person, work: str) -> None:
    chunk = noise(1000)
    answer = (await ada.request("/f", [chunk], append=True, bundle=work == "bundle")).json
    await server.cairn.sweep.end_uploads()
    await age(server)
    if work == "chunk":
        await ada.send(answer["chunks"][0]["url"], chunk)
    elif work == "bundle":
        await ada.send(answer["bundle_url"], frame(chunk))
    elif work == "resume":
        await ada.get(f"/api/v1/uploads/{answer['upload_id']}")
    else:
        await ada.post(f"/api/v1/uploads/{answer['upload_id']}/chunks", {"from": 1, "chunks": []})

    await server.cairn.sweep.end_uploads()

    assert (await ada.get(f"/api/v1/uploads/{answer['upload_id']}")).status == 200


async def test_a_committed_upload_answers_until_its_time_is_over_and_the_file_stays(
    server: Running, ada: Person
) -> None:
    chunk = noise(1000)
    answer = await ada.open_upload("/f", chunk)
    await ada.send_needed(answer, [chunk])
    await ada.commit(answer["upload_id"])
    await server.cairn.sweep.end_uploads()
    before = await ada.commit(answer["upload_id"])
    await age(server)

    await server.cairn.sweep.end_uploads()

    assert before.status == 201
    assert (await ada.commit(answer["upload_id"])).status == 404
    assert (await ada.content(before.json["file"]["file_id"])).body == chunk


async def test_more_uploads_than_one_slice_are_dropped_together(server: Running, ada: Person) -> None:
    files = [{"path": f"/{number}", "size": 10, "chunks": [], "append": True} for number in range(450)]
    await ada.post("/api/v1/uploadRequest", {"files": files})
    await age(server)

    await server.cairn.sweep.end_uploads()

    assert await reserved(server) == 0


async def test_one_expired_upload_of_a_bundle_takes_nothing_from_the_others(server: Running, ada: Person) -> None:
    chunks = [noise(100), noise(200)]
    files = [{"path": f"/{n}", "size": len(chunk), "chunks": entries(chunk)} for n, chunk in enumerate(chunks)]
    asked = await ada.post("/api/v1/uploadRequest", {"files": files, "bundle": True})
    await ada.send(asked.json["bundle_url"], b"".join(map(frame, chunks)))
    await server.cairn.sweep.end_uploads()
    await server.cairn.database.write(
        lambda tx: tx.execute(
            "UPDATE uploads SET expires_ms = 1, expires_uptime_s = -1 WHERE id = (SELECT min(id) FROM uploads)"
        )
    )

    await server.cairn.sweep.end_uploads()

    first, second = [upload["upload_id"] for upload in asked.json["uploads"]]
    assert (await ada.commit(first)).status == 404
    assert (await ada.commit(second)).status == 201
