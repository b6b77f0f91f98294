"""The trash: a delete is one row whatever lies below, a restore one row and a slow reveal, a purge goes in slices."""

import heapq
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice

from app.auth.identity import Actor
from app.db.database import Database, Use
from app.db.transaction import Snapshot, Transaction
from app.errors import AppError, ConflictError, InvalidRequestError
from app.ids import encode_id
from app.repositories import deletions, listings, members, nodes, spaces
from app.repositories.audit import Event
from app.repositories.listings import Listed
from app.repositories.nodes import Node, Sums
from app.repositories.spaces import Space
from app.repositories.uploads import Upload
from app.services import access, memberships
from app.services.access import Right, Role, Sight
from app.services.arriving import is_arriving
from app.services.audit import note
from app.services.folders import make_folder
from app.services.guard import Guard
from app.services.jobs import JobService
from app.services.lock_state import NOTHING_SHOWN, Shown
from app.services.lots import change_each
from app.services.open_uploads import OpenUploads, claims_over, wire_id
from app.services.places import bring_back, old_place
from app.services.purge import begin_purge
from app.services.replacing import put_in_trash
from app.services.reveal import reveal_below
from app.services.views import View
from storage.store import ChunkStore

NEWEST = 2**63 - 1
_Dropped = tuple[list[str], list[str]]
"""Uploads that ended, and the claims that are over by it."""


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

    def __init__(
        self, database: Database, jobs_: JobService, table: OpenUploads, store: ChunkStore, epoch: str
    ) -> None:
        """Take the parts it works with, and the journal's epoch, which etags carry."""
        self._database = database
        self._jobs = jobs_
        self._table = table
        self._store = store
        self._epoch = epoch

    async def delete(self, actor: Actor, file_id: str, seen: Seen) -> None:
        """Move a node with all below it to the trash; one that is there already stays as it is.

        A shared folder that its owner deletes goes out of everybody's view; another member who deletes it leaves it.

        Raises:
            NotFoundError: there is no such node, or it is not the actor's to see.
            ConflictError: it is not as its author had seen it.
            LimitReachedError: there are shared folders in it.
            LockedError: somebody's lock binds it, something in it, or the folder that it is in.
        """
        await self._delete(actor, lambda tx: _unless_deleted(tx, actor, file_id), seen, NOTHING_SHOWN)

    async def delete_many(self, actor: Actor, file_ids: Sequence[str]) -> list[AppError | None]:
        """Do as `delete` does with each; one that is refused holds up no other, and its refusal stands at its place."""

        def work(tx: Transaction, file_id: str) -> _Dropped:
            return self._closing(tx, actor, _unless_deleted(tx, actor, file_id), Seen(), NOTHING_SHOWN)

        results = await change_each(self._database, file_ids, work, use=Use.FREES)
        for dropped in results:
            if not isinstance(dropped, AppError):
                self._drop(dropped)
        return [result if isinstance(result, AppError) else None for result in results]

    async def delete_path(self, actor: Actor, names: Sequence[str], seen: Seen, shown: Shown = NOTHING_SHOWN) -> None:
        """Move what is at a path of checked names to the trash; raises as `delete` does."""
        await self._delete(actor, lambda tx: access.look_path(tx, actor, names), seen, shown)

    async def _delete(
        self, actor: Actor, find: Callable[[Transaction], Sight | None], seen: Seen, shown: Shown
    ) -> None:
        self._drop(
            await self._database.write(lambda tx: self._closing(tx, actor, find(tx), seen, shown), use=Use.FREES)
        )

    def _closing(self, tx: Transaction, actor: Actor, sight: Sight | None, seen: Seen, shown: Shown) -> _Dropped:
        dropped = [] if sight is None else self._put_away(tx, actor, Guard(tx, actor, shown), sight, seen)
        return [wire_id(upload) for upload in dropped], claims_over(tx, dropped)

    def _drop(self, dropped: _Dropped) -> None:
        upload_ids, claims = dropped
        self._table.closed(upload_ids)
        self._store.drop_claims(claims)

    async def list_page(self, actor: Actor, *, before: int | None, limit: int) -> tuple[list[Trashed], int | None]:
        """Return up to `limit` entries of the trash, the latest first, and where they end; None at the end.

        They are those of the home and of every shared folder where the actor may write.

        Raises:
            ForbiddenError: this credential sees one folder only.
        """

        def work(tx: Snapshot) -> tuple[list[Trashed], int | None]:
            access.require_whole_view(actor)
            start = NEWEST if before is None else before
            writable = [space for space in access.spaces_of(tx, actor) if _may_write(tx, actor, space)]
            found = heapq.merge(
                *(listings.trash(tx, space.id, before=start, limit=limit + 1) for space in writable),
                key=lambda entry: -entry[0].node.dead_seq,
            )
            shelf = _Shelf(tx, actor)
            entries = list(islice(found, limit + 1))
            page = [shown for entry in entries[:limit] if (shown := shelf.show(*entry)) is not None]
            return page, entries[limit - 1][0].node.dead_seq if len(entries) > limit else None

        return await self._database.read(work)

    async def restore(self, actor: Actor, trash_id: str) -> View:
        """Bring a node back to its old place; missing folders above it are made, a free name is chosen.

        Raises:
            NotFoundError: the trash holds no such entry.
            InvalidRequestError: its old place has become too deep, or its path too long.
            LockedError: somebody's lock binds the folder that it comes back to.
        """
        view = await self._database.write(lambda tx: _restore(tx, actor, trash_id))
        self._jobs.added()
        return view

    async def restore_many(self, actor: Actor, trash_ids: Sequence[str]) -> list[View | AppError]:
        """Do as `restore` does with each; one that is refused holds up no other."""
        results = await change_each(self._database, trash_ids, lambda tx, trash_id: _restore(tx, actor, trash_id))
        self._jobs.added()
        return results

    async def purge(self, actor: Actor, trash_id: str) -> None:
        """Remove an entry of the trash for good, once; its space comes back in slices.

        Raises:
            NotFoundError: the trash holds no such entry.
        """
        await self._database.write(lambda tx: _purge(tx, actor, trash_id), use=Use.FREES)
        self._jobs.added()

    async def purge_many(self, actor: Actor, trash_ids: Sequence[str]) -> list[AppError | None]:
        """Do as `purge` does with each; one that is refused holds up no other, and its refusal stands at its place."""
        results = await change_each(
            self._database, trash_ids, lambda tx, trash_id: _purge(tx, actor, trash_id), use=Use.FREES
        )
        self._jobs.added()
        return results

    def _put_away(self, tx: Transaction, actor: Actor, guard: Guard, sight: Sight, seen: Seen) -> list[Upload]:
        """Delete a node, or leave the shared folder that it is; return the uploads that ended by it."""
        if sight.is_root:
            raise InvalidRequestError("The home itself can not be deleted.")
        if sight.entry is not sight.node and access.role_in(tx, actor, sight.within) is not Role.OWNER:
            access.look_number(tx, actor, sight.above_entry[0]).require(Right.WRITE)
            self._check(tx, sight, seen)
            guard.leave(sight)
            return _leave(tx, actor, sight)
        self._check(tx, sight, seen)
        put_in_trash(tx, actor, guard, sight)
        return memberships.unmount_all(tx, actor, sight.within) if sight.node.parent_id is None else []

    def _check(self, tx: Snapshot, sight: Sight, seen: Seen) -> None:
        view = View.of(tx, sight)
        node = sight.node
        newest = max(node.seq, node.feed_seq, view.listed.below_seq, deletions.shown_seq(tx, node.id))
        stale = (
            (seen.base_version is not None and seen.base_version != view.version_id)
            or (seen.if_seq is not None and seen.if_seq != sight.seq)
            or (seen.if_below_seq is not None and (newest > seen.if_below_seq or is_arriving(tx, sight)))
            or (seen.if_etag is not None and seen.if_etag != view.etag(self._epoch))
        )
        if stale:
            raise ConflictError("It, or something in it, changed since it was looked at.", sight.node.id)


