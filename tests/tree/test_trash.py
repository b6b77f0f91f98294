"""Deleted, found in the trash, and brought back."""

from typing import Any

import pytest

from tests.api.conftest import Running
from tests.api.people import NONSENSE_ID, Person, noise
from tests.tree.keeper import (
    delete,
    deleted,
    etags,
    purge,
    restore,
    restored,
    sums,
    trash_of,
    tree_below,
    used,
)


async def test_what_is_deleted_is_gone_with_all_below_it(ada: Person) -> None:
    folder = await ada.make_folder("/a/b", parents=True)
    file = await ada.upload("/a/b/f", noise(10))

    await deleted(ada, folder)

    for file_id in (folder["file_id"], file["file_id"]):
        assert (await ada.get(f"/api/v1/files/{file_id}")).code == "not_found"
    assert (await ada.content(file["file_id"])).status == 404
    assert (await ada.at("/a/b/f")).status == 404
    assert (await ada.change(file["file_id"], name="x")).status == 404
    assert (await ada.request(None, [b"x"], parent_id=folder["file_id"], name="x")).status == 404
    assert list(await tree_below(ada)) == ["/a"]


async def test_the_trash_shows_what_was_deleted_with_who_and_when_the_latest_first(ada: Person) -> None:
    folder = await ada.make_folder("/a/b", parents=True)
    file = await ada.upload("/a/b/f", noise(10))
    other = await ada.upload("/a/b/g", noise(20))
    await deleted(ada, file)
    await deleted(ada, folder)

    top, first = await trash_of(ada)

    assert (top["trash_id"], top["path"], top["kind"], top["size"]) == (folder["file_id"], "/a/b", "folder", 20)
    same = {key: first[key] for key in file if key not in ("seq", "deleted")}
    assert same == {key: file[key] for key in file if key not in ("seq", "deleted")}
    assert (first["trash_id"], first["deleted"], first["deleted_by"]) == (file["file_id"], True, "ada")
    assert first["modified_ms"] <= first["deleted_ms"] <= top["deleted_ms"]
    assert first["seq"] > other["seq"]


async def test_the_trash_comes_in_pages(ada: Person) -> None:
    ids = [await deleted(ada, await ada.make_folder(f"/{n}")) for n in range(5)]

    found, after = [], None
    while True:
        query = {"limit": 2} if after is None else {"limit": 2, "after": after}
        page = (await ada.get("/api/v1/trash", params=query)).json
        found += [item["trash_id"] for item in page["items"]]
        after = page["next"]
        if after is None:
            break

    assert found == ids[::-1]
    for wrong in ({"after": "x"}, {"limit": 0}, {"limit": 10_001}, {"sort": "name"}):
        assert (await ada.get("/api/v1/trash", params=wrong)).code == "invalid_request"


async def test_a_name_is_free_once_its_owner_is_deleted(ada: Person) -> None:
    first = await ada.upload("/f", noise(10))
    await deleted(ada, first)
    second = await ada.upload("/f", noise(20))
    await deleted(ada, second)
    third = await ada.upload("/f", noise(30))

    assert [item["trash_id"] for item in await trash_of(ada)] == [second["file_id"], first["file_id"]]
    assert (await ada.at("/f")).json["file_id"] == third["file_id"]


async def test_deleting_again_is_fine_whatever_was_seen(server: Running, ada: Person) -> None:
    folder = await ada.make_folder("/a")
    below = await ada.make_folder("/a/b")
    await deleted(ada, folder)

    for file in (folder, below):
        assert (await delete(ada, file["file_id"])).status == 204
        assert (await delete(ada, file["file_id"], if_seq=1, if_etag="x")).status == 204
    assert len(await trash_of(ada)) == 1
    await purge(ada, folder["file_id"])
    await server.cairn.jobs.wait_idle()
    for file in (folder, below):
        assert (await delete(ada, file["file_id"])).status == 204
    assert (await delete(ada, NONSENSE_ID)).status == 404


async def test_the_home_stays(ada: Person) -> None:
    home = (await ada.at("/")).json

    for file_id in ("root", home["file_id"]):
        reply = await delete(ada, file_id)
        assert (reply.status, reply.code) == (400, "invalid_request")


