"""What people do over the API, in the words of the tests: put chunks, upload, download."""

import hashlib
import itertools
import random
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from tests.accounts.api import Api, Reply

MIB = 1024 * 1024
NONSENSE_ID = "0" * 21
"""Has the form of an id, and names nothing."""

_numbers = itertools.count(1)


def noise(size: int, seed: int | None = None) -> bytes:
    """Return bytes that do not compress; without a seed none like them were there before."""
    number = next(_numbers) if seed is None else seed
    return random.Random(f"{seed is None} {number}").randbytes(size)  # noqa: S311 - the same bytes in each run


def sha256(data: bytes) -> str:
    """Return the chunk id of `data`."""
    return hashlib.sha256(data).hexdigest()


def entries(*chunks: bytes) -> list[dict[str, Any]]:
    """Return the chunk list of these chunks."""
    return [{"sha256": sha256(chunk), "size": len(chunk)} for chunk in chunks]


def frame(data: bytes, *, chunk_id: str | None = None, size: int | None = None) -> bytes:
    """Return one frame of a bundle, with a false id or size if asked for."""
    announced = len(data) if size is None else size
    return bytes.fromhex(chunk_id or sha256(data)) + announced.to_bytes(4, "big") + data


class Person(Api):
    """Somebody with a token, or without one a stranger who holds URLs."""

    async def request(self, path: str | None, content: Sequence[bytes] = (), /, **fields: Any) -> Reply:
        """Ask for one upload; `fields` lie over what follows from the chunks."""
        body = {"size": sum(map(len, content)), "chunks": entries(*content), **fields}
        return await self.post("/api/v1/uploadRequest", body if path is None else {"path": path, **body})

    async def send(self, url: str, data: bytes, **headers: str) -> Reply:
        """PUT bytes to a signed URL, which needs no token."""
        return await Person(self.client).call("PUT", url, data=data, headers=headers)

    async def fetch(self, url: str, method: str = "GET", **headers: str) -> Reply:
        """GET a signed URL, which needs no token."""
        return await Person(self.client).call(method, url, headers=headers)

    async def send_needed(self, answer: Any, chunks: Sequence[bytes]) -> list[int]:
        """Send what an upload's answer asks for; return the indexes sent."""
        needed = [chunk for chunk in answer["chunks"] if chunk["needed"]]
        for chunk in needed:
            reply = await self.send(chunk["url"], chunks[chunk["index"]])
            assert reply.status == HTTPStatus.NO_CONTENT, reply.body
        return [chunk["index"] for chunk in needed]

    async def commit(self, upload_id: str, **body: Any) -> Reply:
        """Commit an upload."""
        return await self.post(f"/api/v1/uploads/{upload_id}/commit", body or None)

    async def open_upload(self, path: str, *chunks: bytes, **fields: Any) -> Any:
        """Ask for an upload that must be granted."""
        reply = await self.request(path, chunks, **fields)
        assert reply.status == HTTPStatus.CREATED, reply.body
        return reply.json

    async def upload(self, path: str | None, *chunks: bytes, **fields: Any) -> Any:
        """Do all three steps and return the File."""
        reply = await self.request(path, chunks, **fields)
        assert reply.status == HTTPStatus.CREATED, reply.body
        await self.send_needed(reply.json, chunks)
        committed = await self.commit(reply.json["upload_id"])
        assert committed.status == HTTPStatus.CREATED, committed.body
        return committed.json["file"]

    async def put(self, path: str, data: bytes, **headers: str) -> Reply:
        """Upload a file in one call."""
        return await self.call("PUT", "/api/v1/files/content", params={"path": path}, data=data, headers=headers)

    async def content(self, file_id: str, method: str = "GET", **headers: str) -> Reply:
        """Ask for a file's bytes."""
        return await self.call(method, f"/api/v1/files/{file_id}/content", headers=headers)

    async def at(self, path: str) -> Reply:
        """Ask for the File at a path."""
        return await self.get("/api/v1/files", params={"path": path})

    async def make_folder(self, path: str, *, parents: bool = False) -> Any:
        """Make a folder and return its File."""
        reply = await self.post("/api/v1/folders", {"path": path, "parents": parents})
        assert reply.status == HTTPStatus.CREATED, reply.body
        return reply.json

    async def change(self, file_id: str, **changes: Any) -> Reply:
        """PATCH a node."""
        return await self.call("PATCH", f"/api/v1/files/{file_id}", json=changes)

    async def names(self, folder_id: str = "root") -> list[str]:
        """Return the names in a folder."""
        reply = await self.get(f"/api/v1/folders/{folder_id}/children")
        assert reply.status == HTTPStatus.OK, reply.body
        return [item["name"] for item in reply.json["items"]]
