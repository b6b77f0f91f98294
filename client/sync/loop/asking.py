"""Asks the server about changes whose answer was lost, before anything else is done about their nodes."""

from collections.abc import Callable

from client.errors import ClientError
from client.sync.loop import echoes
from client.sync.loop.attempts import Attempt
from client.sync.loop.memory import Memory
from client.sync.loop.tools import World
from client.sync.loop.waits import Waits
from client.sync.loop.work import Key, Work, keys_of
from client.sync.operations import Operation
from client.sync.seams.executor import Finished, Lane
from client.sync.send.asked import Passed, ask
from client.sync.trees.doubt import refusal
from client.sync.trees.state import State

PAUSE_S = 1.0


class Asking:
    """The changes that are unsure, and the questions under way."""

    def __init__(
        self,
        state: State,
        world: World,
        work: Work,
        waits: Waits,
        memory: Memory,
        on_bug: Callable[[BaseException], None],
    ) -> None:
        """Begin with none; see `take_up`."""
        self._state = state
        self._world = world
        self._work = work
        self._waits = waits
        self._memory = memory
        self._on_bug = on_bug
        self._unsure: dict[str, tuple[Attempt, Operation | None]] = {}
        self._under_way: set[str] = set()
        self._due_s = 0.0

    def take_up(self) -> None:
        """Take what an earlier run left unanswered, once it is known that it was about this very folder."""
        self._unsure = {key: (attempt, None) for key, attempt in echoes.noted(self._state)}

    def __bool__(self) -> bool:
        """Whether anything is unsure."""
        return bool(self._unsure)

    @property
    def operations(self) -> int:
        """How many operations of this run are unsure."""
        return sum(operation is not None for _, operation in self._unsure.values())

    @property
    def is_running(self) -> bool:
        """Whether a question is under way."""
        return bool(self._under_way)

    @property
    def due_s(self) -> float | None:
        """When the next question is due; None if there is none, or while no worker is free for it: one ends first."""
        is_open = bool(self._unsure.keys() - self._under_way) and self._world.executor.free(Lane.SMALL) > 0
        return self._due_s if is_open else None

    def keys(self) -> set[Key]:
        """Return the nodes and entries about which nothing may be planned."""
        keys: set[Key] = set()
        for attempt, operation in self._unsure.values():
            keys.add(attempt.lid)
            if attempt.id is not None:
                keys.add(attempt.id)
            if operation is not None:
                keys |= keys_of(operation)
        return keys

    def add(self, operation: Operation) -> bool:
        """Take an operation whose answer was lost; return False if it was not noted: it may be sent twice."""
        if operation.entry is None:  # a delete of what is gone here
            return False
        key = echoes.key_of(operation)
        attempt = dict(echoes.noted(self._state)).get(key)
        if attempt is None:
            return False
        self._unsure[key] = (attempt, operation)
        return True

    def begin(self) -> None:
        """Ask what is due, as far as workers are free."""
        if self._world.clock.monotonic_s() < self._due_s:
            return
        for key in sorted(self._unsure.keys() - self._under_way):
            if self._world.executor.free(Lane.SMALL) <= 0:
                return
            self._under_way.add(key)
            self._ask(key, self._unsure[key][0])

    def _ask(self, key: str, attempt: Attempt) -> None:
        net = self._world.net
        self._world.executor.run(
            Lane.SMALL, "ask", lambda: ask(net, attempt), lambda finished: self._hear(key, finished)
        )

    def _hear(self, key: str, finished: Finished[Passed | None]) -> None:
        self._under_way.discard(key)
        if isinstance(finished.error, ClientError):
            self._due_s = self._world.clock.monotonic_s() + PAUSE_S
            return
        if finished.error is not None:
            self._on_bug(finished.error)
        attempt, operation = self._unsure.pop(key)
        passed = finished.value
        echoes.settle(
            self._state, key, attempt, passed if passed is not None and refusal(passed.file) is None else None
        )
        if passed is not None:
            self._memory.sent_seq = max(self._memory.sent_seq, passed.file.seq)
        self._memory.changed = True
        if operation is not None:
            self._work.end(operation)
            self._waits.end(operation)
