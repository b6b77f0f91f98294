"""JSON bodies about the members of shared folders."""

from typing import Annotated, Literal, Self

import msgspec
from msgspec import Meta, Struct

from app.services.access import Role
from app.services.sharing import MemberView
from app.wire import Request

RoleName = Literal["viewer", "editor", "owner"]
Username = Annotated[str, Meta(min_length=1, max_length=255)]


def role_of(name: RoleName) -> Role:
    """Return the role with this name."""
    return Role[name.upper()]


class ShareRequest(Request, frozen=True):
    """Body of POST /api/v1/files/{id}/members."""

    username: Username
    role: RoleName


class RoleRequest(Request, frozen=True):
    """Body of PATCH /api/v1/files/{id}/members/{username}."""

    role: RoleName


class Member(Struct, frozen=True):
    """One member of a shared folder."""

    username: str
    role: RoleName

    @classmethod
    def of(cls, member: MemberView) -> Self:
        """Show `member`."""
        return cls(member.username, msgspec.convert(member.role.name.lower(), type=RoleName))


class MemberPage(Struct, frozen=True):
    """All members of a folder, its owner first; there are at most 500, so that `next` is always null."""

    items: list[Member]
    next: str | None = None
