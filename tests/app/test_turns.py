"""One owner's turns: so many at a time, in order, given back however the work ends."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from aiohttp.test_utils import make_mocked_request

from app.api.http import in_turns
from app.keys import TURN
from app.services.budget import FREE, ByteBudget
from app.services.turns import Turns


async def settle() -> None:
    """Let every task run as far as it can."""
    for _ in range(10):
        await asyncio.sleep(0)


async def test_the_next_turn_goes_to_who_waited_longest_and_others_need_not_wait() -> None:
    turns, came = Turns(2), list[int]()
    held = [turns.of("ada") for _ in range(2)]
    for turn in held:
        await turn.take()

    async def come(number: int) -> None:
        async with turns.take("ada"):
            came.append(number)

    async with asyncio.TaskGroup() as group:
        for number in range(5):
            group.create_task(come(number))
        await settle()
        await turns.of("bob").take()
        assert came == []
        held[1].give_back()

    assert came == [0, 1, 2, 3, 4]


async def test_who_is_cut_off_while_waiting_takes_no_place_and_leaves_nothing_behind() -> None:
    turns = Turns()
    holder = turns.of("ada")
    await holder.take()
    waiting = asyncio.ensure_future(turns.of("ada").take())
    await settle()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting

    holder.give_back()
    holder.give_back()

    assert turns.is_idle


async def test_a_turn_that_was_let_go_of_comes_again() -> None:
    turns = Turns()
    first, second = turns.of("ada"), turns.of("ada")
    await first.take()

    first.let_go()
    await second.take()
    again = asyncio.ensure_future(first.go_on())
    await settle()
    assert not again.done()
    second.give_back()
    await again

    first.give_back()
    assert turns.is_idle


async def test_what_waits_for_memory_has_no_turn_and_gets_it_back_with_the_memory() -> None:
    turns, budget, size = Turns(), ByteBudget(4 * FREE, patience_s=60), 3 * FREE
    turn = turns.of("ada")
    await turn.take()
    with budget.lease("ada") as reader, budget.lease("ada", turn) as lease:
        await reader.take(size)
        taking = asyncio.ensure_future(lease.take(size))
        await settle()
        async with turns.take("ada"):
            reader.keep(0)
            await settle()
            assert not taking.done()  # the memory is there, and the turn is another's
        await taking

    turn.give_back()
    assert turns.is_idle


async def test_who_is_cut_off_while_the_turn_comes_again_gives_the_memory_back() -> None:
    turns, budget, size = Turns(), ByteBudget(4 * FREE, patience_s=60), 3 * FREE
    turn, other = turns.of("ada"), turns.of("ada")
    await turn.take()
    with budget.lease("ada") as reader:
        with budget.lease("ada", turn) as lease:
            await reader.take(size)
            taking = asyncio.ensure_future(lease.take(size))
            await settle()
            await other.take()
            reader.keep(0)
            await settle()
            taking.cancel()
            with pytest.raises(asyncio.CancelledError):
                await taking
        other.give_back()
        turn.give_back()

        await asyncio.wait_for(reader.take(size), 1)

    assert turns.is_idle


async def test_a_page_is_made_in_a_turn_and_taken_in_none() -> None:
    turns = Turns()
    request = make_mocked_request("PROPFIND", "/dav/")
    request[TURN] = turns.of("ada")

    async def pages() -> AsyncIterator[str]:
        for page in ("first", "last"):
            assert not turns.is_idle
            yield page

    async for _ in in_turns(request, pages()):
        assert turns.is_idle
