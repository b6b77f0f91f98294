"""A file's versions: listed, and put back as new ones."""

from app.auth.identity import Actor
from app.db.database import Database
from app.db.transaction import Snapshot, Transaction
from app.errors import NotFoundError
from app.ids import decode_id
from app.repositories import retention, versions
from app.repositories.versions import PastVersion, Version
from app.services import access
from app.services.access import Right, Sight
from app.services.guard import Guard
from app.services.past_sight import look_ever
from app.services.replacing import put_content
from app.services.views import View

NEWEST = 2**63 - 1


class HistoryService:
    """What a file was."""

    def __init__(self, database: Database) -> None:
        """Take the database."""
        self._database = database

    async def list_page(
        self, actor: Actor, file_id: str, *, before: int | None, limit: int
    ) -> tuple[list[PastVersion], int | None]:
        """Return up to `limit` versions of a file, the newest first, and where they end; None at the end.

        Raises:
            NotFoundError: there is no such file.
        """

        def work(tx: Snapshot) -> tuple[list[PastVersion], int | None]:
            sight = _require_file(look_ever(tx, actor, file_id))
            start = NEWEST if before is None else before
            found = versions.of_node(tx, sight.node.id, before=start, limit=limit + 1)
            return found[:limit], found[limit - 1].id if len(found) > limit else None

        return await self._database.read(work)

    async def restore(self, actor: Actor, file_id: str, version_id: str) -> View:
        """Give a file the content of one of its versions, as a new version that moves no byte.

        Raises:
            NotFoundError: the file has no such version, or its content is gone.
            QuotaExceededError: the quota has no room for it.
            LockedError: somebody's lock binds the file.
        """

        def work(tx: Transaction) -> View:
            sight = _require_file(access.look(tx, actor, file_id))
            sight.require(Right.WRITE)
            Guard(tx, actor).change(sight)
            version = _find_version(tx, sight.node.id, version_id)
            put_content(tx, actor, sight, version, mtime_ms=version.mtime_ms, executable=version.executable)
            return View.of(tx, access.look_number(tx, actor, sight.node.id))

        return await self._database.write(work)

    async def label(self, actor: Actor, file_id: str, version_id: str, label: str | None) -> None:
        """Give a version a label, which keeps it from retention; None takes it away.

        Raises:
            NotFoundError: the file has no such version, or its content is gone.
        """

        def work(tx: Transaction) -> None:
            sight = _require_file(access.look(tx, actor, file_id))
            sight.require(Right.WRITE)
            retention.set_label(tx, _find_version(tx, sight.node.id, version_id).id, label)

        await self._database.write(work)


def _find_version(tx: Snapshot, node_id: int, version_id: str) -> Version:
    """Return a version of a node that still has its content."""
    version = versions.find_named(tx, *decode_id(version_id), node_id=node_id)
    if version is None:
        raise NotFoundError("This file has no version with this id.")
    if version.manifest is None:
        raise NotFoundError("The content of this version is gone: retention took it.")
    return version


def _require_file(sight: Sight) -> Sight:
    if sight.node.is_folder:
        raise NotFoundError("A folder has no versions.")
    return sight
