"""What a file was: listed, and put back."""

from typing import Any

from tests.api.conftest import Running
from tests.api.people import NONSENSE_ID, Person, noise, sha256
from tests.tree.keeper import deleted, etags, restore_version, sums, used, versions_of


async def edited(ada: Person, *contents: bytes, path: str = "/f") -> list[Any]:
    """Give a file these contents one after the other; return its File after each."""
    files: list[Any] = []
    for number, content in enumerate(contents):
        base = files[-1]["version_id"] if files else None
        files.append(await ada.upload(path, content, base_version=base, mtime_ms=number))
    return files


async def test_versions_are_listed_the_newest_first(ada: Person) -> None:
    contents = [noise(30), noise(20), noise(10)]
    files = await edited(ada, *contents)
    devices = (await ada.get("/api/v1/devices")).json["items"]

    items = (await versions_of(ada, files[0])).json["items"]

    assert [item["version_id"] for item in items] == [file["version_id"] for file in reversed(files)]
    assert items[0] == {
        "version_id": files[2]["version_id"],
        "size": 10,
        "mtime_ms": 2,
        "created_ms": files[2]["modified_ms"],
        "modified_by": "ada",
        "device_id": next(device["device_id"] for device in devices if device["current"]),
        "base_version": files[1]["version_id"],
        "sha256": sha256(contents[2]),
        "label": None,
        "content": "kept",
    }
    assert items[2]["base_version"] is None


async def test_versions_come_in_pages(ada: Person) -> None:
    files = await edited(ada, *(noise(n) for n in range(1, 6)))

    first = (await versions_of(ada, files[0], limit=3)).json
    rest = (await versions_of(ada, files[0], limit=3, after=first["next"])).json

    assert [item["size"] for item in first["items"] + rest["items"]] == [5, 4, 3, 2, 1]
    assert rest["next"] is None
    for wrong in ({"after": "x"}, {"limit": 0}, {"order": "asc"}):
        assert (await versions_of(ada, files[0], **wrong)).code == "invalid_request"


async def test_a_touch_or_a_rename_makes_no_version(ada: Person) -> None:
    file = await ada.upload("/f", noise(10))
    await ada.change(file["file_id"], mtime_ms=5, executable=True, name="g")

    assert len((await versions_of(ada, file)).json["items"]) == 1


async def test_a_restored_version_is_a_new_one_with_the_old_content(ada: Person) -> None:
    contents = [noise(30), noise(20)]
    old, new = await edited(ada, *contents)

    reply = await restore_version(ada, old, old["version_id"])

    back = reply.json
    assert reply.status == 200
    assert (back["file_id"], back["size"], back["mtime_ms"], back["sha256"]) == (
        old["file_id"], 30, 0, sha256(contents[0]),
    )  # fmt: skip
    assert back["version_id"] not in (old["version_id"], new["version_id"])
    assert back["seq"] > new["seq"]
    assert back == (await ada.at("/f")).json
    assert (await ada.content(old["file_id"])).body == contents[0]
    items = (await versions_of(ada, old)).json["items"]
    assert [item["version_id"] for item in items] == [file["version_id"] for file in (back, new, old)]
    assert items[0]["base_version"] == new["version_id"]


async def test_a_restored_version_is_charged_and_changes_sums_and_etags(ada: Person) -> None:
    old, _ = await edited(ada, noise(30), noise(20), path="/f")
    before = await etags(ada, "/", "/f")

    await restore_version(ada, old, old["version_id"])

    assert await used(ada) == 80
    assert await sums(ada, "/") == [30]
    assert all(new != old for new, old in zip(await etags(ada, "/", "/f"), before, strict=True))


async def test_a_version_that_the_quota_has_no_room_for_is_not_restored(server: Running, ada: Person) -> None:
    old, new = await edited(ada, noise(30), noise(20))
    await server.cairn.services.accounts.set_quota("ada", 79)

    refused = await restore_version(ada, old, old["version_id"])

    assert (refused.status, refused.code) == (507, "quota_exceeded")
    assert (await ada.at("/f")).json == new
    assert await used(ada) == 50


async def test_a_version_belongs_to_its_file(ada: Person) -> None:
    file, other = await ada.upload("/f", noise(10)), await ada.upload("/g", noise(10))

    for version_id in (other["version_id"], other["file_id"], NONSENSE_ID, "x"):
        refused = await restore_version(ada, file, version_id)
        assert (refused.status, refused.code) == (404, "not_found"), version_id
    assert (await ada.at("/f")).json == file


async def test_a_folder_has_no_versions_and_those_of_a_deleted_file_are_only_looked_at(ada: Person) -> None:
    folder, file = await ada.make_folder("/a"), await ada.upload("/f", noise(10))
    await deleted(ada, file)

    assert (await versions_of(ada, folder)).code == "not_found"
    assert [version["version_id"] for version in (await versions_of(ada, file)).json["items"]] == [file["version_id"]]
    for node in (folder, file):
        assert (await restore_version(ada, node, file["version_id"])).code == "not_found"


async def test_another_sees_and_restores_no_version(ada: Person, bob: Person) -> None:
    file, own = await ada.upload("/f", noise(10)), await bob.upload("/f", noise(10))

    assert (await versions_of(bob, file)).code == "not_found"
    assert (await restore_version(bob, file, file["version_id"])).code == "not_found"
    assert (await restore_version(bob, own, file["version_id"])).code == "not_found"


# The base that an uploader names


async def test_a_base_that_is_no_version_is_not_believed(ada: Person, bob: Person) -> None:
    foreign = (await bob.upload("/f", noise(10)))["version_id"]
    await ada.upload("/f", noise(10))

    for base in (foreign, foreign[:-1] + ("0" if foreign[-1] != "0" else "1"), NONSENSE_ID, "x"):
        file = await ada.upload("/f", noise(10), base_version=base, on_conflict="replace")
        newest = (await versions_of(ada, file)).json["items"][0]
        assert (newest["version_id"], newest["base_version"]) == (file["version_id"], None), base
