"""A rewind or undo whose asker loses the right in the middle of it, or one step of which is refused.

The server works off no job by itself here: each test does so, slice by slice, and a slice does one node.
"""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from http import HTTPStatus
from pathlib import Path
from typing import Any

import msgspec
import pytest

from app.config import Settings
from app.db.transaction import Transaction
from app.ids import decode_id
from app.services import put_back
from tests.api.conftest import Running, serving
from tests.api.people import Person
from tests.rewind.conftest import time_of
from tests.rewind.keeper import device_of, kept_by
from tests.tree.conftest import assert_clean, working
from tests.tree.keeper import deleted

NAMES = ("a", "b", "c")


@pytest.fixture
async def server(
    ticking: None, folder: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Running]:
    """A server that leaves its jobs to the test."""
    monkeypatch.setattr(put_back, "SLICE_S", 0.0)
    async with serving(folder, settings) as running:
        yield running
        await work(running)
        await asyncio.to_thread(assert_clean, folder)


async def work(server: Running) -> None:
    """Work all jobs off."""
    while await server.cairn.jobs.advance():
        pass


async def halfway(server: Running, person: Person, asked: Any) -> str:
    """Work on a job until one node is done; return the job's id."""
    assert asked.status == HTTPStatus.ACCEPTED, asked.body
    path = f"/api/v1/jobs/{asked.json['job_id']}"
    while (await person.get(path)).json["done"] < 1:
        assert await server.cairn.jobs.advance()
    return str(asked.json["job_id"])


async def ended(server: Running, person: Person, job_id: str) -> Any:
    """Work all jobs off, and return this one."""
    await work(server)
    reply = await person.get(f"/api/v1/jobs/{job_id}")
    assert reply.json["ended_ms"] is not None, reply.body
    return reply.json


async def logged_in(server: Running, name: str) -> Person:
    """Return a device of somebody whose password was just shown."""
    return Person(server.session, (await server.stranger.log_in(name, device_name="fresh")).token)


async def app_password(server: Running, name: str, **scope: Any) -> Person:
    """Return a program with an app password of a user."""
    body = {"name": "program", "scope": scope} if scope else {"name": "program"}
    reply = await (await logged_in(server, name)).post("/api/v1/app-passwords", body)
    assert reply.status == HTTPStatus.CREATED, reply.body
    return Person(server.session, reply.json["password"])


async def shared_with_bob(server: Running, ada: Person) -> str:
    """Return the id of a folder of ada's in which bob is an editor."""
    folder_id = str((await ada.make_folder("/team"))["file_id"])
    reply = await ada.post(f"/api/v1/files/{folder_id}/members", {"username": "bob", "role": "editor"})
    assert reply.status == HTTPStatus.CREATED, reply.body
    await work(server)
    return folder_id


def actors_asked_for(folder: Path) -> list[int]:
    """Return whose changes the job asked for last is to take back."""
    with closing(sqlite3.connect(f"file:{folder / 'metadata.db'}?mode=ro", uri=True)) as connection:
        (state,) = connection.execute("SELECT state FROM jobs ORDER BY id DESC LIMIT 1").fetchone()
    return list(msgspec.json.decode(state)["actor_ids"])


@pytest.mark.parametrize("dry_run", [False, True])
@pytest.mark.parametrize("at", ["root", "folder"])
async def test_a_credential_that_sees_one_folder_may_not_rewind(
    server: Running, ada: Person, at: str, *, dry_run: bool
) -> None:
    folder_id = (await ada.make_folder("/own"))["file_id"]
    time_ms = time_of(server.folder)
    await ada.upload("/secret", b"1")
    program = await app_password(server, "ada", folder_id=folder_id)

    path = f"/api/v1/folders/{'root' if at == 'root' else folder_id}/rewind"
    async with working(server.cairn):
        reply = await program.post(path, {"time_ms": time_ms, "dry_run": dry_run})

    assert (reply.status, reply.code) == (HTTPStatus.FORBIDDEN, "forbidden")
    await work(server)
    assert await ada.names() == ["own", "secret"]


