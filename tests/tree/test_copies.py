"""Copies: everything is there twice, and no byte was moved."""

import asyncio

import pytest

from app.services import lots
from tests.api.conftest import Running
from tests.api.people import NONSENSE_ID, Person, noise
from tests.tree.keeper import copy, deleted, etags, grow, purge, sums, tree_below, used, versions_of


async def test_a_copy_of_a_file_is_a_file_of_its_own(ada: Person) -> None:
    content = noise(100_000)
    old = await ada.upload("/f", noise(10))
    file = await ada.upload("/f", content, base_version=old["version_id"], content_type="image/png", mtime_ms=5)
    await ada.change(file["file_id"], executable=True, mtime_ms=7)
    folder = await ada.make_folder("/a")

    reply = await copy(ada, file, folder["file_id"], "g")

    made = reply.json
    assert reply.status == 201
    assert made == (await ada.at("/a/g")).json
    assert made["file_id"] != file["file_id"]
    assert made["version_id"] != file["version_id"]
    same = ("size", "sha256", "content_type")
    assert {key: made[key] for key in same} == {key: file[key] for key in same}
    assert (made["mtime_ms"], made["executable"]) == (7, True)
    assert (await ada.content(made["file_id"])).body == content
    assert len((await versions_of(ada, made)).json["items"]) == 1


async def test_a_copy_of_a_folder_holds_all_that_is_below_it(ada: Person) -> None:
    folder = await ada.make_folder("/a/empty/deep", parents=True)
    content = noise(10)
    await ada.upload("/a/b/f", content, parents=True)
    await ada.upload("/a/g", noise(5))
    await deleted(ada, await ada.upload("/a/gone", noise(3)))
    source = (await ada.at("/a")).json

    made = (await copy(ada, source, "root", "z")).json

    below = await tree_below(ada, made["file_id"])
    assert sorted(below) == ["/z/b", "/z/b/f", "/z/empty", "/z/empty/deep", "/z/g"]
    assert (await ada.content(below["/z/b/f"]["file_id"])).body == content
    assert below["/z/empty/deep"]["file_id"] != folder["file_id"]
    assert (made["size"], made["path"]) == (15, "/z")
    assert await sums(ada, "/", "/z", "/z/b") == [30, 15, 10]


async def test_a_copy_of_many_pages_is_whole(ada: Person) -> None:
    await grow(ada, [f"/a/{n % 3}/{n}" for n in range(3_300)])

    await copy(ada, (await ada.at("/a")).json, "root", "z")

    below = await tree_below(ada)
    assert sum(path.startswith("/z/") for path in below) == 3_303


async def test_a_copy_finds_a_free_name_where_it_may(ada: Person) -> None:
    file = await ada.upload("/f.txt", noise(10))

    made = [await copy(ada, file, "root", "f.txt", on_conflict="rename") for _ in range(2)]

    assert [reply.json["name"] for reply in made] == ["f (2).txt", "f (3).txt"]


async def test_a_copy_that_replaces_a_file_becomes_its_newest_version(ada: Person) -> None:
    there = await ada.upload("/a/f", noise(10), parents=True)
    file = await ada.upload("/f", noise(20))

    made = await copy(ada, file, there["parent_id"], "f", on_conflict="replace")

    assert (made.status, made.json["file_id"]) == (201, there["file_id"])
    assert (made.json["size"], made.json["sha256"]) == (20, file["sha256"])
    assert (await ada.at("/f")).json["version_id"] == file["version_id"]
    assert len((await versions_of(ada, there)).json["items"]) == 2


async def test_a_copy_replaces_no_folder_and_not_itself(ada: Person) -> None:
    file = await ada.upload("/f", noise(1))
    folder = await ada.make_folder("/a/f", parents=True)

    onto_a_folder = await copy(ada, file, folder["parent_id"], "f", on_conflict="replace")
    onto_itself = await copy(ada, file, "root", "f", on_conflict="replace")
    of_a_folder = await copy(ada, folder, "root", "f", on_conflict="replace")

    assert [onto_a_folder.code, onto_itself.code, of_a_folder.code] == ["name_taken", "invalid_request", "name_taken"]


async def test_a_copy_may_go_beside_its_source(ada: Person) -> None:
    await ada.upload("/a/f", noise(10), parents=True)
    source = (await ada.at("/a")).json

    assert (await copy(ada, source, "root", "a (copy)")).json["size"] == 10


async def test_a_copy_is_charged_and_outlives_its_source(server: Running, ada: Person) -> None:
    content = noise(100)
    file = await ada.upload("/f", content)

    made = (await copy(ada, file, "root", "g")).json
    assert await used(ada) == 200
    await purge(ada, await deleted(ada, file))
    await server.cairn.jobs.wait_idle()

    assert await used(ada) == 100
    assert (await ada.content(made["file_id"])).body == content


async def test_a_copy_changes_the_etags_above_it_and_not_its_sources(ada: Person) -> None:
    await ada.upload("/a/f", noise(10), parents=True)
    target = await ada.make_folder("/b")
    above, source = await etags(ada, "/", "/b"), await etags(ada, "/a", "/a/f")

    await copy(ada, (await ada.at("/a")).json, target["file_id"], "c")

    assert all(new != old for new, old in zip(await etags(ada, "/", "/b"), above, strict=True))
    assert await etags(ada, "/a", "/a/f") == source


