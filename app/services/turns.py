"""Lets each user do a little of some work at a time, so that what one asks for at once holds up nobody else."""

import asyncio
from collections.abc import AsyncIterator, Hashable
from contextlib import asynccontextmanager
from dataclasses import dataclass


@dataclass(slots=True)
class _Line:
    places: asyncio.Semaphore
    people: int = 0


class Turns:
    """So many turns at a time for each owner; the next goes to who waited longest. How many wait, the caller bounds."""

    def __init__(self, width: int = 1) -> None:
        """Begin with nobody.

        Args:
            width: turns of one owner at a time.
        """
        self._width = width
        self._lines: dict[Hashable, _Line] = {}

    @property
    def is_idle(self) -> bool:
        """Whether nobody has a turn or waits for one."""
        return not self._lines

    def of(self, owner: Hashable) -> "Turn":
        """Return a turn of the owner's, which is not taken yet."""
        return Turn(self, owner)

    @asynccontextmanager
    async def take(self, owner: Hashable) -> AsyncIterator[None]:
        """Wait for the owner's turn, and keep it while entered."""
        turn = self.of(owner)
        await turn.take()
        try:
            yield
        finally:
            turn.give_back()

    async def enter(self, owner: Hashable) -> None:
        """Take a place; `leave` must follow, unless this was cancelled."""
        line = self._lines.setdefault(owner, _Line(asyncio.Semaphore(self._width)))
        line.people += 1
        try:
            await line.places.acquire()
        except BaseException:
            self._forget_one(owner, line)
            raise

    def leave(self, owner: Hashable) -> None:
        """Give a place back."""
        line = self._lines[owner]
        line.places.release()
        self._forget_one(owner, line)

    def _forget_one(self, owner: Hashable, line: _Line) -> None:
        line.people -= 1
        if not line.people:
            del self._lines[owner]


class Turn:
    """One turn: taken once, given back once or more, and between the two let go of while something is waited for."""

    __slots__ = ("_is_let_go", "_is_taken", "_owner", "_turns")

    def __init__(self, turns: Turns, owner: Hashable) -> None:
        """Begin without a place; see `Turns.of`."""
        self._turns = turns
        self._owner = owner
        self._is_taken = self._is_let_go = False

    async def take(self) -> None:
        """Wait for the place."""
        await self._turns.enter(self._owner)
        self._is_taken = True

    def give_back(self) -> None:
        """End the turn; one that is not taken, or over, changes nothing."""
        self._is_let_go = False
        if self._is_taken:
            self._is_taken = False
            self._turns.leave(self._owner)

    def let_go(self) -> None:
        """Leave the place to others until `go_on`: what only waits holds up no work. One not taken stays so."""
        if self._is_taken:
            self.give_back()
            self._is_let_go = True

    async def go_on(self) -> None:
        """Wait for a place again if one was let go of."""
        if self._is_let_go:
            self._is_let_go = False
            await self.take()