@pytest.mark.parametrize("change", ["removed", "viewer"])
async def test_an_undo_stops_in_a_folder_whose_editor_one_is_no_more(
    server: Running, ada: Person, bob: Person, change: str
) -> None:
    folder_id, start = await shared_with_bob(server, ada), time_of(server.folder)
    files = [await bob.upload(f"/team/{name}", b"bob's") for name in NAMES]
    await bob.upload("/own", b"bob's")
    asked = {"device_id": await device_of(bob), "from_ms": start + 1, "to_ms": time_of(server.folder)}
    job_id = await halfway(server, bob, await bob.post("/api/v1/undo", asked))
    member = f"/api/v1/files/{folder_id}/members/bob"
    if change == "removed":
        assert (await ada.delete(member)).status == HTTPStatus.NO_CONTENT
    else:
        assert (await ada.call("PATCH", member, json={"role": "viewer"})).status == HTTPStatus.OK

    job = await ended(server, bob, job_id)

    assert (job["state"], job["result"]) == ("done", {"changed": 2, "kept": 2, "reason": None})
    assert {entry["reason"] for entry in await kept_entries(bob, job_id)} == {"forbidden"}
    assert await ada.names(folder_id) == [file["name"] for file in files[1:]]
    assert (await bob.at("/own")).status == HTTPStatus.NOT_FOUND


async def kept_entries(person: Person, job_id: str) -> list[Any]:
    """Return what a job left alone."""
    return list((await person.get(f"/api/v1/jobs/{job_id}/kept")).json["items"])


async def test_an_undo_by_who_is_owner_no_more_leaves_alone_what_others_did(
    server: Running, ada: Person, bob: Person
) -> None:
    folder_id = await shared_with_bob(server, ada)
    member = f"/api/v1/files/{folder_id}/members/bob"
    assert (await ada.call("PATCH", member, json={"role": "owner"})).status == HTTPStatus.OK
    await work(server)
    start = time_of(server.folder)
    for name in NAMES:
        await ada.upload(f"/team/{name}", b"ada's")
    asked = {"username": "ada", "from_ms": start + 1, "to_ms": time_of(server.folder)}
    job_id = await halfway(server, bob, await bob.post("/api/v1/undo", asked))
    back = f"/api/v1/files/{folder_id}/members/ada"
    assert (await bob.call("PATCH", back, json={"role": "owner"})).status == HTTPStatus.OK

    job = await ended(server, bob, job_id)

    assert {*(await kept_by(bob, {**job, "job_id": job_id})).values()} == {"forbidden"}
    assert await ada.names(folder_id) == [*NAMES[1:]]


@pytest.mark.parametrize("loss", ["disabled", "revoked", "logged out"])
@pytest.mark.parametrize("call", ["rewind", "undo"])
async def test_a_job_ends_with_the_credential_or_account_that_asked_for_it(
    server: Running, ada: Person, bob: Person, call: str, loss: str
) -> None:
    start = time_of(server.folder)
    for name in NAMES:
        await bob.upload(f"/{name}", b"bob's")
    asker = bob if loss == "disabled" else await logged_in(server, "bob")
    if call == "rewind":
        asked = await asker.post("/api/v1/folders/root/rewind", {"time_ms": start})
    else:
        whole = {"username": "bob", "from_ms": start + 1, "to_ms": time_of(server.folder)}
        asked = await asker.post("/api/v1/undo", whole)
    job_id = await halfway(server, asker, asked)
    admin = await logged_in(server, "ada")
    if loss == "disabled":
        assert (await admin.call("PATCH", "/api/v1/users/bob", json={"disabled": True})).status == HTTPStatus.OK
        await work(server)
        assert (await admin.call("PATCH", "/api/v1/users/bob", json={"disabled": False})).status == HTTPStatus.OK
        bob = await logged_in(server, "bob")
    elif loss == "revoked":
        path = f"/api/v1/devices/{await device_of(asker)}"
        assert (await bob.delete(path)).status == HTTPStatus.NO_CONTENT
    else:
        assert (await asker.post("/api/v1/logout")).status == HTTPStatus.NO_CONTENT

    job = await ended(server, bob, job_id)

    assert (job["state"], job["result"]) == ("failed", {"changed": 1, "kept": 2, "reason": "unauthenticated"})
    assert [entry["reason"] for entry in await kept_entries(bob, job_id)] == ["stopped"] * 2
    assert await bob.names() == [*NAMES[1:]]


