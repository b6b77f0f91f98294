"""Folders that people share: what each sees, what each may do, and how it ends."""

from typing import Any

import pytest

from app.db.transaction import Snapshot
from app.ids import decode_id
from app.repositories import conversions
from tests.api.conftest import Running
from tests.api.people import noise
from tests.sharing.conftest import Member

_PUT_MOUNT = """
    UPDATE nodes SET parent_id = :parent WHERE id =
      (SELECT m.mount_id FROM spaces s JOIN members m ON m.space_id = s.id AND m.user_id = s.owner_id
        WHERE s.root_id = :root)
"""


async def test_a_shared_folder_shows_to_its_member_with_its_id_and_their_own_name_and_place(
    ada: Member, bob: Member
) -> None:
    await ada.make_folder("/Work")
    folder = await ada.make_folder("/Work/Plans")
    await ada.upload("/Work/Plans/a.txt", b"alpha")
    await bob.make_folder("/Plans")

    reply = await ada.share(folder["file_id"], "bob", "editor")

    assert reply.status == 201, reply.body
    assert reply.json == {"username": "bob", "role": "editor"}
    seen = (await bob.at("/Plans (2)")).json
    assert (seen["file_id"], seen["kind"], seen["size"]) == (folder["file_id"], "folder", 5)
    assert seen["permissions"] == ["read", "write"]
    inside = (await bob.at("/Plans (2)/a.txt")).json
    assert inside["parent_id"] == folder["file_id"]
    own = (await ada.at("/Work/Plans")).json
    assert own["file_id"] == folder["file_id"]
    assert own["permissions"] == ["read", "write", "share"]
    assert own["space_id"] == seen["space_id"] != (await ada.at("/Work")).json["space_id"]
    listed = (await ada.get(f"/api/v1/folders/{own['parent_id']}/children")).json["items"]
    assert listed == [own]
    assert (await ada.members(folder["file_id"])) == {"ada": "owner", "bob": "editor"}
    assert (await bob.members(inside["file_id"])) == {"ada": "owner", "bob": "editor"}


async def test_sums_and_etags_of_folders_above_a_mount_tell_of_what_is_in_it(ada: Member, bob: Member) -> None:
    await ada.make_folder("/Work")
    folder = await ada.shared("/Work/Plans", "bob")
    before = (await ada.at("/Work")).json

    await bob.upload("/Plans/a.txt", b"alpha")

    after = (await ada.at("/Work")).json
    assert (before["size"], after["size"]) == (0, 5)
    assert before["etag"] != after["etag"]
    assert (await ada.get("/api/v1/folders/root/children")).json["items"] == [after]
    assert (await ada.at("/Work/Plans")).json["etag"] == (await bob.at("/Plans")).json["etag"]
    assert folder["file_id"] == (await bob.at("/Plans")).json["file_id"]


async def test_a_mount_is_moved_and_renamed_for_its_member_alone(ada: Member, bob: Member) -> None:
    folder = await ada.shared("/Plans", "bob", "viewer")
    place = await bob.make_folder("/Mine")

    reply = await bob.change(folder["file_id"], name="From ada", parent_id=place["file_id"])

    assert reply.status == 200, reply.body
    assert reply.json["path"] == "/Mine/From ada"
    assert (await bob.at("/Plans")).status == 404
    assert (await ada.at("/Plans")).json["file_id"] == folder["file_id"]
    stale = await bob.change(folder["file_id"], name="x", if_seq=folder["seq"])
    assert (stale.status, stale.code) == (409, "conflict")
    assert (await bob.change(folder["file_id"], name="x", if_seq=reply.json["seq"])).status == 200


async def test_a_viewer_changes_nothing_and_a_stranger_finds_nothing(ada: Member, bob: Member, cyd: Member) -> None:
    folder = await ada.shared("/Plans", "bob", "viewer")
    file = await ada.upload("/Plans/a.txt", b"alpha")
    own = await bob.upload("/own", b"own")
    ids = file["file_id"], folder["file_id"]

    for person, status in ((bob, 403), (cyd, 404)):
        refused = [
            await person.change(ids[0], name="b.txt"),
            await person.request(None, parent_id=ids[1], name="b"),
            await person.post("/api/v1/folders", {"parent_id": ids[1], "name": "b"}),
            await person.delete(f"/api/v1/files/{ids[0]}"),
            await person.share(ids[1], "cyd"),
            await person.set_role(ids[1], "bob", "owner"),
            await person.post(f"/api/v1/files/{ids[0]}/copy", {"parent_id": ids[1], "name": "c"}),
        ]
        assert [reply.status for reply in refused] == [status] * len(refused)
    assert (await bob.change(own["file_id"], parent_id=ids[1])).status == 403
    assert (await bob.content(ids[0])).body == b"alpha"
    assert (await cyd.get(f"/api/v1/files/{ids[1]}/members")).status == 404
    assert (await bob.post(f"/api/v1/files/{ids[0]}/copy", {"parent_id": "root", "name": "mine"})).status == 201


