"""The public WebDAV test suite, against a real process: every test of every suite, none left out."""

import asyncio
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.server import ADMIN, PASSWORD, RunningServer

SUITES = {"basic": 16, "copymove": 13, "props": 30, "locks": 41, "http": 4}
"""How many tests each has at least: fewer would mean that it gave up."""
SUMMARY = re.compile(r"of (\d+) tests run: (\d+) passed, (\d+) failed")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RunningServer]:
    running = RunningServer(tmp_path / "data").start()
    yield running
    running.close()


@pytest.mark.parametrize("suite", SUITES)
async def test_litmus_finds_nothing(server: RunningServer, tmp_path: Path, suite: str) -> None:
    program = shutil.which("litmus")
    assert program is not None, "litmus is missing: install the package of that name"

    done = await asyncio.to_thread(
        subprocess.run,
        [program, "-k", f"{server.url}/dav/", ADMIN, PASSWORD],
        env=os.environ | {"TESTS": suite},
        cwd=tmp_path,  # it writes its logs where it is called
        capture_output=True,
        text=True,
        check=False,
    )

    found = SUMMARY.search(done.stdout)
    assert found is not None, done.stdout + done.stderr
    run, passed, failed = map(int, found.groups())
    assert (passed, failed) == (run, 0), done.stdout
    assert run >= SUITES[suite], done.stdout
    assert not re.search(r"WARNING|SKIPPED", done.stdout), done.stdout
