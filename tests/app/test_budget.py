"""Memory for bodies is shared fairly: an owner may hold as much as is left for the others."""

import asyncio
import random
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

from app.errors import RateLimitedError, UnavailableError
from app.services.budget import FREE, ByteBudget, Lease

KIB = 1024
SIZE = 32 * 1024 * KIB
PATIENCE_S = 0.25  # a machine may forget about a process for some tenths of it
LEASES = 64


@pytest.fixture
def budget() -> ByteBudget:
    """As much as a server has, and little patience."""
    return ByteBudget(SIZE, patience_s=PATIENCE_S, leases=LEASES)


@contextmanager
def leases(budget: ByteBudget, owner: str, count: int) -> Iterator[list[Lease]]:
    """Begin some leases of one owner."""
    with ExitStack() as stack:
        yield [stack.enter_context(budget.lease(owner)) for _ in range(count)]


async def settle() -> None:
    """Let every task run as far as it can."""
    for _ in range(10):
        await asyncio.sleep(0)


async def fill(lease: Lease, step: int = 512 * KIB) -> int:
    """Take until there is no more, and return how much that was."""
    size = 0
    while True:
        try:
            await lease.take(step)
        except UnavailableError:
            return size
        size += step


async def test_what_is_announced_and_not_sent_keeps_nobody_waiting(budget: ByteBudget) -> None:
    with leases(budget, "idle", LEASES), budget.lease("busy") as body:
        async with asyncio.timeout(PATIENCE_S / 2):
            await body.take(8 * 1024 * KIB)


async def test_an_owner_alone_gets_half_and_the_next_finds_as_much_as_is_left_to_others(budget: ByteBudget) -> None:
    with leases(budget, "first", 2) as (_, one), leases(budget, "second", 2) as (_, two):
        assert await fill(one) == SIZE // 2
        assert await fill(two) == SIZE // 4


async def test_four_bodies_of_one_user_that_stall_do_not_delay_another(budget: ByteBudget) -> None:
    chunk = 8 * 1024 * KIB
    with leases(budget, "stalled", 4) as stalled:
        waits = [asyncio.ensure_future(lease.take(chunk - 1)) for lease in stalled]
        await settle()

        with budget.lease("other") as body:
            async with asyncio.timeout(PATIENCE_S / 2):
                await body.take(chunk)
        for wait in waits:
            wait.cancel()
        await asyncio.gather(*waits, return_exceptions=True)


async def test_bodies_that_all_wait_for_each_other_end_one_by_one(budget: ByteBudget) -> None:
    done = []

    async def receive(number: int) -> None:
        with budget.lease("user") as lease:
            for _ in range(16):
                await lease.take(512 * KIB)
                await asyncio.sleep(0)
            done.append(number)

    await asyncio.gather(*(receive(number) for number in range(12)))

    assert sorted(done) == list(range(12))


async def test_at_most_one_lease_goes_beyond_the_budget(budget: ByteBudget) -> None:
    taken = 0
    with ExitStack() as stack:
        for number in range(12):
            lease = stack.enter_context(budget.lease(number))
            while True:
                step = asyncio.ensure_future(lease.take(256 * KIB))
                await settle()
                if not step.done() or taken > 3 * SIZE:
                    step.cancel()
                    break
                taken += 256 * KIB
                if lease.charged >= 8 * 1024 * KIB:
                    break

    assert taken <= SIZE + 8 * 1024 * KIB + 12 * FREE


async def test_the_first_bytes_of_a_body_never_wait(budget: ByteBudget) -> None:
    with budget.lease("greedy") as greedy, leases(budget, "greedy", 3) as (more, _, small):
        await greedy.take(SIZE // 2)
        await fill(more)

        async with asyncio.timeout(PATIENCE_S / 2):
            await small.take(FREE)


async def test_who_waits_too_long_is_told_so_and_leaves_no_trace(budget: ByteBudget) -> None:
    with leases(budget, "user", 2) as (oldest, second):
        await oldest.take(SIZE // 2 + FREE)

        with pytest.raises(UnavailableError):
            await second.take(SIZE // 2)

        oldest.keep(0)
        await second.take(SIZE // 2)


async def test_an_owner_has_so_many_leases_and_no_more(budget: ByteBudget) -> None:
    with leases(budget, "user", LEASES):
        with pytest.raises(RateLimitedError), budget.lease("user"):
            pass
        with budget.lease("other"):
            pass
    with budget.lease("user"):
        pass


@pytest.mark.parametrize("when", ["waiting", "just given"])
async def test_one_who_leaves_gives_back_what_it_held_or_waited_for(budget: ByteBudget, when: str) -> None:
    half = SIZE // 2
    with leases(budget, "user", 3) as (oldest, first, leaving):
        await oldest.take(1)
        await first.take(half + FREE)
        wait = asyncio.ensure_future(leaving.take(half))
        await settle()
        if when == "waiting":
            wait.cancel()
            first.keep(0)
        else:
            first.keep(0)  # its turn is given in the same step in which it leaves
            wait.cancel()
        await settle()
        leaving.keep(0)

        assert wait.cancelled()
        async with asyncio.timeout(PATIENCE_S / 2):
            await first.take(half)


@pytest.mark.parametrize("seed", range(3))
async def test_after_any_history_all_is_there_again(budget: ByteBudget, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - a test's choices
    held = Counter[str]()

    async def transfer(owner: str) -> None:
        with budget.lease(owner) as lease:
            for _ in range(chance.randrange(1, 20)):
                size = chance.randrange(1024 * KIB)
                try:
                    await lease.take(size)
                except UnavailableError:
                    return
                held[owner] += 1
                await asyncio.sleep(0)
                if chance.random() < 0.3:
                    lease.keep(chance.randrange(1024 * KIB))

    tasks = [asyncio.ensure_future(transfer(f"owner {number % 5}")) for number in range(150)]
    await settle()
    for task in chance.sample(tasks, 20):
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)

    assert held
    with leases(budget, "last", 2) as (_, lease):
        assert await fill(lease) == SIZE // 2
