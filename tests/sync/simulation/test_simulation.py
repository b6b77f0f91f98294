"""Real engines, the real server, users and a world from one seed: what must be true is, and one seed is one history."""

import pytest

from tests.sim.run import Trace, simulate
from tests.sim.weather import Weather

PAUSES_S = (0.02, 0.5, 5.0, 60.0)


def hold(trace: Trace) -> None:
    """Fail with the story of a run that broke a promise."""
    if trace.failure is not None:
        pytest.fail(str(trace))


@pytest.mark.parametrize("seed", range(12))
def test_one_device_alone_keeps_its_promises(seed: int) -> None:
    hold(simulate(seed, 40, 1, Weather(user_pause_s=PAUSES_S[seed % 4])))


@pytest.mark.parametrize("seed", range(12))
def test_three_devices_whose_users_collide_agree_in_the_end(seed: int) -> None:
    hold(simulate(seed, 40, 3, Weather(user_pause_s=PAUSES_S[seed % 4])))


@pytest.mark.parametrize("seed", [1, 2, 5])
def test_a_seed_gives_one_history(seed: int) -> None:
    assert simulate(seed, 30, 2).lines == simulate(seed, 30, 2).lines


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(1000))
def test_whatever_the_weather_promises_are_kept(seed: int) -> None:
    hold(simulate(seed, 100, 3))
