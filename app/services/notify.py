"""Wakes those who wait for news: long polls and event streams, each for the spaces that it asked about.

A waiter costs memory and nothing else; a commit wakes only the waiters of the spaces that it changed.
"""

import asyncio
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from enum import Enum

from app.auth.endings import Ended
from app.auth.identity import Actor
from app.errors import RateLimitedError

WAITERS_PER_USER = 32
RETRY_S = 5


class News(Enum):
    """Why a wait ended."""

    CHANGE = "something may be new"
    SILENCE = "nothing happened in the time given"
    REVOKED = "the credential that waits has ended"
    OVER = "the server stops, or the peer has left"


class Waiter:
    """One long poll or event stream."""

    __slots__ = ("_future", "_news", "actor", "is_gone", "space_ids")

    def __init__(self, actor: Actor, space_ids: frozenset[int], is_gone: Callable[[], bool]) -> None:
        """Begin with nothing heard.

        Args:
            actor: who waits.
            space_ids: what they wait for.
            is_gone: tells whether the peer has left; nobody else notices while nothing is sent.
        """
        self.actor = actor
        self.space_ids = space_ids
        self.is_gone = is_gone
        self._news = News.SILENCE
        self._future: asyncio.Future[None] | None = None

    def hear(self, news: News) -> None:
        """Note why to wake; an end is never taken back."""
        if self._news in (News.SILENCE, News.CHANGE):
            self._news = news
        if self._future is not None and not self._future.done():
            self._future.set_result(None)

    async def wait(self, timeout_s: float) -> News:
        """Return what was heard since the last call, or what comes within the time."""
        if self._news is News.SILENCE:
            self._future = asyncio.get_running_loop().create_future()
            with suppress(TimeoutError):
                async with asyncio.timeout(timeout_s):
                    await self._future
            self._future = None
        news = self._news
        if news is News.CHANGE:
            self._news = News.SILENCE
        return news


class Notifier:
    """Knows who waits for which space."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        """Take the event loop in which everybody waits."""
        self._loop = loop
        self._by_space: dict[int, set[Waiter]] = {}
        self._by_user: dict[int, set[Waiter]] = {}
        self._is_closed = False
        self._listeners: list[Callable[[frozenset[int]], None]] = []

    def listen(self, listener: Callable[[frozenset[int]], None]) -> None:
        """Call `listener` in the event loop with the spaces of each change from now on; it must not raise."""
        self._listeners.append(listener)

    @property
    def waiting_now(self) -> int:
        """How many wait."""
        return sum(map(len, self._by_user.values()))

    def changed(self, space_ids: frozenset[int]) -> None:
        """Wake all who wait for one of these spaces. For any thread, after the commit."""
        with suppress(RuntimeError):  # the loop has ended, and with it all who waited
            self._loop.call_soon_threadsafe(self._wake, space_ids)

    @contextmanager
    def waiting(self, actor: Actor, space_ids: Iterable[int], is_gone: Callable[[], bool]) -> Iterator[Waiter]:
        """Give a waiter that hears of everything from now on; see `Waiter`.

        Raises:
            RateLimitedError: too many connections of this user wait already.
        """
        waiter = Waiter(actor, frozenset(space_ids), is_gone)
        own = self._by_user.setdefault(actor.user_id, set())
        if len(own) >= WAITERS_PER_USER:
            _end_the_gone(own)
            raise RateLimitedError("Too many connections of yours wait for news: wait for some to end.", RETRY_S)
        for space_id in waiter.space_ids:
            self._by_space.setdefault(space_id, set()).add(waiter)
        own.add(waiter)
        if self._is_closed:
            waiter.hear(News.OVER)
        try:
            yield waiter
        finally:
            self._remove(waiter)

    def follow(self, waiter: Waiter, space_ids: frozenset[int]) -> bool:
        """Let a waiter hear of other spaces from now on; tell whether they are others than before.

        Of what changed in the new ones until now it was not told.
        """
        if space_ids == waiter.space_ids:
            return False
        for space_id in waiter.space_ids - space_ids:
            _discard(self._by_space, space_id, waiter)
        for space_id in space_ids - waiter.space_ids:
            self._by_space.setdefault(space_id, set()).add(waiter)
        waiter.space_ids = space_ids
        return True

    def ended(self, ended: Ended) -> None:
        """Wake all that waits with a credential that has ended."""
        for waiter in self._by_user.get(ended.user_id, ()):
            if ended.actor_id in (None, waiter.actor.id):
                waiter.hear(News.REVOKED)

    def wake_all(self) -> None:
        """Let everybody look again, for something may have changed that was not told."""
        for waiters in self._by_user.values():
            for waiter in waiters:
                waiter.hear(News.CHANGE)

    def close(self) -> None:
        """Wake everybody, for the server stops."""
        self._is_closed = True
        for waiters in self._by_user.values():
            for waiter in waiters:
                waiter.hear(News.OVER)

    def _wake(self, space_ids: frozenset[int]) -> None:
        for space_id in space_ids:
            for waiter in self._by_space.get(space_id, ()):
                waiter.hear(News.CHANGE)
        for listener in self._listeners:
            listener(space_ids)

    def _remove(self, waiter: Waiter) -> None:
        for space_id in waiter.space_ids:
            _discard(self._by_space, space_id, waiter)
        _discard(self._by_user, waiter.actor.user_id, waiter)


def _end_the_gone(waiters: Iterable[Waiter]) -> None:
    """Wake those whose peers have left; their places are free at once after."""
    for waiter in waiters:
        if waiter.is_gone():
            waiter.hear(News.OVER)


def _discard(table: dict[int, set[Waiter]], key: int, waiter: Waiter) -> None:
    waiters = table[key]
    waiters.discard(waiter)
    if not waiters:
        del table[key]
