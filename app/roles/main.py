"""What the main process does for those beside it."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from contextlib import suppress

from app.application import Cairn
from app.data_folder import DataFolder
from app.roles.link import (
    Admit,
    Answer,
    Copied,
    Copy,
    Done,
    Here,
    Locate,
    Located,
    Question,
    Received,
    TryBasic,
    Used,
)
from app.services.authentication import noting_uses
from app.version import VERSION
from storage import received
from storage.base import Backend, Blob, ChunkId, Encoding, Seal, StoredChunk
from storage.errors import StoreUnavailableError
from storage.layout import CLAIM_NAME, LAYOUT_NAME
from storage.medium import StagedFile
from storage.store import ChunkStore
from storage.vault import VAULT_NAME

_RUNS, _WAVES = 2**24, 2**32


def here(cairn: Cairn) -> Here:
    """Return who this is."""
    return Here(cairn.services.instance, cairn.services.epoch, VERSION)


def answering(cairn: Cairn, folder: DataFolder) -> Callable[[Question], Awaitable[Answer]]:
    """Return what does what is asked over the link, and tells the wave; no two runs have one in common."""
    first = secrets.randbelow(_RUNS) * _WAVES
    services, store, note_use = cairn.services, cairn.store, noting_uses(cairn.database)

    async def answer(question: Question) -> Answer:
        if isinstance(question, Locate):
            return _located((await store.locate([ChunkId(question.chunk_id)]))[0])
        if isinstance(question, Copy):
            return Copied(await asyncio.to_thread(_copied, folder))
        if isinstance(question, Admit):
            await services.receive.admit(question.claim)
        elif isinstance(question, Received):
            await services.receive.adopt_chunk(_received(question, store), question.wave - first)
        elif isinstance(question, Used):
            await note_use(question.actor_id, question.network)
        elif isinstance(question, TryBasic):
            await services.authentication.actor_of_basic(question.username, question.password, question.network)
        return Done(first + store.wave)

    return answer


def _located(chunk: StoredChunk) -> Located:
    """Return where another machine finds a chunk.

    Raises:
        StoreUnavailableError: nowhere.
    """
    blob, seal = chunk.blob, chunk.seal
    if blob is not None and blob.backend is not Backend.S3:
        raise StoreUnavailableError("This chunk lies in a file of the main process's machine.")
    return Located(
        chunk.size,
        chunk.stored_size,
        int(chunk.encoding),
        chunk.data,
        None if blob is None else (blob.hash, str(blob.form)),
        chunk.start,
        None if seal is None else (seal.key_number, seal.name),
        chunk.sealed,
    )


def _copied(folder: DataFolder) -> dict[str, bytes]:
    """Return the keys of signed URLs, those of the store as the master key has wrapped them, and whose a bucket is."""
    store = (folder.store / name for name in (VAULT_NAME, LAYOUT_NAME, CLAIM_NAME))
    found = dict[str, bytes]()
    for path in (*folder.keys.glob("*.key"), *store):
        with suppress(FileNotFoundError):
            found[path.relative_to(folder.root).as_posix()] = path.read_bytes()
    return found


def _received(told: Received, store: ChunkStore) -> received.Received:
    chunk_id, encoding = ChunkId(told.chunk_id), Encoding(told.encoding)
    file, seal = None, None if told.seal is None else Seal(*told.seal)
    if told.name is not None:
        if "/" in told.name:
            raise StoreUnavailableError("that is no name of what is staged")
        file = StagedFile(
            store.staged_path(told.name), told.claim, Blob.of(chunk_id, encoding, seal), digest=told.digest
        )
    return received.Received(told.claim, chunk_id, told.size, told.stored_size, encoding, file, told.data, seal)
