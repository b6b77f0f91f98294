"""Children of a folder: order, pages, and changes in between."""

import asyncio
import base64
from typing import Any

import pytest

from app.listing import natural_key
from tests.api.people import Person, noise


async def listing(ada: Person, folder_id: str = "root", **query: Any) -> list[Any]:
    """Return all items of a folder, page by page; each page but the last is full."""
    items, after, limit = list[Any](), None, int(query.get("limit", 1000))
    while True:
        page = query if after is None else {**query, "after": after}
        reply = await ada.get(f"/api/v1/folders/{folder_id}/children", params=page)
        assert reply.status == 200, reply.body
        items += reply.json["items"]
        after = reply.json["next"]
        if after is None:
            assert len(reply.json["items"]) <= limit
            return items
        assert len(reply.json["items"]) == limit


@pytest.fixture
async def names(ada: Person) -> list[str]:
    """Files and folders with ties in every key."""
    files = {"b": 5, "a": 5, "C": 1, "é": 300, "z": 0, "10": 7, "9": 7}
    for number, (name, size) in enumerate(files.items()):
        types = ["text/plain", "image/png"]
        await ada.upload(
            f"/{name}", *([noise(size)] if size else []), mtime_ms=number // 2, content_type=types[number % 2]
        )
    for name, size in (("folder b", 10), ("Folder a", 20), ("empty", 0)):
        await ada.make_folder(f"/{name}")
        if size:
            await ada.upload(f"/{name}/inside", noise(size))
    return [*files, "folder b", "Folder a", "empty"]


KEYS: dict[str, Any] = {
    "name": lambda _: (),
    "natural": lambda item: (natural_key(item["name"]).encode(),),
    "size": lambda item: (item["size"],),
    "mtime": lambda item: (item["modified_ms"] if item["mtime_ms"] is None else item["mtime_ms"],),
    "type": lambda item: (item["content_type"] or "",),
}


@pytest.mark.parametrize("order", ["asc", "desc"])
@pytest.mark.parametrize("sort", KEYS)
async def test_folders_come_first_then_the_key_then_the_name(
    ada: Person, names: list[str], sort: str, order: str
) -> None:
    whole = await listing(ada, sort=sort, order=order)

    folders = [item for item in whole if item["kind"] == "folder"]
    files = [item for item in whole if item["kind"] == "file"]
    assert whole == folders + files
    for part in (folders, files):
        expected = sorted(part, key=lambda item: (*KEYS[sort](item), item["name"].encode()), reverse=order == "desc")
        assert [item["name"] for item in part] == [item["name"] for item in expected]
    assert sorted(item["name"] for item in whole) == sorted(names)


@pytest.mark.parametrize("sort", KEYS)
async def test_pages_of_any_size_add_up_to_the_whole(ada: Person, names: list[str], sort: str) -> None:
    for order in ("asc", "desc"):
        whole = await listing(ada, sort=sort, order=order)
        for limit in (1, 2, 3, 9, 10, 11):
            assert await listing(ada, sort=sort, order=order, limit=limit) == whole, limit


async def test_each_item_is_the_file_that_its_id_gives(ada: Person, names: list[str]) -> None:
    for item in await listing(ada):
        assert (await ada.get(f"/api/v1/files/{item['file_id']}")).json == item
        assert (await ada.at(item["path"])).json == item


async def test_names_are_sorted_as_people_sort_them(ada: Person) -> None:
    for name in ("file 10", "File 2", "file 002b", "Zoé", "zoe 1", "éclair", "1", "file 9999999999999999999999", "_"):
        await ada.make_folder(f"/{name}")

    found = [item["name"] for item in await listing(ada, sort="natural", limit=2)]

    assert found == [
        "1", "_", "éclair", "File 2", "file 002b", "file 10", "file 9999999999999999999999", "Zoé", "zoe 1",
    ]  # fmt: skip


async def test_the_first_page_of_a_folder_tells_how_many_children_it_has(ada: Person, names: list[str]) -> None:
    first = (await ada.get("/api/v1/folders/root/children", params={"limit": 3})).json
    second = (await ada.get("/api/v1/folders/root/children", params={"limit": 3, "after": first["next"]})).json

    assert first["total"] == len(names)
    assert second["total"] is None


async def test_an_empty_folder_has_an_empty_page(ada: Person) -> None:
    folder = await ada.make_folder("/empty")

    reply = await ada.get(f"/api/v1/folders/{folder['file_id']}/children")

    assert reply.json == {"items": [], "next": None, "total": 0}


