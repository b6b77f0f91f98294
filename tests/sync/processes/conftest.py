"""What the tests with real processes share."""

import os
import random
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.server import NO_RESERVE, RunningServer


@pytest.fixture
def seed(request: pytest.FixtureRequest) -> int:
    """What a run follows from: SYNC_SEED repeats one, as far as real processes can repeat. A soak draws a new one."""
    is_soak = request.node.get_closest_marker("soak") is not None
    drawn = random.randrange(1_000_000) if is_soak else 1  # noqa: S311 -- no secret
    chosen = int(os.environ.get("SYNC_SEED") or drawn)
    sys.stdout.write(f"SYNC_SEED={chosen}\n")
    return chosen


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RunningServer]:
    """A server that runs on an empty folder."""
    running = RunningServer(tmp_path / "data", NO_RESERVE).start()
    yield running
    running.close()
