"""MOVE and COPY: one step each; what gives way is in the trash, or in the versions of the file that stays."""

import hashlib
from http import HTTPStatus
from typing import Any

import pytest

from app.services import copies, replacing
from tests.accounts.api import ADMIN
from tests.api.conftest import OTHER, Running
from tests.api.people import Person, noise
from tests.dav.conftest import Dav
from tests.tree.keeper import grow, restore_version, restored, sums, trash_of, tree_below, used, versions_of

PROPERTY = '<d:set><d:prop><x xmlns="urn:x">{}</x></d:prop></d:set>'


async def go(dav: Dav, method: str, source: str, goal: str, **headers: str) -> int:
    """Move or copy; return the status."""
    return (await dav.call(method, f"/dav{source}", Destination=f"/dav{goal}", **headers)).status


async def hashes_of(person: Person, path: str) -> list[Any]:
    """Return the hashes of all versions of a file, the newest first."""
    items = (await versions_of(person, (await person.at(path)).json)).json["items"]
    return [item["sha256"] for item in items]


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


async def property_of(dav: Dav, path: str) -> str | None:
    """Return the value of the property that these tests set."""
    found = (await dav.propfind(f"/dav{path}")).of(f"/dav{path}").get("{urn:x}x")
    return None if found is None else found.text


async def test_a_move_keeps_id_etag_history_and_properties(dav: Dav, ada: Person) -> None:
    await ada.make_folder("/to")
    await ada.upload("/f", b"one")
    before = await ada.upload("/f", b"two", on_conflict="replace")
    await dav.proppatch("/dav/f", PROPERTY.format("kept"))

    answer = await dav.call("MOVE", "/dav/f", Destination="/dav/to/g%20h")

    after = (await ada.at("/to/g h")).json
    assert (answer.status, answer.headers["location"]) == (201, "/dav/to/g%20h")
    assert answer.headers["oc-etag"] == f'"{after["etag"]}"'
    assert (after["file_id"], after["etag"], after["version_id"]) == tuple(
        before[key] for key in ("file_id", "etag", "version_id")
    )
    assert await hashes_of(ada, "/to/g h") == [sha256(b"two"), sha256(b"one")]
    assert await property_of(dav, "/to/g%20h") == "kept"
    assert (await ada.at("/f")).status == 404


async def test_a_file_just_written_and_moved_over_another_is_its_newest_version(dav: Dav, ada: Person) -> None:
    old = await ada.upload("/doc", b"one")
    await dav.proppatch("/dav/doc", PROPERTY.format("old"))
    await dav.call("PUT", "/dav/doc.tmp", b"second", X_OC_Mtime="1000")
    before = await used(ada)  # with "old" on the one, which "new" on the other is as long as
    await dav.proppatch("/dav/doc.tmp", PROPERTY.format("new"))

    assert await go(dav, "MOVE", "/doc.tmp", "/doc") == 204

    new = (await ada.at("/doc")).json
    assert (new["file_id"], new["mtime_ms"]) == (old["file_id"], 1_000_000)
    assert new["etag"] != old["etag"]
    assert (await ada.content(new["file_id"])).body == b"second"
    assert await hashes_of(ada, "/doc") == [sha256(b"second"), sha256(b"one")]
    assert await property_of(dav, "/doc") == "new"
    assert (await ada.at("/doc.tmp")).status == 404
    assert await trash_of(ada) == []
    assert await used(ada) == before
    assert await sums(ada, "/") == [6]


async def test_a_file_that_somebody_has_a_link_to_comes_back_from_the_trash_with_it(dav: Dav, ada: Person) -> None:
    await ada.upload("/doc", b"one")
    beside = await ada.upload("/new", b"second")
    made = await ada.post("/api/v1/links", {"file_id": beside["file_id"], "mode": "view"})
    assert made.status == HTTPStatus.CREATED, made.body

    assert await go(dav, "MOVE", "/new", "/doc") == 204

    assert await hashes_of(ada, "/doc") == [sha256(b"second"), sha256(b"one")]
    [entry] = await trash_of(ada)
    assert entry["file_id"] == beside["file_id"]
    assert (await restored(ada, entry["file_id"]))["path"] == "/new"
    [link] = (await ada.get("/api/v1/links")).json["items"]
    assert (link["link_id"], link["path"]) == (made.json["link_id"], "/new")


