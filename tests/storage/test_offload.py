"""Blocking work runs in a bounded pool with a bounded queue."""

import asyncio
import threading

import pytest

from storage.errors import StoreUnavailableError
from storage.offload import Offload


async def test_work_runs_in_a_thread_of_the_pool_and_its_error_comes_back() -> None:
    pool = Offload("test", threads=1, queue=1)

    name = await pool.run(lambda: threading.current_thread().name)
    with pytest.raises(ZeroDivisionError):
        await pool.run(lambda: 1 // 0)

    pool.close()
    assert name.startswith("test")


async def test_more_than_the_queue_holds_is_refused_until_there_is_room() -> None:
    pool = Offload("test", threads=1, queue=1)
    gate = threading.Event()
    waiting = [asyncio.ensure_future(pool.run(gate.wait)) for _ in range(2)]
    await asyncio.sleep(0)

    with pytest.raises(StoreUnavailableError):
        await pool.run(gate.wait)

    gate.set()
    assert await asyncio.gather(*waiting) == [True, True]
    assert await pool.run(lambda: 5) == 5
    pool.close()


async def test_work_ends_though_its_caller_went_away() -> None:
    pool = Offload("test", threads=1, queue=1)
    begun, gate, ended = threading.Event(), threading.Event(), threading.Event()

    def work() -> None:
        begun.set()
        gate.wait()
        ended.set()

    task = asyncio.ensure_future(pool.run(work))
    await asyncio.to_thread(begun.wait)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    gate.set()
    pool.close()

    assert ended.is_set()


async def test_a_closed_pool_refuses() -> None:
    pool = Offload("test", threads=1, queue=1)
    pool.close()

    with pytest.raises(StoreUnavailableError):
        await pool.run(lambda: 5)
