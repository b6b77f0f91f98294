"""What an engine remembers beside the trees while it runs; a restart begins with none of it."""

from collections import Counter
from dataclasses import dataclass, field

from client.sync.known import Held
from client.sync.loop.waits import LONGEST_PAUSE_S
from client.sync.loop.work import AT_SERVER, FETCHES, UPLOADS, Lot, count_files
from client.sync.model import Problem, Verdict
from client.sync.operations import DeleteHere, DeleteThere, Operation, empties
from client.sync.outcome import Blocked

_DOUBLINGS = 16


@dataclass(frozen=True, slots=True)
class _Shutter:
    until_s: float
    tries: int
    problem: Problem


class Shut:
    """Kinds of work that would all end alike now: `uploads` (quota), `fetches` (full disk), `calls` (offline)."""

    def __init__(self, longest_s: float = LONGEST_PAUSE_S) -> None:
        """Begin with everything open; no pause is longer than `longest_s`."""
        self._longest_s = longest_s
        self._shut: dict[str, _Shutter] = {}

    def add(self, blocked: Blocked, now_s: float) -> None:
        """Shut what an operation met; twice as long with each further try. Others of the same lot tell nothing new."""
        assert blocked.all_of is not None  # noqa: S101 -- the caller looked
        before = self._shut.get(blocked.all_of)
        tries = 0 if before is None else before.tries
        if before is None or before.until_s <= now_s:
            pause_s = min(blocked.retry_s * 2 ** min(tries, _DOUBLINGS), self._longest_s)
            self._shut[blocked.all_of] = _Shutter(now_s + pause_s, tries + 1, blocked.problem)

    def open(self, lot: Lot) -> None:
        """Note that work of a lot came to pass."""
        for name in _names(lot):
            self._shut.pop(name, None)

    def open_all(self) -> None:
        """Let everything be tried now."""
        self._shut.clear()

    def holds(self, lot: Lot, now_s: float) -> bool:
        """Tell whether a lot may not be begun yet."""
        return any(self._shut[name].until_s > now_s for name in _names(lot) if name in self._shut)

    def gives_up(self, lot: Lot, after: int) -> bool:
        """Tell whether a lot was found shut so often in a row."""
        return any(self._shut[name].tries >= after for name in _names(lot) if name in self._shut)

    def tries(self, name: str | None = None) -> int:
        """Return how often in a row one kind of work, or any, was found shut."""
        return max((each.tries for key, each in self._shut.items() if name in {None, key}), default=0)

    def next_due_s(self, now_s: float) -> float | None:
        """Return when the next try is due."""
        return min((each.until_s for each in self._shut.values() if each.until_s > now_s), default=None)

    def problems(self) -> list[Problem]:
        """Return what a person should know of."""
        return [each.problem for each in self._shut.values()]


def _names(lot: Lot) -> list[str]:
    names = ["calls"] if lot in AT_SERVER else []
    if lot in UPLOADS:
        names.append("uploads")
    if lot in FETCHES:
        names.append("fetches")
    return names


@dataclass(slots=True)
class Memory:
    """See `client.sync.known.Known` for the first three.

    Args:
        leaving: nodes whose delete was answered, with the seq that they had.
        sent_seq: the highest number of a change that this device made, to know whether the feed was read that far.
        without_base: since a start without a base, until both sides agree.
        came_back: files sent meanwhile that the server did not have.
        conflicts: conflict copies that were made.
        deleted: files that were deleted since both sides last agreed, by side.
        passed: what has come to pass of what may be held, by reason and side, since it was last counted.
        trashed: whether files came into the local trash since it was last looked at.
        changed: whether anything happened that a new plan should know.
    """

    verdicts: dict[tuple[str, str], Verdict] = field(default_factory=dict)
    split: set[str] = field(default_factory=set)
    leaving: dict[str, int] = field(default_factory=dict)
    shut: Shut = field(default_factory=Shut)
    held: list[Held] = field(default_factory=list)
    plan_problems: list[Problem] = field(default_factory=list)
    sent_seq: int = 0
    without_base: bool = False
    came_back: int = 0
    conflicts: int = 0
    deleted: Counter[str] = field(default_factory=Counter)
    passed: Counter[tuple[str, str]] = field(default_factory=Counter)
    trashed: bool = True
    changed: bool = True

    def note_done(self, operation: Operation) -> None:
        """Count what came to pass of what may be held."""
        count_files(self.deleted, operation)
        if isinstance(operation, (DeleteHere, DeleteThere)):
            side = "here" if isinstance(operation, DeleteHere) else "there"
            self.passed["held_deletes", side] += operation.files
        elif empties(operation):
            self.passed["held_shrinks", "there"] += 1
