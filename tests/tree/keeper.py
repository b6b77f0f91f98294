"""What people do with things deleted, old and copied, in the words of the tests."""

from http import HTTPStatus
from typing import Any

from tests.accounts.api import Reply
from tests.api.people import Person, entries

FILES_AT_ONCE = 1000


async def delete(person: Person, file_id: str, **seen: Any) -> Reply:
    """Delete a node, if it is as seen."""
    return await person.call("DELETE", f"/api/v1/files/{file_id}", params=seen)


async def deleted(person: Person, file: Any) -> str:
    """Delete a node that must be there; return its id in the trash."""
    reply = await delete(person, file["file_id"])
    assert reply.status == HTTPStatus.NO_CONTENT, reply.body
    return str(file["file_id"])


async def trash_of(person: Person, **query: Any) -> list[Any]:
    """Return the entries of the trash."""
    reply = await person.get("/api/v1/trash", params=query)
    assert reply.status == HTTPStatus.OK, reply.body
    items: list[Any] = reply.json["items"]
    return items


async def restore(person: Person, trash_id: str) -> Reply:
    """Take an entry out of the trash."""
    return await person.post(f"/api/v1/trash/{trash_id}/restore")


async def restored(person: Person, trash_id: str) -> Any:
    """Take an entry that must be there out of the trash; return its File."""
    reply = await restore(person, trash_id)
    assert reply.status == HTTPStatus.OK, reply.body
    return reply.json


async def purge(person: Person, trash_id: str) -> Reply:
    """Remove an entry of the trash for good."""
    return await person.delete(f"/api/v1/trash/{trash_id}")


async def copy(person: Person, file: Any, parent_id: str, name: str, **more: Any) -> Reply:
    """Copy a node."""
    return await person.post(f"/api/v1/files/{file['file_id']}/copy", {"parent_id": parent_id, "name": name, **more})


async def versions_of(person: Person, file: Any, **query: Any) -> Reply:
    """List a file's versions."""
    return await person.get(f"/api/v1/files/{file['file_id']}/versions", params=query)


async def restore_version(person: Person, file: Any, version_id: str) -> Reply:
    """Make a version of a file its content again."""
    return await person.post(f"/api/v1/files/{file['file_id']}/versions/{version_id}/restore")


async def used(person: Person) -> int:
    """Return what the person's space counts against its quota."""
    return int((await person.get("/api/v1/me")).json["spaces"][0]["used"])


async def sums(person: Person, *paths: str) -> list[int]:
    """Return the sizes of folders."""
    return [(await person.at(path)).json["size"] for path in paths]


async def etags(person: Person, *paths: str) -> list[str]:
    """Return the etags of nodes."""
    return [(await person.at(path)).json["etag"] for path in paths]


async def tree_below(person: Person, folder_id: str = "root") -> dict[str, Any]:
    """Return what is below a folder, by path."""
    found: dict[str, Any] = {}
    waiting = [folder_id]
    while waiting:
        reply = await person.get(f"/api/v1/folders/{waiting.pop()}/children", params={"limit": 10_000})
        assert reply.status == HTTPStatus.OK, reply.body
        for file in reply.json["items"]:
            found[file["path"]] = file
            if file["kind"] == "folder":
                waiting.append(file["file_id"])
    return found


async def grow(person: Person, paths: list[str], content: bytes = b"") -> None:
    """Make many files of one content at once, with the folders on the way; somebody must have sent its chunk before."""
    for start in range(0, len(paths), FILES_AT_ONCE):
        files = [
            {"path": path, "size": len(content), "chunks": entries(content) if content else [], "parents": True}
            for path in paths[start : start + FILES_AT_ONCE]
        ]
        reply = await person.post("/api/v1/uploadRequest", {"files": files})
        ids = [upload["upload_id"] for upload in reply.json["uploads"]]
        results = (await person.post("/api/v1/uploads/commit", {"upload_ids": ids})).json["results"]
        assert all("file" in result for result in results), results
