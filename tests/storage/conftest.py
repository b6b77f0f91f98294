"""The media that a store is tried over; object servers are started once and shared, each test in a part of a bucket."""

import contextlib
import itertools
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from storage.local import LocalMedium
from storage.s3.medium import S3Medium
from storage.store import OpenMedium
from tests.storage.servers import KINDS, S3Server, part, running


class Servers:
    """Object servers that run until the tests of this process are over."""

    def __init__(self, folder: Path, exits: contextlib.ExitStack) -> None:
        self._folder = folder
        self._exits = exits
        self._running: dict[str, S3Server] = {}
        self._numbers = itertools.count()

    def get(self, kind: str) -> S3Server:
        if kind not in self._running:
            self._running[kind] = self._exits.enter_context(running(kind, self._folder))
        return self._running[kind]

    def medium(self, kind: str) -> OpenMedium:
        """Return what opens a medium of a kind; of one test the same each time."""
        if kind == "local":
            return LocalMedium.open
        if kind == "local packs":
            return _open_gathering
        return partial(S3Medium.open, bucket=part(self.get(kind).bucket, f"t{next(self._numbers)}"))


def _open_gathering(root: Path, disk: object) -> LocalMedium:
    LocalMedium.install(root, disk)  # type: ignore[arg-type] # any disk will do
    return LocalMedium(root, disk, gathers=True)  # type: ignore[arg-type]


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    with contextlib.ExitStack() as exits:
        yield Servers(tmp_path_factory.mktemp("servers"), exits)


@pytest.fixture(params=["local", "local packs", *KINDS])
def open_medium(request: pytest.FixtureRequest, servers: Servers) -> OpenMedium:
    return servers.medium(request.param)


@pytest.fixture(params=KINDS)
def open_bucket(request: pytest.FixtureRequest, servers: Servers) -> OpenMedium:
    return servers.medium(request.param)


@pytest.fixture(params=["local packs", *KINDS])
def open_gathering(request: pytest.FixtureRequest, servers: Servers) -> OpenMedium:
    return servers.medium(request.param)
