"""The way of every client: HTTP to a real process."""

import io
import json
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

import aiohttp

from tests.crash.content import frame, sha256
from tests.crash.doors import Opened, OpenedUpload, Progress, RefusedError, Seen, UnansweredError, Wish

PAGE = 10_000


class HttpDoor:
    """A device that holds a token. The session is the caller's, with the server's address as its base."""

    def __init__(self, session: aiohttp.ClientSession, token: str) -> None:
        self._session = session
        self._token = token

    async def request(self, wishes: Sequence[Wish], *, bundle: bool) -> Opened:
        files = [_body(wish) for wish in wishes]
        if len(files) == 1:
            answer = await self._json("POST", "/api/v1/uploadRequest", {**files[0], "bundle": bundle})
            return Opened([_opened(answer)], answer["bundle_url"])
        answer = await self._json("POST", "/api/v1/uploadRequest", {"files": files, "bundle": bundle})
        return Opened([_opened(_granted(upload)) for upload in answer["uploads"]], answer["bundle_url"])

    async def progress(self, upload_id: str) -> Progress:
        answer = await self._json("GET", f"/api/v1/uploads/{upload_id}")
        missing = {chunk["index"]: chunk["url"] for chunk in answer["missing"]}
        file = None if answer["file"] is None else _seen(answer["file"])
        return Progress(file, OpenedUpload(upload_id, missing), answer.get("bundle_url"))

    async def put_chunk(self, url: str, data: bytes) -> None:
        await self._call("PUT", url, data)

    async def put_bundle(self, url: str, chunks: Sequence[bytes]) -> None:
        await self._call("PUT", url, b"".join(map(frame, chunks)))

    async def commit(self, upload_ids: Sequence[str]) -> list[Seen]:
        if len(upload_ids) == 1:
            return [_seen((await self._json("POST", f"/api/v1/uploads/{upload_ids[0]}/commit"))["file"])]
        answer = await self._json("POST", "/api/v1/uploads/commit", {"upload_ids": list(upload_ids)})
        return [_seen(_granted(result)["file"]) for result in answer["results"]]

    async def give_up(self, upload_id: str) -> None:
        await self._call("DELETE", f"/api/v1/uploads/{upload_id}")

    async def put_whole(self, path: str, data: bytes) -> Seen:
        return _seen(await self._json("PUT", "/api/v1/files/content", data, path=path))

    async def make_folder(self, path: str) -> Seen:
        return _seen(await self._json("POST", "/api/v1/folders", {"path": path}))

    async def move(self, file_id: str, *, parent_id: str, name: str) -> Seen:
        return _seen(await self._json("PATCH", f"/api/v1/files/{file_id}", {"parent_id": parent_id, "name": name}))

    async def find(self, path: str) -> Seen:
        return _seen(await self._json("GET", "/api/v1/files", path=path))

    async def children(self, folder_id: str) -> list[Seen]:
        found: list[Seen] = []
        more: dict[str, str] = {}
        while True:
            page = await self._json("GET", f"/api/v1/folders/{folder_id}/children", limit=str(PAGE), **more)
            found += map(_seen, page["items"])
            if page["next"] is None:
                return found
            more = {"after": page["next"]}

    async def read(self, file_id: str) -> bytes:
        return await self._call("GET", f"/api/v1/files/{file_id}/content")

    async def _json(self, method: str, target: str, body: Any = None, **query: str) -> Any:
        return json.loads(await self._call(method, target, body, **query))

    async def _call(self, method: str, target: str, body: Any = None, **query: str) -> bytes:
        sent = {"data": io.BytesIO(body)} if isinstance(body, bytes) else {} if body is None else {"json": body}
        signed = target.startswith(("/chunks/", "/bundles/"))
        headers = {} if signed else {"Authorization": f"Bearer {self._token}"}
        try:
            async with self._session.request(method, target, params=query, headers=headers, **sent) as response:
                answer = await response.read()
                kind = response.content_type
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise UnansweredError(repr(error)) from error
        if response.status >= HTTPStatus.BAD_REQUEST:
            code = (await response.json(content_type=None))["code"] if kind.endswith("json") else str(response.status)
            raise RefusedError(code, answer)
        return answer


def _body(wish: Wish) -> dict[str, Any]:
    chunks = [{"sha256": sha256(chunk).hex(), "size": len(chunk)} for chunk in wish.content.chunks()]
    place = {"path": wish.path} if wish.file_id is None else {"file_id": wish.file_id}
    body = {"size": wish.content.size, "chunks": chunks, "parents": wish.parents, **place}
    return body if wish.base_version is None else {**body, "base_version": wish.base_version}


def _granted(answer: Any) -> Any:
    if "code" in answer:
        raise RefusedError(answer["code"], answer)
    return answer


def _opened(answer: Any) -> OpenedUpload:
    missing = {chunk["index"]: chunk["url"] for chunk in answer["chunks"] if chunk["needed"]}
    return OpenedUpload(answer["upload_id"], missing)


def _seen(file: Any) -> Seen:
    return Seen(
        file_id=file["file_id"],
        parent_id=file["parent_id"],
        name=file["name"],
        version_id=file["version_id"],
        seq=file["seq"],
        size=file["size"],
    )
