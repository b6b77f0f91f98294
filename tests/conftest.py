"""How all tests are run: hypothesis, the store below servers, and in which order processes take up files of tests."""

from collections.abc import Iterator, Sequence

import hypothesis
import pytest

from tests.below import below_all_servers
from tests.storage.servers import KINDS, running

# The same examples in each run, kept nowhere, and judged by what they show, not by how busy the machine is.
hypothesis.settings.register_profile(
    "cairn",
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("cairn")

LONG = (
    "tests/permissions/test_walk.py",
    "tests/openapi/test_schemathesis.py",
    "tests/collect/test_kill.py",
    "tests/crash/test_kill.py",
    "tests/sync/processes/test_processes.py",
    "tests/crash/test_power_cut.py",
    "tests/collect/test_power_cut.py",
    "tests/sync/bad_days/",
    "tests/image/test_running.py",
)
"""Begun first: a process that takes up a long one last leaves the others idle."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let all servers of a run keep their chunks on an object server."""
    parser.addoption("--store", choices=["local", *KINDS], default="local", help="below all servers; local")


@pytest.fixture(scope="session", autouse=True)
def store_below(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Run the object server that was asked for, and let every server of this process use it."""
    kind = request.config.getoption("--store")
    if kind == "local":
        yield
    else:
        with running(kind, tmp_path_factory.mktemp("below")) as server, below_all_servers(server):
            yield


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Put the long files first, where several processes share the tests; leave out what looks into local files."""
    if config.getoption("--store") != "local":
        for item in items:
            if item.get_closest_marker("local_files"):
                item.add_marker(pytest.mark.skip("looks into the files of the local store"))
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: _place(item.nodeid, LONG))


def _place(nodeid: str, first: Sequence[str]) -> int:
    return next((place for place, prefix in enumerate(first) if nodeid.startswith(prefix)), len(first))
