"""Handlers of files: one by id or path, its changes, and its content in and out."""

from http import HTTPStatus
from typing import Literal

import msgspec
from aiohttp import web

from app.api.http import convert_texts, json_reply, pieces_of, prove, receiving, require_plain, working
from app.api.ranges import check_match, check_none_match
from app.api.refusals import files_reply
from app.api.routes import JSON, Access, Answer, Body, Routes
from app.api.serving import CONTENT, serve_content
from app.clock import now_ms
from app.errors import (
    ConflictError,
    ForbiddenError,
    InvalidRequestError,
    LimitReachedError,
    LockedError,
    NameTakenError,
    NotFoundError,
    PreconditionFailedError,
    QuotaExceededError,
    RangeNotSatisfiableError,
)
from app.keys import ACTOR, SERVICES
from app.manifest import Manifest
from app.services.media import Presentation, take_content_type
from app.services.targets import Wish
from app.services.tree import Change, Keep
from app.services.uploads import Declared
from app.services.views import View
from app.wire import ChangeManyRequest, ChangeRequest, Count, DownloadReply, File, Path, Time, WireId
from app.wire_problems import FilesReply
from storage.signing import Operation

routes = Routes()

_READING = ("Range", "If-Range", "If-Match", "If-None-Match", "If-Modified-Since", "If-Unmodified-Since")
_UNSAID = ("", "application/x-www-form-urlencoded", "multipart/form-data")
"""Content types that curl says when nobody said any."""


class _Path(msgspec.Struct, forbid_unknown_fields=True):
    """Query of GET /api/v1/files."""

    path: Path


class _Download(msgspec.Struct, forbid_unknown_fields=True):
    """Query of GET /api/v1/download."""

    file_id: WireId
    version_id: WireId | None = None
    first: Count = msgspec.field(name="from", default=0)


class _Content(msgspec.Struct, forbid_unknown_fields=True):
    """Query of GET /api/v1/files/{id}/content: `download` saves it, `frame` lets a page of ours show a PDF."""

    version_id: WireId | None = None
    download: Literal["0", "1"] = "0"
    frame: Literal["0", "1"] = "0"


class _Put(msgspec.Struct, forbid_unknown_fields=True):
    """Query of PUT /api/v1/files/content."""

    path: Path
    parents: Literal["0", "1"] = "0"


class _Headers(msgspec.Struct):
    """Headers of PUT /api/v1/files/content that are ours."""

    mtime_ms: Time | None = msgspec.field(name="X-Mtime-Ms", default=None)


@routes.get("/api/v1/files", access=Access.FILES, refuses=(NotFoundError,))
async def get_by_path(request: web.Request, query: _Path) -> File:
    """Show a node by its path."""
    services = request.app[SERVICES]
    view = await services.tree.get_path(request[ACTOR], query.path)
    return File.of(view, services.epoch)


@routes.get("/api/v1/files/{file_id}", access=Access.FILES)
async def get_by_id(request: web.Request) -> File:
    """Show a node by its id."""
    services = request.app[SERVICES]
    return File.of(await services.tree.get(request[ACTOR], request.match_info["file_id"]), services.epoch)


@routes.patch(
    "/api/v1/files/{file_id}",
    access=Access.FILES,
    refuses=(ForbiddenError, ConflictError, NameTakenError, LimitReachedError, QuotaExceededError, LockedError),
    example=ChangeRequest(name="plan of 2026.odt", on_conflict="rename"),
)
async def change(request: web.Request, body: ChangeRequest) -> File:
    """Rename, move or re-date a node, or set its executable bit."""
    services = request.app[SERVICES]
    view = await services.tree.change(request[ACTOR], request.match_info["file_id"], change_of(body))
    return File.of(view, services.epoch)


@routes.post("/api/v1/files/change", access=Access.FILES)
async def change_many(request: web.Request, body: ChangeManyRequest) -> FilesReply:
    """Change several nodes, each as PATCH does; one that fails does not hold up the others."""
    changes = [(one.file_id, change_of(one)) for one in body.changes]
    return await files_reply(request, await request.app[SERVICES].tree.change_many(request[ACTOR], changes))


@routes.get("/api/v1/download", access=Access.FILES, refuses=(NotFoundError,))
async def get_manifest(request: web.Request, query: _Download) -> DownloadReply:
    """List a version's chunks with signed URLs."""
    services = request.app[SERVICES]
    download = await services.downloads.manifest(request[ACTOR], query.file_id, query.version_id, query.first)
    return DownloadReply.of(download, services.epoch)


