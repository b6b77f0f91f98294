"""No statement walks through a table that grows with the number of files (metadata.md, 12)."""

import importlib
import pkgutil
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

import app.repositories
from app.db.database import connect_writer
from app.db.migrate import migrate
from app.db.transaction import Snapshot
from app.listing import Order, Place, Sort
from app.repositories import listings
from storage.disk import LocalDisk

BIG = {"nodes", "past", "journal", "versions", "possession", "uploads", "upload_chunks", "folders", "actors", "audit"}
ALLOWED = {
    "app.repositories.uploads._OPEN_CLAIMS": "asked once, at the start, for all of them",
    "app.repositories.listings.LISTED": "the beginning of statements, which say where",
    "app.repositories.feed.LISTED": "the same, by its name there",
    "app.repositories.audit._LINE": "the beginning of statements, which say where",
    "app.repositories.audit._TRIM": "the oldest lines, as many as its limit says",
    "app.repositories.checks._FOLDERS": "fsck looks at everything",
    "app.repositories.checks._MANIFESTS": "fsck looks at everything",
    "app.repositories.name_checks._MISSING": "fsck looks at everything",
}
ELSEWHERE = {"app.repositories.thumbnails"}
"""What speaks to another database than that of the metadata."""
_VERB = re.compile(r"\s*(SELECT|INSERT|UPDATE|DELETE|WITH)\s")
_SCAN = re.compile(r"SCAN (\w+)(?! USING (?:COVERING )?INDEX version_unchecked)")


class Anything(dict[str, object]):
    """Gives every parameter a value."""

    def __missing__(self, _key: str) -> object:
        return 1


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    """An empty database of the newest schema."""
    (tmp_path / "snapshots").mkdir()
    migrate(tmp_path / "metadata.db", tmp_path / "snapshots", LocalDisk())
    with closing(connect_writer(tmp_path / "metadata.db")) as opened:
        yield opened


def statements() -> dict[str, str]:
    """Return every statement that stands in a repository, by its name."""
    found = {}
    for module in pkgutil.iter_modules(app.repositories.__path__, "app.repositories."):
        if module.name in ELSEWHERE:
            continue
        for name, value in vars(importlib.import_module(module.name)).items():
            if isinstance(value, str) and _VERB.match(value):
                found[f"{module.name}.{name}"] = value
    return found


def scanned(connection: sqlite3.Connection, statement: str) -> set[str]:
    """Return the big tables that a statement walks through."""
    parameters: object = Anything() if "?" not in statement else (1,) * statement.count("?")
    aliases = {
        match[2]: match[1]
        for match in re.finditer(r"(?:FROM|JOIN|INTO|UPDATE)\s+(\w+)(?:\s+(?:AS\s+)?(\w+))?", statement)
    }
    plan = connection.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)  # type: ignore[arg-type] # one of two forms
    names = {match[1] for row in plan for match in _SCAN.finditer(row[3])}
    return {aliases.get(name, name) for name in names} & BIG


def test_no_statement_of_a_repository_walks_through_a_big_table(connection: sqlite3.Connection) -> None:
    found = statements()

    walking = {name: tables for name, text in found.items() if (tables := scanned(connection, text))}

    assert len(found) > 60
    assert set(walking) == set(ALLOWED), walking


@pytest.mark.parametrize("order", ["asc", "desc"])
@pytest.mark.parametrize("sort", ["name", "natural", "size", "mtime", "type"])
def test_a_listing_reads_its_own_folder_alone(connection: sqlite3.Connection, sort: Sort, order: Order) -> None:
    run: list[str] = []
    connection.set_trace_callback(run.append)
    for after in (None, Place(is_folder=True, key="a", name="a"), Place(is_folder=False, key=5, name="a")):
        listings.children(Snapshot(connection), 1, sort=sort, order=order, after=after, limit=10)
    connection.set_trace_callback(None)

    assert len(run) >= 5
    for statement in run:
        assert scanned(connection, statement) == set()


def test_a_statement_that_walks_is_noticed(connection: sqlite3.Connection) -> None:
    assert scanned(connection, "SELECT n.id FROM nodes n WHERE n.name = :name") == {"nodes"}
    assert scanned(connection, "SELECT count(*) FROM journal WHERE op = :op") == {"journal"}
