"""Who is woken by what."""

import asyncio
from contextlib import ExitStack

import pytest

from app.auth.endings import Ended
from app.auth.identity import Actor, ActorKind
from app.errors import RateLimitedError
from app.services.notify import WAITERS_PER_USER, News, Notifier


def device(actor_id: int, user_id: int = 1) -> Actor:
    return Actor(actor_id, user_id, "ada", 1, ActorKind.DEVICE, is_admin=False, proved_ms=0)


def stays() -> bool:
    return False


@pytest.fixture
async def notifier() -> Notifier:
    return Notifier(asyncio.get_running_loop())


async def test_a_change_wakes_only_who_waits_for_its_space(notifier: Notifier) -> None:
    with notifier.waiting(device(1), (7, 8), stays) as one, notifier.waiting(device(2), (9,), stays) as other:
        notifier.changed(frozenset({8}))

        assert await one.wait(60) is News.CHANGE
        assert await other.wait(0) is News.SILENCE


async def test_a_change_before_the_wait_is_not_lost_and_told_once(notifier: Notifier) -> None:
    with notifier.waiting(device(1), (7,), stays) as waiter:
        notifier.changed(frozenset({7}))
        notifier.changed(frozenset({7}))
        await asyncio.sleep(0)

        assert await waiter.wait(60) is News.CHANGE
        assert await waiter.wait(0) is News.SILENCE


async def test_a_change_told_from_another_thread_wakes(notifier: Notifier) -> None:
    with notifier.waiting(device(1), (7,), stays) as waiter:
        await asyncio.to_thread(notifier.changed, frozenset({7}))

        assert await waiter.wait(60) is News.CHANGE


@pytest.mark.parametrize(
    ("ended", "expected"),
    [
        (Ended(1, 1), [News.REVOKED, News.SILENCE, News.SILENCE]),
        (Ended(1), [News.REVOKED, News.REVOKED, News.SILENCE]),
        (Ended(3), [News.SILENCE, News.SILENCE, News.SILENCE]),
    ],
)
async def test_an_ending_wakes_the_device_or_all_of_the_user(
    notifier: Notifier, ended: Ended, expected: list[News]
) -> None:
    with (
        notifier.waiting(device(1), (7,), stays) as first,
        notifier.waiting(device(2), (7,), stays) as second,
        notifier.waiting(device(3, user_id=2), (7,), stays) as other,
    ):
        notifier.ended(ended)

        assert [await waiter.wait(0) for waiter in (first, second, other)] == expected


async def test_an_ending_is_not_outdone_by_a_change(notifier: Notifier) -> None:
    with notifier.waiting(device(1), (7,), stays) as waiter:
        notifier.ended(Ended(1, 1))
        notifier.changed(frozenset({7}))
        await asyncio.sleep(0)

        assert await waiter.wait(60) is News.REVOKED


async def test_a_closed_notifier_lets_nobody_wait(notifier: Notifier) -> None:
    with notifier.waiting(device(1), (7,), stays) as early:
        notifier.close()

        with notifier.waiting(device(1), (7,), stays) as late:
            assert await early.wait(60) is News.OVER
            assert await late.wait(60) is News.OVER


async def test_nothing_is_kept_of_who_has_left(notifier: Notifier) -> None:
    with notifier.waiting(device(1), (7,), stays):
        assert notifier.waiting_now == 1

    assert notifier.waiting_now == 0
    notifier.changed(frozenset({7}))
    await asyncio.sleep(0)


async def test_a_user_has_only_so_many_waits_and_the_gone_make_room(notifier: Notifier) -> None:
    peers = [lambda: False] * (WAITERS_PER_USER - 1) + [lambda: True]
    with ExitStack() as held:
        waiters = [held.enter_context(notifier.waiting(device(9), (7,), is_gone)) for is_gone in peers]

        with pytest.raises(RateLimitedError):
            held.enter_context(notifier.waiting(device(99), (7,), stays))
        held.enter_context(notifier.waiting(device(99, user_id=2), (7,), stays))

        heard = [await waiter.wait(0) for waiter in waiters]
    assert heard == [News.SILENCE] * (WAITERS_PER_USER - 1) + [News.OVER]


async def test_a_waiter_hears_of_the_spaces_that_it_follows_now(notifier: Notifier) -> None:
    with notifier.waiting(device(1), (7, 8), stays) as waiter:
        assert notifier.follow(waiter, frozenset({8, 9})) is True
        assert notifier.follow(waiter, frozenset({8, 9})) is False

        notifier.changed(frozenset({7}))
        await asyncio.sleep(0)
        assert await waiter.wait(0) is News.SILENCE
        notifier.changed(frozenset({9}))
        assert await waiter.wait(60) is News.CHANGE
