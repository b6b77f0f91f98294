"""The page on which the first admin is made, once."""

from base64 import b64encode
from http import HTTPStatus

from aiohttp import web

from app.api.http import URLENCODED, json_reply, read_form, read_json
from app.api.link_page import size_text
from app.api.origins import is_tls
from app.api.pages import language_of, page_reply, words_for
from app.api.qr import MEDIA_TYPE, drawn
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
    return await _form(request, HTTPStatus.OK)


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
        return await _form(request, HTTPStatus.BAD_REQUEST, username=form.username, problem=words_for(request, error))
    address = _address_of(request)
    return page_reply(
        request,
        "setup_done.html",
        status=HTTPStatus.CREATED,
        username=form.username,
        address=address,
        code=f"data:{MEDIA_TYPE};base64,{b64encode(drawn(address)).decode()}",
    )


async def _form(
    request: web.Request, status: HTTPStatus, *, username: str = "", problem: str | None = None
) -> web.Response:
    """Show the form, where files will be kept, and what is missing: whoever sets a server up sees it in time."""
    services = request.app[SERVICES]
    disk = (await services.supervision.look()).space
    speak = services.pages.texts.speaker(language_of(request))
    return page_reply(
        request,
        "setup.html",
        status=status,
        username=username,
        problem=problem,
        notices=[speak(f"notice.{one.missing}", about=one.about) for one in services.surroundings.notices()],
        folder=str(services.settings.data.folder.resolve()),
        free=size_text(max(0, disk.free - disk.kept), speak("link.decimal")),
    )


def _address_of(request: web.Request) -> str:
    """Return the address by which people reach this server: the one that is set, else that of this page."""
    told = request.app[SERVICES].settings.server.public_url
    if told:
        return f"{told.rstrip('/')}/"
    return f"{'https' if is_tls(request) else 'http'}://{request.host}/"


async def _complete(request: web.Request, username: str, password: str) -> None:
    services = request.app[SERVICES]
    await services.setup.complete(request.match_info["token"], username, password, request[NETWORK])
