"""What the main process does for those beside it."""

import secrets
from collections.abc import Awaitable, Callable

from app.application import Cairn
from app.roles.link import Admit, Here, Question, Received, TryBasic, Used
from app.services.authentication import noting_uses
from app.version import VERSION
from storage import received
from storage.base import Blob, ChunkId, Encoding, Seal
from storage.errors import StoreUnavailableError
from storage.medium import StagedFile
from storage.store import ChunkStore

_RUNS, _WAVES = 2**24, 2**32


def here(cairn: Cairn) -> Here:
    """Return who this is."""
    return Here(cairn.services.instance, cairn.services.epoch, VERSION)


def answering(cairn: Cairn) -> Callable[[Question], Awaitable[int]]:
    """Return what does what is asked over the link, and tells the wave; no two runs have one in common."""
    first = secrets.randbelow(_RUNS) * _WAVES
    services, store, note_use = cairn.services, cairn.store, noting_uses(cairn.database)

    async def answer(question: Question) -> int:
        if isinstance(question, Admit):
            await services.receive.admit(question.claim)
        elif isinstance(question, Received):
            await services.receive.adopt_chunk(_received(question, store), question.wave - first)
        elif isinstance(question, Used):
            await note_use(question.actor_id, question.network)
        elif isinstance(question, TryBasic):
            await services.authentication.actor_of_basic(question.username, question.password, question.network)
        return first + store.wave

    return answer


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
