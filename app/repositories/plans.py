"""What a rewind or an undo is going to do: a row a node, gone once it is done, kept with a reason where it is not."""

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum

from app.db.transaction import Snapshot, Transaction

_COLUMNS = "node_id, step, outcome, if_seq, parent_id, name, version_id, mtime_ms, executable"
_INSERT = f"""
    INSERT INTO plans (job_id, {_COLUMNS})
    VALUES (:job, :node, :step, :outcome, :if_seq, :parent, :name, :version, :mtime, :executable)
    ON CONFLICT DO NOTHING
"""  # noqa: S608 - put together from constants, as all here
_PENDING = f"""
    SELECT {_COLUMNS} FROM plans WHERE job_id = :job AND outcome = 0 ORDER BY step, node_id LIMIT :limit
"""  # noqa: S608
_OF_NODE = f"SELECT {_COLUMNS} FROM plans WHERE job_id = :job AND node_id = :node AND outcome = 0"  # noqa: S608
_PAGE = f"SELECT {_COLUMNS} FROM plans WHERE job_id = :job AND node_id > :after ORDER BY node_id LIMIT :limit"  # noqa: S608
_COUNT = "SELECT count(*) AS number FROM plans WHERE job_id = :job"
_KEPT_AS = "SELECT node_id FROM plans WHERE job_id = :job AND outcome = :outcome"
_COUNT_KEPT = "SELECT count(*) AS number FROM plans WHERE job_id = :job AND outcome > 0"
_DONE = "DELETE FROM plans WHERE job_id = :job AND node_id = :node"
_KEEP = "UPDATE plans SET outcome = :outcome WHERE job_id = :job AND node_id = :node"
_MOVED_ON = "UPDATE plans SET if_seq = :seq WHERE job_id = :job AND node_id = :node"
_TRIM = """
    DELETE FROM plans WHERE job_id = :job AND node_id IN (SELECT node_id FROM plans WHERE job_id = :job LIMIT :limit)
"""
_NEWS_BELOW = """
    WITH RECURSIVE changed(id) AS (
      SELECT :folder
      UNION ALL
      SELECT n.id FROM changed c JOIN nodes n ON n.parent_id = c.id AND n.dead_seq = 0 AND n.kind > 0
        JOIN folders f ON f.node_id = n.id WHERE f.below_seq > :seq
    )
    SELECT 1 FROM changed c JOIN nodes n ON n.parent_id = c.id AND n.dead_seq = 0 AND n.seq > :seq
     WHERE NOT EXISTS (SELECT 1 FROM plans p WHERE p.job_id = :job AND p.node_id = n.id AND p.outcome = 0
       AND p.step = 2 AND p.if_seq = n.seq) LIMIT 1
"""


class Step(IntEnum):
    """What is done to a node; all of one kind before the next. The numbers stand in the database."""

    PLACE = 0
    CONTENT = 1
    TRASH = 2


class Outcome(IntEnum):
    """What became of an entry; the numbers stand in the database."""

    PENDING = 0
    CHANGED = 1
    """It, or something in it, changed since."""
    PURGED = 2
    """It was deleted for good."""
    NO_CONTENT = 3
    """Retention took what it held, and all near it."""
    NO_PLACE = 4
    """The folder that it was in is gone."""
    NO_ROOM = 5
    """The quota has no room for its old content as a new version."""
    IN_USE = 6
    """It holds what others have put there."""
    OTHER_SPACE = 7
    """It is in another space now."""
    NO_HISTORY = 8
    """What it was before is forgotten."""
    SHARED = 9
    """It is a shared folder, which has a history of its own."""
    FORBIDDEN = 10
    """Who asked may not change it any more."""
    FAILED = 11
    """It was tried, and refused or met a fault."""
    LOCKED = 12
    """Somebody's lock bound it, something in it, or a folder of it."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a plan: the state to bring about, if the node's seq is still `if_seq`."""

    node_id: int
    step: Step
    outcome: Outcome
    if_seq: int
    parent_id: int | None
    name: str
    version_id: int | None
    mtime_ms: int | None
    executable: bool


def add(tx: Transaction, job_id: int, entries: Iterable[Entry]) -> int:
    """Write entries of nodes that have none yet; return how many those were."""
    rows = [
        {
            "job": job_id,
            "node": entry.node_id,
            "step": entry.step,
            "outcome": entry.outcome,
            "if_seq": entry.if_seq,
            "parent": entry.parent_id,
            "name": entry.name,
            "version": entry.version_id,
            "mtime": entry.mtime_ms,
            "executable": entry.executable,
        }
        for entry in entries
    ]
    return tx.connection.executemany(_INSERT, rows).rowcount if rows else 0


def pending(tx: Snapshot, job_id: int, *, limit: int) -> list[Entry]:
    """Return up to `limit` entries that are to be tried next."""
    return [_entry(row) for row in tx.all(_PENDING, {"job": job_id, "limit": limit})]


def find_pending(tx: Snapshot, job_id: int, node_id: int) -> Entry | None:
    """Return a node's entry if it is still to be tried."""
    row = tx.one(_OF_NODE, {"job": job_id, "node": node_id})
    return None if row is None else _entry(row)


def page(tx: Snapshot, job_id: int, *, after: int, limit: int) -> list[Entry]:
    """Return up to `limit` entries behind the node `after`, whatever became of them; what is done is not there."""
    return [_entry(row) for row in tx.all(_PAGE, {"job": job_id, "after": after, "limit": limit})]


def count(tx: Snapshot, job_id: int) -> int:
    """Return how many entries there are, those that are done left out."""
    row = tx.one(_COUNT, {"job": job_id})
    return 0 if row is None else int(row["number"])


def count_kept(tx: Snapshot, job_id: int) -> int:
    """Return how many entries were left alone."""
    row = tx.one(_COUNT_KEPT, {"job": job_id})
    return 0 if row is None else int(row["number"])


def kept_as(tx: Snapshot, job_id: int, outcome: Outcome) -> list[int]:
    """Return the nodes that are left alone for one reason; not for a reason that many can have."""
    return [row["node_id"] for row in tx.all(_KEPT_AS, {"job": job_id, "outcome": outcome})]


def done(tx: Transaction, job_id: int, node_id: int) -> None:
    """Take a node's entry out: it is done."""
    tx.execute(_DONE, {"job": job_id, "node": node_id})


def keep(tx: Transaction, job_id: int, node_id: int, outcome: Outcome) -> None:
    """Note why a node is left as it is."""
    tx.execute(_KEEP, {"job": job_id, "node": node_id, "outcome": outcome})


def expect(tx: Transaction, job_id: int, node_id: int, seq: int) -> None:
    """Note that the job itself changed a node whose entry is still to come."""
    tx.execute(_MOVED_ON, {"job": job_id, "node": node_id, "seq": seq})


def has_news_below(tx: Snapshot, job_id: int, folder_id: int, *, since: int) -> bool:
    """Tell whether something live below a folder changed after a seq that does not itself go to the trash."""
    return tx.one(_NEWS_BELOW, {"job": job_id, "folder": folder_id, "seq": since}) is not None


def trim(tx: Transaction, job_id: int, *, limit: int) -> int:
    """Delete up to `limit` entries of a job; return how many there were."""
    return tx.execute(_TRIM, {"job": job_id, "limit": limit}).rowcount


def _entry(row: sqlite3.Row) -> Entry:
    node_id, step, outcome, if_seq, parent_id, name, version_id, mtime_ms, executable = row
    return Entry(node_id, Step(step), Outcome(outcome), if_seq, parent_id, name, version_id, mtime_ms, bool(executable))
