"""How long a server has run on this folder in all: a second clock, which nobody can set."""

import time

from app.db.transaction import Snapshot, Transaction
from app.repositories import uptime
from app.repositories.uploads import Expiry

HOUR_S = 3600
DAY_S = 86_400


class Uptime:
    """Counts on from what `meta` holds."""

    def __init__(self, stored_s: int) -> None:
        """Begin at the stored count of seconds."""
        self._base_s = stored_s - time.monotonic()

    def now_s(self) -> int:
        """Return the seconds that servers have run on this folder."""
        return int(self._base_s + time.monotonic())

    def expiry(self, now_ms: int, days: int) -> Expiry:
        """Return the end of a span of `days` from now by both clocks."""
        return Expiry(now_ms + days * DAY_S * 1000, self.now_s() + days * DAY_S)

    def save(self, tx: Transaction) -> None:
        """Store the count."""
        uptime.write(tx, self.now_s())


def read_uptime(tx: Snapshot) -> Uptime:
    """Return the clock as the database left it."""
    return Uptime(uptime.read(tx))
