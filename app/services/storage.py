"""What takes how much room, for the asker and, to admins, of the store as a whole; and what comes back by itself.

Some of it is added up over many rows, so it is kept for a while and told with the time at which it was so.
"""

import asyncio
from dataclasses import dataclass

from app.auth.identity import Actor
from app.clock import now_ms
from app.db.database import Database
from app.db.transaction import Snapshot
from app.ids import encode_id
from app.repositories import spaces, usage
from app.repositories.spaces import Usage
from app.repositories.usage import Held
from app.services import access
from app.services.keeper import Keeper
from storage.store import ChunkStore

KEPT_MS = 60_000
STORE_KEPT_MS = 600_000
OWNERS_KEPT = 1_000


@dataclass(frozen=True, slots=True)
class SpaceFigures:
    """One space of the asker's.

    Sizes in bytes: of what is there, of earlier versions, of the trash, and of what programs keep on nodes.
    """

    space_id: str
    name: str
    live: int
    versions: int
    trash: int
    properties: int
    files: int
    folders: int


@dataclass(frozen=True, slots=True)
class StoreFigures:
    """The whole store. Sizes in bytes.

    Attributes:
        logical: of all versions, one by one.
        unique: of the chunks that they use, each once; uncompressed.
        stored: that these take on the disk.
        unused: that chunks take which nothing uses any more, `leaving` of it those in their grace.
        next_retention, next_trash: what goes within a day; None where no round has told yet.
    """

    as_of_ms: int
    logical: int
    unique: int
    stored: int
    unused: int
    leaving: int
    next_retention: int | None
    next_trash: int
    disk_free: int
    disk_total: int


@dataclass(frozen=True, slots=True)
class Figures:
    """An answer; `store` is None for who is no admin."""

    as_of_ms: int
    usage: Usage
    spaces: list[SpaceFigures]
    store: StoreFigures | None


@dataclass(frozen=True, slots=True)
class _Told:
    as_of_ms: int
    key: list[Held]
    spaces: list[SpaceFigures]


class StorageService:
    """Adds up, and remembers for a while."""

    def __init__(self, database: Database, store: ChunkStore, keeper: Keeper) -> None:
        """Take the parts it asks."""
        self._database = database
        self._store = store
        self._keeper = keeper
        self._told: dict[int, _Told] = {}
        self._store_told: StoreFigures | None = None
        self._lock = asyncio.Lock()

    async def figures(self, actor: Actor) -> Figures:
        """Return what is known.

        Raises:
            ForbiddenError: this credential sees one folder alone.
        """
        access.require_whole_view(actor)
        async with self._lock:  # whoever comes meanwhile finds it remembered
            used, told = await self._database.read(lambda tx: self._of_owner(tx, actor.user_id))
            if actor.user_id not in self._told and len(self._told) >= OWNERS_KEPT:
                self._told.clear()
            self._told[actor.user_id] = told
            if actor.is_admin and (self._store_told is None or now_ms() > self._store_told.as_of_ms + STORE_KEPT_MS):
                self._store_told = await self._of_store()
        return Figures(told.as_of_ms, used, told.spaces, self._store_told if actor.is_admin else None)

    def _of_owner(self, tx: Snapshot, owner_id: int) -> tuple[Usage, _Told]:
        used, held, now = spaces.usage_of(tx, owner_id), usage.held_by(tx, owner_id), now_ms()
        told = self._told.get(owner_id)
        if told is None or (told.key != held and now > told.as_of_ms + KEPT_MS):
            told = _Told(now, held, [_of_space(tx, space) for space in held])
        return used, told

    async def _of_store(self) -> StoreFigures:
        totals = await self._store.disposal.totals()
        logical, trash = await self._database.read(lambda tx: (usage.logical_size(tx), self._keeper.trash_due(tx)))
        disk = self._store.usage()
        return StoreFigures(
            as_of_ms=now_ms(),
            logical=logical,
            unique=totals.size,
            stored=totals.stored_size,
            unused=totals.unused_size,
            leaving=totals.leaving_size,
            next_retention=self._keeper.versions_due,
            next_trash=trash,
            disk_free=disk.free,
            disk_total=disk.total,
        )


def _of_space(tx: Snapshot, space: Held) -> SpaceFigures:
    folders, trash = usage.count_folders(tx, space.root_id) if space.items else 0, usage.trash_size(tx, space.id)
    return SpaceFigures(
        space_id=encode_id(space.id, space.tag),
        name=space.name,
        live=space.live,
        versions=max(0, space.used - space.live - trash),
        trash=trash,
        properties=space.property_size,
        files=space.items - folders,
        folders=folders,
    )
