"""Power cuts at every call that the whole server makes to its disk: what was acknowledged is there, byte for byte."""

import asyncio
import random
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from operator import methodcaller
from pathlib import Path

import pytest

from tests.crash.client import Client
from tests.crash.content import Content
from tests.crash.doors import Wish
from tests.crash.oracle import Oracle
from tests.crash.powered import (
    BROKEN,
    Installed,
    Script,
    Told,
    copy_of,
    hold_to_promise,
    install,
    new_disk,
    play,
    powered,
    sign_up,
)
from tests.crash.service_door import ServiceDoor
from tests.crash.writer import Writer
from tests.simdisk import Mode, SimDisk

BIG = 66_000  # of a chunk that becomes a file
STEPS = 60
SAMPLE = 20
EACH = {Mode.STRICT: 1, Mode.EXT4: 4, Mode.NO_SYNCFS: 4}  # in the normal run one call in so many is met
IN_FAN_OUT = 16  # of the calls that make 256 folders alike, one in so many is met


@pytest.fixture(scope="module", params=Mode, ids=lambda mode: mode.value)
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    return asyncio.run(install(tmp_path_factory.mktemp("installed"), request.param))


async def everyday(client: Client) -> None:
    """Make each kind of change once, with few chunks and with many, with small ones and with big ones."""
    await client.upload(Wish(Content("first", (BIG, BIG, 900)), path="/first"))
    many = [Wish(Content(f"small {number}", (2_000,)), path=f"/new/{number}", parents=True) for number in range(3)]
    await client.upload(*many, bundle=True)
    first = await client.door.find("/first")
    second = Wish(Content("second", (BIG,) * 9), file_id=first.file_id, base_version=first.version_id)
    await client.upload(second)
    given_up = await client.request(Wish(Content("never", (BIG,)), path="/never"))
    await client.send(given_up, [Wish(Content("never", (BIG,)), path="/never")])
    await client.give_up(given_up.uploads[0].upload_id)
    await client.make_folder("/folder")
    known = client.oracle.known
    await client.move(known[first.file_id], await client.door.find("/folder"), "moved")
    await client.move(known[(await client.door.find("/new")).file_id], client.oracle.root, "renamed")
    await client.put_whole("/whole", Content("whole", (BIG * 2,), dense=False))
    left = Wish(Content("left", (BIG, 800)), path="/left")
    await client.send(await client.request(left), [left])


async def at_random(client: Client, chance: random.Random) -> None:
    """Make changes of all kinds, far more than those of `everyday`."""
    writer = Writer("writer", client, chance, biggest=BIG + 2_000)
    for _ in range(STEPS):
        await writer.step()


async def stay(_: Client) -> None:
    """Do nothing."""


async def calls_of(server: Installed, folder: Path, script: Script) -> list[str]:
    """Return the names of the calls that a server makes to its disk for a script, from its start to its stop."""
    disk = copy_of(server.disk, folder)
    await play(folder, disk, server, script)
    return [call for call, _ in disk.trace]


@contextmanager
def cut_off(server: Installed, folder: Path, cut: Callable[[SimDisk], None]) -> Iterator[SimDisk]:
    """Give a copy of the server's disk whose power will be cut, in `folder` for so long."""
    disk = copy_of(server.disk, folder)
    cut(disk)
    yield disk
    shutil.rmtree(folder)


def ways_to_cut(calls: list[str]) -> Iterator[Callable[[SimDisk], None]]:
    """Yield each way to cut the power: before each call, after the last, and after each commit that nobody hears of."""
    for number, call in enumerate([*calls, "the end"]):
        yield methodcaller("cut_power_at", number)
        if call == "commit":
            yield methodcaller("cut_power_after", number)


async def test_power_cut_at_every_call_loses_nothing_acknowledged(server: Installed, folder: Path) -> None:
    await meet(server, folder, EACH[server.disk.mode])


@pytest.mark.soak
@pytest.mark.timeout(900)
async def test_power_cut_at_every_call_on_every_disk_loses_nothing_acknowledged(
    server: Installed, folder: Path
) -> None:
    await meet(server, folder, 1)


async def meet(server: Installed, folder: Path, each: int) -> None:
    """Cut the power at one call in `each`, every time in a run of its own, and hold what is found to what was told."""
    calls = await calls_of(server, folder / "whole", everyday)
    for seed, cut in list(enumerate(ways_to_cut(calls)))[::each]:
        with cut_off(server, folder / f"{seed}", cut) as disk:
            told = await play(folder / f"{seed}", disk, server, everyday)

            await hold_to_promise(folder / f"{seed}", disk.crash(seed), told)


async def test_second_power_cut_while_the_first_is_recovered_from_loses_nothing(
    server: Installed, folder: Path
) -> None:
    calls = await calls_of(server, folder / "whole", everyday)
    chance = random.Random(f"{server.disk.mode}")  # noqa: S311 - the same ones in each run
    for number in range(SAMPLE):
        at = folder / f"{number}"
        with cut_off(server, at, methodcaller("cut_power_at", chance.randrange(len(calls)))) as disk:
            told = await play(at, disk, server, everyday)
            found = disk.crash(number)
            found.cut_power_at(chance.randrange(40))
            await play(at, found, server, stay)

            await hold_to_promise(at, found.crash(number), told)


@pytest.mark.parametrize("seed", range(8))
async def test_power_cut_in_a_long_run_loses_nothing_acknowledged(server: Installed, folder: Path, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - a failure must come back with its seed
    disk = copy_of(server.disk, folder)
    disk.cut_power_at(chance.randrange(1000))
    told = await play(folder, disk, server, partial(at_random, chance=chance))

    for outcome in range(3):
        await hold_to_promise(folder, disk.crash(outcome), told)


@pytest.mark.parametrize("mode", Mode, ids=lambda mode: mode.value)
async def test_power_cut_in_the_first_run_leaves_a_server_or_none(folder: Path, mode: Mode) -> None:
    disk = new_disk(folder / "whole", mode)
    await first_run(folder / "whole", disk)
    calls = [call for call, _ in disk.trace]
    met = [n for n, call in enumerate(calls) if call != "make_folder" or n % IN_FAN_OUT == 0]
    for number in [*met[:: 2 * EACH[mode]], len(calls)]:
        at = folder / f"{number}"
        disk = new_disk(at, mode)
        disk.cut_power_at(number)
        first = await first_run(at, disk)

        found = disk.crash(number)
        if first.told is None:
            assert (await first_run(at, found)).url
        else:
            await hold_to_promise(at, found, first.told)
            async with powered(at, found) as cairn:
                assert not first.url or ServiceDoor(cairn, first.told.actor).takes(first.url)
        shutil.rmtree(at)


@dataclass(slots=True)
class FirstRun:
    """What the first client of a new server was told, and a URL that it was given."""

    told: Told | None = None
    url: str = ""


async def first_run(folder: Path, disk: SimDisk) -> FirstRun:
    """Make the first user of a server, who uploads a file and begins with another."""
    run = FirstRun()
    try:
        async with powered(folder, disk) as cairn:
            actor = await sign_up(cairn)
            door = ServiceDoor(cairn, actor)
            run.told = told = Told(actor, Oracle(await door.find("/"), ""))
            client = Client(door, told.oracle, told.opened)
            opened = await client.request(Wish(Content("begun", (BIG,)), path="/begun"))
            run.url = opened.uploads[0].missing[0] or ""
            await client.upload(Wish(Content("small", (900,)), path="/small"))
    except BROKEN:
        if not disk.is_off:
            raise
    return run
