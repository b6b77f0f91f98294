"""What a start finds after the last run: received chunks that still wait, strays of a cut barrier, torn files."""

import logging
from collections.abc import Collection
from dataclasses import dataclass
from functools import partial

from storage import rows, unused
from storage.base import Blob, ChunkId, ChunkState, Form, StoredChunk
from storage.disposal import begin_anew
from storage.errors import ChunkMismatchError, StoreUnavailableError
from storage.group_writer import GroupWriter, PlainSession
from storage.index import IndexStates
from storage.local import SYNC_ALL_FROM
from storage.medium import Medium, StagedFile
from storage.received import Received
from storage.vault import Vault

RECHECK_SIZE = 256 * 1024 * 1024
"""So many bytes of the newest files are hashed after an unclean stop: what one or two seconds take to write."""
_RECHECK_FILES = 4096

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Recovered:
    """What a start found: chunks to be made durable by a barrier, files that were dropped, chunks found damaged.

    `is_settled` unless the medium could not say what a removal that was cut off has left of its chunks.
    """

    kept: list[Received]
    dropped: int
    damaged: list[ChunkId]
    is_settled: bool = True


def recover(
    medium: Medium,
    writer: GroupWriter[PlainSession],
    states: IndexStates,
    vault: Vault,
    *,
    open_claims: Collection[str],
    clean: bool,
) -> Recovered:
    """Bring index and medium together. Blocks; its time depends on the last seconds before the stop alone.

    Args:
        medium: with nobody else at work on it.
        writer: of the index.
        states: a reader of the index for this thread.
        vault: of the store.
        open_claims: the uploads whose chunks are still wanted; the claims of all others go.
        clean: the last run ended well, so nothing that was indexed can be torn.
    """
    writer.write_blocking(partial(rows.sweep_claims, open_claims=open_claims))
    is_settled = True
    try:
        begin_anew(medium, writer)
    except StoreUnavailableError:
        is_settled = False
    staged = medium.staged()
    damaged: list[ChunkId] = []
    if not clean:
        staged += [medium.unplace(file) for file in _strays(medium, states)]
        damaged = _recheck(medium, writer, states, vault)
    kept: list[Received] = []
    for file in staged:
        hold = len(kept) < SYNC_ALL_FROM
        received = _received(medium, file, vault, hold=hold) if file.claim in open_claims else None
        if received is None:
            medium.discard([file])
        else:
            kept.append(received)
    if staged or damaged:
        _log.info("found %d received chunks, kept %d; %d damaged", len(staged), len(kept), len(damaged))
    return Recovered(kept, len(staged) - len(kept), damaged, is_settled)


def _strays(medium: Medium, states: IndexStates) -> list[StagedFile]:
    """Return the files that a barrier had put into place when it was cut off before their rows were written."""
    logged = medium.logged()
    named = states.run(partial(unused.named, blobs=[file.blob for file in logged]))
    return [file for file in logged if file.blob not in named and _is_there(medium, file.blob)]


def _is_there(medium: Medium, blob: Blob) -> bool:
    try:
        medium.size(blob)
    except FileNotFoundError:
        return False
    return True


def _recheck(medium: Medium, writer: GroupWriter[PlainSession], states: IndexStates, vault: Vault) -> list[ChunkId]:
    """Hash the newest files; what is wrong is taken out of the index first and then set aside."""
    damaged: list[rows.IndexRow] = []
    left = RECHECK_SIZE
    for row in states.run(partial(rows.newest_files, limit=_RECHECK_FILES)):
        left -= row.stored_size
        if left < 0:
            break
        if not is_sound(medium, row, vault):
            damaged.append(row)
    ids = [row.chunk_id for row in damaged]
    if damaged:
        writer.write_blocking(partial(rows.set_states, ids=ids, state=ChunkState.DAMAGED))
        for chunk in damaged:
            _log.error("chunk %s is damaged", chunk.chunk_id.hex())
            if chunk.blob is not None:
                medium.set_aside(chunk.blob)
    return ids


def is_sound(medium: Medium, row: rows.IndexRow, vault: Vault) -> bool:
    """Tell whether the bytes of a chunk are there and right."""
    try:
        data = stored_form(medium, row)
        if data is None or len(data) != row.stored_size:
            return False
        vault.restored(data, row.encoding, row.chunk_id, row.size, row.seal, alone=row.is_alone)
    except (OSError, ChunkMismatchError):
        return False
    return True


def stored_form(medium: Medium, chunk: rows.IndexRow | StoredChunk) -> bytes | None:
    """Return the stored form of a chunk from wherever it lies, unchecked; None where a row of bytes is missing."""
    if isinstance(chunk, StoredChunk) and chunk.sealed is not None:
        return chunk.sealed
    if chunk.data is not None or chunk.blob is None:
        return chunk.data
    if chunk.blob.form is Form.PACK:
        return medium.read(chunk.blob, chunk.start, chunk.stored_size)
    return medium.read(chunk.blob)


def _received(medium: Medium, file: StagedFile, vault: Vault, *, hold: bool) -> Received | None:
    """Return a staged file of an earlier run as a received chunk, None if its bytes cannot be had or are wrong."""
    try:
        data = medium.read_staged(file)
        chunk_id, size, encoding, seal = vault.identified(file.blob, data)
        return Received(file.claim, chunk_id, size, len(data), encoding, medium.reopen(file, hold=hold), seal=seal)
    except (OSError, ChunkMismatchError):
        return None
