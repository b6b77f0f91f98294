"""What can still be read of a state that is lost: hints for a start without a base (sync engine, section 11)."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from urllib.parse import quote

from client.sync.trees.database import Row
from client.sync.trees.state import State

# Each from both ends: a damaged page in the middle costs what is on it, and not what is behind it.
_LINEAGE = (
    "SELECT id, number, version_id, sha256 FROM lineage ORDER BY id, number",
    "SELECT id, number, version_id, sha256 FROM lineage ORDER BY id DESC, number DESC",
)
_EXCLUDED = ("SELECT id FROM excluded ORDER BY id", "SELECT id FROM excluded ORDER BY id DESC")
_SYNCED = ("SELECT count(*) FROM synced WHERE kind = 'file'",)


@dataclass(slots=True)
class Hints:
    """What an old state says; none of it is trusted further than to spare a conflict copy.

    `lineage` holds (version id, SHA-256) of what each file was here, the oldest first; `excluded` the ids of what
    selective sync left out; `tracked` is how many files were in step, None where that cannot be read.
    """

    lineage: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    excluded: list[str] = field(default_factory=list)
    tracked: int | None = None

    def give(self, state: State) -> None:
        """Note them in a state that is new."""
        with state.transaction():
            for node_id, versions in sorted(self.lineage.items()):
                state.add_lineage(node_id, versions)
            for node_id in self.excluded:
                state.set_excluded(node_id, excluded=True)


def salvage(path: str) -> Hints:
    """Read what can be read of the state in a file, without changing it. Nothing is raised: there may be no hints."""
    hints = Hints()
    for how in ("mode=ro", "mode=ro&immutable=1"):  # the second where the log beside it cannot be used
        try:
            connection = sqlite3.connect(f"file:{quote(path)}?{how}", uri=True)
        except sqlite3.Error:
            continue
        with closing(connection):
            _read(connection, hints)
        if hints.lineage or hints.excluded:
            break
    return hints


def _read(connection: sqlite3.Connection, hints: Hints) -> None:
    found = {(row[0], row[1]): (row[2], row[3]) for row in _rows(connection, _LINEAGE) if _is_sound(row)}
    for (node_id, _), version in sorted(found.items()):
        hints.lineage.setdefault(node_id, []).append(version)
    hints.excluded = sorted({row[0] for row in _rows(connection, _EXCLUDED) if isinstance(row[0], str)})
    hints.tracked = next((row[0] for row in _rows(connection, _SYNCED)), None)


def _rows(connection: sqlite3.Connection, queries: tuple[str, ...]) -> Iterator[Row]:
    """Yield what each query gives until it fails."""
    for query in queries:
        try:
            yield from connection.execute(query)
        except (sqlite3.Error, UnicodeError):
            continue
        return


def _is_sound(row: Row) -> bool:
    return [type(value) for value in row] == [str, int, str, str]
