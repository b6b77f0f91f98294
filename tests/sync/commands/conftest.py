"""What the tests of the commands about a synced folder share."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from client.sync.device.roots import Root, Roots
from client.sync.settings import Settings
from tests.device import Device
from tests.server import RunningServer


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Where the device keeps its state; nothing is there yet."""
    return tmp_path / "home"


@pytest.fixture
def roots(home: Path, tmp_path: Path) -> Roots:
    """The registry of a device whose user's home is elsewhere."""
    return Roots(home, tmp_path / "person")


@pytest.fixture
def add_root(roots: Roots, tmp_path: Path) -> Callable[..., Root]:
    """Make a folder of a name and make it a root, without a server."""

    def add(name: str = "folder", server: str = "http://127.0.0.1:1", remote: str = "/") -> Root:
        folder = tmp_path / name
        folder.mkdir(parents=True, exist_ok=True)
        return roots.add(folder, settings_for(server=server, remote=remote))

    return add


@pytest.fixture
def device(home: Path) -> Device:
    """A device that is not logged in."""
    return Device(home)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A server that the tests of a module share: each works in folders of its own."""
    running = RunningServer(tmp_path_factory.mktemp("server") / "data").start()
    yield running
    running.close()


def settings_for(*, server: str = "http://127.0.0.1:1", remote: str = "/", username: str = "ada") -> Settings:
    """Return settings; `root` is set by Roots.add."""
    return Settings(
        root="", remote=remote, server=server, username=username, device_id="d1", device_name="laptop", remote_id="r1"
    )
