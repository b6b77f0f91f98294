"""The simulation's own machinery: one seed is one history, the dead do nothing more, time jumps when all wait."""

from functools import partial

import pytest

from client.sync.seams.executor import Finished, Lane
from tests.sim.schedule import DeviceDied, Scheduler, Signal, SimClock, SimExecutor, StuckError


def history(seed: str) -> list[tuple[str, float]]:
    """Return what three tasks do, in their order."""
    scheduler, seen = Scheduler(seed), list[tuple[str, float]]()

    def work(name: str) -> None:
        for _ in range(20):
            scheduler.switch()
            seen.append((name, round(scheduler.now_s, 6)))
            scheduler.sleep(0.01)

    tasks = [scheduler.spawn(name, None, partial(work, name)) for name in "abc"]
    scheduler.run(lambda: all(task.is_over for task in tasks), most=10_000)
    return seen


def test_one_seed_gives_one_history_and_another_gives_another() -> None:
    assert history("1") == history("1")
    assert history("1") != history("2")


def test_time_jumps_when_all_wait() -> None:
    scheduler = Scheduler("x")
    clock = SimClock(scheduler, 1_000, offset_ms=500)
    task = scheduler.spawn("sleeper", None, lambda: clock.sleep(3600))

    scheduler.run(lambda: task.is_over, most=10)

    assert 3600 <= clock.monotonic_s() < 3601
    assert clock.wall_ms() == 1_500 + int(clock.monotonic_s() * 1000)


def test_who_waited_for_a_sign_in_vain_is_not_woken_by_it_from_a_later_sleep() -> None:
    """It then had two turns at once, and could end twice."""
    scheduler, woke_s = Scheduler("x"), list[float]()
    news = Signal(scheduler)

    def wait() -> None:
        news.wait(1.0)
        scheduler.sleep_until(10.0)
        woke_s.append(scheduler.now_s)

    def tell() -> None:
        scheduler.sleep_until(5.0)
        news.set()

    scheduler.spawn("waits", "one", wait)
    scheduler.spawn("tells", "other", tell)
    scheduler.run(lambda: bool(woke_s), most=100)

    assert woke_s[0] >= 10.0


def test_a_dead_device_does_nothing_more_whatever_it_tries() -> None:
    scheduler, seen = Scheduler("x"), list[str]()

    def live() -> None:
        try:
            while True:
                scheduler.switch()
                seen.append("alive")
        finally:
            with pytest.raises(DeviceDied):
                scheduler.switch()
            seen.append("dead")

    scheduler.spawn("engine", "device", live)
    scheduler.run(lambda: len(seen) > 10, most=1000)
    scheduler.kill("device")
    after = len(seen)
    other = scheduler.spawn("other", None, lambda: scheduler.sleep(1))
    scheduler.run(lambda: other.is_over, most=1000)

    assert seen[-1] == "dead"
    assert len(seen) == after


def test_a_run_that_does_not_end_is_told() -> None:
    scheduler = Scheduler("x")

    def spin() -> None:
        while True:
            scheduler.switch()

    scheduler.spawn("spin", "spinner", spin)

    with pytest.raises(StuckError, match="spin"):
        scheduler.run(lambda: False, most=100)
    scheduler.close()


def test_jobs_run_beside_each_other_and_their_ends_come_to_the_engine() -> None:
    scheduler, ended = Scheduler("x"), list[Finished[list[int]]]()
    executor = SimExecutor(scheduler, "device")

    def square(number: int) -> int:
        scheduler.sleep(number % 3)
        if number == 7:
            raise ValueError(number)
        return number * number

    def squares(numbers: range) -> list[int]:
        return list(executor.map(square, numbers, 3))

    def engine() -> None:
        for count in (5, 8):
            numbers = range(count)
            executor.run(Lane.SMALL, "squares", partial(squares, numbers), ended.append)
        while len(ended) < 2:
            executor.wait(None)
        executor.stop()

    task = scheduler.spawn("engine", "device", engine)
    scheduler.run(lambda: task.is_over, most=10_000)

    assert ended[0].value == [0, 1, 4, 9, 16]
    assert isinstance(ended[1].error, ValueError)
    assert executor.free(Lane.SMALL) == 2