async def test_a_version_that_was_handed_over_comes_back_with_the_time_that_it_had_there(dav: Dav, ada: Person) -> None:
    await ada.upload("/doc", b"one")
    beside = (await ada.upload("/new", b"second"))["file_id"]
    await ada.change(beside, mtime_ms=5_000, executable=True)
    await go(dav, "MOVE", "/new", "/doc")
    doc = (await ada.at("/doc")).json
    await ada.upload("/doc", b"third", base_version=doc["version_id"])

    restored_now = await restore_version(ada, doc, doc["version_id"])

    assert restored_now.status in (HTTPStatus.OK, HTTPStatus.CREATED), restored_now.body
    now = (await ada.at("/doc")).json
    assert (now["size"], now["mtime_ms"], now["executable"]) == (6, 5_000, True)


@pytest.mark.parametrize("why", ["old", "edited", "behind"])
async def test_a_file_with_a_past_of_its_own_goes_to_the_trash_with_it(
    dav: Dav, ada: Person, monkeypatch: pytest.MonkeyPatch, why: str
) -> None:
    await ada.upload("/doc", b"one")
    source = await ada.upload("/other", b"first")
    if why == "old":
        monkeypatch.setattr(replacing, "PASSING_MS", 0)
    elif why == "edited":
        await ada.upload("/other", b"second", on_conflict="replace")
    else:
        await ada.upload("/doc", b"two", on_conflict="replace")
    last, doc = (await hashes_of(ada, "/other"))[0], await hashes_of(ada, "/doc")

    assert await go(dav, "MOVE", "/other", "/doc") == 204

    assert await hashes_of(ada, "/doc") == [last, *doc]
    [entry] = await trash_of(ada)
    assert (entry["file_id"], entry["path"]) == (source["file_id"], "/other")
    back = await restored(ada, entry["trash_id"])
    assert (await hashes_of(ada, back["path"]))[-1] == sha256(b"first")


@pytest.mark.parametrize("method", ["MOVE", "COPY"])
@pytest.mark.parametrize(("source", "goal"), [("folder", "file"), ("file", "folder"), ("folder", "folder")])
async def test_what_gives_way_to_something_else_is_in_the_trash(
    dav: Dav, ada: Person, method: str, source: str, goal: str
) -> None:
    for path, kind in (("/source", source), ("/goal", goal)):
        if kind == "folder":
            await ada.make_folder(path)
        await ada.upload(path if kind == "file" else f"{path}/in", path.encode())
    gone = (await ada.at("/goal")).json

    assert await go(dav, method, "/source", "/goal") == 204

    [entry] = await trash_of(ada)
    assert (entry["file_id"], entry["path"]) == (gone["file_id"], "/goal")
    below = await tree_below(ada)
    assert below["/goal"]["size"] == len(b"/source")
    assert ("/source" in below) == (method == "COPY")
    back = await restored(ada, entry["trash_id"])
    assert (back["path"], back["size"]) == ("/goal (2)", len(b"/goal"))


@pytest.mark.parametrize("method", ["MOVE", "COPY"])
async def test_overwrite_f_leaves_what_is_there(dav: Dav, ada: Person, method: str) -> None:
    files = [await ada.upload("/f", b"one"), await ada.upload("/g", b"two")]

    refused = await dav.call(method, "/dav/f", Destination="/dav/g", Overwrite="F")
    made = await dav.call(method, "/dav/f", Destination="/dav/h", Overwrite="F")

    assert (refused.status, made.status) == (412, 201)
    assert (await ada.at("/g")).json == files[1]


async def test_a_copy_of_a_file_over_a_file_is_its_newest_version(dav: Dav, ada: Person) -> None:
    source, old = await ada.upload("/f", b"new", mtime_ms=5), await ada.upload("/g", b"old")
    await dav.proppatch("/dav/f", PROPERTY.format("copied"))
    noted = await used(ada) - 6

    assert await go(dav, "COPY", "/f", "/g") == 204

    copied = (await ada.at("/g")).json
    assert (copied["file_id"], copied["mtime_ms"], copied["sha256"]) == (old["file_id"], 5, source["sha256"])
    assert await hashes_of(ada, "/g") == [sha256(b"new"), sha256(b"old")]
    assert await property_of(dav, "/g") == "copied"
    assert await used(ada) == 9 + 2 * noted
    assert (await ada.at("/f")).json["version_id"] == source["version_id"]


