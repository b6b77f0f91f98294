"""JSON bodies of the account of room. Sizes are bytes."""

from dataclasses import asdict
from typing import Self

from msgspec import Struct

from app.services.storage import Figures, StoreFigures


class SpaceUse(Struct, frozen=True):
    """One space of the asker's: what is there, earlier versions, the trash, and what programs keep on nodes (WebDAV).

    `name` is empty for the home.
    """

    space_id: str
    name: str
    live: int
    versions: int
    trash: int
    properties: int
    files: int
    folders: int


class NextFreed(Struct, frozen=True):
    """What goes within a day by age (retention: null while not known yet), and what the collector still has to take."""

    retention: int | None
    trash: int
    collector: int


class StoreUse(Struct, frozen=True):
    """The store as a whole: all versions, what they are with each chunk once, and what that takes on the disk."""

    as_of_ms: int
    logical: int
    unique: int
    stored: int
    saved_by_deduplication: int
    saved_by_compression: int
    condemned: int
    next_freed: NextFreed
    disk_free: int
    disk_total: int

    @classmethod
    def of(cls, figures: StoreFigures) -> Self:
        """Show `figures`."""
        return cls(
            as_of_ms=figures.as_of_ms,
            logical=figures.logical,
            unique=figures.unique,
            stored=figures.stored,
            saved_by_deduplication=max(0, figures.logical - figures.unique),
            saved_by_compression=max(0, figures.unique - figures.stored),
            condemned=figures.leaving,
            next_freed=NextFreed(figures.next_retention, figures.next_trash, figures.unused),
            disk_free=figures.disk_free,
            disk_total=figures.disk_total,
        )


class StorageReply(Struct, frozen=True):
    """Answer to GET /api/v1/storage; `store` is null for who is no admin."""

    as_of_ms: int
    quota: int | None
    used: int
    reserved: int
    spaces: list[SpaceUse]
    store: StoreUse | None

    @classmethod
    def of(cls, figures: Figures) -> Self:
        """Show `figures`."""
        return cls(
            as_of_ms=figures.as_of_ms,
            quota=figures.usage.quota,
            used=figures.usage.used,
            reserved=figures.usage.reserved,
            spaces=[SpaceUse(**asdict(space)) for space in figures.spaces],
            store=None if figures.store is None else StoreUse.of(figures.store),
        )
