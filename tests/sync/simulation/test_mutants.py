"""Proof that the simulation bites: each wrong engine breaks a promise within 200 runs (sync-engine.md, 16 F)."""

import pytest

from tests.sim.mutants import MUTANTS, mutated
from tests.sim.run import simulate

FIRST, RUNS = 1000, 200
QUICK = ("drop the exchange check", "look up the base late", "skip the base")


def catching_seed(mutant: str, runs: int) -> int | None:
    """Return the first of the runs that breaks a promise or does not come to rest, None if there is none."""
    with mutated(mutant):
        for seed in range(FIRST, FIRST + runs):
            if simulate(seed, 60, 3).failure is not None:
                return seed
    return None


@pytest.mark.parametrize("mutant", QUICK)
def test_a_wrong_engine_is_soon_caught(mutant: str) -> None:
    seed = catching_seed(mutant, 30)

    assert seed is not None
    assert simulate(seed, 60, 3).failure is None


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("mutant", sorted(MUTANTS))
def test_every_wrong_engine_is_caught(mutant: str) -> None:
    assert catching_seed(mutant, RUNS) is not None
