"""The page on which the first admin is made, once."""

from http import HTTPStatus
from urllib.parse import parse_qsl

import msgspec
from aiohttp import web

from app.api.http import json_reply, read_body, read_json, receiving
from app.api.pages import page_reply
from app.api.routes import JSON, Access, Answer, Body, Routes
from app.errors import InvalidRequestError, NameTakenError
from app.keys import NETWORK, SERVICES
from app.wire_accounts import SetUpForm, SetUpReply, SetUpRequest

routes = Routes()

_FORM = "application/x-www-form-urlencoded"
_HTML = "text/html"
_MOST_FIELDS = 8
_BASE = "../"


@routes.get("/setup/{token}", access=Access.SETUP, checks_secret=True, answers=(Answer(HTTPStatus.OK, {_HTML: ()}),))
async def show_set_up(request: web.Request) -> web.Response:
    """Show the form to whoever has the token."""
    request.app[SERVICES].setup.check(request.match_info["token"], request[NETWORK])
    return page_reply(request, "setup.html", base=_BASE, username="", problem=None)


@routes.post(
    "/setup/{token}",
    access=Access.SETUP,
    checks_secret=True,
    body=Body({JSON: (SetUpRequest,), _FORM: (SetUpForm,)}),
    answers=(
        Answer(HTTPStatus.CREATED, {JSON: (SetUpReply,), _HTML: ()}),
        Answer(HTTPStatus.BAD_REQUEST, {_HTML: ()}),
    ),
    refuses=(NameTakenError,),
)
async def set_up(request: web.Request) -> web.Response:
    """Make the first admin, from the form or from JSON."""
    request.app[SERVICES].setup.check(request.match_info["token"], request[NETWORK])
    if request.content_type != _FORM:
        body = await read_json(request, SetUpRequest)
        await _complete(request, body.username, body.password)
        return json_reply(SetUpReply(body.username), HTTPStatus.CREATED)
    form = await _read_form(request)
    try:
        form.check()
        await _complete(request, form.username, form.password)
    except (InvalidRequestError, NameTakenError) as error:
        return page_reply(
            request, "setup.html", base=_BASE, status=HTTPStatus.BAD_REQUEST, username=form.username, problem=str(error)
        )
    return page_reply(request, "setup_done.html", base=_BASE, status=HTTPStatus.CREATED, username=form.username)


async def _complete(request: web.Request, username: str, password: str) -> None:
    services = request.app[SERVICES]
    await services.setup.complete(request.match_info["token"], username, password, request[NETWORK])


async def _read_form(request: web.Request) -> SetUpForm:
    with receiving(request) as lease:
        body = await read_body(request, lease)
    try:
        fields = dict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=_MOST_FIELDS, errors="strict"))
    except ValueError as error:
        raise InvalidRequestError("The body is no form of this page.") from error
    return msgspec.convert(fields, SetUpForm)
