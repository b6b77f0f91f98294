"""`./run`: what it says where the machine lacks something. That it works is shown by every run of the suite."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

RUN = Path(__file__).parents[1] / "run"
PYTHONS = ("python3.14", "python3.13", "python3.12", "python3.11", "python3")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of what `run` needs, in a folder whose name has a blank, and no .venv yet."""
    folder = tmp_path / "a checkout"
    folder.mkdir()
    for name in ("run", "requirements.lock", "pyproject.toml"):
        shutil.copy(RUN.with_name(name), folder)
    return folder


def _run(checkout: Path, *arguments: str, python: str = "exit 1") -> subprocess.CompletedProcess[str]:
    """Run with a PATH on which each Python is the shell script `python`."""
    tools = checkout.parent / "tools"
    tools.mkdir()
    for name in PYTHONS:
        (tools / name).write_text(f"#!/bin/sh\n{python}\n")
        (tools / name).chmod(0o755)
    environment = os.environ | {"PATH": f"{tools}:{os.environ['PATH']}"}
    return subprocess.run(
        [checkout / "run", *arguments],
        cwd=checkout.parent,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_old_python_is_refused_in_one_sentence(checkout: Path) -> None:
    done = _run(checkout, "check")

    assert done.returncode == 1
    assert done.stderr == "run: Python 3.11 or newer is needed: install it so that python3 is found in PATH.\n"


def test_python_without_venv_is_refused_with_what_to_install(checkout: Path) -> None:
    done = _run(checkout, "serve", python='case "$2" in *ensurepip*) exit 1 ;; esac')

    assert done.returncode == 1
    assert done.stderr == (
        "run: python3 has no venv or ensurepip: install them (on Debian and Ubuntu: apt install python3-venv).\n"
    )


def test_failed_set_up_is_begun_anew_by_the_next_run(checkout: Path) -> None:
    done = _run(checkout, "cairn", "ls", python='case "$*" in *--clear*) echo no room >&2; exit 1 ;; esac')

    assert done.returncode == 1
    assert done.stderr.endswith(f"no room\nrun: the virtual environment could not be made in {checkout}/.venv.\n")
    assert not (checkout / ".venv" / "made-of").exists()


@pytest.mark.parametrize(("arguments", "status"), [((), 0), (("help",), 0), (("tset",), 2)])
def test_usage_is_told_without_setting_anything_up(checkout: Path, arguments: tuple[str, ...], status: int) -> None:
    done = _run(checkout, *arguments)

    assert done.returncode == status
    assert "usage: ./run COMMAND" in (done.stderr if status else done.stdout)
    assert not (checkout / ".venv").exists()
