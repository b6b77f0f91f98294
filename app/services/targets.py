"""Where an upload goes: judged when it is requested and again when it is committed, by one function."""

from dataclasses import dataclass, replace
from typing import Literal

from app.auth.identity import Actor
from app.db.transaction import Snapshot
from app.errors import (
    AppError,
    ConflictError,
    InvalidRequestError,
    NameTakenError,
    NotFoundError,
    PreconditionFailedError,
)
from app.ids import encode_id
from app.repositories import nodes
from app.repositories.nodes import Node
from app.services import access
from app.services.access import Deleted, Right, Sight
from app.services.guard import Guard
from app.services.names import check_name, check_place, free_name, split_path
from app.services.places import old_place

OnConflict = Literal["fail", "rename", "replace"]


@dataclass(frozen=True, slots=True)
class Wish:
    """What an uploader asked for, kept with the upload until it is committed.

    One of `path`, `parent_id` with `name`, or `file_id` says where. Ids are those of the wire; `base_version` None
    means that the file must not exist yet; hashes are hexadecimal. `restore` brings a deleted `file_id` back. What is
    `conditional` carried `If-Match` or `If-None-Match`. `executable` None leaves a file's bit as it is, for a door that
    can not tell it.
    """

    mtime_ms: int
    content_type: str
    path: str | None = None
    parent_id: str | None = None
    name: str | None = None
    file_id: str | None = None
    executable: bool | None = False
    sha256: str | None = None
    base_version: str | None = None
    ancestors: tuple[str, ...] = ()
    on_conflict: OnConflict = "fail"
    parents: bool = False
    restore: bool = False
    conditional: bool = False


@dataclass(frozen=True, slots=True)
class Target:
    """Where the content will stand.

    Attributes:
        folder: the nearest folder that exists.
        missing: names of folders to be made below it.
        name: the file's name.
        existing: the file that gets a new version; None for a new file.
        kept_by: of a file in the trash, the trashed folders whose sums count it; None for a live one.
    """

    folder: Sight
    missing: tuple[str, ...]
    name: str
    existing: Node | None
    kept_by: tuple[int, ...] | None = None


class Folders:
    """Folders met inside one unit of work, so that a batch walks to each of them once."""

    def __init__(self, tx: Snapshot, actor: Actor) -> None:
        """Begin with none."""
        self._tx = tx
        self._actor = actor
        self._home = access.home(tx, actor)
        self._known: dict[tuple[str, ...], Sight] = {(): self._home}
        self._named: dict[str, Sight] = {}

    def nearest(self, names: tuple[str, ...]) -> tuple[Sight, list[str]]:
        """Return the last node that exists on this path in the actor's view, and the names that do not."""
        known = self._known.get(names)
        if known is not None:
            return known, []
        parent = self._known.get(names[:-1]) if names else None
        if parent is None:
            at, missing = access.descend(self._tx, self._home, names)
        else:
            at, missing = access.descend(self._tx, parent, names[-1:])
        if not missing:
            self._known[names] = at
        return at, missing

    def named(self, file_id: str) -> Sight:
        """Return what has this wire id, as `access.look` does."""
        known = self._named.get(file_id)
        if known is None:
            known = self._named[file_id] = access.look(self._tx, self._actor, file_id)
        return known


