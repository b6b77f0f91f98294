import pytest

from app.auth import tokens
from app.auth.endings import Ended
from app.auth.identity import Actor, ActorKind
from app.auth.recent import LIFETIME_S, MOST_ENTRIES, RecentActors
from app.auth.tokens import Presented


class Clock:
    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def recent(clock: Clock) -> RecentActors:
    return RecentActors(clock)


def actor(number: int, user_id: int = 1) -> Actor:
    return Actor(number, user_id, "ada", 1, ActorKind.DEVICE, is_admin=False, proved_ms=0)


def presented(number: int, secret: str = "") -> Presented:
    return Presented(f"device{number}", tokens.digest_of(secret))


def test_an_entry_is_known_for_a_minute(recent: RecentActors, clock: Clock) -> None:
    recent.keep(presented(1), actor(1), endings=recent.endings)

    clock.now_s = LIFETIME_S - 1
    assert recent.find(presented(1)) == actor(1)
    clock.now_s = LIFETIME_S
    assert recent.find(presented(1)) is None


def test_another_secret_of_the_same_device_is_unknown(recent: RecentActors) -> None:
    recent.keep(presented(1), actor(1), endings=recent.endings)

    assert recent.find(presented(1, "other")) is None
    assert recent.find(presented(1)) == actor(1)


def test_the_end_of_a_device_is_not_that_of_its_neighbour(recent: RecentActors) -> None:
    for number in (1, 2):
        recent.keep(presented(number), actor(number), endings=recent.endings)

    recent.forget(Ended(user_id=1, actor_id=1))

    assert recent.find(presented(1)) is None
    assert recent.find(presented(2)) == actor(2)


def test_the_end_of_a_user_ends_all_that_is_theirs(recent: RecentActors) -> None:
    recent.keep(presented(1), actor(1), endings=recent.endings)
    recent.keep(presented(2), actor(2), endings=recent.endings)
    recent.keep(presented(3), actor(3, user_id=2), endings=recent.endings)

    recent.forget(Ended(user_id=1))

    assert [recent.find(presented(number)) for number in (1, 2, 3)] == [None, None, actor(3, user_id=2)]


def test_what_was_looked_up_before_an_ending_is_not_kept_after_it(recent: RecentActors) -> None:
    endings = recent.endings
    recent.forget(Ended(user_id=1, actor_id=1))

    recent.keep(presented(1), actor(1), endings=endings)

    assert recent.find(presented(1)) is None


def test_memory_is_bounded_and_the_oldest_goes_first(recent: RecentActors) -> None:
    for number in range(MOST_ENTRIES + 1):
        recent.keep(presented(number), actor(number), endings=recent.endings)

    assert recent.find(presented(0)) is None
    assert recent.find(presented(1)) == actor(1)
    assert recent.find(presented(MOST_ENTRIES)) == actor(MOST_ENTRIES)
