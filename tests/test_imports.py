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
# Another: it settles as whom a container runs, before anything of Cairn is loaded.
CONTAINER = "app/container.py"
# It is not called by what anybody sends: it starts a program of this build, which is handed files and reaches nothing.
DECODERS = ("PIL", "pi_heif")
STARTS_A_PROGRAM = ("app/services/thumbnailing.py", "subprocess")
# The command line is where the process meets its environment; everybody else is handed what they need.
READS_ENVIRONMENT = ("app/cli/", HEALTH_CHECK, CONTAINER)
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
        and (_name(path), name) not in ((HEALTH_CHECK, "http.client"), STARTS_A_PROGRAM)
    }

    assert not wrong


@pytest.mark.parametrize("program", ["app.container", "app.healthcheck", "app.thumbnailer"])
def test_nobody_imports_a_program_of_its_own(program: str) -> None:
    assert not [_name(path) for path in _modules() if any(_lies_in(n, program) for n in _imports(path))]


def test_one_program_decodes_pictures() -> None:
    """What Pillow is fed by strangers must break nothing but that program (security.md, O6)."""
    readers = {_name(path) for path in _modules() if any(n.split(".")[0] in DECODERS for n in _imports(path))}

    assert readers == {"app/thumbnailer.py"}


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


def test_one_module_of_the_server_parses_xml() -> None:
    """It refuses what in a document of a stranger is dangerous; another parser would have to do so again."""
    readers = {_name(path) for path in _modules("app", "web") if any(_lies_in(n, "xml") for n in _imports(path))}

    assert readers == {"app/dav/xml.py"}


def test_sql_stands_in_the_repositories_alone() -> None:
    wrong = {
        f"{_name(path)}, line {node.lineno}"
        for path in _modules("app")
        if not _name(path).startswith(SPEAKS_SQL)
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and SQL.match(node.value)
    }

    assert not wrong


ENGINE = ("apply", "loop", "observe", "plan", "seams", "send", "trees")
OUTSIDE = (
    *("datetime", "os", "random", "secrets", "selectors", "shutil", "socket", "subprocess", "tempfile", "threading"),
    *("time", "urllib.request", "uuid", "client.sync.device", "client.home", "client.remote"),
)


def test_sync_engine_meets_the_world_through_its_seams_alone() -> None:
    wrong = {
        f"{_name(path)} imports {name}"
        for path in _modules(*(f"client/sync/{folder}" for folder in ENGINE))
        for name in _imports(path)
        if any(_lies_in(name, outside) for outside in OUTSIDE)
    }

    assert not wrong
