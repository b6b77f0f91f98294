"""The composition root: alone knows every part, puts them together and takes them apart."""

import asyncio
import logging
import sqlite3
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, closing
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from aiohttp import web

from app.api import (
    accounts,
    chunks,
    files,
    folders,
    health,
    history,
    metrics,
    openapi,
    pages,
    setup,
    sync,
    trash,
    uploads,
)
from app.api.document import make_document
from app.api.routes import Route
from app.api.sending import Sender
from app.auth.addresses import Proxies
from app.auth.endings import Endings
from app.auth.passwords import PasswordHasher
from app.auth.recent import RecentActors
from app.auth.throttle import Throttle
from app.clock import now_ms
from app.config import Settings
from app.connections import Connections
from app.data_folder import DataFolder
from app.db.database import Database, connect_reader
from app.db.epochs import HighWater, open_epoch
from app.db.migrate import migrate
from app.db.transaction import Listeners, Snapshot
from app.deadlines import Deadlines
from app.ids import encode_id
from app.keys import SERVICES, Services
from app.middleware import add_headers, guarded, observe
from app.repositories import uploads as upload_rows
from app.repositories.jobs import JobKind
from app.services.accounts import AccountService
from app.services.authentication import AuthenticationService
from app.services.ballast import Ballast
from app.services.budget import ByteBudget
from app.services.collector import GRACE_S, UNUSED_FOR_S, Collector, Patience
from app.services.commits import CommitService
from app.services.copies import CopyService
from app.services.downloads import DownloadService
from app.services.feed import FeedService
from app.services.hashes import HashService
from app.services.health import HealthService
from app.services.history import HistoryService
from app.services.jobs import JobService
from app.services.metrics import Gauge, Metrics, read_token
from app.services.notify import Notifier
from app.services.open_uploads import OpenUploads
from app.services.purge import purge_slice
from app.services.receive import ReceiveService
from app.services.reveal import reveal_slice
from app.services.room import Room, make_way
from app.services.selfcheck import Connect, SelfCheck
from app.services.setup import SetUpService
from app.services.standing import Standing
from app.services.sweep import Sweep
from app.services.trash import TrashService
from app.services.tree import TreeService
from app.services.uploads import UploadService
from app.services.uptime import HOUR_S, read_uptime
from app.services.urls import Urls
from storage.disk import Disk, LocalDisk
from storage.errors import StorageError
from storage.index import connect_reader as connect_index_reader
from storage.keyring import Keyring
from storage.offload import Offload
from storage.signing import UrlSigner
from storage.store import INDEX_NAME, ChunkStore
from web.pages import Pages

logger = logging.getLogger(__name__)

BODIES = ANSWERS = 32 * 1024 * 1024
BODIES_AT_ONCE = 64
LONG_LISTS = 1
HASHERS, HASH_QUEUE = 2, 64
COLLECT_QUEUE = 8
SAFE_SQLITE = (3, 51, 3)
WAITS = Deadlines()
MODULES = (accounts, chunks, files, folders, health, history, metrics, openapi, pages, setup, sync, trash, uploads)


@dataclass(frozen=True, slots=True)
class Cairn:
    """Everything that is open; `services` is the part that handlers may reach."""

    services: Services
    database: Database
    store: ChunkStore
    signer: UrlSigner
    keyring: Keyring
    hashes: HashService
    sweep: Sweep
    jobs: JobService
    collector: Collector
    room: Room
    standing: Standing
    selfcheck: SelfCheck


