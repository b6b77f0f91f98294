"""The wire as the client reads it: members of shared folders."""

from typing import Literal

import msgspec

RoleName = Literal["viewer", "editor", "owner"]


class ShareRequest(msgspec.Struct, frozen=True):
    """Body of POST /api/v1/files/{id}/members."""

    username: str
    role: RoleName


class RoleRequest(msgspec.Struct, frozen=True):
    """Body of PATCH /api/v1/files/{id}/members/{username}."""

    role: RoleName


class Member(msgspec.Struct, frozen=True):
    """One member of a shared folder."""

    username: str
    role: str


class MemberPage(msgspec.Struct, frozen=True):
    """A page of members, the owner first; `next` is null on the last."""

    items: list[Member]
    next: str | None = None