@routes.get(
    "/api/v1/files/{file_id}/content",
    access=Access.FILES,
    headers=_READING,
    answers=CONTENT,
    refuses=(PreconditionFailedError, RangeNotSatisfiableError),
)
async def get_content(request: web.Request, query: _Content) -> web.StreamResponse:
    """Give a version's bytes."""
    content = await request.app[SERVICES].downloads.content(
        request[ACTOR],
        request.match_info["file_id"],
        query.version_id,
        download=query.download == "1",
        framed=query.frame == "1",
    )
    return await serve_content(request, content)


@routes.get(
    "/content/{file_id}/{version_id}",
    access=Access.SIGNED,
    headers=_READING,
    answers=CONTENT,
    refuses=(PreconditionFailedError, RangeNotSatisfiableError),
)
async def get_signed_content(request: web.Request) -> web.StreamResponse:
    """Give a version's bytes to whoever holds the signed URL."""
    services, version_id = request.app[SERVICES], request.match_info["version_id"]
    subject = f"{request.match_info['file_id']}.{version_id}"
    grant = services.urls.verify(Operation.GET_CONTENT, subject, request.raw_path.partition("?")[2])
    prove(request)
    content = await services.downloads.granted_content(version_id, Presentation(grant.media_type, grant.disposition))
    return await serve_content(request, content)


@routes.put(
    "/api/v1/files/content",
    access=Access.FILES,
    headers=("If-Match", "If-None-Match", "X-Mtime-Ms"),
    body=Body({"*/*": ()}, is_required=False),
    answers=(Answer(HTTPStatus.CREATED, {JSON: (File,)}), Answer(HTTPStatus.OK, {JSON: (File,)})),
    refuses=(ForbiddenError, NameTakenError, NotFoundError, PreconditionFailedError, QuotaExceededError, LockedError),
)
async def put_content(request: web.Request, query: _Put) -> web.Response:
    """Take a whole file in one body: for curl and scripts."""
    services = request.app[SERVICES]
    async with working(request):
        existing = await _existing(request, query.path)
        etag = None if existing is None else existing.etag(services.epoch)
        check_match(request.headers, etag)
        check_none_match(request.headers, etag)
        require_plain(request)
        if "Content-Range" in request.headers:  # as `curl -C` sends it: the piece would replace the whole
            raise InvalidRequestError("A file is sent whole, not by ranges: an upload in chunks can be resumed.")
        declared = Declared(_wish(request, query, existing), request.content_length, Manifest(b""), append=True)
        with receiving(request) as lease:
            view = await services.receive.take_stream(request[ACTOR], declared, pieces_of(request, lease), lease)
        return json_reply(File.of(view, services.epoch), HTTPStatus.CREATED if existing is None else HTTPStatus.OK)


def change_of(body: ChangeRequest) -> Change:
    """Return what is asked for; what was not sent stays as it is."""
    return Change(
        name=Keep.AS_IS if body.name is msgspec.UNSET else body.name,
        parent_id=Keep.AS_IS if body.parent_id is msgspec.UNSET else body.parent_id,
        mtime_ms=Keep.AS_IS if body.mtime_ms is msgspec.UNSET else body.mtime_ms,
        executable=Keep.AS_IS if body.executable is msgspec.UNSET else body.executable,
        if_seq=body.if_seq,
        on_conflict=body.on_conflict,
    )


async def _existing(request: web.Request, path: str) -> View | None:
    try:
        return await request.app[SERVICES].tree.get_path(request[ACTOR], path)
    except NotFoundError:
        return None


def _wish(request: web.Request, asked: _Put, existing: View | None) -> Wish:
    """Return what the headers ask for; a condition that held when they were read must still hold at the commit."""
    conditional = "If-Match" in request.headers or "If-None-Match" in request.headers
    name = asked.path.rpartition("/")[2]
    return Wish(
        mtime_ms=_mtime_ms(request),
        content_type=take_content_type(request.headers.get("Content-Type", ""), name, unsaid=_UNSAID),
        path=asked.path,
        executable=None,
        base_version=existing.version_id if existing is not None and conditional else None,
        on_conflict="fail" if conditional else "replace",
        conditional=conditional,
        parents=asked.parents == "1",
    )


def _mtime_ms(request: web.Request) -> int:
    mtime_ms = convert_texts(request.headers, _Headers, "a header").mtime_ms
    return now_ms() if mtime_ms is None else mtime_ms
