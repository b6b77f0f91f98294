"""One server for all of these tests; a root of its own for each."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from client.remote import Remote
from client.sync.device.threads import ThreadExecutor
from tests.server import ADMIN, NO_RESERVE, PASSWORD, RunningServer
from tests.sync.apply.world import CountingRemote, World


@pytest.fixture(scope="session")
def login(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """The address of a server and the token of a device there."""
    server = RunningServer(tmp_path_factory.mktemp("server") / "data", NO_RESERVE).start()
    anybody = Remote(server.url)
    token = anybody.login(ADMIN, PASSWORD, "laptop").token
    anybody.close()
    yield server.url, token
    server.close()


@pytest.fixture(scope="session")
def executor() -> Iterator[ThreadExecutor]:
    workers = ThreadExecutor()
    yield workers
    workers.stop()


@pytest.fixture
def make_world(tmp_path: Path, login: tuple[str, str], executor: ThreadExecutor) -> Iterator[Callable[..., World]]:
    """Make a root; keywords change what its disk can do."""
    remotes: list[Remote] = []

    def make(**traits: bool) -> World:
        remote = CountingRemote(*login)
        remotes.append(remote)
        return World(tmp_path / f"root{len(remotes)}", remote, login[1], executor, traits)

    yield make
    for remote in remotes:
        remote.close()


@pytest.fixture
def world(make_world: Callable[..., World]) -> World:
    return make_world()
