"""The feed: nodes in the order of their last change, as the devices read them.

A place in it is a pair (feed_seq, id), and a node has one place: whatever changes moves to the end.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from heapq import merge
from typing import NamedTuple

from app.db.transaction import Snapshot
from app.repositories.listings import LISTED, Listed, listed_of

_HEAD = "SELECT epoch, seq, mark, last_ms, oldest_seq FROM meta"
# CROSS JOINs keep the order of the tables: it is the index of the feed that must lead.
_ROWS = f"""
    {LISTED} WHERE n.space_id = :space AND (n.feed_seq, n.id) > (:seq, :id) ORDER BY n.feed_seq, n.id
"""
_ANY = "SELECT 1 FROM nodes WHERE space_id = :space AND (feed_seq, id) > (:seq, :id) LIMIT 1"
_STEP = "SELECT id, tag, parent_id, name, dead_seq, feed_seq FROM nodes WHERE id = :id"
_TIME = "SELECT at_ms FROM journal WHERE seq = :seq"


class Place(NamedTuple):
    """A place in the feed; places are ordered."""

    seq: int
    id: int


@dataclass(frozen=True, slots=True)
class Head:
    """Where the journal ends: its epoch, the last seq with its chain mark and time, and where it begins."""

    epoch: str
    seq: int
    mark: bytes
    last_ms: int
    oldest_seq: int


class Step(NamedTuple):
    """What a page needs of a folder on the way up."""

    id: int
    tag: bytes
    parent_id: int | None
    name: str
    dead_seq: int
    feed_seq: int


def head(tx: Snapshot) -> Head:
    """Return where the journal ends in this snapshot."""
    return Head(*tx.connection.execute(_HEAD).fetchone())


def rows_after(tx: Snapshot, space_ids: Sequence[int], place: Place) -> Iterator[Listed]:
    """Yield the nodes of these spaces behind a place, dead or alive, in the order of the feed, one by one."""
    spaces = [
        map(listed_of, tx.execute(_ROWS, {"space": space_id, "seq": place.seq, "id": place.id}))
        for space_id in space_ids
    ]
    return spaces[0] if len(spaces) == 1 else merge(*spaces, key=place_of)


def place_of(listed: Listed) -> Place:
    """Return a node's place."""
    return Place(listed.node.feed_seq, listed.node.id)


def has_news(tx: Snapshot, space_ids: Sequence[int], place: Place) -> bool:
    """Tell whether anything in these spaces lies behind a place."""
    places = ({"space": space_id, "seq": place.seq, "id": place.id} for space_id in space_ids)
    return any(tx.one(_ANY, values) is not None for values in places)


def step(tx: Snapshot, node_id: int) -> Step:
    """Return a folder that another row names, so that it is there."""
    return Step(*tx.connection.execute(_STEP, {"id": node_id}).fetchone())


def seq_before(tx: Snapshot, time_ms: int, head: Head) -> int | None:
    """Return the last seq of before a time; None if the journal does not reach back to it.

    Times in the journal never go back, so that bisection finds it.
    """
    low, high = head.oldest_seq - 1, head.seq  # what lies at or below `low` is older, what lies above `high` is not
    while low < high:
        middle = (low + high + 1) // 2
        row = tx.one(_TIME, {"seq": middle})
        if row is not None and row["at_ms"] < time_ms:
            low = middle
        else:
            high = middle - 1
    return low if low >= head.oldest_seq or head.oldest_seq == 1 else None
