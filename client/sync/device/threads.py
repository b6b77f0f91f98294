"""The real workers: a few threads a lane, and a queue into the engine's thread."""

import queue
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from client.sync.seams.executor import Finished, Lane, draw

A = TypeVar("A")
T = TypeVar("T")

WIDTHS: Mapping[Lane, int] = {Lane.LOOK: 2, Lane.SMALL: 4, Lane.LARGE: 4, Lane.FEED: 1}
PIECES_AT_ONCE = 24
"""Pieces of jobs (chunks, small files) that are under way at a time, for all jobs together."""


class ThreadExecutor:
    """Threads; see `client.sync.seams.executor.Executor`. Pieces of jobs have their own: no job waits for one."""

    def __init__(self, widths: Mapping[Lane, int] = WIDTHS) -> None:
        """Start no thread yet: they come with the work."""
        self._widths = widths
        self._pools = {lane: ThreadPoolExecutor(width, thread_name_prefix=lane.value) for lane, width in widths.items()}
        self._pieces = ThreadPoolExecutor(PIECES_AT_ONCE, thread_name_prefix="piece")
        self._running = dict.fromkeys(widths, 0)
        self._calls: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._stopping = threading.Event()

    def run(self, lane: Lane, name: str, work: Callable[[], T], done: Callable[[Finished[T]], None]) -> None:
        """Do `work` in a thread of the lane; nothing is begun any more after `stop`."""
        self._running[lane] += 1

        def deliver(finished: Finished[T]) -> None:
            self._running[lane] -= 1
            done(finished)

        def job() -> None:
            threading.current_thread().name = name
            try:
                finished = Finished(work(), None)
            except BaseException as error:  # noqa: BLE001 -- the root of a task: the engine's thread decides
                finished = Finished(None, error)
            self._calls.put(lambda: deliver(finished))

        if not self._stopping.is_set():
            self._pools[lane].submit(job)

    def post(self, call: Callable[[], None]) -> None:
        """Let `call` be made in the engine's thread."""
        self._calls.put(call)

    def wait(self, timeout_s: float | None) -> bool:
        """Make the calls that are due, after waiting for the first."""
        try:
            call = self._calls.get(timeout=timeout_s) if timeout_s != 0 else self._calls.get_nowait()
        except queue.Empty:
            return False
        while True:
            call()
            try:
                call = self._calls.get_nowait()
            except queue.Empty:
                return True

    def map(self, work: Callable[[A], T], items: Iterable[A], width: int) -> Iterator[T]:
        """Yield `work(item)` for each item in order, `width` at a time."""
        pending: deque[Future[T]] = deque()
        try:
            for item in items:
                pending.append(self._pieces.submit(work, item))
                if len(pending) >= width:
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()
        finally:
            for future in pending:
                future.cancel()
            for future in pending:
                if not future.cancelled():
                    future.exception()

    def ahead(self, items: Iterable[T]) -> Iterator[T]:
        """Yield the items, the next of which is made meanwhile."""
        source = iter(items)
        drawing = self._pieces.submit(draw, source)
        try:
            while drawn := drawing.result():
                drawing = self._pieces.submit(draw, source)
                yield drawn[0]
        finally:
            if not drawing.cancel():
                drawing.exception()

    def free(self, lane: Lane) -> int:
        """Return how many more jobs the lane would begin at once."""
        return self._widths[lane] - self._running[lane]

    def stop(self) -> None:
        """Wait for the jobs that run; drop the others."""
        self._stopping.set()
        for pool in (*self._pools.values(), self._pieces):
            pool.shutdown(wait=True, cancel_futures=True)