async def test_a_rewind_ends_with_the_app_password_that_asked_for_it(server: Running, bob: Person) -> None:
    start = time_of(server.folder)
    for name in NAMES:
        await bob.upload(f"/{name}", b"bob's")
    program = await app_password(server, "bob")
    job_id = await halfway(server, bob, await program.post("/api/v1/folders/root/rewind", {"time_ms": start}))
    items = (await bob.get("/api/v1/devices")).json["items"]
    (device_id,) = [item["device_id"] for item in items if item["kind"] == "app_password"]
    assert (await bob.delete(f"/api/v1/devices/{device_id}")).status == HTTPStatus.NO_CONTENT

    job = await ended(server, bob, job_id)

    assert (job["state"], job["result"]["reason"]) == ("failed", "unauthenticated")
    assert await bob.names() == [*NAMES[1:]]


async def test_a_rewind_ends_with_the_right_to_change_the_folder(server: Running, ada: Person, bob: Person) -> None:
    folder_id, start = await shared_with_bob(server, ada), time_of(server.folder)
    for name in NAMES:
        await ada.upload(f"/team/{name}", b"ada's")
    asked = await bob.post(f"/api/v1/folders/{folder_id}/rewind", {"time_ms": start})
    job_id = await halfway(server, bob, asked)
    assert (await ada.delete(f"/api/v1/files/{folder_id}/members/bob")).status == HTTPStatus.NO_CONTENT

    job = await ended(server, bob, job_id)

    assert (job["state"], job["result"]) == ("failed", {"changed": 1, "kept": 2, "reason": "not_found"})
    assert await ada.names(folder_id) == [*NAMES[1:]]


async def test_what_was_made_and_deleted_in_the_span_stays_deleted_and_the_rest_is_taken_back(
    server: Running, ada: Person
) -> None:
    start = time_of(server.folder)
    brief = await ada.upload("/made/brief", b"1", parents=True)
    await deleted(ada, brief)
    await deleted(ada, (await ada.at("/made")).json)
    await ada.upload("/rest", b"2")
    asked = {"username": "ada", "from_ms": start + 1, "to_ms": time_of(server.folder)}
    job_id = await halfway(server, ada, await ada.post("/api/v1/undo", asked))

    job = await ended(server, ada, job_id)

    assert (job["state"], job["result"]) == ("done", {"changed": 1, "kept": 0, "reason": None})
    assert await ada.names() == []


async def test_a_step_that_is_refused_is_listed_and_ends_no_job(server: Running, ada: Person) -> None:
    start = time_of(server.folder)
    files = [await ada.upload(f"/in/{name}", b"1", parents=True) for name in NAMES]
    folder = (await ada.at("/in")).json
    refused = files[1]
    number = decode_id(refused["file_id"])[0]
    await ada.change(refused["file_id"], name="moved")

    def refuse(tx: Transaction) -> None:
        # No row is found by the change, as if somebody else had been faster.
        tx.execute(
            f"CREATE TRIGGER refuse BEFORE UPDATE OF dead_seq ON nodes WHEN OLD.id IN ({number}, "
            f"{decode_id(folder['file_id'])[0]}) BEGIN SELECT RAISE(IGNORE); END"
        )

    await server.cairn.database.write(refuse)
    asked = {"username": "ada", "from_ms": start + 1, "to_ms": time_of(server.folder)}
    job_id = await halfway(server, ada, await ada.post("/api/v1/undo", asked))

    job = await ended(server, ada, job_id)
    await server.cairn.database.write(lambda tx: tx.execute("DROP TRIGGER refuse"))

    assert (job["state"], job["result"]) == ("done", {"changed": 2, "kept": 2, "reason": None})
    assert {*(await kept_by(ada, {**job, "job_id": job_id})).values()} == {"failed"}
    assert await ada.names(folder["file_id"]) == ["moved"]


async def test_of_a_stranger_no_change_is_looked_for_and_of_a_former_member_all(
    server: Running, ada: Person, bob: Person
) -> None:
    await bob.upload("/own", b"bob's")
    now = time_of(server.folder)

    async def actors_of(username: str) -> list[int]:
        asked = await ada.post("/api/v1/undo", {"username": username, "from_ms": 0, "to_ms": now})
        assert asked.status == HTTPStatus.ACCEPTED, asked.body
        return actors_asked_for(server.folder)

    assert await actors_of("bob") == await actors_of("nobody") == []
    folder_id = await shared_with_bob(server, ada)
    assert await actors_of("bob") != []
    assert (await ada.delete(f"/api/v1/files/{folder_id}/members/bob")).status == HTTPStatus.NO_CONTENT
    assert await actors_of("bob") != []
