"""What somebody who holds a link may do: look, fetch, or put files in."""

from http import HTTPStatus
from typing import Annotated, Literal
from urllib.parse import parse_qsl

import msgspec
from aiohttp import web

from app.api.archives import ARCHIVE, READING, REFUSES, serve_archive
from app.api.folders import decode_place, encode_place
from app.api.http import json_reply, prove, read_body, read_json, receiving
from app.api.origins import is_tls, refuse_foreign
from app.api.pages import page_reply
from app.api.routes import JSON, Access, Answer, Body, Routes
from app.api.serving import CONTENT, serve_content
from app.auth.link_passes import LIFETIME_S
from app.errors import (
    ForbiddenError,
    InvalidRequestError,
    NotFoundError,
    PreconditionFailedError,
    RangeNotSatisfiableError,
)
from app.keys import ANSWER, NETWORK, OWNER, SERVICES
from app.link_mode import Mode
from app.listing import Order, Sort
from app.services.budget import ENTRY_SIZE
from app.services.display import shown
from app.services.visits import Visit
from app.wire import WireId
from app.wire_links import LinkedFile, LinkedPage, PasswordRequest, VisitReply

routes = Routes()

COOKIE = "cairn_link"
_FORM = "application/x-www-form-urlencoded"
_HTML = "text/html"
_BASE = "../"
_PAGE = 1_000
_HIDDEN = {"X-Robots-Tag": "noindex, nofollow"}


class _Below(msgspec.Struct, forbid_unknown_fields=True):
    """Query of GET /s/{token} and …/archive.zip: a folder below what the link leads to, that itself if absent."""

    file_id: WireId | None = None


class _Content(msgspec.Struct, forbid_unknown_fields=True):
    """Query of GET /s/{token}/content."""

    file_id: WireId | None = None
    download: Literal["0", "1"] = "0"


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
async def show_link(request: web.Request, query: _Below) -> web.Response:
    """Show what a link is: to programs that ask for JSON as such, else as a page."""
    if JSON in request.headers.get("Accept", ""):
        reply = json_reply(VisitReply.of(await visit_of(request)))
    else:
        reply = await _show_page(request, query.file_id)
    reply.headers.update({"Vary": "Accept", **_HIDDEN})
    return reply


@routes.post(
    "/s/{token}/password",
    access=Access.LINK,
    checks_secret=True,
    body=Body({JSON: (PasswordRequest,), _FORM: (PasswordRequest,)}),
    answers=(
        Answer(HTTPStatus.NO_CONTENT, {}, ("Set-Cookie",)),
        Answer(HTTPStatus.SEE_OTHER, {}, ("Set-Cookie", "Location")),
        Answer(HTTPStatus.FORBIDDEN, {_HTML: ()}),
    ),
    refuses=(ForbiddenError,),
)
async def show_password(request: web.Request) -> web.Response:
    """Show a link's password, which gives a cookie for that link."""
    refuse_foreign(request)
    visit, is_form = await visit_of(request), request.content_type == _FORM
    body = await (_read_form(request) if is_form else read_json(request, PasswordRequest))
    try:
        passed = await request.app[SERVICES].visits.show_password(visit, body.password, request[NETWORK])
    except ForbiddenError as error:
        if is_form:
            return _password_page(request, problem=str(error))
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
    content = await services.downloads.content(visit.actor, view.file_id, None, download=query.download == "1")
    with services.calls.running(visit.actor, request.transport):
        return await serve_content(
            request, content, begins=lambda first: services.visits.count(visit, first, request[NETWORK])
        )


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
    view = await services.visits.look(visit, query.file_id)
    opening = services.archives.open(request[OWNER], visit.actor, view.file_id, services.visits.check(visit))
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


def _password_page(request: web.Request, *, problem: str | None) -> web.Response:
    status = HTTPStatus.OK if problem is None else HTTPStatus.FORBIDDEN
    base = _BASE if problem is None else f"../{_BASE}"
    action = f"{base}s/{request.match_info['token']}/password"
    return page_reply(request, "link_password.html", base=base, status=status, action=action, problem=problem)


async def _show_page(request: web.Request, file_id: str | None) -> web.Response:
    try:
        visit = await visit_of(request)
        return await _page(request, visit, file_id) if visit.is_open else _password_page(request, problem=None)
    except NotFoundError as error:
        return page_reply(request, "link_dead.html", base=_BASE, status=HTTPStatus.NOT_FOUND, problem=str(error))


async def _page(request: web.Request, visit: Visit, file_id: str | None) -> web.Response:
    services, token = request.app[SERVICES], request.match_info["token"]
    if visit.link.mode is Mode.DROP:
        return page_reply(
            request,
            "link_drop.html",
            base=_BASE,
            name=shown(visit.name),
            action=f"{token}/upload",
            sent=0,
            problem=None,
        )
    view = await services.visits.look(visit, file_id)
    files: list[LinkedFile] = []
    end = None
    if view.listed.node.is_folder:
        views, end = await services.visits.children(visit, file_id, sort="name", order="asc", after=None, limit=_PAGE)
        files = [
            msgspec.structs.replace(LinkedFile.of(child), name=shown(LinkedFile.of(child).name)) for child in views
        ]
    return page_reply(
        request,
        "link.html",
        base=_BASE,
        token=token,
        name=shown(view.path.rpartition("/")[2] or visit.name),
        size=_size_text(view.listed.size),
        file_id=file_id,
        is_folder=view.listed.node.is_folder,
        files=files,
        is_cut=end is not None,
        size_text=_size_text,
    )


def _size_text(size: int) -> str:
    """Return a size as people read it."""
    amount, unit = float(size), "bytes"
    for unit in ("bytes", "kB", "MB", "GB", "TB"):
        if amount < 1000 or unit == "TB":  # noqa: PLR2004 - the next unit
            break
        amount /= 1000
    return f"{size} bytes" if unit == "bytes" else f"{amount:.1f} {unit}"


async def _read_form(request: web.Request) -> PasswordRequest:
    with receiving(request) as lease:
        body = await read_body(request, lease)
    try:
        fields = dict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=2, errors="strict"))
    except ValueError as error:
        raise InvalidRequestError("The body is no form of this page.") from error
    return msgspec.convert(fields, PasswordRequest)
