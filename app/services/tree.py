"""Looking at the tree and changing it: listings, new folders, renames and moves."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from functools import partial

from app.auth.identity import Actor
from app.db.database import Database
from app.db.transaction import Snapshot, Transaction
from app.errors import (
    AppError,
    ConflictError,
    InvalidRequestError,
    LimitReachedError,
    NameTakenError,
    NotFoundError,
    QuotaExceededError,
)
from app.listing import Order, Place, Sort
from app.repositories import conversions, listings, nodes, spaces
from app.repositories.nodes import Node, Sums
from app.services import access
from app.services.access import Right, Sight
from app.services.conversion import carry_over
from app.services.folders import make_folder
from app.services.guard import Guard
from app.services.jobs import JobService
from app.services.lock_state import NOTHING_SHOWN, Shown
from app.services.lots import change_each
from app.services.memberships import refuse_mounts_below
from app.services.names import check_name, check_place, free_name, split_path
from app.services.places import check_below
from app.services.replacing import Placed, find_place, move_content, put_in_trash, require_replaceable
from app.services.reveal import follow_move
from app.services.targets import OnConflict
from app.services.views import View


class Keep(Enum):
    """What a change leaves as it is."""

    AS_IS = "as is"


@dataclass(frozen=True, slots=True)
class Change:
    """What a PATCH asks for; `Keep.AS_IS` where it says nothing.

    Attributes:
        parent_id: the new folder's id on the wire.
        if_seq: the seq of the node that the caller last saw; None to change it whatever it is now.
    """

    name: str | Keep = Keep.AS_IS
    parent_id: str | Keep = Keep.AS_IS
    mtime_ms: int | Keep = Keep.AS_IS
    executable: bool | Keep = Keep.AS_IS
    if_seq: int | None = None
    on_conflict: OnConflict = "fail"


class TreeService:
    """The tree as one person sees it."""

    def __init__(self, database: Database, jobs: JobService) -> None:
        """Take the database, and who works off what goes in slices."""
        self._database = database
        self._jobs = jobs

    async def get(self, actor: Actor, file_id: str) -> View:
        """Return a node by id."""
        return await self._database.read(lambda tx: _read(tx, access.look(tx, actor, file_id)))

    async def get_number(self, actor: Actor, node_id: int) -> View:
        """Return a node by the number that a refusal names."""
        return await self._database.read(lambda tx: _read(tx, access.look_number(tx, actor, node_id)))

    async def get_path(self, actor: Actor, path: str) -> View:
        """Return a node by its path in the actor's view."""
        names = split_path(path)
        return await self._database.read(lambda tx: _read(tx, access.look_path(tx, actor, names)))

    async def children(
        self, actor: Actor, file_id: str, *, sort: Sort, order: Order, after: Place | None, limit: int
    ) -> tuple[list[View], Place | None]:
        """Return a page of a folder, folders first, and where it ends; None at the end.

        Raises:
            NotFoundError: there is no such folder.
        """

        def work(tx: Snapshot) -> tuple[list[View], Place | None]:
            folder = access.look(tx, actor, file_id)
            if not folder.node.is_folder:
                raise NotFoundError("There is no folder with this id.")
            folder.require(Right.READ)
            page, end = listings.children(tx, folder.node.id, sort=sort, order=order, after=after, limit=limit)
            return View.of_children(tx, folder, page), end

        return await self._database.read(work)

    async def count(self, actor: Actor, file_id: str) -> int:
        """Return how many children a folder has; raises as `children` does."""

        def work(tx: Snapshot) -> int:
            folder = access.look(tx, actor, file_id)
            folder.require(Right.READ)
            return listings.count(tx, folder.node.id)

        return await self._database.read(work)

    async def make_folder_at(self, actor: Actor, path: str, *, parents: bool, shown: Shown = NOTHING_SHOWN) -> View:
        """Make a folder at a path, with the folders above it if `parents`.

        Raises:
            NameTakenError: there is something at this path already.
            NotFoundError: a folder above it is missing.
            LockedError: somebody's lock binds the folder that it would be in.
        """
        names = split_path(path)

        def work(tx: Transaction) -> View:
            guard = Guard(tx, actor, shown)
            at, missing = access.descend(tx, access.home(tx, actor), names)
            if not missing or not at.node.is_folder:
                raise NameTakenError(f"There is already something at {at.path}.", at.node.id)
            if len(missing) > 1 and not parents:
                raise NotFoundError(f'There is no folder {at.child_path(missing[0])}; "parents": true makes it.')
            return _make_folders(tx, actor, guard, at, missing)

        return await self._database.write(work)

    async def make_folder_in(self, actor: Actor, parent_id: str, name: str) -> View:
        """Make a folder in the folder `parent_id`.

        Raises:
            NameTakenError: the name is in use there.
            LockedError: somebody's lock binds that folder.
        """
        name = check_name(name)

        def work(tx: Transaction) -> View:
            parent = access.look(tx, actor, parent_id)
            if not parent.node.is_folder:
                raise NotFoundError("There is no folder with this id.")
            return _make_folders(tx, actor, Guard(tx, actor), parent, [name])

        return await self._database.write(work)

    async def change(self, actor: Actor, file_id: str, change: Change) -> View:
        """Rename, move, re-date a node or set its executable bit, in one step whatever lies below.

        Of a shared folder, the mount is renamed and moved, for this person alone. A file that replaces a file becomes
        its newest version; nothing else is replaced.

        Raises:
            ConflictError: it changed since `if_seq`, or would move into itself.
            NameTakenError: the name is in use there.
            LimitReachedError: a shared folder would come into another one.
            QuotaExceededError: it moves into a folder of somebody else, whose quota has no room for it.
            LockedError: somebody's lock binds it, something in it, or one of the folders.
        """

        def work(tx: Transaction) -> View:
            return change_node(tx, actor, Guard(tx, actor), access.look(tx, actor, file_id), change, size)

        size = await self._database.read(lambda tx: _size_moved(tx, actor, file_id, change))
        view = await self._database.write(work)
        self._jobs.added()
        return view

    async def change_many(self, actor: Actor, changes: Sequence[tuple[str, Change]]) -> list[View | AppError]:
        """Do as `change` does with each, by its id; one that is refused holds up no other."""

        def survey(tx: Snapshot) -> list[int | None]:
            return [_other_owner(tx, actor, file_id, change) for file_id, change in changes]

        def work(tx: Transaction, one: tuple[tuple[str, Change], int | None]) -> View:
            (file_id, change), owner_id = one
            sight, size = access.look(tx, actor, file_id), sizes.get(file_id, 0)
            ahead = 0 if owner_id is None else coming[owner_id]
            view = change_node(tx, actor, Guard(tx, actor), sight, change, size + ahead)
            if owner_id is not None and sight.node.is_folder:
                coming[owner_id] += size
            return view

        sizes: dict[str, int] = {}
        coming = Counter[int]()  # by owner, what lies in folders that came with this call: jobs book it after it
        owners = await self._database.read(survey)
        for (file_id, _), owner_id in zip(changes, owners, strict=True):
            if owner_id is not None and file_id not in sizes:  # each by itself: others read in between
                sizes[file_id] = await self._database.read(partial(_size_below, actor=actor, file_id=file_id))
        results = await change_each(self._database, list(zip(changes, owners, strict=True)), work)
        self._jobs.added()
        return results

    async def move_path(
        self,
        actor: Actor,
        source: Sequence[str],
        target: Sequence[str],
        *,
        overwrite: bool,
        shown: Shown = NOTHING_SHOWN,
    ) -> Placed:
        """Move what is at a path of checked names to another one, in one step whatever lies below.

        What is there goes to the trash in the same step; a file under a file gets its content as a new version.

        Raises:
            InvalidRequestError: both are the same, or one is the whole view.
            NotFoundError: there is nothing at `source`.
            NameTakenError: there is something at `target`, and `overwrite` is not set.
            ConflictError: the folder of `target` is missing, or in what is moved, or the source in what gives way.
            LimitReachedError: a shared folder would give way, or come into another one.
            QuotaExceededError: it moves into a folder of somebody else, whose quota has no room for it.
            LockedError: somebody's lock binds it, something in it, what gives way, or one of the folders.
        """

        def measure(tx: Snapshot) -> int:
            sight, parent = access.look_path(tx, actor, source), find_place(tx, actor, target)[0]
            return conversions.size_below(tx, sight.node.id) if _is_anothers(sight, parent) else 0

        size = await self._database.read(measure)

        def work(tx: Transaction) -> Placed:
            guard = Guard(tx, actor, shown)
            return _move(tx, actor, guard, access.look_path(tx, actor, source), target, size, overwrite=overwrite)

        placed = await self._database.write(work)
        self._jobs.added()
        return placed


