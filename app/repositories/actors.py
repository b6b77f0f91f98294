"""Whoever can change something for a user: devices, sessions, app passwords, and the server itself."""

import sqlite3
from dataclasses import asdict, dataclass

from app.db.transaction import Snapshot, Transaction
from app.errors import NameTakenError

_COLUMNS = """
    id, tag, user_id, kind, name, token_hash, created_ms, last_used_ms, proved_ms, revoked_ms, scope, address, made_by,
    is_new
"""
_INSERT = """
    INSERT INTO actors (id, tag, user_id, kind, name, install_id, token_hash, created_ms, last_used_ms, proved_ms,
      scope, locator, address, made_by, is_new)
    VALUES (:id, :tag, :user, :kind, :name, :install, :token, :now, :now, :now, :scope, :locator, :address, :made_by,
      -- The first of all is the owner's own coming, and there is nobody to tell.
      :kind IN (0, 1, 2) AND EXISTS (SELECT 1 FROM actors WHERE user_id = :user AND kind IN (0, 1, 2)))
"""
_BY_LOCATOR = f"SELECT {_COLUMNS} FROM actors WHERE locator = :locator"  # noqa: S608
_BY_ID = f"SELECT {_COLUMNS} FROM actors WHERE id = :id"  # noqa: S608 - put together from constants, as all below
_BY_INSTALL = f"""
    SELECT {_COLUMNS} FROM actors
     WHERE user_id = :user AND kind = :kind AND install_id = :install AND revoked_ms IS NULL
"""  # noqa: S608
# What has ended by itself is left out; kinds 0, 1 and 2 are devices, sessions and app passwords.
_LIVE = """
    user_id = :user AND revoked_ms IS NULL AND token_hash IS NOT NULL AND CASE kind
      WHEN 0 THEN last_used_ms > :device_used
      WHEN 1 THEN last_used_ms > :session_used AND created_ms > :session_made
      ELSE kind = 2 END
"""
_PAGE = f"SELECT {_COLUMNS} FROM actors WHERE {_LIVE} AND id > :after ORDER BY id LIMIT :limit"  # noqa: S608
_NEW = f"""
    SELECT {_COLUMNS} FROM actors
     WHERE {_LIVE} AND is_new = 1 AND id <> :asks AND made_by IS NOT :asks ORDER BY id DESC LIMIT :limit
"""  # noqa: S608
_HAS_KNOWN = f"SELECT 1 FROM actors WHERE {_LIVE} AND kind = 1 AND is_new = 0 LIMIT 1"  # noqa: S608
_KNOWN = "UPDATE actors SET is_new = 0 WHERE id = :id"
_COUNT = f"SELECT count(*) FROM actors WHERE {_LIVE} AND kind = :kind"  # noqa: S608
_OLDEST = f"SELECT id FROM actors WHERE {_LIVE} AND kind = :kind ORDER BY last_used_ms, id LIMIT 1"  # noqa: S608
_REVOKE = "UPDATE actors SET revoked_ms = :now, token_hash = NULL WHERE id = :id AND revoked_ms IS NULL"
_REVOKE_ALL = """
    UPDATE actors SET revoked_ms = :now, token_hash = NULL
     WHERE user_id = :user AND revoked_ms IS NULL AND token_hash IS NOT NULL
"""
_REVOKE_KIND = """
    UPDATE actors SET revoked_ms = :now, token_hash = NULL
     WHERE user_id = :user AND kind = :kind AND id <> :but AND revoked_ms IS NULL AND token_hash IS NOT NULL
    RETURNING id
"""
_REVOKE_INSTALL = """
    UPDATE actors SET revoked_ms = :now, token_hash = NULL
     WHERE user_id = :user AND install_id = :install AND revoked_ms IS NULL RETURNING id
"""
_USED = """
    UPDATE actors SET last_used_ms = max(last_used_ms, :now), address = coalesce(:address, address) WHERE id = :id
"""
# Of what people use: the server's own actor is none of that.
_LAST_USE = "SELECT max(last_used_ms) FROM actors WHERE user_id = :user AND kind IN (0, 1, 2)"
_INSTALL_NAME = "SELECT install_name FROM actors WHERE id = :id"
_NAME_INSTALL = "UPDATE actors SET install_name = :name WHERE id = :id"
_PROVED = "UPDATE actors SET proved_ms = :now WHERE id = :id"


@dataclass(frozen=True, slots=True)
class ActorRow:
    """One row: `kind` of `ActorKind`, `…_ms` in Unix milliseconds, a token hash of 32 bytes, a scope in JSON.

    `address` is the network of the last noted use, `made_by` the actor that made an app password.
    """

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
    scope: bytes | None = None
    address: str | None = None
    made_by: int | None = None
    is_new: int = 0

    def is_news_to(self, asks: int) -> bool:
        """Say whether the actor with the id `asks`, of the same user, is to be told of this one."""
        return self.is_new == 1 and asks not in (self.id, self.made_by)

    def __repr__(self) -> str:
        """Show no hash, whatever this lands in."""
        return f"ActorRow({self.id}, {self.name!r})"


