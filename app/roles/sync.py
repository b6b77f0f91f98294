"""A process that serves the feed and nothing else, from connections that can only read.

The main process tells it of changes and endings, and writes what it would write: when a credential was last used. While
that one is away the feed is still read, and what is written meanwhile, by a command, is noticed by itself.
"""

import asyncio
import logging
import sys
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, closing, suppress
from functools import partial
from pathlib import Path
from typing import cast

import msgspec
from aiohttp import web

from app.api import health, sync
from app.application import WORK_AT_ONCE, end_waits
from app.auth.endings import Ended, Endings
from app.auth.identity import Actor
from app.auth.recent import RecentActors
from app.auth.throttle import Throttle
from app.auth.tokens import Presented
from app.calls import Calls
from app.clock import now_ms
from app.config import Settings
from app.data_folder import DataFolder
from app.db.database import Reads, Watch
from app.descriptors import within_descriptors
from app.errors import UnavailableError
from app.keys import Services
from app.roles.beside import AGAIN_S, BesideServices, build_app, find_main, until_told
from app.roles.link import Changed, Here, Link, News, TryBasic, Used, following
from app.roles.paths import FEED, only
from app.server import keep_certificates, serving
from app.services.authentication import AuthenticationService, has_ended
from app.services.feed import FeedService
from app.services.health import PATIENCE_S, Limit
from app.services.notify import Notifier
from app.services.turns import Turns
from storage.disk import LocalDisk
from storage.errors import StorageError
from storage.offload import Offload

logger = logging.getLogger(__name__)

MOST_USES = 10_000
ASKERS, QUEUE = 2, 1_024


class FeedServices(BesideServices):
    """Those of `Services` that requests for the feed reach, under the same names."""

    def __init__(self, settings: Settings, folder: DataFolder, here: Here, database: Reads, uses: "Uses") -> None:
        """Put them together over a database that is open."""
        super().__init__(settings, folder, LocalDisk())
        self.health = _Readers(database)
        self.epoch = here.epoch
        self.endings = Endings()
        self.calls = Calls()
        self.notifier = Notifier(asyncio.get_running_loop())
        self.endings.listen(self.notifier.ended)
        self.endings.listen(self.calls.ended)
        self.authentication = _Authentication(database, self.endings, uses)
        self.feed = FeedService(database, self.notifier)
        self.work = Turns(WORK_AT_ONCE)


class _Readers:
    """Says whether the database can be read."""

    def __init__(self, database: Reads) -> None:
        self._database = database

    async def check(self) -> list[Limit]:
        try:
            async with asyncio.timeout(PATIENCE_S):
                await self._database.read(lambda tx: tx.identity())
        except TimeoutError as error:
            raise UnavailableError("The database takes too long to answer.") from error
        return []


class Uses:
    """Hands over to the main process which credentials were used, and tries at them that failed."""

    def __init__(self, link: Link) -> None:
        """Take the way there."""
        self._link = link
        self._asking = Offload("ask", threads=ASKERS, queue=QUEUE)
        self._waiting: dict[int, str | None] = {}
        self._is_any = asyncio.Event()

    async def note(self, actor_id: int, network: str | None) -> None:
        """Hand a use over soon; nobody waits for that."""
        if actor_id in self._waiting or len(self._waiting) < MOST_USES:
            self._waiting[actor_id] = network
            self._is_any.set()

    async def judge(self, username: str, password: str, network: str) -> None:
        """Have a try at an app password counted that is none here; raises as `AuthenticationService.actor_of_basic`."""
        await self._asking.run(partial(self._link.ask, TryBasic(username, password, network)))

    async def run(self) -> None:
        """Hand over until cancelled."""
        while True:
            await self._is_any.wait()
            actor_id, network = next(iter(self._waiting.items()))
            try:
                await self._asking.run(partial(self._link.ask, Used(actor_id, network)))
            except StorageError:
                await asyncio.sleep(AGAIN_S)
                continue
            if self._waiting.get(actor_id) == network:
                del self._waiting[actor_id]
            if not self._waiting:
                self._is_any.clear()

    def close(self) -> None:
        """End the threads, and hang up."""
        self._link.close()
        self._asking.close()