def _read(tx: Snapshot, sight: Sight) -> View:
    sight.require(Right.READ)
    return View.of(tx, sight)


def _make_folders(tx: Transaction, actor: Actor, guard: Guard, at: Sight, names: list[str]) -> View:
    at.require(Right.WRITE)
    guard.members(at)
    check_place(at.place, at.depth, names)
    sums = Sums()
    for name in names:
        at = make_folder(tx, actor, at, name, sums)
    sums.apply(tx)
    return View.of(tx, at)


def _size_moved(tx: Snapshot, actor: Actor, file_id: str, change: Change) -> int:
    """Return the bytes of what would move into a folder of another owner, old versions and trash too; 0 if of none.

    That may take a while, so a reader does it: what is uploaded there until the move is written comes on top.
    """
    return 0 if _other_owner(tx, actor, file_id, change) is None else _size_below(tx, actor, file_id)


def _other_owner(tx: Snapshot, actor: Actor, file_id: str, change: Change) -> int | None:
    """Return into whose folder a change moves a node of another's; None of one that does not, or is refused."""
    if isinstance(change.parent_id, Keep):
        return None
    try:
        sight, parent = access.look(tx, actor, file_id), access.look(tx, actor, change.parent_id)
    except NotFoundError:
        return None
    return parent.within.owner_id if Right.WRITE in parent.rights and _is_anothers(sight, parent) else None