@dataclass(frozen=True, slots=True)
class Live:
    """Since when a credential must have been used or made to work still, Unix milliseconds."""

    device_used: int
    session_used: int
    session_made: int


def create(
    tx: Transaction,
    *,
    user_id: int,
    kind: int,
    name: str,
    install_id: str | None = None,
    token_hash: bytes | None = None,
    scope: bytes | None = None,
    locator: str | None = None,
    address: str | None = None,
    made_by: int | None = None,
) -> ActorRow:
    """Make an actor whose user has just shown the password; it is news to what the user has beside it.

    Raises:
        NameTakenError: another actor has this locator.
    """
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
        "scope": scope,
        "locator": locator,
        "address": address,
        "made_by": made_by,
    }
    try:
        tx.execute(_INSERT, values)
    except sqlite3.IntegrityError as error:
        raise NameTakenError("Another app password is found by these characters.") from error
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


def find_install(tx: Snapshot, user_id: int, kind: int, install_id: str) -> ActorRow | None:
    """Return what an installation of the user's is signed in with, None if nothing that works."""
    row: sqlite3.Row | None = tx.one(_BY_INSTALL, {"user": user_id, "kind": kind, "install": install_id})
    return None if row is None else ActorRow(*row)


def list_live(tx: Snapshot, user_id: int, live: Live, *, after: int, limit: int) -> list[ActorRow]:
    """Return up to `limit` of a user's actors that work, behind the id `after`, oldest first."""
    return [ActorRow(*row) for row in tx.all(_PAGE, {"user": user_id, **asdict(live), "after": after, "limit": limit})]


def list_new(tx: Snapshot, user_id: int, live: Live, *, asks: int, limit: int) -> list[ActorRow]:
    """Return up to `limit` of a user's actors that the one with the id `asks` is to be told of, newest first."""
    values = {"user": user_id, **asdict(live), "asks": asks, "limit": limit}
    return [ActorRow(*row) for row in tx.all(_NEW, values)]


def has_known_session(tx: Snapshot, user_id: int, live: Live) -> bool:
    """Say whether a user is signed in with a browser that is no news any more."""
    return tx.one(_HAS_KNOWN, {"user": user_id, **asdict(live)}) is not None


def know(tx: Transaction, actor_id: int) -> None:
    """Note that the owner knows an actor: nobody is told of it any more."""
    tx.execute(_KNOWN, {"id": actor_id})


def count_live(tx: Snapshot, user_id: int, kind: int, live: Live) -> int:
    """Return how many of a user's actors of one kind work."""
    row = tx.one(_COUNT, {"user": user_id, "kind": kind, **asdict(live)})
    return 0 if row is None else int(row[0])


def find_oldest(tx: Snapshot, user_id: int, kind: int, live: Live) -> int | None:
    """Return the id of the user's actor of one kind that was used least recently, None if none works."""
    row = tx.one(_OLDEST, {"user": user_id, "kind": kind, **asdict(live)})
    return None if row is None else int(row[0])


def revoke(tx: Transaction, actor_id: int) -> None:
    """End one actor; its row stays, for the journal names it."""
    tx.execute(_REVOKE, {"id": actor_id, "now": tx.now_ms()})


def revoke_all(tx: Transaction, user_id: int) -> None:
    """End every actor of a user that has a token."""
    tx.execute(_REVOKE_ALL, {"user": user_id, "now": tx.now_ms()})


def revoke_kind(tx: Transaction, user_id: int, kind: int, *, but: int) -> list[int]:
    """End a user's actors of one kind, save the one with the id `but`; return the ids of what ended."""
    return [row[0] for row in tx.all(_REVOKE_KIND, {"user": user_id, "kind": kind, "but": but, "now": tx.now_ms()})]


def revoke_install(tx: Transaction, user_id: int, install_id: str) -> list[int]:
    """End what the same installation logged in as before; return the ids of what ended."""
    return [row[0] for row in tx.all(_REVOKE_INSTALL, {"user": user_id, "install": install_id, "now": tx.now_ms()})]


def note_use(tx: Transaction, actor_id: int, address: str | None) -> None:
    """Note that an actor's token was used now, and from which network if that is known."""
    tx.execute(_USED, {"id": actor_id, "now": tx.now_ms(), "address": address})


def last_use(tx: Snapshot, user_id: int) -> int | None:
    """Return when a user's devices, sessions and app passwords were used last, ended ones too; None if never."""
    row = tx.one(_LAST_USE, {"user": user_id})
    return None if row is None or row[0] is None else int(row[0])


def find_install_name(tx: Snapshot, actor_id: int) -> str | None:
    """Return by what a device's installation was last known, None if by nothing yet."""
    row = tx.one(_INSTALL_NAME, {"id": actor_id})
    return None if row is None or row[0] is None else str(row[0])


def name_install(tx: Transaction, actor_id: int, name: str) -> None:
    """Note by what a device's installation is known now."""
    tx.execute(_NAME_INSTALL, {"id": actor_id, "name": name})


def note_proof(tx: Transaction, actor_id: int) -> None:
    """Note that the password was shown now."""
    tx.execute(_PROVED, {"id": actor_id, "now": tx.now_ms()})
