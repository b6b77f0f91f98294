"""What somebody who holds a link may do: look, fetch, or put files in."""

from http import HTTPStatus
from typing import Annotated, Literal

import msgspec
from aiohttp import web

from app.api.archives import ARCHIVE, READING, REFUSES, serve_archive
from app.api.folders import decode_place, encode_place
from app.api.http import URLENCODED, json_reply, prove, read_form, read_json
from app.api.link_page import link_page
from app.api.origins import is_tls, refuse_foreign
from app.api.pages import base_of, page_reply
from app.api.routes import JSON, Access, Answer, Body, Routes
from app.api.serving import CONTENT, serve_content
from app.api.thumbnails import READING as THUMBNAIL_READING
from app.api.thumbnails import REFUSES as THUMBNAIL_REFUSES
from app.api.thumbnails import THUMBNAIL, Edge, serve_thumbnail
from app.auth.link_passes import LIFETIME_S
from app.errors import (
    ForbiddenError,
    NotFoundError,
    PreconditionFailedError,
    RangeNotSatisfiableError,
    RateLimitedError,
)
from app.keys import ANSWER, NETWORK, OWNER, SERVICES
from app.link_mode import Mode
from app.listing import Order, Sort
from app.problems import problem_of
from app.services.budget import ENTRY_SIZE
from app.services.visits import Visit
from app.wire import WireId
from app.wire_links import LinkedFile, LinkedPage, PasswordRequest, VisitReply

routes = Routes()

COOKIE = "cairn_link"
_HTML = "text/html"
_HIDDEN = {"X-Robots-Tag": "noindex, nofollow"}


class _Below(msgspec.Struct, forbid_unknown_fields=True):
    """Query of GET /s/{token} and …/archive.zip: a folder below what the link leads to, that itself if absent."""

    file_id: WireId | None = None


class _Content(msgspec.Struct, forbid_unknown_fields=True):
    """Query of GET /s/{token}/content."""

    file_id: WireId | None = None
    download: Literal["0", "1"] = "0"
    frame: Literal["0", "1"] = "0"


class _Look(_Below, forbid_unknown_fields=True):
    """Query of GET /s/{token}: the page of a folder goes on behind `after`, as its last one said."""

    after: Annotated[str, msgspec.Meta(max_length=1024)] | None = None


class _Thumbnail(msgspec.Struct, forbid_unknown_fields=True):
    """Query of GET /s/{token}/thumbnail."""

    file_id: WireId | None = None
    size: Edge = "256"


class _Children(msgspec.Struct, forbid_unknown_fields=True):
    """Query of GET /s/{token}/children."""

    file_id: WireId | None = None
    limit: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 1_000
    after: Annotated[str, msgspec.Meta(max_length=1024)] | None = None
    sort: Sort = "name"
    order: Order = "asc"


@routes.get(
    "/s/{token}",
    access=Access.LINK,
    answers=(
        Answer(HTTPStatus.OK, {JSON: (VisitReply,), _HTML: ()}),
        Answer(HTTPStatus.NOT_FOUND, {_HTML: ()}),
    ),
    refuses=(NotFoundError,),
)
async def show_link(request: web.Request, query: _Look) -> web.Response:
    """Show what a link is: to programs that ask for JSON as such, else as a page."""
    if JSON in request.headers.get("Accept", ""):
        reply = json_reply(VisitReply.of(await visit_of(request)))
    else:
        reply = await _show_page(request, query.file_id, query.after)
    reply.headers.update({"Vary": "Accept", **_HIDDEN})
    return reply


@routes.post(
    "/s/{token}/password",
    access=Access.LINK,
    checks_secret=True,
    body=Body({JSON: (PasswordRequest,), URLENCODED: (PasswordRequest,)}),
    answers=(
        Answer(HTTPStatus.NO_CONTENT, {}, ("Set-Cookie",)),
        Answer(HTTPStatus.SEE_OTHER, {}, ("Set-Cookie", "Location")),
        Answer(HTTPStatus.FORBIDDEN, {_HTML: ()}),
        Answer(HTTPStatus.TOO_MANY_REQUESTS, {_HTML: ()}),
    ),
    refuses=(ForbiddenError,),
)
async def show_password(request: web.Request) -> web.Response:
    """Show a link's password, which gives a cookie for that link."""
    refuse_foreign(request)
    visit, is_form = await visit_of(request), request.content_type == URLENCODED
    body = await (read_form(request, PasswordRequest) if is_form else read_json(request, PasswordRequest))
    try:
        passed = await request.app[SERVICES].visits.show_password(visit, body.password, request[NETWORK])
    except (ForbiddenError, RateLimitedError) as error:
        if is_form:
            return _password_page(request, error)
        raise
    reply = web.Response(status=HTTPStatus.SEE_OTHER if is_form else HTTPStatus.NO_CONTENT)
    if is_form:
        reply.headers["Location"] = f"../{request.match_info['token']}"
    # Without a path the browser takes that of this call without its last step, whatever a proxy put before it.
    secure = "; Secure" if is_tls(request) else ""
    reply.headers["Set-Cookie"] = f"{COOKIE}={passed}; Max-Age={LIFETIME_S}; HttpOnly; SameSite=Lax{secure}"
    return reply


