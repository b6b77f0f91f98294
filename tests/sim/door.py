"""The handlers of the server without their HTTP: a request as the client writes it in, status and JSON out."""

import contextlib
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, unquote

import msgspec

from app.api import uploads as upload_api
from app.api.files import change_of
from app.auth.identity import Actor
from app.errors import AppError, ConflictError, NotFoundError, RateLimitedError
from app.manifest import Chunk, Manifest
from app.problems import problem_of
from app.services.commits import Hashes
from app.services.download_bundles import Wanted
from app.services.feed_page import Change
from app.services.feed_view import Asked
from app.services.trash import Seen
from app.services.uploads import UploadAnswer
from app.wire import (
    AppendRequest,
    BundleReply,
    ChangeRequest,
    CommitBatchRequest,
    CommitRequest,
    DownloadBundleRequest,
    DownloadReply,
    File,
    FileReply,
    FolderRequest,
    ProgressReply,
    UploadReply,
)
from app.wire_problems import CommitBatchReply, ConflictProblem, UploadBatchReply
from app.wire_sync import ChangeReply, SyncReply
from app.wire_tree import Version, VersionPage
from storage.base import ChunkId, WireEncoding
from storage.errors import ChunkMismatchError, StorageError
from storage.signing import Grant, Operation
from tests.sim.server import SimServer

REFUSALS = (AppError, StorageError, msgspec.ValidationError)
_PIECE = 16_384


@dataclass(frozen=True, slots=True)
class Call:
    """A request that has come in: `query` as a mapping, and as it stands in the URL."""

    actor: Actor
    names: tuple[str, ...]
    query: dict[str, str]
    raw_query: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Reply:
    """What goes out."""

    status: int
    body: bytes = b""
    retry_after_s: int = 0


Handler = Callable[["Door", Call], Awaitable[Reply]]


