"""Begins what was planned as far as workers are free, and records how it ended."""

from collections.abc import Callable, Sequence

from client.sync.loop import echoes
from client.sync.loop.asking import Asking
from client.sync.loop.jobs import Jobs, verdict_of
from client.sync.loop.memory import Memory
from client.sync.loop.tools import World
from client.sync.loop.waits import STALE_PAUSE_S, Waits
from client.sync.loop.work import LOTS, Lot, Work, lot_of
from client.sync.model import Path, Problem, RemoteNode, SyncedNode
from client.sync.observe import Observer
from client.sync.operations import HERE, DeleteHere, DeleteThere, Forget, Operation, ReadHash, SetAside, Upload
from client.sync.outcome import Blocked, Done, Outcome, Prepared, Stale, Task, Unsure
from client.sync.seams.executor import Finished, Lane
from client.sync.trees.doubt import refusal
from client.sync.trees.record import forget_gone, node_of, put_node, record
from client.sync.trees.state import State

MOST_COMMITS = 1000  # uploads in one call
UNREADABLE_PAUSE_S = 5.0  # after the marker of the root could not be read
NONSENSE_PAUSE_S = 60.0  # after an answer that cannot be
BUG = "Something went wrong inside cairn; its log tells more. It is tried again."


class Doing:
    """The operations under way."""

    def __init__(
        self,
        state: State,
        world: World,
        observer: Observer,
        jobs: Jobs,
        work: Work,
        waits: Waits,
        asking: Asking,
        memory: Memory,
        *,
        may_delete: Callable[[], bool],
        on_logged_out: Callable[[Problem], None],
        on_bug: Callable[[BaseException], None],
    ) -> None:
        """Do what `work` holds.

        Args:
            may_delete: is asked before anything is deleted: whether the root is still the one that it was.
            on_logged_out: hears that the server takes this device no more.
            on_bug: hears of what no job expected.
        """
        self._state = state
        self._world = world
        self._observer = observer
        self._jobs = jobs
        self._work = work
        self._waits = waits
        self._asking = asking
        self._memory = memory
        self._may_delete = may_delete
        self._on_logged_out = on_logged_out
        self._on_bug = on_bug
        self._prepared: list[tuple[Task[Operation], Prepared]] = []

    def begin(self, now_s: float) -> None:
        """Begin jobs until no worker is free, or nothing is left that may be begun."""
        if not self._work.ready:
            return
        for lot in LOTS:
            while self._work.waiting_in(lot) and self._is_open(lot, now_s):
                operations = self._work.take(lot)
                if self._work.has_dropped:  # to be planned anew
                    self._work.has_dropped, self._memory.changed = False, True
                if not operations:
                    break
                if _deletes(operations) and not self._may_delete():
                    for operation in operations:
                        self._put_off(operation, UNREADABLE_PAUSE_S, None)
                        self._work.end(operation)
                    return
                tasks = [self._jobs.task_of(operation) for operation in operations]
                for task in tasks:
                    self._observer.hold(*_paths(task))
                job = self._jobs.job_of(lot, tasks)
                self._run(lot.lane, lot.name, job, tasks)

    def _is_open(self, lot: Lot, now_s: float) -> bool:
        return self._world.executor.free(lot.lane) > 0 and not self._memory.shut.holds(lot, now_s)

    def _run(self, lane: Lane, name: str, job: Callable[[], list[Outcome]], tasks: list[Task[Operation]]) -> None:
        self._world.executor.run(lane, name, job, lambda finished: self._finish(tasks, finished))

    def _finish(self, tasks: list[Task[Operation]], finished: Finished[list[Outcome]]) -> None:
        outcomes = finished.value
        if outcomes is None:
            if finished.error is not None:
                self._on_bug(finished.error)
            outcomes = [Blocked(Problem(task.shown, "other", BUG)) for task in tasks]
        self._memory.changed = True
        with self._state.transaction():
            for task, outcome in zip(tasks, outcomes, strict=True):
                self._take(task, outcome)
                if not isinstance(outcome, (Prepared, Unsure)):
                    self._observer.release(*_paths(task))
        self._commit()

    def _take(self, task: Task[Operation], outcome: Outcome) -> None:
        """Record how one operation ended; one that is prepared or unsure has not ended yet."""
        operation = task.operation
        match outcome:
            case Prepared():
                self._prepared.append((task, outcome))
                return
            case Unsure() if self._asking.add(operation):
                return
            case Unsure():
                self._put_off(operation, STALE_PAUSE_S, None)
            case Done() if outcome.file is not None and (reason := refusal(outcome.file)) is not None:
                self._put_off(
                    operation, NONSENSE_PAUSE_S, Problem(task.shown, "other", f"The server said that {reason}.")
                )
            case Done():
                self._take_done(task, outcome)
            case Stale():
                self._take_stale(task, outcome)
            case Blocked():
                self._take_blocked(operation, outcome)
        if operation.entry is not None:
            self._state.drop_attempts([echoes.key_of(operation)])
        self._work.end(operation)

    def _put_off(self, operation: Operation, pause_s: float, problem: Problem | None) -> None:
        self._waits.add(operation, self._world.clock.monotonic_s(), pause_s, problem)

    def _take_done(self, task: Task[Operation], done: Done) -> None:
        operation, memory = task.operation, self._memory
        if (compared := verdict_of(task, done)) is not None:
            memory.verdicts[compared[0]] = compared[1]
        if done.file is not None:
            memory.sent_seq = max(memory.sent_seq, done.file.seq)
        if isinstance(operation, DeleteThere) and operation.node is not None:
            self._see_off(operation.node)
        memory.note_done(operation)
        if isinstance(operation, Upload):
            self._jobs.forget_upload(operation)
            memory.came_back += memory.without_base and operation.how == "new"
        memory.trashed |= isinstance(operation, DeleteHere)
        if done.kept is not None or isinstance(operation, SetAside):
            memory.conflicts += 1
        is_recorded = record(self._state, task, done, self._state.fed_seq)
        self._waits.end(operation)
        memory.shut.open(lot_of(operation))
        if isinstance(operation, (Upload, ReadHash)) and operation.entry is not None and operation.entry.sha256 is None:
            self._observer.read_again(operation.entry.lid)
        if done.overtaken or done.kept_as is not None or not is_recorded:
            self._look_again(task.path, task.target, done.kept_as)

    def _see_off(self, node: RemoteNode) -> None:
        """Remember that a node is about to leave, unless the feed was faster to tell of it than the answer.

        It then may have told as well that somebody has brought the node back.
        """
        now = self._state.remote(node.id)
        if now is not None and now.seq <= node.seq:
            self._memory.leaving[node.id] = node.seq
        elif now is not None:
            forget_gone(self._state, node.id)

    def _take_stale(self, task: Task[Operation], stale: Stale) -> None:
        operation = task.operation
        if stale.refused:
            self._take_refusal(operation)
        if stale.current is not None and refusal(stale.current) is None:
            put_node(self._state, node_of(stale.current), self._state.fed_seq)
        self._look_again(task.path, task.target)
        self._put_off(operation, STALE_PAUSE_S, None)

    def _take_refusal(self, operation: Operation) -> None:
        """Learn what the server knows of what is gone and the feed does not tell; see `Stale.refused`."""
        match operation:
            case DeleteThere(node=RemoteNode(id=node_id)):
                self._memory.split.add(node_id)
            case Upload(how="restore", entry=entry, base=SyncedNode() as base):
                record(self._state, Task(Forget(entry=entry, base=base)), Done(), self._state.fed_seq)

    def _take_blocked(self, operation: Operation, blocked: Blocked) -> None:
        if blocked.problem.code == "not_logged_in":
            self._on_logged_out(blocked.problem)
        elif blocked.all_of is not None:
            now_s = self._world.clock.monotonic_s()
            self._memory.shut.add(blocked, now_s)
            if not self._memory.shut.holds(lot_of(operation), now_s):
                self._put_off(operation, blocked.retry_s, blocked.problem)
        else:
            self._put_off(operation, blocked.retry_s, blocked.problem)

    def _look_again(self, *paths: Path | None) -> None:
        for path in paths:
            if path is not None:
                self._observer.look_again(path)

    def _commit(self) -> None:
        """Note all uploads whose bytes are at the server, then make them visible with one call."""
        while self._prepared:
            lot, self._prepared = self._prepared[:MOST_COMMITS], self._prepared[MOST_COMMITS:]
            self._jobs.note([(task.operation, prepared) for task, prepared in lot])
            self._run(Lane.SMALL, "commit", self._jobs.commit_of(lot), [task for task, _ in lot])


def _paths(task: Task[Operation]) -> list[Path]:
    """Return where a job changes this device: the observer passes over these paths while it runs."""
    if not isinstance(task.operation, HERE):
        return []
    return [path for path in (task.path, task.target) if path is not None]


def _deletes(operations: Sequence[Operation]) -> bool:
    return any(isinstance(operation, (DeleteHere, DeleteThere)) for operation in operations)
