"""Folders, renames and moves."""

import asyncio
from typing import Any

import pytest

from tests.api.people import Person, noise


async def test_a_folder_is_made_and_shown(ada: Person) -> None:
    made = await ada.make_folder("/a")

    assert (made["kind"], made["path"], made["name"], made["size"]) == ("folder", "/a", "a", 0)
    assert (made["version_id"], made["sha256"], made["content_type"]) == (None, None, None)
    assert made["permissions"] == ["read", "write", "share"]
    assert made["modified_by"] == "ada"
    assert made["deleted"] is False
    assert made == (await ada.get(f"/api/v1/files/{made['file_id']}")).json


async def test_the_home_is_root_and_slash(ada: Person) -> None:
    by_path, by_id = await ada.at("/"), await ada.get("/api/v1/files/root")

    assert by_path.json == by_id.json
    assert (by_path.json["path"], by_path.json["parent_id"], by_path.json["kind"]) == ("/", None, "folder")


async def test_parents_are_made_in_one_step(ada: Person) -> None:
    deep = await ada.make_folder("/a/b/c", parents=True)
    refused = await ada.post("/api/v1/folders", {"path": "/x/y"})

    assert deep["path"] == "/a/b/c"
    assert (refused.status, refused.code) == (404, "not_found")
    assert await ada.names() == ["a"]


async def test_a_name_in_use_is_told_with_who_has_it(ada: Person) -> None:
    folder = await ada.make_folder("/a")
    file = await ada.upload("/f", b"x")

    for path, current in (("/a", folder), ("/f", file), ("/f/b", file)):
        reply = await ada.post("/api/v1/folders", {"path": path, "parents": True})
        assert (reply.status, reply.code, reply.json["current"]) == (409, "name_taken", current)
    by_id = await ada.post("/api/v1/folders", {"parent_id": "root", "name": "a"})
    assert (by_id.status, by_id.code, by_id.json["current"]) == (409, "name_taken", folder)
    home = await ada.post("/api/v1/folders", {"path": "/"})
    assert (home.status, home.code) == (409, "name_taken")


async def test_a_request_says_where_in_one_way(ada: Person) -> None:
    for body in (
        {},
        {"path": "/a", "name": "b"},
        {"path": "/a", "parent_id": "root", "name": "b"},
        {"name": "b"},
        {"parent_id": "root"},
    ):
        reply = await ada.post("/api/v1/folders", body)
        assert (reply.status, reply.code) == (400, "invalid_request"), body


async def test_of_many_who_make_one_folder_at_once_one_wins(ada: Person) -> None:
    replies = await asyncio.gather(*(ada.post("/api/v1/folders", {"path": "/a"}) for _ in range(20)))

    assert sorted(reply.status for reply in replies) == [201] + [409] * 19


# Changes


async def test_a_rename_keeps_id_version_and_etag(ada: Person) -> None:
    file = await ada.upload("/a.txt", noise(10))

    renamed = (await ada.change(file["file_id"], name="b.txt")).json

    assert (renamed["path"], renamed["file_id"], renamed["version_id"], renamed["etag"]) == (
        "/b.txt", file["file_id"], file["version_id"], file["etag"],
    )  # fmt: skip
    assert renamed["seq"] > file["seq"]
    assert (await ada.at("/a.txt")).status == 404


async def test_a_folder_moves_with_all_below_it(ada: Person) -> None:
    folder = await ada.make_folder("/from/deep", parents=True)
    target = await ada.make_folder("/to")
    file = await ada.upload("/from/deep/f", noise(100))

    moved = (await ada.change(folder["file_id"], parent_id=target["file_id"], name="here")).json

    assert moved["path"] == "/to/here"
    after = (await ada.get(f"/api/v1/files/{file['file_id']}")).json
    assert after == {**file, "path": "/to/here/f"}
    assert moved["etag"] == (await ada.at("/to/here")).json["etag"]
    assert [(await ada.at(path)).json["size"] for path in ("/from", "/to", "/")] == [0, 100, 100]


async def test_nothing_moves_into_itself(ada: Person) -> None:
    top = await ada.make_folder("/a")
    deep = await ada.make_folder("/a/b/c", parents=True)

    for parent in (top, deep):
        reply = await ada.change(top["file_id"], parent_id=parent["file_id"])
        assert (reply.status, reply.code) == (409, "conflict")
        assert reply.json["current"]["file_id"] == top["file_id"]
    assert (await ada.at("/a/b/c")).json == deep


