"""The typed keys under which aiohttp hands a request its surroundings, and all that a handler may reach."""

import asyncio
from dataclasses import dataclass

from aiohttp import web

from app.api.sending import Sender
from app.auth.addresses import Proxies
from app.auth.identity import Actor
from app.calls import Calls
from app.config import Settings
from app.connections import Connections
from app.deadlines import Deadlines
from app.services.accounts import AccountService
from app.services.archives import ArchiveService
from app.services.audit import AuditService
from app.services.authentication import AuthenticationService
from app.services.budget import ByteBudget, Lease
from app.services.commits import CommitService
from app.services.copies import CopyService
from app.services.devices import DeviceService
from app.services.digests import DigestService
from app.services.download_bundles import DownloadBundleService
from app.services.downloads import DownloadService
from app.services.feed import FeedService
from app.services.health import HealthService
from app.services.history import HistoryService
from app.services.invitations import InvitationService
from app.services.jobs import JobService
from app.services.kept import KeptProperties
from app.services.links import LinkService
from app.services.locks import LockService
from app.services.metrics import Metrics
from app.services.moments import MomentService
from app.services.own_password import OwnPassword
from app.services.past import PastService
from app.services.past_copy import PastCopyService
from app.services.photos import PhotoService
from app.services.preferences import PreferenceService
from app.services.receive import ReceiveService
from app.services.removal import RemovalService
from app.services.resets import ResetService
from app.services.resources import ResourceService
from app.services.retention import RetentionService
from app.services.search import SearchService
from app.services.second_factor import SecondFactor
from app.services.selections import Selections
from app.services.setup import SetUpService
from app.services.sharing import SharingService
from app.services.sign_in import SignInService
from app.services.storage import StorageService
from app.services.supervision import SupervisionService
from app.services.sync_report import SyncReportService
from app.services.takebacks import TakeBackService
from app.services.thumbnails import ThumbnailService
from app.services.trash import TrashService
from app.services.tree import TreeService
from app.services.turns import Turn, Turns
from app.services.uploads import UploadService
from app.services.urls import Urls
from app.services.visits import VisitService
from app.surroundings import Surroundings
from app.tls.certificates import Certificates
from web.pages import Pages


@dataclass(frozen=True, slots=True)
class Services:
    """All that handlers may call; made once by `app.application`."""

    settings: Settings
    deadlines: Deadlines
    instance: str
    epoch: str
    accounts: AccountService
    authentication: AuthenticationService
    own_password: OwnPassword
    preferences: PreferenceService
    sign_in: SignInService
    devices: DeviceService
    second_factor: SecondFactor
    invitations: InvitationService
    resets: ResetService
    removal: RemovalService
    audit: AuditService
    setup: SetUpService
    proxies: Proxies
    connections: Connections
    certificates: Certificates
    surroundings: Surroundings
    calls: Calls
    health: HealthService
    supervision: SupervisionService
    metrics: Metrics
    tree: TreeService
    resources: ResourceService
    kept: KeptProperties
    trash: TrashService
    sharing: SharingService
    jobs: JobService
    moments: MomentService
    past: PastService
    past_copies: PastCopyService
    sync_reports: SyncReportService
    takebacks: TakeBackService
    history: HistoryService
    search: SearchService
    photos: PhotoService
    retention: RetentionService
    storage: StorageService
    copies: CopyService
    locks: LockService
    uploads: UploadService
    commits: CommitService
    receive: ReceiveService
    downloads: DownloadService
    digests: DigestService
    thumbnails: ThumbnailService
    download_bundles: DownloadBundleService
    selections: Selections
    archives: ArchiveService
    links: LinkService
    visits: VisitService
    feed: FeedService
    urls: Urls
    pages: Pages
    bodies: ByteBudget
    answers: ByteBudget
    long_lists: asyncio.Semaphore
    work: Turns
    sender: Sender


SERVICES = web.AppKey("services", Services)
ACTOR = web.RequestKey("actor", Actor)
CSRF = web.RequestKey("csrf", str)  # what pages of this session must show; only where a cookie tells who asks
IS_PROVEN = web.RequestKey("is_proven", bool)  # a token or a signature held: `app.api.http.prove`
NETWORK = web.RequestKey("network", str)  # where the request comes from, as app.auth.addresses.network_of names it
OWNER = web.RequestKey("owner", str)  # for whom memory counts: a user's number, or a stranger's network
ANSWER = web.RequestKey("answer", Lease)  # the memory of the answer
TURN = web.RequestKey("turn", Turn)  # of work; only where a token or cookie tells who asks
SENT = web.RequestKey("sent", bytes)  # the body of a WebDAV request that is asked with XML
REQUEST_ID = web.RequestKey("request_id", str)
