"""Spaces: one tree of nodes each, with its owner, quota and use."""

from dataclasses import dataclass

from app.db.transaction import Snapshot, Transaction
from app.repositories import nodes

_INSERT = """
    INSERT INTO spaces (id, tag, owner_id, quota, used, reserved, head_seq, history_seq)
    VALUES (:id, :tag, :owner, :quota, 0, 0, 0, :seq)
"""
_SET_ROOT = "UPDATE spaces SET root_id = :root, head_seq = :seq WHERE id = :id"
_OF_OWNER = "SELECT id, tag, owner_id, root_id, quota, used, reserved FROM spaces WHERE owner_id = :owner"
_BY_ID = "SELECT id, tag, owner_id, root_id, quota, used, reserved FROM spaces WHERE id = :id"
_ADJUST = """
    UPDATE spaces SET used = used + :used, reserved = max(0, reserved + :reserved), head_seq = max(head_seq, :seq)
     WHERE id = :id
"""
_SET_QUOTA = "UPDATE spaces SET quota = :quota WHERE id = :id"


@dataclass(frozen=True, slots=True)
class Space:
    """One tree. `quota` is None where there is no limit; `used` counts every version, deduplicated or not; bytes."""

    id: int
    tag: bytes
    owner_id: int
    root_id: int
    quota: int | None
    used: int
    reserved: int


def create_home(tx: Transaction, *, owner_id: int, actor_id: int, quota: int | None) -> Space:
    """Make a user's home: a space with an empty root folder."""
    space_id = tx.next_id()
    values = {"id": space_id, "tag": tx.next_tag(), "owner": owner_id, "quota": quota, "seq": tx.counters.seq + 1}
    tx.execute(_INSERT, values)
    root = nodes.create(tx, space_id=space_id, parent_id=None, name="", kind=nodes.Kind.FOLDER, actor_id=actor_id)
    tx.execute(_SET_ROOT, {"id": space_id, "root": root.id, "seq": root.seq})
    tx.touch(space_id)
    return get(tx, space_id)


def get(tx: Snapshot, space_id: int) -> Space:
    """Return a space that a node or an upload names, so that it is there."""
    row = tx.one(_BY_ID, {"id": space_id})
    if row is None:
        raise AssertionError(f"space {space_id} is named and not there")
    return Space(*row)


def home_of(tx: Snapshot, user_id: int) -> Space:
    """Return a user's home."""
    row = tx.one(_OF_OWNER, {"owner": user_id})
    if row is None:
        raise AssertionError(f"user {user_id} has no home")
    return Space(*row)


def adjust(tx: Transaction, space_id: int, *, used: int = 0, reserved: int = 0, seq: int = 0) -> None:
    """Add to what is used and promised, in bytes, and note `seq` as a change of this space."""
    tx.execute(_ADJUST, {"id": space_id, "used": used, "reserved": reserved, "seq": seq})
    if seq:
        tx.touch(space_id)


def set_quota(tx: Transaction, space_id: int, quota: int | None) -> None:
    """Set the limit in bytes; None for none."""
    tx.execute(_SET_QUOTA, {"id": space_id, "quota": quota})
