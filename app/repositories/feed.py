"""The feed: nodes in the order of their last change, as the devices read them, and what left a view.

A place in it is a pair (feed_seq, id), and a node has one place: whatever changes moves to the end.
"""

import sqlite3
from collections.abc import Iterable, Iterator
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
_DEPARTED = """
    SELECT seq, node_id FROM departures WHERE space_id = :space AND (seq, node_id) > (:seq, :id) ORDER BY seq, node_id
"""
_ANY_ROW = "SELECT 1 FROM nodes WHERE space_id = :space AND (feed_seq, id) > (:seq, :id) LIMIT 1"
_ANY_DEPARTED = "SELECT 1 FROM departures WHERE space_id = :space AND (seq, node_id) > (:seq, :id) LIMIT 1"
_STEP = "SELECT id, tag, space_id, parent_id, name, seq, dead_seq, feed_seq FROM nodes WHERE id = :id"
_MEMBERSHIPS = """
    SELECT m.space_id, s.tag, s.owner_id, m.role, m.joined_seq, m.left_seq, s.root_id, r.dead_seq,
           n.id, n.tag, n.space_id, n.parent_id, n.name, n.seq, n.dead_seq, n.feed_seq
      FROM members m
      JOIN spaces s ON s.id = m.space_id
      JOIN nodes r ON r.id = s.root_id
      JOIN nodes n ON n.id = m.mount_id
     WHERE m.user_id = :user
"""
_BEHIND_MOUNT = "SELECT s.id, s.root_id FROM nodes n JOIN spaces s ON s.id = n.target_id WHERE n.id = :id"
_PLACE_UNTIL = "SELECT parent_id, name FROM past WHERE node_id = :id AND to_seq = :seq"
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
    space_id: int
    parent_id: int | None
    name: str
    seq: int
    dead_seq: int
    feed_seq: int

    @property
    def place(self) -> Place:
        """Its place in the feed."""
        return Place(self.feed_seq, self.id)


@dataclass(frozen=True, slots=True)
class Membership:
    """A shared space that a user sees, or saw once, with the mount in their home that showed it last.

    Attributes:
        role: the number of an `access.Role`.
        joined_seq: the seq with which the space came into the user's view.
        left_seq: the seq with which it went; None while it is there.
        is_trashed: its root is.
    """

    space_id: int
    tag: bytes
    owner_id: int
    role: int
    joined_seq: int
    left_seq: int | None
    root_id: int
    is_trashed: bool
    mount: Step


class Departure(NamedTuple):
    """A node that left a space, or the root of a space that left a view, at `place`; its id is the node's."""

    place: Place


@dataclass(frozen=True, slots=True)
class Stretch:
    """What is to be read of one space: all behind a place."""

    space_id: int
    place: Place

    @property
    def values(self) -> dict[str, int]:
        """The parameters of this module's statements."""
        return {"space": self.space_id, "seq": self.place.seq, "id": self.place.id}


def head(tx: Snapshot) -> Head:
    """Return where the journal ends in this snapshot."""
    return Head(*tx.connection.execute(_HEAD).fetchone())


def rows_after(
    tx: Snapshot, stretches: Iterable[Stretch], others: Iterable[Listed | Departure]
) -> Iterator[Listed | Departure]:
    """Yield the nodes of some spaces, dead or alive, and what left them, in the order of the feed, one by one.

    Args:
        others: what comes in between, in order.
    """
    rows: list[Iterable[Listed | Departure]] = [others]
    for stretch in stretches:  # most have nothing, and to ask that first costs less than to begin reading
        if tx.one(_ANY_ROW, stretch.values) is not None:
            rows.append(map(listed_of, tx.execute(_ROWS, stretch.values)))
        if tx.one(_ANY_DEPARTED, stretch.values) is not None:
            rows.append(Departure(Place(*row)) for row in tx.execute(_DEPARTED, stretch.values))
    return merge(*rows, key=place_of)


def place_of(row: Listed | Departure) -> Place:
    """Return a row's place."""
    return row.place if isinstance(row, Departure) else Place(row.node.feed_seq, row.node.id)


def has_news(tx: Snapshot, stretches: Iterable[Stretch]) -> bool:
    """Tell whether there is anything to be read."""
    return any(
        tx.one(statement, stretch.values) is not None
        for stretch in stretches
        for statement in (_ANY_ROW, _ANY_DEPARTED)
    )


def step(tx: Snapshot, node_id: int) -> Step:
    """Return a folder that another row names, so that it is there."""
    return Step(*tx.connection.execute(_STEP, {"id": node_id}).fetchone())


def memberships(tx: Snapshot, user_id: int) -> list[Membership]:
    """Return all shared spaces that a user sees or has ever seen."""
    return [_membership(row) for row in tx.all(_MEMBERSHIPS, {"user": user_id})]


def behind_mount(tx: Snapshot, mount_id: int) -> tuple[int, int]:
    """Return the space that a mount shows, and its root."""
    row = tx.connection.execute(_BEHIND_MOUNT, {"id": mount_id}).fetchone()
    return row[0], row[1]


def place_until(tx: Snapshot, node_id: int, seq: int) -> tuple[int | None, str] | None:
    """Return the folder and name that a node had until the change `seq`; None if that changed something else of it."""
    row = tx.one(_PLACE_UNTIL, {"id": node_id, "seq": seq})
    return None if row is None else (row["parent_id"], row["name"])


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


def time_of(tx: Snapshot, seq: int) -> int | None:
    """Return when a change was made, Unix milliseconds; None where the journal knows it no more."""
    row = tx.one(_TIME, {"seq": seq})
    return None if row is None else int(row["at_ms"])


def _membership(row: sqlite3.Row) -> Membership:
    space_id, tag, owner_id, role, joined_seq, left_seq, root_id, is_trashed, *mount = row
    return Membership(space_id, tag, owner_id, role, joined_seq, left_seq, root_id, is_trashed > 0, Step(*mount))
