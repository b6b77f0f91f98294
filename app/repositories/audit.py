"""The audit log: who did what about accounts, rights and secrets, when, from where, and how it ended (security.md, E2).

Rows are appended in the transaction of what they tell. There is no call that changes or removes one.
"""

from collections.abc import Mapping
from enum import StrEnum

import msgspec

from app.db.transaction import Transaction

_INSERT = """
    INSERT INTO audit (at_ms, event, user_id, actor_id, address, object, outcome, detail)
    VALUES (:now, :event, :user, :actor, :address, :object, :outcome, :detail)
"""


class Event(StrEnum):
    """What is worth a line."""

    LOGIN = "login"
    LOGOUT = "logout"
    REAUTH = "reauth"
    DEVICE_REVOKED = "device_revoked"
    APP_PASSWORD_MADE = "app_password_made"  # noqa: S105 - a name
    PASSWORD_CHANGED = "password_changed"  # noqa: S105 - a name
    TOTP_ENABLED = "totp_enabled"
    TOTP_DISABLED = "totp_disabled"
    RECOVERY_USED = "recovery_used"
    INVITED = "invited"
    USER_CREATED = "user_created"
    USER_DISABLED = "user_disabled"
    USER_ENABLED = "user_enabled"
    USER_DELETED = "user_deleted"
    RESET_STARTED = "reset_started"
    QUOTA_SET = "quota_set"
    ADMIN_SET = "admin_set"
    SHARED = "shared"
    ROLE_SET = "role_set"
    MEMBER_REMOVED = "member_removed"
    OWNER_SET = "owner_set"
    LINK_MADE = "link_made"
    LINK_CHANGED = "link_changed"
    LINK_ENDED = "link_ended"
    REWOUND = "rewound"
    UNDONE = "undone"


def append(
    tx: Transaction,
    event: Event,
    *,
    user_id: int | None,
    actor_id: int | None,
    address: str,
    about: str,
    outcome: str,
    detail: Mapping[str, str | int | None],
) -> None:
    """Append a line; see `app.services.audit.note`."""
    tx.execute(
        _INSERT,
        {
            "now": tx.now_ms(),
            "event": event,
            "user": user_id,
            "actor": actor_id,
            "address": address,
            "object": about,
            "outcome": outcome,
            "detail": msgspec.json.encode(detail).decode(),
        },
    )