class Door:
    """The way in for all devices."""

    def __init__(self, server: SimServer) -> None:
        self.server = server

    def handle(self, actor: Actor, method: str, target: str, body: bytes) -> Reply:
        """Answer a request; `target` is path and query."""
        path, _, raw_query = target.partition("?")
        for wanted, pattern, handler in _ROUTES:
            match = pattern.fullmatch(path) if wanted == method else None
            if match is not None:
                call = Call(actor, tuple(map(unquote, match.groups())), dict(parse_qsl(raw_query)), raw_query, body)
                return self.server.call(self._answer(handler, call))
        raise AssertionError(f"the simulated server has no {method} {path}")

    async def _answer(self, handler: Handler, call: Call) -> Reply:
        try:
            return await handler(self, call)
        except REFUSALS as error:
            problem = await self._problem(call.actor, error)
            retry_after_s = error.retry_after_s if isinstance(error, RateLimitedError) else 0
            return Reply(problem.status, msgspec.json.encode(problem), retry_after_s)

    async def _problem(self, actor: Actor, error: Exception) -> Any:
        problem = problem_of(error)
        if not isinstance(error, ConflictError):
            return problem
        current: File | None = None
        if error.current is not None:
            with contextlib.suppress(NotFoundError):
                current = self._shown(await self.server.cairn.services.tree.get_number(actor, error.current))
        return ConflictProblem(**msgspec.structs.asdict(problem), current=current)

    def _shown(self, view: Any) -> File:
        return File.of(view, self.server.cairn.services.epoch)

    def _grant(self, operation: Operation, call: Call) -> Grant:
        return self.server.cairn.services.urls.verify(operation, call.names[0], call.raw_query)

    # Tree

    async def get_by_path(self, call: Call) -> Reply:
        return _json(self._shown(await self.server.cairn.services.tree.get_path(call.actor, call.query["path"])))

    async def get_by_id(self, call: Call) -> Reply:
        return _json(self._shown(await self.server.cairn.services.tree.get(call.actor, call.names[0])))

    async def change(self, call: Call) -> Reply:
        body = msgspec.json.decode(call.body, type=ChangeRequest)
        wanted = change_of(body)
        return _json(self._shown(await self.server.cairn.services.tree.change(call.actor, call.names[0], wanted)))

    async def delete(self, call: Call) -> Reply:
        query = call.query
        seen = Seen(query.get("base_version"), _number(query, "if_seq"), _number(query, "if_below_seq"))
        await self.server.cairn.services.trash.delete(call.actor, call.names[0], seen)
        return Reply(204)

    async def make_folder(self, call: Call) -> Reply:
        body = msgspec.json.decode(call.body, type=FolderRequest)
        tree = self.server.cairn.services.tree
        if body.path is not None:
            return _json(self._shown(await tree.make_folder_at(call.actor, body.path, parents=body.parents)), 201)
        assert body.parent_id is not None
        assert body.name is not None
        return _json(self._shown(await tree.make_folder_in(call.actor, body.parent_id, body.name)), 201)

    async def list_versions(self, call: Call) -> Reply:
        before = int(call.query["after"]) if "after" in call.query else None
        page, end = await self.server.cairn.services.history.list_page(
            call.actor, call.names[0], before=before, limit=int(call.query["limit"])
        )
        return _json(VersionPage([Version.of(version) for version in page], None if end is None else str(end)))

    # Feed

    async def sync(self, call: Call) -> Reply:
        services = self.server.cairn.services

        def show(change: Change) -> ChangeReply:
            return ChangeReply.of(change, services.epoch)

        asked = Asked(call.query.get("cursor"), limit=int(call.query.get("limit", "1000")))
        with services.answers.lease("") as lease:
            page = await services.feed.poll(call.actor, asked, wait_s=0, is_gone=lambda: False, show=show, lease=lease)
        return _json(SyncReply.of(page))

    # Upload

    async def request_upload(self, call: Call) -> Reply:
        bundle, is_batch, files = upload_api._declarations(call.body)  # noqa: SLF001 -- as the handler reads it
        uploads = self.server.cairn.services.uploads
        if not is_batch:
            return _json(UploadReply.of(await uploads.request(call.actor, files[0], bundle=bundle)), 201)
        answers = await uploads.request_many(call.actor, files, bundle=bundle)
        shown = [
            UploadReply.of(answer) if isinstance(answer, UploadAnswer) else await self._problem(call.actor, answer)
            for answer in answers
        ]
        url = next((answer.bundle_url for answer in answers if isinstance(answer, UploadAnswer)), None)
        return _json(UploadBatchReply(shown, url), 201)

    async def append_chunks(self, call: Call) -> Reply:
        body = msgspec.json.decode(call.body, type=AppendRequest)
        manifest = Manifest.of(Chunk(ChunkId(bytes.fromhex(chunk.sha256)), chunk.size) for chunk in body.chunks)
        uploads = self.server.cairn.services.uploads
        return _json(UploadReply.of(await uploads.append(call.actor, call.names[0], body.first, manifest)))

    async def resume_upload(self, call: Call) -> Reply:
        services = self.server.cairn.services
        progress = await services.uploads.progress(call.actor, call.names[0], int(call.query.get("from", "0")))
        return _json(ProgressReply.of(progress, services.epoch))

    async def commit_upload(self, call: Call) -> Reply:
        body = msgspec.json.decode(call.body, type=CommitRequest) if call.body else CommitRequest()
        claimed = None if body.sha256 is None else bytes.fromhex(body.sha256)
        commits = self.server.cairn.services.commits
        view = await commits.commit(call.actor, call.names[0], Hashes(claimed=claimed))
        return _json(FileReply(self._shown(view)), 201)

    async def commit_uploads(self, call: Call) -> Reply:
        body = msgspec.json.decode(call.body, type=CommitBatchRequest)
        results = await self.server.cairn.services.commits.commit_many(call.actor, body.upload_ids)
        shown = [
            await self._problem(call.actor, result) if isinstance(result, AppError) else FileReply(self._shown(result))
            for result in results
        ]
        return _json(CommitBatchReply(shown))

    async def give_up(self, call: Call) -> Reply:
        await self.server.cairn.services.uploads.give_up(call.actor, call.names[0])
        return Reply(204)

    async def put_chunk(self, call: Call) -> Reply:
        receive, grant = self.server.cairn.services.receive, self._grant(Operation.PUT_CHUNK, call)
        await receive.admit_chunk(grant)
        await receive.take_chunk(grant, [call.body], WireEncoding.IDENTITY)
        return Reply(204)

    async def put_bundle(self, call: Call) -> Reply:
        services, grant = self.server.cairn.services, self._grant(Operation.PUT_BUNDLE, call)
        declared = await services.receive.admit_bundle(grant)
        with services.bodies.lease("") as lease:
            taken = await services.receive.take_bundle(grant, declared, _pieces(call.body), lease)
        if taken.bad_frame is not None:
            raise ChunkMismatchError("a frame is bad", stored=taken.stored, frame=taken.bad_frame)
        return _json(BundleReply(taken.stored))

    # Download

    async def get_manifest(self, call: Call) -> Reply:
        services, query = self.server.cairn.services, call.query
        download = await services.downloads.manifest(
            call.actor, query["file_id"], query.get("version_id"), int(query.get("from", "0"))
        )
        return _json(DownloadReply.of(download, services.epoch))

    async def get_bundle(self, call: Call) -> Reply:
        body, services = msgspec.json.decode(call.body, type=DownloadBundleRequest), self.server.cairn.services
        wanted = [Wanted(file.file_id, file.version_id) for file in body.files]
        with services.answers.lease("") as lease:
            return Reply(200, b"".join(await services.download_bundles.read(call.actor, wanted, lease)))

    async def get_chunk(self, call: Call) -> Reply:
        grant = self._grant(Operation.GET_CHUNK, call)
        return Reply(200, await self.server.cairn.store.read(ChunkId(bytes.fromhex(grant.subject))))

    async def get_content(self, call: Call) -> Reply:
        services = self.server.cairn.services
        content = await services.downloads.content(
            call.actor, call.names[0], call.query.get("version_id"), download=False
        )
        store = self.server.cairn.store
        return Reply(200, b"".join([await store.read(chunk_id) for chunk_id in content.manifest.ids()]))


