"""Asks the planner what is to be done about all that may differ, when it is worth asking."""

from collections.abc import Callable

from client.sync.known import Known
from client.sync.loop.asking import Asking
from client.sync.loop.memory import Memory
from client.sync.loop.ruling import Ruling
from client.sync.loop.waits import Waits
from client.sync.loop.work import Work
from client.sync.observe import Observer
from client.sync.operations import KNOWLEDGE, ReadHash
from client.sync.outcome import Done, Task
from client.sync.plan import plan
from client.sync.seams.clock import Clock
from client.sync.seams.files import Traits
from client.sync.settings import Settings
from client.sync.trees import decay
from client.sync.trees.record import record
from client.sync.trees.state import State

ROUNDS = 1000  # plans in a row that only learn
SMALL_PLAN = 200  # candidates that cost too little to wait for more
COST_S = 0.00004  # a pause after a plan, for each of its candidates: some four times what they cost


class Deciding:
    """Makes plans. Plans that only learn are carried out at once, and followed by another."""

    def __init__(
        self,
        state: State,
        clock: Clock,
        observer: Observer,
        work: Work,
        waits: Waits,
        asking: Asking,
        memory: Memory,
        traits: Traits,
        ruling: Ruling,
        settings: Callable[[], Settings],
    ) -> None:
        """Decide for the trees of `state`."""
        self._state = state
        self._clock = clock
        self._observer = observer
        self._work = work
        self._waits = waits
        self._asking = asking
        self._memory = memory
        self._traits = traits
        self._ruling = ruling
        self._settings = settings
        self._after_s = 0.0
        self._racy: dict[int, None] = {}  # to be read once more when nothing else works at them

    @property
    def has_news(self) -> bool:
        """Whether anything has changed since the last plan that another may come out differently for."""
        return self._memory.changed and bool(self._state.dirty) and not self._is_too_early

    @property
    def due_s(self) -> float | None:
        """When a plan is due; None if nothing has changed since the last, and nothing waits for another try."""
        if self._is_too_early:
            return None
        if self.has_news:
            return self._after_s
        next_try_s = self._waits.next_due_s()
        return None if next_try_s is None else max(next_try_s, self._after_s)

    @property
    def _is_too_early(self) -> bool:
        """Whether a look is under way that will change the plan, and there is enough to do until it ends."""
        return self._work.ready > 0 and not self._observer.is_idle

    def decide(self, now_s: float) -> None:
        """Plan, if anything has changed or is due, and neither a look is under way nor the last plan too fresh."""
        if now_s < self._after_s or self._is_too_early:
            return
        next_try_s = self._waits.next_due_s()
        if not self._memory.changed and (next_try_s is None or now_s < next_try_s):
            return
        self._memory.changed = False
        self._read_racy(now_s)
        for _ in range(ROUNDS):
            if not self._plan(now_s):
                return

    def _read_racy(self, now_s: float) -> None:
        """Let what was read in the very moment in which it could have changed be read once more.

        And what decayed, if its Stat has changed: else a plan would take it for an edit, which is sent.
        """
        busy = self._work.busy()
        self._racy.update(dict.fromkeys(self._observer.to_hash()))
        for lid in [lid for lid in self._racy if lid not in busy]:
            del self._racy[lid]
            entry = self._state.local(lid)
            if entry is not None:
                self._work.add(ReadHash(entry=entry))
        for entry in decay.settle(self._state, busy | self._waits.keys(now_s) | self._asking.keys()):
            self._work.add(ReadHash(entry=entry))

    def _plan(self, now_s: float) -> bool:
        """Plan for all that may differ; return whether something was learned that another plan should know."""
        dirty, memory = self._state.dirty, self._memory
        busy = self._work.busy() | self._waits.keys(now_s) | self._asking.keys()
        ids = sorted(node_id for node_id in dirty.ids if node_id not in busy)
        lids = sorted(lid for lid in dirty.lids if lid not in busy)
        left, dirty.left = sorted(dirty.left), set()
        if not ids and not lids and not left:
            memory.held, memory.plan_problems = [], []
            return False
        made = plan(self._state, self._known(frozenset(busy)), ids, lids, left)
        dirty.ids |= made.found_ids
        dirty.ids -= made.agreed_ids
        dirty.lids -= made.agreed_lids
        memory.held, memory.plan_problems = made.held, made.problems
        operations = made.operations
        if self._ruling.is_awaited:
            operations, problems = self._ruling.filter(operations, busy)
            memory.plan_problems = [*problems, *made.problems]
        learned = False
        with self._state.transaction():
            for operation in operations:
                if isinstance(operation, KNOWLEDGE):
                    record(self._state, Task(operation), Done(), self._state.fed_seq)
                    learned = True
                else:
                    self._work.add(operation)
        if len(ids) + len(lids) > SMALL_PLAN:
            self._after_s = now_s + (len(ids) + len(lids)) * COST_S
        return learned

    def _known(self, busy: frozenset[str | int]) -> Known:
        settings = self._settings()
        return Known(
            traits=self._traits,
            device_name=settings.device_name,
            stamp=self._clock.local_time("%Y-%m-%d %H-%M-%S"),
            below_seq=self._state.fed_seq,
            is_certain=self._observer.is_certain,
            is_ignored=self._observer.rules.is_ignored,
            holds_others=self._observer.holds_others,
            verdicts=self._memory.verdicts,
            split=self._memory.split,
            leaving=self._memory.leaving.keys(),
            busy=busy,
            limits=settings.limits,
            may_delete=settings.confirmed,
            deleting=self._work.deleting(),
            deleted=self._memory.deleted,
            missing_files=self._observer.missing_files,
        )
