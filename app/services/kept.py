"""Properties that WebDAV programs keep on nodes, and the times that they set (RFC 4918, 9.2; RFC 5689)."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.auth.identity import Actor
from app.db.database import Database
from app.db.transaction import Snapshot, Transaction
from app.errors import ConflictError, NameTakenError
from app.repositories.journal import Operation
from app.repositories.nodes import Sums
from app.services import access
from app.services.access import Right
from app.services.folders import make_folder
from app.services.guard import Guard
from app.services.kept_rows import Setting, keep
from app.services.lock_state import NOTHING_SHOWN, Shown
from app.services.names import check_place
from app.services.tree import Change, change_node


@dataclass(frozen=True, slots=True)
class Patch:
    """What is to be set on one node, all of it or nothing.

    Attributes:
        settings: in the order in which they count.
        mtime_ms: the file's own time, Unix milliseconds; None to leave it.
    """

    settings: tuple[Setting, ...] = ()
    mtime_ms: int | None = None


class KeptProperties:
    """Sets and removes properties."""

    def __init__(self, database: Database) -> None:
        """Take the database."""
        self._database = database

    async def patch(self, actor: Actor, names: Sequence[str], patch: Patch, shown: Shown = NOTHING_SHOWN) -> None:
        """Change the properties of what is at a path, in one step.

        Raises:
            NotFoundError: there is nothing.
            ForbiddenError: this person may not write there.
            LimitReachedError: they would be too many, or too large.
            QuotaExceededError: the quota has no room for them.
            InvalidRequestError: a folder has no time of its own, nor has the home.
            LockedError: somebody's lock binds it.
        """

        def work(tx: Transaction) -> None:
            guard = Guard(tx, actor, shown)
            sight = access.look_path(tx, actor, names)
            sight.require(Right.WRITE)
            guard.change(sight)
            if patch.mtime_ms is not None:
                change_node(tx, actor, guard, sight, Change(mtime_ms=patch.mtime_ms))
            if patch.settings:
                keep(tx, sight.node, patch.settings)
                tx.record(node_id=sight.node.id, operation=Operation.PROPERTIES, actor_id=actor.id)

        await self._database.write(work)

    async def make_folder(
        self,
        actor: Actor,
        names: Sequence[str],
        settings: Sequence[Setting] = (),
        shown: Shown = NOTHING_SHOWN,
    ) -> None:
        """Make a folder at a path, with properties, in one step.

        Raises:
            NameTakenError: there is something at this path already.
            ConflictError: the folder that it would be in is missing.
            ForbiddenError: this person may not write there.
            LimitReachedError: the properties are too many, or too large.
            QuotaExceededError: the quota has no room for them.
            LockedError: somebody's lock binds the folder that it would be in.
        """

        def work(tx: Transaction) -> None:
            guard = Guard(tx, actor, shown)
            at, missing = access.descend(tx, access.home(tx, actor), names)
            if not missing:
                raise NameTakenError("There is already something at this path.", at.node.id)
            if len(missing) > 1 or not at.node.is_folder:
                raise ConflictError("The folder that this would be in is not there.")
            at.require(Right.WRITE)
            guard.members(at)
            check_place(at.place, at.depth, missing)
            sums = Sums()
            made = make_folder(tx, actor, at, missing[0], sums)
            sums.apply(tx)
            keep(tx, made.node, settings)

        # Programs make each folder again before each file: that it is there is seen without the one who writes.
        await self._database.read(lambda tx: _require_free(tx, actor, names))
        await self._database.write(work)


def _require_free(tx: Snapshot, actor: Actor, names: Sequence[str]) -> None:
    """Refuse a path at which there is something."""
    at, missing = access.descend(tx, access.home(tx, actor), names)
    if not missing:
        raise NameTakenError("There is already something at this path.", at.node.id)
