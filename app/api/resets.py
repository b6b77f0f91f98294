"""The page on which a code from an admin becomes a new password."""

from http import HTTPStatus

from aiohttp import web

from app.api.http import URLENCODED, read_form
from app.api.origins import refuse_foreign
from app.api.pages import page_reply, words_for
from app.api.routes import Access, Answer, Body, Routes
from app.errors import InvalidRequestError, UnauthenticatedError
from app.keys import NETWORK, SERVICES
from app.problems import status_of
from app.wire_accounts import ResetForm

routes = Routes()

_HTML = "text/html"


@routes.get("/reset", access=Access.PUBLIC, answers=(Answer(HTTPStatus.OK, {_HTML: ()}),), is_published=False)
async def show_reset(request: web.Request) -> web.Response:
    """Show the form."""
    return page_reply(request, "reset.html", username="", problem=None)


@routes.post(
    "/reset",
    access=Access.PUBLIC,
    checks_secret=True,
    body=Body({URLENCODED: (ResetForm,)}),
    answers=(Answer(HTTPStatus.OK, {_HTML: ()}),),
    is_published=False,
)
async def reset_by_form(request: web.Request) -> web.Response:
    """Set the password from the form, as POST /api/v1/reset does."""
    refuse_foreign(request)
    form = await read_form(request, ResetForm)
    try:
        form.check()
        await request.app[SERVICES].resets.finish(form.username, form.code, form.password, request[NETWORK])
    except (InvalidRequestError, UnauthenticatedError) as error:
        return page_reply(
            request,
            "reset.html",
            status=status_of(type(error)) or HTTPStatus.BAD_REQUEST,
            username=form.username,
            problem=words_for(request, error),
        )
    return page_reply(request, "reset_done.html")