def _number(query: dict[str, str], name: str) -> int | None:
    return int(query[name]) if name in query else None


def _json(reply: object, status: int = 200) -> Reply:
    return Reply(status, msgspec.json.encode(reply))


async def _pieces(data: bytes) -> AsyncIterator[bytes]:
    for at in range(0, len(data), _PIECE):
        yield data[at : at + _PIECE]


def _route(method: str, path: str, handler: Handler) -> tuple[str, re.Pattern[str], Handler]:
    return method, re.compile(path.replace("{}", "([^/]+)")), handler


_ROUTES = (
    _route("GET", "/api/v1/sync", Door.sync),
    _route("GET", "/api/v1/files", Door.get_by_path),
    _route("GET", "/api/v1/files/{}", Door.get_by_id),
    _route("PATCH", "/api/v1/files/{}", Door.change),
    _route("DELETE", "/api/v1/files/{}", Door.delete),
    _route("POST", "/api/v1/folders", Door.make_folder),
    _route("GET", "/api/v1/files/{}/versions", Door.list_versions),
    _route("POST", "/api/v1/uploadRequest", Door.request_upload),
    _route("POST", "/api/v1/uploads/{}/chunks", Door.append_chunks),
    _route("POST", "/api/v1/uploads/commit", Door.commit_uploads),
    _route("POST", "/api/v1/uploads/{}/commit", Door.commit_upload),
    _route("GET", "/api/v1/uploads/{}", Door.resume_upload),
    _route("DELETE", "/api/v1/uploads/{}", Door.give_up),
    _route("PUT", "/chunks/{}", Door.put_chunk),
    _route("PUT", "/bundles/{}", Door.put_bundle),
    _route("GET", "/api/v1/download", Door.get_manifest),
    _route("POST", "/api/v1/downloadBundle", Door.get_bundle),
    _route("GET", "/chunks/{}", Door.get_chunk),
    _route("GET", "/api/v1/files/{}/content", Door.get_content),
)
