"""The check of a store for fsck: index against medium, both ways, and bytes against hashes. It only reads."""

import contextlib
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from pathlib import Path

from storage import rows, unused
from storage.base import Blob, ChunkId, ChunkState, Form
from storage.disk import Disk
from storage.disposal import BUCKETS
from storage.index import IndexStates
from storage.local import LocalMedium
from storage.medium import Medium, PlacedFile, translated
from storage.recovery import is_sound
from storage.store import INDEX_NAME, OpenMedium
from storage.vault import MasterKey, Vault

_PAGE = 1000


class Problem(StrEnum):
    """What can be wrong with a store."""

    INDEX = "index"
    """SQLite finds the index malformed."""
    DAMAGED = "damaged"
    """A chunk was found damaged before, and nobody has sent it again."""
    MISSING = "missing"
    """The index names a chunk whose bytes are not there."""
    SIZE = "size"
    """The stored form of a chunk has another length than the index says."""
    CONTENT = "content"
    """The bytes of a chunk do not hash to its id."""
    STRAY = "stray"
    """A file that no row names. Nothing is lost by it but room."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong; `chunk_id` and `blob` where they are known."""

    problem: Problem
    detail: str
    chunk_id: ChunkId | None = None
    blob: Blob | None = None


def verify_store(
    folder: Path,
    *,
    disk: Disk,
    content: bool,
    open_medium: OpenMedium = LocalMedium,
    master: MasterKey | None = None,
) -> Iterator[Finding]:
    """Yield what is wrong with the store in `folder`. Blocks; also right while a server is at work in the folder.

    Args:
        folder: as for `ChunkStore.open`.
        disk: the seam to the operating system.
        content: read and hash every chunk, and check the index's own structure.
        open_medium: opens what keeps the chunks.
        master: opens what is sealed, for `content`.

    Raises:
        StorageError: the store cannot be read, so nothing can be said.
    """
    vault = Vault(folder, disk, master, is_shut=not content)
    states = IndexStates(folder / INDEX_NAME)
    with contextlib.closing(states), contextlib.closing(_medium(folder, disk, open_medium)) as medium:
        if content:
            yield from states.run(_malformed)
        yield from _against_medium(states, medium, vault, content=content)
        yield from _strays(states, medium)


def _medium(folder: Path, disk: Disk, open_medium: OpenMedium) -> Medium:
    try:
        return open_medium(folder, disk)
    except OSError as error:
        raise translated(error) from error


def _malformed(connection: sqlite3.Connection) -> list[Finding]:
    messages = [row[0] for row in connection.execute("PRAGMA integrity_check")]
    return [Finding(Problem.INDEX, message) for message in messages if message != "ok"]


def _against_medium(states: IndexStates, medium: Medium, vault: Vault, *, content: bool) -> Iterator[Finding]:
    """Check each row's bytes."""
    after = 0
    while page := states.run(partial(rows.page, after=after, limit=_PAGE)):
        after = page[-1].seq
        for row in page:
            finding = None if row.state is ChunkState.REMOVING else _wrong(medium, row, vault, content=content)
            if finding and states.run(partial(rows.find, ids=[row.chunk_id])).get(row.chunk_id) == row:
                yield finding  # and not one of a row that changed while we looked


def _wrong(medium: Medium, row: rows.IndexRow, vault: Vault, *, content: bool) -> Finding | None:
    chunk_id = row.chunk_id
    if row.state is ChunkState.DAMAGED:
        return Finding(Problem.DAMAGED, "was found damaged and not sent again", chunk_id)
    blob = row.blob
    try:
        size = medium.size(blob) if blob else len(row.data or b"")
    except OSError as error:
        return Finding(Problem.MISSING, f"its file cannot be read: {error.strerror}", chunk_id, blob)
    if blob is None and row.data is None:
        return Finding(Problem.MISSING, "its row of bytes is not there", chunk_id)
    is_part = blob is not None and blob.form is Form.PACK
    if size < row.start + row.stored_size if is_part else size != row.stored_size:
        return Finding(Problem.SIZE, f"{size} bytes are stored, not {row.stored_size}", chunk_id, blob)
    if content and not is_sound(medium, row, vault):
        return Finding(Problem.CONTENT, "its bytes do not hash to its id", chunk_id, blob)
    return None


def _strays(states: IndexStates, medium: Medium) -> Iterator[Finding]:
    """Find files that no row names.

    A barrier that runs meanwhile has files in place before their rows, and it has noted them before that. So first
    look at the files, then at its note, and at the rows last.
    """
    suspects: list[PlacedFile] = []
    try:
        for first in range(BUCKETS):
            suspects += _unnamed(states, medium.objects(first))
        noted = {file.blob for file in medium.logged()}
    except OSError as error:
        raise translated(error) from error
    for file in _unnamed(states, suspects):
        if file.blob not in noted:
            yield Finding(Problem.STRAY, "no row names it", file.blob.chunk_id if file.blob else None, file.blob)


def _unnamed(states: IndexStates, files: list[PlacedFile]) -> list[PlacedFile]:
    """Return the files that are not where a row says that its chunk is."""
    named = states.run(partial(unused.named, blobs=[file.blob for file in files if file.blob is not None]))
    return [file for file in files if file.blob not in named]
