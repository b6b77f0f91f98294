"""Links: what they show, to whom they are good, and how often they were used."""

import sqlite3
from dataclasses import dataclass

from app.db.transaction import Snapshot, Transaction
from app.link_mode import Mode

_COLUMNS = """
    l.id, a.tag, l.node_id, l.user_id, u.name, l.mode, l.password_hash, l.password_generation, l.expires_ms,
    l.max_downloads, l.downloads, l.is_paused, l.created_ms, l.sealed_token, l.allows_download, l.title
"""
_FROM = "FROM links l JOIN actors a ON a.id = l.id JOIN users u ON u.id = l.user_id"
_BY_ID = f"SELECT {_COLUMNS} {_FROM} WHERE l.id = :id"
_BY_DIGEST = f"SELECT {_COLUMNS} {_FROM} WHERE l.digest = :digest"
_OF_NODE = f"SELECT {_COLUMNS} {_FROM} WHERE l.node_id = :node AND l.id > :after ORDER BY l.id LIMIT :limit"
# Those who can have made a link in a space of the user's are its members, now or once.
_KNOWN_TO = f"""
    SELECT {_COLUMNS} {_FROM} JOIN nodes n ON n.id = l.node_id JOIN spaces s ON s.id = n.space_id
     WHERE l.user_id IN (
             SELECT :user UNION
             SELECT m.user_id FROM spaces o JOIN members m ON m.space_id = o.id WHERE o.owner_id = :user)
       AND (l.user_id = :user OR s.owner_id = :user) AND l.id > :after
     ORDER BY l.id LIMIT :limit
"""  # noqa: S608
_COUNT = "SELECT count(*) FROM links WHERE user_id = :user"
_INSERT = """
    INSERT INTO links
      (id, node_id, user_id, mode, digest, sealed_token, password_hash, expires_ms, max_downloads, allows_download,
       title, created_ms)
    VALUES (:id, :node, :user, :mode, :digest, :sealed, :password, :expires, :max, :allows, :title, :now)
"""
_RENEW = """
    UPDATE links SET password_hash = :password, password_generation = password_generation + 1 WHERE id = :id
"""
_SET = """
    UPDATE links SET expires_ms = :expires, max_downloads = :max, is_paused = :paused, allows_download = :allows,
           title = :title
     WHERE id = :id
"""
_DELETE = "DELETE FROM links WHERE id = :id"
_COUNT_DOWNLOAD = """
    UPDATE links SET downloads = downloads + 1
     WHERE id = :id AND (max_downloads IS NULL OR downloads < max_downloads)
"""


_MODES = tuple(Mode)


@dataclass(frozen=True, slots=True)
class Link:
    """One link; `id` and `tag` are those of its actor, `…_ms` Unix milliseconds, `username` that of its maker."""

    id: int
    tag: bytes
    node_id: int
    user_id: int
    username: str
    mode: Mode
    password_hash: str | None
    password_generation: int
    expires_ms: int | None
    max_downloads: int | None
    downloads: int
    is_paused: bool
    created_ms: int
    sealed_token: bytes | None
    allows_download: bool
    title: str | None

    def __repr__(self) -> str:
        """Show no hash, whatever this lands in."""
        return f"Link({self.id})"

    @property
    def is_used_up(self) -> bool:
        """Whether no further download is due."""
        return self.max_downloads is not None and self.downloads >= self.max_downloads


def find(tx: Snapshot, link_id: int) -> Link | None:
    """Return the link, working or not."""
    return _link(tx.one(_BY_ID, {"id": link_id}))


def find_by_digest(tx: Snapshot, digest: bytes) -> Link | None:
    """Return the link whose token has this SHA-256, working or not."""
    return _link(tx.one(_BY_DIGEST, {"digest": digest}))


def list_of_node(tx: Snapshot, node_id: int, *, after: int, limit: int) -> list[Link]:
    """Return up to `limit` links on a node, behind the id `after`, oldest first."""
    return [_link_of(row) for row in tx.all(_OF_NODE, {"node": node_id, "after": after, "limit": limit})]


def list_known_to(tx: Snapshot, user_id: int, *, after: int, limit: int) -> list[Link]:
    """Return up to `limit` links that a user made, or that are in a space of theirs, behind the id `after`."""
    return [_link_of(row) for row in tx.all(_KNOWN_TO, {"user": user_id, "after": after, "limit": limit})]


def count_of(tx: Snapshot, user_id: int) -> int:
    """Return how many links a user has."""
    row = tx.one(_COUNT, {"user": user_id})
    return 0 if row is None else int(row[0])


def add(
    tx: Transaction,
    *,
    actor_id: int,
    node_id: int,
    user_id: int,
    mode: Mode,
    digest: bytes,
    sealed_token: bytes,
    password_hash: str | None,
    expires_ms: int | None,
    max_downloads: int | None,
    allows_download: bool,
    title: str | None,
) -> None:
    """Write a link whose actor is there."""
    tx.execute(
        _INSERT,
        {
            "id": actor_id,
            "node": node_id,
            "user": user_id,
            "mode": mode,
            "digest": digest,
            "sealed": sealed_token,
            "password": password_hash,
            "expires": expires_ms,
            "max": max_downloads,
            "allows": allows_download,
            "title": title,
            "now": tx.now_ms(),
        },
    )


def set_password(tx: Transaction, link_id: int, password_hash: str | None) -> None:
    """Set another password, or none: who has shown the one before has to show it again."""
    tx.execute(_RENEW, {"id": link_id, "password": password_hash})


def set_terms(
    tx: Transaction,
    link_id: int,
    *,
    expires_ms: int | None,
    max_downloads: int | None,
    is_paused: bool,
    allows_download: bool,
    title: str | None,
) -> None:
    """Set how long, how often and for what a link may be used, and what stands at its head."""
    values = {"expires": expires_ms, "max": max_downloads, "paused": is_paused}
    tx.execute(_SET, {"id": link_id, **values, "allows": allows_download, "title": title})


def remove(tx: Transaction, link_id: int) -> None:
    """Remove a link; its actor stays, for the journal names it."""
    tx.execute(_DELETE, {"id": link_id})


def count_download(tx: Transaction, link_id: int) -> bool:
    """Count a download, if one more is allowed; tell whether it is. One statement, so that none is counted twice."""
    return tx.execute(_COUNT_DOWNLOAD, {"id": link_id}).rowcount == 1


def _link(row: sqlite3.Row | None) -> Link | None:
    return None if row is None else _link_of(row)


def _link_of(row: sqlite3.Row) -> Link:
    (
        number,
        tag,
        node,
        user,
        username,
        mode,
        password,
        generation,
        expires_ms,
        most,
        downloads,
        is_paused,
        made_ms,
        sealed,
        allows_download,
        title,
    ) = row
    return Link(
        number,
        tag,
        node,
        user,
        username,
        _MODES[mode],
        password,
        generation,
        expires_ms,
        most,
        downloads,
        bool(is_paused),
        made_ms,
        sealed,
        bool(allows_download),
        title,
    )
