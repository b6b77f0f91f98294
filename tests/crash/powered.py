"""A whole server, without its HTTP, on a simulated disk: opened, cut off, and found again as a power cut left it."""

import contextlib
import copy
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from app.application import Cairn, open_cairn
from app.auth.identity import Actor
from app.config import Limits, Settings
from app.data_folder import DataFolder, DataFolderError
from app.db.database import connect_reader
from app.db.transaction import Snapshot, read_counters
from app.ids import decode_id
from app.repositories import journal
from app.services import fsck
from app.services.fsck import Level
from storage.disk import Disk
from storage.errors import StorageError
from tests.crash.client import Client
from tests.crash.doors import Seen, UnansweredError, Wish
from tests.crash.oracle import Oracle
from tests.crash.service_door import ServiceDoor
from tests.server import ADMIN, PASSWORD
from tests.simdisk import Mode, SimDisk

SETTINGS = Settings(limits=Limits(free_disk_bytes=0, free_disk_percent=0))
Script = Callable[[Client], Awaitable[None]]
BROKEN = (UnansweredError, DataFolderError, StorageError, OSError, sqlite3.Error)
"""What a server whose disk goes away may end with."""


@contextlib.asynccontextmanager
async def powered(folder: Path, disk: Disk, failures: list[StorageError] | None = None) -> AsyncIterator[Cairn]:
    """Open a server whose data folder is `folder`/data on `disk`, and close it; `failures` are what would end it."""
    noted = [] if failures is None else failures
    with DataFolder(folder / "data", disk) as data:
        async with open_cairn(SETTINGS, data, disk=disk, on_failure=noted.append) as cairn:
            yield cairn


def new_disk(folder: Path, mode: Mode) -> SimDisk:
    """Return an empty disk. SQLite and the lock want real folders beside the simulated ones."""
    for name in ("guard", "store"):
        (folder / "data" / name).mkdir(parents=True)
    return SimDisk(folder, mode)


def copy_of(disk: SimDisk, folder: Path) -> SimDisk:
    """Return an equal disk for another folder; all must be closed."""
    (folder / "data" / "guard").mkdir(parents=True)
    return disk.copy(folder)


@dataclass(frozen=True, slots=True)
class Installed:
    """A server that was set up and stopped, with one user who has one device."""

    folder: Path
    disk: SimDisk
    actor: Actor
    home: Seen


@dataclass(frozen=True, slots=True)
class Told:
    """What a device knows by the answers it got: of the tree, and of its open uploads."""

    actor: Actor
    oracle: Oracle
    opened: dict[str, Wish] = field(default_factory=dict)


async def install(folder: Path, mode: Mode) -> Installed:
    """Set a server up on an empty disk."""
    disk = new_disk(folder, mode)
    async with powered(folder, disk) as cairn:
        actor = await sign_up(cairn)
        home = await ServiceDoor(cairn, actor).find("/")
    return Installed(folder, disk, actor, home)


async def sign_up(cairn: Cairn) -> Actor:
    """Make the first user unless a run before did, and log in."""
    services = cairn.services
    if not services.accounts.has_admin:
        await services.accounts.create(ADMIN, PASSWORD, is_admin=True)
    device = await services.sign_in.login(ADMIN, PASSWORD, "::1", device_name="device", install_id=None)
    return await services.authentication.actor_of(device.token)


async def play(folder: Path, disk: SimDisk, server: Installed, script: Script) -> Told:
    """Start a server, run a script on it and stop, or go as far as the disk lets it; return what the client knows.

    Only a disk whose power was cut may end it early.
    """
    told = Told(server.actor, Oracle(server.home, ""))
    try:
        async with powered(folder, disk) as cairn:
            await script(Client(ServiceDoor(cairn, server.actor), told.oracle, told.opened))
    except BROKEN:
        if not disk.is_off:
            raise
    return told


async def hold_to_promise(folder: Path, disk: SimDisk, told: Told) -> None:
    """Assert that a server started on the disk as found keeps what a client was promised, and works on.

    `told` stays as it is, so that one run can be held against several outcomes.
    """
    oracle = copy.deepcopy(told.oracle)
    async with powered(folder, disk) as cairn:
        client = Client(ServiceDoor(cairn, told.actor), oracle, dict(told.opened))
        assert_journal(folder / "data" / "metadata.db", oracle.acknowledged)
        await oracle.check(client.door, also=set(oracle.known))
        await client.resume()
        await oracle.check(client.door)
        assert_clean(folder, disk)
    assert disk.list_(folder / "data" / "store" / "staging") == []


def assert_clean(folder: Path, disk: SimDisk) -> None:
    """Assert that a full check finds nothing that anybody could miss."""
    found = fsck.check(DataFolder(folder / "data", disk), disk, Level.CONTENT)
    damages = [damage for damage in found if not damage.is_harmless]
    assert not damages, damages


def assert_journal(metadata: Path, acknowledged: Iterable[tuple[int, str]]) -> None:
    """Assert that each acknowledged (seq, file id) is below the head and still stands for the same change."""
    with closing(connect_reader(metadata)) as connection:
        head = read_counters(connection).seq
        for seq, file_id in acknowledged:
            assert seq <= head, f"seq {seq} was acknowledged, and the journal ends at {head}"
            row = journal.rows_after(Snapshot(connection), seq - 1, limit=1)[0]
            assert (row.seq, row.node_id) == (seq, decode_id(file_id)[0])
