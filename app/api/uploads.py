"""Handlers of uploads: request, append, resume, commit, give up."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Annotated, TypeVar

import msgspec
from aiohttp import web

from app.api.http import decode_json, read_body, receiving, require_json, working
from app.api.refusals import problem_for
from app.api.routes import JSON, Access, Body, Routes
from app.clock import now_ms
from app.errors import (
    AppError,
    ConflictError,
    ForbiddenError,
    LockedError,
    MissingChunksError,
    NameTakenError,
    NoRoomError,
    NotFoundError,
    QuotaExceededError,
    TooLargeError,
)
from app.keys import ACTOR, SERVICES
from app.manifest import Chunk, Manifest
from app.services.commits import Hashes
from app.services.media import guess_content_type, plain_type
from app.services.targets import Wish
from app.services.uploads import Declared, UploadAnswer
from app.wire import (
    AppendRequest,
    ChunkEntry,
    CommitBatchRequest,
    CommitRequest,
    Count,
    File,
    FileReply,
    OpenUpload,
    OpenUploadPage,
    ProgressReply,
    UploadBatchRequest,
    UploadReply,
    UploadRequest,
    WireId,
)
from app.wire_problems import CommitBatchReply, UploadBatchReply
from storage.base import ChunkId

UPLOAD_BODY = 32 * 1024 * 1024
IN_A_THREAD = 256 * 1024
SHORT_BODY = 1024 * 1024
BATCH_FILES, BATCH_CHUNKS = 1_000, 262_144
OBJECTS = 2 * (BATCH_FILES + BATCH_CHUNKS)  # more than there may be: a name may hold the sign too
T = TypeVar("T")
_PLACE = (ConflictError, NameTakenError, NotFoundError, ForbiddenError, QuotaExceededError, LockedError)

routes = Routes()


class _List(msgspec.Struct, forbid_unknown_fields=True):
    """Query of GET /api/v1/uploads."""

    limit: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 1_000
    after: WireId | None = None


class _From(msgspec.Struct, forbid_unknown_fields=True):
    """Query of GET /api/v1/uploads/{id}."""

    first: Count = msgspec.field(name="from", default=0)


class _Kind(msgspec.Struct):
    """As much of the body of an upload request as tells one file from many."""

    files: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


@routes.post(
    "/api/v1/uploadRequest",
    access=Access.FILES,
    body=Body({JSON: (UploadRequest, UploadBatchRequest)}),
    status=HTTPStatus.CREATED,
    refuses=(*_PLACE, NoRoomError),
    example=UploadRequest(size=0, path="/Docs/2026/empty.txt", on_conflict="rename", parents=True),
)
async def request_upload(request: web.Request) -> UploadReply | UploadBatchReply:
    """Open an upload, or up to 1,000 of them at once."""
    require_json(request)
    async with _long_list(request) as body:
        bundle, is_batch, files = await _decoded(body, _declarations)
        uploads = request.app[SERVICES].uploads
        if not is_batch:
            answer = await uploads.request(request[ACTOR], files[0], bundle=bundle)
            return UploadReply.of(answer)
        answers = await uploads.request_many(request[ACTOR], files, bundle=bundle)
        shown = [
            UploadReply.of(answer) if isinstance(answer, UploadAnswer) else await problem_for(request, answer)
            for answer in answers
        ]
        bundle_url = next((answer.bundle_url for answer in answers if isinstance(answer, UploadAnswer)), None)
        return UploadBatchReply(shown, bundle_url)


@routes.post(
    "/api/v1/uploads/{upload_id}/chunks",
    access=Access.FILES,
    body=Body({JSON: (AppendRequest,)}),
    refuses=(ConflictError,),
)
async def append_chunks(request: web.Request) -> UploadReply:
    """Add to the chunk list of an upload that hashes while it sends."""
    require_json(request)
    async with _long_list(request) as body:
        first, chunks = await _decoded(body, _addition)
        upload_id = request.match_info["upload_id"]
        answer = await request.app[SERVICES].uploads.append(request[ACTOR], upload_id, first, chunks)
        return UploadReply.of(answer)


@routes.get("/api/v1/uploads", access=Access.FILES)
async def list_uploads(request: web.Request, query: _List) -> OpenUploadPage:
    """List a page of the caller's open uploads: one whose answer was lost can be resumed or given up."""
    found = await request.app[SERVICES].uploads.list_open(request[ACTOR], after=query.after, limit=query.limit)
    items = [OpenUpload.of(waiting) for waiting in found]
    return OpenUploadPage(items, items[-1].upload_id if len(items) == query.limit else None)


