"""What a scan asks of the local tree: many rows at once, as tuples, so that what has not changed costs little."""

import json
from collections.abc import Iterable

from client.sync.model import LocalEntry
from client.sync.trees.state import State

_CHILDREN = """
    SELECT name, lid, kind, size, mtime_ns, ctime_ns, inode, sha256 IS NOT NULL AND NOT sure, executable
      FROM local WHERE parent = ? ORDER BY lid
"""
_FILES_BELOW = """
    WITH RECURSIVE below(lid) AS (
        SELECT value FROM json_each(?) UNION SELECT l.lid FROM local AS l JOIN below ON l.parent = below.lid)
    SELECT count(*) FROM local JOIN below USING (lid) WHERE kind = 'file'
"""
_INODES_BELOW = """
    WITH RECURSIVE below(lid) AS (
        SELECT value FROM json_each(?) UNION SELECT l.lid FROM local AS l JOIN below ON l.parent = below.lid)
    SELECT inode, lid FROM local JOIN below USING (lid) ORDER BY lid
"""
_RENUMBER = "UPDATE local SET device = ? WHERE device = ?"


Row = tuple[str, int, str, int, int, int, int, int, int]
"""Name, lid, kind, size, mtime_ns, ctime_ns, inode, and whether it is racy (to be read once more), executable."""


def children(state: State, lid: int) -> list[Row]:
    """Return what a folder holds: in the order of lids."""
    return state.db.rows(_CHILDREN, (lid,))


def is_decodable(name: str) -> bool:
    """Tell whether a name found on disk is UTF-8; others have no rows, and no statement takes them."""
    return name.isascii() or not any("\ud800" <= char <= "\udfff" for char in name)


def row_at(state: State, lid: int, name: str) -> LocalEntry | None:
    """Return the entry of that name in a folder."""
    return state.local_child(lid, name) if is_decodable(name) else None


def below(state: State, lid: int) -> list[int]:
    """Return an entry and all below it, each after the folder that holds it."""
    found = [lid]
    for each in found:
        found += [row[1] for row in children(state, each)]
    return found


def files_below(state: State, lids: Iterable[int]) -> int:
    """Return how many of these entries, and of all below them, are files."""
    above = json.dumps(list(lids))
    return int(state.db.rows(_FILES_BELOW, (above,))[0][0])


def inodes_below(state: State, lids: Iterable[int]) -> list[tuple[int, int]]:
    """Return the inode and the lid of each of these entries, and of all below them."""
    return state.db.rows(_INODES_BELOW, (json.dumps(list(lids)),))


def renumber_device(state: State, before: int, now: int) -> None:
    """Take it that a mount has another device number than before: the system gives them anew at each start."""
    state.db.run(_RENUMBER, (now, before))
    state.reread()
