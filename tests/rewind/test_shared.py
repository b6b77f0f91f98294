"""Any moment back where several people write: each as far as the role reaches."""

from http import HTTPStatus
from typing import Any

import pytest

from tests.api.conftest import Running
from tests.api.people import Person
from tests.rewind.conftest import time_of
from tests.rewind.keeper import device_of, kept_by, picture, picture_at, rewound, undone
from tests.tree.keeper import deleted


@pytest.fixture
async def shared(server: Running, ada: Person, bob: Person) -> Any:
    """A folder of ada's with one file, in which bob is an editor."""
    await ada.upload("/team/plan", b"good", parents=True)
    folder = (await ada.at("/team")).json
    reply = await ada.post(f"/api/v1/files/{folder['file_id']}/members", {"username": "bob", "role": "editor"})
    assert reply.status == HTTPStatus.CREATED, reply.body
    await server.cairn.jobs.wait_idle()
    return folder


async def overwrite(person: Person, path: str, content: bytes) -> None:
    file = (await person.at(path)).json
    await person.upload(None, content, file_id=file["file_id"], base_version=file["version_id"])


async def test_an_owner_takes_back_what_a_member_did(server: Running, ada: Person, bob: Person, shared: Any) -> None:
    start, before = time_of(server.folder), await picture(ada, shared["file_id"])
    await overwrite(bob, "/team/plan", b"bad")
    await bob.upload("/team/more", b"bad")
    own = await bob.upload("/own", b"bob's")

    job = await undone(server, ada, username="bob", from_ms=start + 1, to_ms=time_of(server.folder))

    assert job["result"] == {"changed": 2, "kept": 0, "reason": None}
    assert await picture(ada, shared["file_id"]) == before
    assert (await bob.at("/own")).json == own


async def test_a_member_takes_back_own_changes_and_no_others(
    server: Running, ada: Person, bob: Person, shared: Any
) -> None:
    start = time_of(server.folder)
    await overwrite(ada, "/team/plan", b"better")
    await bob.upload("/team/more", b"bob's")
    end = time_of(server.folder)

    theirs = await undone(server, bob, username="ada", from_ms=start + 1, to_ms=end)
    own = await undone(server, bob, device_id=await device_of(bob), from_ms=start + 1, to_ms=end)

    assert (theirs["total"], own["result"]["changed"]) == (0, 1)
    assert [seen[2] for seen in (await picture(ada, shared["file_id"])).values()] == [len(b"better")]


async def test_a_member_rewinds_a_shared_folder_and_a_viewer_does_not(
    server: Running, ada: Person, bob: Person, shared: Any
) -> None:
    await overwrite(ada, "/team/plan", b"good as well")
    time_ms, before = time_of(server.folder), await picture(bob, shared["file_id"])
    await deleted(ada, (await ada.at("/team/plan")).json)

    assert await picture_at(bob, time_ms, shared["file_id"]) == before
    await rewound(server, bob, time_ms, shared["file_id"])
    assert await picture(bob, shared["file_id"]) == before

    path = f"/api/v1/files/{shared['file_id']}/members/bob"
    assert (await ada.call("PATCH", path, json={"role": "viewer"})).status == HTTPStatus.OK
    reply = await bob.post(f"/api/v1/folders/{shared['file_id']}/rewind", {"time_ms": time_ms})
    assert reply.code == "forbidden"
    assert await picture_at(bob, time_ms, shared["file_id"]) == before


async def test_a_rewind_of_a_home_leaves_shared_folders_as_they_are(server: Running, ada: Person, bob: Person) -> None:
    await ada.upload("/a", b"1")
    early = time_of(server.folder)
    await ada.upload("/inner/team/plan", b"good", parents=True)
    folder = (await ada.at("/inner/team")).json
    await ada.post(f"/api/v1/files/{folder['file_id']}/members", {"username": "bob", "role": "editor"})
    await server.cairn.jobs.wait_idle()
    await deleted(ada, (await ada.at("/a")).json)

    job = await rewound(server, ada, early)

    assert {*(await kept_by(ada, job)).values()} == {"shared", "in_use"}
    assert (await ada.at("/a")).status == HTTPStatus.OK
    assert (await bob.at("/team/plan")).status == HTTPStatus.OK


async def test_who_was_taken_out_learns_nothing_of_before(
    server: Running, ada: Person, bob: Person, shared: Any
) -> None:
    time_ms = time_of(server.folder)
    await ada.delete(f"/api/v1/files/{shared['file_id']}/members/bob")

    replies = [
        await bob.get(f"/api/v1/folders/{shared['file_id']}/at", params={"time_ms": str(time_ms)}),
        await bob.post(f"/api/v1/folders/{shared['file_id']}/rewind", {"time_ms": time_ms}),
    ]
    job = await undone(server, bob, username="ada", from_ms=0, to_ms=time_ms)

    assert [reply.code for reply in replies] == ["not_found"] * 2
    assert (job["total"], job["result"]) == (0, {"changed": 0, "kept": 0, "reason": None})
