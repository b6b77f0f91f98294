"""What admins watch: whether every part answers, how much room there is, and what the server does by itself."""

from collections.abc import Callable
from dataclasses import dataclass

from app.services.collector import Collector, Rounds
from app.services.health import HealthService, Limit, Probe
from app.services.room import Room, Space
from app.services.selfcheck import SelfCheck, Verdict
from app.services.standing import Standing


@dataclass(frozen=True, slots=True)
class State:
    """The server as it is now.

    Attributes:
        begun_ms: when it started, Unix milliseconds.
        limits: what it does not do at present.
        read_only_why: why it takes no change; empty while it does.
        verdict: of the look over the databases after a stop that was not clean.
    """

    begun_ms: int
    limits: list[Limit]
    read_only_why: str
    probes: list[Probe]
    verdict: Verdict
    space: Space
    rounds: Rounds


class SupervisionService:
    """Asks the parts, and lets a collection begin."""

    def __init__(
        self,
        health: HealthService,
        room: Room,
        standing: Standing,
        selfcheck: SelfCheck,
        collector: Collector,
        *,
        clock_ms: Callable[[], int],
    ) -> None:
        """Take the parts that it asks; the server starts now."""
        self._health = health
        self._room = room
        self._standing = standing
        self._selfcheck = selfcheck
        self._collector = collector
        self._begun_ms = clock_ms()

    async def look(self) -> State:
        """Return how the server is.

        Raises:
            StorageError: the index of the store cannot be read.
        """
        return State(
            begun_ms=self._begun_ms,
            limits=self._health.limits(),
            read_only_why=self._standing.why,
            probes=await self._health.probe(),
            verdict=self._selfcheck.verdict,
            space=self._room.look(),
            rounds=await self._collector.rounds(),
        )

    def collect(self) -> None:
        """Let a collection of unused chunks begin now.

        Raises:
            StoreUnavailableError: the server only reads.
        """
        self._collector.ask()