async def test_what_cannot_be_shared_says_why(ada: Member, bob: Member) -> None:
    file = await ada.upload("/a.txt", b"alpha")
    outer = await ada.make_folder("/Outer")
    folder = await ada.shared("/Outer/Plans", "bob")
    inner = await bob.make_folder("/Plans/Inner")
    root = (await ada.at("/")).json
    plain = await ada.make_folder("/Plain")

    assert (await ada.share(file["file_id"], "bob")).status == 404
    assert (await ada.share(root["file_id"], "bob")).code == "limit_reached"
    assert (await ada.share(plain["file_id"], "nobody")).status == 404
    for reply in (
        await ada.share(outer["file_id"], "bob"),
        await ada.share(inner["file_id"], "cyd"),
        await ada.change(outer["file_id"], parent_id=inner["file_id"]),
        await bob.change(folder["file_id"], parent_id=inner["file_id"]),
        await ada.delete(f"/api/v1/files/{outer['file_id']}"),
        await ada.post(f"/api/v1/files/{outer['file_id']}/copy", {"parent_id": "root", "name": "c"}),
    ):
        assert (reply.status, reply.code) in ((409, "limit_reached"), (409, "conflict")), reply.body
    assert (await ada.share(folder["file_id"], "ada", "viewer")).code == "conflict"
    assert (await ada.share(folder["file_id"], "bob", "editor")).status == 201
    assert (await ada.members(plain["file_id"])) == {"ada": "owner"}


async def test_to_delete_a_mount_is_to_leave_and_the_owner_can_ask_again(ada: Member, bob: Member) -> None:
    folder = await ada.shared("/Plans", "bob")
    file = await ada.upload("/Plans/a.txt", b"alpha")

    assert (await bob.delete(f"/api/v1/files/{folder['file_id']}")).status == 204

    assert (await bob.at("/Plans")).status == 404
    assert (await bob.get(f"/api/v1/files/{file['file_id']}")).status == 404
    assert await bob.trash() == []
    assert (await ada.members(folder["file_id"])) == {"ada": "owner"}
    assert (await ada.at("/Plans/a.txt")).status == 200
    assert (await ada.share(folder["file_id"], "bob", "viewer")).status == 201
    assert (await bob.at("/Plans/a.txt")).json["permissions"] == ["read"]


async def test_who_is_removed_sees_nothing_at_once_and_commits_nothing(ada: Member, bob: Member) -> None:
    folder = await ada.shared("/Plans", "bob")
    data = noise(1000)
    upload = await bob.open_upload("/Plans/b.bin", data)
    await bob.send_needed(upload, [data])

    assert (await ada.remove(folder["file_id"], "bob")).status == 204

    assert (await bob.commit(upload["upload_id"])).status in (403, 404, 422)
    assert (await bob.get(f"/api/v1/files/{folder['file_id']}")).status == 404
    assert (await ada.remove(folder["file_id"], "bob")).status == 404
    assert (await ada.remove(folder["file_id"], "ada")).code == "conflict"


async def test_a_demoted_editor_commits_nothing(ada: Member, bob: Member) -> None:
    folder = await ada.shared("/Plans", "bob")
    data = noise(1000)
    upload = await bob.open_upload("/Plans/b.bin", data)
    await bob.send_needed(upload, [data])

    assert (await ada.set_role(folder["file_id"], "bob", "viewer")).status == 200

    assert (await bob.commit(upload["upload_id"])).status in (403, 404, 422)
    assert (await bob.at("/Plans")).json["permissions"] == ["read"]