# Conditions


@pytest.mark.parametrize("condition", ["base_version", "if_seq", "if_below_seq", "if_etag"])
async def test_a_delete_removes_only_what_its_author_has_seen(ada: Person, condition: str) -> None:
    field = {"base_version": "version_id", "if_seq": "seq", "if_below_seq": "seq", "if_etag": "etag"}[condition]
    old = await ada.upload("/f", noise(10))
    new = await ada.upload("/f", noise(10), base_version=old["version_id"])

    refused = await delete(ada, new["file_id"], **{condition: old[field]})

    assert (refused.status, refused.code, refused.json["current"]) == (409, "conflict", new)
    assert (await ada.at("/f")).json == new
    assert (await delete(ada, new["file_id"], **{condition: new[field]})).status == 204


async def test_a_folder_is_not_deleted_over_a_change_below_it(ada: Person) -> None:
    await ada.make_folder("/a/b/c", parents=True)
    file = await ada.upload("/a/b/c/f", noise(10))
    seen = (await ada.at("/a")).json
    await ada.change(file["file_id"], mtime_ms=1)
    now = (await ada.at("/a")).json

    for condition in ({"if_below_seq": file["seq"]}, {"if_etag": seen["etag"]}):
        refused = await delete(ada, seen["file_id"], **condition)
        assert (refused.status, refused.code, refused.json["current"]) == (409, "conflict", now)
    assert (await delete(ada, seen["file_id"], if_seq=seen["seq"], if_etag=now["etag"])).status == 204


async def test_a_deletion_and_a_return_below_count_as_changes(ada: Person) -> None:
    folder = await ada.make_folder("/a")
    file = await ada.upload("/a/f", noise(10))
    await deleted(ada, file)

    assert (await delete(ada, folder["file_id"], if_below_seq=file["seq"])).status == 409
    seen = (await trash_of(ada))[0]["seq"]
    await restored(ada, file["file_id"])
    assert (await delete(ada, folder["file_id"], if_below_seq=seen)).status == 409
    assert (await delete(ada, folder["file_id"], if_below_seq=(await ada.at("/a/f")).json["seq"])).status == 204


async def test_conditions_that_mean_nothing_are_refused(ada: Person) -> None:
    file = await ada.upload("/f", noise(10))

    for wrong in ({"if_seq": "x"}, {"if_below_seq": -1}, {"if_etag": ""}, {"base_version": ""}, {"force": "1"}):
        reply = await delete(ada, file["file_id"], **wrong)
        assert (reply.status, reply.code) == (400, "invalid_request"), wrong
    folder = await ada.make_folder("/a")
    assert (await delete(ada, folder["file_id"], base_version=file["version_id"])).status == 409


# Back again


async def test_a_folder_comes_back_as_it_was(ada: Person) -> None:
    folder = await ada.make_folder("/a/b", parents=True)
    await ada.upload("/a/b/f", noise(10))
    before, content = await tree_below(ada), (await ada.at("/a/b")).json["etag"]

    trash_id = await deleted(ada, folder)
    back = await restored(ada, trash_id)

    assert (back["file_id"], back["path"], back["etag"], back["deleted"]) == (folder["file_id"], "/a/b", content, False)
    assert back["seq"] > folder["seq"]
    after = await tree_below(ada)
    assert after["/a/b/f"] == before["/a/b/f"]
    assert await trash_of(ada) == []
    assert (await restore(ada, trash_id)).status == 404


async def test_what_was_deleted_before_stays_in_the_trash(ada: Person) -> None:
    folder = await ada.make_folder("/a")
    early = await ada.upload("/a/early", noise(10))
    await ada.upload("/a/late", noise(20))
    await deleted(ada, early)
    await deleted(ada, folder)

    back = await restored(ada, folder["file_id"])

    assert back["size"] == 20
    assert list(await tree_below(ada)) == ["/a", "/a/late"]
    assert [item["path"] for item in await trash_of(ada)] == ["/a/early"]


