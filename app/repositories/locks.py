"""Locks: who keeps others from changing a node, or a folder with all below it.

A lock is live until its time is over by the count of uptime that `meta` keeps, which steps about once a minute: it may
end that much late, and never early. It ends as well with the credential that it was made with and with its user.
"""

import secrets
import sqlite3
from dataclasses import asdict, dataclass

from app.db.transaction import Snapshot, Transaction

TOKEN_SIZE = 16
_COLUMNS = """
    l.id, l.token, l.node_id, l.actor_id, l.user_id, l.is_exclusive, l.is_deep, l.owner_xml, l.timeout_s, l.made_ms,
    l.expires_uptime_s
"""
_LIVE = """
    FROM locks l JOIN meta m ON m.one = 1 JOIN actors a ON a.id = l.actor_id JOIN users u ON u.id = l.user_id
     WHERE l.expires_uptime_s > m.uptime_s AND a.revoked_ms IS NULL AND u.disabled_ms IS NULL
"""
_ANY = "SELECT 1 FROM locks LIMIT 1"
_NODES = "SELECT DISTINCT node_id FROM locks"
_OF_NODE = f"SELECT {_COLUMNS} {_LIVE} AND l.node_id = :node ORDER BY l.id"
_BY_TOKEN = f"SELECT {_COLUMNS} {_LIVE} AND l.token = :token"
_COUNT = f"SELECT count(*) AS number {_LIVE} AND l.user_id = :user"
# From each lock up, which are few, and not from the folder down, which may be many.
_UP = """
    RECURSIVE up(id, at) AS (
      SELECT id, node_id FROM locks
      UNION ALL
      SELECT up.id, n.parent_id FROM up JOIN nodes n ON n.id = up.at WHERE up.at <> :top AND n.parent_id IS NOT NULL
    )
"""
_BELOW = f"WITH {_UP} SELECT {_COLUMNS} {_LIVE} AND l.id IN (SELECT id FROM up WHERE at = :top) ORDER BY l.id"  # noqa: S608 - put together from constants, as below
_END_BELOW = f"WITH {_UP} DELETE FROM locks WHERE id IN (SELECT id FROM up WHERE at = :top)"  # noqa: S608
_INSERT = """
    INSERT INTO locks (token, node_id, actor_id, user_id, is_exclusive, is_deep, owner_xml, timeout_s, made_ms,
      expires_uptime_s)
    VALUES (:token, :node_id, :actor_id, :user_id, :is_exclusive, :is_deep, :owner_xml, :timeout_s, :made_ms,
      :expires_uptime_s)
    RETURNING id
"""
_RENEW = "UPDATE locks SET timeout_s = :timeout, expires_uptime_s = :expires WHERE id = :id"
_END = "DELETE FROM locks WHERE id = :id"
_SWEEP = f"DELETE FROM locks WHERE id NOT IN (SELECT l.id {_LIVE})"  # noqa: S608


@dataclass(frozen=True, slots=True, kw_only=True)
class NewLock:
    """What a lock is made of.

    Attributes:
        node_id: what is locked.
        actor_id: the credential that it belongs to.
        is_deep: it binds all below the node as well.
        owner_xml: what its maker says of themselves, for others; "" for nothing.
        timeout_s: what it is given for, seconds.
        expires_uptime_s: when it ends, by the server's uptime.
    """

    node_id: int
    actor_id: int
    user_id: int
    is_exclusive: bool
    is_deep: bool
    owner_xml: str
    timeout_s: int
    expires_uptime_s: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Lock(NewLock):
    """One row.

    Attributes:
        token: random; on the wire a UUID. By itself it is no proof of anything.
    """

    id: int
    token: bytes
    made_ms: int

    def __repr__(self) -> str:
        """Show no token, whatever this lands in."""
        return f"Lock({self.id}, node {self.node_id})"


def is_any(tx: Snapshot) -> bool:
    """Tell whether there is any lock, live or not: what all who change something ask first."""
    return tx.one(_ANY) is not None


def node_ids(tx: Snapshot) -> frozenset[int]:
    """Return the nodes that have locks, live or not: a user has a bounded number of them."""
    return frozenset(row["node_id"] for row in tx.all(_NODES))


def of_node(tx: Snapshot, node_id: int) -> list[Lock]:
    """Return the live locks of a node itself, the oldest first."""
    return [_lock(row) for row in tx.all(_OF_NODE, {"node": node_id})]


def at_or_below(tx: Snapshot, top_id: int) -> list[Lock]:
    """Return the live locks of a node and of all below it, up to the roots of other spaces."""
    return [_lock(row) for row in tx.all(_BELOW, {"top": top_id})]


def find(tx: Snapshot, token: bytes) -> Lock | None:
    """Return the live lock that has this token."""
    row = tx.one(_BY_TOKEN, {"token": token})
    return None if row is None else _lock(row)


def count_of_user(tx: Snapshot, user_id: int) -> int:
    """Return how many live locks a user has."""
    row = tx.one(_COUNT, {"user": user_id})
    return 0 if row is None else int(row["number"])


def create(tx: Transaction, new: NewLock) -> Lock:
    """Make a lock with a token of its own."""
    values = {**asdict(new), "token": secrets.token_bytes(TOKEN_SIZE), "made_ms": tx.now_ms()}
    row = tx.one(_INSERT, values)
    if row is None:
        raise AssertionError("a lock was made and has no number")
    return Lock(id=row["id"], **values)


def renew(tx: Transaction, lock: Lock, *, timeout_s: int, expires_uptime_s: int) -> None:
    """Let a lock live longer, or shorter."""
    tx.execute(_RENEW, {"id": lock.id, "timeout": timeout_s, "expires": expires_uptime_s})


def end(tx: Transaction, lock: Lock) -> None:
    """End one lock."""
    tx.execute(_END, {"id": lock.id})


def end_at_or_below(tx: Transaction, top_id: int) -> None:
    """End the locks of a node and of all below it."""
    tx.execute(_END_BELOW, {"top": top_id})


def sweep(tx: Transaction) -> None:
    """Forget the locks that are live no more."""
    tx.execute(_SWEEP)


def _lock(row: sqlite3.Row) -> Lock:
    values = {name: row[name] for name in row.keys()}  # noqa: SIM118 - a Row iterates over its values
    return Lock(**values | {"is_exclusive": bool(row["is_exclusive"]), "is_deep": bool(row["is_deep"])})