async def test_the_owner_deletes_a_shared_folder_and_brings_it_back_to_all(ada: Member, bob: Member) -> None:
    await ada.make_folder("/Work")
    folder = await ada.shared("/Work/Plans", "bob", "viewer")
    file = await ada.upload("/Work/Plans/a.txt", b"alpha")

    assert (await ada.delete(f"/api/v1/files/{folder['file_id']}")).status == 204

    assert (await bob.at("/Plans")).status == 404
    assert (await bob.get(f"/api/v1/files/{file['file_id']}")).status == 404
    assert (await ada.at("/Work/Plans")).status == 404
    assert (await ada.delete(f"/api/v1/files/{folder['file_id']}")).status == 204
    (entry,) = await ada.trash()
    assert (entry["path"], entry["trash_id"], entry["size"]) == ("/Work/Plans", folder["file_id"], 5)
    assert await bob.trash() == []
    assert (await bob.post(f"/api/v1/trash/{entry['trash_id']}/restore")).status == 404
    restored = await ada.post(f"/api/v1/trash/{entry['trash_id']}/restore")
    assert restored.status == 200, restored.body
    assert restored.json["path"] == "/Work/Plans"
    assert (await bob.at("/Plans/a.txt")).json["permissions"] == ["read"]
    assert (await ada.members(folder["file_id"])) == {"ada": "owner", "bob": "viewer"}


async def test_a_shared_folder_is_purged_with_all_it_used(ada: Member, server: Running) -> None:
    folder = await ada.shared("/Plans", "bob")
    await ada.upload("/Plans/a.txt", b"alpha")
    await ada.delete(f"/api/v1/files/{folder['file_id']}")

    assert (await ada.delete(f"/api/v1/trash/{folder['file_id']}")).status == 204

    await server.cairn.jobs.wait_idle()
    assert await ada.trash() == []
    assert await ada.used() == 0


async def test_what_an_editor_uploads_counts_for_the_owner(ada: Member, bob: Member, server: Running) -> None:
    folder = await ada.shared("/Plans", "bob")
    await server.cairn.services.accounts.set_quota("ada", 1000)

    await bob.upload("/Plans/a.bin", noise(600))

    assert (await ada.used(), await bob.used()) == (600, 0)
    assert (await bob.request("/Plans/b.bin", [noise(600)])).code == "quota_exceeded"
    assert (await ada.request("/b.bin", [noise(600)])).code == "quota_exceeded"
    assert (await ada.upload("/b.bin", noise(400)))["size"] == 400
    assert folder["file_id"]


async def test_a_folder_is_handed_over_if_the_new_owner_has_room(ada: Member, bob: Member, server: Running) -> None:
    folder = await ada.shared("/Plans", "bob")
    await ada.upload("/Plans/a.bin", noise(600))
    await server.cairn.services.accounts.set_quota("bob", 500)

    refused = await ada.set_role(folder["file_id"], "bob", "owner")
    await server.cairn.services.accounts.set_quota("bob", 600)
    done = await ada.set_role(folder["file_id"], "bob", "owner")

    assert (refused.status, refused.code) == (507, "quota_exceeded")
    assert done.status == 200, done.body
    assert (await ada.used(), await bob.used()) == (0, 600)
    assert await bob.members(folder["file_id"]) == {"bob": "owner", "ada": "editor"}
    assert (await ada.set_role(folder["file_id"], "bob", "viewer")).status == 403
    assert (await bob.remove(folder["file_id"], "ada")).status == 204
    assert (await ada.at("/Plans")).status == 404


async def test_content_moves_between_spaces_with_its_use(
    ada: Member, bob: Member, cyd: Member, server: Running
) -> None:
    folder = await ada.shared("/Plans", "bob")
    own = await bob.make_folder("/Own/Deep", parents=True)
    file = await bob.upload("/Own/Deep/a.bin", noise(600))
    await bob.upload("/Own/Deep/a.bin", noise(700), base_version=file["version_id"])
    gone = await bob.upload("/Own/Deep/gone.bin", noise(50))
    await bob.delete(f"/api/v1/files/{gone['file_id']}")
    top = (await bob.at("/Own")).json

    moved = await bob.change(top["file_id"], parent_id=folder["file_id"])

    assert moved.status == 200, moved.body
    await server.cairn.jobs.wait_idle()
    assert (await ada.at("/Plans/Own/Deep/a.bin")).json["file_id"] == file["file_id"]
    assert (await ada.used(), await bob.used()) == (1350, 0)
    assert [entry["path"] for entry in await ada.trash()] == ["/Plans/Own/Deep/gone.bin"]
    assert (await ada.post(f"/api/v1/trash/{gone['file_id']}/restore")).status == 200
    back = await bob.change(own["file_id"], parent_id="root")
    assert back.status == 200, back.body
    await server.cairn.jobs.wait_idle()
    assert (await ada.used(), await bob.used()) == (0, 1350)
    assert (await ada.get(f"/api/v1/files/{file['file_id']}")).status == 404
    assert (await cyd.get(f"/api/v1/files/{file['file_id']}")).status == 404


