"""The page to sign in on, and for who has signed in the shell, in which scripts show everything else."""

import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

from aiohttp import web

from app.api.credentials import cookie_name, session_of, set_cookie
from app.api.http import URLENCODED, read_form
from app.api.origins import require_own
from app.api.pages import page_reply
from app.api.routes import Access, Answer, Body, Routes
from app.auth.agents import browser_name
from app.errors import (
    AppError,
    ForbiddenError,
    RateLimitedError,
    TotpRequiredError,
    UnauthenticatedError,
    UnavailableError,
)
from app.keys import CSRF, NETWORK, SERVICES
from app.problems import status_of
from app.wire_accounts import SignInForm

routes = Routes()

PLACES: Final = ("files", "photos", "shared", "trash", "search", "settings", "admin")
"""What stands first in the path of a page of the shell; what follows is for its scripts."""
_PLACE = re.compile(rf"(?:{'|'.join(PLACES)})(?:[/?][!-\[\]-~]*)?")
_UPWARDS = re.compile(r"/(?:\.|%2e){1,2}(?:/|\?|$)", re.IGNORECASE)  # browsers take %2e for a dot there
_HTML = "text/html"
_PAGE = (Answer(HTTPStatus.OK, {_HTML: ()}),)
_PROBLEMS: Mapping[type[AppError], str] = {
    TotpRequiredError: "login.wrong_code",
    UnauthenticatedError: "login.wrong",
    RateLimitedError: "login.throttled",
    UnavailableError: "login.busy",
}


async def show(request: web.Request) -> web.Response:
    """Show the page to sign in on, or to whoever has signed in the shell."""
    services, actor = request.app[SERVICES], await session_of(request)
    if actor is None:
        place = request.rel_url.raw_path_qs.lstrip("/")
        return _sign_in_page(request, SignInForm("", "", remember="1", next=place if _is_place(place) else ""))
    wanted = await services.preferences.of(actor)
    return page_reply(
        request,
        "shell.html",
        view=request.path.split("/")[1] or PLACES[0],
        language=wanted.language,
        theme=wanted.theme,
        shortcuts=wanted.shortcuts,
        username=actor.username,
        is_admin=actor.is_admin,
        csrf_token=request[CSRF],
    )


routes.get("/", access=Access.PUBLIC, answers=_PAGE)(show)
for _place in PLACES:
    routes.get(f"/{_place}", access=Access.PUBLIC, answers=_PAGE, is_published=False)(show)
    routes.get(
        f"/{_place}/{{place}}",
        access=Access.PUBLIC,
        answers=_PAGE,
        is_published=False,
        pattern=f"/{_place}/{{place:(?s:.*)}}",
    )(show)


@routes.post(
    "/",
    access=Access.PUBLIC,
    checks_secret=True,
    body=Body({URLENCODED: (SignInForm,)}),
    answers=(
        Answer(HTTPStatus.SEE_OTHER, {}, ("Set-Cookie", "Location")),
        *(
            Answer(status, {_HTML: ()})
            for status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE)
        ),
    ),
    refuses=(ForbiddenError,),
)
async def sign_in_by_form(request: web.Request) -> web.Response:
    """Sign a browser in from the form, without any script."""
    require_own(request)
    form = await read_form(request, SignInForm)
    try:
        made = await request.app[SERVICES].sign_in.open_session(
            form.username,
            form.password,
            form.totp or None,
            request[NETWORK],
            name=browser_name(request.headers.get("User-Agent", "")),
            presented=request.cookies.get(cookie_name(request)),
        )
    except (UnauthenticatedError, RateLimitedError, UnavailableError) as error:
        return _sign_in_page(request, form, error)
    reply = web.Response(status=HTTPStatus.SEE_OTHER)
    # To places of this server alone (security.md, C6): one that is none of the shell's leads to its beginning.
    reply.headers["Location"] = f"./{form.next}" if _is_place(form.next) else "./"
    set_cookie(request, reply, made.token, lasts=form.remember is not None)
    return reply


def _is_place(text: str) -> bool:
    return _PLACE.fullmatch(text) is not None and not _UPWARDS.search(text)


def _sign_in_page(request: web.Request, form: SignInForm, error: AppError | None = None) -> web.Response:
    """Show the form, after a refusal with what was wrong; a password is never shown back."""
    needs_code = isinstance(error, TotpRequiredError)
    problem = None if error is None else _PROBLEMS[type(error)]
    if needs_code and not form.totp:
        problem = "login.code_needed"
    wait_s = error.retry_after_s if isinstance(error, RateLimitedError) else 0
    reply = page_reply(
        request,
        "login.html",
        status=HTTPStatus.OK if error is None else status_of(type(error)) or HTTPStatus.BAD_REQUEST,
        username=form.username,
        next=form.next,
        remember=form.remember is not None,
        needs_code=needs_code,
        problem=problem,
        wait_s=wait_s,
    )
    if wait_s:
        reply.headers["Retry-After"] = str(wait_s)
    return reply