async def test_a_copy_takes_properties_along_and_with_depth_0_nothing_below(dav: Dav, ada: Person) -> None:
    await ada.upload("/a/b/f", b"x", parents=True)
    for path in ("/a/", "/a/b/", "/a/b/f"):
        await dav.proppatch(f"/dav{path}", PROPERTY.format(path))

    assert await go(dav, "COPY", "/a", "/deep") == 201
    assert await go(dav, "COPY", "/a", "/alone", Depth="0") == 201

    found = [await property_of(dav, path) for path in ("/deep/", "/deep/b/", "/deep/b/f", "/alone/")]
    assert found == ["/a/", "/a/b/", "/a/b/f", "/a/"]
    assert (await dav.propfind("/dav/alone/", depth="1")).hrefs == ["/dav/alone/"]


@pytest.mark.parametrize("method", ["MOVE", "COPY"])
@pytest.mark.parametrize(
    ("source", "headers", "status"),
    [
        ("/a/f", {}, 400),
        ("/a/f", {"Destination": "nowhere"}, 400),
        ("/a/f", {"Destination": "/elsewhere/f"}, 403),
        ("/a/f", {"Destination": "http://other.example/dav/f"}, 502),
        ("/a/f", {"Destination": "/dav/a/f"}, 403),
        ("/a/f", {"Destination": "/dav/none/f"}, 409),
        ("/a/f", {"Destination": "/dav/g/f"}, 409),
        ("/a/f", {"Destination": "/dav/"}, 403),
        ("/a/f", {"Destination": "/dav/@2026-11-01/f"}, 403),
        ("/a/f", {"Destination": "/dav/h", "Depth": "1"}, 400),
        ("/a/f", {"Destination": "/dav/h", "Overwrite": "maybe"}, 400),
        ("/a", {"Destination": "/dav/a/b"}, 403),
        ("/a", {"Destination": "/dav/a/b/c"}, 403),
        ("/a/b/c", {"Destination": "/dav/a"}, 409),
        ("/none", {"Destination": "/dav/h"}, 404),
        ("/", {"Destination": "/dav/h"}, 403),
    ],
)
async def test_what_can_not_be_is_refused_and_changes_nothing(
    dav: Dav, ada: Person, method: str, source: str, headers: dict[str, str], status: int
) -> None:
    await ada.upload("/a/f", b"f", parents=True)
    await ada.upload("/a/b/c", b"c", parents=True)
    await ada.upload("/g", b"g")
    before = await tree_below(ada)

    answer = await dav.call(
        method, f"/dav{source}", **{name.replace("-", "_"): value for name, value in headers.items()}
    )

    assert answer.status == status
    assert await tree_below(ada) == before
    assert await trash_of(ada) == []


async def test_a_destination_may_be_a_url_of_this_server(dav: Dav, ada: Person) -> None:
    await ada.upload("/f", b"x")

    answer = await dav.call("MOVE", "/dav/f", Destination=f"http://127.0.0.1:{dav.port}/dav/%C3%A9")

    assert answer.status == 201
    assert (await ada.at("/é")).status == 200


@pytest.mark.parametrize("method", ["MOVE", "COPY"])
async def test_a_source_that_is_not_as_it_was_seen_stays_where_it_is(dav: Dav, ada: Person, method: str) -> None:
    seen = (await dav.call("PUT", "/dav/f", b"one")).headers["etag"]
    await dav.call("PUT", "/dav/f", b"another")
    await dav.call("PUT", "/dav/g", b"there")

    refused = await dav.call(method, "/dav/f", Destination="/dav/g", If_Match=seen)
    absent = await dav.call(method, "/dav/none", Destination="/dav/g", If_Match="*")

    assert (refused.status, absent.status) == (412, 412)
    assert (await dav.call("GET", "/dav/g")).body == b"there"
    now = (await dav.call("GET", "/dav/f")).headers["etag"]
    assert await go(dav, method, "/f", "/g", If_Match=now) == 204
    assert (await dav.call("GET", "/dav/g")).body == b"another"


async def test_a_change_of_case_is_a_move(dav: Dav, ada: Person) -> None:
    before = await ada.upload("/a", b"x")

    assert await go(dav, "MOVE", "/a", "/A") == 201
    assert (await ada.at("/A")).json["file_id"] == before["file_id"]


async def test_a_large_folder_is_moved_at_once_and_not_copied(
    dav: Dav, ada: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copies, "COPY_NODES", 20)
    await ada.upload("/seed", b"x")
    await grow(ada, [f"/a/{n}" for n in range(25)], b"x")

    refused = await dav.call("COPY", "/dav/a", Destination="/dav/b")

    assert refused.status == 409
    assert b"limit_reached" in refused.body
    assert await go(dav, "MOVE", "/a", "/b") == 201
    assert len(await tree_below(ada)) == 27


