"""A whole server in this thread: the real services on a temporary folder, opened, called, stopped, and put back."""

import asyncio
import atexit
import contextlib
import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Coroutine, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from app.application import JOBS, Cairn, open_cairn
from app.auth.identity import Actor
from app.config import Limits, Settings
from app.data_folder import DataFolder
from app.db.transaction import Transaction
from app.repositories.jobs import JobKind
from app.services.conversion import carry_slice
from app.services.jobs import Slice
from app.services.reveal import reveal_slice
from storage.errors import StorageError
from tests.server import PASSWORD
from tests.sim.chance import seeded
from tests.sim.inline import FreeDisk, Moment, inline

T = TypeVar("T")

SETTINGS = Settings(limits=Limits(free_disk_bytes=0, free_disk_percent=0))
SLICES: Mapping[JobKind, Slice] = {
    **JOBS,
    JobKind.CARRY: partial(carry_slice, limit=2),
    JobKind.REVEAL: partial(reveal_slice, limit=2),
}
BEGIN_MS = 1_767_225_600_000  # 2026-01-01
USERS = ("ada", "ben")
DEVICES = {"ada": 4, "ben": 2}
PREFIX = "cairn-sim-run-"
_YOUNG_S = 60.0
_MEMORY = Path("/dev/shm")  # noqa: S108 -- only folders of random names are made in it


@dataclass(frozen=True, slots=True)
class Installed:
    """A data folder that was set up and stopped: two users with their devices. Runs begin with a copy of it."""

    folder: Path
    actors: dict[str, list[Actor]]


class SimServer:
    """One server in the life of a run. Every call is whole before it returns; nothing runs in between."""

    def __init__(
        self, folder: Path, actors: dict[str, list[Actor]], loop: asyncio.AbstractEventLoop, moment: Moment
    ) -> None:
        """Take a data folder, whose users' devices are `actors`; it is stopped."""
        self.folder = folder
        self.actors = actors
        self.moment = moment
        self._loop = loop
        self._open: contextlib.AsyncExitStack | None = None
        self._cairn: Cairn | None = None

    @property
    def cairn(self) -> Cairn:
        """The open server."""
        assert self._cairn is not None, "the server is stopped"
        return self._cairn

    @property
    def is_open(self) -> bool:
        """Whether it answers."""
        return self._cairn is not None

    def call(self, call: Coroutine[Any, Any, T]) -> T:
        """Return what a call to a service gives."""
        return self._loop.run_until_complete(call)

    @property
    def session(self) -> Transaction:
        """The writer's connection and counters."""
        session: Transaction = self.cairn.database._writer._session  # type: ignore[attr-defined] # noqa: SLF001 -- inline's
        return session

    def head(self) -> int:
        """Return the journal's seq: another number tells that there may be something new."""
        return self.session.counters.seq

    @property
    def has_jobs(self) -> bool:
        """Whether there is work that was left for later."""
        return self.session.one("SELECT 1 FROM jobs WHERE done_ms IS NULL") is not None

    def work(self) -> bool:
        """Do a small slice of each job; tell whether there was one that can be done."""
        return self.call(self.cairn.jobs.advance())

    def start(self) -> None:
        """Open it."""
        self._cairn = self.call(self._start())

    def stop(self) -> None:
        """Close it."""
        if self._open is not None:
            self.call(self._open.aclose())
        self._open = self._cairn = None

    def copy(self, target: Path) -> None:
        """Make a backup of the whole folder, the server being stopped for it."""
        self.stop()
        shutil.copytree(self.folder, target)
        self.start()

    def put_back(self, source: Path, *, whole: bool) -> None:
        """Put a backup back: the whole folder (found out by the chain mark), or all but what tells of the journal.

        Without that, the guard's note of how far the journal had come is newer than the database: a new epoch begins.
        """
        self.stop()
        guard = self.folder / "guard"
        kept = self.folder.with_name("guard-kept")
        if not whole:
            shutil.copytree(guard, kept)
        shutil.rmtree(self.folder)
        shutil.copytree(source, self.folder)
        if not whole:
            shutil.rmtree(guard)
            kept.rename(guard)
        self.start()

    async def _start(self) -> Cairn:
        disk = FreeDisk()
        stack = contextlib.AsyncExitStack()
        data = stack.enter_context(DataFolder(self.folder, disk))
        opening = open_cairn(SETTINGS, data, disk=disk, on_failure=_unexpected)
        cairn = await stack.enter_async_context(opening)
        cairn.jobs._slices = SLICES  # noqa: SLF001 -- so that much can come in between
        self._open = stack
        return cairn


@contextlib.contextmanager
def server_of(seed: int) -> Iterator[SimServer]:
    """Give a server with two users, which is open, and whose ids follow from `seed`."""
    installed = _install()
    with temporary_folder() as folder:
        moment = Moment(BEGIN_MS)
        with inline(seeded("server", seed), moment) as loop:
            shutil.copytree(installed.folder, folder / "data")
            server = SimServer(folder / "data", installed.actors, loop, moment)
            server.start()
            try:
                yield server
            finally:
                server.stop()


@contextlib.contextmanager
def temporary_folder() -> Iterator[Path]:
    """Give a folder in memory, where there is such a place; it is locked for as long as its run lives."""
    with tempfile.TemporaryDirectory(prefix=PREFIX, dir=_where()) as name, _opened(Path(name)) as folder:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield Path(name)


def remove_left(where: Path) -> None:
    """Remove what killed runs have left: nobody has it locked, and it is too old to be about to be."""
    for left in where.glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError):
            if time.time() - left.stat().st_mtime < _YOUNG_S:
                continue
            with _opened(left) as folder:
                fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(left)


def _where() -> Path:
    return _MEMORY if _MEMORY.is_dir() else Path(tempfile.gettempdir())


@contextlib.contextmanager
def _opened(folder: Path) -> Iterator[int]:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


_installed: list[Installed] = []
_folders = contextlib.ExitStack()
atexit.register(_folders.close)


def _install() -> Installed:
    """Set a server up, once a process."""
    if not _installed:
        remove_left(_where())
        folder = _folders.enter_context(temporary_folder())
        moment = Moment(BEGIN_MS)
        with inline(seeded("installation"), moment) as loop:
            server = SimServer(folder / "data", {}, loop, moment)
            server.start()
            actors = server.call(_sign_up(server.cairn))
            server.stop()
        _installed.append(Installed(server.folder, actors))
    return _installed[0]


async def _sign_up(cairn: Cairn) -> dict[str, list[Actor]]:
    services = cairn.services
    actors: dict[str, list[Actor]] = {}
    for user in USERS:
        await services.accounts.create(user, PASSWORD, is_admin=user == USERS[0])
        actors[user] = []
        for number in range(DEVICES[user]):
            device = await services.sign_in.login(user, PASSWORD, "::1", device_name=f"{user}{number}", install_id=None)
            actors[user].append(await services.authentication.actor_of(device.token))
    return actors


def _unexpected(error: StorageError) -> None:
    raise AssertionError("the server's disk failed") from error
