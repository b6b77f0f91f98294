"""The index of names: trigrams of folded names, and which nodes are not in it as they are called now.

A full-text index writes a piece of its own at every savepoint, which would cost each small commit ten times what the
rest of it does. So a change of a name leaves one narrow row here, and the entries follow in batches (decision 0019).
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from heapq import merge
from typing import NamedTuple

from app.db.transaction import Snapshot, Transaction
from app.listing import fold

GRAM = 3
"""Letters of a trigram: what is shorter cannot be asked of the index."""
GRAMS_ASKED = 16
"""Trigrams of a query that the index is asked for; the names themselves are compared in any case."""

_APPEAR = "INSERT INTO unsettled_names (node_id, indexed) VALUES (:id, NULL) ON CONFLICT DO NOTHING"
_CHANGE = """
    INSERT INTO unsettled_names (node_id, indexed)
    SELECT n.id, CASE WHEN EXISTS (SELECT 1 FROM found_names_docsize d WHERE d.id = n.id) THEN n.name END
      FROM nodes n WHERE n.id = :id
    ON CONFLICT DO NOTHING
"""
_UNSETTLED = """
    SELECT u.node_id, u.indexed, n.name, n.dead_seq > 0 AND n.dead_ms IS NULL AS is_purged
      FROM unsettled_names u LEFT JOIN nodes n ON n.id = u.node_id ORDER BY u.node_id LIMIT :limit
"""
_SETTLE = "DELETE FROM unsettled_names WHERE node_id = :id"
_TAKE_OUT = "INSERT INTO found_names (found_names, rowid, folded) VALUES ('delete', :id, :folded)"
_PUT_IN = "INSERT INTO found_names (rowid, folded) VALUES (:id, :folded)"
_PROGRESS = "SELECT done_id, end_id FROM name_index"
_OLDER = """
    SELECT n.id, n.name, (n.dead_seq > 0 AND n.dead_ms IS NULL)
           OR EXISTS (SELECT 1 FROM unsettled_names u WHERE u.node_id = n.id)
           OR EXISTS (SELECT 1 FROM found_names_docsize d WHERE d.id = n.id) AS is_settled
      FROM nodes n WHERE n.id > :after AND n.id <= :end ORDER BY n.id LIMIT :limit
"""
_ADVANCE = "UPDATE name_index SET done_id = :done"

_COLUMNS = """
    n.id, n.space_id, n.parent_id, n.name, n.kind, n.size, coalesce(n.mtime_ms, n.modified_ms), n.version_id, n.dead_seq
"""
# CROSS JOINs keep the order of the tables: what is newest must come first without being sorted.
_IN_INDEX = f"""
    SELECT {_COLUMNS} FROM found_names f CROSS JOIN nodes n ON n.id = f.rowid
     WHERE found_names MATCH :match AND f.rowid < :before ORDER BY f.rowid DESC
"""  # noqa: S608 - put together from constants, as all below
_NOT_YET = f"""
    SELECT {_COLUMNS} FROM unsettled_names u CROSS JOIN nodes n ON n.id = u.node_id
     WHERE u.node_id < :before ORDER BY u.node_id DESC
"""  # noqa: S608
_BY_ID = f"""
    SELECT {_COLUMNS} FROM nodes n WHERE n.id < :before AND n.id > :after ORDER BY n.id DESC
"""  # noqa: S608
_BELOW = f"""
    WITH RECURSIVE tree(id) AS (
      SELECT :folder
      UNION ALL
      SELECT n.id FROM tree t CROSS JOIN nodes n WHERE n.parent_id = t.id AND n.dead_seq = 0 AND n.kind > 0
    )
    SELECT {_COLUMNS} FROM tree t CROSS JOIN nodes n WHERE n.parent_id = t.id AND n.dead_seq = 0 AND n.id < :before
     ORDER BY n.id DESC
"""  # noqa: S608
_CONTENT_TYPE = "SELECT content_type FROM versions WHERE id = :id"


class Candidate(NamedTuple):
    """A node that may be one that is looked for; `changed_ms` is its mtime or else when it was last changed."""

    id: int
    space_id: int
    parent_id: int | None
    name: str
    kind: int
    size: int | None
    changed_ms: int
    version_id: int | None
    dead_seq: int


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the index reaches: nodes above `done_id` up to `end_id` are not in it yet."""

    done_id: int
    end_id: int

    @property
    def is_whole(self) -> bool:
        """Whether all nodes are in it, but for those that are unsettled."""
        return self.done_id >= self.end_id


