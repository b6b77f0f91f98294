"""Copies: new nodes with new versions of the same chunks; no byte is moved."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from app.auth.identity import Actor
from app.db.database import Database
from app.db.transaction import Transaction
from app.errors import AppError, ConflictError, InvalidRequestError, LimitReachedError, NameTakenError, NotFoundError
from app.repositories import nodes
from app.repositories.nodes import Kind, Node
from app.services import access
from app.services.access import Right, Sight
from app.services.copying import Copying
from app.services.guard import Guard
from app.services.kept_rows import copy_kept
from app.services.ledger import Ledger
from app.services.lock_state import NOTHING_SHOWN, Shown
from app.services.lots import change_each
from app.services.memberships import refuse_mounts_below
from app.services.names import check_name, check_place, free_name
from app.services.replacing import (
    Placed,
    copy_content,
    current_version,
    find_place,
    put_in_trash,
    require_replaceable,
)
from app.services.targets import OnConflict
from app.services.views import View

COPY_NODES = 10_000
COPY_KEPT = 16 * 1024 * 1024
"""Bytes of properties that one copy makes anew: no other write goes on meanwhile."""
PAGE = 1000


@dataclass(frozen=True, slots=True)
class Wanted:
    """A copy that somebody asks for: of a node, by its wire id, into a folder, under a name."""

    file_id: str
    parent_id: str
    name: str
    on_conflict: OnConflict = "fail"


class CopyService:
    """Copies files, and folders of up to 10,000 nodes."""

    def __init__(self, database: Database) -> None:
        """Take the database."""
        self._database = database

    async def copy(
        self, actor: Actor, file_id: str, parent_id: str, name: str, on_conflict: OnConflict = "fail"
    ) -> View:
        """Copy a node into a folder under a name, in one step.

        Where the name is in use, `rename` finds a free one, and `replace` makes the content of a file the newest
        version of the file that has it; nothing but a file is replaced, and by nothing else.

        Raises:
            NotFoundError: there is no such node or folder.
            NameTakenError: the name is in use there.
            ConflictError: a folder would be copied into itself.
            LimitReachedError: a folder has too many nodes, or shared folders in it.
            InvalidRequestError: something would lie too deep, or its path be too long.
            QuotaExceededError: the quota has no room for the copy.
            LockedError: somebody's lock binds that folder.
        """
        wanted = Wanted(file_id, parent_id, name, on_conflict)
        return await self._database.write(lambda tx: _copy_into(tx, actor, wanted))

    async def copy_many(self, actor: Actor, copies: Sequence[Wanted]) -> list[View | AppError]:
        """Do as `copy` does with each; one that is refused holds up no other."""
        return await change_each(self._database, copies, lambda tx, wanted: _copy_into(tx, actor, wanted))

    async def copy_path(
        self,
        actor: Actor,
        source: Sequence[str],
        target: Sequence[str],
        *,
        overwrite: bool,
        is_deep: bool,
        shown: Shown = NOTHING_SHOWN,
    ) -> Placed:
        """Copy what is at a path of checked names to another one, in one step; raises as `copy` does.

        What is there goes to the trash; a file under a file gets its content as a new version.

        Args:
            source: where it is.
            target: where the copy is to be.
            overwrite: what is at `target` may give way.
            is_deep: a folder is copied with all below it.
            shown: what the request shows of locks.

        Raises:
            InvalidRequestError: both are the same, or `target` is the whole view.
            NameTakenError: there is something at `target`, and `overwrite` is not set.
            ConflictError: the folder of `target` is missing, or is in what is copied, or the source in what gives way.
        """

        def work(tx: Transaction) -> Placed:
            guard = Guard(tx, actor, shown)
            origin = access.look_path(tx, actor, source)
            parent, name, existing = find_place(tx, actor, target)
            if existing is not None:
                require_replaceable(existing, origin, overwrite=overwrite)
                if existing.node.is_file and origin.node.is_file:
                    copy_content(tx, actor, guard, origin, existing)
                    return Placed(View.of(tx, access.look_number(tx, actor, existing.node.id)), replaced=True)
                put_in_trash(tx, actor, guard, existing)
            made = _copy(tx, actor, guard, origin, parent, name, is_deep=is_deep)
            return Placed(View.of(tx, access.look_number(tx, actor, made.id)), replaced=existing is not None)

        return await self._database.write(work)


def _copy_into(tx: Transaction, actor: Actor, wanted: Wanted) -> View:
    name = check_name(wanted.name)
    source, target = access.look(tx, actor, wanted.file_id), access.look(tx, actor, wanted.parent_id)
    if not target.node.is_folder:
        raise NotFoundError("There is no folder with this id.")
    guard = Guard(tx, actor)
    if wanted.on_conflict == "replace" and (taken := _file_to_replace(tx, source, target, name)) is not None:
        copy_content(tx, actor, guard, source, taken)
        return View.of(tx, access.look_number(tx, actor, taken.node.id))
    free = _free_name(tx, target, name) if wanted.on_conflict == "rename" else name
    made = _copy(tx, actor, guard, source, target, free, is_deep=True)
    return View.of(tx, access.look_number(tx, actor, made.id))


def _file_to_replace(tx: Transaction, source: Sight, target: Sight, name: str) -> Sight | None:
    """Return the file that gives way to a file, None where there is none of the name."""
    found = nodes.find_child(tx, target.node.id, name)
    if found is None or not (found.is_file and source.node.is_file):
        return None
    if found.id == source.node.id:
        raise InvalidRequestError("That is where it is.")
    return target.child(tx, found)


def _free_name(tx: Transaction, target: Sight, name: str) -> str:
    return free_name(name, lambda name: nodes.name_in_use(tx, target.node.id, name) is not None)


def _copy(
    tx: Transaction, actor: Actor, guard: Guard, source: Sight, target: Sight, name: str, *, is_deep: bool
) -> Node:
    """Copy a node into a folder; all that is refused is refused before anything is written."""
    node = source.node
    target.require(Right.WRITE)
    source.require(Right.READ)
    if is_deep and node.id in target.below:
        raise ConflictError("A folder can not be copied into itself.", node.id)
    taken = nodes.name_in_use(tx, target.node.id, name)
    if taken is not None:
        raise NameTakenError("There is already something of this name in this folder.", taken)
    check_place(target.place, target.depth, [name])
    guard.members(target)
    copy = _Copy(tx, actor)
    if is_deep:
        refuse_mounts_below(tx, source.within, node, "copied")
        size, items = nodes.figures(tx, node)
        if items > COPY_NODES:
            raise LimitReachedError(f"A folder of more than {COPY_NODES} nodes is not copied in one step.")
        Ledger(tx).require(target.space.id, size=size, reserved=0)
        made = copy.copy(node, target, name)
    else:
        made = copy.copy_alone(node, target, name)
    copy.finish()
    return made


class _Copy:
    """One copy under way, and what it adds up to."""

    def __init__(self, tx: Transaction, actor: Actor) -> None:
        self._tx = tx
        self._copying = Copying(tx, actor)
        self._kept = 0

    def copy(self, source: Node, target: Sight, name: str) -> Node:
        """Copy a node and all below it."""
        if not source.is_folder:
            return self._copy_file(source, target, name)
        top = self._copy_folder(source, target, name)
        waiting = [(source.id, top)]
        while waiting:
            old, new = waiting.pop()
            for child in self._children(old):
                check_place(new.place, new.depth, [child.name])
                if child.kind is Kind.MOUNT:  # of somebody who does not own what is copied
                    raise LimitReachedError("There are shared folders in it: move them elsewhere before it is copied.")
                if child.is_folder:
                    waiting.append((child.id, self._copy_folder(child, new, child.name)))
                else:
                    self._copy_file(child, new, child.name)
        return top.node

    def copy_alone(self, source: Node, target: Sight, name: str) -> Node:
        """Copy a node without what is below it."""
        if source.is_folder:
            return self._copy_folder(source, target, name).node
        return self._copy_file(source, target, name)

    def finish(self) -> None:
        """Write what all of it adds up to."""
        self._copying.finish()

    def _children(self, folder_id: int) -> Iterator[Node]:
        after = ""
        while page := nodes.live_children(self._tx, folder_id, after=after, limit=PAGE):
            yield from page
            after = page[-1].name

    def _copy_properties(self, source: Node, made: Node) -> None:
        self._kept += copy_kept(self._tx, self._copying.ledger, source, made)
        if self._kept > COPY_KEPT:
            raise LimitReachedError("Programs left too much on what is in it: copy it in parts.")

    def _copy_folder(self, source: Node, target: Sight, name: str) -> Sight:
        made = self._copying.make_folder(target, name)
        self._copy_properties(source, made.node)
        return made

    def _copy_file(self, source: Node, target: Sight, name: str) -> Node:
        """Copy a file as it is now."""
        made = self._copying.make_file(source, current_version(self._tx, source), target, name)
        self._copy_properties(source, made)
        return made
