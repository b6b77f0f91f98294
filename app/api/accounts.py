"""Handlers of identity: sign in and out, prove it again, change the password, look at oneself."""

from http import HTTPStatus

from aiohttp import web

from app.api.credentials import cookie_name, remove_cookie, set_cookie
from app.api.http import json_reply
from app.api.origins import require_own
from app.api.routes import JSON, Access, Answer, Routes
from app.auth.agents import browser_name
from app.auth.tokens import csrf_token_of
from app.errors import ForbiddenError, LimitReachedError, TotpRequiredError, UnauthenticatedError
from app.keys import ACTOR, CSRF, NETWORK, SERVICES
from app.version import VERSION
from app.wire_accounts import (
    LoginReply,
    LoginRequest,
    PasswordRequest,
    PreferencesReply,
    PreferencesRequest,
    ProfileReply,
    ReauthRequest,
    ServerReply,
    SessionReply,
    SessionRequest,
)

routes = Routes()


@routes.post(
    "/api/v1/login",
    access=Access.PUBLIC,
    checks_secret=True,
    status=HTTPStatus.CREATED,
    refuses=(UnauthenticatedError, TotpRequiredError, LimitReachedError),
)
async def log_in(request: web.Request, body: LoginRequest) -> LoginReply:
    """Exchange name and password for a device's token."""
    device = await request.app[SERVICES].sign_in.login(
        body.username,
        body.password,
        request[NETWORK],
        device_name=body.device_name,
        install_id=body.install_id,
        totp=body.totp,
    )
    return LoginReply.of(device)


@routes.post(
    "/api/v1/session",
    access=Access.PUBLIC,
    checks_secret=True,
    answers=(Answer(HTTPStatus.CREATED, {JSON: (SessionReply,)}, ("Set-Cookie",)),),
    refuses=(UnauthenticatedError, TotpRequiredError, ForbiddenError),
)
async def open_session(request: web.Request, body: SessionRequest) -> web.Response:
    """Sign a browser in: the session is a cookie that no script reads; the one that it showed ends.

    Only for pages of this server: the browser must name an own `Origin`, or `Sec-Fetch-Site: same-origin`.
    """
    require_own(request)
    made = await request.app[SERVICES].sign_in.open_session(
        body.username,
        body.password,
        body.totp,
        request[NETWORK],
        name=body.device_name or browser_name(request.headers.get("User-Agent", "")),
        presented=request.cookies.get(cookie_name(request)),
    )
    response = json_reply(SessionReply.of(made, csrf_token_of(made.token)), HTTPStatus.CREATED)
    set_cookie(request, response, made.token, lasts=body.remember)
    return response


@routes.post("/api/v1/reauth", access=Access.ACCOUNT, checks_secret=True, refuses=(TotpRequiredError,))
async def prove_again(request: web.Request, body: ReauthRequest) -> None:
    """Take the password again as proof that its owner sits at this device."""
    sign_in = request.app[SERVICES].sign_in
    await sign_in.reauth(request[ACTOR], body.password, body.totp, request[NETWORK])


@routes.post("/api/v1/password", access=Access.ACCOUNT, checks_secret=True, refuses=(TotpRequiredError,))
async def change_password(request: web.Request, body: PasswordRequest) -> None:
    """Change the caller's password. All other sessions end, and unless it says otherwise all other devices too."""
    await request.app[SERVICES].sign_in.change_password(
        request[ACTOR], body.current, body.new, totp=body.totp, end_devices=body.end_devices
    )


@routes.post("/api/v1/logout", access=Access.ACCOUNT, answers=(Answer(HTTPStatus.NO_CONTENT),))
async def log_out(request: web.Request) -> web.Response:
    """End the token or the session that this call carries."""
    await request.app[SERVICES].sign_in.logout(request[ACTOR])
    response = web.Response(status=HTTPStatus.NO_CONTENT)
    if CSRF in request:
        remove_cookie(request, response)
    return response


@routes.get("/api/v1/me", access=Access.ACCOUNT)
async def show_self(request: web.Request) -> ProfileReply:
    """Tell who asks, what is theirs, and what a client must know of this server."""
    services = request.app[SERVICES]
    profile = await services.accounts.profile(request[ACTOR])
    configured = services.settings.server
    server = ServerReply(configured.name, VERSION, configured.public_url)
    limits = services.settings.limits
    return ProfileReply.of(profile, server, chunks_per_file=limits.chunks_per_file, csrf_token=request.get(CSRF))


@routes.patch("/api/v1/me", access=Access.ACCOUNT)
async def change_preferences(request: web.Request, body: PreferencesRequest) -> PreferencesReply:
    """Change how the pages shall be for the asker."""
    wanted = await request.app[SERVICES].preferences.change(request[ACTOR], body.wishes())
    return PreferencesReply.of(wanted)