async def test_what_comes_back_finds_its_folder_wherever_that_is_now(ada: Person) -> None:
    folder = await ada.make_folder("/a")
    file = await ada.upload("/a/f", noise(10))
    await deleted(ada, file)
    await ada.change(folder["file_id"], name="b")

    assert (await restored(ada, file["file_id"]))["path"] == "/b/f"


async def test_folders_that_are_gone_are_made_again_by_name(ada: Person) -> None:
    top = await ada.make_folder("/a/b/c", parents=True)
    file = await ada.upload("/a/b/c/f", noise(10))
    await deleted(ada, file)
    await deleted(ada, (await ada.at("/a")).json)

    back = await restored(ada, file["file_id"])

    assert back["path"] == "/a/b/c/f"
    assert back["parent_id"] != top["file_id"]
    assert await sums(ada, "/", "/a", "/a/b", "/a/b/c") == [10] * 4


async def test_a_folder_made_anew_meanwhile_takes_it_in(ada: Person) -> None:
    file = await ada.upload("/a/b/f", noise(10), parents=True)
    await deleted(ada, file)
    await deleted(ada, (await ada.at("/a")).json)
    new = await ada.make_folder("/a/b", parents=True)

    back = await restored(ada, file["file_id"])

    assert (back["path"], back["parent_id"]) == ("/a/b/f", new["file_id"])


async def test_a_free_name_is_chosen_where_something_else_has_it(ada: Person) -> None:
    old = await ada.upload("/f.txt", noise(10))
    await deleted(ada, old)
    await ada.upload("/f.txt", noise(20))
    inner = await ada.upload("/a/g", noise(30), parents=True)
    await deleted(ada, inner)
    await deleted(ada, (await ada.at("/a")).json)
    await ada.upload("/a", noise(40))

    assert (await restored(ada, old["file_id"]))["path"] == "/f (2).txt"
    assert (await restored(ada, inner["file_id"]))["path"] == "/a (2)/g"
    assert await sums(ada, "/") == [100]


async def test_a_place_that_got_too_deep_is_refused_and_nothing_changes(ada: Person) -> None:
    file = await ada.upload("/a/b/f", noise(10), parents=True)
    await deleted(ada, file)
    deep = await ada.make_folder("/" + "/".join(["d"] * 126), parents=True)
    await ada.change((await ada.at("/a")).json["file_id"], parent_id=deep["file_id"])
    before = await tree_below(ada)

    refused = await restore(ada, file["file_id"])

    assert (refused.status, refused.code) == (400, "invalid_request")
    assert await tree_below(ada) == before


# Sums, etags, quota


async def test_the_folders_above_lose_and_regain_what_was_deleted(ada: Person) -> None:
    folder = await ada.make_folder("/a/b", parents=True)
    await ada.upload("/a/b/f", noise(10))
    await ada.upload("/a/g", noise(5))

    await deleted(ada, folder)
    without = await sums(ada, "/", "/a")
    await restored(ada, folder["file_id"])

    assert without == [5, 5]
    assert await sums(ada, "/", "/a", "/a/b") == [15, 15, 10]


async def test_a_deletion_changes_the_etags_above_and_none_beside(ada: Person) -> None:
    file = await ada.upload("/a/b/f", noise(10), parents=True)
    await ada.make_folder("/other")
    start, beside = await etags(ada, "/", "/a", "/a/b"), await etags(ada, "/other")

    await deleted(ada, file)
    gone = await etags(ada, "/", "/a", "/a/b")
    await restored(ada, file["file_id"])
    back = await etags(ada, "/", "/a", "/a/b")

    assert all(len({*states}) == 3 for states in zip(start, gone, back, strict=True))
    assert await etags(ada, "/other") == beside
    assert await etags(ada, "/a/b/f") == [file["etag"]]


async def test_the_trash_counts_against_the_quota_until_it_is_purged(server: Running, ada: Person) -> None:
    folder = await ada.make_folder("/a")
    old = await ada.upload("/a/f", noise(100))
    await ada.upload("/a/f", noise(10), base_version=old["version_id"])
    await ada.upload("/g", noise(1))

    await deleted(ada, folder)
    assert await used(ada) == 111
    await restored(ada, folder["file_id"])
    assert await used(ada) == 111
    await deleted(ada, folder)
    assert (await purge(ada, folder["file_id"])).status == 204
    await server.cairn.jobs.wait_idle()

    assert await used(ada) == 1


