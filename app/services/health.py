"""Says whether every part can serve."""

import asyncio
from typing import Literal

from app.db.database import Database, Use
from app.db.transaction import Transaction
from app.errors import UnavailableError
from app.repositories import users
from app.services.room import Room
from app.services.standing import Standing
from storage.base import ChunkId
from storage.store import ChunkStore

PATIENCE_S = 5.0
Limit = Literal["read_only", "storage_full"]
"""What the server does not do at present: take any change, take uploads. Words that tell a stranger no more."""
_NO_CHUNK = ChunkId(bytes(32))


class HealthService:
    """Asks each part for something that costs next to nothing."""

    def __init__(self, database: Database, store: ChunkStore, room: Room, standing: Standing) -> None:
        """Take the parts that it asks."""
        self._database = database
        self._store = store
        self._room = room
        self._standing = standing

    async def check(self) -> list[Limit]:
        """Return what the server does not do at present, if readers, writer and store answer.

        Raises:
            UnavailableError: one of them takes too long.
            StorageError: one of them failed.
        """
        try:
            async with asyncio.timeout(PATIENCE_S):
                await self._database.read(users.has_enabled_admin)
                if not self._standing.is_read_only:
                    await self._database.write(_nothing, use=Use.NOTES)
                await self._store.present([_NO_CHUNK])
        except TimeoutError as error:
            raise UnavailableError("A part of the server does not answer.") from error
        return self.limits()

    def limits(self) -> list[Limit]:
        """Return what the server does not do at present."""
        if self._standing.is_read_only:
            return ["read_only"]
        return [] if self._room.look().is_enough else ["storage_full"]


def _nothing(_tx: Transaction) -> None:
    """Wait one's turn in the writer; a commit without a change costs no sync."""
