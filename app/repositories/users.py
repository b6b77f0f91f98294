"""The people who have an account, and the hashes of their passwords."""

import sqlite3
from dataclasses import dataclass

from app.db.transaction import Snapshot, Transaction
from app.errors import NameTakenError, NotFoundError
from app.repositories import resets

_COLUMNS = "id, tag, name, folded, password_hash, is_admin, disabled_ms, generation, created_ms"
_INSERT = """
    INSERT INTO users (id, tag, name, folded, password_hash, is_admin, generation, created_ms)
    VALUES (:id, :tag, :name, :folded, :hash, :is_admin, 1, :now)
"""
_BY_ID = f"SELECT {_COLUMNS} FROM users WHERE id = :id"  # noqa: S608 - put together from constants, as all below
_BY_NAME = f"SELECT {_COLUMNS} FROM users WHERE folded = :folded AND deleted_ms IS NULL"  # noqa: S608
_PAGE = f"""
    SELECT {_COLUMNS} FROM users WHERE folded > :after AND deleted_ms IS NULL ORDER BY folded LIMIT :limit
"""  # noqa: S608
_EVER_NAMED = "SELECT id FROM users WHERE folded = :folded OR (deleted_ms IS NOT NULL AND name = :name)"
_ADMIN = "SELECT 1 FROM users WHERE is_admin = 1 AND disabled_ms IS NULL LIMIT 1"
_REHASH = "UPDATE users SET password_hash = :hash WHERE id = :id AND password_hash = :before"
_SET_PASSWORD = "UPDATE users SET password_hash = :hash WHERE id = :id"  # noqa: S105 - a statement
_SET_DISABLED = "UPDATE users SET disabled_ms = :disabled WHERE id = :id"
_SET_ADMIN = "UPDATE users SET is_admin = :is_admin WHERE id = :id"
_FORGET_TOTP = "UPDATE users SET totp_secret = NULL, totp_step = 0 WHERE id = :id"
_FORGET_RECOVERY = "DELETE FROM recovery_codes WHERE user_id = :id"
_END_ALL = "UPDATE users SET generation = generation + 1 WHERE id = :id"
# No user can be called `/5`, so the name is free for another.
_BURY = """
    UPDATE users SET folded = '/' || id, password_hash = '', is_admin = 0, deleted_ms = :now,
      disabled_ms = coalesce(disabled_ms, :now) WHERE id = :id
"""


@dataclass(frozen=True, slots=True)
class User:
    """One account.

    Attributes:
        folded: the form of the name that no two users share.
        disabled_ms: None while the account works; else since when it does not, Unix milliseconds.
        generation: raised when all that the user holds must end.
    """

    id: int
    tag: bytes
    name: str
    folded: str
    password_hash: str
    is_admin: bool
    disabled_ms: int | None
    generation: int
    created_ms: int

    def __repr__(self) -> str:
        """Show no hash, whatever this lands in."""
        return f"User({self.id}, {self.name!r})"


def create(tx: Transaction, *, name: str, folded: str, password_hash: str, is_admin: bool) -> User:
    """Make an account, enabled and without a home yet.

    Raises:
        NameTakenError: another user has this name or one that folds alike.
    """
    user_id = tx.next_id()
    values = {
        "id": user_id,
        "tag": tx.next_tag(),
        "name": name,
        "folded": folded,
        "hash": password_hash,
        "is_admin": is_admin,
        "now": tx.now_ms(),
    }
    try:
        tx.execute(_INSERT, values)
    except sqlite3.IntegrityError as error:
        raise NameTakenError("There is already a user of this name.") from error
    return get(tx, user_id)


def get(tx: Snapshot, user_id: int) -> User:
    """Return the user that another row names, so that it is there."""
    user = _user(tx.one(_BY_ID, {"id": user_id}))
    if user is None:
        raise AssertionError(f"user {user_id} is named and not there")
    return user


def find(tx: Snapshot, folded: str) -> User | None:
    """Return the user of this folded name, enabled or not; a deleted one has none."""
    return _user(tx.one(_BY_NAME, {"folded": folded}))


def require(tx: Snapshot, folded: str) -> User:
    """Return the user of this folded name.

    Raises:
        NotFoundError: there is none.
    """
    user = find(tx, folded)
    if user is None:
        raise NotFoundError("There is no user of this name.")
    return user


def list_page(tx: Snapshot, *, after: str, limit: int) -> list[User]:
    """Return up to `limit` users behind the folded name `after`, in order of that name; no deleted ones."""
    return [User(*row) for row in tx.all(_PAGE, {"after": after, "limit": limit})]


def has_enabled_admin(tx: Snapshot) -> bool:
    """Say whether anybody can manage accounts."""
    return tx.one(_ADMIN) is not None


def still_manages(tx: Snapshot, maker_id: int | None) -> bool:
    """Say whether what an admin has made counts now: while its maker is an enabled admin, or is None, the machine."""
    if maker_id is None:
        return True
    maker = get(tx, maker_id)
    return bool(maker.is_admin) and maker.disabled_ms is None


def rehash(tx: Transaction, user: User, password_hash: str) -> None:
    """Keep a dearer hash of the same password, unless the password was changed meanwhile."""
    tx.execute(_REHASH, {"id": user.id, "hash": password_hash, "before": user.password_hash})


def set_password(tx: Transaction, user: User, password_hash: str) -> None:
    """Keep the hash of a new password, and end a code of a reset that was made before."""
    tx.execute(_SET_PASSWORD, {"id": user.id, "hash": password_hash})
    resets.forget(tx, user.id)


def set_disabled(tx: Transaction, user: User, *, disabled: bool) -> None:
    """Take the account out of use, or back into it."""
    tx.execute(_SET_DISABLED, {"id": user.id, "disabled": tx.now_ms() if disabled else None})


def set_admin(tx: Transaction, user: User, *, is_admin: bool) -> None:
    """Let a user manage accounts, or no more."""
    tx.execute(_SET_ADMIN, {"id": user.id, "is_admin": is_admin})


def forget_second_factor(tx: Transaction, user: User) -> None:
    """Turn the second factor off, recovery codes included."""
    tx.execute(_FORGET_TOTP, {"id": user.id})
    tx.execute(_FORGET_RECOVERY, {"id": user.id})


def ever_named(tx: Snapshot, *, name: str, folded: str) -> list[int]:
    """Return the ids of the user who has this name, and of deleted ones who had it."""
    return [row["id"] for row in tx.all(_EVER_NAMED, {"name": name, "folded": folded})]


def bury(tx: Transaction, user: User) -> None:
    """Leave of a user only the row that the journal names; nobody finds it by its name, which is free."""
    tx.execute(_BURY, {"id": user.id, "now": tx.now_ms()})


def end_all(tx: Transaction, user: User) -> None:
    """Raise the generation: what was signed for this user counts no more."""
    tx.execute(_END_ALL, {"id": user.id})


def _user(row: sqlite3.Row | None) -> User | None:
    return None if row is None else User(*row)
