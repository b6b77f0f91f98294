"""What rewind, undo and the listing of a moment say and refuse."""

from http import HTTPStatus

import pytest

from app.clock import now_ms
from app.db.transaction import Transaction
from app.ids import decode_id
from app.services.moments import DAY_MS
from tests.api.conftest import Running
from tests.api.people import NONSENSE_ID, Person, noise
from tests.rewind.conftest import time_of
from tests.rewind.keeper import device_of, kept_by, picture, rewound, undone
from tests.tree.keeper import deleted, purge


def thin(tx: Transaction, version_id: int) -> None:
    """Take a version's content, as retention does."""
    tx.execute(
        "UPDATE spaces SET used = used - (SELECT size FROM versions WHERE id = :id) WHERE used > 0", {"id": version_id}
    )
    tx.execute("UPDATE versions SET manifest = NULL WHERE id = :id", {"id": version_id})


async def test_a_file_of_then_is_read_by_its_version_though_it_is_deleted_now(server: Running, ada: Person) -> None:
    old, new = noise(100), noise(200)
    file = await ada.upload("/docs/plan", old, parents=True)
    time_ms = time_of(server.folder)
    await ada.upload(None, new, file_id=file["file_id"], base_version=file["version_id"])
    folder = (await ada.at("/docs")).json["file_id"]
    await deleted(ada, {"file_id": folder})

    reply = await ada.get(f"/api/v1/folders/{folder}/at", params={"time_ms": str(time_ms)})

    (item,) = reply.json["items"]
    assert (item["path"], item["version_id"], item["content"]) == ("/docs/plan", file["version_id"], "kept")
    path = f"/api/v1/files/{item['file_id']}/content"
    content = await ada.get(path, params={"version_id": item["version_id"]})
    assert (content.status, content.body) == (HTTPStatus.OK, old)
    assert (await ada.get(path)).status == HTTPStatus.NOT_FOUND


