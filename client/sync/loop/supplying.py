"""Gives the server back chunks that it lost and this device holds (durability.md, section 6)."""

from collections.abc import Callable, Sequence

from client.protocol import Wanted
from client.sync.seams.executor import Executor, Finished, Lane
from client.sync.send import Sender
from client.sync.trees.state import State

MOST = 256
"""Chunks that are given back after one answer of the feed; what is still wanted then is told again."""


class Supplying:
    """The chunks on their way back. No version comes of it, and no node changes."""

    def __init__(
        self, state: State, executor: Executor, sender: Sender, on_bug: Callable[[BaseException], None]
    ) -> None:
        """Give nothing yet."""
        self._state = state
        self._executor = executor
        self._sender = sender
        self._on_bug = on_bug
        self._running = False

    @property
    def is_running(self) -> bool:
        """Whether chunks are under way."""
        return self._running

    def take(self, wanted: Sequence[Wanted]) -> None:
        """Give what the files here hold that are in step at the very version, unless that is being done."""
        jobs = [job for each in wanted[:MOST] if (job := self._job_of(each)) is not None]
        if jobs and not self._running:
            self._running = True
            self._executor.run(Lane.LOOK, "supply", lambda: [job() for job in jobs], self._finish)

    def _job_of(self, wanted: Wanted) -> Callable[[], bool] | None:
        base = self._state.synced(wanted.file_id)
        entry = None if base is None else self._state.local(base.lid)
        if base is None or entry is None or base.version_id != wanted.version_id or entry.sha256 != base.sha256:
            return None
        path, stat = self._state.path_of(entry.lid), entry.stat
        return lambda: self._sender.supply(wanted, path, stat)

    def _finish(self, finished: Finished[list[bool]]) -> None:
        self._running = False
        if finished.error is not None:
            self._on_bug(finished.error)
