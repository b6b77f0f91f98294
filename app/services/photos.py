"""The photos of one person: all pictures and videos of the view, by their times, whatever folder they are in."""

from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta
from heapq import merge

from app.auth.identity import Actor
from app.db.database import Database
from app.db.transaction import Snapshot
from app.errors import NotFoundError
from app.listing import Spot
from app.repositories import nodes, photos
from app.services import access
from app.services.access import Sight
from app.services.views import View

NEWEST = Spot(2**63 - 1, 2**63 - 1, 2**63 - 1)
_EPOCH = date(1970, 1, 1)
EFFORT = 20_000
"""Photos that one page looks at: those of a large folder in the trash are passed over, and may be many."""


class PhotoService:
    """Lists photos, and counts them by month."""

    def __init__(self, database: Database) -> None:
        """Take the database."""
        self._database = database

    async def page(self, actor: Actor, *, after: Spot | None, limit: int) -> tuple[list[View], Spot | None]:
        """Return up to `limit` photos, the newest first, and where to go on; None at the end.

        There may be fewer than `limit`, or none, and still more to come.

        Args:
            after: where an earlier page ended, or any other spot.

        Raises:
            ForbiddenError: this credential sees one folder alone.
        """
        access.require_whole_view(actor)

        def work(tx: Snapshot) -> tuple[list[View], Spot | None]:
            folders = _Folders(tx, actor)
            found = list[View]()
            for looked, spot in enumerate(_all(tx, actor, NEWEST if after is None else after), 1):
                view = folders.view(spot)
                if view is not None:
                    found.append(view)
                if len(found) == limit or looked == EFFORT:
                    return found, spot
            return found, None

        return await self._database.read(work)

    async def months(self, actor: Actor, *, offset_min: int) -> list[tuple[str, int]]:
        """Return how many photos there are in each month that has any, as `2026-11`, the newest first.

        Args:
            offset_min: how much later than UTC the asker's clock is, in minutes.

        Raises:
            ForbiddenError: this credential sees one folder alone.
        """
        access.require_whole_view(actor)

        def work(tx: Snapshot) -> list[tuple[str, int]]:
            folders, days, months = _Folders(tx, actor), Counter[int](), Counter[str]()
            for space in access.spaces_of(tx, actor):
                for batch in photos.by_day(tx, space.id, offset_ms=offset_min * 60_000):
                    if folders.find(batch.parent_id) is not None:
                        days[batch.day] += batch.photos
            for day, count in days.items():
                months[(_EPOCH + timedelta(days=day)).isoformat()[:7]] += count
            return sorted(months.items(), reverse=True)

        return await self._database.read(work)


def _all(tx: Snapshot, actor: Actor, spot: Spot) -> Iterator[Spot]:
    spaces = (photos.before(tx, space.id, spot) for space in access.spaces_of(tx, actor))
    return merge(*spaces, reverse=True)


class _Folders:
    """The folders that photos are in, as one person sees them; each is looked up once."""

    def __init__(self, tx: Snapshot, actor: Actor) -> None:
        self._tx = nodes.WaysKept(tx)
        self._actor = actor
        self._known: dict[int, Sight | None] = {}

    def find(self, folder_id: int) -> Sight | None:
        """Return a folder; None for one that is in the trash or not this person's to see."""
        if folder_id not in self._known:
            try:
                self._known[folder_id] = access.look_number(self._tx, self._actor, folder_id)
            except NotFoundError:
                self._known[folder_id] = None
        return self._known[folder_id]

    def view(self, spot: Spot) -> View | None:
        """Return a photo; None for one in a folder that is not there."""
        folder = self.find(spot.parent_id)
        node = None if folder is None else nodes.find(self._tx, spot.id)
        sight = None if folder is None or node is None else folder.child(self._tx, node)
        return None if sight is None else View.of(self._tx, sight)