async def test_changes_of_each_day_are_counted_at_and_below_a_folder_alone(ada: Person, bob: Person) -> None:
    asked = {"from_ms": str(now_ms() - 3 * DAY_MS // 2), "days": "3"}
    file = await ada.upload("/docs/plan", b"one", parents=True)
    await ada.upload(None, b"two", file_id=file["file_id"], base_version=file["version_id"])
    await ada.upload("/docs/deep/down/note", b"x", parents=True)
    await ada.upload("/other", b"y")
    await deleted(ada, (await ada.at("/docs/deep")).json)
    docs, file_id = (await ada.at("/docs")).json["file_id"], (await ada.at("/other")).json["file_id"]

    below = (await ada.get(f"/api/v1/folders/{docs}/activity", params=asked)).json["changes"]
    whole = (await ada.get("/api/v1/folders/root/activity", params=asked)).json["changes"]
    before = (await ada.get(f"/api/v1/folders/{docs}/activity", params={**asked, "days": "1"})).json["changes"]

    assert below == [0, len(("docs", "plan", "plan again", "deep", "down", "note", "deep deleted")), 0]
    assert whole[1] > below[1]
    assert before == [0]
    assert (await ada.get(f"/api/v1/folders/{file_id}/activity", params=asked)).status == HTTPStatus.NOT_FOUND
    assert (await bob.get(f"/api/v1/folders/{docs}/activity", params=asked)).status == HTTPStatus.NOT_FOUND


async def test_a_folder_in_the_trash_hid_what_was_below_it(server: Running, ada: Person) -> None:
    await ada.upload("/a/b/f", b"x", parents=True)
    folder, top = (await ada.at("/a/b")).json, (await ada.at("/a")).json
    await deleted(ada, top)
    time_ms = time_of(server.folder)
    await ada.post(f"/api/v1/trash/{top['file_id']}/restore")

    reply = await ada.get(f"/api/v1/folders/{folder['file_id']}/at", params={"time_ms": str(time_ms)})

    assert (reply.status, reply.code) == (HTTPStatus.NOT_FOUND, "not_found")


async def test_a_version_that_retention_took_is_stood_in_for_by_the_nearest_kept(server: Running, ada: Person) -> None:
    file = await ada.upload("/f", b"one")
    time_ms = time_of(server.folder)
    again = await ada.upload(None, b"two", file_id=file["file_id"], base_version=file["version_id"])
    await server.cairn.database.write(lambda tx: thin(tx, decode_id(file["version_id"])[0]))

    (item,) = (await ada.get("/api/v1/folders/root/at", params={"time_ms": str(time_ms)})).json["items"]

    assert (item["version_id"], item["content"]) == (again["version_id"], "nearest")


@pytest.mark.parametrize("time_ms", [0, 1_000])
async def test_a_time_before_the_history_is_refused(ada: Person, time_ms: int) -> None:
    listed = await ada.get("/api/v1/folders/root/at", params={"time_ms": str(time_ms)})
    asked = await ada.post("/api/v1/folders/root/rewind", {"time_ms": time_ms})

    assert [reply.code for reply in (listed, asked)] == ["invalid_request"] * 2


async def test_a_dry_run_tells_and_changes_nothing(server: Running, ada: Person) -> None:
    kept, gone = await ada.upload("/kept", b"1"), await ada.upload("/gone", b"2")
    time_ms = time_of(server.folder)
    await ada.change(kept["file_id"], name="moved")
    await deleted(ada, gone)
    new = await ada.upload("/new", b"3")
    before = await picture(ada)

    reply = await ada.post("/api/v1/folders/root/rewind", {"time_ms": time_ms, "dry_run": True})

    assert (reply.status, reply.json["changes"], reply.json["kept"]) == (HTTPStatus.OK, 3, 0)
    assert {(item["file_id"], item["action"], item["name"]) for item in reply.json["items"]} == {
        (kept["file_id"], "move", "kept"),
        (gone["file_id"], "restore", "gone"),
        (new["file_id"], "trash", "new"),
    }
    assert await picture(ada) == before


async def test_names_that_were_swapped_are_swapped_back(server: Running, ada: Person) -> None:
    one, two = await ada.upload("/one", b"1"), await ada.upload("/two", b"2")
    time_ms, before = time_of(server.folder), await picture(ada)
    await ada.change(one["file_id"], name="three")
    await ada.change(two["file_id"], name="one")
    await ada.change(one["file_id"], name="two")

    await rewound(server, ada, time_ms)

    assert await picture(ada) == before


async def test_a_rewind_can_be_taken_back_by_another_and_by_an_undo(
    server: Running, ada: Person, second: Person
) -> None:
    await ada.upload("/a/f", b"1", parents=True)
    early = time_of(server.folder)
    await ada.upload("/a/g", b"2")
    await deleted(ada, (await ada.at("/a/f")).json)
    late, wanted = time_of(server.folder), await picture(ada)

    await rewound(server, second, early)
    await rewound(server, ada, late)
    assert await picture(ada) == wanted

    start = time_of(server.folder)
    await rewound(server, second, early)
    await undone(server, ada, device_id=await device_of(second), from_ms=start + 1, to_ms=time_of(server.folder))
    assert await picture(ada) == wanted


async def test_what_is_purged_cannot_come_back_and_is_listed(server: Running, ada: Person) -> None:
    file = await ada.upload("/f", b"1")
    time_ms = time_of(server.folder)
    await purge(ada, await deleted(ada, file))

    job = await rewound(server, ada, time_ms)

    assert await kept_by(ada, job) == {file["file_id"]: "purged"}


async def test_what_a_quota_has_no_room_for_is_listed(server: Running, ada: Person) -> None:
    file = await ada.upload("/f", noise(1000))
    time_ms = time_of(server.folder)
    await ada.upload(None, b"2", file_id=file["file_id"], base_version=file["version_id"])
    await server.cairn.database.write(lambda tx: tx.execute("UPDATE spaces SET quota = 1500"))

    job = await rewound(server, ada, time_ms)

    assert await kept_by(ada, job) == {file["file_id"]: "no_room"}


async def test_a_folder_that_others_use_stays(server: Running, ada: Person, second: Person) -> None:
    start = time_of(server.folder)
    made, alone = await second.make_folder("/made"), await second.make_folder("/alone")
    await second.upload("/made/own", b"1")
    theirs = await ada.upload("/made/theirs", b"2")

    job = await undone(server, ada, username="ada", from_ms=0, to_ms=start)
    assert job["result"] == {"changed": 0, "kept": 0, "reason": None}
    job = await undone(server, ada, device_id=await device_of(second), from_ms=start + 1, to_ms=time_of(server.folder))

    assert await kept_by(ada, job) == {made["file_id"]: "in_use"}
    assert {*await picture(ada)} == {made["file_id"], theirs["file_id"]}
    assert (await ada.get(f"/api/v1/files/{alone['file_id']}")).status == HTTPStatus.NOT_FOUND


async def test_nobody_takes_back_what_is_not_theirs(server: Running, ada: Person, bob: Person) -> None:
    file = await ada.upload("/d/f", b"1", parents=True)
    folder = (await ada.at("/d")).json["file_id"]
    now = time_of(server.folder)
    asked = await ada.post("/api/v1/folders/root/rewind", {"time_ms": now})
    await server.cairn.jobs.wait_idle()

    replies = [
        await bob.get(f"/api/v1/folders/{folder}/at", params={"time_ms": str(now)}),
        await bob.post(f"/api/v1/folders/{folder}/rewind", {"time_ms": now}),
        await bob.post("/api/v1/undo", {"device_id": await device_of(ada), "from_ms": 0, "to_ms": now}),
        await bob.get(f"/api/v1/jobs/{asked.json['job_id']}"),
        await bob.get(f"/api/v1/jobs/{asked.json['job_id']}/kept"),
        await ada.get(f"/api/v1/jobs/{NONSENSE_ID}"),
    ]
    job = await undone(server, bob, username="ada", from_ms=0, to_ms=now)

    assert [reply.code for reply in replies] == ["not_found"] * 6
    assert job["total"] == 0
    assert {*await picture(ada)} == {folder, file["file_id"]}


@pytest.mark.parametrize(
    "asked",
    [
        {"from_ms": 0, "to_ms": 1},
        {"from_ms": 0, "to_ms": 1, "username": "ada", "device_id": NONSENSE_ID},
        {"from_ms": 2, "to_ms": 1, "username": "ada"},
    ],
)
async def test_an_undo_of_nobody_of_two_or_of_no_time_is_refused(ada: Person, asked: dict[str, object]) -> None:
    reply = await ada.post("/api/v1/undo", asked)

    assert (reply.status, reply.code) == (HTTPStatus.BAD_REQUEST, "invalid_request")
