"""Imports point one way, so that each part can be read, tested and replaced by itself."""

import ast
import graphlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("app", "storage", "client", "web")
CHANCE = ("random",)  # what must not be guessed comes from secrets or os.urandom (security.md, K1)
FORBIDDEN = {
    "storage": ("app", "web", "client", "aiohttp", *CHANCE),
    "client": ("app", "web", "storage"),
    "app/db": ("app.repositories", "app.services", "app.auth", "app.api", "app.dav", "aiohttp"),
    "app/repositories": ("app.services", "app.auth", "app.api", "app.dav", "aiohttp"),
    "app/services": ("app.api", "app.dav", "app.application", "aiohttp"),
    "app/api": ("app.db", "app.repositories", "app.application", "sqlite3", "aiosqlite"),
    "app/dav": ("app.db", "app.repositories", "app.application", "sqlite3", "aiosqlite"),
    "web": ("app.db", "app.repositories", "app.application", "storage", "sqlite3", "aiosqlite"),
    # The server calls no program and no address (security.md, O7).
    "app": ("client", "subprocess", "urllib.request", "http.client", *CHANCE),
}
# A program of its own, that no part of the server imports: it asks the server of its container whether it is well.
HEALTH_CHECK = "app/healthcheck.py"
# The command line is where the process meets its environment; everybody else is handed what they need.
READS_ENVIRONMENT = ("app/cli/", HEALTH_CHECK)
SQL = re.compile(r"\s*(SELECT|INSERT|UPDATE|DELETE|REPLACE|WITH|CREATE|PRAGMA)\s+\S+", re.ASCII)
SPEAKS_SQL = ("app/repositories", "app/db")


def _modules(*folders: str) -> list[Path]:
    return sorted(path for folder in folders or PACKAGES for path in (ROOT / folder).rglob("*.py"))


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def _imports(path: Path) -> Iterator[str]:
    """Give the dotted names that a module imports: `from app import errors` as app.errors."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _edges(path: Path, modules: set[str]) -> Iterator[str]:
    """Give which of `modules` one imports; `from app import errors` is an import of app.errors alone."""
    for name in _imports(path):
        parent = name.rpartition(".")[0]
        if name in modules:
            yield name
        elif parent in modules:
            yield parent


def _lies_in(name: str, package: str) -> bool:
    return name == package or name.startswith(f"{package}.")


@pytest.mark.parametrize("folder", FORBIDDEN)
def test_folder_imports_nothing_that_stands_above_it(folder: str) -> None:
    wrong = {
        f"{_name(path)} imports {name}"
        for path in _modules(folder)
        for name in _imports(path)
        if any(_lies_in(name, package) for package in FORBIDDEN[folder])
        and (_name(path), name) != (HEALTH_CHECK, "http.client")
    }

    assert not wrong


def test_nobody_imports_the_health_check() -> None:
    assert not [_name(path) for path in _modules() if any(_lies_in(n, "app.healthcheck") for n in _imports(path))]


def test_no_module_imports_in_a_circle() -> None:
    modules = {_name(path).removesuffix(".py").removesuffix("/__init__").replace("/", "."): path for path in _modules()}
    graph = {module: set(_edges(path, set(modules))) for module, path in modules.items()}

    order = list(graphlib.TopologicalSorter(graph).static_order())  # raises CycleError, which names the circle

    assert set(order) == set(modules)


def test_no_import_is_relative_or_for_type_checking_alone() -> None:
    wrong = {
        f"{_name(path)}, line {node.lineno}"
        for path in _modules()
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if (isinstance(node, ast.ImportFrom) and node.level)
        or (isinstance(node, ast.Name) and node.id == "TYPE_CHECKING")
    }

    assert not wrong


def test_client_reaches_the_server_part_in_one_place_by_name() -> None:
    places = [
        _name(path)
        for path in _modules()
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Attribute) and node.attr == "import_module"
    ]

    assert len(places) == 1
    assert places[0].startswith("client/cli/")


def test_server_reads_its_environment_in_the_command_line_alone() -> None:
    readers = {
        _name(path)
        for path in _modules("app", "storage", "web")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Attribute) and node.attr in ("environ", "getenv", "environb")
    }

    assert {name for name in readers if not name.startswith(READS_ENVIRONMENT)} == set()


def test_sql_stands_in_the_repositories_alone() -> None:
    wrong = {
        f"{_name(path)}, line {node.lineno}"
        for path in _modules("app")
        if not _name(path).startswith(SPEAKS_SQL)
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and SQL.match(node.value)
    }

    assert not wrong
