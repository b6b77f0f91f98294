"""Open and finished uploads, and their chunk lists, which pin every chunk in them."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum

from app.db.transaction import Snapshot, Transaction
from app.manifest import CHUNK_ROW, Manifest

_COLUMNS = """
    id, tag, user_id, actor_id, space_id, bundle, state, request, size, chunk_count, chunk_size, reserved, expires_ms,
    result_node, result_version
"""
_INSERT = """
    INSERT INTO uploads (id, tag, user_id, actor_id, space_id, bundle, state, request, size, chunk_count, chunk_size,
      reserved, created_ms, expires_ms, expires_uptime_s)
    VALUES (:id, :tag, :user, :actor, :space, :bundle, 0, :request, :size, :count, :chunk_size, :reserved, :now,
      :expires, :uptime)
"""
_BY_ID = f"SELECT {_COLUMNS} FROM uploads WHERE id = :id"  # noqa: S608 - put together from constants, as all below
_OF_BUNDLE = f"SELECT {_COLUMNS} FROM uploads WHERE bundle = :bundle AND state = 0"  # noqa: S608
_ANY_OF_BUNDLE = "SELECT 1 FROM uploads WHERE bundle = :bundle AND state = 0 LIMIT 1"
_CHUNKS_OF_BUNDLE = "SELECT coalesce(sum(chunk_count), 0) AS chunks FROM uploads WHERE bundle = :bundle AND state = 0"
_OF_USER = (
    "SELECT count(*) AS open, coalesce(sum(reserved), 0) AS reserved FROM uploads WHERE user_id = :user AND state = 0"
)
_OPEN_CLAIMS = "SELECT id, tag, bundle FROM uploads WHERE state = 0"
_OPEN_OF_USER = f"SELECT {_COLUMNS} FROM uploads WHERE user_id = :user AND state = 0"  # noqa: S608
_PAGE_OF_USER = f"""
    SELECT {_COLUMNS} FROM uploads
     WHERE user_id = :user AND state = 0 AND id > :after AND (:actor IS NULL OR actor_id = :actor)
     ORDER BY id LIMIT :limit
"""  # noqa: S608
_EXPIRED = f"""
    SELECT {_COLUMNS} FROM uploads WHERE expires_ms < :now AND expires_uptime_s < :uptime
     ORDER BY expires_ms LIMIT :limit
"""  # noqa: S608
_ADD_CHUNKS = """
    INSERT INTO upload_chunks (number, upload_id, first, chunks) VALUES (:number, :id, :first, :chunks)
"""
_GROW = """
    UPDATE uploads SET chunk_count = chunk_count + :count, chunk_size = chunk_size + :size
     WHERE id = :id AND chunk_count = :first AND state = 0
"""
_CHUNKS = "SELECT first, chunks FROM upload_chunks WHERE upload_id = :id ORDER BY first"
_LAST_PART = "SELECT max(first) FROM upload_chunks WHERE upload_id = :id AND first <= :at"
_CHUNKS_FROM = "SELECT first, chunks FROM upload_chunks WHERE upload_id = :id AND first >= :from ORDER BY first"
_FINISH = """
    UPDATE uploads SET state = 1, reserved = 0, result_node = :node, result_version = :version, expires_ms = :expires,
      expires_uptime_s = :uptime WHERE id = :id AND state = 0
"""
_DELETE_CHUNKS = "DELETE FROM upload_chunks WHERE upload_id = :id"
_DELETE = "DELETE FROM uploads WHERE id = :id"
_RESERVE = "UPDATE uploads SET reserved = reserved + :size WHERE id = :id AND state = 0"
_EXTEND = "UPDATE uploads SET expires_ms = :expires, expires_uptime_s = :uptime WHERE id = :id AND state = 0"


class State(IntEnum):
    """Where an upload stands; the numbers stand in the database."""

    OPEN = 0
    COMMITTED = 1


@dataclass(frozen=True, slots=True)
class Upload:
    """One upload. `size` is None while a stream of unknown length comes in; sizes in bytes."""

    id: int
    tag: bytes
    user_id: int
    actor_id: int
    space_id: int
    bundle: str | None
    state: State
    request: bytes
    size: int | None
    chunk_count: int
    chunk_size: int
    reserved: int
    expires_ms: int
    result_node: int | None
    result_version: int | None


@dataclass(frozen=True, slots=True)
class Expiry:
    """When an upload ends: both the wall clock and the server's own uptime must have passed."""

    at_ms: int
    uptime_s: int


def add(
    tx: Transaction,
    *,
    user_id: int,
    actor_id: int,
    space_id: int,
    bundle: str | None,
    request: bytes,
    size: int | None,
    reserved: int,
    chunks: Manifest,
    expiry: Expiry,
) -> Upload:
    """Write a new upload with its chunk list, or the beginning of it."""
    upload = Upload(
        id=tx.next_id(),
        tag=tx.next_tag(),
        user_id=user_id,
        actor_id=actor_id,
        space_id=space_id,
        bundle=bundle,
        state=State.OPEN,
        request=request,
        size=size,
        chunk_count=len(chunks),
        chunk_size=chunks.size,
        reserved=reserved,
        expires_ms=expiry.at_ms,
        result_node=None,
        result_version=None,
    )
    values = {
        "id": upload.id,
        "tag": upload.tag,
        "user": user_id,
        "actor": actor_id,
        "space": space_id,
        "bundle": bundle,
        "request": request,
        "size": size,
        "count": upload.chunk_count,
        "chunk_size": upload.chunk_size,
        "reserved": reserved,
        "now": tx.now_ms(),
        "expires": expiry.at_ms,
        "uptime": expiry.uptime_s,
    }
    tx.execute(_INSERT, values)
    if len(chunks):
        _pin(tx, upload.id, 0, chunks)
    return upload


