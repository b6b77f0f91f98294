"""What every process beside the main one has: its door, its place behind a proxy, and the way to that one."""

import asyncio
import logging
import signal
import sys
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

from aiohttp import web

from app.api.routes import Route
from app.application import ANSWERS, WAITS
from app.auth.addresses import Proxies
from app.clock import now_ms
from app.config import Settings
from app.connections import Connections
from app.data_folder import DataFolder
from app.keys import SERVICES, Services
from app.middleware import add_headers, guarded, observe
from app.roles.link import Hello, Here, Link
from app.server import SWITCH_S
from app.services.budget import ByteBudget
from app.services.health import Limit
from app.services.metrics import Metrics
from app.surroundings import Surroundings
from app.tls.certificates import Certificates
from app.tls.own import OwnCertificate
from app.version import VERSION
from storage.disk import Disk
from storage.errors import StorageError, StoreUnavailableError
from web.pages import pages_of_this_build

logger = logging.getLogger(__name__)

AGAIN_S = 0.2
"""Between two looks for the main process, which tells in no other way that it has begun."""


@dataclass(frozen=True, slots=True)
class _SetUp:
    """Whoever has a credential or a signed URL had it from a server that is set up."""

    is_needed: bool = False


class Health(Protocol):
    """Says whether a process can serve."""

    async def check(self) -> list[Limit]:
        """Do as that of `HealthService`."""


class _Serving:
    """Has nothing that could be asked: what such a process needs of others, each request asks."""

    async def check(self) -> list[Limit]:
        """Return nothing."""
        return []


class BesideServices:
    """Those of `Services` that the requests of every role reach, under the same names; limits count by process."""

    def __init__(self, settings: Settings, folder: DataFolder, disk: Disk) -> None:
        """Make them for a data folder; nothing is opened."""
        self.settings = settings
        self.deadlines = WAITS
        self.proxies = Proxies(settings.server.trusted_proxies)
        self.certificates = Certificates(settings.tls, OwnCertificate(folder.tls, disk), renews=False)
        self.connections = Connections(
            settings.limits.connections, settings.limits.connections_per_network, self.proxies
        )
        self.surroundings = Surroundings(settings, self.proxies, self.certificates, now_ms)
        self.setup = _SetUp()
        self.health: Health = _Serving()
        self.metrics = Metrics((), token="", is_open=False)
        self.pages = pages_of_this_build()
        self.answers = ByteBudget(ANSWERS, patience_s=self.deadlines.memory_s)


def build_app(services: Services, routes: Iterable[Route]) -> web.Application:
    """Return the HTTP application of some routes alone."""
    app = web.Application(middlewares=[observe])
    app[SERVICES] = services
    app.on_response_prepare.append(add_headers)
    running: Counter[int] = Counter()
    for route in routes:
        for method in (route.method, "HEAD") if route.method == "GET" else (route.method,):
            app.router.add_route(method, route.path, guarded(route, running))
    return app


def until_told() -> asyncio.Event:
    """Make this process ready to serve; return what is set by SIGTERM or SIGINT."""
    sys.setswitchinterval(SWITCH_S)
    loop, stopped = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    return stopped


async def find_main(link: Link, stopped: asyncio.Event) -> Here | None:
    """Wait for the main process; return who it is, None if this process is stopped before.

    Raises:
        StoreUnavailableError: it is of another version.
    """
    is_told = False
    while not stopped.is_set():
        try:
            here = await asyncio.to_thread(link.get, Hello(), Here)
        except StorageError:
            if not is_told:
                logger.info("waiting for the main process of this data folder")
            is_told = True
        else:
            require_same(here)
            return here
        with suppress(TimeoutError):
            async with asyncio.timeout(AGAIN_S):
                await stopped.wait()
    return None


def require_same(here: Here) -> None:
    """Refuse a main process of another version: it may keep things that this program would read wrongly.

    Raises:
        StoreUnavailableError: it is.
    """
    if here.version != VERSION:
        raise StoreUnavailableError(
            f"The main process of this data folder is Cairn {here.version}, and this one {VERSION}: start it anew."
        )
