"""Which chunks are used, for the collector: those of versions and those that open uploads pin.

Versions and parts of chunk lists are numbered in the order in which they are written, and none ever changes but to go.
So whoever has read all up to a place reads on from there, in as many transactions as it takes, and has missed nothing.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from app.db.transaction import Snapshot, Transaction
from app.errors import UnavailableError
from app.manifest import CHUNK_ROW, Manifest
from storage.base import ChunkId

NO_SPACE = 0
"""Stands for the space of a pin, which keeps a chunk and lets nobody skip sending it."""

ROW_SIZE = 64
"""What a list counts for itself when one says how many bytes to read."""

_VERSIONS = """
    SELECT v.id, v.size, v.manifest, n.space_id FROM versions v LEFT JOIN nodes n ON n.id = v.node_id
     WHERE v.id > :after AND v.manifest IS NOT NULL ORDER BY v.id
"""
_PINS = "SELECT number, upload_id, chunks FROM upload_chunks WHERE number > :after ORDER BY number"
_POSSESSED = """
    SELECT space_id, chunk FROM possession WHERE space_id = :space AND chunk > :after AND chunk < :end
     ORDER BY chunk LIMIT :limit
"""
_POSSESSED_BY_OTHERS = """
    SELECT p.space_id, p.chunk FROM spaces s CROSS JOIN possession p ON p.space_id = s.id
     WHERE s.id > :space AND p.chunk > :first AND p.chunk < :end ORDER BY p.space_id, p.chunk LIMIT :limit
"""
_END_POSSESSION = "DELETE FROM possession WHERE space_id = :space AND chunk = :chunk"
_BEFORE_ALL = -(2**62)


@dataclass(frozen=True, slots=True)
class Place:
    """How far references were read: the last version, and the last part of a chunk list."""

    version: int = 0
    pin: int = _BEFORE_ALL


@dataclass(frozen=True, slots=True)
class ChunkList:
    """A list of chunks in use, packed as in a manifest.

    Attributes:
        space_id: of the space that possesses its chunks by it, or NO_SPACE.
        size: that they should have together, in bytes; None for a part of a list.
        subject: whose it is, for people.
    """

    space_id: int
    packed: bytes
    size: int | None
    subject: str

    def check(self) -> None:
        """Refuse a list that contradicts itself.

        Raises:
            UnavailableError: it is damaged, so nobody can say what is used.
        """
        size = self.size
        if len(self.packed) % CHUNK_ROW or (size is not None and Manifest(self.packed).size != size):
            raise UnavailableError(f"The chunk list of {self.subject} is damaged: nothing was removed. Run cairn fsck.")


@dataclass(frozen=True, slots=True)
class References:
    """Some chunk lists, and how far they were read.

    Attributes:
        is_end: there was nothing more to read.
    """

    lists: list[ChunkList]
    end: Place
    is_end: bool


def references_after(tx: Snapshot, place: Place, *, size: int) -> References:
    """Return the chunk lists behind a place, about `size` bytes of them."""
    lists: list[ChunkList] = []
    version, pin, read = place.version, place.pin, 0
    for row in tx.execute(_VERSIONS, {"after": version}):
        version, packed = row["id"], row["manifest"]
        lists.append(ChunkList(row["space_id"] or NO_SPACE, packed, row["size"], f"version {version}"))
        read += len(packed) + ROW_SIZE
        if read >= size:
            return References(lists, Place(version, pin), is_end=False)
    for row in tx.execute(_PINS, {"after": pin}):
        pin, packed = row["number"], row["chunks"]
        lists.append(ChunkList(NO_SPACE, packed, None, f"upload {row['upload_id']}"))
        read += len(packed) + ROW_SIZE
        if read >= size:
            return References(lists, Place(version, pin), is_end=False)
    return References(lists, Place(version, pin), is_end=True)


def possession_after(
    tx: Snapshot, place: tuple[int, bytes], *, first: bytes, end: bytes, limit: int
) -> list[tuple[int, ChunkId]]:
    """Return up to `limit` (space, chunk) pairs of possession behind `place`, in order.

    Args:
        first, end: bounds between which the chunks' ids lie.
    """
    values = {"space": place[0], "after": place[1], "first": first, "end": end, "limit": limit}
    found = tx.all(_POSSESSED, values)
    if len(found) < limit:
        found += tx.all(_POSSESSED_BY_OTHERS, {**values, "limit": limit - len(found)})
    return [(row["space_id"], ChunkId(row["chunk"])) for row in found]


def end_possession(tx: Transaction, pairs: Iterable[tuple[int, ChunkId]]) -> None:
    """Let spaces skip sending these chunks no more."""
    tx.connection.executemany(_END_POSSESSION, [{"space": space_id, "chunk": chunk_id} for space_id, chunk_id in pairs])
