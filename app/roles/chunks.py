"""A process that serves chunks and nothing else: it checks signed URLs, gives what is stored, and stages what comes in.

The main process alone writes the index and knows the open uploads; it is asked over the link. GETs need it only at the
start.
"""

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import cast

from aiohttp import web

from app.api import chunks, health
from app.api.sending import Sender
from app.application import BODIES, BODIES_AT_ONCE
from app.chunk_medium import medium_beside
from app.config import Settings
from app.data_folder import DataFolder
from app.descriptors import within_descriptors
from app.errors import AppError
from app.keys import Services
from app.master_key import find_master
from app.roles.beside import BesideServices, build_app, find_main, until_told
from app.roles.far import Mirror, find, send
from app.roles.link import Admit, Here, Link, Received
from app.roles.paths import CHUNKS, only
from app.server import keep_certificates, serving
from app.services.budget import ByteBudget
from app.services.downloads import ChunkDownloads
from app.services.urls import Urls
from storage import received
from storage.base import Backend, ChunkId, WireEncoding
from storage.disk import Disk, LocalDisk
from storage.errors import BadStoreError, StorageError
from storage.keyring import Keyring
from storage.layout import relied_on
from storage.offload import Offload
from storage.outpost import open_far, open_outpost
from storage.signing import Grant, UrlSigner
from storage.store import INDEX_NAME, ChunkStore

ADMITTED_S = 1.0
"""For so long an upload that takes chunks is not asked about again; what it then sends is judged once more."""
MOST_ADMITTED = 1_000
ASKERS, QUEUE = 2, 1_024


class ChunkServices(BesideServices):
    """Those of `Services` that requests for chunks reach, under the same names."""

    def __init__(
        self, settings: Settings, folder: DataFolder, disk: Disk, urls: Urls, store: ChunkStore, link: Link
    ) -> None:
        """Put them together over a store that is open."""
        super().__init__(settings, folder, disk)
        self.urls = urls
        self.receive = ChunkReceive(store, link)
        self.downloads = ChunkDownloads(store)
        self.bodies = ByteBudget(BODIES, patience_s=self.deadlines.memory_s, leases=BODIES_AT_ONCE)
        self.sender = Sender(self.deadlines.stall_s)

    def close(self) -> None:
        """End the threads."""
        self.receive.close()
        self.sender.close()


class ChunkReceive:
    """Asks the main process whether bytes are wanted, and stages them for it."""

    def __init__(self, store: ChunkStore, link: Link) -> None:
        """Take the store, and the way to the main process."""
        self._store = store
        self._link = link
        self._asking = Offload("ask", threads=ASKERS, queue=QUEUE)
        self._admitted: dict[str, float] = {}

    def close(self) -> None:
        """End the threads, and hang up."""
        self._link.close()
        self._asking.close()

    async def admit_chunk(self, grant: Grant) -> None:
        """Refuse a chunk before its body is read; raises as that of `ReceiveService` does, which judges it."""
        admitted_s = self._admitted.get(grant.claim, 0.0)
        if time.monotonic() - admitted_s < ADMITTED_S:
            return
        await self._asking.run(partial(self._link.ask, Admit(grant.claim)))
        if len(self._admitted) >= MOST_ADMITTED:
            self._admitted.clear()
        self._admitted[grant.claim] = time.monotonic()

    async def take_chunk(self, grant: Grant, pieces: Sequence[bytes], encoding: WireEncoding) -> None:
        """Verify and stage one chunk, and hand it over; raises as that of `ReceiveService` does."""
        try:
            await self._store.put(grant.claim, ChunkId(bytes.fromhex(grant.subject)), grant.size, pieces, encoding)
        except (AppError, StorageError):
            self._admitted.pop(grant.claim, None)
            raise


