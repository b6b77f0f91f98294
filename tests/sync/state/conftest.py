"""A state in a real file."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from client.sync.trees.state import State


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    """An empty state."""
    opened = State.open(str(tmp_path / "state.db"))
    yield opened
    opened.close()
