"""Invitations that nobody has accepted yet."""

import sqlite3
from dataclasses import dataclass

from app.db.transaction import Snapshot, Transaction

_COLUMNS = "id, tag, digest, username, quota, is_admin, made_by, created_ms, expires_ms"
_INSERT = """
    INSERT INTO invitations (id, tag, digest, username, quota, is_admin, made_by, created_ms, expires_ms)
    VALUES (:id, :tag, :digest, :username, :quota, :is_admin, :made_by, :now, :expires)
"""
_BY_ID = f"SELECT {_COLUMNS} FROM invitations WHERE id = :id"  # noqa: S608 - put together from constants, as all below
_PAGE = f"""
    SELECT {_COLUMNS} FROM invitations WHERE id > :after AND expires_ms > :now ORDER BY id LIMIT :limit
"""  # noqa: S608
_COUNT = "SELECT count(*) AS open FROM invitations WHERE expires_ms > :now"
_TAKE = "DELETE FROM invitations WHERE id = :id"
_EXPIRED = "DELETE FROM invitations WHERE expires_ms <= :now"


@dataclass(frozen=True, slots=True)
class Terms:
    """What the account of an invitation will be.

    Attributes:
        username: None where the guest chooses.
        quota: bytes, or None for no limit.
    """

    username: str | None
    quota: int | None
    is_admin: bool


@dataclass(frozen=True, slots=True)
class Invitation:
    """One open invitation; `made_by` is None for one made on the server's machine, `…_ms` Unix milliseconds."""

    id: int
    tag: bytes
    digest: bytes
    terms: Terms
    made_by: int | None
    created_ms: int
    expires_ms: int

    def __repr__(self) -> str:
        """Show no digest, whatever this lands in."""
        return f"Invitation({self.id})"


def add(tx: Transaction, terms: Terms, *, digest: bytes, made_by: int | None, expires_ms: int) -> Invitation:
    """Write a new invitation."""
    made = Invitation(tx.next_id(), tx.next_tag(), digest, terms, made_by, tx.now_ms(), expires_ms)
    values = {
        "id": made.id,
        "tag": made.tag,
        "digest": digest,
        "username": terms.username,
        "quota": terms.quota,
        "is_admin": terms.is_admin,
        "made_by": made_by,
        "now": made.created_ms,
        "expires": expires_ms,
    }
    tx.execute(_INSERT, values)
    return made


def find(tx: Snapshot, invitation_id: int) -> Invitation | None:
    """Return the invitation, expired or not."""
    row = tx.one(_BY_ID, {"id": invitation_id})
    return None if row is None else _invitation(row)


def list_page(tx: Snapshot, *, now_ms: int, after: int, limit: int) -> list[Invitation]:
    """Return up to `limit` invitations that are open at `now_ms`, behind the id `after`, oldest first."""
    return [_invitation(row) for row in tx.all(_PAGE, {"now": now_ms, "after": after, "limit": limit})]


def count_open(tx: Snapshot, now_ms: int) -> int:
    """Return how many are open at `now_ms`."""
    row = tx.one(_COUNT, {"now": now_ms})
    return 0 if row is None else int(row["open"])


def take(tx: Transaction, invitation_id: int) -> bool:
    """End an invitation; False if it had ended before, so that of two who accept it one wins."""
    return tx.execute(_TAKE, {"id": invitation_id}).rowcount == 1


def forget_expired(tx: Transaction) -> None:
    """Remove all whose time is over."""
    tx.execute(_EXPIRED, {"now": tx.now_ms()})


def _invitation(row: sqlite3.Row) -> Invitation:
    terms = Terms(row["username"], row["quota"], bool(row["is_admin"]))
    return Invitation(row["id"], row["tag"], row["digest"], terms, row["made_by"], row["created_ms"], row["expires_ms"])
