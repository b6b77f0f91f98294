"""Uploads to a file that was deleted meanwhile: it comes back with the new content, in one step."""

from typing import Any

import pytest

from tests.accounts.api import Reply
from tests.api.conftest import Running
from tests.api.people import Person, noise
from tests.tree.keeper import deleted, etags, purge, restored, sums, trash_of, tree_below, used, versions_of


async def bring_back(ada: Person, file: Any, content: bytes, **fields: Any) -> Reply:
    """Upload new content to a file that may be deleted; return the answer to the commit, or the refusal before it."""
    asked = await ada.request(None, [content], **{"file_id": file["file_id"], "restore": True, **fields})
    if asked.status != 201:
        return asked
    await ada.send_needed(asked.json, [content])
    return await ada.commit(asked.json["upload_id"])


async def test_a_deleted_file_comes_back_with_this_content(ada: Person) -> None:
    file = await ada.upload("/a/f", noise(10), parents=True)
    await deleted(ada, file)
    content = noise(30)

    reply = await bring_back(ada, file, content, base_version=file["version_id"])

    back = reply.json["file"]
    assert reply.status == 201
    assert (back["file_id"], back["path"], back["size"], back["deleted"]) == (file["file_id"], "/a/f", 30, False)
    assert back == (await ada.at("/a/f")).json
    assert (await ada.content(file["file_id"])).body == content
    assert await trash_of(ada) == []
    assert await sums(ada, "/", "/a") == [30, 30]
    assert await used(ada) == 40
    items = (await versions_of(ada, file)).json["items"]
    assert [item["base_version"] for item in items] == [file["version_id"], None]


async def test_without_the_wish_a_deleted_file_is_not_there(ada: Person) -> None:
    file = await ada.upload("/f", noise(10))
    await deleted(ada, file)

    assert (await bring_back(ada, file, noise(10), restore=False)).code == "not_found"


async def test_a_live_file_gets_a_version_as_without_the_wish(ada: Person) -> None:
    file = await ada.upload("/f", noise(10))

    done = await bring_back(ada, file, noise(20), base_version=file["version_id"])
    stale = await bring_back(ada, file, noise(20), base_version=file["version_id"])

    assert (done.status, done.json["file"]["path"]) == (201, "/f")
    assert (stale.code, stale.json["current"]) == ("conflict", done.json["file"])


async def test_a_file_leaves_a_deleted_folder_which_stays_in_the_trash(ada: Person) -> None:
    file = await ada.upload("/a/b/f", noise(10), parents=True)
    await ada.upload("/a/b/g", noise(5))
    folder = (await ada.at("/a")).json
    await deleted(ada, folder)

    back = (await bring_back(ada, file, noise(30), base_version=file["version_id"])).json["file"]

    assert (back["file_id"], back["path"]) == (file["file_id"], "/a/b/f")
    assert await sums(ada, "/", "/a", "/a/b") == [30] * 3
    assert [(item["trash_id"], item["size"]) for item in await trash_of(ada)] == [(folder["file_id"], 5)]
    rest = await restored(ada, folder["file_id"])
    assert (rest["path"], rest["size"]) == ("/a (2)", 5)
    assert rest["etag"] != folder["etag"]
    assert sorted(await tree_below(ada)) == ["/a", "/a (2)", "/a (2)/b", "/a (2)/b/g", "/a/b", "/a/b/f"]


async def test_the_folders_above_change_their_etags(ada: Person) -> None:
    file = await ada.upload("/a/f", noise(10), parents=True)
    await deleted(ada, file)
    before = await etags(ada, "/", "/a")

    back = (await bring_back(ada, file, noise(10))).json["file"]

    assert all(new != old for new, old in zip(await etags(ada, "/", "/a"), before, strict=True))
    assert back["etag"] != file["etag"]


async def test_a_free_name_is_chosen_where_something_else_has_it(ada: Person) -> None:
    file = await ada.upload("/f.txt", noise(10))
    await deleted(ada, file)
    await ada.upload("/f.txt", noise(20))

    back = (await bring_back(ada, file, noise(30))).json["file"]

    assert (back["file_id"], back["path"]) == (file["file_id"], "/f (2).txt")


