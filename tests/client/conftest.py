"""What the tests against a real server share."""

import os
import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.device import Device
from tests.server import RunningServer

Tree = dict[str, bytes]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RunningServer]:
    """A server that has just started on an empty data folder."""
    running = RunningServer(tmp_path / "data").start()
    yield running
    running.close()


@pytest.fixture
def device(tmp_path: Path, server: RunningServer) -> Device:
    """A device that is logged in at the server."""
    return Device(tmp_path / "home").login(server)


@pytest.fixture
def make_tree(tmp_path: Path) -> Callable[[str, Tree], Path]:
    """Write files below a folder of a name; a path that ends with a slash is an empty folder."""

    def make(name: str, files: Tree) -> Path:
        root = tmp_path / name
        root.mkdir(exist_ok=True)
        for path, content in files.items():
            target = root / path
            target.parent.mkdir(parents=True, exist_ok=True)
            if path.endswith("/"):
                target.mkdir(exist_ok=True)
            else:
                target.write_bytes(content)
                os.utime(target, (1_700_000_000, 1_700_000_000.125))
        return root

    return make


def noise(size: int, seed: int = 1) -> bytes:
    """Return bytes that do not compress, the same ones for the same seed."""
    return random.Random(seed).randbytes(size)  # noqa: S311 -- the same bytes in each run


def content_below(root: Path) -> dict[str, tuple[bytes, int, bool] | None]:
    """Return content, mtime in ms and executable bit of each file below, and None for each folder."""
    found: dict[str, tuple[bytes, int, bool] | None] = {}
    for path in root.rglob("*"):
        if path.is_symlink():
            continue
        status = path.stat()
        name = path.relative_to(root).as_posix()
        if path.is_dir():
            found[name] = None
        else:
            found[name] = (path.read_bytes(), status.st_mtime_ns // 1_000_000, bool(status.st_mode & 0o100))
    return found
