"""`cairn gc`, beside a running server and on a folder that nobody serves."""

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiohttp import ClientSession

from tests.api.people import Person, noise
from tests.server import ADMIN, PASSWORD, RunningServer
from tests.tree.keeper import deleted, purge

SIZE = 100_000


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RunningServer]:
    running = RunningServer(tmp_path / "data").start()
    yield running
    running.close()


def gc(data: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "client", "gc", "--data", str(data), *options]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


async def test_gc_tells_what_it_found_beside_a_server_and_without_one(server: RunningServer) -> None:
    async with ClientSession(server.url) as session:
        ada = Person(session, (await Person(session).log_in(ADMIN, PASSWORD)).token)
        await ada.upload("/kept", noise(SIZE))
        await purge(ada, await deleted(ada, await ada.upload("/gone", noise(SIZE))))

    beside = await asyncio.to_thread(gc, server.data)
    server.stop()
    alone = await asyncio.to_thread(gc, server.data, "--over-half")

    expected = [
        "Freed: 0 chunks, 0 B.",
        "In their grace, gone an hour of running later: 0 chunks, 0 B.",
        "Unused, gone with a collection after a day of running: 1 chunk, 97.66 KiB.",
    ]
    assert (beside.returncode, beside.stdout.splitlines()) == (0, expected), beside.stderr
    assert (alone.returncode, alone.stdout.splitlines()) == (0, expected), alone.stderr


def test_gc_makes_no_data_folder(tmp_path: Path) -> None:
    done = gc(tmp_path / "mistyped")

    assert done.returncode == 1
    assert "There is no Cairn in" in done.stderr
    assert not (tmp_path / "mistyped").exists()
