"""The trash: a delete is one row whatever lies below, a restore one row and a slow reveal, a purge goes in slices."""

from dataclasses import dataclass

from app.auth.identity import Actor
from app.db.database import Database, Use
from app.db.transaction import Snapshot, Transaction
from app.errors import ConflictError, InvalidRequestError
from app.ids import encode_id
from app.repositories import deletions, jobs, listings, nodes, spaces
from app.repositories.jobs import JobKind, Walk
from app.repositories.journal import Operation
from app.repositories.listings import Listed
from app.repositories.nodes import Node, Sums
from app.services import access
from app.services.access import Right, Sight
from app.services.folders import make_folder
from app.services.jobs import JobService
from app.services.places import old_place
from app.services.reveal import is_being_revealed, reveal_below
from app.services.views import View

NEWEST = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Seen:
    """What the author of a delete had seen; what is None is not asked.

    Attributes:
        base_version: wire id of the file's version.
        if_seq: seq of the node itself.
        if_below_seq: no change at or below the node may be newer, and nothing there may come into view later.
        if_etag: the node's etag.
    """

    base_version: str | None = None
    if_seq: int | None = None
    if_below_seq: int | None = None
    if_etag: str | None = None


@dataclass(frozen=True, slots=True)
class Trashed:
    """One entry of the trash; `deleted_ms` in Unix milliseconds, `deleted_by` a user's name."""

    view: View
    deleted_ms: int
    deleted_by: str


class TrashService:
    """Deletes, shows, restores and purges."""

    def __init__(self, database: Database, jobs_: JobService, epoch: str) -> None:
        """Take the database, who works off what goes in slices, and the journal's epoch, which etags carry."""
        self._database = database
        self._jobs = jobs_
        self._epoch = epoch

    async def delete(self, actor: Actor, file_id: str, seen: Seen) -> None:
        """Move a node with all below it to the trash; one that is there already stays as it is.

        Raises:
            NotFoundError: there is no such node, or it is not the actor's to see.
            ConflictError: it is not as its author had seen it.
        """

        def work(tx: Transaction) -> None:
            if access.is_deleted(tx, actor, file_id):
                return
            sight = access.look(tx, actor, file_id)
            sight.require(Right.WRITE)
            if sight.node.parent_id is None:
                raise InvalidRequestError("The home itself can not be deleted.")
            self._check(tx, sight, seen)
            seq = deletions.trash(tx, sight.node, actor_id=actor.id)
            size, items = nodes.figures(tx, sight.node)
            sums = Sums()
            sums.add(sight.above, seq=seq, size=-size, items=-items)
            sums.apply(tx)
            spaces.adjust(tx, sight.space.id, seq=seq)

        await self._database.write(work, use=Use.FREES)

    async def list_page(self, actor: Actor, *, before: int | None, limit: int) -> tuple[list[Trashed], int | None]:
        """Return up to `limit` entries of the trash, the latest first, and where they end; None at the end."""

        def work(tx: Snapshot) -> tuple[list[Trashed], int | None]:
            home = access.home(tx, actor)
            start = NEWEST if before is None else before
            found = listings.trash(tx, home.space.id, before=start, limit=limit + 1)
            shelf = _Shelf(tx, home)
            page = [shelf.show(listed, deleted_by) for listed, deleted_by in found[:limit]]
            return page, page[-1].view.listed.node.dead_seq if len(found) > limit else None

        return await self._database.read(work)

    async def restore(self, actor: Actor, trash_id: str) -> View:
        """Bring a node back to its old place; missing folders above it are made, a free name is chosen.

        Raises:
            NotFoundError: the trash holds no such entry.
            InvalidRequestError: its old place has become too deep, or its path too long.
        """

        def work(tx: Transaction) -> View:
            sight = access.look_trashed(tx, actor, trash_id)
            place, sums = old_place(tx, actor, sight.node), Sums()
            folder = place.folder
            folder.require(Right.WRITE)
            for name in place.missing:
                folder = make_folder(tx, actor, folder, name, sums)
            node = deletions.restore(tx, sight.node, parent_id=folder.node.id, name=place.name, actor_id=actor.id)
            size, items = nodes.figures(tx, node)
            sums.add(folder.below, seq=node.seq, size=size, items=items)
            sums.apply(tx)
            spaces.adjust(tx, sight.space.id, seq=node.seq)
            reveal_below(tx, actor, node)
            return View.of(tx, access.look_number(tx, actor, node.id))

        view = await self._database.write(work)
        self._jobs.added()
        return view

    async def purge(self, actor: Actor, trash_id: str) -> None:
        """Remove an entry of the trash for good, once; its space comes back in slices.

        Raises:
            NotFoundError: the trash holds no such entry.
        """

        def work(tx: Transaction) -> None:
            if access.is_purged(tx, actor, trash_id):
                return
            sight = access.look_trashed(tx, actor, trash_id)
            sight.require(Right.WRITE)
            node_id = sight.node.id
            tx.record(node_id=node_id, operation=Operation.PURGE, actor_id=actor.id)
            deletions.hide_from_trash(tx, node_id)
            walk = Walk.from_top(node_id)
            jobs.add(tx, JobKind.PURGE, user_id=actor.user_id, actor_id=actor.id, node_id=node_id, state=walk)

        await self._database.write(work, use=Use.FREES)
        self._jobs.added()

    def _check(self, tx: Snapshot, sight: Sight, seen: Seen) -> None:
        view = View.of(tx, sight)
        node = sight.node
        newest = max(node.seq, node.feed_seq, view.listed.below_seq, deletions.shown_seq(tx, node.id))
        stale = (
            (seen.base_version is not None and seen.base_version != view.version_id)
            or (seen.if_seq is not None and seen.if_seq != sight.node.seq)
            or (seen.if_below_seq is not None and (newest > seen.if_below_seq or is_being_revealed(tx, sight)))
            or (seen.if_etag is not None and seen.if_etag != view.etag(self._epoch))
        )
        if stale:
            raise ConflictError("It, or something in it, changed since it was looked at.", sight.node.id)


class _Shelf:
    """Shows entries of one trash; many come from the same folders, so each of those is walked up from once."""

    def __init__(self, tx: Snapshot, home: Sight) -> None:
        self._tx = tx
        self._space_id = encode_id(home.space.id, home.space.tag)
        self._rights = home.rights
        self._folders: dict[int, tuple[str, str]] = {}

    def show(self, listed: Listed, deleted_by: str) -> Trashed:
        node = listed.node
        path, parent_id = self._folder(node)
        view = View(listed, f"{path}/{node.name}", self._space_id, parent_id, View.version_id_of(node), self._rights)
        return Trashed(view, node.dead_ms or 0, deleted_by)

    def _folder(self, node: Node) -> tuple[str, str]:
        """Return path, without a slash at its end, and wire id of the folder that a node was in."""
        parent = None if node.parent_id is None else nodes.find(self._tx, node.parent_id)
        if parent is None:
            raise AssertionError(f"trashed node {node.id} was in no folder")
        if parent.id not in self._folders:
            names = [step.name for step in nodes.way_up(self._tx, parent.id)][:-1]
            path = "".join(f"/{name}" for name in reversed(names))
            self._folders[parent.id] = path, encode_id(parent.id, parent.tag)
        return self._folders[parent.id]
