"""The set of used chunks while it is gathered: too large for memory, so it lies on disk in 256 parts.

Ids are hashes, so their first bytes divide them evenly, and no sorting is needed to have all of one part together. It
promises nothing: a stop leaves files that the next collection removes.
"""

import shutil
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from app.manifest import CHUNK_ROW, HASH
from app.repositories.references import NO_SPACE, ChunkList
from storage.base import ChunkId

BUFFERED = 4 * 1024 * 1024
"""Bytes that wait in memory for their files."""
RECORD = HASH + 8
READ_AT_ONCE = RECORD * 4096


@dataclass(slots=True)
class Bucket:
    """What is used of one part: chunks, and (space, chunk) pairs of which the space possesses the chunk."""

    ids: set[bytes] = field(default_factory=set)
    pairs: set[bytes] = field(default_factory=set)

    def possesses(self, space_id: int, chunk_id: ChunkId) -> bool:
        """Tell whether a version in the space has the chunk."""
        return chunk_id + space_id.to_bytes(8, "big") in self.pairs

    def add(self, record: bytes) -> None:
        """Take in a record: a chunk's id and the number of a space."""
        self.ids.add(record[:HASH])
        self.pairs.add(record)


class Mark:
    """Gathers chunk lists, and gives back what is used bucket by bucket.

    Its calls block, and are to be made one at a time, between `open` and `close`.
    """

    def __init__(self, folder: Path) -> None:
        """Name the folder, which is the mark's own."""
        self._folder = folder
        self._waiting = [bytearray() for _ in range(256)]
        self._waiting_size = 0
        self._bucket: int | None = None
        self._loaded = Bucket()

    def open(self) -> None:
        """Make the folder anew."""
        self.close()
        self._folder.mkdir(mode=0o700)

    def close(self) -> None:
        """Remove the folder, whoever left it."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def add(self, lists: Iterable[ChunkList]) -> None:
        """Take in chunk lists.

        Raises:
            UnavailableError: one of them is damaged.
        """
        for chunks in lists:
            chunks.check()
            space, packed = chunks.space_id.to_bytes(8, "big"), chunks.packed
            for at in range(0, len(packed), CHUNK_ROW):
                self._add(packed[at : at + HASH] + space)

    def add_chunks(self, ids: Iterable[ChunkId]) -> None:
        """Take in chunks that are used by no version."""
        space = NO_SPACE.to_bytes(8, "big")
        for chunk_id in ids:
            self._add(chunk_id + space)

    def load(self, bucket: int) -> Bucket:
        """Return what is used of a bucket; until the next one is loaded, it grows with what is added."""
        self._flush()
        self._bucket, self._loaded = bucket, Bucket()
        path = self._path(bucket)
        if path.exists():
            with path.open("rb") as file:
                while records := file.read(READ_AT_ONCE):
                    for at in range(0, len(records), RECORD):
                        self._loaded.add(records[at : at + RECORD])
        return self._loaded

    def _add(self, record: bytes) -> None:
        bucket = record[0]
        self._waiting[bucket] += record
        self._waiting_size += RECORD
        if bucket == self._bucket:
            self._loaded.add(record)
        if self._waiting_size >= BUFFERED:
            self._flush()

    def _flush(self) -> None:
        for bucket, records in enumerate(self._waiting):
            if records:
                with self._path(bucket).open("ab") as file:
                    file.write(records)
                records.clear()
        self._waiting_size = 0

    def _path(self, bucket: int) -> Path:
        return self._folder / f"{bucket:02x}"
