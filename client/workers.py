"""Threads that do many pieces of work, a bounded number at a time."""

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import ParamSpec, Self

P = ParamSpec("P")


class Workers:
    """A pool that takes work only as fast as it does it, and whose first failure ends it.

    Leaving the block waits for all work and raises the first failure.
    """

    def __init__(self, width: int, name: str, *, on_failure: Callable[[], None], backlog: int = 0) -> None:
        """Run up to `width` pieces at once and hold `backlog` more; then `submit` waits.

        `on_failure` is called when work fails or the block is left by an error, so that the rest ends soon too.
        """
        self._on_failure = on_failure
        self._pool = ThreadPoolExecutor(width, thread_name_prefix=name)
        self._room = threading.Semaphore(width + backlog)
        self._failure: BaseException | None = None

    def submit(self, work: Callable[P, None], *args: P.args, **kwargs: P.kwargs) -> None:
        """Take on a piece of work when there is room; raise the first failure of earlier ones instead."""
        self._room.acquire()
        if self._failure is not None:
            self._room.release()
            raise self._failure
        self._pool.submit(work, *args, **kwargs).add_done_callback(self._finished)

    def __enter__(self) -> Self:
        """Return the pool."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Wait for the work that runs; what has not begun is dropped if something failed."""
        if error is not None:
            self._on_failure()
        try:
            self._pool.shutdown(wait=True, cancel_futures=error is not None)
        except KeyboardInterrupt:  # most of a command's time the person who stops it meets it here
            self._on_failure()
            self._pool.shutdown(wait=True, cancel_futures=True)
            raise
        if error is None and self._failure is not None:
            raise self._failure

    def _finished(self, future: "Future[None]") -> None:
        if not future.cancelled() and self._failure is None:
            self._failure = future.exception()
            if self._failure is not None:
                self._on_failure()
        self._room.release()
