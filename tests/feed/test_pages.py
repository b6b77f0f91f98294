"""What a page holds, and which cursors are taken."""

import base64
from http import HTTPStatus
from typing import Any

import msgspec
import pytest

from app.repositories.feed import Place
from app.services.cursor import END_ID, STANDS, Cursor, Stand
from tests.api.conftest import Running
from tests.api.people import NONSENSE_ID, Person

BEGIN_AT_THE_HEAD = """
    UPDATE meta SET oldest_seq = seq, oldest_mark = (SELECT mark FROM journal j WHERE j.seq = meta.seq - 1)
"""


async def page(person: Person, **query: str) -> Any:
    reply = await person.get("/api/v1/sync", params=query)
    assert reply.status == HTTPStatus.OK, reply.body
    return reply.json


async def up_to_date(person: Person) -> Any:
    """Return the page with which a first listing ends."""
    return await page(person, limit="10000")


def packed(*fields: object) -> str:
    """Return the form of a cursor with these fields."""
    return base64.urlsafe_b64encode(msgspec.msgpack.encode(fields)).decode()


def told(answer: Any) -> list[tuple[str, str]]:
    return [(change["type"], change["file"]["path"]) for change in answer["changes"]]


async def test_a_first_listing_gives_every_live_node_parents_first(ada: Person) -> None:
    await ada.make_folder("/a/b", parents=True)
    await ada.upload("/a/b/c", b"content")
    gone = await ada.make_folder("/gone")
    await ada.delete(f"/api/v1/files/{gone['file_id']}")

    answer = await page(ada)

    assert told(answer) == [("upsert", "/"), ("upsert", "/a"), ("upsert", "/a/b"), ("upsert", "/a/b/c")]
    assert answer["has_more"] is False
    assert answer["changes"][-1]["file"] == (await ada.at("/a/b/c")).json


async def test_what_changed_since_comes_once_in_its_last_state(ada: Person) -> None:
    file = await ada.upload("/a", b"one")
    before = await up_to_date(ada)
    await ada.upload("/a", b"two", base_version=file["version_id"])
    await ada.change(file["file_id"], name="b")

    answer = await page(ada, cursor=before["cursor"])

    assert told(answer) == [("upsert", "/b")]
    assert answer["changes"][0]["file"] == (await ada.at("/b")).json
    assert (await page(ada, cursor=answer["cursor"]))["changes"] == []


async def test_a_deleted_folder_is_one_delete_that_says_where_it_was(ada: Person) -> None:
    folder = await ada.make_folder("/a/b", parents=True)
    await ada.upload("/a/b/c", b"content")
    before = await up_to_date(ada)
    await ada.delete(f"/api/v1/files/{folder['file_id']}")

    answer = await page(ada, cursor=before["cursor"])

    assert told(answer) == [("delete", "/a/b")]
    change = answer["changes"][0]
    assert change["reason"] == "deleted"
    assert (change["file"]["file_id"], change["file"]["deleted"]) == (folder["file_id"], True)
    assert change["seq"] == answer["seq"]


async def test_what_came_and_went_since_is_no_news(ada: Person) -> None:
    before = await up_to_date(ada)
    file = await ada.upload("/a", b"content")
    await ada.delete(f"/api/v1/files/{file['file_id']}")

    answer = await page(ada, cursor=before["cursor"])

    assert answer["changes"] == []
    assert answer["seq"] == before["seq"] + 2


async def test_pages_of_one_are_a_way_through_as_well(ada: Person) -> None:
    for name in "abc":
        await ada.make_folder(f"/{name}")

    answer, seen = await page(ada, limit="1"), []
    while True:
        seen += told(answer)
        if not answer["has_more"]:
            break
        answer = await page(ada, limit="1", cursor=answer["cursor"])

    assert seen == [("upsert", path) for path in ("/", "/a", "/b", "/c")]


async def test_a_folder_that_changed_later_is_repeated_before_what_is_in_it(ada: Person) -> None:
    folder = await ada.make_folder("/a")
    await ada.upload("/a/b", b"content")
    await ada.change(folder["file_id"], name="later")

    first = await page(ada, limit="2")
    second = await page(ada, limit="2", cursor=first["cursor"])

    assert told(first) == [("upsert", "/"), ("upsert", "/later"), ("upsert", "/later/b")]
    assert told(second) == [("upsert", "/later")]
    assert (first["has_more"], second["has_more"]) == (True, False)


async def test_a_folder_told_before_its_turn_and_deleted_since_is_told_as_deleted(ada: Person) -> None:
    folder = await ada.make_folder("/a")
    file = await ada.upload("/a/b", b"content")
    known = await up_to_date(ada)
    await ada.change(file["file_id"], name="c")
    new = await ada.make_folder("/new")
    await ada.change(folder["file_id"], parent_id=new["file_id"])

    first = await page(ada, limit="1", cursor=known["cursor"])
    await ada.delete(f"/api/v1/files/{new['file_id']}")
    rest = await page(ada, cursor=first["cursor"])

    assert told(first) == [("upsert", "/new"), ("upsert", "/new/a"), ("upsert", "/new/a/c")]
    assert told(rest) == [("delete", "/new/a"), ("delete", "/new")]


