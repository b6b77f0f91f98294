"""What is drawn once a run: how bad everything is. Many runs have few kinds of trouble, and some have none."""

from dataclasses import dataclass, field, replace

from client.sync.seams.files import Trouble
from tests.sim.chance import seeded
from tests.sim.fs import SimMode, WatchFaults
from tests.sim.net import FAULTS, NetFaults

PLAIN_NAMES = ("a", "b.txt", "c", "d.tar.gz")
CASE_NAMES = ("a", "A", "b.txt", "B.TXT", "é", "é")
EVENTS = (
    "restart",
    "rest",
    "power_cut",
    "lose_state",
    "old_state",
    "old_folder",
    "server_back",
    "server_copied_back",
    "server_restart",
    "no_marker",
    "unreadable",
    "clock_jump",
    "rules",
    "selection",
    "share",
    "pause",
    "away",
)
TROUBLES = (Trouble.DAMAGED, Trouble.UNREADABLE, Trouble.READ_ONLY, Trouble.BUSY, Trouble.FULL, Trouble.CHANGED)
DISASTERS = frozenset(
    {"power_cut", "lose_state", "old_state", "old_folder", "server_back", "server_copied_back", "rules", "selection"}
)
"""After these a conflict copy may be right even if only one device did anything; where that is so they are left out."""


@dataclass(slots=True)
class Weather:
    """How a run is. Rates are from 0 to 1."""

    names: tuple[str, ...] = PLAIN_NAMES
    mode: SimMode = field(default_factory=SimMode)
    watch: WatchFaults = field(default_factory=WatchFaults)
    net: NetFaults = field(default_factory=NetFaults)
    disk: dict[Trouble, float] = field(default_factory=dict)
    events: tuple[str, ...] = ()
    world_pause_s: float = 60.0
    user_pause_s: float = 5.0
    tricks: float = 0.0
    one_user: bool = False

    @classmethod
    def draw(cls, seed: int) -> "Weather":
        """Return the weather of a run."""
        chance = seeded("weather", seed)
        drawn = cls(user_pause_s=chance.choice([0.02, 0.5, 5.0, 60.0]), one_user=chance.random() < 0.1)
        drawn.net.page = chance.choice([2, 5, 1000])
        if chance.random() < 0.3:
            drawn.mode = SimMode(case_sensitive=False, keeps_form=chance.random() < 0.5)
            drawn.names = CASE_NAMES
        drawn.mode = replace(
            drawn.mode,
            step_ns=chance.choice([1_000_000, 10_000_000, 2_000_000_000]),
            stable_inodes=chance.random() < 0.8,
            exchanges=chance.random() < 0.8,
            events=chance.random() < 0.9,
            journal=chance.random() < 0.5,
        )
        if chance.random() < 0.2:
            return drawn
        drawn.net = NetFaults(
            {fault: chance.choice([0.0, 0.0, 0.0, 0.01, 0.1]) for fault in FAULTS},
            slow_s=chance.choice([0.0, 0.0, 0.05, 2.0]),
            page=drawn.net.page,
        )
        if chance.random() < 0.3:
            drawn.disk = {trouble: chance.choice([0.0, 0.002, 0.02]) for trouble in TROUBLES}
        if chance.random() < 0.5:
            drawn.watch = WatchFaults(
                late_ns=chance.choice([0, 10_000_000, 3_000_000_000]),
                doubled=chance.choice([0.0, 0.2]),
                overflow=chance.choice([0.0, 0.05]),
                limit=chance.choice([1_000_000, 2]),
            )
        drawn.tricks = chance.choice([0.0, 0.05, 0.3])
        drawn.events = tuple(event for event in EVENTS if chance.random() < 0.2)
        if drawn.one_user:
            drawn.events = tuple(event for event in drawn.events if event not in DISASTERS)
        # A world that acts a hundred times between two steps of users shows nothing more, and takes minutes.
        drawn.world_pause_s = max(chance.choice([2.0, 20.0, 200.0]), drawn.user_pause_s / 6)
        return drawn

    def clear(self) -> None:
        """Let the sun come out: no faults from now on."""
        self.net.clear()
        self.tricks = 0.0
