"""A process that serves chunks and nothing else: it checks signed URLs, gives what is stored, and stages what comes in.

The main process alone writes the index and knows the open uploads; it is asked over the link. GETs need it only at the
start.
"""

import asyncio
import logging
import signal
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from typing import cast

from aiohttp import web

from app.api import chunks, health
from app.api.sending import Sender
from app.application import ANSWERS, BODIES, BODIES_AT_ONCE, WAITS
from app.auth.addresses import Proxies
from app.clock import now_ms
from app.config import Settings
from app.connections import Connections
from app.data_folder import DataFolder
from app.deadlines import Deadlines
from app.descriptors import within_descriptors
from app.errors import AppError
from app.keys import SERVICES, Services
from app.master_key import find_master
from app.middleware import add_headers, guarded, observe
from app.roles.link import Admit, Hello, Link, Received
from app.server import SWITCH_S, keep_certificates, serving
from app.services.budget import ByteBudget
from app.services.downloads import ChunkDownloads
from app.services.metrics import Metrics
from app.services.urls import Urls
from app.surroundings import Surroundings
from app.tls.certificates import Certificates
from app.tls.own import OwnCertificate
from storage import received
from storage.base import ChunkId, WireEncoding
from storage.disk import LocalDisk
from storage.errors import StorageError
from storage.keyring import Keyring
from storage.layout import relied_on
from storage.offload import Offload
from storage.outpost import open_outpost
from storage.signing import Grant, UrlSigner
from storage.store import ChunkStore

logger = logging.getLogger(__name__)

AGAIN_S = 0.2
"""Between two looks for the main process, which tells in no other way that it has begun."""
ADMITTED_S = 1.0
"""For so long an upload that takes chunks is not asked about again; what it then sends is judged once more."""
MOST_ADMITTED = 1_000
ASKERS, QUEUE = 2, 1_024


@dataclass(frozen=True, slots=True)
class ChunkServices:
    """Those of `Services` that requests for chunks reach, under the same names."""

    settings: Settings
    deadlines: Deadlines
    proxies: Proxies
    connections: Connections
    certificates: Certificates
    surroundings: Surroundings
    setup: "_SetUp"
    metrics: Metrics
    urls: Urls
    receive: "ChunkReceive"
    downloads: ChunkDownloads
    bodies: ByteBudget
    answers: ByteBudget
    sender: Sender


@dataclass(frozen=True, slots=True)
class _SetUp:
    """Whoever has a signed URL had it from a server that is set up."""

    is_needed: bool = False


class ChunkReceive:
    """Asks the main process whether bytes are wanted, and stages them for it."""

    def __init__(self, store: ChunkStore, link: Link) -> None:
        """Take the store, and the way to the main process."""
        self._store = store
        self._link = link
        self._asking = Offload("ask", threads=ASKERS, queue=QUEUE)
        self._admitted: dict[str, float] = {}

    def close(self) -> None:
        """End the threads."""
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
    sys.setswitchinterval(SWITCH_S)
    settings = within_descriptors(settings)
    loop, stopped = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    folder = DataFolder(settings.data.folder, LocalDisk())
    link = Link(folder)
    instance = await _find_main(link, stopped)
    if instance is None:
        return 0
    with relied_on(folder.store, alone=False):
        async with (
            _open_services(settings, folder, link, instance) as services,
            serving(settings, build_chunk_app(services), services, shares_port=True) as port,
        ):
            sys.stderr.write(f"Cairn serves the chunks of {settings.data.folder} on port {port}\n")
            keeping = asyncio.create_task(keep_certificates(services.certificates), name="certificates")
            await stopped.wait()
            keeping.cancel()
    return 0


def build_chunk_app(services: Services) -> web.Application:
    """Return the HTTP application of chunks alone; bundles and whole files stay with the main process."""
    app = web.Application(middlewares=[observe])
    app[SERVICES] = services
    app.on_response_prepare.append(add_headers)
    running: Counter[int] = Counter()
    for route in (*chunks.routes, *health.routes):
        if route.path in ("/chunks/{chunk}", "/healthz"):
            for method in (route.method, "HEAD") if route.method == "GET" else (route.method,):
                app.router.add_route(method, route.path, guarded(route, running))
    return app


@asynccontextmanager
async def _open_services(settings: Settings, folder: DataFolder, link: Link, instance: str) -> AsyncIterator[Services]:
    disk, deadlines = LocalDisk(), WAITS
    keyring = await asyncio.to_thread(lambda: Keyring(folder.keys, disk=disk))
    store = await open_outpost(
        folder.store,
        disk,
        partial(_tell, link),
        lambda: link.wave,
        level=settings.storage.zstd_level,
        master=await asyncio.to_thread(find_master, settings.encryption, disk),
    )
    receive, sender = ChunkReceive(store, link), Sender(deadlines.stall_s)
    proxies = Proxies(settings.server.trusted_proxies)
    certificates = Certificates(settings.tls, OwnCertificate(folder.tls, disk), renews=False)
    made = ChunkServices(
        settings=settings,
        deadlines=deadlines,
        proxies=proxies,
        connections=Connections(settings.limits.connections, settings.limits.connections_per_network, proxies),
        certificates=certificates,
        surroundings=Surroundings(settings, proxies, certificates, now_ms),
        setup=_SetUp(),
        metrics=Metrics((), token="", is_open=False),
        urls=Urls(UrlSigner(instance, keyring), settings.uploads.url_lifetime_s),
        receive=receive,
        downloads=ChunkDownloads(store),
        bodies=ByteBudget(BODIES, patience_s=deadlines.memory_s, leases=BODIES_AT_ONCE),
        answers=ByteBudget(ANSWERS, patience_s=deadlines.memory_s),
        sender=sender,
    )
    try:
        yield cast(Services, made)  # its routes reach nothing else of it
    finally:
        receive.close()
        sender.close()
        await store.close()


async def _find_main(link: Link, stopped: asyncio.Event) -> str | None:
    """Wait for the main process; return the name of its server, None if this one is stopped before."""
    is_told = False
    while not stopped.is_set():
        try:
            return (await asyncio.to_thread(link.ask, Hello())).instance
        except StorageError:
            if not is_told:
                logger.info("waiting for the main process of this data folder")
            is_told = True
        with suppress(TimeoutError):
            async with asyncio.timeout(AGAIN_S):
                await stopped.wait()
    return None


def _tell(link: Link, chunk: received.Received, wave: int) -> None:
    """Hand over what was staged. Blocks."""
    link.ask(
        Received(
            claim=chunk.claim,
            chunk_id=chunk.chunk_id,
            size=chunk.size,
            stored_size=chunk.stored_size,
            encoding=int(chunk.encoding),
            wave=wave,
            name=None if chunk.file is None else chunk.file.path.name,
            data=None if chunk.data is None else bytes(chunk.data),
            seal=None if chunk.seal is None else (chunk.seal.key_number, chunk.seal.name),
        )
    )
