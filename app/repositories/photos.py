"""Photos: pictures and videos in the order of their times, whatever folder they are in."""

from collections.abc import Iterator
from typing import NamedTuple

from app.db.transaction import Snapshot
from app.listing import Spot

FIRST_DAY, LAST_DAY = -719_161, 2_932_895
"""Days since 1970 that have a name: a time on the wire may be any number, and calendars have the years 1 to 9999."""
DAY_MS = 24 * 3600 * 1000

_BEFORE = """
    SELECT id, mtime_ms, parent_id FROM nodes
     WHERE space_id = :space AND is_photo = 1 AND dead_seq = 0
       AND (mtime_ms, parent_id, id) < (:mtime, :parent, :id)
     ORDER BY mtime_ms DESC, parent_id DESC, id DESC
"""
_BY_DAY = """
    SELECT (mtime_ms + :shift) / :day + :first AS day, parent_id, count(*) AS photos FROM nodes
     WHERE space_id = :space AND is_photo = 1 AND dead_seq = 0 AND mtime_ms BETWEEN :from AND :to
     GROUP BY 1, 2
"""


class Batch(NamedTuple):
    """How many photos of a day, counted from 1970, are in one folder."""

    day: int
    parent_id: int
    photos: int


def is_photo(content_type: str) -> bool:
    """Tell whether a content is a picture or a video; drawings of lines are none."""
    return content_type.startswith(("image/", "video/")) and content_type != "image/svg+xml"


def before(tx: Snapshot, space_id: int, spot: Spot) -> Iterator[Spot]:
    """Yield the photos of a space before `spot`, the newest first; also those that lie in folders of the trash."""
    values = {"space": space_id, "mtime": spot.mtime_ms, "parent": spot.parent_id, "id": spot.id}
    for row in tx.execute(_BEFORE, values):
        yield Spot(row["mtime_ms"], row["parent_id"], row["id"])


def by_day(tx: Snapshot, space_id: int, *, offset_ms: int) -> list[Batch]:
    """Return how many photos a space has, by day and folder; also those that lie in folders of the trash.

    Args:
        offset_ms: how much later than UTC a clock is where days are counted; at most a day either way.
    """
    first_ms = FIRST_DAY * DAY_MS
    values = {
        "space": space_id,
        "shift": offset_ms - first_ms,  # from there on nothing is negative, and division goes one way
        "day": DAY_MS,
        "first": FIRST_DAY,
        "from": first_ms + DAY_MS,
        "to": LAST_DAY * DAY_MS,
    }
    return [Batch(row["day"], row["parent_id"], row["photos"]) for row in tx.execute(_BY_DAY, values)]