def add_chunks(tx: Transaction, upload_id: int, first: int, chunks: Manifest) -> bool:
    """Append to the chunk list; False, and nothing done, unless it ends just before index `first`."""
    if not len(chunks):
        return True
    values = {"id": upload_id, "first": first, "count": len(chunks), "size": chunks.size}
    if tx.execute(_GROW, values).rowcount != 1:
        return False
    _pin(tx, upload_id, first, chunks)
    return True


def find(tx: Snapshot, upload_id: int) -> Upload | None:
    """Return the upload."""
    row = tx.one(_BY_ID, {"id": upload_id})
    return None if row is None else _upload(row)


def open_of_bundle(tx: Snapshot, bundle: str) -> list[Upload]:
    """Return the open uploads of a bundle."""
    return [_upload(row) for row in tx.all(_OF_BUNDLE, {"bundle": bundle})]


def any_open_of_bundle(tx: Snapshot, bundle: str) -> bool:
    """Tell whether a bundle has an open upload."""
    return tx.one(_ANY_OF_BUNDLE, {"bundle": bundle}) is not None


def chunks_of_bundle(tx: Snapshot, bundle: str) -> int:
    """Return how many chunks the open uploads of a bundle declare together."""
    row = tx.one(_CHUNKS_OF_BUNDLE, {"bundle": bundle})
    return 0 if row is None else row["chunks"]


def open_of_user(tx: Snapshot, user_id: int) -> list[Upload]:
    """Return all open uploads of a user."""
    return [_upload(row) for row in tx.all(_OPEN_OF_USER, {"user": user_id})]


def page_of_user(tx: Snapshot, user_id: int, actor_id: int | None, *, after: int, limit: int) -> list[Upload]:
    """Return up to `limit` open uploads of a user behind the number `after`, the oldest first.

    Args:
        actor_id: only what this credential opened; None for all.
    """
    values = {"user": user_id, "actor": actor_id, "after": after, "limit": limit}
    return [_upload(row) for row in tx.all(_PAGE_OF_USER, values)]


def usage_of_user(tx: Snapshot, user_id: int) -> tuple[int, int]:
    """Return how many uploads a user has open, and the bytes promised to them."""
    row = tx.one(_OF_USER, {"user": user_id})
    return (0, 0) if row is None else (row["open"], row["reserved"])


def open_claims(tx: Snapshot) -> Iterable[tuple[int, bytes, str | None]]:
    """Return id, tag and bundle of every open upload."""
    return [tuple(row) for row in tx.all(_OPEN_CLAIMS)]


def manifest(tx: Snapshot, upload_id: int) -> Manifest:
    """Return the whole chunk list."""
    return Manifest(b"".join(row["chunks"] for row in tx.execute(_CHUNKS, {"id": upload_id})))


def manifest_part(tx: Snapshot, upload_id: int, start: int, count: int) -> Manifest:
    """Return up to `count` chunks from index `start` on, reading no row before the one that holds it."""
    row = tx.one(_LAST_PART, {"id": upload_id, "at": start})
    first = 0 if row is None or row[0] is None else row[0]
    packed, enough = bytearray(), (start - first + count) * CHUNK_ROW
    for part in tx.execute(_CHUNKS_FROM, {"id": upload_id, "from": first}):
        packed += part["chunks"]
        if len(packed) >= enough:
            break
    return Manifest(bytes(packed[(start - first) * CHUNK_ROW : enough]))


def finish_many(tx: Transaction, results: Iterable[tuple[int, int, int]], expiry: Expiry) -> None:
    """Note what commits made, end the pins and keep the answers until `expiry`.

    Args:
        results: upload, node and version of each commit.
    """
    rows = [
        {"id": upload, "node": node, "version": version, "expires": expiry.at_ms, "uptime": expiry.uptime_s}
        for upload, node, version in results
    ]
    tx.connection.executemany(_FINISH, rows)
    tx.connection.executemany(_DELETE_CHUNKS, rows)


def reserve_more(tx: Transaction, upload_id: int, size: int) -> None:
    """Raise what is promised to an open upload by `size` bytes."""
    tx.execute(_RESERVE, {"id": upload_id, "size": size})


def extend(tx: Transaction, upload_id: int, expiry: Expiry) -> None:
    """Let an open upload live until `expiry`."""
    tx.execute(_EXTEND, {"id": upload_id, "expires": expiry.at_ms, "uptime": expiry.uptime_s})


def expired(tx: Snapshot, *, now_ms: int, uptime_s: int, limit: int) -> list[Upload]:
    """Return uploads, open or finished, whose time is over by both clocks."""
    return [_upload(row) for row in tx.all(_EXPIRED, {"now": now_ms, "uptime": uptime_s, "limit": limit})]


def remove(tx: Transaction, upload_id: int) -> None:
    """Forget an upload and its pin."""
    tx.execute(_DELETE_CHUNKS, {"id": upload_id})
    tx.execute(_DELETE, {"id": upload_id})


def _pin(tx: Transaction, upload_id: int, first: int, chunks: Manifest) -> None:
    tx.execute(_ADD_CHUNKS, {"number": tx.next_id(), "id": upload_id, "first": first, "chunks": chunks.packed})


def _upload(row: Iterable[object]) -> Upload:
    values = list(row)
    values[6] = State(values[6])  # type: ignore[arg-type] # the schema holds an integer here
    return Upload(*values)  # type: ignore[arg-type] # columns in the order of the fields
