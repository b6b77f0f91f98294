"""Copies out of the past: what was, made anew in the present from the chunks that are kept; no byte is moved."""

from collections.abc import Iterator, Sequence

from app.auth.identity import Actor
from app.db.database import Database
from app.db.transaction import Transaction
from app.errors import LimitReachedError, NameTakenError
from app.repositories import versions
from app.repositories.nodes import Kind, Node
from app.repositories.versions import Version
from app.services import access
from app.services.access import Right, Sight
from app.services.copies import COPY_NODES, PAGE
from app.services.copying import Copying
from app.services.guard import Guard
from app.services.lock_state import NOTHING_SHOWN, Shown
from app.services.moments import Place
from app.services.names import check_place
from app.services.past import Moment, Spot, Walk, content_gone, seq_of
from app.services.replacing import Placed, find_place, possess_copied, put_content, put_in_trash
from app.services.views import View


class PastCopyService:
    """Brings back what was, beside or in place of what is."""

    def __init__(self, database: Database) -> None:
        """Take the database."""
        self._database = database

    async def copy_path(
        self,
        actor: Actor,
        source: Sequence[str],
        moment: Moment,
        target: Sequence[str],
        *,
        overwrite: bool,
        is_deep: bool,
        shown: Shown = NOTHING_SHOWN,
    ) -> Placed:
        """Copy what was at a path of checked names to one of now, in one step.

        What is there goes to the trash; a file under a file gets its content as a new version.

        Args:
            source: where it was.
            moment: when that was.
            target: where the copy is to be.
            overwrite: what is at `target` may give way.
            is_deep: a folder is copied with all below it; files whose content is gone are left out, as they are of
                its listing.
            shown: what the request shows of locks.

        Raises:
            NotFoundError: there was nothing, its content is gone, or the history does not reach back so far.
            NameTakenError: there is something at `target`, and `overwrite` is not set.
            ConflictError: the folder of `target` is missing.
            LimitReachedError: a folder had more than 10,000 nodes or shared folders in it, or one would give way.
            ForbiddenError: the actor may not change what is there.
            QuotaExceededError: the quota has no room for the copy.
            LockedError: somebody's lock binds what is there.
        """

        def work(tx: Transaction) -> Placed:
            guard = Guard(tx, actor, shown)
            walk = Walk(tx, actor, seq_of(tx, moment))
            spot = walk.to(source)
            parent, name, existing = find_place(tx, actor, target)
            parent.require(Right.WRITE)
            if existing is not None:
                _require_free(existing, overwrite=overwrite)
                if existing.node.is_file and not spot.is_folder:
                    _renew(tx, actor, guard, spot, existing)
                    return Placed(View.of(tx, access.look_number(tx, actor, existing.node.id)), replaced=True)
                put_in_trash(tx, actor, guard, existing)
            check_place(parent.place, parent.depth, [name])
            guard.members(parent)
            copy = _Copy(tx, actor, walk)
            made = copy.copy(spot, parent, name, is_deep=is_deep)
            copy.finish()
            return Placed(View.of(tx, access.look_number(tx, actor, made.id)), replaced=existing is not None)

        return await self._database.write(work)


class _Copy:
    """One copy under way, and what it adds up to."""

    def __init__(self, tx: Transaction, actor: Actor, walk: Walk) -> None:
        self._tx = tx
        self._walk = walk
        self._copying = Copying(tx, actor)
        self._left = COPY_NODES

    def copy(self, spot: Spot, target: Sight, name: str, *, is_deep: bool) -> Node:
        """Make a node, and if it was a folder and `is_deep`, all that was below it."""
        if not spot.is_folder:
            return self._make_file(spot, target, name)
        top = self._make_folder(target, name)
        waiting = [(spot, top)] if is_deep else []
        while waiting:
            old, new = waiting.pop()
            for child in self._children(old):
                child_name = child.view.listed.node.name
                check_place(new.place, new.depth, [child_name])
                if child.child is not None and child.child.kind is Kind.MOUNT:
                    raise LimitReachedError("There were shared folders in it: copy them by themselves.")
                if child.is_folder:
                    waiting.append((child, self._make_folder(new, child_name)))
                else:
                    self._make_file(child, new, child_name)
        return top.node

    def finish(self) -> None:
        """Write what all of it adds up to."""
        self._copying.finish()

    def _children(self, folder: Spot) -> Iterator[Spot]:
        end: Place | None = None
        while True:
            page, end = self._walk.children(folder, end, PAGE)
            yield from page
            if end is None:
                return

    def _make_folder(self, target: Sight, name: str) -> Sight:
        self._count()
        return self._copying.make_folder(target, name)

    def _make_file(self, spot: Spot, target: Sight, name: str) -> Node:
        self._count()
        version = _version_of(self._tx, spot)
        self._copying.ledger.require(target.space.id, size=version.size, reserved=0)
        return self._copying.make_file(spot.view.listed.node, version, target, name)

    def _count(self) -> None:
        self._left -= 1
        if self._left < 0:
            raise LimitReachedError(f"A folder of more than {COPY_NODES} nodes is not copied in one step: rewind it.")


def _renew(tx: Transaction, actor: Actor, guard: Guard, spot: Spot, existing: Sight) -> None:
    """Make what a file held then the newest version of one of now."""
    existing.require(Right.WRITE)
    guard.change(existing)
    version, old = _version_of(tx, spot), spot.view.listed.node
    put_content(tx, actor, existing, version, mtime_ms=old.mtime_ms or 0, executable=old.executable)
    possess_copied(tx, version, came_from=old.space_id, space_id=existing.space.id)


def _version_of(tx: Transaction, spot: Spot) -> Version:
    version = None if spot.kept is None else versions.find(tx, spot.kept.id)
    if version is None or version.manifest is None:
        raise content_gone()
    return version


def _require_free(existing: Sight, *, overwrite: bool) -> None:
    if not overwrite:
        raise NameTakenError("There is already something of this name in this folder.", existing.node.id)
    if existing.entry is not existing.node:
        raise LimitReachedError("A shared folder is not replaced: leave or delete it first.")
