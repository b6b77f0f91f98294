"""What people have chosen to take along as one zip: a list too long for an address, kept for a while in memory.

Who knows the id of a selection gets nothing by it: each entry is looked at with the rights of who asks.
"""

import secrets
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from app.errors import NotFoundError

LIFETIME_MS = 3600 * 1000
OF_ONE = 4
"""Selections of one user; of more the oldest is forgotten."""
ENTRIES = 500_000
"""Entries of all selections together; of more the oldest are forgotten."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Entries by their wire ids, in the order in which they come into the zip."""

    id: str
    user_id: int
    file_ids: tuple[str, ...]
    expires_ms: int


class Selections:
    """Keeps selections until they are an hour old, the server stops, or newer ones need the room."""

    def __init__(self, clock_ms: Callable[[], int]) -> None:
        """Take the wall clock, Unix milliseconds."""
        self._clock_ms = clock_ms
        self._kept: OrderedDict[str, Selection] = OrderedDict()

    def keep(self, user_id: int, file_ids: tuple[str, ...]) -> Selection:
        """Keep a selection of a user's."""
        made = Selection(secrets.token_urlsafe(18), user_id, file_ids, self._clock_ms() + LIFETIME_MS)
        self._kept[made.id] = made
        own = [kept.id for kept in self._kept.values() if kept.user_id == user_id]
        for selection_id in own[:-OF_ONE]:
            del self._kept[selection_id]
        while sum(len(kept.file_ids) for kept in self._kept.values()) > ENTRIES:
            self._kept.popitem(last=False)
        return made

    def get(self, user_id: int, selection_id: str) -> Selection:
        """Return one of the user's selections.

        Raises:
            NotFoundError: there is none of this id any more.
        """
        found = self._kept.get(selection_id)
        if found is None or found.user_id != user_id or found.expires_ms <= self._clock_ms():
            raise NotFoundError("There is nothing with this id.")  # as of what somebody may not see
        return found