async def share(owner: Person, folder: Any, role: str) -> None:
    reply = await owner.post(f"/api/v1/files/{folder['file_id']}/members", {"username": OTHER, "role": role})
    assert reply.status == HTTPStatus.CREATED, reply.body


async def test_between_homes_and_shared_folders_bytes_count_where_they_are(
    server: Running, dav: Dav, bob_dav: Dav, ada: Person, bob: Person
) -> None:
    folder = await ada.make_folder("/shared")
    await share(ada, folder, "editor")
    await bob.upload("/f", noise(100))
    await ada.upload("/shared/g", b"g")
    goal = (await ada.at("/shared/g")).json

    assert await go(bob_dav, "COPY", "/f", "/shared/new") == 201
    assert await go(bob_dav, "MOVE", "/f", "/shared/g") == 204
    await server.cairn.jobs.wait_idle()

    assert (await ada.at("/shared/g")).json["file_id"] == goal["file_id"]
    assert [(await ada.at(path)).json["size"] for path in ("/shared/new", "/shared/g")] == [100, 100]
    assert [entry["path"] for entry in await trash_of(bob)] == ["/f"]
    assert (await dav.call("GET", "/dav/shared/g")).body == (await dav.call("GET", "/dav/shared/new")).body
    assert await used(bob) == 100

    await server.cairn.services.accounts.set_quota(ADMIN, 205)
    refused = await bob_dav.call("COPY", "/dav/shared/new", Destination="/dav/shared/third")
    assert refused.status == 507


async def test_a_viewer_changes_nothing_and_copies_out(dav: Dav, bob_dav: Dav, ada: Person, bob: Person) -> None:
    folder = await ada.make_folder("/shared")
    await ada.upload("/shared/f", b"x")
    await share(ada, folder, "viewer")
    await bob.upload("/own", b"y")

    refused = [
        await go(bob_dav, "MOVE", "/shared/f", "/f"),
        await go(bob_dav, "MOVE", "/shared/f", "/shared/g"),
        await go(bob_dav, "COPY", "/own", "/shared/own"),
        await go(bob_dav, "COPY", "/own", "/shared/f"),
        await go(bob_dav, "MOVE", "/own", "/shared/f"),
        (await bob_dav.call("DELETE", "/dav/shared/f")).status,
        (await bob_dav.call("PUT", "/dav/shared/f", b"z")).status,
    ]

    assert refused == [403] * 7
    assert await go(bob_dav, "COPY", "/shared/f", "/f") == 201
    assert await go(bob_dav, "COPY", "/shared/f", "/own") == 204


async def test_a_mount_is_moved_by_its_member_and_not_replaced(bob_dav: Dav, ada: Person, bob: Person) -> None:
    folder = await ada.make_folder("/shared")
    await share(ada, folder, "viewer")
    await bob.upload("/f", b"x")
    await bob.make_folder("/in")

    assert (await bob_dav.call("COPY", "/dav/f", Destination="/dav/shared")).status == 409
    assert (await bob_dav.call("MOVE", "/dav/f", Destination="/dav/shared")).status == 409
    assert await go(bob_dav, "MOVE", "/shared", "/in/theirs") == 201
    assert await go(bob_dav, "MOVE", "/f", "/in") == 409
    assert (await bob.at("/in/theirs")).json["file_id"] == folder["file_id"]
    assert (await ada.at("/shared")).status == 200


async def test_a_copy_makes_so_much_anew_of_what_programs_left_and_no_more(dav: Dav, ada: Person) -> None:
    values = "".join(f'<p{number} xmlns="urn:x">{"y" * 16_000}</p{number}>' for number in range(8))
    await ada.make_folder("/kept")
    for number in range(copies.COPY_KEPT // 128_000 + 1):
        assert (await dav.call("MKCOL", f"/dav/kept/{number}")).status == 201
        set_ = await dav.proppatch(f"/dav/kept/{number}", f"<d:set><d:prop>{values}</d:prop></d:set>")
        assert set_.statuses(set_.hrefs[0])["{urn:x}p7"] == 200

    refused = await dav.call("COPY", "/dav/kept", Destination="/dav/copy")

    assert refused.status == 409
    assert b"limit_reached" in refused.body
    assert await go(dav, "COPY", "/kept/0", "/copy") == 201
