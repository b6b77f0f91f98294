"""Says whether every part can serve."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from app.db.database import Database, Use
from app.db.transaction import Transaction
from app.errors import UnavailableError
from app.repositories import users
from app.services.room import Room
from app.services.standing import Standing
from storage.base import ChunkId
from storage.errors import StorageError, StoreFullError, StoreUnavailableError
from storage.store import ChunkStore

PATIENCE_S = 5.0
Limit = Literal["read_only", "storage_full", "store_unavailable"]
"""What the server does not do at present: take any change, take uploads for want of room, or
because chunks cannot be put where they belong. Words that tell a stranger no more."""
Part = Literal["readers", "writer", "store"]
_NO_CHUNK = ChunkId(bytes(32))


@dataclass(frozen=True, slots=True)
class Probe:
    """How one part answered: within `took_ms`; None where it failed, or not in time."""

    part: Part
    took_ms: int | None


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
                for ask in self._asks().values():
                    await ask()
        except TimeoutError as error:
            raise UnavailableError("A part of the server does not answer.") from error
        return self.limits()

    async def probe(self) -> list[Probe]:
        """Ask every part, whatever the others answer, and tell how long each took."""
        asks = self._asks()
        took = await asyncio.gather(*(_took_ms(ask) for ask in asks.values()))
        return [Probe(part, took_ms) for part, took_ms in zip(asks, took, strict=True)]

    def _asks(self) -> Mapping[Part, Callable[[], Awaitable[object]]]:
        """Return what to ask of each part; a server that only reads leaves its writer alone."""
        asks: dict[Part, Callable[[], Awaitable[object]]] = {
            "readers": lambda: self._database.read(users.has_enabled_admin),
            "writer": lambda: self._database.write(_nothing, use=Use.NOTES),
            "store": lambda: self._store.present([_NO_CHUNK]),
        }
        if self._standing.is_read_only:
            del asks["writer"]
        return asks

    def limits(self) -> list[Limit]:
        """Return what the server does not do at present."""
        if self._standing.is_read_only:
            return ["read_only"]
        limits: set[Limit] = set() if self._room.look().is_enough else {"storage_full"}
        try:
            self._store.require()
        except StoreFullError:
            limits.add("storage_full")
        except StoreUnavailableError:
            limits.add("store_unavailable")
        return sorted(limits)


async def _took_ms(ask: Callable[[], Awaitable[object]]) -> int | None:
    begun_s = time.monotonic()
    try:
        async with asyncio.timeout(PATIENCE_S):
            await ask()
    except (TimeoutError, StorageError):
        return None
    return round((time.monotonic() - begun_s) * 1000)


def _nothing(_tx: Transaction) -> None:
    """Wait one's turn in the writer; a commit without a change costs no sync."""
