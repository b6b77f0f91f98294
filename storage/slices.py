"""Statements about many ids at once, in slices that any build of SQLite takes."""

import sqlite3
from collections.abc import Collection, Iterator
from typing import Any

from storage.base import ChunkId

_SLICE = 500  # ids in one statement, below the 999 parameters that any build of SQLite takes


def sliced(
    connection: sqlite3.Connection, statement: str, ids: Collection[ChunkId], *before: str
) -> Iterator[tuple[Any, ...]]:
    """Run `statement` for all `ids`, some hundred at a time; `before` are parameters that stand ahead of them."""
    wanted = list(ids)
    for start in range(0, len(wanted), _SLICE):
        part = wanted[start : start + _SLICE]
        yield from connection.execute(statement.format(marks=",".join("?" * len(part))), (*before, *part))
