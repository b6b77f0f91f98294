"""The journal's vocabulary, and what is read from it; `Transaction.record` appends to it."""

from dataclasses import dataclass
from enum import IntEnum

from app.db.transaction import Snapshot, Transaction, mark_at, read_counters

_ROWS = """
    SELECT seq, node_id, op, actor_id, at_ms, mark FROM journal WHERE seq > :after ORDER BY seq LIMIT :limit
"""


class Operation(IntEnum):
    """What a journal row says happened to its node; the numbers stand in the database."""

    CREATE = 1
    CONTENT = 2
    MOVE = 3
    ATTRIBUTES = 4
    TRASH = 5
    RESTORE = 6
    REVEAL = 7
    PURGE = 8
    CARRY = 9
    PROPERTIES = 10


@dataclass(frozen=True, slots=True)
class JournalRow:
    """One change; `at_ms` in Unix milliseconds, `mark` the chain mark."""

    seq: int
    node_id: int
    operation: int
    actor_id: int
    at_ms: int
    mark: bytes


def rows_after(tx: Snapshot, seq: int, *, limit: int) -> list[JournalRow]:
    """Return up to `limit` rows after `seq`."""
    return [JournalRow(*row) for row in tx.all(_ROWS, {"after": seq, "limit": limit})]


def head(tx: Snapshot) -> str:
    """Return where the journal ends, as one word that stands for this journal and no other."""
    counters = tx.counters if isinstance(tx, Transaction) else read_counters(tx.connection)
    return f"{counters.epoch}.{counters.seq}.{counters.chain_mark.hex()}"


def holds(tx: Snapshot, place: str) -> bool:
    """Tell whether the journal has come by what `head` returned once; not so where an older one was put back."""
    epoch, seq, mark = place.split(".")
    found = mark_at(tx.connection, int(seq))
    return epoch == tx.identity().epoch and found is not None and found.hex() == mark
