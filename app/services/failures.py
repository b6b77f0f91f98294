"""Notes sign-ins that failed in the audit log, seldom enough that a stranger cannot fill the disk (security.md, E2)."""

import logging
from collections import OrderedDict
from collections.abc import Callable

from app.db.database import Database, Use
from app.repositories.audit import Event
from app.repositories.users import User
from app.services.audit import note
from storage.errors import StorageError

logger = logging.getLogger(__name__)

EVERY_S = 60.0
MOST_ENTRIES = 10_000


class FailureNotes:
    """Writes at most one line a minute for each account and network; the throttle bounds how many those are."""

    def __init__(self, database: Database, clock_s: Callable[[], float]) -> None:
        """Begin with nothing noted; `clock_s` never goes back (time.monotonic)."""
        self._database = database
        self._clock_s = clock_s
        self._noted: OrderedDict[tuple[str, str], float] = OrderedDict()

    async def note(self, account: str, user: User | None, network: str, what: str) -> None:
        """Note that somebody on `network` failed; a full disk keeps nobody from being told so.

        Args:
            account: the folded name that was given.
            user: whose it is; None where nobody's. Then it is not written down: it may be a password in the wrong
                field. But a line there is, or the time that it takes would tell who has an account.
            what: was wrong, for the line's outcome.
        """
        key, now = (account, network), self._clock_s()
        if self._noted.get(key, -EVERY_S) + EVERY_S > now:
            return
        self._noted[key] = now
        self._noted.move_to_end(key)
        if len(self._noted) > MOST_ENTRIES:
            self._noted.popitem(last=False)
        name = "" if user is None else user.name
        outcome = f"wrong {what}"
        try:
            await self._database.write(
                lambda tx: note(tx, Event.LOGIN, actor=None, about=name, outcome=outcome, address=network),
                use=Use.NOTES,
            )
        except StorageError as error:
            logger.warning("a failed sign-in could not be noted: %s", error)