async def test_each_sees_only_their_own(ada: Person, bob: Person) -> None:
    before = await up_to_date(bob)
    await ada.make_folder("/a")

    assert told(await page(bob)) == [("upsert", "/")]
    assert told(await page(bob, cursor=before["cursor"])) == []


async def test_one_space_can_be_asked_for_and_its_cursor_stays_with_it(ada: Person, bob: Person) -> None:
    own = (await ada.at("/")).json["space_id"]
    foreign = (await bob.at("/")).json["space_id"]

    answer = await page(ada, space_id=own)

    assert told(answer) == [("upsert", "/")]
    assert (await page(ada, space_id=own, cursor=answer["cursor"]))["changes"] == []
    mixed = await ada.get("/api/v1/sync", params={"cursor": answer["cursor"]})
    assert (mixed.status, mixed.code) == (400, "invalid_request")
    for space_id in (foreign, NONSENSE_ID):
        reply = await ada.get("/api/v1/sync", params={"space_id": space_id})
        assert (reply.status, reply.code) == (404, "not_found")


async def test_a_time_of_the_server_stands_in_for_a_cursor(ada: Person, server: Running) -> None:
    await ada.make_folder("/a")
    file = await ada.upload("/b", b"content")
    await server.cairn.database.write(lambda tx: tx.execute("UPDATE journal SET at_ms = at_ms - 3600000"))
    now_ms = (await page(ada))["server_time_ms"]
    await ada.delete(f"/api/v1/files/{file['file_id']}")
    await ada.make_folder("/c")

    answer = await page(ada, lastSyncTimestamp=str(now_ms))

    assert told(answer) == [("delete", "/b"), ("upsert", "/c")]
    assert (await page(ada, cursor=answer["cursor"]))["changes"] == []
    assert told(await page(ada, lastSyncTimestamp="0")) == [("upsert", path) for path in ("/", "/a", "/c")]
    assert (await page(ada, lastSyncTimestamp=str(now_ms + 3_600_000)))["changes"] == []


@pytest.mark.parametrize(
    "query",
    [
        {"cursor": ""},
        {"cursor": "nonsense"},
        {"cursor": "ümlaut"},
        {"cursor": packed(1, "epoch")},
        {"cursor": packed(9, "e", 0, 0, 1, 1, bytes(8), [[1, 1, 1]])},
        {"cursor": packed(2, "e", 0, 2, 1, 1, bytes(8), [[1, 1, 1]])},
        {"cursor": packed(2, "e", 0, 0, 1, 1, bytes(8), [])},
        {"cursor": packed(2, "e", 0, 0, 1, 1, bytes(8), [[1, 1, 1], [2, 1, 1]])},
        {"cursor": "A" * 1025},
        {"limit": "0"},
        {"limit": "10001"},
        {"wait": "61"},
        {"lastSyncTimestamp": "-1"},
        {"since": "0"},
    ],
)
async def test_what_is_no_cursor_or_out_of_bounds_is_400(ada: Person, query: dict[str, str]) -> None:
    reply = await ada.get("/api/v1/sync", params=query)

    assert (reply.status, reply.code) == (400, "invalid_request")


async def test_a_cursor_and_a_time_at_once_are_400(ada: Person) -> None:
    cursor = (await up_to_date(ada))["cursor"]

    reply = await ada.get("/api/v1/sync", params={"cursor": cursor, "lastSyncTimestamp": "0"})

    assert (reply.status, reply.code) == (400, "invalid_request")


@pytest.mark.parametrize(
    "changed",
    [{"epoch": "0123456789abcdef"}, {"mark": bytes(8)}, {"seen": 10**6}, {"seen": 2**63 - 1}],
    ids=["epoch", "mark", "head", "largest"],
)
async def test_a_cursor_of_another_journal_is_410(ada: Person, changed: dict[str, Any]) -> None:
    cursor = Cursor.decode((await up_to_date(ada))["cursor"])
    fields = {name: getattr(cursor, name) for name in Cursor.__slots__} | changed

    reply = await ada.get("/api/v1/sync", params={"cursor": Cursor(**fields).encode()})

    assert (reply.status, reply.code) == (410, "cursor_reset")


async def test_a_cursor_from_before_the_journals_beginning_is_410(ada: Person, server: Running) -> None:
    old = (await up_to_date(ada))["cursor"]
    await ada.make_folder("/a")
    await ada.make_folder("/b")
    new = (await up_to_date(ada))["cursor"]
    await server.cairn.database.write(lambda tx: tx.execute(BEGIN_AT_THE_HEAD))

    assert (await ada.get("/api/v1/sync", params={"cursor": old})).status == 410
    assert (await ada.get("/api/v1/sync", params={"lastSyncTimestamp": "0"})).status == 410
    assert (await ada.get("/api/v1/sync", params={"cursor": new})).status == 200


def test_a_cursor_stays_short() -> None:
    stands = tuple(Stand(END_ID - 9 + number, Place(END_ID, END_ID - number)) for number in range(STANDS))
    largest = Cursor("f" * 64, END_ID, END_ID, END_ID, END_ID, bytes(8), stands)

    assert len(largest.encode()) <= 1024
    assert Cursor.decode(largest.encode()) == largest
