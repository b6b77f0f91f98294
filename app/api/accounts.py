"""Handlers of identity: log in and out, prove it again, look at oneself, list and revoke devices."""

from http import HTTPStatus
from typing import Annotated

import msgspec
from aiohttp import web

from app.api.routes import Access, Routes
from app.errors import LimitReachedError, UnauthenticatedError
from app.keys import ACTOR, NETWORK, SERVICES
from app.version import VERSION
from app.wire_accounts import (
    DevicePage,
    DeviceReply,
    LoginReply,
    LoginRequest,
    ProfileReply,
    ReauthRequest,
    ServerReply,
)

routes = Routes()


class _Devices(msgspec.Struct, forbid_unknown_fields=True):
    """Query of GET /api/v1/devices."""

    limit: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 1_000
    after: Annotated[str, msgspec.Meta(max_length=64)] | None = None


@routes.post(
    "/api/v1/login",
    access=Access.PUBLIC,
    status=HTTPStatus.CREATED,
    refuses=(UnauthenticatedError, LimitReachedError),
)
async def log_in(request: web.Request, body: LoginRequest) -> LoginReply:
    """Exchange name and password for a device's token."""
    device = await request.app[SERVICES].authentication.login(
        body.username,
        body.password,
        request[NETWORK],
        device_name=body.device_name,
        install_id=body.install_id,
    )
    return LoginReply.of(device)


@routes.post("/api/v1/reauth", access=Access.ACCOUNT)
async def prove_again(request: web.Request, body: ReauthRequest) -> None:
    """Take the password again as proof that its owner sits at this device."""
    await request.app[SERVICES].authentication.reauth(request[ACTOR], body.password, request[NETWORK])


@routes.post("/api/v1/logout", access=Access.ACCOUNT)
async def log_out(request: web.Request) -> None:
    """End the token that this call carries."""
    await request.app[SERVICES].authentication.logout(request[ACTOR])


@routes.get("/api/v1/me", access=Access.ACCOUNT)
async def show_self(request: web.Request) -> ProfileReply:
    """Tell who asks, what is theirs, and what a client must know of this server."""
    services = request.app[SERVICES]
    profile = await services.accounts.profile(request[ACTOR])
    server = ServerReply(services.settings.server.name, VERSION)
    limits = services.settings.limits
    return ProfileReply.of(profile, server, chunks_per_file=limits.chunks_per_file)


@routes.get("/api/v1/devices", access=Access.ACCOUNT)
async def list_devices(request: web.Request, query: _Devices) -> DevicePage:
    """List a page of the caller's devices."""
    actor = request[ACTOR]
    rows = await request.app[SERVICES].authentication.list_devices(actor, after=query.after, limit=query.limit)
    items = [DeviceReply.of(row, current=row.id == actor.id) for row in rows]
    return DevicePage(items, items[-1].device_id if len(items) == query.limit else None)


@routes.delete("/api/v1/devices/{device_id}", access=Access.ACCOUNT)
async def revoke_device(request: web.Request) -> None:
    """End one of the caller's devices at once."""
    await request.app[SERVICES].authentication.revoke_device(request[ACTOR], request.match_info["device_id"])