async def run_chunks(settings: Settings) -> int:
    """Serve the chunks of `settings.data.folder` beside its main process; return 0 after SIGTERM or SIGINT.

    Raises:
        ListenError, StorageError, OSError: the process cannot start.
    """
    settings, stopped = within_descriptors(settings), until_told()
    folder = DataFolder(settings.data.folder, LocalDisk())
    link = Link(folder)
    here = await find_main(link, stopped)
    if here is None:
        return 0
    if not (folder.store / INDEX_NAME).exists():
        await _serve_far(settings, folder, link, here, stopped)
        return 0
    with relied_on(folder.store, alone=False):
        store = await _open_beside(settings, folder, link)
        await _serve(settings, folder, link, here, store, stopped)
    return 0


async def _serve_far(settings: Settings, folder: DataFolder, link: Link, here: Here, stopped: asyncio.Event) -> None:
    """Serve on another machine than the main process, whose index is not here."""
    mirror = Mirror(link, folder, LocalDisk())
    await asyncio.to_thread(mirror.take)
    store = await _open_far(settings, folder, link, mirror)
    mirroring = asyncio.create_task(mirror.run(), name="mirror")
    try:
        await _serve(settings, folder, link, here, store, stopped)
    finally:
        mirroring.cancel()


async def _serve(
    settings: Settings, folder: DataFolder, link: Link, here: Here, store: ChunkStore, stopped: asyncio.Event
) -> None:
    """Serve from a store until told to stop, and close it."""
    async with (
        _open_services(settings, folder, link, here.instance, store) as services,
        serving(settings, build_chunk_app(services), services, shares_port=True) as port,
    ):
        sys.stderr.write(f"Cairn serves the chunks of {settings.data.folder} on port {port}\n")
        keeping = asyncio.create_task(keep_certificates(services.certificates), name="certificates")
        await stopped.wait()
        keeping.cancel()


def build_chunk_app(services: Services) -> web.Application:
    """Return the HTTP application of chunks alone; bundles and whole files stay with the main process."""
    return build_app(services, only(CHUNKS, (*chunks.routes, *health.routes)))


async def _open_beside(settings: Settings, folder: DataFolder, link: Link) -> ChunkStore:
    disk = LocalDisk()
    return await open_outpost(
        folder.store,
        disk,
        await asyncio.to_thread(medium_beside, settings.storage, folder.store, disk),
        partial(_tell, link),
        lambda: link.wave,
        level=settings.storage.zstd_level,
        master=await asyncio.to_thread(find_master, settings.encryption, disk),
    )


async def _open_far(settings: Settings, folder: DataFolder, link: Link, mirror: Mirror) -> ChunkStore:
    """Open the store of another machine; raises BadStoreError where its chunks lie in files there."""
    disk = LocalDisk()

    def open_() -> ChunkStore:
        medium = medium_beside(settings.storage, folder.store, disk)
        if medium.backend is Backend.LOCAL:
            raise BadStoreError("The chunks lie in files of the main process's machine: serve them there.")
        return open_far(
            folder.store,
            disk,
            medium,
            partial(send, link, disk),
            lambda: link.wave,
            partial(find, link, mirror),
            level=settings.storage.zstd_level,
            master=find_master(settings.encryption, disk),
        )

    return await asyncio.to_thread(open_)


@asynccontextmanager
async def _open_services(
    settings: Settings, folder: DataFolder, link: Link, instance: str, store: ChunkStore
) -> AsyncIterator[Services]:
    disk = LocalDisk()
    keyring = await asyncio.to_thread(lambda: Keyring(folder.keys, disk=disk))
    urls = Urls(UrlSigner(instance, keyring), settings.uploads.url_lifetime_s)
    made = ChunkServices(settings, folder, disk, urls, store, link)
    try:
        yield cast(Services, made)  # its routes reach nothing else of it
    finally:
        made.close()
        await store.close()


def _tell(link: Link, chunk: received.Received, wave: int) -> None:
    """Hand over what was staged. Blocks."""
    link.ask(Received.of(chunk, wave))
