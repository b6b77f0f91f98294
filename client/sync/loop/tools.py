"""The parts that do the work of an engine, made for one start: they depend on what the disk turned out to be."""

from dataclasses import dataclass
from typing import Self

from client.sync.apply.changes import Applier
from client.sync.apply.displaced import Displaced
from client.sync.apply.fetch import Fetcher
from client.sync.apply.rescue import Rescuer
from client.sync.apply.trash import Trash
from client.sync.loop.meter import Meter
from client.sync.loop.throttle import Throttle
from client.sync.seams.clock import Chance, Clock
from client.sync.seams.executor import Executor
from client.sync.seams.files import Fs, Traits
from client.sync.seams.net import Net
from client.sync.send import Sender


@dataclass(frozen=True, slots=True)
class World:
    """The seams of one engine: everything of the world outside."""

    fs: Fs
    net: Net
    clock: Clock
    chance: Chance
    executor: Executor


@dataclass(frozen=True, slots=True)
class Tools:
    """What does the operations."""

    applier: Applier
    fetcher: Fetcher
    sender: Sender
    displaced: Displaced
    trash: Trash
    rescuer: Rescuer

    @classmethod
    def of(cls, world: World, traits: Traits, meter: Meter, throttle: Throttle, device_name: str) -> Self:
        """Make them for a disk with these traits."""
        fs, clock, chance = world.fs, world.clock, world.chance
        trash = Trash(fs, clock)
        return cls(
            Applier(fs, traits, clock, chance, device_name=device_name, seen=trash.seen),
            Fetcher(fs, world.net, world.executor, chance, clock, meter, throttle, traits, device_name=device_name),
            Sender(fs, world.net, world.executor, chance, meter, throttle, traits),
            Displaced(fs, clock, traits, device_name=device_name),
            trash,
            Rescuer(fs, traits, clock, device_name),
        )
