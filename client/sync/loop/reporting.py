"""What an engine tells of itself, gathered from its trees and its work."""

from collections import Counter
from collections.abc import Iterator
from typing import Literal

from client.sync.conflicts import count_conflicts
from client.sync.loop.engine import Engine
from client.sync.loop.work import size_of
from client.sync.operations import (
    DeleteHere,
    DeleteThere,
    Fetch,
    MoveHere,
    MoveThere,
    Operation,
    Replace,
    SetAside,
    Upload,
)
from client.sync.status import MOST_PATHS, MOST_PROBLEMS, Pending, Status, Transfer, Trouble, Unknown

StateName = Literal["in_step", "syncing", "scanning", "paused", "offline", "stopped", "blocked"]

_COLUMNS: dict[type[Operation], str] = {
    Upload: "send",
    Fetch: "fetch",
    Replace: "fetch",
    MoveHere: "move",
    SetAside: "move",
    MoveThere: "move",
    DeleteHere: "delete",
    DeleteThere: "delete",
}


class Reporter:
    """Tells the status of one engine, and since when it is so. For the engine's thread alone."""

    def __init__(self, engine: Engine) -> None:
        """Watch an engine."""
        self._engine = engine
        self._state: StateName = "scanning"
        self._state_since_ms = engine.wall_ms()
        self._since: dict[tuple[str, str], int] = {}

    def status(self) -> Status:
        """Return the status as it is now."""
        engine = self._engine
        now_ms = engine.wall_ms()
        state = self._state_now()
        if state != self._state:
            self._state, self._state_since_ms = state, now_ms
        traffic = engine.meter.snapshot()
        pending = self._pending()
        left = pending.send_bytes + pending.fetch_bytes
        left += sum(each.size - each.done for each in traffic.transfers)
        rate = traffic.up_rate + traffic.down_rate
        not_safe, count = self._not_safe()
        observer = engine.observer
        return Status(
            root=engine.settings.root,
            remote=engine.settings.remote,
            server=engine.settings.server,
            state=state,
            since_ms=self._state_since_ms,
            pending=pending,
            transfers=[Transfer(each.path, each.up, each.size, each.done) for each in traffic.transfers],
            rate_up=round(traffic.up_rate),
            rate_down=round(traffic.down_rate),
            seconds_left=round(left / rate) if left and rate else None,
            not_safe=not_safe,
            not_safe_files=count,
            problems=self._troubles(now_ms),
            held=engine.memory.held,
            unknown=[] if observer is None else [Unknown(*each) for each in observer.unknown()][:MOST_PROBLEMS],
            conflicts=count_conflicts(engine.state),
            last_sync_ms=engine.last_sync_ms,
            came_back=engine.memory.came_back,
            watching=observer is None or observer.is_watching,
            polled_folders=0 if observer is None else observer.polled_folders,
        )

    def _state_now(self) -> StateName:
        engine = self._engine
        observer, memory = engine.observer, engine.memory
        looking = observer is None or not observer.is_idle or not engine.following.is_complete
        waiting = memory.held or engine.waits or memory.plan_problems or memory.shut.problems()
        states: list[tuple[StateName, object]] = [
            ("stopped", engine.is_stopping),
            ("paused", engine.settings.paused),
            ("offline", engine.following.poll.trouble),
            ("scanning", looking),
            ("syncing", engine.work.ready or engine.work.running),
            ("blocked", waiting),
            ("syncing", engine.state.dirty or (observer is not None and observer.unresolved())),
        ]
        return next((name for name, holds in states if holds), "in_step")

    def _pending(self) -> Pending:
        counts: Counter[str] = Counter()
        for operation in self._engine.work.waiting():
            column = _COLUMNS.get(type(operation))
            if column is None:
                continue
            counts[column] += 1
            if column in {"send", "fetch"}:
                counts[f"{column}_bytes"] += size_of(operation)
        return Pending(**counts)

    def _not_safe(self) -> tuple[list[str], int]:
        """Return the first paths here, and the number, of files whose content the server does not hold yet."""
        state, observer = self._engine.state, self._engine.observer
        lids = list(self._unsafe_lids())
        known = set(lids)
        unread = [] if observer is None else [path for path in observer.unread() if state.lid_at(path) not in known]
        odd = [] if observer is None else [each.path for each in observer.problems() if each.code == "name"]
        paths = ["/".join(path) for path in (*map(state.path_of, lids[:MOST_PATHS]), *unread[:MOST_PATHS])]
        return sorted([*paths, *odd[:MOST_PATHS]])[:MOST_PATHS], len(lids) + len(unread) + len(odd)

    def _unsafe_lids(self) -> Iterator[int]:
        state = self._engine.state
        for lid in sorted(state.dirty.lids):
            entry = state.local(lid)
            if entry is not None and not entry.is_folder:
                yield lid
        for node_id in sorted(state.dirty.ids):
            base = state.synced(node_id)
            entry = None if base is None else state.local(base.lid)
            if base is not None and entry is not None and not entry.is_folder and entry.sha256 != base.sha256:
                yield entry.lid

    def _troubles(self, now_ms: int) -> list[Trouble]:
        problems = self._engine.problems()
        self._since = {
            (problem.path, problem.code): self._since.get((problem.path, problem.code), now_ms) for problem in problems
        }
        return [
            Trouble(
                *(problem.path, problem.code, problem.message, self._since[problem.path, problem.code]),
                is_note=self._engine.is_note(problem),
            )
            for problem in problems[:MOST_PROBLEMS]
        ]