def _unless_deleted(tx: Snapshot, actor: Actor, file_id: str) -> Sight | None:
    return None if access.is_deleted(tx, actor, file_id) else access.look(tx, actor, file_id)


def _restore(tx: Transaction, actor: Actor, trash_id: str) -> View:
    sight = access.look_trashed(tx, actor, trash_id)
    sight.require(Right.WRITE)
    place, sums = old_place(tx, actor, sight.node), Sums()
    folder = place.folder
    folder.require(Right.WRITE)
    Guard(tx, actor).members(folder)
    for name in place.missing:
        folder = make_folder(tx, actor, folder, name, sums)
    if sight.node.parent_id is None:
        node = _remount(tx, actor, sight, folder, place.name)
    else:
        node = bring_back(tx, actor, sight.node, folder, place.name)
        size, items = nodes.figures(tx, node)
        sums.add(folder.below, seq=node.seq, size=size, items=items)
    sums.apply(tx)
    spaces.adjust(tx, node.space_id, seq=node.seq)
    reveal_below(tx, actor, node)
    return View.of(tx, access.look_number(tx, actor, node.id))


def _purge(tx: Transaction, actor: Actor, trash_id: str) -> None:
    if access.is_purged(tx, actor, trash_id):
        return
    sight = access.look_trashed(tx, actor, trash_id)
    sight.require(Right.WRITE)
    root_of = sight.space.id if sight.node.parent_id is None else None
    begin_purge(tx, sight.node.id, root_of=root_of, user_id=actor.user_id, actor_id=actor.id)


