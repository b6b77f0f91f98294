"""Ends what has outlived its time: uploads nobody works on any more. Keeps the clocks that this needs."""

import asyncio

from app.clock import now_ms
from app.config import Uploads
from app.db.database import Database, Use
from app.db.transaction import Transaction
from app.repositories import uploads
from app.repositories.uploads import State, Upload
from app.services.open_uploads import OpenUploads, claims_over, wire_id
from app.services.uploads import drop
from app.services.uptime import Uptime
from storage.signing import UrlSigner
from storage.store import ChunkStore

BATCH = 200


class Sweep:
    """Chores of a minute each; every step is one short transaction."""

    def __init__(
        self,
        database: Database,
        store: ChunkStore,
        table: OpenUploads,
        uptime: Uptime,
        signer: UrlSigner,
        policy: Uploads,
    ) -> None:
        """Take the parts it works with."""
        self._database = database
        self._store = store
        self._table = table
        self._uptime = uptime
        self._signer = signer
        self._policy = policy

    async def keep_time(self) -> None:
        """Store the uptime and the signer's clock, and rotate keys when it is time."""
        await self._database.write(self._uptime.save, use=Use.NOTES)
        await asyncio.to_thread(self._signer.tend)

    async def end_uploads(self) -> None:
        """Let uploads that took bytes live on, and drop those whose time is over by both clocks."""
        touched = self._table.take_touched()
        if touched:
            await self._database.write(lambda tx: self._extend(tx, touched), use=Use.NOTES)
        while await self._drop_expired() == BATCH:
            pass

    def _extend(self, tx: Transaction, touched: set[int]) -> None:
        expiry = self._uptime.expiry(tx.now_ms(), self._policy.upload_lifetime_days)
        for upload_id in touched:
            uploads.extend(tx, upload_id, expiry)

    async def _drop_expired(self) -> int:
        def work(tx: Transaction) -> tuple[list[Upload], list[str]]:
            expired = uploads.expired(tx, now_ms=now_ms(), uptime_s=self._uptime.now_s(), limit=BATCH)
            for upload in expired:
                drop(tx, upload)
            return expired, claims_over(tx, [upload for upload in expired if upload.state is State.OPEN])

        expired, over = await self._database.write(work, use=Use.FREES)
        self._table.closed([wire_id(upload) for upload in expired if upload.state is State.OPEN])
        self._store.drop_claims(over)
        return len(expired)
