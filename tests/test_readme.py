"""The README is true: its commands and its walk with curl are run as they stand, against a real server."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.server import ADMIN, PASSWORD, RunningServer

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")
BLOCK = re.compile(r"```sh\n(.*?)```", re.DOTALL)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RunningServer]:
    """A server with the README's admin, and with nothing in it."""
    running = RunningServer(tmp_path / "data").start()
    yield running
    running.stop()


def _script(name: str, server: RunningServer) -> str:
    """Give the shell blocks between two markers, with the server's own address in them."""
    part = README.partition(f"<!-- {name} begin")[2].partition(f"<!-- {name} end")[0]
    return "".join(BLOCK.findall(part)).replace("http://127.0.0.1:8080", server.url)


def _run(script: str, folder: Path) -> str:
    """Run a script as a person would type it, but stop at the first command that fails."""
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=folder,
        env=os.environ | {"CAIRN_HOME": str(folder / "home")},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_readme_names_the_admin_that_the_tests_start_with() -> None:
    assert f"CAIRN_ADMIN_USER={ADMIN} CAIRN_ADMIN_PASSWORD={PASSWORD}" in README


def test_commands_of_the_readme_bring_a_folder_there_and_back(server: RunningServer, tmp_path: Path) -> None:
    script = _script("commands", server)
    # `./run cairn` would set up an environment of its own, and login would ask at a terminal.
    script = script.replace("./run cairn", f"{sys.executable} -m client")
    script = script.replace("--user ada", f"--user ada --password-stdin <<< {PASSWORD}")

    output = _run(script, tmp_path)

    assert "a walk in the hills" in output
    assert "notes.txt" in output
    assert (tmp_path / "photos-again" / "2026" / "a.raw").stat().st_size == 3_000_000


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_walk_of_the_readme_uploads_and_downloads_with_curl(server: RunningServer, tmp_path: Path) -> None:
    output = _run(_script("walk", server), tmp_path)

    assert output.splitlines()[-2:] == ["False", "False"]
    assert (tmp_path / "copy.bin").stat().st_size == 6_000_000


def test_links_of_the_readme_lead_somewhere() -> None:
    targets = [target for target in re.findall(r"\]\(([^)#]+)\)", README) if "://" not in target]

    assert [target for target in targets if not (ROOT / target).exists()] == []


def test_commands_that_the_readme_lists_exist() -> None:
    usage = subprocess.run([ROOT / "run", "help"], capture_output=True, text=True, check=True).stdout
    named = set(re.findall(r"\./run (\w+)", README))

    assert named <= set(re.findall(r"^  (\w+)", usage, re.MULTILINE))
