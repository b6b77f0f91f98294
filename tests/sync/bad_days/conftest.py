"""What the stories share: a server, and machines of one person that are logged in there."""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from client.home import Login
from client.remote import Remote
from tests.server import ADMIN, NO_RESERVE, PASSWORD, RunningServer
from tests.sync.bad_days.machine import Machine

ENVIRONMENT = {**NO_RESERVE, "CAIRN_METRICS__OPEN": "true"}
NewMachine = Callable[[str], Machine]


def login_at(server: RunningServer, name: str, user: str = ADMIN, password: str = PASSWORD) -> Login:
    """Make `name` a device of a person."""
    with contextlib.closing(Remote(server.url)) as remote:
        answer = remote.login(user, password, name, install_id=name)
    return Login(server.url, user, answer.device_id, answer.token)


@pytest.fixture(scope="package")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A server that all share: each test works in a folder of its own."""
    running = RunningServer(tmp_path_factory.mktemp("server") / "data", ENVIRONMENT).start()
    yield running
    running.close()


@pytest.fixture(scope="package")
def logins(server: RunningServer) -> Callable[[str], Login]:
    """Log a device of a name in, anew for each test: it has a home of its own, and would pass for a copy."""
    return lambda name: login_at(server, name)


@pytest.fixture
def new(logins: Callable[[str], Login], tmp_path: Path) -> NewMachine:
    """Make a machine of a name; all stand for one folder at the server, which is the test's own."""
    return lambda name: Machine(tmp_path / name, logins(name), f"/{tmp_path.name}")


@pytest.fixture
def laptop(new: NewMachine) -> Machine:
    """The machine that most stories are about."""
    return new("laptop")


@pytest.fixture
def desk(new: NewMachine) -> Machine:
    """The other one."""
    return new("desk")


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[RunningServer]:
    """A server that a test has for itself, to do to it what it likes."""
    running = RunningServer(tmp_path / "server" / "data", ENVIRONMENT)
    running.data.parent.mkdir()
    yield running.start()
    running.close()


@pytest.fixture
def at(own_server: RunningServer, tmp_path: Path) -> NewMachine:
    """Make a machine of a name that is logged in at the test's own server."""
    return lambda name: Machine(tmp_path / name, login_at(own_server, name), "/")
