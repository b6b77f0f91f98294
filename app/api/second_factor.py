"""Handlers of the caller's second factor (RFC 6238) and its recovery codes."""

from http import HTTPStatus

from aiohttp import web

from app.api.routes import Access, Routes
from app.errors import ConflictError, TotpRequiredError
from app.keys import ACTOR, SERVICES
from app.wire_accounts import RecoveryReply, TotpCode, TotpCodeOnly, TotpEnrolment, TotpStatus

routes = Routes()


@routes.get("/api/v1/totp", access=Access.ACCOUNT)
async def show_totp(request: web.Request) -> TotpStatus:
    """Tell whether a second factor is on, and how many recovery codes are left."""
    return TotpStatus(*await request.app[SERVICES].second_factor.status(request[ACTOR]))


@routes.post("/api/v1/totp", access=Access.ACCOUNT, proof=True, status=HTTPStatus.CREATED, refuses=(ConflictError,))
async def begin_totp(request: web.Request) -> TotpEnrolment:
    """Make a secret for an authenticator app; it counts once its first code is shown to `confirm`."""
    made = await request.app[SERVICES].second_factor.enrol(request[ACTOR])
    return TotpEnrolment(made.secret, made.uri)


@routes.post(
    "/api/v1/totp/confirm",
    access=Access.ACCOUNT,
    proof=True,
    checks_secret=True,
    refuses=(ConflictError, TotpRequiredError),
)
async def confirm_totp(request: web.Request, body: TotpCode) -> RecoveryReply:
    """Turn the second factor on and end all other sessions; the recovery codes are shown this once."""
    second_factor = request.app[SERVICES].second_factor
    return RecoveryReply(await second_factor.confirm(request[ACTOR], body.code, end_devices=body.end_devices))


@routes.post(
    "/api/v1/totp/disable",
    access=Access.ACCOUNT,
    proof=True,
    checks_secret=True,
    refuses=(ConflictError, TotpRequiredError),
)
async def disable_totp(request: web.Request, body: TotpCode) -> None:
    """Turn the second factor off with one of its codes or a recovery code, and end all other sessions."""
    second_factor = request.app[SERVICES].second_factor
    await second_factor.remove(request[ACTOR], body.code, end_devices=body.end_devices)


@routes.post(
    "/api/v1/totp/recovery-codes",
    access=Access.ACCOUNT,
    proof=True,
    checks_secret=True,
    refuses=(ConflictError, TotpRequiredError),
)
async def renew_recovery_codes(request: web.Request, body: TotpCodeOnly) -> RecoveryReply:
    """Make new recovery codes in place of the old ones."""
    return RecoveryReply(await request.app[SERVICES].second_factor.renew_recovery(request[ACTOR], body.code))
