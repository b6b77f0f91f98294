"""Who is a member of which shared space, with which role, and where it shows in their home.

The row stays when somebody leaves: their devices are told of it, and whoever comes back takes it again.
"""

import sqlite3
from dataclasses import dataclass

from app.db.transaction import Snapshot, Transaction

_COLUMNS = "m.space_id, m.user_id, m.role, m.joined_seq, m.left_seq, m.mount_id"
_ROLE = "SELECT role FROM members WHERE user_id = :user AND space_id = :space AND left_seq IS NULL"
_ONE = f"SELECT {_COLUMNS} FROM members m WHERE m.user_id = :user AND m.space_id = :space"  # noqa: S608 - constants
_OF_USER = f"""
    SELECT {_COLUMNS} FROM members m WHERE m.user_id = :user AND m.left_seq IS NULL ORDER BY m.space_id
"""  # noqa: S608
_OF_SPACE = f"""
    SELECT {_COLUMNS} FROM members m WHERE m.space_id = :space AND m.left_seq IS NULL ORDER BY m.user_id
"""  # noqa: S608
_LEFT_AT = f"""
    SELECT {_COLUMNS} FROM members m JOIN users u ON u.id = m.user_id
     WHERE m.space_id = :space AND m.left_seq > :seq AND u.deleted_ms IS NULL ORDER BY m.user_id
"""  # noqa: S608
_NAMED = """
    SELECT u.name, m.role FROM members m JOIN users u ON u.id = m.user_id
     WHERE m.space_id = :space AND m.left_seq IS NULL ORDER BY m.role DESC, u.folded
"""
_COUNT = "SELECT count(*) FROM members WHERE space_id = :space AND left_seq IS NULL"
_JOIN = """
    INSERT INTO members (space_id, user_id, role, joined_seq, left_seq, mount_id)
    VALUES (:space, :user, :role, :seq, NULL, :mount)
    ON CONFLICT (user_id, space_id) DO UPDATE SET role = excluded.role, joined_seq = excluded.joined_seq,
      left_seq = NULL, mount_id = excluded.mount_id
"""
_LEAVE = "UPDATE members SET left_seq = :seq WHERE user_id = :user AND space_id = :space"
_SET_ROLE = "UPDATE members SET role = :role WHERE user_id = :user AND space_id = :space"


@dataclass(frozen=True, slots=True)
class Member:
    """One user in one shared space.

    Attributes:
        role: `app.services.access.Role` as a number.
        joined_seq: the change with which the space came into this user's view.
        left_seq: the change with which it went; None while they are a member.
        mount_id: the node in the user's home where it shows; the last one, once left.
    """

    space_id: int
    user_id: int
    role: int
    joined_seq: int
    left_seq: int | None
    mount_id: int


def role_of(tx: Snapshot, user_id: int, space_id: int) -> int | None:
    """Return the role of a user who is a member now."""
    row = tx.one(_ROLE, {"user": user_id, "space": space_id})
    return None if row is None else row["role"]


def find(tx: Snapshot, user_id: int, space_id: int) -> Member | None:
    """Return the row of a user who is or was a member."""
    row = tx.one(_ONE, {"user": user_id, "space": space_id})
    return None if row is None else _member(row)


def of_user(tx: Snapshot, user_id: int) -> list[Member]:
    """Return what a user is a member of now."""
    return [_member(row) for row in tx.all(_OF_USER, {"user": user_id})]


def of_space(tx: Snapshot, space_id: int) -> list[Member]:
    """Return who is a member now, the owner among them; there are at most 500."""
    return [_member(row) for row in tx.all(_OF_SPACE, {"space": space_id})]


def left_since(tx: Snapshot, space_id: int, seq: int) -> list[Member]:
    """Return who left a space after the change `seq`; nobody whose account is deleted."""
    return [_member(row) for row in tx.all(_LEFT_AT, {"space": space_id, "seq": seq})]


def named(tx: Snapshot, space_id: int) -> list[tuple[str, int]]:
    """Return name and role of each member, the owner first."""
    return [(row["name"], row["role"]) for row in tx.all(_NAMED, {"space": space_id})]


def count(tx: Snapshot, space_id: int) -> int:
    """Return how many members a space has, its owner included."""
    return int(tx.execute(_COUNT, {"space": space_id}).fetchone()[0])


def join(tx: Transaction, *, space_id: int, user_id: int, role: int, seq: int, mount_id: int) -> None:
    """Make a user a member, perhaps again, with the change `seq` that made the mount."""
    tx.execute(_JOIN, {"space": space_id, "user": user_id, "role": role, "seq": seq, "mount": mount_id})


def leave(tx: Transaction, *, space_id: int, user_id: int, seq: int) -> None:
    """End a membership with the change `seq`, which removed the mount."""
    tx.execute(_LEAVE, {"space": space_id, "user": user_id, "seq": seq})


def set_role(tx: Transaction, *, space_id: int, user_id: int, role: int) -> None:
    """Change what a member may do."""
    tx.execute(_SET_ROLE, {"space": space_id, "user": user_id, "role": role})


def _member(row: sqlite3.Row) -> Member:
    return Member(*row)
