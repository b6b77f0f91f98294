"""Keeps the index of names in step, in batches behind the changes, and fills it for nodes that are older than it."""

import asyncio
import logging

from app.db.database import Database
from app.db.transaction import Transaction
from app.errors import NoRoomError
from app.repositories import found_names
from storage.errors import StorageError

logger = logging.getLogger(__name__)

EVERY_S = 5.0
REST_S = 0.02
"""Between two batches, so that the writer has most of its time for others."""
BATCH = 500


class NameIndex:
    """Brings names into the index; search finds those that are not in it yet as well, only more slowly."""

    def __init__(self, database: Database) -> None:
        """Take the database."""
        self._database = database

    async def run(self) -> None:
        """Do so every few seconds until cancelled; a batch that is cut off is done again."""
        while True:
            try:
                await self.catch_up()
            except (StorageError, NoRoomError) as error:
                logger.warning("the index of names waits, for %s", error)
            except Exception:
                logger.exception("the index of names could not be kept up")
            await asyncio.sleep(EVERY_S)

    async def catch_up(self) -> None:
        """Settle and build until nothing is left."""
        while await self._database.read(found_names.has_work):
            await self._database.write(_batch)
            await asyncio.sleep(REST_S)


def _batch(tx: Transaction) -> None:
    found_names.settle(tx, limit=BATCH)
    found_names.build(tx, limit=BATCH)