async def test_what_changes_between_pages_is_neither_skipped_nor_shown_twice(ada: Person) -> None:
    made = [await ada.make_folder(f"/{number:02}") for number in range(20)]
    first = (await ada.get("/api/v1/folders/root/children", params={"limit": 10})).json
    await ada.change(made[3]["file_id"], name="zz moved behind")
    await ada.change(made[15]["file_id"], name="00 moved before")
    await ada.make_folder("/05 new before")
    await ada.make_folder("/12 new behind")

    rest = await ada.get("/api/v1/folders/root/children", params={"limit": 100, "after": first["next"]})

    seen = [item["name"] for item in (*first["items"], *rest.json["items"])]
    untouched = {f"{number:02}" for number in range(20)} - {"03", "15"}
    assert untouched <= set(seen)
    assert len(seen) == len(set(seen))
    assert "12 new behind" in seen
    assert [item["file_id"] for item in rest.json["items"]].count(made[3]["file_id"]) == 1


async def test_the_place_of_a_page_may_be_gone(ada: Person) -> None:
    made = [await ada.make_folder(f"/{number}") for number in range(6)]
    page = (await ada.get("/api/v1/folders/root/children", params={"limit": 3})).json
    await ada.change(made[2]["file_id"], name="x")

    rest = await ada.get("/api/v1/folders/root/children", params={"after": page["next"]})

    assert [item["name"] for item in rest.json["items"]] == ["3", "4", "5", "x"]


async def test_limits_and_words_are_checked(ada: Person) -> None:
    for query in (
        {"limit": "0"}, {"limit": "10001"}, {"limit": "-1"}, {"limit": "x"}, {"limit": ""}, {"limit": "1.5"},
        {"sort": "colour"}, {"sort": "name; drop table nodes"}, {"order": "up"}, {"page": "2"}, {"after": "é"},
        {"after": "nonsense"}, {"after": "x" * 1025}, {"after": "W10"}, {"after": "bnVsbA"}, {"after": "W3RydWUsMV0"},
    ):  # fmt: skip
        reply = await ada.get("/api/v1/folders/root/children", params=query)
        assert (reply.status, reply.code) == (400, "invalid_request"), query
    assert (await ada.get("/api/v1/folders/root/children", params={"limit": "10000"})).status == 200


async def test_a_made_up_place_does_no_harm(ada: Person, names: list[str]) -> None:
    for place in (
        b'[true,"",""]',
        b'[false,5,"a"]',
        b'[false,"x","y"]',
        b'[true,99999999999999999999,"a"]',
        b'[true,"a\\u0000b","c"]',
    ):
        after = base64.urlsafe_b64encode(place).rstrip(b"=").decode()
        for sort in KEYS:
            reply = await ada.get("/api/v1/folders/root/children", params={"after": after, "sort": sort})
            assert reply.status in (200, 400), (place, sort)


async def test_a_folder_that_is_none_is_not_found(ada: Person) -> None:
    file = await ada.upload("/f", b"x")

    for folder_id in (file["file_id"], "nonsense", "0" * 21, "ROOT", "%00"):
        reply = await ada.get(f"/api/v1/folders/{folder_id}/children")
        assert (reply.status, reply.code) == (404, "not_found"), folder_id


async def test_a_thousand_children_come_in_pages_while_others_write(ada: Person) -> None:
    files = [{"path": f"/d/{number:04}", "size": 0, "chunks": [], "parents": True} for number in range(1000)]
    asked = await ada.post("/api/v1/uploadRequest", {"files": files})
    ids = [upload["upload_id"] for upload in asked.json["uploads"]]
    await ada.post("/api/v1/uploads/commit", {"upload_ids": ids})
    folder_id = (await ada.at("/d")).json["file_id"]

    async def write() -> None:
        for number in range(20):
            await ada.make_folder(f"/d/new {number}")

    items, _ = await asyncio.gather(listing(ada, folder_id, limit=100), write())

    assert [item["name"] for item in items if item["kind"] == "file"] == [f"{number:04}" for number in range(1000)]


async def test_a_long_list_comes_packed_to_who_takes_that(ada: Person) -> None:
    for number in range(40):
        await ada.make_folder(f"/{number}")
    url = "/api/v1/folders/root/children"

    plain = await ada.get(url, headers={"Accept-Encoding": "identity"})
    packed = await ada.get(url, headers={"Accept-Encoding": "br, gzip;q=0.5"})
    refused = await ada.get(url, headers={"Accept-Encoding": "gzip;q=0"})
    short = await ada.get(url, params={"limit": 2}, headers={"Accept-Encoding": "gzip"})

    encodings = [reply.headers.get("Content-Encoding") for reply in (plain, packed, refused, short)]
    assert encodings == [None, "gzip", None, None]
    assert {reply.headers["Vary"] for reply in (plain, packed, refused, short)} == {"Accept-Encoding"}
    assert plain.json == packed.json == refused.json