@routes.get("/api/v1/uploads/{upload_id}", access=Access.FILES)
async def resume_upload(request: web.Request, query: _From) -> ProgressReply:
    """Tell what is missing, with fresh URLs."""
    services = request.app[SERVICES]
    progress = await services.uploads.progress(request[ACTOR], request.match_info["upload_id"], query.first)
    return ProgressReply.of(progress, services.epoch)


@routes.post("/api/v1/uploads/commit", access=Access.FILES)
async def commit_uploads(request: web.Request, body: CommitBatchRequest) -> CommitBatchReply:
    """Commit several uploads; one that fails does not hold up the others."""
    services = request.app[SERVICES]
    results = await services.commits.commit_many(request[ACTOR], body.upload_ids)
    shown = [
        await problem_for(request, result)
        if isinstance(result, AppError)
        else FileReply(File.of(result, services.epoch))
        for result in results
    ]
    return CommitBatchReply(shown)


@routes.post(
    "/api/v1/uploads/{upload_id}/commit",
    access=Access.FILES,
    status=HTTPStatus.CREATED,
    refuses=(*_PLACE, MissingChunksError),
)
async def commit_upload(request: web.Request, body: CommitRequest | None) -> FileReply:
    """Make the upload's content the file's version."""
    services = request.app[SERVICES]
    view = await services.commits.commit(
        request[ACTOR],
        request.match_info["upload_id"],
        Hashes(claimed=None if body is None or body.sha256 is None else bytes.fromhex(body.sha256)),
    )
    return FileReply(File.of(view, services.epoch))


@routes.delete("/api/v1/uploads/{upload_id}", access=Access.FILES, refuses=(ConflictError,))
async def give_up_upload(request: web.Request) -> None:
    """Give up an open upload."""
    await request.app[SERVICES].uploads.give_up(request[ACTOR], request.match_info["upload_id"])


@asynccontextmanager
async def _long_list(request: web.Request) -> AsyncIterator[bytes]:
    """Give the body; one long list at a time is worked on, for it takes several times its size in memory.

    Raises:
        TooLargeError: it is too long, or holds more than uploads may have.
    """
    with receiving(request) as lease:
        body = await read_body(request, lease, UPLOAD_BODY)
        if len(body) <= SHORT_BODY:
            async with working(request):
                yield body
            return
        async with request.app[SERVICES].long_lists:
            # A million empty objects are a short body, and take a gibibyte and seconds to be found too many.
            if body.count(b"{") > OBJECTS:
                raise TooLargeError(f"A list may have {BATCH_CHUNKS} chunks, of {BATCH_FILES} files.")
            yield body


async def _decoded(body: bytes, decode: Callable[[bytes], T]) -> T:
    """Return what `decode` makes of a body; a long one keeps a thread busy, not the event loop."""
    return decode(body) if len(body) <= IN_A_THREAD else await asyncio.to_thread(decode, body)


def _addition(body: bytes) -> tuple[int, Manifest]:
    """Return where the chunk list goes on, and with what."""
    addition = decode_json(body, AppendRequest)
    return addition.first, _manifest(addition.chunks)


def _declarations(body: bytes) -> tuple[bool, bool, list[Declared]]:
    """Return whether a bundle is wanted, whether it is a batch, and the files."""
    if decode_json(body, _Kind).files is not msgspec.UNSET:
        batch = decode_json(body, UploadBatchRequest)
        return batch.bundle, True, [_declared(file) for file in batch.files]
    single = decode_json(body, UploadRequest)
    return single.bundle, False, [_declared(single)]


def _declared(body: UploadRequest) -> Declared:
    name = body.name or (body.path or "").rpartition("/")[2]
    wish = Wish(
        mtime_ms=now_ms() if body.mtime_ms is None else body.mtime_ms,
        content_type=guess_content_type(name) if body.content_type is None else plain_type(body.content_type),
        path=body.path,
        parent_id=body.parent_id,
        name=body.name,
        file_id=body.file_id,
        executable=body.executable,
        sha256=body.sha256,
        base_version=body.base_version,
        ancestors=tuple(dict.fromkeys(sha256 for sha256 in (body.base_sha256, *body.ancestors) if sha256 is not None)),
        on_conflict=body.on_conflict,
        parents=body.parents,
        restore=body.restore,
    )
    return Declared(wish, body.size, _manifest(body.chunks), body.append)


def _manifest(chunks: list[ChunkEntry]) -> Manifest:
    return Manifest.of(Chunk(ChunkId(bytes.fromhex(chunk.sha256)), chunk.size) for chunk in chunks)
