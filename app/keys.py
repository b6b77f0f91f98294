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
from app.services.downloads import DownloadService
from app.services.feed import FeedService
from app.services.health import HealthService
from app.services.history import HistoryService
from app.services.invitations import InvitationService
from app.services.jobs import JobService
from app.services.links import LinkService
from app.services.metrics import Metrics
from app.services.moments import MomentService
from app.services.receive import ReceiveService
from app.services.removal import RemovalService
from app.services.resets import ResetService
from app.services.retention import RetentionService
from app.services.search import SearchService
from app.services.second_factor import SecondFactor
from app.services.setup import SetUpService
from app.services.sharing import SharingService
from app.services.sign_in import SignInService
from app.services.storage import StorageService
from app.services.takebacks import TakeBackService
from app.services.trash import TrashService
from app.services.tree import TreeService
from app.services.uploads import UploadService
from app.services.urls import Urls
from app.services.visits import VisitService
from web.pages import Pages


@dataclass(frozen=True, slots=True)
class Services:
    """All that handlers may call; made once by `app.application`."""

    settings: Settings
    deadlines: Deadlines
    epoch: str
    accounts: AccountService
    authentication: AuthenticationService
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
    calls: Calls
    health: HealthService
    metrics: Metrics
    tree: TreeService
    trash: TrashService
    sharing: SharingService
    jobs: JobService
    moments: MomentService
    takebacks: TakeBackService
    history: HistoryService
    search: SearchService
    retention: RetentionService
    storage: StorageService
    copies: CopyService
    uploads: UploadService
    commits: CommitService
    receive: ReceiveService
    downloads: DownloadService
    archives: ArchiveService
    links: LinkService
    visits: VisitService
    feed: FeedService
    urls: Urls
    pages: Pages
    bodies: ByteBudget
    answers: ByteBudget
    long_lists: asyncio.Semaphore
    sender: Sender


SERVICES = web.AppKey("services", Services)
ACTOR = web.RequestKey("actor", Actor)
CSRF = web.RequestKey("csrf", str)  # what pages of this session must show; only where a cookie tells who asks
IS_PROVEN = web.RequestKey("is_proven", bool)  # a token or a signature held: `app.api.http.prove`
NETWORK = web.RequestKey("network", str)  # where the request comes from, as app.auth.addresses.network_of names it
OWNER = web.RequestKey("owner", str)  # for whom memory counts: a user's number, or a stranger's network
ANSWER = web.RequestKey("answer", Lease)  # the memory of the answer
REQUEST_ID = web.RequestKey("request_id", str)