async def test_a_folder_is_not_copied_into_itself(ada: Person) -> None:
    inner = await ada.make_folder("/a/b", parents=True)
    source = (await ada.at("/a")).json

    for parent in (source, inner):
        refused = await copy(ada, source, parent["file_id"], "c")
        assert (refused.status, refused.code, refused.json["current"]) == (409, "conflict", source)
    assert (await copy(ada, {"file_id": "root"}, inner["file_id"], "c")).code == "conflict"


async def test_a_copy_takes_no_name_that_is_in_use(ada: Person) -> None:
    file, other = await ada.upload("/f", noise(10)), await ada.make_folder("/g")

    refused = await copy(ada, file, "root", "g")

    assert (refused.status, refused.code, refused.json["current"]) == (409, "name_taken", other)


@pytest.mark.parametrize(
    ("parent_id", "name", "status"),
    [("root", "", 400), ("root", "a/b", 400), ("root", "..", 400), (NONSENSE_ID, "b", 404), ("file", "b", 404)],
)
async def test_a_place_that_can_not_be_is_refused(ada: Person, parent_id: str, name: str, status: int) -> None:
    file = await ada.upload("/f", noise(10))

    refused = await copy(ada, file, file["file_id"] if parent_id == "file" else parent_id, name)

    assert refused.status == status


async def test_a_copy_too_large_for_the_quota_leaves_nothing(server: Running, ada: Person) -> None:
    await ada.upload("/a/f", noise(60), parents=True)
    await ada.upload("/a/g", noise(40))
    await server.cairn.services.accounts.set_quota("ada", 199)

    refused = await copy(ada, (await ada.at("/a")).json, "root", "b")

    assert (refused.status, refused.code) == (507, "quota_exceeded")
    assert await used(ada) == 100
    assert await ada.names() == ["a"]


async def test_a_copy_that_would_lie_too_deep_leaves_nothing(ada: Person) -> None:
    deep = await ada.make_folder("/" + "/".join(["d"] * 126), parents=True)
    await ada.upload("/a/b/f", noise(10), parents=True)
    before = await tree_below(ada)

    refused = await copy(ada, (await ada.at("/a")).json, deep["file_id"], "a")

    assert (refused.status, refused.code) == (400, "invalid_request")
    assert await tree_below(ada) == before


async def test_a_folder_of_too_many_nodes_is_not_copied(ada: Person) -> None:
    await grow(ada, [f"/a/{n}" for n in range(9_999)])
    source = (await ada.at("/a")).json
    done = await copy(ada, source, "root", "b")
    await ada.make_folder("/a/more")

    refused = await copy(ada, source, "root", "c")

    assert done.status == 201
    assert (refused.status, refused.code) == (409, "limit_reached")


async def test_another_copies_nothing_of_it_and_into_nothing_of_it(ada: Person, bob: Person) -> None:
    file, folder = await ada.upload("/f", noise(10)), await ada.make_folder("/a")
    own = await bob.upload("/f", noise(10))

    assert (await copy(bob, file, "root", "mine")).code == "not_found"
    assert (await copy(bob, own, folder["file_id"], "mine")).code == "not_found"
    assert (await copy(bob, own, folder["file_id"], "f")).code == "not_found"


async def test_many_are_copied_in_one_call_and_one_that_is_refused_holds_up_no_other(
    server: Running, ada: Person, bob: Person
) -> None:
    files = [await ada.upload(f"/from/{n}", noise(n + 1), parents=True) for n in range(55)]
    target, foreign = await ada.make_folder("/to"), await bob.upload("/his", noise(5))
    taken = await ada.upload("/to/7", noise(100))
    parent, folder = target["file_id"], files[0]["parent_id"]
    await server.cairn.services.accounts.set_quota("ada", await used(ada) + sum(range(1, 51)) - 8)
    copies = [
        {"file_id": folder, "parent_id": folder, "name": "itself"},
        {"file_id": foreign["file_id"], "parent_id": parent, "name": "his"},
        {"file_id": files[0]["file_id"], "parent_id": parent, "name": ".."},
        *({"file_id": file["file_id"], "parent_id": parent, "name": file["name"]} for file in files),
        {"file_id": files[2]["file_id"], "parent_id": parent, "name": "1", "on_conflict": "replace"},
    ]

    results = (await ada.post("/api/v1/files/copy", {"copies": copies})).json["results"]

    assert [one["code"] for one in results[:3]] == ["conflict", "not_found", "invalid_request"]
    made = results[3:58]
    assert (made[7]["code"], made[7]["current"]["file_id"]) == ("name_taken", taken["file_id"])
    assert [one["file"]["path"] for one in made[:50] if "file" in one] == [f"/to/{n}" for n in range(50) if n != 7]
    assert [one["code"] for one in [*made[50:], results[58]]] == ["quota_exceeded"] * 6
    assert made[9]["file"]["sha256"] == files[9]["sha256"]
    assert await sums(ada, "/to") == [100 + sum(range(1, 51)) - 8]
    for wrong in ([], [{"file_id": folder, "parent_id": parent, "name": "x"}] * 1001):
        assert (await ada.post("/api/v1/files/copy", {"copies": wrong})).code == "invalid_request"


@pytest.mark.parametrize(("long_s", "order"), [(0.0, [1, "other", 2]), (60.0, [1, 2, "other"])])
async def test_many_changes_that_take_long_let_others_in_between(
    server: Running, monkeypatch: pytest.MonkeyPatch, long_s: float, order: list[object]
) -> None:
    monkeypatch.setattr(lots, "LONG_S", long_s)
    database, done = server.cairn.database, list[object]()

    many = lots.change_each(database, [1, 2], lambda _tx, item: done.append(item))
    await asyncio.gather(many, database.write(lambda _tx: done.append("other")))

    assert done == order