def find_target(tx: Snapshot, actor: Actor, wish: Wish, folders: Folders) -> Target:
    """Return where the content of `wish` goes now.

    Raises:
        InvalidRequestError: the place is not one that can be.
        NotFoundError: the file or its folder does not exist.
        NameTakenError: something else has the name.
        ConflictError: the file is not at the version that the uploader had seen.
        ForbiddenError: the actor may not write there.
    """
    if [wish.file_id, wish.path, wish.parent_id or wish.name].count(None) != 2:  # noqa: PLR2004 - one of three
        raise InvalidRequestError("Say where in one way: path, or parent_id with name, or file_id.")
    if wish.file_id is not None:
        deleted = access.find_deleted(tx, actor, wish.file_id) if wish.restore else None
        return _by_id(tx, actor, wish, wish.file_id) if deleted is None else _from_trash(tx, actor, wish, deleted)
    if wish.restore:
        raise InvalidRequestError("Say what to restore: restore goes with file_id.")
    if wish.path is not None:
        names = tuple(split_path(wish.path))
        if not names:
            raise InvalidRequestError("'/' is a folder: name the file.")
        at, missing = folders.nearest(names[:-1])
        name = names[-1]
    else:
        if wish.parent_id is None or wish.name is None:
            raise InvalidRequestError("Say where: parent_id goes with name.")
        at, missing, name = folders.named(wish.parent_id), [], check_name(wish.name)
    if not at.node.is_folder:
        raise NameTakenError(f"{at.path} is a file, not a folder.", at.node.id)
    if missing and not wish.parents:
        raise NotFoundError(f'There is no folder {at.child_path(missing[0])}; "parents": true makes it.')
    at.require(Right.WRITE)
    check_place(at.place, at.depth, (*missing, name))
    existing = None if missing else nodes.find_child(tx, at.node.id, name)
    return _settle(tx, wish, Target(at, tuple(missing), name, existing))


def require_free(guard: Guard, target: Target) -> None:
    """Refuse content for a file that is locked, or a new name in a folder that is.

    Raises:
        LockedError: somebody's lock binds it.
    """
    if target.existing is not None and target.kept_by is None:
        guard.require((target.existing.id, *target.folder.below))
    else:
        guard.members(target.folder)


def _by_id(tx: Snapshot, actor: Actor, wish: Wish, file_id: str) -> Target:
    sight = access.look(tx, actor, file_id)
    if sight.node.parent_id is None or not sight.node.is_file:
        raise InvalidRequestError("A folder has no content.")
    sight.require(Right.WRITE)
    parent = access.look_number(tx, actor, sight.node.parent_id)
    return _settle(tx, wish, Target(parent, (), sight.node.name, sight.node))


def _from_trash(tx: Snapshot, actor: Actor, wish: Wish, deleted: Deleted) -> Target:
    """Return the old place of a file that is to come back with this content."""
    node = deleted.sight.node
    if node.is_folder:
        raise InvalidRequestError("A folder has no content.")
    place = old_place(tx, actor, node)
    place.folder.require(Right.WRITE)
    target = Target(place.folder, place.missing, place.name, node, deleted.kept_by)
    if wish.base_version is None or grew_from(wish, node) or wish.on_conflict == "replace":
        return target
    if wish.on_conflict == "fail":
        raise ConflictError("The file has changed since the version that this grew from, and was deleted.", node.id)
    return replace(target, existing=None, kept_by=None)


def _settle(tx: Snapshot, wish: Wish, target: Target) -> Target:
    """Hold the uploader's base against what is there, and choose as `on_conflict` says."""
    existing = target.existing
    if existing is None:
        if wish.base_version is not None and wish.on_conflict == "fail":
            raise _stale(wish, ConflictError("The file that this was a change of is not there any more."))
        return target
    if existing.is_file:
        if grew_from(wish, existing) or wish.on_conflict == "replace":
            return target
        if wish.on_conflict == "fail" and wish.base_version is not None:
            raise _stale(
                wish, ConflictError("The file has changed since the version that this grew from.", existing.id)
            )
    if wish.on_conflict != "rename":
        raise _stale(wish, NameTakenError("There is already something of this name in this folder.", existing.id))
    folder_id = target.folder.node.id
    name = free_name(target.name, lambda name: nodes.name_in_use(tx, folder_id, name) is not None)
    return Target(target.folder, (), name, None)


def _stale(wish: Wish, refusal: ConflictError) -> AppError:
    """Return the refusal, as 412 where a header set the condition (api.md, Conventions)."""
    return PreconditionFailedError(str(refusal)) if wish.conditional else refusal


def grew_from(wish: Wish, node: Node) -> bool:
    """Tell whether the uploader's base is the file's version of now."""
    if node.version_id is None or node.version_tag is None:
        return False
    return wish.base_version == encode_id(node.version_id, node.version_tag)
