"""The typed keys under which aiohttp hands a request its surroundings, and all that a handler may reach."""

from dataclasses import dataclass

from aiohttp import web

from app.auth.identity import Actor
from app.config import Settings
from app.services.accounts import AccountService
from app.services.authentication import AuthenticationService
from app.services.bodies import BodyBudget
from app.services.downloads import DownloadService
from app.services.receive import ReceiveService
from app.services.tree import TreeService
from app.services.uploads import UploadService
from app.services.urls import Urls


@dataclass(frozen=True, slots=True)
class Services:
    """All that handlers may call; made once by `app.application`."""

    settings: Settings
    epoch: str
    accounts: AccountService
    authentication: AuthenticationService
    tree: TreeService
    uploads: UploadService
    receive: ReceiveService
    downloads: DownloadService
    urls: Urls
    bodies: BodyBudget


SERVICES = web.AppKey("services", Services)
ACTOR = web.RequestKey("actor", Actor)
REQUEST_ID = web.RequestKey("request_id", str)
