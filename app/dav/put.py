"""PUT: a file comes in, cut and hashed as it comes (RFC 4918, 9.7), with what ownCloud's programs add to it."""

from http import HTTPStatus
from typing import Final

from aiohttp import web

from app.api.http import pieces_of, receiving, require_plain
from app.api.ranges import check_match, check_none_match
from app.clock import now_ms
from app.dav.headers import expected_length_of, oc_checksum_of, oc_time_ms, oc_total_length_of
from app.dav.locked import shown_by
from app.dav.paths import Target
from app.dav.placing import file_headers
from app.dav.problems import DavError
from app.errors import ConflictError, InvalidRequestError, NameTakenError, NotFoundError
from app.heads import waits_to_be_invited
from app.keys import ACTOR, SERVICES
from app.manifest import Manifest
from app.services.checksums import Witness
from app.services.media import BINARY, take_content_type
from app.services.targets import Wish
from app.services.uploads import Declared
from app.services.views import View

_UNSAID: Final = ("", BINARY, "application/x-www-form-urlencoded", "multipart/form-data")
"""Content types that programs send when nobody told them any."""


async def put(request: web.Request, target: Target) -> web.StreamResponse:
    """Take a file whole: a new one, or a new version of the one that is there; what breaks off changes nothing."""
    services = request.app[SERVICES]
    if target.slash or not target.names:
        raise _no_content()
    existing = None
    conditional = "If-Match" in request.headers or "If-None-Match" in request.headers
    if conditional:  # else what is there is looked at once, where the file is made
        existing = await _existing(request, target)
        etag = None if existing is None else existing.etag(services.epoch)
        check_match(request.headers, etag)
        check_none_match(request.headers, etag)
    require_plain(request)
    if "Content-Range" in request.headers:
        raise InvalidRequestError("A file is sent whole: a piece would replace all of it.")
    declared = _declared(request, target, existing, conditional=conditional)
    witness = _witness(request)
    try:
        with receiving(request) as lease:
            body = pieces_of(request, lease)
            view = await services.receive.take_stream(
                request[ACTOR],
                declared,
                body,
                lease,
                witness=witness,
                shown=shown_by(request, target),
                is_coming=not waits_to_be_invited(request),
            )
    except NameTakenError as error:
        raise await _taken(request, target, error) from error
    except NotFoundError as error:
        raise ConflictError("There is no folder to put it into: make that first.") from error
    headers = file_headers(request, view)
    if oc_time_ms(request) is not None:
        headers["X-OC-MTime"] = "accepted"
    status = HTTPStatus.CREATED if view.is_new else HTTPStatus.NO_CONTENT
    return web.Response(status=status, headers=headers)


async def _existing(request: web.Request, target: Target) -> View | None:
    try:
        return await request.app[SERVICES].tree.get_path(request[ACTOR], target.path)
    except NotFoundError:
        return None


async def _taken(request: web.Request, target: Target, error: NameTakenError) -> Exception:
    """Return the refusal where something has the name: a folder, or a file that the path goes through."""
    return error if await _existing(request, target) is None else _no_content()


def _no_content() -> DavError:
    return DavError(HTTPStatus.METHOD_NOT_ALLOWED, "A folder has no content of its own: PUT files into it.")


def _declared(request: web.Request, target: Target, existing: View | None, *, conditional: bool) -> Declared:
    """Return what the head announces; a condition that held when it was read must still hold at the commit.

    Raises:
        InvalidRequestError: it contradicts itself.
    """
    said, given_ms = request.headers.get("Content-Type", ""), oc_time_ms(request)
    wish = Wish(
        mtime_ms=now_ms() if given_ms is None else given_ms,
        content_type=take_content_type(said, target.name, unsaid=_UNSAID),
        path=target.path,
        executable=None,
        base_version=None if existing is None else existing.version_id,
        on_conflict="fail" if conditional else "replace",
        conditional=conditional,
    )
    size, total = request.content_length, oc_total_length_of(request)
    if total is None:
        total = expected_length_of(request)  # a proxy that can not pass Finder's chunks on sends an empty body
    if None not in (size, total) and size != total:
        raise InvalidRequestError("Content-Length is not what the file was said to have: a file is sent whole.")
    return Declared(wish, total if size is None else size, Manifest(b""), append=True)


def _witness(request: web.Request) -> Witness | None:
    said = oc_checksum_of(request)
    return None if said is None else Witness(said.algorithm, said.digest)