@asynccontextmanager
async def open_cairn(
    settings: Settings,
    folder: DataFolder,
    *,
    disk: Disk | None = None,
    deadlines: Deadlines = WAITS,
    on_failure: Callable[[StorageError], None],
) -> AsyncIterator[Cairn]:
    """Open everything on a locked data folder, recover from the last run, and close it again in order.

    Args:
        disk: the seam for file operations; the machine's own if None.
        deadlines: how long peers are waited for.
        on_failure: called once, from another thread, when the disk failed: the process must end.
    """
    disk = LocalDisk() if disk is None else disk
    warn_of_sqlite()
    failures: list[StorageError] = []

    def note_failure(error: StorageError) -> None:
        if not failures:
            standing.note_failure()
        failures.append(error)
        on_failure(error)

    ballast = Ballast(folder.ballast, disk)
    await asyncio.to_thread(make_way, ballast, disk, folder.root)
    standing = await asyncio.to_thread(Standing, folder.read_only, folder.failures, disk, now_ms)
    room = Room(folder.root, disk, settings.limits, ballast, standing)
    clean = folder.begin()
    await asyncio.to_thread(migrate, folder.metadata, folder.snapshots, disk)
    high_water, notifier = HighWater(folder.high_water, disk), Notifier(asyncio.get_running_loop())
    await asyncio.to_thread(open_epoch, folder.metadata, high_water, disk)
    async with AsyncExitStack() as closing_down:
        store = await ChunkStore.open(
            folder.store,
            disk=disk,
            open_claims=await asyncio.to_thread(_open_claims, folder.metadata),
            clean=clean,
            level=settings.storage.zstd_level,
            on_failure=note_failure,
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
        foundation = _Foundation(
            settings, deadlines, folder, disk, database, store, keyring, notifier, room, standing, clean
        )
        cairn = await _assemble(foundation, closing_down)
        yield cairn
        try:
            await cairn.sweep.keep_time()
        except (StorageError, OSError) as error:  # the disk is full, or has failed, which was told
            logger.warning("the clocks could not be kept at the stop: %s", error)
    if not failures and not standing.is_read_only:
        try:
            folder.end()
        except OSError as error:
            logger.warning("the stop could not be noted, so the next start checks as after a crash: %s", error)


@dataclass(frozen=True, slots=True)
class _Foundation:
    """What is open before the services are."""

    settings: Settings
    deadlines: Deadlines
    folder: DataFolder
    disk: Disk
    database: Database
    store: ChunkStore
    keyring: Keyring
    notifier: Notifier
    room: Room
    standing: Standing
    was_clean: bool


async def _assemble(base: _Foundation, closing_down: AsyncExitStack) -> Cairn:
    settings, database, store = base.settings, base.database, base.store
    hasher, sender = PasswordHasher(), Sender(base.deadlines.stall_s)
    hashing = Offload("hash", threads=HASHERS, queue=HASH_QUEUE)
    collecting = Offload("collect", threads=1, queue=COLLECT_QUEUE)
    for part in (hasher, hashing, collecting, sender):
        closing_down.callback(part.close)
    identity = await database.read(lambda tx: tx.identity())
    signer = UrlSigner(identity.instance, base.keyring)
    uptime = await database.read(read_uptime)
    urls = Urls(signer, settings.uploads.url_lifetime_s)
    table = OpenUploads(database)
    proxies = Proxies(settings.server.trusted_proxies)
    throttle, recent, endings = Throttle(time.monotonic), RecentActors(time.monotonic), Endings()
    endings.listen(lambda ended: table.closed(ended.upload_ids))
    endings.listen(lambda ended: store.drop_claims(ended.claims))
    endings.listen(base.notifier.ended)
    uploads_ = UploadService(database, store, urls, table, uptime, settings.limits, settings.uploads)
    commits = CommitService(database, store, table, uptime, settings.uploads)
    jobs = JobService(database, {JobKind.REVEAL: reveal_slice, JobKind.PURGE: purge_slice})
    accounts_ = AccountService(database, hasher, endings, server_name=settings.server.name)
    await accounts_.start()
    services = Services(
        settings=settings,
        deadlines=base.deadlines,
        epoch=identity.epoch,
        accounts=accounts_,
        authentication=AuthenticationService(
            database,
            hasher,
            throttle,
            recent,
            endings,
            clock_ms=now_ms,
            devices_per_user=settings.limits.devices_per_user,
        ),
        setup=SetUpService(accounts_, throttle, clock_s=time.monotonic),
        proxies=proxies,
        connections=Connections(settings.limits.connections, settings.limits.connections_per_network, proxies),
        health=HealthService(database, store, base.room, base.standing),
        metrics=Metrics(
            _gauges(database, base.room, base.standing),
            token=read_token(settings.metrics.token_file),
            is_open=settings.metrics.open,
        ),
        tree=TreeService(database),
        trash=TrashService(database, jobs, identity.epoch),
        history=HistoryService(database),
        copies=CopyService(database),
        uploads=uploads_,
        commits=commits,
        receive=ReceiveService(store, table, uploads_, commits, base.room, hashing),
        downloads=DownloadService(database, store, urls, identity.epoch),
        feed=FeedService(database, base.notifier),
        urls=urls,
        pages=Pages(),
        bodies=ByteBudget(BODIES, patience_s=base.deadlines.memory_s, leases=BODIES_AT_ONCE),
        answers=ByteBudget(ANSWERS, patience_s=base.deadlines.memory_s),
        long_lists=asyncio.Semaphore(LONG_LISTS),
        sender=sender,
    )
    return Cairn(
        services=services,
        database=database,
        store=store,
        signer=signer,
        keyring=base.keyring,
        hashes=HashService(database, store, hashing),
        sweep=Sweep(database, store, table, uptime, signer, settings.uploads),
        jobs=jobs,
        collector=Collector(
            database, store, uptime, collecting, base.folder.collection, _patience(settings), base.room
        ),
        room=base.room,
        standing=base.standing,
        selfcheck=SelfCheck({} if base.was_clean else _databases(base.folder), base.standing),
    )


def _gauges(database: Database, room: Room, standing: Standing) -> tuple[Gauge, ...]:
    return (
        Gauge("cairn_commits_total", "Transactions of the metadata.", lambda: database.commits),
        Gauge("cairn_disk_bytes", "Size of the data folder's volume.", lambda: room.look().total),
        Gauge("cairn_disk_free_bytes", "What is free of it.", lambda: room.look().free),
        Gauge("cairn_disk_kept_bytes", "What uploads leave free of it.", lambda: room.look().kept),
        Gauge("cairn_uploads_refused", "1 while uploads find no room.", lambda: not room.look().is_enough),
        Gauge("cairn_read_only", "1 while the server takes no change.", lambda: standing.is_read_only),
    )


def _databases(folder: DataFolder) -> dict[Path, Connect]:
    return {folder.metadata: connect_reader, folder.store / INDEX_NAME: connect_index_reader}


def _patience(settings: Settings) -> Patience:
    """Return how long unused chunks are left alone: as long as a URL of one may live, if nothing else is longer."""
    grace_s = max(GRACE_S, settings.uploads.url_lifetime_s)
    return Patience(UNUSED_FOR_S, grace_s, settings.storage.collect_every_hours * HOUR_S)


def build_app(services: Services) -> web.Application:
    """Return the HTTP application; every route in it has declared who may call it."""
    app = web.Application(middlewares=[observe])
    app[SERVICES] = services
    app[openapi.DOCUMENT] = published()
    app.on_response_prepare.append(add_headers)
    app.on_shutdown.append(end_waits)
    running: Counter[int] = Counter()
    for route in route_table():
        handler = guarded(route, running)
        for method in (route.method, "HEAD") if route.method == "GET" else (route.method,):
            app.router.add_route(method, route.path, handler)
    return app


async def end_waits(app: web.Application) -> None:
    """Answer those who wait for news: the server must not wait for them when it stops."""
    app[SERVICES].feed.close()


def route_table() -> list[Route]:
    """Return every route of this server."""
    return [route for module in MODULES for route in module.routes]


@cache
def published() -> openapi.Document:
    """Return the published contract, which is the same for every server of this process."""
    return openapi.Document.of(make_document(route_table()))


def warn_of_sqlite() -> None:
    """Say once that SQLite's own protection against a rare race is missing; ours is that one connection checkpoints."""
    if sqlite3.sqlite_version_info < SAFE_SQLITE:
        logger.info(
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
