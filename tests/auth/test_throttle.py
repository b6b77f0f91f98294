from collections.abc import Iterable

import pytest

from app.auth.throttle import MOST_ENTRIES, Throttle
from app.errors import RateLimitedError

HOME, CAFE = "192.0.2.1", "198.51.100.9"
ANNA, BEN = "anna", "ben"
VERIFIER = "the stored hash"


class Clock:
    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def throttle(clock: Clock) -> Throttle:
    return Throttle(clock)


def fail(throttle: Throttle, account: str, network: str, secrets: Iterable[object]) -> None:
    for secret in secrets:
        with throttle.attempt(account, network) as attempt:
            if not attempt.repeats(str(secret), VERIFIER):
                attempt.failed(str(secret), VERIFIER)


def succeed(throttle: Throttle, account: str, network: str) -> None:
    with throttle.attempt(account, network) as attempt:
        attempt.succeeded()


def wait_of(throttle: Throttle, account: str, network: str) -> int:
    """How long another try must wait; 0 if it is admitted."""
    try:
        throttle.check(account, network)
    except RateLimitedError as error:
        return error.retry_after_s
    return 0


def test_the_fifth_failure_in_five_minutes_closes_the_account_on_that_network(throttle: Throttle) -> None:
    fail(throttle, ANNA, HOME, range(4))
    assert wait_of(throttle, ANNA, HOME) == 0

    fail(throttle, ANNA, HOME, ["fifth"])

    assert wait_of(throttle, ANNA, HOME) == 300
    assert wait_of(throttle, BEN, HOME) == 0
    assert wait_of(throttle, ANNA, CAFE) == 0


def test_failures_older_than_five_minutes_do_not_count(throttle: Throttle, clock: Clock) -> None:
    fail(throttle, ANNA, HOME, range(4))
    clock.now_s += 300

    fail(throttle, ANNA, HOME, range(10, 14))

    assert wait_of(throttle, ANNA, HOME) == 0


def test_the_wait_counts_down_grows_and_never_exceeds_fifteen_minutes(throttle: Throttle, clock: Clock) -> None:
    waits = []
    for round_ in range(5):
        fail(throttle, ANNA, HOME, range(5 * round_, 5 * round_ + 5))
        waits.append(wait_of(throttle, ANNA, HOME))
        clock.now_s += waits[-1] - 1
        assert wait_of(throttle, ANNA, HOME) == 1
        clock.now_s += 1
        assert wait_of(throttle, ANNA, HOME) == 0

    assert waits == [300, 600, 900, 900, 900]


def test_growth_is_forgotten_after_a_quiet_time(throttle: Throttle, clock: Clock) -> None:
    fail(throttle, ANNA, HOME, range(5))
    clock.now_s += 1200

    fail(throttle, ANNA, HOME, range(10, 15))

    assert wait_of(throttle, ANNA, HOME) == 300


def test_a_success_clears_the_account_on_that_network(throttle: Throttle) -> None:
    fail(throttle, ANNA, HOME, range(4))

    succeed(throttle, ANNA, HOME)

    fail(throttle, ANNA, HOME, range(10, 14))
    assert wait_of(throttle, ANNA, HOME) == 0


def test_thirty_failures_in_fifteen_minutes_close_a_network_whatever_the_accounts(throttle: Throttle) -> None:
    for number in range(30):
        assert wait_of(throttle, ANNA, CAFE) == 0
        fail(throttle, f"user {number}", CAFE, ["spring 2026"])

    assert wait_of(throttle, ANNA, CAFE) == 900
    assert wait_of(throttle, ANNA, HOME) == 0


def test_a_success_does_not_open_the_network_to_guesses_at_other_accounts(throttle: Throttle) -> None:
    for number in range(29):
        fail(throttle, f"user {number}", CAFE, ["spring 2026"])

    succeed(throttle, "mallory", CAFE)
    fail(throttle, BEN, CAFE, ["spring 2026"])

    assert wait_of(throttle, ANNA, CAFE) == 900


