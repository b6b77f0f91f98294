"""Handlers of invitations: made and ended by admins, accepted by whoever holds the link, in a browser or by JSON."""

from http import HTTPStatus
from typing import Annotated

import msgspec
from aiohttp import web

from app.api.http import URLENCODED, read_form
from app.api.pages import page_reply, words_for
from app.api.routes import Access, Answer, Body, Routes
from app.errors import InvalidRequestError, LimitReachedError, NameTakenError
from app.keys import ACTOR, NETWORK, SERVICES
from app.wire_accounts import SetUpForm, UserReply
from app.wire_users import (
    AcceptRequest,
    InvitationPage,
    InvitationReply,
    InvitationRequest,
    NewInvitationReply,
    TermsReply,
)

routes = Routes()

_HTML = "text/html"


class _Invitations(msgspec.Struct, forbid_unknown_fields=True):
    """Query of GET /api/v1/invitations."""

    limit: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 1_000
    after: Annotated[str, msgspec.Meta(max_length=64)] | None = None


@routes.post(
    "/api/v1/invitations",
    access=Access.ADMIN,
    proof=True,
    status=HTTPStatus.CREATED,
    refuses=(NameTakenError, LimitReachedError),
)
async def invite(request: web.Request, body: InvitationRequest) -> NewInvitationReply:
    """Make a link with which a guest makes one account, on these terms."""
    services = request.app[SERVICES]
    made = await services.invitations.make(body.terms(), days=body.days, by=request[ACTOR])
    return NewInvitationReply.of(made, services.settings.server.public_url)


@routes.get("/api/v1/invitations", access=Access.ADMIN)
async def list_invitations(request: web.Request, query: _Invitations) -> InvitationPage:
    """List a page of the open invitations; their links are shown to nobody again."""
    found = await request.app[SERVICES].invitations.list_page(after=query.after, limit=query.limit)
    items = [InvitationReply.of(invited) for invited in found]
    return InvitationPage(items, items[-1].invitation_id if len(items) == query.limit else None)


@routes.delete("/api/v1/invitations/{invitation_id}", access=Access.ADMIN)
async def end_invitation(request: web.Request) -> None:
    """End an invitation that nobody has accepted."""
    await request.app[SERVICES].invitations.end(request.match_info["invitation_id"], by=request[ACTOR])


@routes.get("/api/v1/invite/{token}", access=Access.PUBLIC, checks_secret=True)
async def look_at_invitation(request: web.Request) -> TermsReply:
    """Show the terms to whoever holds the link."""
    services = request.app[SERVICES]
    found = await services.invitations.look(request.match_info["token"], request[NETWORK])
    return TermsReply.of(found, services.settings.server.name)


@routes.post(
    "/api/v1/invite/{token}",
    access=Access.PUBLIC,
    checks_secret=True,
    status=HTTPStatus.CREATED,
    refuses=(NameTakenError,),
)
async def accept_invitation(request: web.Request, body: AcceptRequest) -> UserReply:
    """Make the account; the link is dead from then on."""
    token = request.match_info["token"]
    return UserReply.of(
        await request.app[SERVICES].invitations.accept(token, body.username, body.password, request[NETWORK])
    )


@routes.get("/invite/{token}", access=Access.PUBLIC, checks_secret=True, answers=(Answer(HTTPStatus.OK, {_HTML: ()}),))
async def show_invitation(request: web.Request) -> web.Response:
    """Show the form to whoever holds the link."""
    found = await request.app[SERVICES].invitations.look(request.match_info["token"], request[NETWORK])
    return _form(request, found.terms.username, found.terms.username or "", None, HTTPStatus.OK)


@routes.post(
    "/invite/{token}",
    access=Access.PUBLIC,
    checks_secret=True,
    body=Body({URLENCODED: (SetUpForm,)}),
    answers=(Answer(HTTPStatus.CREATED, {_HTML: ()}), Answer(HTTPStatus.BAD_REQUEST, {_HTML: ()})),
)
async def accept_by_form(request: web.Request) -> web.Response:
    """Make the account from the form."""
    invitations, token = request.app[SERVICES].invitations, request.match_info["token"]
    found = await invitations.look(token, request[NETWORK])
    form = await read_form(request, SetUpForm)
    try:
        form.check()
        user = await invitations.accept(token, form.username, form.password, request[NETWORK])
    except (InvalidRequestError, NameTakenError) as error:
        return _form(request, found.terms.username, form.username, words_for(request, error), HTTPStatus.BAD_REQUEST)
    return page_reply(request, "invite_done.html", status=HTTPStatus.CREATED, username=user.name)


def _form(
    request: web.Request, fixed: str | None, username: str, problem: str | None, status: HTTPStatus
) -> web.Response:
    return page_reply(request, "invite.html", status=status, fixed=fixed, username=username, problem=problem)
