"""Compares the index of names with the names: by building another one, of which only the sums are looked at."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from itertools import islice

from app.db.transaction import Snapshot
from app.repositories import name_checks
from app.repositories.found_names import fold

PAGE = 10_000
_SCHEMA = (
    "CREATE VIRTUAL TABLE names USING fts5(folded, content='', detail=none, tokenize='trigram')",
    "CREATE VIRTUAL TABLE trigrams USING fts5vocab(names, 'row')",
)


def check_names(tx: Snapshot) -> Iterator[str]:
    """Yield in a sentence each what is wrong with the index of names: nobody loses a file, but searches miss some."""
    for node_id in name_checks.missing(tx):
        yield f"it lacks node {node_id}"
    for node_id in name_checks.surplus(tx):
        yield f"it still has node {node_id}"
    found, expected = name_checks.trigrams(tx), _expected(tx)
    wrong = [gram for gram in found.keys() | expected.keys() if found.get(gram) != expected.get(gram)]
    if wrong:
        yield f"it has other names than the nodes: {len(wrong)} trigrams differ, {min(wrong)!r} first"


def _expected(tx: Snapshot) -> dict[str, int]:
    """Return how many names there should be for each trigram, by an index on a temporary file."""
    with closing(sqlite3.connect("", isolation_level=None)) as connection:
        for statement in _SCHEMA:
            connection.execute(statement)
        names = name_checks.indexed(tx)
        while page := [(number, fold(name)) for number, name in islice(names, PAGE)]:
            connection.execute("BEGIN")
            connection.executemany("INSERT INTO names (rowid, folded) VALUES (?, ?)", page)
            connection.execute("COMMIT")
        return dict(connection.execute("SELECT term, doc FROM trigrams"))
