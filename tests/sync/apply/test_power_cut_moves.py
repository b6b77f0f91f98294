"""Random lots of local changes on a simulated disk, cut off at any call: a file has one of its names, whole."""

import random
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field

from client.sync.apply.changes import Applier
from client.sync.apply.checks import is_same
from client.sync.device.system_clock import SystemChance
from client.sync.model import PARKED, PRIVATE, Kind, LocalEntry, Path
from client.sync.operations import DeleteHere, MakeFolderHere, MoveHere, Operation, SetAside
from client.sync.outcome import Done, Outcome, Task
from tests.sim.fs import SimFs, SimMode
from tests.sync.apply.world import NAME, CrashError, HandClock, Meddled, sha256_of

SEEDS = range(300)


@dataclass
class Ticks:
    """The clock of a disk."""

    now_ns: Iterator[int] = field(default_factory=lambda: iter(range(1_800_000_000_000_000_000, 2**63, 1_000_000)))

    def __call__(self) -> int:
        return next(self.now_ns)


def test_histories_of_many_files() -> None:
    for seed in SEEDS:
        chance = random.Random(seed)  # noqa: S311 -- a history for each seed
        mode = SimMode(journal=chance.random() < 0.5, exchanges=chance.random() < 0.5)
        _run(SimFs(Ticks(), mode=mode), chance, f"seed {seed}, {mode}")


def _run(sim: SimFs, chance: random.Random, told: str) -> None:
    sim.user_make_folder(("folder",))
    contents = {("folder" if number % 2 else "", f"file {number}"): b"content %d" % number for number in range(6)}
    for (folder, name), content in contents.items():
        sim.user_write((folder, name) if folder else (name,), content, 1_700_000_000_000_000_000)
    traits = sim.probe()
    sim.sync_all()
    tasks = [_task(sim, chance, path) for path in sorted(_live(sim))]
    disk = Meddled(sim)
    saved = _save_at(disk, sim, chance)
    disk.crash_at = chance.randrange(60)
    outcomes: list[Outcome] = []
    with suppress(CrashError):
        outcomes = Applier(disk, traits, HandClock(), SystemChance(), device_name=NAME).run_many(tasks)
    told = f"{told}, {tasks}, {outcomes}, {disk.log}"
    sim.crash(chance)
    everywhere = list(_all(sim).values())
    for content in contents.values():
        assert content in everywhere or (saved and content == b"content 0"), told  # that one was saved anew
    if saved:
        assert b"mine" in _live(sim).values(), told
    for task, outcome in zip(tasks, outcomes, strict=False):
        if isinstance(outcome, Done) and task.path is not None and not saved:
            assert task.path not in _live(sim), told
            if task.target is not None and outcome.stat is not None:
                assert is_same(sim.look(task.target), outcome.stat, traits, renamed=True), told


def _task(sim: SimFs, chance: random.Random, path: Path) -> Task[Operation]:
    stat = sim.look(path)
    assert stat is not None
    entry = LocalEntry(7, 0, path[-1], stat, sha256_of(sim.user_read(path)), sure=True)
    kind = chance.choice(["move", "park", "aside", "delete", "make"])
    if kind == "delete":
        return Task(DeleteHere(entry=entry), path)
    if kind == "make":
        return Task(MakeFolderHere(parent=0, name=f"new {path[-1]}"), None, (f"new {path[-1]}",))
    if kind == "aside":
        return Task(SetAside(entry=entry, name=f"aside {path[-1]}"), path, (*path[:-1], f"aside {path[-1]}"))
    target = (*PARKED, path[-1]) if kind == "park" else (*chance.choice([("folder",), ()]), f"moved {path[-1]}")
    return Task(MoveHere(entry=entry, parent=0, name=target[-1]), path, target)


def _save_at(disk: Meddled, sim: SimFs, chance: random.Random) -> list[int]:
    """Let a user save one file anew at some call; the list tells whether it came to that."""
    saved: list[int] = []
    calls = iter(range(1000))
    at = chance.randrange(80)

    def after_each() -> None:
        if next(calls) == at:
            saved.append(at)
            sim.user_save(("file 0",), b"mine")

    disk.after_each = after_each
    return saved


def _all(sim: SimFs) -> dict[Path, bytes]:
    return {path: bytes(inode.data) for path, inode in sim.walk() if inode.kind is Kind.FILE}


def _live(sim: SimFs) -> dict[Path, bytes]:
    return {path: content for path, content in _all(sim).items() if path[0] != PRIVATE or path[:2] == PARKED}
