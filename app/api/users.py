"""Handlers of managing accounts, for admins; whoever changes one has shown the password within ten minutes."""

from http import HTTPStatus
from typing import Annotated, Literal

import msgspec
from aiohttp import web

from app.api.routes import Access, Routes
from app.errors import InvalidRequestError, NameTakenError, UnauthenticatedError
from app.keys import ACTOR, NETWORK, SERVICES
from app.wire_users import (
    AccountPage,
    AccountReply,
    ChangeUserRequest,
    NewUserRequest,
    ResetReply,
    ResetRequest,
)

routes = Routes()


class _Users(msgspec.Struct, forbid_unknown_fields=True):
    """Query of GET /api/v1/users."""

    limit: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 1_000
    after: Annotated[str, msgspec.Meta(max_length=64)] = ""


class _Removal(msgspec.Struct, forbid_unknown_fields=True):
    """Query of DELETE /api/v1/users/{username}: what becomes of the files; `to` names who gets them."""

    files: Literal["delete", "transfer"]
    to: Annotated[str, msgspec.Meta(max_length=64)] | None = None

    def heir(self) -> str | None:
        """Return who gets the files; None where they go for good.

        Raises:
            InvalidRequestError: the two parameters do not go together.
        """
        if (self.files == "transfer") != (self.to is not None):
            raise InvalidRequestError("`to` names who gets the files, with `files=transfer` alone.")
        return self.to


@routes.get("/api/v1/users", access=Access.ADMIN)
async def list_users(request: web.Request, query: _Users) -> AccountPage:
    """List a page of the accounts, by name."""
    accounts = await request.app[SERVICES].accounts.list_page(after=query.after, limit=query.limit)
    items = [AccountReply.of(account) for account in accounts]
    return AccountPage(items, items[-1].username if len(items) == query.limit else None)


@routes.post("/api/v1/users", access=Access.ADMIN, proof=True, status=HTTPStatus.CREATED, refuses=(NameTakenError,))
async def create_user(request: web.Request, body: NewUserRequest) -> AccountReply:
    """Make an account with a password; an invitation lets its owner choose it."""
    accounts = request.app[SERVICES].accounts
    user = await accounts.create(
        body.username, body.password, is_admin=body.is_admin, quota=body.quota, by=request[ACTOR]
    )
    return AccountReply.of(await accounts.get(user.name))


@routes.get("/api/v1/users/{username}", access=Access.ADMIN)
async def show_user(request: web.Request) -> AccountReply:
    """Show one account."""
    return AccountReply.of(await request.app[SERVICES].accounts.get(request.match_info["username"]))


@routes.patch("/api/v1/users/{username}", access=Access.ADMIN, proof=True)
async def change_user(request: web.Request, body: ChangeUserRequest) -> AccountReply:
    """Change quota and role, disable or enable; all that a disabled user holds ends at once."""
    accounts = request.app[SERVICES].accounts
    return AccountReply.of(await accounts.change(request.match_info["username"], body.changes(), by=request[ACTOR]))


@routes.delete("/api/v1/users/{username}", access=Access.ADMIN, proof=True)
async def delete_user(request: web.Request, query: _Removal) -> None:
    """Delete an account; the name is free at once.

    With `files=delete` the home and the shared folders of the user go for good. With `files=transfer` they become
    another user's, the home as a folder, whatever that user's quota.
    """
    removal, name = request.app[SERVICES].removal, request.match_info["username"]
    await removal.delete(name, heir=query.heir(), by=request[ACTOR])


@routes.post("/api/v1/users/{username}/sign-out", access=Access.ADMIN, proof=True)
async def sign_out_user(request: web.Request) -> None:
    """End all devices, sessions and app passwords of an account at once; its password stays."""
    await request.app[SERVICES].accounts.sign_out(request.match_info["username"], by=request[ACTOR])


@routes.post("/api/v1/users/{username}/reset", access=Access.ADMIN, proof=True, status=HTTPStatus.CREATED)
async def begin_reset(request: web.Request) -> ResetReply:
    """Make a code, good for a day, with which the user sets a new password.

    An earlier code is void. Until it is used the account stays as it is.
    """
    services = request.app[SERVICES]
    return ResetReply.of(await services.resets.begin(request.match_info["username"], by=request[ACTOR]))


@routes.post("/api/v1/reset", access=Access.PUBLIC, checks_secret=True, refuses=(UnauthenticatedError,))
async def finish_reset(request: web.Request, body: ResetRequest) -> None:
    """Set a new password by a code from an admin.

    It ends all devices, sessions and app passwords of the user, and turns the second factor off.
    """
    await request.app[SERVICES].resets.finish(body.username, body.code, body.password, request[NETWORK])
