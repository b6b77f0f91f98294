"""The page on which the first admin is made, once."""

from http import HTTPStatus

from aiohttp import web

from app.api.http import URLENCODED, json_reply, read_form, read_json
from app.api.pages import page_reply, words_for
from app.api.routes import JSON, Access, Answer, Body, Routes
from app.errors import InvalidRequestError, NameTakenError
from app.keys import NETWORK, SERVICES
from app.wire_accounts import SetUpForm, SetUpReply, SetUpRequest

routes = Routes()

_HTML = "text/html"


@routes.get("/setup/{token}", access=Access.SETUP, checks_secret=True, answers=(Answer(HTTPStatus.OK, {_HTML: ()}),))
async def show_set_up(request: web.Request) -> web.Response:
    """Show the form to whoever has the token."""
    request.app[SERVICES].setup.check(request.match_info["token"], request[NETWORK])
    return page_reply(request, "setup.html", username="", problem=None)


@routes.post(
    "/setup/{token}",
    access=Access.SETUP,
    checks_secret=True,
    body=Body({JSON: (SetUpRequest,), URLENCODED: (SetUpForm,)}),
    answers=(
        Answer(HTTPStatus.CREATED, {JSON: (SetUpReply,), _HTML: ()}),
        Answer(HTTPStatus.BAD_REQUEST, {_HTML: ()}),
    ),
    refuses=(NameTakenError,),
)
async def set_up(request: web.Request) -> web.Response:
    """Make the first admin, from the form or from JSON."""
    request.app[SERVICES].setup.check(request.match_info["token"], request[NETWORK])
    if request.content_type != URLENCODED:
        body = await read_json(request, SetUpRequest)
        await _complete(request, body.username, body.password)
        return json_reply(SetUpReply(body.username), HTTPStatus.CREATED)
    form = await read_form(request, SetUpForm)
    try:
        form.check()
        await _complete(request, form.username, form.password)
    except (InvalidRequestError, NameTakenError) as error:
        return page_reply(
            request,
            "setup.html",
            status=HTTPStatus.BAD_REQUEST,
            username=form.username,
            problem=words_for(request, error),
        )
    return page_reply(request, "setup_done.html", status=HTTPStatus.CREATED, username=form.username)


async def _complete(request: web.Request, username: str, password: str) -> None:
    services = request.app[SERVICES]
    await services.setup.complete(request.match_info["token"], username, password, request[NETWORK])
