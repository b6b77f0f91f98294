"""Whoever can change something for a user: devices, sessions, app passwords, and the server itself."""

import sqlite3
from dataclasses import dataclass

from app.db.transaction import Snapshot, Transaction

_COLUMNS = "id, tag, user_id, kind, name, token_hash, created_ms, last_used_ms, proved_ms, revoked_ms, scope"
_INSERT = """
    INSERT INTO actors (id, tag, user_id, kind, name, install_id, token_hash, created_ms, last_used_ms, proved_ms)
    VALUES (:id, :tag, :user, :kind, :name, :install, :token, :now, :now, :now)
"""
_BY_LOCATOR = f"SELECT {_COLUMNS} FROM actors WHERE locator = :locator"  # noqa: S608
_BY_ID = f"SELECT {_COLUMNS} FROM actors WHERE id = :id"  # noqa: S608 - put together from constants, as all below
_LIVE = "user_id = :user AND revoked_ms IS NULL AND token_hash IS NOT NULL AND last_used_ms >= :used_since"
_PAGE = f"SELECT {_COLUMNS} FROM actors WHERE {_LIVE} AND id > :after ORDER BY id LIMIT :limit"  # noqa: S608
_COUNT = f"SELECT count(*) FROM actors WHERE {_LIVE} AND kind = :kind"  # noqa: S608
_REVOKE = "UPDATE actors SET revoked_ms = :now, token_hash = NULL WHERE id = :id AND revoked_ms IS NULL"
_REVOKE_ALL = """
    UPDATE actors SET revoked_ms = :now, token_hash = NULL
     WHERE user_id = :user AND revoked_ms IS NULL AND token_hash IS NOT NULL
"""
_REVOKE_INSTALL = """
    UPDATE actors SET revoked_ms = :now, token_hash = NULL
     WHERE user_id = :user AND install_id = :install AND revoked_ms IS NULL RETURNING id
"""
_USED = "UPDATE actors SET last_used_ms = max(last_used_ms, :now) WHERE id = :id"
_PROVED = "UPDATE actors SET proved_ms = :now WHERE id = :id"


@dataclass(frozen=True, slots=True)
class ActorRow:
    """One row: `kind` of `ActorKind`, `…_ms` in Unix milliseconds, a token hash of 32 bytes, a scope in JSON."""

    id: int
    tag: bytes
    user_id: int
    kind: int
    name: str
    token_hash: bytes | None
    created_ms: int
    last_used_ms: int
    proved_ms: int
    revoked_ms: int | None
    scope: bytes | None

    def __repr__(self) -> str:
        """Show no hash, whatever this lands in."""
        return f"ActorRow({self.id}, {self.name!r})"


def create(
    tx: Transaction,
    *,
    user_id: int,
    kind: int,
    name: str,
    install_id: str | None = None,
    token_hash: bytes | None = None,
) -> ActorRow:
    """Make an actor whose user has just shown the password."""
    actor_id = tx.next_id()
    values = {
        "id": actor_id,
        "tag": tx.next_tag(),
        "user": user_id,
        "kind": kind,
        "name": name,
        "install": install_id,
        "token": token_hash,
        "now": tx.now_ms(),
    }
    tx.execute(_INSERT, values)
    made = find(tx, actor_id)
    if made is None:
        raise AssertionError(f"actor {actor_id} is gone inside the transaction that wrote it")
    return made


def find(tx: Snapshot, actor_id: int) -> ActorRow | None:
    """Return the actor, working or not."""
    row: sqlite3.Row | None = tx.one(_BY_ID, {"id": actor_id})
    return None if row is None else ActorRow(*row)


def find_by_locator(tx: Snapshot, locator: str) -> ActorRow | None:
    """Return the app password that has this locator, working or not."""
    row: sqlite3.Row | None = tx.one(_BY_LOCATOR, {"locator": locator})
    return None if row is None else ActorRow(*row)


def list_live(tx: Snapshot, user_id: int, *, used_since_ms: int, after: int, limit: int) -> list[ActorRow]:
    """Return up to `limit` of a user's actors whose tokens work, behind the id `after`, oldest first."""
    values = {"user": user_id, "used_since": used_since_ms, "after": after, "limit": limit}
    return [ActorRow(*row) for row in tx.all(_PAGE, values)]


def count_live(tx: Snapshot, user_id: int, kind: int, *, used_since_ms: int) -> int:
    """Return how many of a user's actors of one kind have a token that works."""
    row = tx.one(_COUNT, {"user": user_id, "kind": kind, "used_since": used_since_ms})
    return 0 if row is None else int(row[0])


def revoke(tx: Transaction, actor_id: int) -> None:
    """End one actor; its row stays, for the journal names it."""
    tx.execute(_REVOKE, {"id": actor_id, "now": tx.now_ms()})


def revoke_all(tx: Transaction, user_id: int) -> None:
    """End every actor of a user that has a token."""
    tx.execute(_REVOKE_ALL, {"user": user_id, "now": tx.now_ms()})


def revoke_install(tx: Transaction, user_id: int, install_id: str) -> list[int]:
    """End what the same installation logged in as before; return the ids of what ended."""
    return [row[0] for row in tx.all(_REVOKE_INSTALL, {"user": user_id, "install": install_id, "now": tx.now_ms()})]


def note_use(tx: Transaction, actor_id: int) -> None:
    """Note that an actor's token was used now."""
    tx.execute(_USED, {"id": actor_id, "now": tx.now_ms()})


def note_proof(tx: Transaction, actor_id: int) -> None:
    """Note that the password was shown now."""
    tx.execute(_PROVED, {"id": actor_id, "now": tx.now_ms()})
