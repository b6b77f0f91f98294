"""The composition root: alone knows every part, puts them together and takes them apart."""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from aiohttp import web

from app.api import (
    accounts,
    archives,
    audit,
    chunks,
    devices,
    download_bundles,
    drops,
    files,
    folders,
    health,
    history,
    installing,
    invitations,
    jobs,
    links,
    members,
    metrics,
    moments,
    openapi,
    pages,
    photos,
    qr,
    resets,
    retention,
    search,
    second_factor,
    security_contact,
    server,
    setup,
    shell,
    storage,
    sync,
    thumbnails,
    trash,
    trust,
    uploads,
    users,
    visits,
)
from app.api.document import make_document
from app.api.routes import Route
from app.api.sending import Sender
from app.at_rest import AtRest
from app.auth.addresses import Proxies
from app.auth.endings import Endings
from app.auth.link_passes import LinkPasses
from app.auth.passwords import PasswordHasher
from app.auth.recent import RecentActors
from app.auth.throttle import Throttle
from app.calls import Calls
from app.clock import now_ms
from app.config import Settings
from app.connections import Connections
from app.data_folder import DataFolder
from app.dav import routes as dav
from app.db.database import Database, connect_reader
from app.deadlines import Deadlines
from app.foundation import Foundation, lay_foundation
from app.keys import SERVICES, Services
from app.middleware import add_headers, guarded, observe
from app.repositories.jobs import JobKind
from app.services.accounts import AccountService
from app.services.archives import ArchiveService
from app.services.audit import AuditService
from app.services.authentication import AuthenticationService, noting_uses
from app.services.budget import ByteBudget
from app.services.collector import GRACE_S, UNUSED_FOR_S, Collector, Patience
from app.services.commits import CommitService
from app.services.conversion import carry_slice
from app.services.copies import CopyService
from app.services.devices import DeviceService
from app.services.digests import DigestService
from app.services.direct import DirectTransfer
from app.services.download_bundles import DownloadBundleService
from app.services.downloads import DownloadService
from app.services.erase import erase_slice
from app.services.failures import FailureNotes
from app.services.feed import FeedService
from app.services.hashes import HashService
from app.services.health import HealthService
from app.services.history import HistoryService
from app.services.invitations import InvitationService
from app.services.jobs import JobService, Slice
from app.services.keeper import Keeper
from app.services.kept import KeptProperties
from app.services.links import LinkService
from app.services.locks import LockService
from app.services.metrics import Gauge, Metrics, read_token
from app.services.migration import MigrationService
from app.services.moments import MomentService
from app.services.name_index import NameIndex
from app.services.notify import Notifier
from app.services.open_uploads import OpenUploads
from app.services.own_password import OwnPassword
from app.services.past import PastService
from app.services.past_copy import PastCopyService
from app.services.photos import PhotoService
from app.services.preferences import PreferenceService
from app.services.proofs import Proofs
from app.services.purge import purge_slice
from app.services.receive import ReceiveService
from app.services.removal import RemovalService
from app.services.resets import ResetService
from app.services.resources import ResourceService
from app.services.retention import RetentionService
from app.services.reveal import reveal_slice
from app.services.room import Room
from app.services.search import SearchService
from app.services.second_factor import SecondFactor
from app.services.selections import Selections
from app.services.selfcheck import Connect, SelfCheck
from app.services.setup import SetUpService
from app.services.sharing import SharingService
from app.services.sign_in import SignInService
from app.services.standing import Standing
from app.services.storage import StorageService
from app.services.supervision import SupervisionService
from app.services.sweep import Sweep
from app.services.sync_report import SyncReportService
from app.services.takebacks import TakeBackService, rewind_slice, undo_slice
from app.services.thumbnails import ThumbnailService
from app.services.trash import TrashService
from app.services.tree import TreeService
from app.services.turns import Turns
from app.services.uploads import UploadService
from app.services.uptime import HOUR_S, Uptime, read_uptime
from app.services.urls import Urls
from app.services.visits import VisitService
from app.surroundings import Surroundings
from app.tls.certificates import Certificates
from app.tls.own import OwnCertificate
from storage.disk import Disk, LocalDisk
from storage.errors import StorageError
from storage.index import connect_reader as connect_index_reader
from storage.keyring import Keyring
from storage.offload import Offload
from storage.signing import UrlSigner
from storage.store import INDEX_NAME, ChunkStore
from web.pages import pages_of_this_build

logger = logging.getLogger(__name__)