# Gone for good


async def test_what_is_purged_is_gone_at_once_and_for_good(server: Running, ada: Person) -> None:
    folder = await ada.make_folder("/a")
    file = await ada.upload("/a/f", noise(10))
    link = (await ada.get("/api/v1/download", params={"file_id": file["file_id"]})).json["content_url"]
    await deleted(ada, folder)

    assert (await purge(ada, folder["file_id"])).status == 204

    assert await trash_of(ada) == []
    assert (await restore(ada, folder["file_id"])).status == 404
    assert (await purge(ada, folder["file_id"])).status == 204
    await server.cairn.jobs.wait_idle()
    assert (await ada.fetch(link)).status == 404
    assert (await purge(ada, folder["file_id"])).status == 204
    assert (await restore(ada, file["file_id"])).status == 404


async def test_many_are_purged_in_one_call_and_one_that_is_refused_holds_up_no_other(
    server: Running, ada: Person, bob: Person
) -> None:
    kept = await ada.upload("/kept", noise(9))
    gone = [await deleted(ada, await ada.upload(f"/{n}", noise(10 + n))) for n in range(60)]
    foreign = await deleted(bob, await bob.upload("/his", noise(5)))
    await purge(ada, gone[0])

    asked = [*gone[:55], kept["file_id"], foreign, NONSENSE_ID, gone[1]]
    results = (await ada.post("/api/v1/trash/purge", {"trash_ids": asked})).json["results"]

    assert [one.get("trash_id", one.get("code")) for one in results] == [*gone[:55], *["not_found"] * 3, gone[1]]
    assert [entry["trash_id"] for entry in await trash_of(ada)] == gone[:54:-1]
    assert [entry["trash_id"] for entry in await trash_of(bob)] == [foreign]
    await server.cairn.jobs.wait_idle()
    assert await used(ada) == 9 + sum(range(65, 70))


async def test_a_purge_leaves_what_was_deleted_before_on_its_own(server: Running, ada: Person) -> None:
    folder = await ada.make_folder("/a/b", parents=True)
    early = await ada.upload("/a/b/early", noise(10))
    await ada.upload("/a/b/late", noise(20))
    await deleted(ada, early)
    await deleted(ada, (await ada.at("/a")).json)
    await purge(ada, (await trash_of(ada))[0]["trash_id"])
    await server.cairn.jobs.wait_idle()

    assert [item["path"] for item in await trash_of(ada)] == ["/a/b/early"]
    assert await used(ada) == 10
    back = await restored(ada, early["file_id"])
    assert (back["path"], back["parent_id"] != folder["file_id"]) == ("/a/b/early", True)
    assert (await ada.content(early["file_id"])).status == 200


async def test_only_what_was_deleted_by_itself_is_an_entry(ada: Person) -> None:
    folder = await ada.make_folder("/a")
    below = await ada.make_folder("/a/b")
    live = await ada.make_folder("/c")
    await deleted(ada, folder)

    for trash_id in (below["file_id"], live["file_id"], NONSENSE_ID, "root", "x"):
        for reply in (await restore(ada, trash_id), await purge(ada, trash_id)):
            assert (reply.status, reply.code) == (404, "not_found"), trash_id


# Others


async def test_another_knows_nothing_of_it(ada: Person, bob: Person) -> None:
    folder = await ada.make_folder("/a")
    live = await ada.upload("/f", noise(10))
    await deleted(ada, folder)

    def told(reply: Any) -> Any:
        return reply.status, {**reply.json, "request_id": None}

    for file_id in (folder["file_id"], live["file_id"]):
        assert told(await delete(bob, file_id)) == told(await delete(bob, NONSENSE_ID))
        assert told(await restore(bob, file_id)) == told(await restore(bob, NONSENSE_ID))
        assert told(await purge(bob, file_id)) == told(await purge(bob, NONSENSE_ID))
    assert await trash_of(bob) == []
    assert len(await trash_of(ada)) == 1


