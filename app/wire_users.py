"""The JSON bodies of managing accounts: users, invitations, resets, the audit log.

Sizes are bytes, `…_ms` Unix milliseconds.
"""

from collections.abc import Mapping
from typing import Annotated, Self

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from app.ids import encode_id
from app.repositories.audit import Line
from app.repositories.invitations import Invitation, Terms
from app.services.accounts import LARGEST_QUOTA, Account, Changes, Unchanged
from app.services.invitations import DAYS, MOST_DAYS, Invited, NewInvitation
from app.services.resets import NewCode
from app.wire import Request
from app.wire_accounts import Username

Quota = Annotated[int, Meta(ge=0, le=LARGEST_QUOTA)]
Days = Annotated[int, Meta(ge=1, le=MOST_DAYS)]
Code = Annotated[str, Meta(max_length=64)]


class NewUserRequest(Request, frozen=True):
    """Body of POST /api/v1/users; a `quota` of null is no limit."""

    username: Username
    password: str
    is_admin: bool = False
    quota: Quota | None = None


class ChangeUserRequest(Request, frozen=True):
    """Body of PATCH /api/v1/users/{username}: what is named changes, all of it or nothing."""

    quota: Quota | UnsetType | None = UNSET
    is_admin: bool | UnsetType = UNSET
    disabled: bool | UnsetType = UNSET

    def changes(self) -> Changes:
        """Return what is asked for."""
        return Changes(
            quota=Unchanged.UNCHANGED if self.quota is UNSET else self.quota,
            is_admin=None if self.is_admin is UNSET else self.is_admin,
            is_disabled=None if self.disabled is UNSET else self.disabled,
        )


class AccountReply(Struct, frozen=True):
    """An account as admins see it; `quota` is null where there is no limit, `last_used_ms` where nobody signed in."""

    user_id: str
    username: str
    is_admin: bool
    disabled: bool
    quota: int | None
    used: int
    created_ms: int
    last_used_ms: int | None

    @classmethod
    def of(cls, account: Account) -> Self:
        """Show `account`."""
        user = account.user
        return cls(
            encode_id(user.id, user.tag),
            user.name,
            bool(user.is_admin),
            user.disabled_ms is not None,
            account.quota,
            account.used,
            user.created_ms,
            account.last_used_ms,
        )


class AccountPage(Struct, frozen=True):
    """A page of accounts; `next` is what `after` takes, null at the end."""

    items: list[AccountReply]
    next: str | None


class InvitationRequest(Request, frozen=True):
    """Body of POST /api/v1/invitations: what the account will be, and for how many days the link works."""

    username: Username | None = None
    is_admin: bool = False
    quota: Quota | None = None
    days: Days = DAYS

    def terms(self) -> Terms:
        """Return what the account will be."""
        return Terms(self.username, self.quota, self.is_admin)


class InvitationReply(Struct, frozen=True):
    """An open invitation as admins see it; `made_by` is null for one made on the server's machine."""

    invitation_id: str
    username: str | None
    is_admin: bool
    quota: int | None
    made_by: str | None
    created_ms: int
    expires_ms: int

    @classmethod
    def of(cls, invited: Invited) -> Self:
        """Show `invited`."""
        made, terms = invited.invitation, invited.invitation.terms
        return cls(
            invited.invitation_id,
            terms.username,
            terms.is_admin,
            terms.quota,
            invited.made_by,
            made.created_ms,
            made.expires_ms,
        )


class NewInvitationReply(Struct, frozen=True):
    """A new invitation; its `url` is shown this once."""

    invitation_id: str
    url: str
    expires_ms: int

    @classmethod
    def of(cls, made: NewInvitation, public_url: str) -> Self:
        """Show `made`, with an absolute URL if the server has a public one."""
        url = public_url.rstrip("/") + made.path
        return cls(made.invited.invitation_id, url, made.invited.invitation.expires_ms)


class InvitationPage(Struct, frozen=True):
    """A page of open invitations; `next` is what `after` takes, null at the end."""

    items: list[InvitationReply]
    next: str | None


class TermsReply(Struct, frozen=True):
    """An invitation as its guest sees it; `username` is null where the guest chooses."""

    server_name: str
    username: str | None
    is_admin: bool
    quota: int | None
    expires_ms: int

    @classmethod
    def of(cls, invitation: Invitation, server_name: str) -> Self:
        """Show `invitation`."""
        terms = invitation.terms
        return cls(server_name, terms.username, terms.is_admin, terms.quota, invitation.expires_ms)


class AcceptRequest(Request, frozen=True):
    """Body of POST /api/v1/invite/{token}; the name may be left out where the invitation has one."""

    password: str
    username: Username | None = None


class ResetReply(Struct, frozen=True):
    """A code with which its holder sets a new password, once; shown this once."""

    code: str
    expires_ms: int

    @classmethod
    def of(cls, made: NewCode) -> Self:
        """Show `made`."""
        return cls(made.code, made.expires_ms)


class ResetRequest(Request, frozen=True):
    """Body of POST /api/v1/reset."""

    username: Username
    code: Code
    password: str


class AuditLine(Struct, frozen=True):
    """One line of the audit log; `username` is null for a stranger, and, without an address, for the machine itself."""

    audit_id: str
    at_ms: int
    event: str
    username: str | None
    device_id: str | None
    address: str
    about: str
    outcome: str
    detail: Mapping[str, str | int | None]

    @classmethod
    def of(cls, line: Line) -> Self:
        """Show `line`."""
        known = line.actor_id is not None and line.actor_tag is not None
        return cls(
            str(line.id),
            line.at_ms,
            line.event,
            line.username,
            encode_id(line.actor_id or 0, line.actor_tag or b"") if known else None,
            line.address,
            line.about,
            line.outcome,
            msgspec.json.decode(line.detail, type=dict[str, str | int | None]),
        )


class AuditPage(Struct, frozen=True):
    """A page of the audit log, the newest first; `next` is what `after` takes, null at the end."""

    items: list[AuditLine]
    next: str | None
