"""What the main process does for those that serve chunks beside it."""

import secrets
from collections.abc import Awaitable, Callable

from app.roles.link import Admit, Question, Received
from app.services.receive import ReceiveService
from storage import received
from storage.base import Blob, ChunkId, Encoding, Seal
from storage.errors import StoreUnavailableError
from storage.medium import StagedFile
from storage.store import ChunkStore

_RUNS, _WAVES = 2**24, 2**32


def answering(receive: ReceiveService, store: ChunkStore) -> Callable[[Question], Awaitable[int]]:
    """Return what does what is asked over the link, and tells the wave; no two runs have one in common."""
    first = secrets.randbelow(_RUNS) * _WAVES

    async def answer(question: Question) -> int:
        if isinstance(question, Admit):
            await receive.admit(question.claim)
        elif isinstance(question, Received):
            await receive.adopt_chunk(_received(question, store), question.wave - first)
        return first + store.wave

    return answer


def _received(told: Received, store: ChunkStore) -> received.Received:
    chunk_id, encoding = ChunkId(told.chunk_id), Encoding(told.encoding)
    file, seal = None, None if told.seal is None else Seal(*told.seal)
    if told.name is not None:
        if "/" in told.name:
            raise StoreUnavailableError("that is no name of what is staged")
        file = StagedFile(store.staged_path(told.name), told.claim, Blob.of(chunk_id, encoding, seal))
    return received.Received(told.claim, chunk_id, told.size, told.stored_size, encoding, file, told.data, seal)
