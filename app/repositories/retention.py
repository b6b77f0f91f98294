"""What retention reads and takes: rules of folders, ages, rounds under way, versions' content, closed states."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import msgspec

from app.db.transaction import Snapshot, Transaction

_RULES = "SELECT node_id, rule FROM retention"
_SET_RULE = """
    INSERT INTO retention (node_id, rule) VALUES (:node, :rule) ON CONFLICT DO UPDATE SET rule = excluded.rule
"""
_DROP_RULE = "DELETE FROM retention WHERE node_id = :node"
_LAST_AGE = "SELECT max(uptime_s) FROM ages"
_ADD_AGE = "INSERT INTO ages (uptime_s, seq, next_id) VALUES (:uptime, :seq, :next) ON CONFLICT DO NOTHING"
_AGE = "SELECT seq, next_id FROM ages WHERE uptime_s <= :uptime ORDER BY uptime_s DESC LIMIT 1"
_ROUND = "SELECT place FROM rounds WHERE name = :name"
_SET_ROUND = "INSERT INTO rounds (name, place) VALUES (:name, :place) ON CONFLICT DO UPDATE SET place = excluded.place"
_NODES = """
    SELECT node_id, count(*) AS versions FROM
      (SELECT node_id FROM versions WHERE node_id > :after ORDER BY node_id LIMIT :limit) GROUP BY node_id
"""
_KEPT = """
    SELECT v.id, v.created_ms, v.label IS NOT NULL, v.size FROM versions v
     WHERE v.node_id = :node AND v.manifest IS NOT NULL AND v.id IS NOT (SELECT version_id FROM nodes WHERE id = :node)
     ORDER BY v.id DESC
"""
_THIN = """
    UPDATE versions SET manifest = NULL, claimed_sha256 = NULL
     WHERE id = :id AND manifest IS NOT NULL AND label IS NULL
       AND id IS NOT (SELECT n.version_id FROM nodes n WHERE n.id = versions.node_id)
    RETURNING size
"""
_LABEL = "UPDATE versions SET label = :label WHERE id = :id"
_PLANNED = "SELECT 1 FROM jobs WHERE done_ms IS NULL AND kind IN (3, 4) LIMIT 1"
_HORIZON = "UPDATE spaces SET history_seq = max(history_seq, :seq)"
_PAST = """
    SELECT node_id, to_seq FROM past WHERE (node_id, to_seq) > (:node, :seq) ORDER BY node_id, to_seq LIMIT :limit
"""
_TRIM = """
    DELETE FROM past WHERE node_id = :node AND to_seq = :seq
       AND to_seq <= (SELECT s.history_seq FROM spaces s WHERE s.id = past.space_id)
"""
_DUE_TRASH = """
    SELECT id, parent_id FROM nodes
     WHERE space_id = :space AND dead_ms IS NOT NULL AND dead_seq <= :seq AND dead_ms <= :before
     ORDER BY dead_seq LIMIT :limit
"""
_OWNERS = """
    SELECT s.id, s.owner_id, (SELECT a.id FROM actors a WHERE a.user_id = s.owner_id AND a.kind = 3) AS server_id
      FROM spaces s ORDER BY s.id
"""


class Kept(NamedTuple):
    """An earlier version of a file whose content is still there."""

    id: int
    created_ms: int
    is_labelled: bool
    size: int


class Age(NamedTuple):
    """What was so at some time of running: numbers below are older."""

    seq: int
    next_id: int


def rules(tx: Snapshot) -> dict[int, bytes]:
    """Return the rules of all folders that have one of their own, by node."""
    return {row["node_id"]: row["rule"] for row in tx.all(_RULES)}


def set_rule(tx: Transaction, node_id: int, rule: bytes) -> None:
    """Give a folder a rule of its own."""
    tx.execute(_SET_RULE, {"node": node_id, "rule": rule})


def drop_rule(tx: Transaction, node_id: int) -> None:
    """Take a folder's own rule away."""
    tx.execute(_DROP_RULE, {"node": node_id})


