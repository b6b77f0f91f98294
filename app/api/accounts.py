"""Handlers of identity: log in and out, prove it again, look at oneself, list and revoke devices."""

from http import HTTPStatus
from typing import Annotated

import msgspec
from aiohttp import web

from app.api.http import Access, Routes, json_reply, query, read_json
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


@routes.post("/api/v1/login", access=Access.PUBLIC)
async def log_in(request: web.Request) -> web.Response:
    """Exchange name and password for a device's token."""
    body = await read_json(request, LoginRequest)
    device = await request.app[SERVICES].authentication.login(
        body.username,
        body.password,
        request[NETWORK],
        device_name=body.device_name,
        install_id=body.install_id,
    )
    return json_reply(LoginReply.of(device), HTTPStatus.CREATED)


@routes.post("/api/v1/reauth", access=Access.ACCOUNT)
async def prove_again(request: web.Request) -> web.Response:
    """Take the password again as proof that its owner sits at this device."""
    body = await read_json(request, ReauthRequest)
    await request.app[SERVICES].authentication.reauth(request[ACTOR], body.password, request[NETWORK])
    return web.Response(status=HTTPStatus.NO_CONTENT)


@routes.post("/api/v1/logout", access=Access.ACCOUNT)
async def log_out(request: web.Request) -> web.Response:
    """End the token that this call carries."""
    await request.app[SERVICES].authentication.logout(request[ACTOR])
    return web.Response(status=HTTPStatus.NO_CONTENT)


@routes.get("/api/v1/me", access=Access.ACCOUNT)
async def show_self(request: web.Request) -> web.Response:
    """Tell who asks, what is theirs, and what a client must know of this server."""
    services = request.app[SERVICES]
    profile = await services.accounts.profile(request[ACTOR])
    server = ServerReply(services.settings.server.name, VERSION)
    limits = services.settings.limits
    return json_reply(ProfileReply.of(profile, server, chunks_per_file=limits.chunks_per_file))


@routes.get("/api/v1/devices", access=Access.ACCOUNT)
async def list_devices(request: web.Request) -> web.Response:
    """List a page of the caller's devices."""
    asked, actor = query(request, _Devices), request[ACTOR]
    rows = await request.app[SERVICES].authentication.list_devices(actor, after=asked.after, limit=asked.limit)
    items = [DeviceReply.of(row, current=row.id == actor.id) for row in rows]
    return json_reply(DevicePage(items, items[-1].device_id if len(items) == asked.limit else None))


@routes.delete("/api/v1/devices/{device_id}", access=Access.ACCOUNT)
async def revoke_device(request: web.Request) -> web.Response:
    """End one of the caller's devices at once."""
    await request.app[SERVICES].authentication.revoke_device(request[ACTOR], request.match_info["device_id"])
    return web.Response(status=HTTPStatus.NO_CONTENT)
