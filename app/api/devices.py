"""Handlers of what somebody is signed in with: devices, sessions and app passwords."""

from http import HTTPStatus
from typing import Annotated

import msgspec
from aiohttp import web

from app.api.routes import Access, Routes
from app.errors import ForbiddenError, InstallUnknownError, LimitReachedError, NotFoundError
from app.keys import ACTOR, SERVICES
from app.wire_accounts import (
    AppPasswordReply,
    AppPasswordRequest,
    DevicePage,
    DeviceReply,
    InstallationReply,
    InstallationRequest,
    OthersRequest,
)

routes = Routes()


class _Devices(msgspec.Struct, forbid_unknown_fields=True):
    """Query of GET /api/v1/devices."""

    limit: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 1_000
    after: Annotated[str, msgspec.Meta(max_length=64)] | None = None


@routes.get("/api/v1/devices", access=Access.ACCOUNT)
async def list_devices(request: web.Request, query: _Devices) -> DevicePage:
    """List a page of the caller's devices, sessions and app passwords."""
    actor = request[ACTOR]
    rows = await request.app[SERVICES].devices.list_page(actor, after=query.after, limit=query.limit)
    items = [DeviceReply.of(row, asks=actor.id) for row in rows]
    return DevicePage(items, items[-1].device_id if len(items) == query.limit else None)


@routes.delete("/api/v1/devices/{device_id}", access=Access.ACCOUNT)
async def revoke_device(request: web.Request) -> None:
    """End one of the caller's devices, sessions or app passwords at once."""
    await request.app[SERVICES].devices.revoke(request[ACTOR], request.match_info["device_id"])


@routes.post("/api/v1/devices/{device_id}/known", access=Access.ACCOUNT, refuses=(ForbiddenError,))
async def know_device(request: web.Request) -> None:
    """Say that one of the caller's devices, sessions or app passwords is their own: nobody is told of it any more."""
    await request.app[SERVICES].devices.know(request[ACTOR], request.match_info["device_id"])


@routes.post("/api/v1/devices/revoke-others", access=Access.ACCOUNT)
async def revoke_others(request: web.Request, body: OthersRequest) -> None:
    """End at once all of the caller's sessions and devices but the one that asks, and the app passwords if asked to."""
    await request.app[SERVICES].devices.revoke_others(request[ACTOR], app_passwords=body.app_passwords)


@routes.post(
    "/api/v1/installation",
    access=Access.ACCOUNT,
    refuses=(InstallUnknownError,),
    example=InstallationRequest(["mS3nFqW0bK8t", "u7Vd2LxJcYp1"]),
)
async def meet_installation(request: web.Request, body: InstallationRequest) -> InstallationReply:
    """Show at a start which installation of a device this is; a copy of the one that the server knows is refused.

    The names are random, and one is new each time. Those of earlier starts come before it, so that a server that was
    put back knows one of them.
    """
    return InstallationReply(await request.app[SERVICES].devices.meet(request[ACTOR], body.names))


@routes.post(
    "/api/v1/app-passwords",
    access=Access.ACCOUNT,
    proof=True,
    status=HTTPStatus.CREATED,
    refuses=(LimitReachedError, NotFoundError),
)
async def make_app_password(request: web.Request, body: AppPasswordRequest) -> AppPasswordReply:
    """Make a password for WebDAV and apps; it opens files alone, within its scope, and is shown this once."""
    made = await request.app[SERVICES].devices.make_app_password(request[ACTOR], body.name, body.scope)
    return AppPasswordReply(made.device_id, made.password)
