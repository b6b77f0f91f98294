"""Remembers for a moment who showed which token, so that not every request asks the database (security.md, S6)."""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from app.auth.endings import Ended
from app.auth.identity import Actor
from app.auth.tokens import Presented

LIFETIME_S = 60.0
MOST_ENTRIES = 10_000


@dataclass(frozen=True, slots=True)
class _Entry:
    digest: bytes
    actor: Actor
    until_s: float


class RecentActors:
    """A cache of who holds which token. It never says what they may do, and forgets at once what has ended."""

    def __init__(self, clock_s: Callable[[], float]) -> None:
        """Begin empty; `clock_s` never goes back (time.monotonic)."""
        self._clock_s = clock_s
        self._entries: OrderedDict[str, _Entry] = OrderedDict()
        self._endings = 0

    @property
    def endings(self) -> int:
        """How many endings were heard of; read it before asking the database, and hand it to `keep`."""
        return self._endings

    def find(self, presented: Presented) -> Actor | None:
        """Return whose token this is, if it was shown within the last minute."""
        entry = self._entries.get(presented.public_id)
        if entry is None or not presented.proves(entry.digest):
            return None
        if entry.until_s <= self._clock_s():
            del self._entries[presented.public_id]
            return None
        return entry.actor

    def keep(self, presented: Presented, actor: Actor, *, endings: int) -> None:
        """Remember who holds a token; not if anything ended since `endings` was read, for it might be this."""
        if endings != self._endings:
            return
        self._entries[presented.public_id] = _Entry(presented.digest, actor, self._clock_s() + LIFETIME_S)
        self._entries.move_to_end(presented.public_id)
        if len(self._entries) > MOST_ENTRIES:
            self._entries.popitem(last=False)

    def forget(self, ended: Ended) -> None:
        """Forget what has ended."""
        self._endings += 1
        gone = [
            public_id
            for public_id, entry in self._entries.items()
            if entry.actor.user_id == ended.user_id and ended.actor_id in (None, entry.actor.id)
        ]
        for public_id in gone:
            del self._entries[public_id]