async def test_an_edit_of_another_version_than_was_deleted_is_a_conflict(ada: Person) -> None:
    old = await ada.upload("/a/f", noise(10), parents=True)
    new = await ada.upload("/a/f", noise(20), base_version=old["version_id"])
    await deleted(ada, (await ada.at("/a")).json)

    refused = await bring_back(ada, old, noise(30), base_version=old["version_id"])
    beside = await bring_back(ada, old, noise(30), base_version=old["version_id"], on_conflict="rename")
    replaced = await bring_back(ada, old, noise(40), base_version=old["version_id"], on_conflict="replace")

    assert (refused.status, refused.code, refused.json["current"]) == (409, "conflict", None)
    assert beside.json["file"]["path"] == "/a/f"
    assert beside.json["file"]["file_id"] != old["file_id"]
    assert (replaced.json["file"]["file_id"], replaced.json["file"]["path"]) == (new["file_id"], "/a/f (2)")
    assert await sums(ada, "/", "/a") == [70, 70]


async def test_deleted_between_request_and_commit_it_comes_back(ada: Person) -> None:
    file = await ada.upload("/a/f", noise(10), parents=True)
    content = noise(30)
    asked = await ada.request(None, [content], file_id=file["file_id"], restore=True, base_version=file["version_id"])
    await ada.send_needed(asked.json, [content])
    await deleted(ada, (await ada.at("/a")).json)

    back = await ada.commit(asked.json["upload_id"])

    assert (back.status, back.json["file"]["path"]) == (201, "/a/f")


async def test_a_batch_brings_back_a_folders_files_into_one_new_folder(ada: Person) -> None:
    contents = [noise(10 + n) for n in range(4)]
    files = [await ada.upload(f"/a/b/{n}", content, parents=True) for n, content in enumerate(contents)]
    await deleted(ada, files[3])
    await deleted(ada, (await ada.at("/a")).json)
    wishes = [
        {"file_id": file["file_id"], "restore": True, "base_version": file["version_id"], "size": 0, "chunks": []}
        for file in [*files, files[0]]
    ]
    asked = (await ada.post("/api/v1/uploadRequest", {"files": wishes})).json["uploads"]

    results = (
        await ada.post("/api/v1/uploads/commit", {"upload_ids": [upload["upload_id"] for upload in asked]})
    ).json["results"]

    assert [result["file"]["path"] for result in results[:4]] == ["/a/b/0", "/a/b/1", "/a/b/2", "/a/b/3"]
    assert results[4]["code"] == "conflict"
    assert sorted(await tree_below(ada)) == ["/a", "/a/b", "/a/b/0", "/a/b/1", "/a/b/2", "/a/b/3"]
    assert [(item["path"], item["size"]) for item in await trash_of(ada)] == [("/a", 0)]


async def test_what_is_purged_does_not_come_back(server: Running, ada: Person) -> None:
    file = await ada.upload("/a/f", noise(10), parents=True)
    alone = await ada.upload("/g", noise(10))
    for node in ((await ada.at("/a")).json, alone):
        await purge(ada, await deleted(ada, node))
    at_once = [await bring_back(ada, node, noise(5)) for node in (file, alone)]
    await server.cairn.jobs.wait_idle()

    assert {reply.code for reply in at_once} == {"not_found"}
    assert {(await bring_back(ada, node, noise(5))).code for node in (file, alone)} == {"not_found"}


@pytest.mark.parametrize("where", ["path", "parent"])
async def test_the_wish_goes_with_a_file_id_alone(ada: Person, where: str) -> None:
    place = {"path": "/f"} if where == "path" else {"parent_id": "root", "name": "f"}

    reply = await ada.request(None, [b"x"], restore=True, **place)

    assert (reply.status, reply.code) == (400, "invalid_request")


async def test_a_deleted_folder_has_no_content(ada: Person) -> None:
    folder = await ada.make_folder("/a")
    await deleted(ada, folder)

    assert (await bring_back(ada, folder, noise(10))).code == "invalid_request"


async def test_another_brings_nothing_back(ada: Person, bob: Person) -> None:
    file = await ada.upload("/f", noise(10))
    await deleted(ada, file)

    assert (await bring_back(bob, file, noise(10))).code == "not_found"
