"""What was tried and did not come to pass: when it is tried again, and what a person should know of it."""

from collections.abc import Iterator
from dataclasses import dataclass

from client.sync.loop.work import Key, keys_of, still_holds
from client.sync.model import Problem
from client.sync.operations import Operation
from client.sync.trees.state import State

STALE_PAUSE_S = 0.1
LONGEST_PAUSE_S = 600.0
LONGEST_ONCE_S = 1.0  # of a single run, for which somebody waits
TRIES_ONCE = 3
_DOUBLINGS = 16


@dataclass(slots=True)
class Wait:
    """One operation that waits; `problem` is None where only another look was wanted."""

    operation: Operation
    until_s: float
    tries: int
    problem: Problem | None
    is_let_go: bool = False
    """Whether it was due when something was planned: now the planner says whether it is tried again."""


class Waits:
    """Operations that wait for another try.

    One whose rows have changed meanwhile waits no longer, nor one about nodes and entries that all agree by now.
    """

    def __init__(self, state: State, longest_s: float = LONGEST_PAUSE_S) -> None:
        """Begin with none; no pause is longer than `longest_s`."""
        self._state = state
        self._longest_s = longest_s
        self._waits: dict[frozenset[Key], Wait] = {}

    def __iter__(self) -> Iterator[Wait]:
        """Yield them all."""
        yield from (wait for keys, wait in self._waits.items() if self._is_awaited(keys, wait))

    def __bool__(self) -> bool:
        """Whether there are any."""
        return next(iter(self), None) is not None

    def add(self, operation: Operation, now_s: float, pause_s: float, problem: Problem | None) -> None:
        """Let an operation wait: `pause_s`, and twice as long with each further try."""
        keys = keys_of(operation)
        before = self._waits.get(keys)
        tries = 1 if before is None else before.tries + 1
        pause_s = min(pause_s * 2 ** min(tries - 1, _DOUBLINGS), self._longest_s)
        self._waits[keys] = Wait(operation, now_s + pause_s, tries, problem)

    def end(self, operation: Operation) -> None:
        """Forget what was noted: the operation came to pass."""
        self._waits.pop(keys_of(operation), None)

    def keys(self, now_s: float) -> set[Key]:
        """Return what must not be planned yet; what is due is let go."""
        for keys, wait in list(self._waits.items()):
            if not self._is_awaited(keys, wait):
                del self._waits[keys]
            elif wait.until_s <= now_s:
                wait.is_let_go = True
        return {key for keys, wait in self._waits.items() if not wait.is_let_go for key in keys}

    def hurry(self) -> None:
        """Let everything be tried again now."""
        for wait in self._waits.values():
            wait.until_s, wait.is_let_go = 0.0, False

    def next_due_s(self) -> float | None:
        """Return when the next try is due that was not let go yet."""
        return min((wait.until_s for wait in self._waits.values() if not wait.is_let_go), default=None)

    def problems(self) -> list[Problem]:
        """Return what a person should know of."""
        return [wait.problem for wait in self if wait.problem is not None]

    def all_given_up(self) -> bool:
        """Tell whether each was tried as often as a single run tries."""
        return all(wait.tries >= TRIES_ONCE for wait in self)

    def _is_awaited(self, keys: frozenset[Key], wait: Wait) -> bool:
        """Tell whether it may still come to a try: what agrees, also by another way, is planned no more."""
        dirty = self._state.dirty
        may_differ = not (keys.isdisjoint(dirty.ids) and keys.isdisjoint(dirty.lids))
        return may_differ and still_holds(self._state, wait.operation)