async def test_a_change_with_a_stale_seq_is_a_conflict(ada: Person) -> None:
    file = await ada.upload("/a", noise(10))
    newer = (await ada.change(file["file_id"], name="b")).json

    refused = await ada.change(file["file_id"], name="c", if_seq=file["seq"])
    done = await ada.change(file["file_id"], name="c", if_seq=newer["seq"])

    assert (refused.status, refused.code, refused.json["current"]) == (409, "conflict", newer)
    assert done.json["name"] == "c"


async def test_of_many_changes_of_one_seq_one_wins(ada: Person) -> None:
    folder = await ada.make_folder("/a")

    replies = await asyncio.gather(
        *(ada.change(folder["file_id"], name=f"n{n}", if_seq=folder["seq"]) for n in range(20))
    )

    assert sorted(reply.status for reply in replies) == [200] + [409] * 19


async def test_a_name_in_use_is_refused_or_a_free_one_chosen(ada: Person) -> None:
    await ada.upload("/taken.txt", noise(1))
    there = (await ada.at("/taken.txt")).json
    file = await ada.upload("/f", noise(2))

    refused = await ada.change(file["file_id"], name="taken.txt")
    chosen = await ada.change(file["file_id"], name="taken.txt", on_conflict="rename")

    assert (refused.status, refused.code, refused.json["current"]) == (409, "name_taken", there)
    assert (chosen.status, chosen.json["name"]) == (200, "taken (2).txt")


async def test_a_file_that_replaces_another_becomes_its_newest_version(ada: Person) -> None:
    there = await ada.upload("/a/f", noise(10), parents=True)
    content = noise(20)
    file = await ada.upload("/f", content)

    moved = await ada.change(file["file_id"], parent_id=there["parent_id"], on_conflict="replace")

    assert (moved.status, moved.json["file_id"], moved.json["path"]) == (200, there["file_id"], "/a/f")
    assert (await ada.content(there["file_id"])).body == content
    assert (await ada.at("/f")).status == 404
    versions = (await ada.get(f"/api/v1/files/{there['file_id']}/versions")).json["items"]
    assert [version["version_id"] for version in versions] == [moved.json["version_id"], there["version_id"]]


async def test_no_folder_is_replaced_and_none_replaces(ada: Person) -> None:
    folder, inner = await ada.make_folder("/a"), await ada.make_folder("/b/a", parents=True)
    file = await ada.upload("/b/f", noise(1))
    await ada.make_folder("/f")

    refused = [
        await ada.change(folder["file_id"], parent_id=inner["parent_id"], on_conflict="replace"),
        await ada.change(folder["file_id"], parent_id=inner["parent_id"], name="f", on_conflict="replace"),
        await ada.change(file["file_id"], parent_id="root", on_conflict="replace"),
    ]

    assert [(reply.status, reply.code) for reply in refused] == [(409, "name_taken")] * 3


async def test_what_keeps_its_name_replaces_nothing(ada: Person) -> None:
    file = await ada.upload("/f", noise(1))

    same = await ada.change(file["file_id"], name="f", on_conflict="replace")

    assert (same.status, same.json["version_id"]) == (200, file["version_id"])


async def test_a_touch_makes_no_version_and_costs_nothing(ada: Person) -> None:
    file = await ada.upload("/a", noise(100), mtime_ms=1)

    touched = (await ada.change(file["file_id"], mtime_ms=2, executable=True)).json

    assert (touched["mtime_ms"], touched["executable"]) == (2, True)
    assert touched["version_id"] == file["version_id"]
    assert touched["etag"] != file["etag"]
    assert touched["seq"] > file["seq"]
    assert (await ada.get("/api/v1/me")).json["spaces"][0]["used"] == 100


async def test_a_change_to_what_is_already_so_changes_nothing(ada: Person) -> None:
    file = await ada.upload("/a", noise(10), mtime_ms=7)

    for changes in ({}, {"name": "a"}, {"mtime_ms": 7}, {"executable": False}, {"parent_id": "root"}):
        reply = await ada.change(file["file_id"], **changes)
        assert (reply.status, reply.json) == (200, file), changes


