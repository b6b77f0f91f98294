"""What people do to get any moment back, in the words of the tests."""

from http import HTTPStatus
from typing import Any

from tests.api.conftest import Running
from tests.api.people import Person
from tests.tree.keeper import tree_below

Picture = dict[str, tuple[object, ...]]


def shown(file: Any) -> tuple[object, ...]:
    """Return what must be so again of a file after a rewind."""
    is_file = file["kind"] == "file"
    return (
        file["path"],
        file["kind"],
        file["size"] if is_file else 0,
        file["sha256"],
        file["mtime_ms"],
        file["executable"],
    )


async def picture(person: Person, folder_id: str = "root") -> Picture:
    """Return all that is below a folder, by id."""
    return {file["file_id"]: shown(file) for file in (await tree_below(person, folder_id)).values()}


async def picture_at(person: Person, time_ms: int, folder_id: str = "root", *, limit: int = 7) -> Picture:
    """Return all that was below a folder at a time, by id, as pages of the listing tell it."""
    found: Picture = {}
    waiting = [folder_id]
    while waiting:
        at, after = waiting.pop(), None
        while True:
            query = {"time_ms": str(time_ms), "limit": str(limit)} | ({} if after is None else {"after": after})
            reply = await person.get(f"/api/v1/folders/{at}/at", params=query)
            assert reply.status == HTTPStatus.OK, reply.body
            for file in reply.json["items"]:
                found[file["file_id"]] = shown(file)
                if file["kind"] == "folder":
                    waiting.append(file["file_id"])
            after = reply.json["next"]
            if after is None:
                break
    return found


async def finished(server: Running, person: Person, asked: Any) -> Any:
    """Return a job that was asked for, once it is done."""
    assert asked.status == HTTPStatus.ACCEPTED, asked.body
    await server.cairn.jobs.wait_idle()
    reply = await person.get(f"/api/v1/jobs/{asked.json['job_id']}")
    assert (reply.status, reply.json["state"]) == (HTTPStatus.OK, "done"), reply.body
    assert reply.json["done"] == reply.json["total"]
    return reply.json


async def rewound(server: Running, person: Person, time_ms: int, folder_id: str = "root") -> Any:
    """Rewind a folder, and return the job once it is done."""
    asked = await person.post(f"/api/v1/folders/{folder_id}/rewind", {"time_ms": time_ms})
    return await finished(server, person, asked)


async def undone(server: Running, person: Person, **asked: Any) -> Any:
    """Undo, and return the job once it is done."""
    return await finished(server, person, await person.post("/api/v1/undo", asked))


async def kept_by(person: Person, job: Any) -> dict[str, str]:
    """Return what a job left alone: reasons by id."""
    reply = await person.get(f"/api/v1/jobs/{job['job_id']}/kept")
    assert reply.status == HTTPStatus.OK, reply.body
    assert len(reply.json["items"]) == job["result"]["kept"]
    return {item["file_id"]: item["reason"] for item in reply.json["items"]}


async def device_of(person: Person) -> str:
    """Return the id of the device that a person uses."""
    items = (await person.get("/api/v1/devices")).json["items"]
    return str(next(item["device_id"] for item in items if item["current"]))
