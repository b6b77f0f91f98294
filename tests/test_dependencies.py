"""What is imported is declared, what is declared is locked; the lock holds names, versions and hashes alone."""

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
LOCK = (ROOT / "requirements.lock").read_text("utf-8")
NAME = re.compile(r"[A-Za-z0-9._-]+")
DEVICE = PROJECT["project"]["dependencies"]
SERVER = PROJECT["project"]["optional-dependencies"]["server"]
DEVELOPMENT = PROJECT["dependency-groups"]["dev"]
OWN = {"app", "bench", "client", "release", "storage", "tests", "web"}


def _names(requirements: list[str]) -> set[str]:
    return {match[0].lower() for line in requirements if (match := NAME.match(line))}


def _distributions(folder: str) -> set[str]:
    """Give the packages of others that the modules of a folder import."""
    known = packages_distributions()
    tops = {
        name.partition(".")[0]
        for path in (ROOT / folder).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    return {known[top][0].lower().replace("_", "-") for top in tops - OWN - sys.stdlib_module_names}


@pytest.mark.parametrize(
    ("folder", "declared"),
    [("client", DEVICE), ("app", DEVICE + SERVER), ("storage", SERVER + DEVICE), ("web", SERVER)],
)
def test_what_a_part_imports_is_declared_for_it(folder: str, declared: list[str]) -> None:
    assert _distributions(folder) <= _names(declared)


def test_nothing_is_declared_that_nobody_imports() -> None:
    used = set.union(*(_distributions(folder) for folder in ("client", "app", "storage", "web")))

    assert _names(DEVICE + SERVER) == used


def test_lock_pins_all_that_is_declared() -> None:
    pinned = {re.split(r"[\[=]", line)[0] for line in LOCK.splitlines() if "==" in line.partition("#")[0]}

    assert _names(DEVICE + SERVER + DEVELOPMENT) <= pinned


def test_lock_holds_names_versions_and_hashes_alone() -> None:
    allowed = re.compile(
        r"\s*#.*|[a-z0-9-]+(\[[a-z,]+\])?==[a-z0-9.]+( ; [^\\]+)? \\|    --hash=sha256:[0-9a-f]{64}( \\)?"
    )
    odd = [line for line in LOCK.splitlines() if not allowed.fullmatch(line)]

    assert odd == []
    assert "://" not in LOCK
