"""A server that works off its jobs, on a clock of its own: each look at it is a millisecond later."""

import itertools
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from app import foundation
from app.clock import now_ms
from tests.api.conftest import Running
from tests.api.people import Person
from tests.tree.conftest import ada, bob, folder, nothing_is_logged_as_error, settings, template
from tests.tree.conftest import server as working_server

__all__ = ["ada", "bob", "folder", "nothing_is_logged_as_error", "settings", "template", "working_server"]


@pytest.fixture
def ticking(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no two changes be of one millisecond, so that a time names one state."""
    ticks = itertools.count(now_ms())
    monkeypatch.setattr(foundation, "now_ms", lambda: next(ticks))


@pytest.fixture
def server(ticking: None, working_server: Running) -> Running:
    """A server whose folder is found clean at the end."""
    return working_server


@pytest.fixture
async def second(server: Running) -> Person:
    """Another device of ada's."""
    found = await server.stranger.log_in("ada", device_name="second")
    return Person(server.session, found.token)


def time_of(folder: Path) -> int:
    """Return the time of the journal's last change."""
    with closing(sqlite3.connect(f"file:{folder / 'metadata.db'}?mode=ro", uri=True)) as connection:
        return int(connection.execute("SELECT last_ms FROM meta").fetchone()[0])
