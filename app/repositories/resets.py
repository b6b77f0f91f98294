"""One-time codes with which people set a new password, at most one each."""

from dataclasses import dataclass

from app.db.transaction import Snapshot, Transaction

_PUT = """
    INSERT OR REPLACE INTO resets (user_id, digest, made_by, expires_ms) VALUES (:user, :digest, :made_by, :expires)
"""
_FIND = "SELECT digest, made_by FROM resets WHERE user_id = :user AND expires_ms > :now"
_TAKE = "DELETE FROM resets WHERE user_id = :user AND digest = :digest AND expires_ms > :now"
_FORGET = "DELETE FROM resets WHERE user_id = :user"
_EXPIRED = "DELETE FROM resets WHERE expires_ms <= :now"


@dataclass(frozen=True, slots=True)
class Reset:
    """An open code; `made_by` is None for one made on the server's machine."""

    digest: bytes
    made_by: int | None

    def __repr__(self) -> str:
        """Show no digest, whatever this lands in."""
        return f"Reset(made_by={self.made_by})"


def put(tx: Transaction, user_id: int, *, digest: bytes, made_by: int | None, expires_ms: int) -> None:
    """Keep a user's new code, in place of an earlier one."""
    tx.execute(_PUT, {"user": user_id, "digest": digest, "made_by": made_by, "expires": expires_ms})


def find(tx: Snapshot, user_id: int, *, now_ms: int) -> Reset | None:
    """Return the code that a user has at `now_ms`."""
    row = tx.one(_FIND, {"user": user_id, "now": now_ms})
    return None if row is None else Reset(bytes(row["digest"]), row["made_by"])


def take(tx: Transaction, user_id: int, digest: bytes) -> bool:
    """End a code; False if it was used, replaced, or its time is over."""
    return tx.execute(_TAKE, {"user": user_id, "digest": digest, "now": tx.now_ms()}).rowcount == 1


def forget(tx: Transaction, user_id: int) -> None:
    """Remove a user's code, if there is one."""
    tx.execute(_FORGET, {"user": user_id})


def forget_expired(tx: Transaction) -> None:
    """Remove all whose time is over."""
    tx.execute(_EXPIRED, {"now": tx.now_ms()})
