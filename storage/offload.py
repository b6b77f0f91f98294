"""The only way from the event loop to blocking work: a small pool of threads for each purpose."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from storage.errors import StoreUnavailableError

T = TypeVar("T")


class Offload:
    """A bounded pool of threads with a bounded queue."""

    def __init__(self, name: str, *, threads: int, queue: int) -> None:
        """Allow `threads` calls at once and `queue` more to wait."""
        self._name = name
        self._most = threads + queue
        self._now = 0
        self._closed = False
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix=name)

    async def run(self, work: Callable[[], T]) -> T:
        """Return what `work` returns, run in a thread. Work that has begun ends even if the caller is cancelled.

        Raises:
            StoreUnavailableError: too many calls wait already, or the pool is closed.
        """
        if self._closed or self._now >= self._most:
            raise StoreUnavailableError(f"too much waits for {self._name}")
        self._now += 1
        future = asyncio.get_running_loop().run_in_executor(self._pool, work)
        future.add_done_callback(self._ended)
        return await future

    def _ended(self, _: object) -> None:
        self._now -= 1

    def close(self) -> None:
        """Wait for what runs and waits, and end the threads. Blocks."""
        self._closed = True
        self._pool.shutdown(wait=True)
