"""What fsck asks of the index of names: whether it has the nodes that it should, by the names that they should have."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from itertools import islice

from app.db.transaction import Snapshot
from app.listing import fold

PAGE = 10_000
_MISSING = """
    SELECT n.id FROM nodes n CROSS JOIN name_index i
     WHERE (n.dead_seq = 0 OR n.dead_ms IS NOT NULL) AND (n.id <= i.done_id OR n.id > i.end_id)
       AND NOT EXISTS (SELECT 1 FROM unsettled_names u WHERE u.node_id = n.id)
       AND NOT EXISTS (SELECT 1 FROM found_names_docsize d WHERE d.id = n.id)
"""
_SURPLUS = """
    SELECT d.id FROM found_names_docsize d LEFT JOIN nodes n ON n.id = d.id
     WHERE NOT EXISTS (SELECT 1 FROM unsettled_names u WHERE u.node_id = d.id)
       AND (n.id IS NULL OR (n.dead_seq > 0 AND n.dead_ms IS NULL
         AND n.id NOT IN (SELECT j.node_id FROM jobs j WHERE j.kind = 2)))
"""
_INDEXED = """
    SELECT d.id, coalesce(u.indexed, n.name, '') AS name FROM found_names_docsize d
      LEFT JOIN unsettled_names u ON u.node_id = d.id LEFT JOIN nodes n ON n.id = d.id ORDER BY d.id
"""
_ANOTHER = (
    "CREATE VIRTUAL TABLE found_names USING fts5(folded, content='', detail=none, tokenize='trigram')",
    "CREATE VIRTUAL TABLE found_names_trigrams USING fts5vocab(found_names, 'row')",
)
_PUT_IN = "INSERT INTO found_names (rowid, folded) VALUES (?, ?)"
_TRIGRAMS = "SELECT term, doc FROM found_names_trigrams"


def missing(tx: Snapshot) -> Iterator[int]:
    """Yield the nodes that the index should have and does not."""
    for row in tx.execute(_MISSING):
        yield row["id"]


def surplus(tx: Snapshot) -> Iterator[int]:
    """Yield what the index has and should not."""
    for row in tx.execute(_SURPLUS):
        yield row["id"]


def trigrams(tx: Snapshot) -> dict[str, int]:
    """Return how many names the index has for each trigram."""
    return {row["term"]: row["doc"] for row in tx.execute(_TRIGRAMS)}


def trigrams_of_names(tx: Snapshot) -> dict[str, int]:
    """Return how many names there should be for each trigram, by another index on a temporary file."""
    with closing(sqlite3.connect("", isolation_level=None)) as connection:
        for statement in _ANOTHER:
            connection.execute(statement)
        rows = tx.execute(_INDEXED)
        while page := [(row["id"], fold(row["name"])) for row in islice(rows, PAGE)]:
            connection.execute("BEGIN")
            connection.executemany(_PUT_IN, page)
            connection.execute("COMMIT")
        return dict(connection.execute(_TRIGRAMS))
