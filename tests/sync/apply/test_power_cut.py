"""Random histories on a simulated disk: kinds of disk, a save at any call, and then a kill or a power cut at any call.

A power cut keeps what was made durable and any part of the rest. What must hold after it: the path holds one whole
version, what a user saved is in a live file, and one device alone makes no conflict copy.
"""

import random
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path as OsPath

import pytest

from client.remote import Remote
from client.sync.device.threads import ThreadExecutor
from client.sync.model import DISPLACED, PRIVATE, Kind, LocalEntry, Path, RemoteNode
from client.sync.operations import Operation
from client.sync.outcome import Done, Task
from client.sync.seams.files import Fs
from tests.sim.fs import SimFs, SimMode
from tests.sync.apply.world import CountingRemote, CrashError, World, fetch, replace, sha256_of

PLACE: Path = ("a.txt",)
NEW = b"new" * 1000
WHOLE = {b"old", b"mine", NEW}
SEEDS = range(400)


@dataclass
class SimWorld(World):
    """A root on a disk in memory."""

    mode: SimMode = field(default_factory=SimMode)

    def make_disk(self) -> Fs:
        self.time_ns = 1_800_000_000_000_000_000
        self.sim = SimFs(self.tick, mode=self.mode)
        return self.sim

    def tick(self) -> int:
        self.time_ns += 1_000_000
        return self.time_ns

    def live(self) -> dict[Path, bytes]:
        return {
            path: bytes(inode.data) for path, inode in self.sim.walk() if inode.kind is Kind.FILE and path[0] != PRIVATE
        }

    def row(self) -> LocalEntry:
        stat = self.sim.look(PLACE)
        assert stat is not None
        self.lids[7] = PLACE
        return LocalEntry(7, 0, PLACE[-1], stat, sha256_of(self.live()[PLACE]), sure=True)


@pytest.fixture(scope="module")
def node(login: tuple[str, str], executor: ThreadExecutor, tmp_path_factory: pytest.TempPathFactory) -> RemoteNode:
    remote = CountingRemote(*login)
    node = World(tmp_path_factory.mktemp("other") / "root", remote, login[1], executor).there("a.txt", NEW)
    remote.close()
    return node


@pytest.fixture
def make_sim(tmp_path: OsPath, login: tuple[str, str], executor: ThreadExecutor) -> Iterator[Callable[..., SimWorld]]:
    remote = CountingRemote(*login)
    yield lambda mode: SimWorld(tmp_path, remote, login[1], executor, mode=mode)
    Remote.close(remote)


def test_histories_of_one_file(make_sim: Callable[..., SimWorld], node: RemoteNode) -> None:
    for seed in SEEDS:
        chance = random.Random(seed)  # noqa: S311 -- a history for each seed
        exchanges = chance.random() < 0.6
        mode = SimMode(
            journal=chance.random() < 0.5,
            exchanges=exchanges,
            reuses_inodes=chance.random() < 0.5,
            step_ns=chance.choice([1, 10_000_000, 2_000_000_000]),
        )
        History(make_sim(mode), node, chance, f"seed {seed}, {mode}").run()


@dataclass
class History:
    """One fetch on one disk, with what happens meanwhile."""

    world: SimWorld
    node: RemoteNode
    chance: random.Random
    told: str
    saved: bool = False
    calls: int = 0

    def run(self) -> None:
        world, chance = self.world, self.chance
        self.how = chance.choice(["fetch", "replace", "keep"])
        self.save_at = chance.randrange(25) if chance.random() < 0.4 else -1
        self.is_whole = self.how != "fetch" and world.mode.exchanges
        if self.how != "fetch":
            world.sim.user_write(PLACE, b"old", 1_700_000_000_000_000_000)
        world.sim.sync_all()
        task = self.task()
        world.disk.log.clear()
        world.disk.after_each = self.after_each
        world.disk.crash_at = chance.randrange(40)
        outcome: object = None
        with suppress(CrashError):
            (outcome,) = world.fetcher.fetch_small([task])
        self.told += f", {self.how}, saved {self.saved}, {outcome}, {world.disk.log}"
        if chance.random() < 0.7:
            world.sim.crash(chance)
        else:
            world.sim.kill()
        world.start()
        self.check(world.sweep_for(90), is_done=isinstance(outcome, Done))

    def task(self) -> Task[Operation]:
        if self.how == "fetch":
            return fetch(self.node, "a.txt")
        return replace(self.node, self.world.row(), "a.txt", keep_as="kept.txt" if self.how == "keep" else None)

    def after_each(self) -> None:
        self.calls += 1
        if self.calls == self.save_at:
            self.saved = True
            self.world.sim.user_save(PLACE, b"mine")
        if self.is_whole:
            assert self.world.live().get(PLACE) in WHOLE, self.told

    def check(self, rescued: int, *, is_done: bool) -> None:
        live = self.world.live()
        if self.is_whole:
            assert live.get(PLACE) in WHOLE, self.told
        if self.saved:
            assert b"mine" in live.values(), self.told
        elif self.how == "keep":
            assert b"old" in live.values(), self.told
        else:
            assert (rescued, set(live) <= {PLACE}) == (0, True), self.told
        if is_done and not self.saved:
            assert live[PLACE] == NEW, self.told
        assert not any(path[:2] == DISPLACED for path, _ in self.world.sim.walk() if path != DISPLACED), self.told
