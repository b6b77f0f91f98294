"""The audit log: who did what about accounts, rights and secrets, when, from where, and how it ended (security.md, E2).

Rows are appended in the transaction of what they tell. There is no call that changes one, and only age and number
remove them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import msgspec

from app.db.transaction import Snapshot, Transaction

_INSERT = """
    INSERT INTO audit (at_ms, event, user_id, actor_id, address, object, outcome, detail)
    VALUES (:now, :event, :user, :actor, :address, :object, :outcome, :detail)
"""
_LINE = """
    SELECT a.id, a.at_ms, a.event, u.name AS username, a.actor_id, c.tag AS actor_tag, a.address, a.object, a.outcome,
      a.detail FROM audit a LEFT JOIN users u ON u.id = a.user_id LEFT JOIN actors c ON c.id = a.actor_id
"""
_ALL = f"{_LINE} WHERE a.id < :before ORDER BY a.id DESC LIMIT :limit"
_OF_EVENT = f"{_LINE} WHERE a.id < :before AND a.event = :event ORDER BY a.id DESC LIMIT :limit"
# The plus sign keeps SQLite at the index of the person or object, whose lines are few.
_OF_USER = f"""{_LINE} WHERE a.id < :before AND a.user_id = :user AND (:event IS NULL OR +a.event = :event)
     ORDER BY a.id DESC LIMIT :limit
"""
_ABOUT = f"""{_LINE} WHERE a.id < :before AND a.object = :about AND (:event IS NULL OR +a.event = :event)
     ORDER BY a.id DESC LIMIT :limit
"""
_NEWEST = "SELECT coalesce(max(id), 0) AS id FROM audit"
_TRIM = """
    DELETE FROM audit WHERE id IN (
      SELECT id FROM (SELECT id, at_ms FROM audit ORDER BY id LIMIT :limit) WHERE id <= :last OR at_ms < :since)
"""


class Event(StrEnum):
    """What is worth a line."""

    LOGIN = "login"
    LOGOUT = "logout"
    REAUTH = "reauth"
    DEVICE_REVOKED = "device_revoked"
    OTHERS_REVOKED = "others_revoked"
    APP_PASSWORD_MADE = "app_password_made"  # noqa: S105 - a name
    PASSWORD_CHANGED = "password_changed"  # noqa: S105 - a name
    TOTP_ENABLED = "totp_enabled"
    TOTP_DISABLED = "totp_disabled"
    RECOVERY_USED = "recovery_used"
    RECOVERY_RENEWED = "recovery_renewed"
    INVITED = "invited"
    INVITATION_ENDED = "invitation_ended"
    USER_CREATED = "user_created"
    USER_DISABLED = "user_disabled"
    USER_ENABLED = "user_enabled"
    USER_DELETED = "user_deleted"
    SIGNED_OUT = "signed_out"
    RESET_STARTED = "reset_started"
    RESET_FINISHED = "reset_finished"
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


@dataclass(frozen=True, slots=True)
class Line:
    """One line as it was written; see `app.services.audit.note`.

    Attributes:
        username: who did it; None for a stranger and for the server itself.
        actor_id: with which credential, and `actor_tag`, which completes its id on the wire; None without one.
        detail: a JSON object.
    """

    id: int
    at_ms: int
    event: str
    username: str | None
    actor_id: int | None
    actor_tag: bytes | None
    address: str
    about: str
    outcome: str
    detail: str


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


def page(tx: Snapshot, *, before: int, event: str | None, limit: int) -> list[Line]:
    """Return up to `limit` lines older than number `before`, the newest first."""
    statement = _ALL if event is None else _OF_EVENT
    return [Line(*row) for row in tx.all(statement, {"before": before, "event": event, "limit": limit})]


def page_of_user(tx: Snapshot, user_id: int, *, before: int, event: str | None, limit: int) -> list[Line]:
    """Return up to `limit` lines of what a user did, as `page` does."""
    values = {"user": user_id, "before": before, "event": event, "limit": limit}
    return [Line(*row) for row in tx.all(_OF_USER, values)]


def page_about(tx: Snapshot, about: str, *, before: int, event: str | None, limit: int) -> list[Line]:
    """Return up to `limit` lines about an object, as `page` does."""
    values = {"about": about, "before": before, "event": event, "limit": limit}
    return [Line(*row) for row in tx.all(_ABOUT, values)]


def trim(tx: Transaction, *, keep: int, since_ms: int, limit: int) -> int:
    """Remove up to `limit` lines that are older than `since_ms` or not among the newest `keep`; return how many."""
    newest = tx.one(_NEWEST)
    last = 0 if newest is None else newest["id"] - keep
    return tx.execute(_TRIM, {"limit": limit, "last": last, "since": since_ms}).rowcount
