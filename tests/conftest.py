"""How all tests are run: hypothesis, and the order in which processes beside each other take up files of tests."""

from collections.abc import Sequence

import hypothesis
import pytest

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


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Put the long files first, where several processes share the tests."""
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: _place(item.nodeid, LONG))


def _place(nodeid: str, first: Sequence[str]) -> int:
    return next((place for place, prefix in enumerate(first) if nodeid.startswith(prefix)), len(first))