def test_a_hundred_failures_from_everywhere_only_slow_the_account_down(throttle: Throttle, clock: Clock) -> None:
    for number in range(99):
        fail(throttle, ANNA, f"203.0.113.{number}", ["guess"])
    assert wait_of(throttle, ANNA, CAFE) == 0

    waits = []
    for number in range(99, 130):
        fail(throttle, ANNA, f"203.0.113.{number}", ["guess"])
        waits.append(wait_of(throttle, ANNA, CAFE))
        clock.now_s += waits[-1]

    assert waits[:4] == [2, 4, 6, 8]
    assert max(waits) == 30


def test_strangers_elsewhere_do_not_slow_down_where_the_owner_signs_in(throttle: Throttle) -> None:
    succeed(throttle, ANNA, HOME)

    for number in range(100):
        fail(throttle, ANNA, f"203.0.113.{number}", ["guess"])

    assert wait_of(throttle, ANNA, CAFE) == 2
    assert wait_of(throttle, ANNA, HOME) == 0


def test_a_hundred_repeats_of_one_wrong_secret_count_once(throttle: Throttle, clock: Clock) -> None:
    for _ in range(100):
        fail(throttle, ANNA, HOME, ["the old password"])
        clock.now_s += 0.5

    fail(throttle, ANNA, HOME, range(3))
    assert wait_of(throttle, ANNA, HOME) == 0
    fail(throttle, ANNA, HOME, ["one more"])
    assert wait_of(throttle, ANNA, HOME) == 300


def test_a_repeat_does_not_put_off_the_minute_after_which_it_counts_anew(throttle: Throttle, clock: Clock) -> None:
    for _ in range(9):
        assert wait_of(throttle, ANNA, HOME) == 0
        fail(throttle, ANNA, HOME, ["the old password"])
        clock.now_s += 30

    assert wait_of(throttle, ANNA, HOME) == 270


def test_a_wrong_secret_counts_anew_after_a_minute(throttle: Throttle, clock: Clock) -> None:
    for _ in range(5):
        fail(throttle, ANNA, HOME, ["the old password"])
        clock.now_s += 60

    assert wait_of(throttle, ANNA, HOME) > 0


def test_the_same_secret_at_another_account_or_network_or_verifier_is_no_repeat(throttle: Throttle) -> None:
    fail(throttle, ANNA, HOME, ["guess"])

    for account, network, verifier in ((BEN, HOME, VERIFIER), (ANNA, CAFE, VERIFIER), (ANNA, HOME, "a new hash")):
        with throttle.attempt(account, network) as attempt:
            assert not attempt.repeats("guess", verifier)


def test_tries_under_way_cannot_carry_the_count_past_the_limit(throttle: Throttle) -> None:
    fail(throttle, ANNA, HOME, range(4))

    with throttle.attempt(ANNA, HOME):
        assert wait_of(throttle, ANNA, HOME) == 1
        assert wait_of(throttle, BEN, HOME) == 0

    assert wait_of(throttle, ANNA, HOME) == 0


def test_a_try_cut_short_counts_neither_way(throttle: Throttle) -> None:
    for _ in range(10):
        with pytest.raises(ConnectionResetError), throttle.attempt(ANNA, HOME):
            raise ConnectionResetError

    assert wait_of(throttle, ANNA, HOME) == 0


def test_memory_stays_bounded_and_the_newest_failures_stay_known(throttle: Throttle) -> None:
    for number in range(MOST_ENTRIES + 500):
        fail(throttle, f"user {number}", f"network {number}", ["guess"])
    fail(throttle, ANNA, HOME, range(5))

    assert all(len(buckets) <= MOST_ENTRIES for buckets in throttle._buckets.values())  # noqa: SLF001 - no other way to see it
    assert len(throttle._seen) <= MOST_ENTRIES  # noqa: SLF001 - likewise
    assert wait_of(throttle, ANNA, HOME) == 300


def test_no_secret_is_kept(throttle: Throttle) -> None:
    fail(throttle, ANNA, HOME, ["hunter2-hunter2"])

    assert b"hunter2" not in b"".join(throttle._seen)  # noqa: SLF001 - the point is what it holds
