"""Power cuts at every call that a server makes to its disk while it collects, beside uploads of what is about to go.

What was acknowledged is there byte for byte, a full check finds nothing, and in the end all room comes back.
"""

import asyncio
import contextlib
import copy
import shutil
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from operator import methodcaller
from pathlib import Path

import pytest

from app.application import Cairn
from app.auth.identity import Actor
from app.repositories import uploads
from app.services.open_uploads import wire_id
from app.services.trash import Seen as AsSeen
from storage.errors import StoreUnavailableError
from storage.local import LocalMedium
from tests.collect.conftest import DAY, GRACE, Keeper, keeping
from tests.crash.client import Client
from tests.crash.conftest import folder
from tests.crash.content import Content
from tests.crash.doors import Opened, Wish
from tests.crash.oracle import Doubt, Oracle
from tests.crash.powered import BROKEN, assert_clean, copy_of, new_disk, powered, sign_up
from tests.crash.service_door import ServiceDoor
from tests.simdisk import Mode, SimDisk

__all__ = ["folder"]

BIG = 66_000  # of a chunk that becomes a file
STEP = 8  # in the normal run one call in so many is met
FIRST, SECOND, THIRD = (Content(name, (BIG, BIG + 1, 900)) for name in ("first", "second", "third"))
SHARED = Content("shared", (BIG, 800))


@dataclass(frozen=True, slots=True)
class Garden:
    """A server that collects, and a client of it."""

    cairn: Cairn
    actor: Actor
    client: Client
    keeper: Keeper
    disk: SimDisk

    async def work_off(self) -> None:
        """Let jobs end; they would wait without end for a disk that is off."""
        while await self.cairn.jobs.advance():
            if self.disk.is_off:
                raise StoreUnavailableError("the power is off")

    async def upload(self, path: str, content: Content) -> None:
        """Upload a file."""
        await self.client.upload(Wish(content, path=path))

    async def begin(self, path: str, content: Content) -> tuple[Opened, Wish]:
        """Open an upload and send nothing yet."""
        wish = Wish(content, path=path)
        return await self.client.request(wish), wish

    async def purge(self, path: str) -> None:
        """Delete a file for good; from now on the client counts on nothing there."""
        seen = await self.client.door.find(path)
        known = self.client.oracle.known.pop(seen.file_id)
        self.client.oracle.ask(Doubt(path=path, content=known.content))
        trash = self.cairn.services.trash
        await trash.delete(self.actor, seen.file_id, AsSeen())
        await trash.purge(self.actor, seen.file_id)
        await self.work_off()
        self.client.oracle.answered()


@dataclass(slots=True)
class Known:
    """What the client knows: who it is, and what must be there."""

    actor: Actor
    oracle: Oracle


async def tend(
    folder: Path, disk: SimDisk, known: Known, day: int, script: Callable[[Garden], Awaitable[None]]
) -> None:
    """Start a server on a day of its uptime and run a script on it, as far as the disk lets it."""
    try:
        async with powered(folder, disk) as cairn, keeping(cairn, folder / "data", begin_s=day * DAY) as keeper:
            client = Client(ServiceDoor(cairn, known.actor), known.oracle)
            await script(Garden(cairn, known.actor, client, keeper, disk))
    except BROKEN:
        if not disk.is_off:
            raise


async def plant(garden: Garden) -> None:
    """Leave chunks behind that a collection has found unused, and some that are used."""
    for path, content in (("/a", FIRST), ("/b", SECOND), ("/c", THIRD), ("/d", SHARED)):
        await garden.upload(path, content)
    for path in ("/a", "/b", "/c"):
        await garden.purge(path)
    await garden.keeper.collect()


async def collect_all(garden: Garden) -> None:
    """Collect to the end, while what is about to go is used again at each step of its way out."""
    opened, wish = await garden.begin("/again", FIRST)  # pinned from before, its bytes sent after
    await garden.keeper.collect(after_s=DAY)
    await garden.client.send(opened, [wish])
    await garden.client.commit([opened.uploads[0].upload_id])
    await garden.upload("/condemned", SECOND)
    await garden.keeper.collect(after_s=GRACE)
    await garden.upload("/removed", THIRD)
    await garden.purge("/condemned")


async def empty(garden: Garden) -> None:
    """Hold the server to what it said; then delete all for good and collect until nothing is left."""
    oracle, services = garden.client.oracle, garden.cairn.services
    await oracle.check(garden.client.door, also=set(oracle.known))
    for known in list(oracle.known.values()):
        await garden.purge(f"/{known.seen.name}")
    trashed, _ = await services.trash.list_page(garden.actor, before=None, limit=100)
    for item in trashed:  # of a purge that was cut off between its two calls
        await services.trash.purge(garden.actor, item.view.file_id)
    await garden.work_off()
    for upload in await garden.cairn.database.read(lambda tx: uploads.open_of_user(tx, garden.actor.user_id)):
        await services.uploads.give_up(garden.actor, wire_id(upload))
    await garden.keeper.collect_all()
    assert garden.keeper.count("chunks") == 0


@dataclass(frozen=True, slots=True)
class Planted:
    """A stopped server whose store has chunks on their way out, and what its client knows."""

    folder: Path
    disk: SimDisk
    known: Known
    calls: list[str]


async def prepare(folder: Path, mode: Mode) -> Planted:
    disk = new_disk(folder, mode)
    async with powered(folder, disk) as cairn:
        actor = await sign_up(cairn)
        known = Known(actor, Oracle(await ServiceDoor(cairn, actor).find("/"), ""))
    await tend(folder, disk, known, 1, plant)
    whole = copy_of(disk, folder / "whole")
    await tend(folder / "whole", whole, copy.deepcopy(known), 2, collect_all)
    return Planted(folder, disk, known, [call for call, _ in whole.trace])


@pytest.fixture(scope="module", params=Mode, ids=lambda mode: mode.value)
def planted(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Planted:
    return asyncio.run(prepare(tmp_path_factory.mktemp("planted"), request.param))


async def test_power_cut_while_collecting_loses_no_chunk_and_leaves_no_waste(planted: Planted, folder: Path) -> None:
    every = {Mode.STRICT: STEP, Mode.EXT4: 2 * STEP, Mode.NO_SYNCFS: 2 * STEP}[planted.disk.mode]
    await meet(planted, folder, range(0, len(planted.calls), every))


@pytest.mark.soak
@pytest.mark.timeout(3600)
async def test_power_cut_at_every_call_while_collecting_loses_no_chunk(planted: Planted, folder: Path) -> None:
    await meet(planted, folder, range(len(planted.calls)))


async def meet(planted: Planted, folder: Path, numbers: range) -> None:
    """Cut the power at these calls, each in a run of its own, and hold what is found to what was said."""
    for number in numbers:
        call = planted.calls[number]
        for cut in ("cut_power_at", "cut_power_after")[: 2 if call == "commit" else 1]:
            at = folder / f"{number}-{cut}"
            disk, known = copy_of(planted.disk, at), copy.deepcopy(planted.known)
            methodcaller(cut, number)(disk)
            await tend(at, disk, known, 2, collect_all)

            found = disk.crash(number)
            async with powered(at, found):
                assert_clean(at, found)
            await tend(at, found, known, 4, empty)
            assert files_of(found, at) == [], f"the power was cut at call {number}, {call}"
            assert_clean(at, found)
            shutil.rmtree(at)


def files_of(disk: SimDisk, folder: Path) -> list[str]:
    """Return the names of all files of chunks."""
    with contextlib.closing(LocalMedium(folder / "data" / "store", disk)) as medium:
        return [file.name for first in range(256) for file in medium.objects(first)]