def _is_anothers(sight: Sight, parent: Sight) -> bool:
    return sight.within.owner_id != parent.within.owner_id and sight.entry is sight.node


def _size_below(tx: Snapshot, actor: Actor, file_id: str) -> int:
    try:
        return conversions.size_below(tx, access.look(tx, actor, file_id).node.id)
    except NotFoundError:  # it has gone since: then its change is refused
        return 0


def change_node(tx: Transaction, actor: Actor, guard: Guard, sight: Sight, change: Change, size: int = 0) -> View:
    """Change a node that this person sees; for who changes more in the same unit of work. Refuses as `change` does.

    Args:
        size: bytes of what moves into a folder of another owner.
    """
    node = sight.entry  # of a shared folder the mount: its name and place are this person's own
    target = None if isinstance(change.parent_id, Keep) else access.look(tx, actor, change.parent_id)
    if sight.is_root:
        raise InvalidRequestError("The home itself can not be changed.")
    if node is sight.node:
        sight.require(Right.WRITE)
    if change.if_seq is not None and change.if_seq != sight.seq:
        raise ConflictError("It changed since it was looked at.", sight.node.id)
    if sight.node.is_folder and not (change.mtime_ms is change.executable is Keep.AS_IS):
        raise InvalidRequestError("A folder has no mtime_ms and no executable bit of its own.")
    parent = target or access.look_number(tx, actor, sight.above_entry[0])
    if target is None:
        parent.require(Right.WRITE)
    else:
        _check_parent(tx, sight, target, size)
    name = node.name if isinstance(change.name, Keep) else check_name(change.name)
    taken = _other_of_name(tx, node, parent, name)
    if taken is not None and change.on_conflict == "replace" and taken.node.is_file and sight.node.is_file:
        move_content(tx, actor, guard, sight, taken)
        return View.of(tx, access.look_number(tx, actor, taken.node.id))
    return _place(
        tx,
        actor,
        guard,
        sight,
        parent,
        _settle_name(tx, change, node, parent, name),
        mtime_ms=node.mtime_ms if isinstance(change.mtime_ms, Keep) else change.mtime_ms,
        executable=node.executable if isinstance(change.executable, Keep) else change.executable,
    )


def _move(
    tx: Transaction, actor: Actor, guard: Guard, sight: Sight, target: Sequence[str], size: int, *, overwrite: bool
) -> Placed:
    parent, name, existing = find_place(tx, actor, target)
    node = sight.entry
    if sight.is_root:
        raise InvalidRequestError("The home itself can not be moved.")
    if node is sight.node:
        sight.require(Right.WRITE)
    if existing is not None:
        require_replaceable(existing, sight, overwrite=overwrite)
        if existing.node.is_file and node.is_file:
            move_content(tx, actor, guard, sight, existing)
            return Placed(View.of(tx, access.look_number(tx, actor, existing.node.id)), replaced=True)
    _check_parent(tx, sight, parent, size)
    if existing is not None:
        put_in_trash(tx, actor, guard, existing)
    view = _place(tx, actor, guard, sight, parent, name, mtime_ms=node.mtime_ms, executable=node.executable)
    return Placed(view, replaced=existing is not None)