async def test_what_a_node_does_not_have_is_not_changed(ada: Person) -> None:
    folder = await ada.make_folder("/d")
    file = await ada.upload("/f", b"x")
    home = (await ada.at("/")).json

    refusals = [
        await ada.change(folder["file_id"], mtime_ms=1),
        await ada.change(folder["file_id"], executable=True),
        await ada.change(home["file_id"], name="x"),
        await ada.change("root", name="x"),
        await ada.change(folder["file_id"], parent_id=file["file_id"]),
        await ada.change(file["file_id"], name=None),
        await ada.change(file["file_id"], parent_id=None),
        await ada.change(file["file_id"], mtime_ms=None),
        await ada.change(file["file_id"], size=5),
        await ada.change(file["file_id"], kind="folder"),
        await ada.change(file["file_id"], if_seq=-1),
        await ada.change(file["file_id"], on_conflict="merge"),
    ]

    assert {(reply.status, reply.code) for reply in refusals} == {(400, "invalid_request")}
    assert (await ada.at("/f")).json == file


async def test_swapping_names_needs_a_third(ada: Person) -> None:
    one, two = await ada.upload("/1", noise(1)), await ada.upload("/2", noise(2))

    await ada.change(one["file_id"], name="3")
    await ada.change(two["file_id"], name="1")
    await ada.change(one["file_id"], name="2")

    assert [(await ada.at(path)).json["file_id"] for path in ("/1", "/2")] == [two["file_id"], one["file_id"]]


# Sums and etags


async def etags(ada: Person, *paths: str) -> list[Any]:
    return [(await ada.at(path)).json["etag"] for path in paths]


@pytest.mark.parametrize("change", ["upload", "edit", "rename", "touch", "new folder"])
async def test_a_change_below_changes_the_etag_of_every_folder_above(ada: Person, change: str) -> None:
    await ada.make_folder("/a/b", parents=True)
    await ada.make_folder("/other")
    file = await ada.upload("/a/b/f", noise(10))
    before, beside = await etags(ada, "/a/b", "/a", "/"), await etags(ada, "/other")

    if change == "upload":
        await ada.upload("/a/b/g", noise(5))
    elif change == "edit":
        await ada.upload("/a/b/f", noise(5), base_version=file["version_id"])
    elif change == "rename":
        await ada.change(file["file_id"], name="g")
    elif change == "touch":
        await ada.change(file["file_id"], mtime_ms=1)
    else:
        await ada.make_folder("/a/b/c")

    after = await etags(ada, "/a/b", "/a", "/")
    assert all(new != old for new, old in zip(after, before, strict=True))
    assert await etags(ada, "/other") == beside


async def test_a_folders_own_rename_or_move_keeps_its_etag(ada: Person) -> None:
    folder = await ada.make_folder("/a/b", parents=True)
    target = await ada.make_folder("/c")
    await ada.upload("/a/b/f", noise(10))
    before = (await ada.at("/a/b")).json["etag"]
    above = await etags(ada, "/a", "/c", "/")

    moved = await ada.change(folder["file_id"], parent_id=target["file_id"], name="d")

    assert moved.json["etag"] == before
    assert all(new != old for new, old in zip(await etags(ada, "/a", "/c", "/"), above, strict=True))


async def test_etags_hold_letters_and_digits_only(ada: Person) -> None:
    await ada.upload("/a/f", noise(10), parents=True)

    for etag in await etags(ada, "/", "/a", "/a/f"):
        assert etag.isalnum()
        assert etag.isascii()


def deep_path(names: int) -> str:
    return "/d" * names


@pytest.mark.parametrize("room", [0, 1])
async def test_a_folder_moves_only_where_all_below_it_fits(ada: Person, room: int) -> None:
    await ada.make_folder(deep_path(100), parents=True)
    await ada.make_folder("/tree" + "/t" * (28 - room), parents=True)
    await ada.upload("/tree" + "/t" * (28 - room) + "/leaf", noise(1))
    await ada.make_folder("/tree/wide", parents=True)
    tree, bottom = (await ada.at("/tree")).json, (await ada.at(deep_path(98))).json

    fits = await ada.change(tree["file_id"], parent_id=bottom["file_id"])
    deeper = await ada.change(tree["file_id"], parent_id=(await ada.at(deep_path(98 + room + 1))).json["file_id"])

    assert (fits.status, deeper.status) == (200, 400), fits.body
    assert deeper.code == "invalid_request"