def last_age_s(tx: Snapshot) -> int | None:
    """Return the uptime at which the counters were noted last."""
    number: int | None = tx.connection.execute(_LAST_AGE).fetchone()[0]
    return number


def note_age(tx: Transaction, uptime_s: int) -> None:
    """Note where the counters stand."""
    tx.execute(_ADD_AGE, {"uptime": uptime_s, "seq": tx.counters.seq, "next": tx.counters.next_id})


def age_at(tx: Snapshot, uptime_s: int) -> Age:
    """Return where the counters stood at an uptime, or a while before; zeros where that is not known."""
    row = tx.one(_AGE, {"uptime": uptime_s})
    return Age(0, 0) if row is None else Age(row["seq"], row["next_id"])


def place_of(tx: Snapshot, name: str) -> list[int] | None:
    """Return how far a round has come; None where none is under way."""
    row = tx.one(_ROUND, {"name": name})
    return None if row is None else msgspec.json.decode(row["place"], type=list[int] | None)


def set_place(tx: Transaction, name: str, place: list[int] | None) -> None:
    """Note how far a round has come; None ends it."""
    tx.execute(_SET_ROUND, {"name": name, "place": msgspec.json.encode(place)})


def nodes_with_versions(tx: Snapshot, after: int, *, limit: int) -> list[tuple[int, int]]:
    """Return the next files and how many versions each has, looking at `limit` versions; the last may have more."""
    return [(row["node_id"], row["versions"]) for row in tx.all(_NODES, {"after": after, "limit": limit})]


def kept(tx: Snapshot, node_id: int) -> Iterator[Kept]:
    """Yield the earlier versions of a file that still have their content, the newest first."""
    for number, created_ms, is_labelled, size in tx.execute(_KEPT, {"node": node_id}):
        yield Kept(number, created_ms, bool(is_labelled), size)


def thin(tx: Transaction, version_id: int) -> int:
    """Let a version's content go and return its size; 0 if it is current, labelled or gone."""
    row = tx.one(_THIN, {"id": version_id})
    return 0 if row is None else row["size"]


def set_label(tx: Transaction, version_id: int, label: str | None) -> None:
    """Give a version a label, or take it away."""
    tx.execute(_LABEL, {"id": version_id, "label": label})


def is_planned(tx: Snapshot) -> bool:
    """Tell whether a rewind or an undo is under way, whose plan may need any version and any state."""
    return tx.one(_PLANNED) is not None


def advance_horizon(tx: Transaction, seq: int) -> None:
    """Let as-of and undo reach back to `seq`, and no further."""
    tx.execute(_HORIZON, {"seq": seq})


def past_after(tx: Snapshot, node_id: int, seq: int, *, limit: int) -> list[tuple[int, int]]:
    """Return the next closed states: node, and the seq that ended it."""
    rows = tx.all(_PAST, {"node": node_id, "seq": seq, "limit": limit})
    return [(row["node_id"], row["to_seq"]) for row in rows]


def trim_past(tx: Transaction, states: Iterable[tuple[int, int]]) -> None:
    """Delete those of the states that ended before the horizon of their space."""
    tx.connection.executemany(_TRIM, [{"node": node_id, "seq": seq} for node_id, seq in states])


def owners(tx: Snapshot) -> list[tuple[int, int, int]]:
    """Return each space with its owner, and the actor that stands for the server with them."""
    return [(row["id"], row["owner_id"], row["server_id"]) for row in tx.all(_OWNERS)]


def due_trash(tx: Snapshot, space_id: int, *, seq: int, before_ms: int, limit: int) -> list[tuple[int, bool]]:
    """Return entries of a trash from before both, the oldest first: the node, and if it is the root of its space."""
    rows = tx.all(_DUE_TRASH, {"space": space_id, "seq": seq, "before": before_ms, "limit": limit})
    return [(row["id"], row["parent_id"] is None) for row in rows]
