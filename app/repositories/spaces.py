"""Spaces: one tree of nodes each, with its owner and use; the limit stands at the owner's home."""

import sqlite3
from dataclasses import dataclass

from app.db.transaction import Snapshot, Transaction
from app.repositories import nodes

_INSERT = """
    INSERT INTO spaces (id, tag, owner_id, quota, used, reserved, head_seq, history_seq)
    VALUES (:id, :tag, :owner, :quota, 0, 0, 0, :seq)
"""
_SET_ROOT = "UPDATE spaces SET root_id = :root, head_seq = :seq WHERE id = :id"
_INSERT_SHARED = """
    INSERT INTO spaces (id, tag, owner_id, root_id, quota, used, reserved, head_seq, history_seq, is_shared)
    VALUES (:id, :tag, :owner, :root, NULL, 0, 0, 0, :history, 1)
"""
_COLUMNS = "s.id, s.tag, s.owner_id, s.root_id, s.quota, s.used, s.reserved, s.is_shared, s.property_size"
_HOME = f"SELECT {_COLUMNS} FROM spaces s WHERE s.owner_id = :owner AND s.is_shared = 0"  # noqa: S608 - constants
_BY_ID = f"SELECT {_COLUMNS} FROM spaces s WHERE s.id = :id"  # noqa: S608
_SHARED_WITH = f"""
    SELECT {_COLUMNS} FROM members m JOIN spaces s ON s.id = m.space_id
     WHERE m.user_id = :user AND m.left_seq IS NULL ORDER BY s.id
"""  # noqa: S608
_OWNED = f"SELECT {_COLUMNS} FROM spaces s WHERE s.owner_id = :owner AND s.is_shared = 1 ORDER BY s.id"  # noqa: S608
_USAGE = """
    SELECT max(CASE WHEN is_shared = 0 THEN quota END) AS quota, sum(used + property_size) AS used,
           sum(reserved) AS reserved
      FROM spaces WHERE owner_id = :owner
"""
_HISTORY = "SELECT history_seq FROM spaces WHERE id = :id"
_ADJUST = """
    UPDATE spaces SET used = used + :used, reserved = max(0, reserved + :reserved),
      property_size = property_size + :property_size, head_seq = max(head_seq, :seq) WHERE id = :id
"""
_SET_QUOTA = "UPDATE spaces SET quota = :quota WHERE id = :id"
_SET_OWNER = "UPDATE spaces SET owner_id = :owner WHERE id = :id"
_GIVE_HOME = "UPDATE spaces SET is_shared = 1, quota = NULL, owner_id = :owner WHERE id = :id"


@dataclass(frozen=True, slots=True)
class Space:
    """One tree: somebody's home, or a shared folder with all below it. Sizes in bytes.

    Attributes:
        quota: of a home, the limit for all that its owner owns; None where there is none.
        used: counts every version, deduplicated or not.
        reserved: promised to open uploads.
        property_size: of what programs keep on its nodes.
    """

    id: int
    tag: bytes
    owner_id: int
    root_id: int
    quota: int | None
    used: int
    reserved: int
    is_shared: bool
    property_size: int

    @property
    def taken(self) -> int:
        """What it takes of its owner's quota, without what is promised."""
        return self.used + self.property_size


@dataclass(frozen=True, slots=True)
class Usage:
    """What a person may use (`quota`, None for no limit) and what all spaces that they own take of it, in bytes."""

    quota: int | None
    used: int
    reserved: int

    def has_room(self, more: int) -> bool:
        """Tell whether `more` bytes fit beside what is used and promised."""
        return self.quota is None or self.used + self.reserved + more <= self.quota


def create_home(tx: Transaction, *, owner_id: int, actor_id: int, quota: int | None) -> Space:
    """Make a user's home: a space with an empty root folder."""
    space_id = tx.next_id()
    values = {"id": space_id, "tag": tx.next_tag(), "owner": owner_id, "quota": quota, "seq": tx.counters.seq + 1}
    tx.execute(_INSERT, values)
    root = nodes.create(tx, space_id=space_id, parent_id=None, name="", kind=nodes.Kind.FOLDER, actor_id=actor_id)
    tx.execute(_SET_ROOT, {"id": space_id, "root": root.id, "seq": root.seq})
    tx.touch(space_id)
    return get(tx, space_id)


def create_shared(tx: Transaction, *, owner_id: int, root_id: int, like: int) -> Space:
    """Make a space around a folder that is about to become its root.

    Args:
        like: the space that the folder is in: what is known of the folder's past goes on as far back.
    """
    space_id = tx.next_id()
    values = {"id": space_id, "tag": tx.next_tag(), "owner": owner_id, "root": root_id}
    history = tx.execute(_HISTORY, {"id": like}).fetchone()["history_seq"]
    tx.execute(_INSERT_SHARED, {**values, "history": history})
    tx.touch(space_id)
    return get(tx, space_id)


def get(tx: Snapshot, space_id: int) -> Space:
    """Return a space that a node or an upload names, so that it is there."""
    row = tx.one(_BY_ID, {"id": space_id})
    if row is None:
        raise AssertionError(f"space {space_id} is named and not there")
    return _space(row)


def home_of(tx: Snapshot, user_id: int) -> Space:
    """Return a user's home."""
    row = tx.one(_HOME, {"owner": user_id})
    if row is None:
        raise AssertionError(f"user {user_id} has no home")
    return _space(row)


def shared_with(tx: Snapshot, user_id: int) -> list[Space]:
    """Return the shared spaces of which a user is a member now, the oldest first; own ones too."""
    return [_space(row) for row in tx.all(_SHARED_WITH, {"user": user_id})]


def shared_by(tx: Snapshot, owner_id: int) -> list[Space]:
    """Return the shared spaces that a user owns, the oldest first, also those whose folder is deleted."""
    return [_space(row) for row in tx.all(_OWNED, {"owner": owner_id})]


def usage_of(tx: Snapshot, user_id: int) -> Usage:
    """Return what a user may use, and what home and owned shared spaces take of it."""
    return Usage(*tx.execute(_USAGE, {"owner": user_id}).fetchone())


def set_owner(tx: Transaction, space_id: int, owner_id: int) -> None:
    """Let another user own a space, and its use count for them."""
    tx.execute(_SET_OWNER, {"id": space_id, "owner": owner_id})


def give_home(tx: Transaction, space_id: int, owner_id: int) -> None:
    """Make somebody's home a shared space that another user owns; the caller makes that user a member."""
    tx.execute(_GIVE_HOME, {"id": space_id, "owner": owner_id})


def adjust(
    tx: Transaction, space_id: int, *, used: int = 0, reserved: int = 0, property_size: int = 0, seq: int = 0
) -> None:
    """Add to what is used, promised and kept on nodes, in bytes, and note `seq` as a change of this space."""
    values = {"used": used, "reserved": reserved, "property_size": property_size, "seq": seq}
    tx.execute(_ADJUST, {"id": space_id, **values})
    if seq:
        tx.touch(space_id)


def set_quota(tx: Transaction, space_id: int, quota: int | None) -> None:
    """Set the limit in bytes; None for none."""
    tx.execute(_SET_QUOTA, {"id": space_id, "quota": quota})


def _space(row: sqlite3.Row) -> Space:
    number, tag, owner_id, root_id, quota, used, reserved, is_shared, property_size = row
    return Space(number, tag, owner_id, root_id, quota, used, reserved, bool(is_shared), property_size)
