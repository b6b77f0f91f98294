"""All nodes of a space, whatever their state, for when the space goes for good."""

from dataclasses import dataclass

from app.db.transaction import Snapshot

_NEXT = """
    SELECT id, feed_seq, dead_seq FROM nodes WHERE space_id = :space AND (feed_seq, id) > (:seq, :id)
     ORDER BY feed_seq, id LIMIT :limit
"""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a walk through a space stands: the last node that is done, in the order of the feed."""

    feed_seq: int = 0
    node_id: int = 0


@dataclass(frozen=True, slots=True)
class Remnant:
    """A node that is still to be forgotten; `dead_seq` is 0 while it is alive."""

    id: int
    feed_seq: int
    dead_seq: int


def next_nodes(tx: Snapshot, space_id: int, after: Place, *, limit: int) -> list[Remnant]:
    """Return up to `limit` nodes of a space behind a place."""
    values = {"space": space_id, "seq": after.feed_seq, "id": after.node_id, "limit": limit}
    return [Remnant(*row) for row in tx.all(_NEXT, values)]