@routes.get("/s/{token}/children", access=Access.LINK, refuses=(ForbiddenError,))
async def list_linked(request: web.Request, query: _Children) -> LinkedPage:
    """List a page of a folder at or below what the link leads to."""
    visit = await visit_of(request, Mode.VIEW)
    await request[ANSWER].take(query.limit * ENTRY_SIZE)
    views, end = await request.app[SERVICES].visits.children(
        visit,
        query.file_id,
        sort=query.sort,
        order=query.order,
        after=None if query.after is None else decode_place(query.after),
        limit=query.limit,
    )
    return LinkedPage([LinkedFile.of(view) for view in views], None if end is None else encode_place(end))


@routes.get(
    "/s/{token}/content",
    access=Access.LINK,
    headers=(*READING, "If-Modified-Since", "If-Unmodified-Since"),
    answers=CONTENT,
    refuses=(ForbiddenError, PreconditionFailedError, RangeNotSatisfiableError),
)
async def get_linked_content(request: web.Request, query: _Content) -> web.StreamResponse:
    """Give the bytes of a file at or below what the link leads to. From byte 0 on it counts as a download."""
    services, visit = request.app[SERVICES], await visit_of(request, Mode.VIEW)
    view = await services.visits.look(visit, query.file_id)
    visit.require_content(view, download=query.download == "1")
    content = await services.downloads.content(
        visit.actor, view.file_id, None, download=query.download == "1", framed=query.frame == "1"
    )
    with services.calls.running(visit.actor, request.transport):
        return await serve_content(
            request, content, begins=lambda first: services.visits.count(visit, first, request[NETWORK])
        )


@routes.get(
    "/s/{token}/thumbnail",
    access=Access.LINK,
    headers=THUMBNAIL_READING,
    answers=THUMBNAIL,
    refuses=(ForbiddenError, *THUMBNAIL_REFUSES),
)
async def get_linked_thumbnail(request: web.Request, query: _Thumbnail) -> web.Response:
    """Give a picture of an image at or below what the link leads to, which does not count as a download."""
    visit = await visit_of(request, Mode.VIEW)
    view = await request.app[SERVICES].visits.look(visit, query.file_id)
    return await serve_thumbnail(request, visit.actor, view.file_id, version_id=None, edge=query.size)


@routes.get(
    "/s/{token}/archive.zip",
    access=Access.LINK,
    headers=READING,
    answers=ARCHIVE,
    refuses=(*REFUSES, ForbiddenError),
)
async def get_linked_archive(request: web.Request, query: _Below) -> web.StreamResponse:
    """Give a folder at or below what the link leads to, as a zip. From byte 0 on it counts as a download."""
    services, visit = request.app[SERVICES], await visit_of(request, Mode.VIEW)
    visit.require_download()
    view = await services.visits.look(visit, query.file_id)
    check = services.visits.check(visit)
    opening = services.archives.open(request[OWNER], visit.actor, [view.file_id], check, is_folder=True)
    async with opening as archive:
        with services.calls.running(visit.actor, request.transport):
            return await serve_archive(
                request, archive, begins=lambda first: services.visits.count(visit, first, request[NETWORK])
            )


async def visit_of(request: web.Request, mode: Mode | None = None) -> Visit:
    """Return the visit of whoever asks, if the link is good, and for `mode` open for that."""
    visit = await request.app[SERVICES].visits.open(
        request.match_info["token"], request.cookies.get(COOKIE), request[NETWORK]
    )
    if mode is not None:
        visit.require(mode)
        prove(request)
    return visit


def _password_page(request: web.Request, error: ForbiddenError | RateLimitedError | None = None) -> web.Response:
    status = HTTPStatus.OK if error is None else problem_of(error).status
    action = f"{base_of(request)}s/{request.match_info['token']}/password"
    wait_s = error.retry_after_s if isinstance(error, RateLimitedError) else 0
    problem = None if error is None else "login.throttled" if wait_s else "link.wrong"
    reply = page_reply(request, "link_password.html", status=status, action=action, problem=problem, wait_s=wait_s)
    if wait_s:
        reply.headers["Retry-After"] = str(wait_s)
    return reply


async def _show_page(request: web.Request, file_id: str | None, after: str | None) -> web.Response:
    try:
        visit = await visit_of(request)
        return await link_page(request, visit, file_id, after) if visit.is_open else _password_page(request)
    except NotFoundError as error:
        return page_reply(request, "link_dead.html", status=HTTPStatus.NOT_FOUND, problem=str(error))
