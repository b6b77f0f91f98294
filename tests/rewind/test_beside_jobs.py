"""What a rewind or undo meets beside other work: a reveal, a purge, and folders that stand in each other's way."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from app.config import Settings
from tests.accounts.api import Reply
from tests.api.conftest import Running, serving
from tests.api.people import Person
from tests.rewind.conftest import time_of
from tests.rewind.keeper import device_of, picture
from tests.tree.conftest import assert_clean
from tests.tree.keeper import deleted

FILES = 400
"""More than one slice of a purge forgets."""


@pytest.fixture
async def server(ticking: None, folder: Path, settings: Settings) -> AsyncIterator[Running]:
    """A server whose jobs wait until they are all told to go on."""
    async with serving(folder, settings) as running:
        yield running
        await asyncio.to_thread(assert_clean, folder)


async def take_back(server: Running, person: Person, by: str, time_ms: int) -> Any:
    """Rewind all to a time, or undo what was done since; let every job come to its end, and return this one."""
    if by == "rewind":
        asked = await person.post("/api/v1/folders/root/rewind", {"time_ms": time_ms})
    else:
        span = {"from_ms": time_ms + 1, "to_ms": time_of(server.folder)}
        asked = await person.post("/api/v1/undo", {"device_id": await device_of(person), **span})
    assert asked.status == 202, asked.body
    while await server.cairn.jobs.advance():
        pass
    job: Reply = await person.get(f"/api/v1/jobs/{asked.json['job_id']}")
    return job.json


@pytest.mark.parametrize("by", ["rewind", "undo"])
async def test_what_is_still_being_revealed_is_put_back_too(server: Running, ada: Person, by: str) -> None:
    """A reveal moves what was ruined behind the head that the plan keeps to."""
    good = [await ada.upload(f"/d/{number}", b"good", parents=True) for number in range(5)]
    folder = (await ada.at("/d")).json
    time_ms, before = time_of(server.folder), await picture(ada)
    for file in good:
        await ada.upload(None, b"ruined", file_id=file["file_id"], base_version=file["version_id"])
    await deleted(ada, folder)
    await ada.post(f"/api/v1/trash/{folder['file_id']}/restore")

    await take_back(server, ada, by, time_ms)

    assert await picture(ada) == before


async def test_folders_that_took_each_others_places_go_back(server: Running, ada: Person) -> None:
    moved, around = await ada.make_folder("/top/a", parents=True), await ada.make_folder("/top/x")
    await ada.upload("/top/a/f", b"1")
    await ada.change(moved["file_id"], parent_id=around["file_id"])
    time_ms, before = time_of(server.folder), await picture(ada)
    await ada.change(around["file_id"], name="y")
    await ada.change(moved["file_id"], parent_id=around["parent_id"], name="x")

    job = await take_back(server, ada, "rewind", time_ms)

    assert (job["state"], await picture(ada)) == ("done", before)


@pytest.mark.parametrize("by", ["rewind", "undo"])
async def test_what_a_purge_is_going_to_forget_is_not_called_back(server: Running, ada: Person, by: str) -> None:
    """Whatever the two agree on, what stands at the end is whole."""
    for number in range(FILES):
        await ada.upload(f"/F/{number}", b"leaf", parents=True)
    folder, target = (await ada.at("/F")).json, await ada.make_folder("/T")
    time_ms = time_of(server.folder)
    await ada.change(folder["file_id"], parent_id=target["file_id"])
    await deleted(ada, target)
    purge = await ada.delete(f"/api/v1/trash/{target['file_id']}")

    job = await take_back(server, ada, by, time_ms)

    assert (purge.status, job["state"], job["result"]["changed"]) == (204, "done", 0)
    assert (await ada.names(), (await ada.at("/")).json["size"]) == ([], 0)
