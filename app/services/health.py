"""Says whether every part can serve."""

import asyncio

from app.db.database import Database
from app.db.transaction import Transaction
from app.errors import UnavailableError
from app.repositories import users
from storage.base import ChunkId
from storage.store import ChunkStore

PATIENCE_S = 5.0
_NO_CHUNK = ChunkId(bytes(32))


class HealthService:
    """Asks each part for something that costs next to nothing."""

    def __init__(self, database: Database, store: ChunkStore) -> None:
        """Take the parts that it asks."""
        self._database = database
        self._store = store

    async def check(self) -> None:
        """Return if readers, writer and store answer.

        Raises:
            UnavailableError: one of them takes too long.
            StorageError: one of them failed.
        """
        try:
            async with asyncio.timeout(PATIENCE_S):
                await self._database.read(users.has_enabled_admin)
                await self._database.write(_nothing)
                await self._store.present([_NO_CHUNK])
        except TimeoutError as error:
            raise UnavailableError("A part of the server does not answer.") from error


def _nothing(_tx: Transaction) -> None:
    """Wait one's turn in the writer; a commit without a change costs no sync."""
