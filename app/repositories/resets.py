"""One-time codes with which people set a new password, at most one each."""

from app.db.transaction import Snapshot, Transaction

_PUT = """
    INSERT INTO resets (user_id, digest, expires_ms) VALUES (:user, :digest, :expires)
    ON CONFLICT (user_id) DO UPDATE SET digest = excluded.digest, expires_ms = excluded.expires_ms
"""
_DIGEST = "SELECT digest FROM resets WHERE user_id = :user AND expires_ms > :now"
_TAKE = "DELETE FROM resets WHERE user_id = :user AND digest = :digest AND expires_ms > :now"
_FORGET = "DELETE FROM resets WHERE user_id = :user"
_EXPIRED = "DELETE FROM resets WHERE expires_ms <= :now"


def put(tx: Transaction, user_id: int, *, digest: bytes, expires_ms: int) -> None:
    """Keep a user's new code, in place of an earlier one."""
    tx.execute(_PUT, {"user": user_id, "digest": digest, "expires": expires_ms})


def find(tx: Snapshot, user_id: int, *, now_ms: int) -> bytes | None:
    """Return the digest of the code that a user has at `now_ms`."""
    row = tx.one(_DIGEST, {"user": user_id, "now": now_ms})
    return None if row is None else bytes(row["digest"])


def take(tx: Transaction, user_id: int, digest: bytes) -> bool:
    """End a code; False if it was used, replaced, or its time is over."""
    return tx.execute(_TAKE, {"user": user_id, "digest": digest, "now": tx.now_ms()}).rowcount == 1


def forget(tx: Transaction, user_id: int) -> None:
    """Remove a user's code, if there is one."""
    tx.execute(_FORGET, {"user": user_id})


def forget_expired(tx: Transaction) -> None:
    """Remove all whose time is over."""
    tx.execute(_EXPIRED, {"now": tx.now_ms()})
