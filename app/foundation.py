"""What everything else stands on: the data folder with its two databases, opened in order and closed again."""

import asyncio
import logging
import sqlite3
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path

from app.at_rest import open_sealer
from app.auth.sealing import Sealer
from app.chunk_medium import Sides, chunk_medium
from app.clock import now_ms
from app.config import Settings
from app.data_folder import DataFolder
from app.db.database import Database, connect_reader
from app.db.epochs import HighWater, open_epoch
from app.db.migrate import migrate
from app.db.transaction import Listeners, Snapshot
from app.ids import encode_id
from app.master_key import find_master, where_beside
from app.repositories import uploads as upload_rows
from app.services.ballast import Ballast
from app.services.notify import Notifier
from app.services.room import Room, make_way
from app.services.standing import Standing
from storage.disk import Disk
from storage.errors import StorageError
from storage.keyring import Keyring
from storage.store import ChunkStore

logger = logging.getLogger(__name__)

SAFE_SQLITE = (3, 51, 3)


@dataclass(frozen=True, slots=True)
class Foundation:
    """What is open before the services are; `was_clean` says of the last run that it ended well."""

    settings: Settings
    folder: DataFolder
    disk: Disk
    database: Database
    store: ChunkStore
    sides: Sides
    keyring: Keyring
    sealer: Sealer
    notifier: Notifier
    room: Room
    standing: Standing
    was_clean: bool


@asynccontextmanager
async def lay_foundation(
    settings: Settings, folder: DataFolder, disk: Disk, *, on_failure: Callable[[StorageError], None]
) -> AsyncIterator[Foundation]:
    """Open the databases of a locked data folder, recover from the last run, and close them again in order.

    Args:
        disk: the seam for file operations.
        on_failure: called from another thread when the disk failed: the process must end.
    """
    _warn_of_sqlite()
    failures: list[StorageError] = []
    ballast = Ballast(folder.ballast, disk)
    await asyncio.to_thread(make_way, ballast, disk, folder.root)
    standing = await asyncio.to_thread(Standing, folder.read_only, folder.failures, disk, now_ms)

    def note_failure(error: StorageError) -> None:
        if not failures:
            standing.note_failure()
        failures.append(error)
        on_failure(error)

    room = Room(folder.root, disk, settings.limits, ballast, standing)
    was_clean = folder.begin()
    await asyncio.to_thread(migrate, folder.metadata, folder.snapshots, disk)
    high_water, notifier = HighWater(folder.high_water, disk), Notifier(asyncio.get_running_loop())
    await asyncio.to_thread(open_epoch, folder.metadata, high_water, disk)
    async with AsyncExitStack() as closing_down:
        medium = chunk_medium(settings.storage, folder.object_server, disk, settings.server.origin)
        open_medium = await asyncio.to_thread(medium.__enter__)
        closing_down.push_async_callback(asyncio.to_thread, medium.__exit__, None, None, None)
        sides = Sides(settings.storage, folder.object_server, disk, settings.server.origin)
        closing_down.push_async_callback(asyncio.to_thread, sides.close)
        store = await ChunkStore.open(
            folder.store,
            disk=disk,
            open_claims=await asyncio.to_thread(_open_claims, folder.metadata),
            clean=was_clean,
            open_medium=open_medium,
            level=settings.storage.zstd_level,
            on_failure=note_failure,
            master=await asyncio.to_thread(find_master, settings.encryption, disk),
        )
        closing_down.push_async_callback(store.close)
        states = store.states()
        closing_down.callback(states.close)
        database = await Database.open(
            folder.metadata,
            disk=disk,
            chunks=states,
            clock_ms=now_ms,
            listeners=Listeners(notifier.changed, high_water.note),
            on_failure=note_failure,
            make_room=ballast.give_up,
            require_room=room.require,
            require_writable=standing.require_writable,
        )
        closing_down.push_async_callback(database.close)
        keyring = await asyncio.to_thread(lambda: Keyring.create(folder.keys, disk=disk, now_s=int(time.time())))
        sealer = await asyncio.to_thread(open_sealer, folder, store.vault, disk)
        if store.vault.current is not None and (beside := where_beside(settings.encryption, folder.root)):
            logger.warning("%s", beside)
        yield Foundation(
            settings, folder, disk, database, store, sides, keyring, sealer, notifier, room, standing, was_clean
        )
    if not failures and not standing.is_read_only:
        _note_clean_stop(folder)


def _note_clean_stop(folder: DataFolder) -> None:
    try:
        folder.end()
    except OSError as error:
        logger.warning("the stop could not be noted, so the next start checks as after a crash: %s", error)


def _warn_of_sqlite() -> None:
    """Say that SQLite's own protection against a rare race is missing; ours is that one connection checkpoints."""
    if sqlite3.sqlite_version_info < SAFE_SQLITE:
        logger.debug(
            "SQLite %s is older than 3.51.3: safe here, for only one connection ever checkpoints",
            sqlite3.sqlite_version,
        )


def _open_claims(path: Path) -> set[str]:
    """Return the claims of all open uploads: their own ids, and those of their bundles."""
    with closing(connect_reader(path)) as connection:
        claims = set()
        for number, tag, bundle in upload_rows.open_claims(Snapshot(connection)):
            claims.add(encode_id(number, tag))
            if bundle is not None:
                claims.add(bundle)
        return claims
