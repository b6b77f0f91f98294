"""CRC-32 of contents, which zips need and nothing else does: each is read for it once."""

from collections.abc import Iterable
from dataclasses import dataclass

from app.db.transaction import Snapshot, Transaction

_FIND = "SELECT size, crc FROM checksums WHERE version_id = :version"
_KEEP = """
    INSERT INTO checksums (version_id, size, crc)
    SELECT id, ?2, ?3 FROM versions WHERE id = ?1
    ON CONFLICT (version_id) DO UPDATE SET size = excluded.size, crc = excluded.crc WHERE checksums.size < excluded.size
"""


@dataclass(frozen=True, slots=True)
class Checksum:
    """The CRC-32 of the first `size` bytes of a content."""

    size: int = 0
    crc: int = 0


def find(tx: Snapshot, version_id: int) -> Checksum:
    """Return how far the CRC of a version is known."""
    row = tx.one(_FIND, {"version": version_id})
    return Checksum() if row is None else Checksum(row["size"], row["crc"])


def keep(tx: Transaction, found: Iterable[tuple[int, Checksum]]) -> None:
    """Keep what is known of versions, those that are gone left out."""
    tx.connection.executemany(_KEEP, [(version_id, known.size, known.crc) for version_id, known in found])
