"""What moved is counted, and bandwidth is kept to, by a clock that the test sets."""

import threading
from collections.abc import Callable

import pytest

from client.sync.loop.meter import Meter, Moving
from client.sync.loop.throttle import Throttle
from client.sync.settings import Rate

KIB = 1024


class SetClock:
    """A clock that goes only when somebody sleeps, or the test says so."""

    def __init__(self) -> None:
        self.now_s = 1000.0
        self.time = "12:00"
        self.woken: Callable[[], None] | None = None

    def monotonic_s(self) -> float:
        return self.now_s

    def wall_ms(self) -> int:
        return 0

    def local_time(self, format_: str) -> str:
        assert format_ == "%H:%M"
        return self.time

    def sleep(self, seconds: float) -> None:
        assert seconds > 0
        self.now_s += seconds
        if self.woken is not None:
            self.woken()


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


def test_transfers_under_way_are_shown_until_they_end(clock: SetClock) -> None:
    meter = Meter(clock, threading.Lock())
    first, second = meter.begin("a", 100, up=True), meter.begin("b", 50, up=False)
    first.moved(30)
    first.skipped(20)
    second.moved(5)

    under_way = meter.snapshot()
    first.end()
    second.end()
    first.end()
    after = meter.snapshot()

    assert under_way.transfers == [Moving("a", 100, 50, up=True), Moving("b", 50, 5, up=False)]
    assert (after.transfers, after.sent, after.received) == ([], 30, 5)


def test_the_rate_is_that_of_the_last_seconds(clock: SetClock) -> None:
    meter = Meter(clock, threading.Lock())
    transfer = meter.begin("a", 10_000, up=True)
    for _ in range(20):
        clock.now_s += 1
        transfer.moved(500)
    busy = meter.snapshot()
    clock.now_s += 60
    idle = meter.snapshot()

    assert 450 <= busy.up_rate <= 550
    assert (busy.down_rate, idle.up_rate) == (0, 0)
    assert idle.sent == 10_000


def test_many_threads_lose_no_byte(clock: SetClock) -> None:
    meter = Meter(clock, threading.Lock())
    transfer = meter.begin("a", 80_000, up=False)

    def move() -> None:
        for _ in range(10_000):
            transfer.moved(1)

    threads = [threading.Thread(target=move) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert (meter.snapshot().received, transfer.done) == (80_000, 80_000)


def seconds_for(throttle: Throttle, clock: SetClock, pieces: list[int], *, up: bool) -> float:
    began_s = clock.now_s
    for piece in pieces:
        throttle.take(piece, up=up)
    return clock.now_s - began_s


def test_no_rate_is_no_wait(clock: SetClock) -> None:
    throttle = Throttle(clock, [], threading.Lock())

    assert seconds_for(throttle, clock, [10**9] * 10, up=True) == 0


def test_a_rate_holds_over_many_pieces_and_each_way_has_its_own(clock: SetClock) -> None:
    throttle = Throttle(clock, [Rate(up=100 * KIB, down=1000 * KIB)], threading.Lock())

    up_s = seconds_for(throttle, clock, [50 * KIB] * 21, up=True)
    down_s = seconds_for(throttle, clock, [50 * KIB] * 21, up=False)

    assert 9.9 <= up_s <= 10.1
    assert 0.9 <= down_s <= 1.1


def test_a_limit_of_one_way_leaves_the_other_free(clock: SetClock) -> None:
    throttle = Throttle(clock, [Rate(up=1)], threading.Lock())

    assert seconds_for(throttle, clock, [10**6] * 5, up=False) == 0


@pytest.mark.parametrize(
    ("time", "limited"),
    [("07:59", False), ("08:00", True), ("17:59", True), ("18:00", False), ("23:30", True), ("00:10", True)],
)
def test_the_time_of_day_decides(time: str, limited: bool, clock: SetClock) -> None:  # noqa: FBT001 -- a parameter
    rates = [Rate(up=KIB, from_minute=8 * 60, to_minute=18 * 60), Rate(up=KIB, from_minute=23 * 60, to_minute=60)]
    throttle = Throttle(clock, rates, threading.Lock())
    clock.time = time

    assert (seconds_for(throttle, clock, [10 * KIB] * 2, up=True) > 0) == limited


def test_new_rates_free_those_who_wait(clock: SetClock) -> None:
    throttle = Throttle(clock, [Rate(up=1)], threading.Lock())
    clock.woken = lambda: throttle.set_rates([])

    assert seconds_for(throttle, clock, [10**6] * 3, up=True) <= 0.5


def test_a_stop_frees_those_who_wait(clock: SetClock) -> None:
    throttle = Throttle(clock, [Rate(up=1)], threading.Lock())
    clock.woken = throttle.stop

    assert seconds_for(throttle, clock, [10**6] * 3, up=True) <= 0.5
