"""Checks in the background what uploaders said of a whole file's SHA-256 (api.md, File)."""

import hashlib
import logging
from functools import partial

from app.db.database import Database, Use
from app.repositories import versions
from storage.errors import ChunkAbsentError, ChunkDamagedError
from storage.offload import Offload
from storage.store import ChunkStore

logger = logging.getLogger(__name__)


class HashService:
    """Reads versions whose hash is only claimed, one after the other."""

    def __init__(self, database: Database, store: ChunkStore, offload: Offload) -> None:
        """Take the parts it works with; `offload` has the threads that hash."""
        self._database = database
        self._store = store
        self._offload = offload

    async def check_claimed(self) -> None:
        """Check every claimed hash: one that holds is shown from then on, one that does not is dropped and logged."""
        version_id = 0
        while (found := await self._database.read(partial(versions.next_unchecked, after=version_id))) is not None:
            version_id = found
            await self._check(version_id)

    async def _check(self, version_id: int) -> None:
        version = await self._database.read(lambda tx: versions.find(tx, version_id))
        if version is None or version.manifest is None:
            return
        digest = hashlib.sha256()
        try:
            for chunk in version.manifest:
                await self._offload.run(partial(digest.update, await self._store.read(chunk.id)))
        except (ChunkAbsentError, ChunkDamagedError) as error:
            logger.error("the content of version %d cannot be read whole: %s", version_id, error)  # noqa: TRY400 - no fault of the code
            return
        if not await self._database.write(
            lambda tx: versions.settle_sha256(tx, version_id, digest.digest()), use=Use.NOTES
        ):
            logger.warning("version %d does not have the SHA-256 that its uploader gave", version_id)