async def test_what_moves_to_another_owner_must_fit_their_quota_with_its_old_versions(
    ada: Member, bob: Member, server: Running
) -> None:
    folder = await ada.shared("/Plans", "bob")
    own = await bob.make_folder("/Own")
    file = await bob.upload("/Own/a.bin", noise(600))
    await bob.upload("/Own/a.bin", noise(10), base_version=file["version_id"])
    await server.cairn.services.accounts.set_quota("ada", 609)

    refused = await bob.change(own["file_id"], parent_id=folder["file_id"])
    await server.cairn.services.accounts.set_quota("ada", 610)
    moved = await bob.change(own["file_id"], parent_id=folder["file_id"])

    assert (refused.status, refused.code) == (507, "quota_exceeded")
    assert moved.status == 200, moved.body


async def test_each_folder_of_a_call_that_moves_many_to_another_owner_is_measured_once(
    ada: Member, bob: Member, server: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = await ada.shared("/Plans", "bob")
    await ada.shared("/Looked at", "bob", "viewer")
    ids = [(await bob.make_folder(f"/{name}"))["file_id"] for name in ("large", "small")]
    seen_only = (await bob.at("/Looked at")).json["file_id"]
    file = await bob.upload("/large/a.bin", noise(600))
    await bob.upload("/large/a.bin", noise(10), base_version=file["version_id"])
    await server.cairn.services.accounts.set_quota("ada", 609)
    measured: list[int] = []
    size_below = conversions.size_below

    def measure(tx: Snapshot, node_id: int) -> int:
        measured.append(node_id)
        return size_below(tx, node_id)

    monkeypatch.setattr(conversions, "size_below", measure)
    changes = [{"file_id": one, "parent_id": folder["file_id"]} for one in [ids[0]] * 9 + ids[1:]]
    changes += [{"file_id": one, "parent_id": seen_only} for one in ids]
    results = (await bob.post("/api/v1/files/change", {"changes": changes})).json["results"]

    assert [one.get("code") for one in results] == ["quota_exceeded"] * 9 + [None] + ["forbidden"] * 2
    assert measured == [decode_id(one)[0] for one in ids]


async def test_folders_that_move_to_another_owner_in_one_call_must_fit_their_quota_together(
    ada: Member, bob: Member, server: Running
) -> None:
    folder = await ada.shared("/Plans", "bob")
    ids = []
    for name in "abc":
        ids.append((await bob.make_folder(f"/{name}"))["file_id"])
        await bob.upload(f"/{name}/file", noise(300))
    await server.cairn.services.accounts.set_quota("ada", 700)

    changes = [{"file_id": one, "parent_id": folder["file_id"]} for one in ids]
    results = (await bob.post("/api/v1/files/change", {"changes": changes})).json["results"]

    assert [one.get("code") for one in results] == [None, None, "quota_exceeded"]


async def test_an_upload_that_began_before_its_folder_was_shared_ends_in_it(ada: Member, bob: Member) -> None:
    folder = await ada.make_folder("/Plans")
    data = noise(1000)
    upload = await ada.open_upload("/Plans/a.bin", data)
    await ada.send_needed(upload, [data])

    assert (await ada.share(folder["file_id"], "bob")).status == 201
    committed = await ada.commit(upload["upload_id"])

    assert committed.status == 201, committed.body
    assert (await bob.at("/Plans/a.bin")).json["size"] == 1000
    assert await ada.used() == 1000


@pytest.mark.parametrize("role", ["viewer", "editor"])
async def test_the_trash_of_a_shared_folder_is_seen_by_those_who_may_write(ada: Member, bob: Member, role: str) -> None:
    await ada.shared("/Plans", "bob", role)
    own = await bob.upload("/own", b"own")
    file = await ada.upload("/Plans/a.txt", b"alpha")
    await bob.delete(f"/api/v1/files/{own['file_id']}")
    await ada.delete(f"/api/v1/files/{file['file_id']}")

    seen = [entry["path"] for entry in await bob.trash()]

    assert seen == (["/Plans/a.txt", "/own"] if role == "editor" else ["/own"])
    restored = await bob.post(f"/api/v1/trash/{file['file_id']}/restore")
    assert restored.status == (200 if role == "editor" else 403)


async def test_a_shared_folder_comes_back_to_the_home_when_its_old_place_is_shared_by_now(
    ada: Member, bob: Member
) -> None:
    """No mount goes into a shared folder, not even one that something else with the old place's name shows."""
    await ada.make_folder("/Family")
    photos = await ada.shared("/Family/Photos", "bob")
    await ada.delete(f"/api/v1/files/{photos['file_id']}")
    family = (await ada.at("/Family")).json
    await ada.share(family["file_id"], "bob")

    back = await ada.post(f"/api/v1/trash/{(await ada.trash())[0]['trash_id']}/restore")

    assert (back.status, back.json["path"]) == (200, "/Photos")
    assert {"/Photos", "/Family"} <= {f"/{name}" for name in await bob.names()}


async def test_a_shared_folder_comes_back_although_its_old_place_is_shared_and_deleted(
    ada: Member, bob: Member
) -> None:
    await ada.make_folder("/Family")
    photos = await ada.shared("/Family/Photos", "bob")
    await ada.delete(f"/api/v1/files/{photos['file_id']}")
    family = (await ada.at("/Family")).json
    await ada.share(family["file_id"], "bob")
    await ada.delete(f"/api/v1/files/{family['file_id']}")
    trash_id = next(item["trash_id"] for item in await ada.trash() if item["name"] == "Photos")

    back = await ada.post(f"/api/v1/trash/{trash_id}/restore")

    assert (back.status, back.json["path"]) == (200, "/Photos")


async def test_what_was_deleted_in_a_shared_folder_comes_back_once_the_folder_does(ada: Member, bob: Member) -> None:
    folder = await ada.shared("/Photos", "bob")
    file = await ada.upload("/Photos/a.jpg", noise(10))
    await ada.delete(f"/api/v1/files/{file['file_id']}")
    await ada.delete(f"/api/v1/files/{folder['file_id']}")
    by_name = {item["name"]: item["trash_id"] for item in await ada.trash()}

    early = await ada.post(f"/api/v1/trash/{by_name['a.jpg']}/restore")
    folder_back = await ada.post(f"/api/v1/trash/{by_name['Photos']}/restore")
    file_back = await ada.post(f"/api/v1/trash/{by_name['a.jpg']}/restore")

    assert (early.status, early.code) == (409, "conflict")
    assert (folder_back.status, file_back.status, file_back.json["path"]) == (200, 200, "/Photos/a.jpg")


async def _delete_and_find(person: Member, folder: Any) -> str:
    """Delete something and return its id in the trash."""
    assert (await person.delete(f"/api/v1/files/{folder['file_id']}")).status == 204
    return str(folder["file_id"])


async def test_a_shared_folder_comes_back_to_the_home_when_its_old_place_is_below_what_is_shared_by_now(
    ada: Member, bob: Member
) -> None:
    await ada.make_folder("/X/sub", parents=True)
    inner = await ada.shared("/X/sub/T", "bob")
    await ada.upload("/X/sub/T/a", noise(10))
    trash_id = await _delete_and_find(ada, inner)
    outer = (await ada.at("/X")).json
    await ada.share(outer["file_id"], "bob")

    back = await ada.post(f"/api/v1/trash/{trash_id}/restore")

    assert (back.status, back.json["path"]) == (200, "/T")
    assert {"X", "T"} <= set(await bob.names())
    assert await bob.names((await bob.at("/X/sub")).json["file_id"]) == []
    for person in (ada, bob):
        copied = await person.post(f"/api/v1/files/{outer['file_id']}/copy", {"parent_id": "root", "name": "copy"})
        assert copied.status == 201, copied.body


async def test_a_shared_folder_comes_back_to_the_home_when_its_old_place_is_in_anothers_folder_that_one_left(
    ada: Member, bob: Member
) -> None:
    place = await ada.make_folder("/Place")
    trash_id = await _delete_and_find(ada, await ada.shared("/Place/T", "bob"))
    theirs = await bob.shared("/Theirs", "ada")
    await ada.change(place["file_id"], parent_id=theirs["file_id"])
    await bob.remove(theirs["file_id"], "ada")

    back = await ada.post(f"/api/v1/trash/{trash_id}/restore")

    assert (back.status, back.json["path"]) == (200, "/T")


async def test_a_shared_folder_comes_back_to_its_members_in_their_homes_whatever_became_of_their_places(
    ada: Member, bob: Member, cyd: Member
) -> None:
    folder = await ada.shared("/T", "bob")
    place = await bob.make_folder("/Place")
    await bob.change(folder["file_id"], parent_id=place["file_id"])
    trash_id = await _delete_and_find(ada, folder)
    await bob.share(place["file_id"], "cyd")
    await bob.upload("/T", b"in the way")

    back = await ada.post(f"/api/v1/trash/{trash_id}/restore")

    assert back.status == 200, back.body
    assert set(await bob.names()) == {"Place", "T", "T (2)"}
    assert await cyd.names((await cyd.at("/Place")).json["file_id"]) == []


@pytest.mark.parametrize("heir", [None, "cyd"])
async def test_who_was_deleted_meanwhile_is_no_member_when_a_shared_folder_comes_back(
    ada: Member, bob: Member, cyd: Member, server: Running, heir: str | None
) -> None:
    folder = await ada.shared("/T", "bob")
    await ada.share(folder["file_id"], "cyd", "viewer")
    trash_id = await _delete_and_find(ada, folder)
    await server.cairn.services.removal.delete("bob", heir=heir, by=None)

    back = await ada.post(f"/api/v1/trash/{trash_id}/restore")

    assert back.status == 200, back.body
    assert await ada.members(folder["file_id"]) == {"ada": "owner", "cyd": "viewer"}


async def test_what_was_deleted_comes_back_in_its_own_space_when_anothers_folder_has_its_place(
    ada: Member, bob: Member
) -> None:
    docs = await ada.make_folder("/Docs/Inner", parents=True)
    file = await ada.upload("/Docs/Inner/a", noise(600))
    first = await _delete_and_find(ada, file)
    await _delete_and_find(ada, {"file_id": docs["parent_id"]})
    theirs = await bob.shared("/Docs", "ada")
    await bob.make_folder("/Docs/Inner")

    back = await ada.post(f"/api/v1/trash/{first}/restore")

    assert (back.status, back.json["path"]) == (200, "/Docs (2)/Inner/a")
    assert (await bob.at("/Docs/Inner/a")).status == 404
    assert (await ada.used(), await bob.used()) == (600, 0)
    assert theirs["file_id"] != back.json["parent_id"]


async def test_nobody_whose_account_is_disabled_takes_a_folder_over(ada: Member, bob: Member, server: Running) -> None:
    folder = await ada.shared("/Plans", "bob")
    await server.cairn.services.accounts.disable("bob")

    refused = await ada.set_role(folder["file_id"], "bob", "owner")

    assert (refused.status, refused.code) == (409, "conflict")
    assert await ada.members(folder["file_id"]) == {"ada": "owner", "bob": "editor"}


async def test_a_shared_folder_is_deleted_by_whoever_has_seen_it_as_it_is(ada: Member, bob: Member) -> None:
    folder = await ada.shared("/Photos", "bob")
    theirs, own = (await bob.at("/Photos")).json, (await ada.at("/Photos")).json

    left = await bob.delete(f"/api/v1/files/{folder['file_id']}?if_seq={theirs['seq']}")
    deleted = await ada.delete(f"/api/v1/files/{folder['file_id']}?if_seq={own['seq']}")

    assert (left.status, deleted.status) == (204, 204)


async def test_no_copy_breaks_on_a_shared_folder_that_an_earlier_server_brought_into_another(
    ada: Member, bob: Member, server: Running
) -> None:
    inner, outer = await ada.shared("/Inner", "bob"), await ada.shared("/Outer", "bob")

    async def bring_into(parent_id: str) -> None:
        values = {"parent": decode_id(parent_id)[0], "root": decode_id(inner["file_id"])[0]}
        await server.cairn.database.write(lambda tx: tx.execute(_PUT_MOUNT, values))

    await bring_into(outer["file_id"])

    refused = await bob.post(f"/api/v1/files/{outer['file_id']}/copy", {"parent_id": "root", "name": "copy"})

    assert (refused.status, refused.code) == (409, "limit_reached")
    await bring_into(outer["parent_id"])