def _may_write(tx: Snapshot, actor: Actor, space: Space) -> bool:
    return Right.WRITE in access.rights_in(tx, actor, space)


def _leave(tx: Transaction, actor: Actor, sight: Sight) -> list[Upload]:
    """Take a shared folder of somebody else out of the actor's view."""
    member = members.find(tx, actor.user_id, sight.within.id)
    if member is None:
        raise AssertionError(f"user {actor.user_id} sees space {sight.within.id} and is no member")
    about = encode_id(sight.node.id, sight.node.tag)
    note(tx, Event.MEMBER_REMOVED, actor=actor, about=about, detail={"username": actor.username})
    return memberships.leave(tx, actor, member)


def _remount(tx: Transaction, actor: Actor, sight: Sight, folder: Sight, name: str) -> Node:
    """Bring a shared folder back, and into the view of all who were its members when it was deleted."""
    root, deleted_seq = sight.node, sight.node.dead_seq
    node = deletions.restore(tx, root, parent_id=None, name=root.name, actor_id=actor.id)
    memberships.mount_again(tx, actor, sight.space, parent_id=folder.node.id, name=name, since=deleted_seq)
    return node


class _Shelf:
    """Shows entries of the trash; many come from the same folders, so each of those is looked at once."""

    def __init__(self, tx: Snapshot, actor: Actor) -> None:
        self._tx = tx
        self._actor = actor
        self._folders: dict[int, tuple[Sight, str] | None] = {}

    def show(self, listed: Listed, deleted_by: str) -> Trashed | None:
        """Return an entry; None where it lies in a folder that moved out of the actor's view."""
        node = listed.node
        if node.parent_id is None:
            sight = access.look_trashed(self._tx, self._actor, encode_id(node.id, node.tag))
            view = View.of(self._tx, sight)
            return Trashed(view, node.dead_ms or 0, deleted_by)
        if node.parent_id not in self._folders:
            self._folders[node.parent_id] = self._folder(node.parent_id)
        found = self._folders[node.parent_id]
        if found is None:
            return None
        folder, parent_id = found
        space_id = encode_id(folder.within.id, folder.within.tag)
        view = View(listed, folder.child_path(node.name), space_id, parent_id, View.version_id_of(node), folder.rights)
        return Trashed(view, node.dead_ms or 0, deleted_by)

    def _folder(self, folder_id: int) -> tuple[Sight, str] | None:
        """Return the folder that nodes were in, itself perhaps dead by now, and its wire id."""
        sight = access.look_dead_or_alive(self._tx, self._actor, folder_id)
        return None if sight is None else (sight, encode_id(sight.node.id, sight.node.tag))
