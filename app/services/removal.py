"""The end of an account: what it holds ends at once, and its files go for good or to somebody else."""

from app.auth.endings import Ended, Endings
from app.auth.identity import Actor
from app.auth.usernames import fold
from app.db.database import Database, Use
from app.db.transaction import Transaction
from app.repositories import resets, spaces, users
from app.repositories.audit import Event
from app.repositories.users import User
from app.services.accounts import require_admin
from app.services.audit import note
from app.services.erase import begin_erasing
from app.services.holdings import end_all
from app.services.jobs import JobService


class RemovalService:
    """Deletes accounts. The row of a user stays, for the journal names it; the name is free at once."""

    def __init__(self, database: Database, endings: Endings, jobs: JobService) -> None:
        """Take the parts it works with."""
        self._database = database
        self._endings = endings
        self._jobs = jobs

    async def delete(self, name: str, *, by: Actor | None) -> None:
        """Delete an account with all its files, which nobody sees from now on and whose room comes back in slices.

        Args:
            by: the admin who asks, None on the machine itself.

        Raises:
            NotFoundError: there is no such user.
            ForbiddenError: this is the last enabled admin.
        """

        def work(tx: Transaction) -> Ended:
            user = users.require(tx, fold(name))
            ended = _end(tx, user)
            self._erase(tx, user, by)
            note(tx, Event.USER_DELETED, actor=by, about=user.name, detail={"files": "delete"})
            return ended

        self._endings.announce(await self._database.write(work, use=Use.FREES))
        self._jobs.added()

    def _erase(self, tx: Transaction, user: User, by: Actor | None) -> None:
        asker = user.id if by is None else by.user_id
        begin_erasing(tx, spaces.home_of(tx, user.id), user_id=asker, actor_id=None if by is None else by.id)


def _end(tx: Transaction, user: User) -> Ended:
    ended = end_all(tx, user)
    users.forget_second_factor(tx, user)
    resets.forget(tx, user.id)
    users.bury(tx, user)
    require_admin(tx, user)
    return ended