BODIES = ANSWERS = 32 * 1024 * 1024
BODIES_AT_ONCE = 64
LONG_LISTS = 1
WORK_AT_ONCE = 2  # requests of one user; fewer than the readers of the database, so that one is left to others
HASHERS, HASH_QUEUE = 2, 256
ZIPPERS, ZIP_QUEUE = 2, 64
COLLECT_QUEUE = 8
WAITS = Deadlines()
JOBS: Mapping[JobKind, Slice] = {
    JobKind.REVEAL: reveal_slice,
    JobKind.CARRY: carry_slice,
    JobKind.PURGE: purge_slice,
    JobKind.ERASE: erase_slice,
    JobKind.REWIND: rewind_slice,
    JobKind.UNDO: undo_slice,
}
MODULES = (
    accounts,
    archives,
    audit,
    chunks,
    devices,
    download_bundles,
    drops,
    files,
    folders,
    health,
    history,
    installing,
    invitations,
    jobs,
    links,
    members,
    metrics,
    moments,
    openapi,
    pages,
    photos,
    qr,
    resets,
    retention,
    search,
    second_factor,
    security_contact,
    server,
    setup,
    shell,
    storage,
    sync,
    thumbnails,
    trash,
    trust,
    uploads,
    users,
    visits,
)


@dataclass(frozen=True, slots=True)
class Cairn:
    """Everything that is open; `services` is the part that handlers may reach."""

    services: Services
    database: Database
    store: ChunkStore
    signer: UrlSigner
    keyring: Keyring
    at_rest: AtRest
    hashes: HashService
    sweep: Sweep
    jobs: JobService
    name_index: NameIndex
    keeper: Keeper
    collector: Collector
    migration: MigrationService
    room: Room
    standing: Standing
    selfcheck: SelfCheck
    notifier: Notifier
    endings: Endings


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
        on_failure: called from another thread when the disk failed: the process must end.
    """
    disk = LocalDisk() if disk is None else disk
    async with (
        lay_foundation(settings, folder, disk, on_failure=on_failure) as base,
        AsyncExitStack() as closing_down,
    ):
        cairn = await _assemble(base, deadlines, closing_down)
        yield cairn
        try:
            await cairn.sweep.keep_time()
        except (StorageError, OSError) as error:  # the disk is full, or has failed, which was told
            logger.warning("the clocks could not be kept at the stop: %s", error)


@dataclass(frozen=True, slots=True)
class _Shared:
    """What more than one service works with."""

    instance: str
    epoch: str
    signer: UrlSigner
    urls: Urls
    direct: DirectTransfer
    uptime: Uptime
    table: OpenUploads
    endings: Endings
    calls: Calls
    hasher: PasswordHasher
    hashing: Offload
    zipping: Offload
    thumbnails: ThumbnailService
    jobs: JobService
    keeper: Keeper
    collecting: Offload
    collector: Collector
    migration: MigrationService
    selfcheck: SelfCheck


async def _assemble(base: Foundation, deadlines: Deadlines, closing_down: AsyncExitStack) -> Cairn:
    settings, database, store = base.settings, base.database, base.store
    shared, sender = await _make_shared(base), Sender(deadlines.stall_s)
    for part in (shared.hasher, shared.hashing, shared.zipping, shared.thumbnails, shared.collecting, sender):
        closing_down.callback(part.close)
    return Cairn(
        services=await _make_services(base, shared, deadlines, sender),
        database=database,
        store=store,
        signer=shared.signer,
        keyring=base.keyring,
        at_rest=AtRest(settings, base.folder, store, base.disk),
        hashes=HashService(database, store, shared.hashing),
        sweep=Sweep(database, store, shared.table, shared.uptime, shared.signer, settings.uploads),
        jobs=shared.jobs,
        name_index=NameIndex(database),
        keeper=shared.keeper,
        collector=shared.collector,
        migration=shared.migration,
        room=base.room,
        standing=base.standing,
        selfcheck=shared.selfcheck,
        notifier=base.notifier,
        endings=shared.endings,
    )


async def _make_shared(base: Foundation) -> _Shared:
    database, store = base.database, base.store
    identity = await database.read(lambda tx: tx.identity())
    signer, table, endings = UrlSigner(identity.instance, base.keyring), OpenUploads(database), Endings()
    endings.listen(lambda ended: table.closed(ended.upload_ids))
    endings.listen(lambda ended: store.drop_claims(ended.claims))
    endings.listen(base.notifier.ended)
    calls = Calls()
    endings.listen(calls.ended)
    jobs_, uptime = JobService(database, JOBS), await database.read(read_uptime)
    collecting = Offload("collect", threads=1, queue=COLLECT_QUEUE)
    patience = _patience(base.settings)
    return _Shared(
        instance=identity.instance,
        epoch=identity.epoch,
        signer=signer,
        urls=Urls(signer, base.settings.uploads.url_lifetime_s),
        direct=DirectTransfer(store.arrivals, base.settings.uploads.url_lifetime_s),
        uptime=uptime,
        table=table,
        endings=endings,
        calls=calls,
        hasher=PasswordHasher(),
        hashing=Offload("hash", threads=HASHERS, queue=HASH_QUEUE),
        zipping=Offload("zip", threads=ZIPPERS, queue=ZIP_QUEUE),
        thumbnails=ThumbnailService(database, base.store, base.room, base.folder.cache, base.sealer, clock_ms=now_ms),
        jobs=jobs_,
        keeper=Keeper(database, jobs_, uptime, base.settings.history),
        collecting=collecting,
        collector=Collector(database, store, uptime, collecting, base.folder.collection, patience, base.room),
        migration=MigrationService(
            store, base.sides, base.settings.storage, base.folder.store, base.room, base.standing, uptime
        ),
        selfcheck=SelfCheck({} if base.was_clean else _databases(base.folder), base.standing),
    )


async def _make_services(base: Foundation, shared: _Shared, deadlines: Deadlines, sender: Sender) -> Services:
    settings, database, store = base.settings, base.database, base.store
    proxies, throttle = Proxies(settings.server.trusted_proxies), Throttle(time.monotonic)
    certificates = Certificates(settings.tls, OwnCertificate(base.folder.tls, base.disk))
    uploads_ = UploadService(
        *(database, store, shared.urls, shared.table, shared.uptime),
        *(settings.limits, settings.uploads, shared.direct),
    )
    commits = CommitService(database, store, shared.table, shared.uptime, settings.uploads)
    recent = RecentActors(time.monotonic)
    accounts_ = AccountService(
        database, shared.hasher, shared.endings, recent, clock_ms=now_ms, server_name=settings.server.name
    )
    await accounts_.start()
    second_factor_ = SecondFactor(
        database, base.sealer, throttle, shared.endings, recent, clock_ms=now_ms, issuer=settings.server.name
    )
    failures = FailureNotes(database, clock_s=time.monotonic)
    proofs = Proofs(database, shared.hasher, throttle, second_factor_, failures)
    health_ = HealthService(database, store, base.room, base.standing)
    authentication = AuthenticationService(
        database, throttle, recent, shared.endings, note_use=noting_uses(database), clock_ms=now_ms
    )
    return Services(
        settings=settings,
        deadlines=deadlines,
        instance=shared.instance,
        epoch=shared.epoch,
        accounts=accounts_,
        authentication=authentication,
        own_password=OwnPassword(database, authentication, proofs, throttle, recent),
        preferences=PreferenceService(database),
        sign_in=_sign_in(base, shared, proofs, recent),
        devices=DeviceService(database, shared.endings, recent, clock_ms=now_ms),
        second_factor=second_factor_,
        invitations=InvitationService(database, accounts_, throttle),
        resets=ResetService(database, accounts_, throttle, shared.endings),
        removal=RemovalService(database, shared.endings, shared.jobs),
        audit=AuditService(database),
        setup=SetUpService(accounts_, throttle, clock_s=time.monotonic),
        proxies=proxies,
        calls=shared.calls,
        connections=Connections(settings.limits.connections, settings.limits.connections_per_network, proxies),
        certificates=certificates,
        surroundings=Surroundings(settings, proxies, certificates, now_ms),
        health=health_,
        supervision=SupervisionService(
            health_, base.room, base.standing, shared.selfcheck, shared.collector, clock_ms=now_ms
        ),
        metrics=_metrics(base, shared.migration),
        tree=TreeService(database, shared.jobs),
        resources=ResourceService(database, base.room),
        kept=KeptProperties(database),
        trash=TrashService(database, shared.jobs, shared.table, store, shared.epoch),
        sharing=SharingService(database, shared.jobs, shared.table, store),
        jobs=shared.jobs,
        moments=MomentService(database),
        past=PastService(database),
        past_copies=PastCopyService(database),
        sync_reports=SyncReportService(database, base.room),
        takebacks=TakeBackService(database, shared.jobs),
        history=HistoryService(database),
        search=SearchService(database),
        photos=PhotoService(database),
        retention=RetentionService(database, settings.history),
        storage=StorageService(database, store, shared.keeper),
        copies=CopyService(database),
        locks=LockService(database, shared.uptime, settings.limits),
        uploads=uploads_,
        commits=commits,
        receive=ReceiveService(store, shared.table, uploads_, commits, base.room, shared.hashing),
        downloads=DownloadService(database, store, shared.urls, shared.epoch, shared.direct),
        thumbnails=shared.thumbnails,
        digests=DigestService(store, shared.hashing),
        download_bundles=DownloadBundleService(database, store),
        selections=Selections(now_ms),
        archives=ArchiveService(database, store, shared.zipping, base.folder.root, shared.epoch),
        links=LinkService(
            database, shared.hasher, shared.endings, base.sealer, clock_ms=now_ms, server_name=settings.server.name
        ),
        visits=_visits(base, shared, throttle),
        feed=FeedService(database, base.notifier),
        urls=shared.urls,
        pages=pages_of_this_build(),
        bodies=ByteBudget(BODIES, patience_s=deadlines.memory_s, leases=BODIES_AT_ONCE),
        answers=ByteBudget(ANSWERS, patience_s=deadlines.memory_s),
        long_lists=asyncio.Semaphore(LONG_LISTS),
        work=Turns(WORK_AT_ONCE),
        sender=sender,
    )


def _sign_in(base: Foundation, shared: _Shared, proofs: Proofs, recent: RecentActors) -> SignInService:
    database, settings = base.database, base.settings
    return SignInService(
        database,
        proofs,
        shared.hasher,
        shared.endings,
        recent,
        clock_ms=now_ms,
        devices_per_user=settings.limits.devices_per_user,
        server_name=settings.server.name,
    )


def _visits(base: Foundation, shared: _Shared, throttle: Throttle) -> VisitService:
    passes = LinkPasses(shared.instance, base.keyring, shared.signer.now_s)
    return VisitService(base.database, shared.hasher, throttle, passes, clock_ms=now_ms, clock_s=time.monotonic)


def _metrics(base: Foundation, migration: MigrationService) -> Metrics:
    database, room, standing = base.database, base.room, base.standing
    gauges = (
        Gauge("cairn_commits_total", "Transactions of the metadata.", lambda: database.commits),
        Gauge("cairn_disk_bytes", "Size of the data folder's volume.", lambda: room.look().total),
        Gauge("cairn_disk_free_bytes", "What is free of it.", lambda: room.look().free),
        Gauge("cairn_disk_kept_bytes", "What uploads leave free of it.", lambda: room.look().kept),
        Gauge("cairn_uploads_refused", "1 while uploads find no room.", lambda: not room.look().is_enough),
        Gauge("cairn_read_only", "1 while the server takes no change.", lambda: standing.is_read_only),
        Gauge("cairn_store_moving", "1 while chunks move to another store.", lambda: migration.is_moving),
    )
    token = read_token(base.settings.metrics.token_file)
    return Metrics(gauges, token=token, is_open=base.settings.metrics.open)


def _databases(folder: DataFolder) -> dict[Path, Connect]:
    return {folder.metadata: connect_reader, folder.store / INDEX_NAME: connect_index_reader}


def _patience(settings: Settings) -> Patience:
    """Return how long unused chunks are left alone: as long as a URL of one may live, if nothing else is longer."""
    grace_s = max(GRACE_S, settings.uploads.url_lifetime_s)
    return Patience(UNUSED_FOR_S, grace_s, settings.storage.collect_every_hours * HOUR_S)


def build_app(services: Services, routes: Iterable[Route] | None = None) -> web.Application:
    """Return the HTTP application; every route in it has declared who may call it.

    Args:
        routes: in place of those of `route_table`.
    """
    app = web.Application(middlewares=[observe])
    app[SERVICES] = services
    app[openapi.DOCUMENT] = published()
    app.on_response_prepare.append(add_headers)
    app.on_shutdown.append(end_waits)
    running: Counter[int] = Counter()
    for route in route_table() if routes is None else routes:
        handler = guarded(route, running)
        for method in (route.method, "HEAD") if route.method == "GET" else (route.method,):
            app.router.add_route(method, route.pattern or route.path, handler)
    return app


async def end_waits(app: web.Application) -> None:
    """Answer those who wait for news: the server must not wait for them when it stops."""
    app[SERVICES].feed.close()


def route_table() -> list[Route]:
    """Return every route of this server."""
    return [*(route for module in MODULES for route in module.routes), *dav.routes]


@cache
def published() -> openapi.Document:
    """Return the published contract, which is the same for every server of this process."""
    return openapi.Document.of(make_document([route for route in route_table() if route.is_published]))
