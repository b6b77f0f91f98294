"""Memory for bodies is handed out in the order of asking, and never more than there is."""

import asyncio

import pytest

from app.services.budget import ByteBudget


class Holder:
    """Somebody who holds bytes until told to let go."""

    def __init__(self, budget: ByteBudget, size: int) -> None:
        self.holds, self._let_go = asyncio.Event(), asyncio.Event()
        self.task = asyncio.ensure_future(self._hold(budget, size))

    async def _hold(self, budget: ByteBudget, size: int) -> None:
        async with budget.hold(size):
            self.holds.set()
            await self._let_go.wait()

    async def let_go(self) -> None:
        self._let_go.set()
        await self.task


async def settle() -> None:
    """Let every task run as far as it can."""
    for _ in range(10):
        await asyncio.sleep(0)


async def test_no_more_is_handed_out_than_there_is() -> None:
    budget = ByteBudget(10)
    first, second, third = Holder(budget, 6), Holder(budget, 4), Holder(budget, 1)
    await settle()
    before = third.holds.is_set()

    await second.let_go()
    await settle()

    assert first.holds.is_set()
    assert not before
    assert third.holds.is_set()
    await first.let_go()
    await third.let_go()


async def test_a_small_wish_does_not_overtake_a_large_one() -> None:
    budget = ByteBudget(10)
    first, large, small = Holder(budget, 6), Holder(budget, 8), Holder(budget, 1)
    await settle()
    before = (large.holds.is_set(), small.holds.is_set())

    await first.let_go()
    await settle()

    assert before == (False, False)
    assert (large.holds.is_set(), small.holds.is_set()) == (True, True)
    await large.let_go()
    await small.let_go()


async def test_more_than_there_is_counts_as_all_of_it() -> None:
    budget = ByteBudget(10)
    huge = Holder(budget, 1000)
    await settle()
    small = Holder(budget, 1)
    await settle()

    assert (huge.holds.is_set(), small.holds.is_set()) == (True, False)
    await huge.let_go()
    await small.let_go()


@pytest.mark.parametrize("when", ["waiting", "just given"])
async def test_one_who_leaves_gives_back_what_it_held_or_waited_for(when: str) -> None:
    budget = ByteBudget(10)
    first, leaving, last = Holder(budget, 10), Holder(budget, 8), Holder(budget, 9)
    await settle()

    if when == "waiting":
        leaving.task.cancel()
        await settle()
        await first.let_go()
    else:
        first._let_go.set()  # noqa: SLF001 - the turn is given in the same step in which its owner leaves
        await asyncio.sleep(0)
        leaving.task.cancel()
    await settle()

    assert leaving.task.cancelled()
    assert last.holds.is_set()
    await last.let_go()
    whole = Holder(budget, 10)
    await settle()
    assert whole.holds.is_set()
    await whole.let_go()