def _place(
    tx: Transaction,
    actor: Actor,
    guard: Guard,
    sight: Sight,
    parent: Sight,
    name: str,
    *,
    mtime_ms: int | None,
    executable: bool,
) -> View:
    """Give a node its place and attributes; the name is free there, and the actor may write."""
    node = sight.entry
    check_place(parent.place, parent.depth, [name])
    if parent.depth >= sight.depth:  # else nothing gets deeper
        check_below(tx, sight.node, parent.depth + 1)
    if (parent.node.id, name, mtime_ms, executable) == (node.parent_id, node.name, node.mtime_ms, node.executable):
        return View.of(tx, sight)
    moves = (parent.node.id, name) != (node.parent_id, node.name)
    if moves:
        guard.leave(sight)
        guard.members(parent)
    else:
        guard.change(sight)
    changed = nodes.set_place(
        tx,
        node,
        parent_id=parent.node.id,
        name=name,
        mtime_ms=mtime_ms,
        executable=executable,
        actor_id=actor.id,
        space_id=parent.space.id,
    )
    if moves and node is sight.node:  # behind a mount everything stays where it is
        guard.ended(tx, node.id)
    _move_sums(tx, sight, parent, changed)
    follow_move(tx, actor, sight)
    spaces.adjust(tx, changed.space_id, seq=changed.seq)
    carry_over(tx, actor, changed, came_from=node.space_id)
    return View.of(tx, access.look_number(tx, actor, sight.node.id))


def _check_parent(tx: Transaction, sight: Sight, parent: Sight, size: int) -> None:
    """Refuse a folder where the node can not be, or where this person may not write."""
    if not parent.node.is_folder:
        raise InvalidRequestError("The new parent is not a folder.")
    if sight.node.id in parent.below:
        raise ConflictError("A folder can not be moved into itself.", sight.node.id)
    parent.require(Right.WRITE)
    if parent.within.is_shared:
        _check_into_shared(tx, sight, parent)
    if parent.within.owner_id != sight.within.owner_id and sight.entry is sight.node:
        size = max(size, nodes.figures(tx, sight.node)[0])
        if not spaces.usage_of(tx, parent.within.owner_id).has_room(size):
            raise QuotaExceededError("The quota of that folder's owner has no room for this.")


def _check_into_shared(tx: Transaction, sight: Sight, parent: Sight) -> None:
    """Refuse what would bring one shared folder into another."""
    if sight.entry is not sight.node:
        raise LimitReachedError(f"A shared folder can not be in another one: {parent.path} is shared.")
    if sight.within.id != parent.within.id:
        refuse_mounts_below(tx, sight.within, sight.node, "moved into one")


def _other_of_name(tx: Transaction, node: Node, parent: Sight, name: str) -> Sight | None:
    """Return what else has the name in the folder, as the person sees it."""
    found = nodes.find_child(tx, parent.node.id, name)
    return None if found is None or found.id == node.id else parent.child(tx, found)


def _settle_name(tx: Transaction, change: Change, node: Node, parent: Sight, name: str) -> str:
    """Return the name that the node gets, as `on_conflict` says."""

    def taken_by(name: str) -> int | None:
        found = nodes.name_in_use(tx, parent.node.id, name)
        return None if found == node.id else found

    taken = taken_by(name)
    if taken is None:
        return name
    if change.on_conflict == "rename":
        return free_name(name, lambda name: taken_by(name) is not None)
    raise NameTakenError("There is already something of this name in this folder.", taken)


def _move_sums(tx: Transaction, sight: Sight, parent: Sight, changed: Node) -> None:
    """Take the node's figures from the folders above it before, and give them to those above it now."""
    sums = Sums()
    size, items = nodes.figures(tx, changed)
    sums.add(sight.above_entry, seq=changed.seq, size=-size, items=-items)
    sums.add(parent.below, seq=changed.seq, size=size, items=items)
    sums.apply(tx)