class Following:
    """Does here what the main process tells, and looks at everything anew when something may not have been told."""

    def __init__(
        self, folder: DataFolder, here: Here, file: tuple[int, int], database: Reads, services: FeedServices
    ) -> None:
        """Take what was opened: which file, of which server, as `_file_at` and the main process say. Blocks."""
        self._folder = folder
        self._here = here
        self._file = file
        self._database = database
        self._services = services
        self._watch = Watch(folder.metadata)
        self._is_sure = False

    async def run(self) -> None:
        """Go on until cancelled; return early once another server, journal or version is there than was opened."""
        while True:
            try:
                async with following(self._folder) as (here, hear):
                    if here != self._here or _file_at(self._folder.metadata) != self._file:
                        return
                    await self._look()
                    while True:
                        self._do(await hear())
            except (OSError, EOFError, StorageError, msgspec.DecodeError):
                await asyncio.sleep(AGAIN_S)
            if await asyncio.to_thread(self._watch.has_moved):
                self._is_sure = False
            if not self._is_sure:
                with suppress(StorageError):
                    await self._look()

    def close(self) -> None:
        """Close what it looks through."""
        self._watch.close()

    def _do(self, news: News) -> None:
        if isinstance(news, Changed):
            self._services.notifier.changed(frozenset(news.space_ids))
        else:
            self._services.endings.announce(Ended(news.user_id, news.actor_id))

    async def _look(self) -> None:
        """End what has ended, and let all who wait look themselves."""
        self._is_sure = False
        actors = self._services.calls.actors()
        ended = await self._database.read(lambda tx: [actor for actor in actors if has_ended(tx, actor)])
        for actor in ended:
            self._services.endings.announce(Ended(actor.user_id, actor.id))
        self._services.notifier.wake_all()
        self._is_sure = True


class _Authentication(AuthenticationService):
    """Asks the database each time: what has ended opens nothing from its commit on, before anybody is told of it."""

    def __init__(self, database: Reads, endings: Endings, uses: Uses) -> None:
        recent, throttle = _Nobody(time.monotonic), Throttle(time.monotonic)
        super().__init__(database, throttle, recent, endings, note_use=uses.note, clock_ms=now_ms)
        self._uses = uses

    async def actor_of_basic(self, username: str, password: str, network: str) -> Actor:
        actor = await self.find_app_password(username, password, network)
        if actor is None:
            await self._uses.judge(username, password, network)
            raise UnavailableError("This app password has only just begun to work: try again.")
        return actor


class _Nobody(RecentActors):
    """Remembers nobody."""

    def keep(self, presented: Presented, actor: Actor, *, endings: int) -> None:
        """Do nothing."""


async def run_sync(settings: Settings) -> int:
    """Serve the feed of `settings.data.folder` beside its main process; return 0 after SIGTERM or SIGINT.

    Raises:
        ListenError, StorageError, OSError: the process cannot start, or the main one is of another version by now.
    """
    settings, stopped = within_descriptors(settings), until_told()
    folder = DataFolder(settings.data.folder, LocalDisk())
    with closing(Link(folder)) as link:
        while (here := await find_main(link, stopped)) is not None:
            await _serve(settings, folder, here, stopped)
    return 0


async def _serve(settings: Settings, folder: DataFolder, here: Here, stopped: asyncio.Event) -> None:
    """Serve until told to stop, or until the folder is another."""
    async with (
        _open_services(settings, folder, here) as (made, uses, follower),
        serving(settings, build_feed_app(cast(Services, made)), cast(Services, made), shares_port=True) as port,
        asyncio.TaskGroup() as group,
    ):
        sys.stderr.write(f"Cairn serves the feed of {settings.data.folder} on port {port}\n")
        stop = group.create_task(stopped.wait(), name="stop")
        follow = group.create_task(follower.run(), name="following")
        keeping = group.create_task(keep_certificates(made.certificates), name="certificates")
        handing = group.create_task(uses.run(), name="uses")
        await asyncio.wait((stop, follow), return_when=asyncio.FIRST_COMPLETED)
        for task in (stop, follow, keeping, handing):
            task.cancel()


def build_feed_app(services: Services) -> web.Application:
    """Return the HTTP application of the feed alone."""
    app = build_app(services, only(FEED, (*sync.routes, *health.routes)))
    app.on_shutdown.append(end_waits)
    return app


@asynccontextmanager
async def _open_services(
    settings: Settings, folder: DataFolder, here: Here
) -> AsyncIterator[tuple[FeedServices, Uses, Following]]:
    async with AsyncExitStack() as closing_down:
        uses = Uses(Link(folder))
        closing_down.callback(uses.close)
        file = await asyncio.to_thread(_file_at, folder.metadata)
        database = await Reads.open_reads(folder.metadata)
        closing_down.push_async_callback(database.close)
        services = FeedServices(settings, folder, here, database, uses)
        follower = await asyncio.to_thread(Following, folder, here, file, database, services)
        closing_down.callback(follower.close)
        yield services, uses, follower


def _file_at(path: Path) -> tuple[int, int]:
    """Return which file lies there. A folder that was put back has another, while ours is still open."""
    state = path.stat()
    return state.st_dev, state.st_ino