async def test_a_restore_needs_no_room_in_the_quota(server: Running, ada: Person) -> None:
    file = await ada.upload("/f", noise(100))
    await deleted(ada, file)
    await server.cairn.services.accounts.set_quota("ada", 10)

    assert (await restore(ada, file["file_id"])).status == 200


async def test_a_tree_whose_old_place_went_deeper_is_not_restored_too_deep(ada: Person) -> None:
    await ada.make_folder("/d" * 100, parents=True)
    await ada.make_folder("/home/tree" + "/t" * 40, parents=True)
    trash_id = await deleted(ada, (await ada.at("/home/tree")).json)
    home, bottom = (await ada.at("/home")).json, (await ada.at("/d" * 100)).json
    assert (await ada.change(home["file_id"], parent_id=bottom["file_id"])).status == 200

    reply = await ada.post(f"/api/v1/trash/{trash_id}/restore")

    assert (reply.status, reply.code) == (400, "invalid_request")


async def test_many_are_trashed_moved_and_brought_back_in_one_call_and_a_refusal_undoes_itself_alone(
    ada: Person, bob: Person
) -> None:
    files = [await ada.upload(f"/from/{n}", noise(n + 1), parents=True) for n in range(60)]
    ids = [file["file_id"] for file in files]
    folder = await ada.make_folder("/to")
    taken = await ada.upload("/to/7", noise(100))
    foreign = (await bob.upload("/his", noise(5)))["file_id"]
    shared = await ada.make_folder("/above/shared", parents=True)
    assert (
        await ada.post(f"/api/v1/files/{shared['file_id']}/members", {"username": "bob", "role": "viewer"})
    ).status == 201
    above = shared["parent_id"]
    before = await tree_below(ada)

    changes = [{"file_id": one, "parent_id": folder["file_id"]} for one in [*ids, foreign, NONSENSE_ID]]
    moved = (await ada.post("/api/v1/files/change", {"changes": changes})).json["results"]
    trashed = await ada.post("/api/v1/files/trash", {"file_ids": [*ids[:3], foreign, above, ids[0], folder["file_id"]]})
    by_bob = await bob.post("/api/v1/files/trash", {"file_ids": [shared["file_id"], ids[9]]})

    assert [one["file"]["path"] for one in moved[:60] if "file" in one] == [f"/to/{n}" for n in range(60) if n != 7]
    assert (moved[7]["code"], moved[7]["current"]["file_id"]) == ("name_taken", taken["file_id"])
    assert [one["code"] for one in moved[60:]] == ["not_found", "not_found"]
    results = trashed.json["results"]
    assert [one.get("file_id", one.get("code")) for one in results] == [
        *ids[:3], "not_found", "limit_reached", ids[0], folder["file_id"],
    ]  # fmt: skip
    assert [one.get("code") for one in by_bob.json["results"]] == [None, "not_found"]  # who leaves a shared folder may
    assert [one["trash_id"] for one in await trash_of(ada)] == [folder["file_id"], *ids[2::-1]]

    back = await ada.post("/api/v1/trash/restore", {"trash_ids": [folder["file_id"], *ids[:3], NONSENSE_ID]})
    assert [one["file"]["path"] for one in back.json["results"][:4]] == ["/to", "/to/0", "/to/1", "/to/2"]
    assert back.json["results"][4]["code"] == "not_found"
    changes = [{"file_id": file["file_id"], "parent_id": file["parent_id"]} for file in files]
    assert all("file" in one for one in (await ada.post("/api/v1/files/change", {"changes": changes})).json["results"])
    assert {path: node["file_id"] for path, node in (await tree_below(ada)).items()} == {
        path: node["file_id"] for path, node in before.items()
    }
    assert (await ada.at("/from")).json["size"] == sum(range(1, 61))
    for call, key in (("files/trash", "file_ids"), ("trash/restore", "trash_ids"), ("trash/purge", "trash_ids")):
        for wrong in ([], [NONSENSE_ID] * 1001):
            assert (await ada.post(f"/api/v1/{call}", {key: wrong})).code == "invalid_request"