def appear(tx: Transaction, node_id: int) -> None:
    """Note that a node is new."""
    tx.execute(_APPEAR, {"id": node_id})


def change(tx: Transaction, node_ids: Iterable[int]) -> None:
    """Note of nodes that they are about to be renamed or purged; to be called before they are."""
    tx.connection.executemany(_CHANGE, [{"id": node_id} for node_id in node_ids])


def settle(tx: Transaction, *, limit: int) -> int:
    """Bring up to `limit` unsettled names into the index; return how many there were."""
    rows = tx.all(_UNSETTLED, {"limit": limit})
    out = [{"id": row["node_id"], "folded": fold(row["indexed"])} for row in rows if row["indexed"] is not None]
    into = [
        {"id": row["node_id"], "folded": fold(row["name"])}
        for row in rows
        if row["name"] is not None and not row["is_purged"]
    ]
    tx.connection.executemany(_TAKE_OUT, out)
    tx.connection.executemany(_PUT_IN, into)
    tx.connection.executemany(_SETTLE, [{"id": row["node_id"]} for row in rows])
    return len(rows)


def progress(tx: Snapshot) -> Progress:
    """Return how far the index reaches."""
    return Progress(*tx.connection.execute(_PROGRESS).fetchone())


def build(tx: Transaction, *, limit: int) -> None:
    """Bring up to `limit` of the nodes that are older than the index into it."""
    at = progress(tx)
    if at.is_whole:
        return
    rows = tx.all(_OLDER, {"after": at.done_id, "end": at.end_id, "limit": limit})
    names = [{"id": row["id"], "folded": fold(row["name"])} for row in rows if not row["is_settled"]]
    tx.connection.executemany(_PUT_IN, names)
    tx.execute(_ADVANCE, {"done": rows[-1]["id"] if len(rows) == limit else at.end_id})


def has_work(tx: Snapshot) -> bool:
    """Tell whether there is anything to settle or to build."""
    return bool(tx.all(_UNSETTLED, {"limit": 1})) or not progress(tx).is_whole


def named_like(tx: Snapshot, folded: str, *, before: int) -> Iterator[Candidate]:
    """Yield all nodes whose name may hold `folded`, which has three letters or more, the newest first.

    What the index does not have yet comes as well, so that many may not be called so: compare the names.

    Args:
        before: only nodes with a lower id.
    """
    at = progress(tx)
    sources = [
        _candidates(tx, _IN_INDEX, match=_match(folded), before=before),
        _candidates(tx, _NOT_YET, before=before),
    ]
    if not at.is_whole:
        sources.append(_candidates(tx, _BY_ID, before=min(before, at.end_id + 1), after=at.done_id))
    last = before
    for candidate in merge(*sources, key=lambda candidate: -candidate.id):
        if candidate.id != last:
            last = candidate.id
            yield candidate


def newest(tx: Snapshot, *, before: int) -> Iterator[Candidate]:
    """Yield all nodes with an id below `before`, the newest first."""
    return _candidates(tx, _BY_ID, before=before, after=0)


def below(tx: Snapshot, folder_ids: Iterable[int], *, before: int) -> Iterator[Candidate]:
    """Yield all live nodes below folders that have few, the newest first; mounts are not followed."""
    sources = [_candidates(tx, _BELOW, folder=folder_id, before=before) for folder_id in folder_ids]
    return merge(*sources, key=lambda candidate: -candidate.id)


def content_type_of(tx: Snapshot, version_id: int) -> str:
    """Return the content type of a version; empty if it is not there."""
    row = tx.one(_CONTENT_TYPE, {"id": version_id})
    return "" if row is None else row["content_type"]


def _candidates(tx: Snapshot, statement: str, **values: object) -> Iterator[Candidate]:
    return map(Candidate._make, tx.execute(statement, values))


def _match(folded: str) -> str:
    """Return the query for all trigrams of a text, whatever signs are in it."""
    grams = dict.fromkeys(folded[at : at + GRAM] for at in range(len(folded) - GRAM + 1))
    quoted = (gram.replace('"', '""') for gram in list(grams)[:GRAMS_ASKED])
    return " AND ".join(f'"{gram}"' for gram in quoted)
