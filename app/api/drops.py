"""What somebody who holds a drop link may do: put files in. Nothing tells what is there."""

from collections.abc import AsyncIterator, Mapping
from http import HTTPStatus

import msgspec
from aiohttp import web

from app.api.forms import FORM, FormFiles, boundary_of
from app.api.http import json_reply, pieces_of, receiving, require_plain
from app.api.pages import base_of, page_reply
from app.api.routes import JSON, Access, Answer, Body, Routes
from app.api.visits import visit_of
from app.clock import now_ms
from app.errors import AppError, ForbiddenError, InvalidRequestError, LockedError, QuotaExceededError
from app.keys import SERVICES
from app.link_mode import Mode
from app.manifest import Manifest
from app.problems import problem_of
from app.services.budget import Lease
from app.services.display import shown
from app.services.media import check_content_type, guess_content_type
from app.services.targets import Wish
from app.services.uploads import Declared
from app.services.visits import Visit
from app.wire import Name
from app.wire_links import DroppedReply

routes = Routes()

_HTML = "text/html"
_BODY = Body({"*/*": ()}, is_required=False)
_REFUSES = (ForbiddenError, QuotaExceededError, LockedError)
_WORDS: Mapping[type[AppError], str] = {
    InvalidRequestError: "drop.refused",
    QuotaExceededError: "drop.full",
    LockedError: "error.locked",
}
_UNSAID = ("application/x-www-form-urlencoded", "multipart/")  # what curl says when nobody said anything


class _Upload(msgspec.Struct, forbid_unknown_fields=True):
    """Query of PUT /s/{token}/upload."""

    name: Name


class _FormUpload(msgspec.Struct, forbid_unknown_fields=True):
    """Query of POST /s/{token}/upload; a form tells the names itself."""

    name: Name | None = None


@routes.put(
    "/s/{token}/upload",
    access=Access.LINK,
    body=_BODY,
    answers=(Answer(HTTPStatus.CREATED, {JSON: (DroppedReply,)}),),
    refuses=_REFUSES,
)
async def put_dropped(request: web.Request, query: _Upload) -> web.Response:
    """Take a file into the folder of a drop link, under a name that is free there."""
    return await _take_body(request, await visit_of(request, Mode.DROP), query.name)


@routes.post(
    "/s/{token}/upload",
    access=Access.LINK,
    body=_BODY,
    answers=(
        Answer(HTTPStatus.CREATED, {JSON: (DroppedReply,), _HTML: ()}),
        Answer(HTTPStatus.BAD_REQUEST, {_HTML: ()}),
        Answer(HTTPStatus.LOCKED, {_HTML: ()}),
        Answer(HTTPStatus.INSUFFICIENT_STORAGE, {_HTML: ()}),
    ),
    refuses=_REFUSES,
)
async def post_dropped(request: web.Request, query: _FormUpload) -> web.Response:
    """Take a file as PUT does, or without a name the files of the page's form."""
    visit = await visit_of(request, Mode.DROP)
    if query.name is not None:
        return await _take_body(request, visit, query.name)
    if request.content_type != FORM:
        raise InvalidRequestError("Say how the file is called: ?name=…")
    return await _take_form(request, visit)


async def _take_body(request: web.Request, visit: Visit, name: str) -> web.Response:
    require_plain(request)
    if "Content-Range" in request.headers:  # the piece would stand there as a whole file
        raise InvalidRequestError("A file is sent whole, not by ranges.")
    said = request.headers.get("Content-Type", "")
    content_type = guess_content_type(name) if not said or said.startswith(_UNSAID) else check_content_type(said)
    with receiving(request) as lease:
        declared = _declared(visit, name, content_type, size=request.content_length)
        size = await _take(request, visit, declared, pieces_of(request, lease), lease)
    return json_reply(DroppedReply(size), HTTPStatus.CREATED)


async def _take_form(request: web.Request, visit: Visit) -> web.Response:
    """Take every file of a form; those before one that is refused stay."""
    require_plain(request)
    sent, rest = 0, request.content_length or 0
    try:
        boundary = boundary_of(request.headers["Content-Type"])
        with receiving(request) as lease:
            form = FormFiles(pieces_of(request, lease), boundary)
            async for name in form.names():
                declared = _declared(visit, name, guess_content_type(name), size=None, expected=rest)
                rest -= await _take(request, visit, declared, form.content(), lease)
                sent += 1
    except (InvalidRequestError, QuotaExceededError, LockedError) as error:
        return _form_page(request, visit, sent, problem=error)
    return _form_page(request, visit, sent)


def _declared(visit: Visit, name: str, content_type: str, *, size: int | None, expected: int = 0) -> Declared:
    """Declare a file whose bytes are promised as they come: strangers announce what they never send."""
    wish = Wish(
        mtime_ms=now_ms(), content_type=content_type, parent_id=visit.view.file_id, name=name, on_conflict="rename"
    )
    return Declared(wish, size, Manifest(b""), append=True, expected=expected, at_once=False)


async def _take(
    request: web.Request, visit: Visit, declared: Declared, body: AsyncIterator[bytes], lease: Lease
) -> int:
    """Take one file in, while the link is good; return its size."""
    services = request.app[SERVICES]
    with services.calls.running(visit.actor, request.transport):
        view = await services.receive.take_stream(visit.actor, declared, services.visits.watched(visit, body), lease)
    return view.listed.size


def _form_page(request: web.Request, visit: Visit, sent: int, *, problem: AppError | None = None) -> web.Response:
    return page_reply(
        request,
        "link_drop.html",
        status=HTTPStatus.CREATED if problem is None else problem_of(problem).status,
        name=shown(visit.title),
        action=f"{base_of(request)}s/{request.match_info['token']}/upload",
        sent=sent,
        problem=None if problem is None else _WORDS[type(problem)],
    )
