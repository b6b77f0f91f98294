"""Where simulated disks keep their databases."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

IN_MEMORY = Path("/dev/shm")  # noqa: S108 - a folder of our own is made in it


@pytest.fixture
def folder() -> Iterator[Path]:
    """An empty folder, in memory where there is one: syncs of a database on a simulated disk promise nothing."""
    with tempfile.TemporaryDirectory(dir=IN_MEMORY if IN_MEMORY.is_dir() else None, prefix="cairn-") as name:
        yield Path(name)
