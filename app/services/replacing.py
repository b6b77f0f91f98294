"""What becomes of what stands where something else is to stand: the trash has it, or, of a file, its versions.

A file that comes to where a file is becomes its newest version (docs/decisions/0025): programs save by writing beside a
file and moving that over it, and its history is to be where people look for it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from app.auth.identity import Actor
from app.db.transaction import Snapshot, Transaction
from app.errors import ConflictError, InvalidRequestError, LimitReachedError, NameTakenError
from app.repositories import deletions, links, nodes, spaces, versions
from app.repositories.nodes import Content, Node, Sums
from app.repositories.versions import Version
from app.services import access
from app.services.access import Right, Sight
from app.services.guard import Guard
from app.services.kept_rows import hand_over, lay_over
from app.services.ledger import Ledger
from app.services.memberships import refuse_mounts_below
from app.services.views import View

PASSING_MS = 3600 * 1000
"""How old a file may be that leaves no trace of its own when it is moved over another one."""


@dataclass(frozen=True, slots=True)
class Placed:
    """What a move or a copy made, and whether something gave way to it."""

    view: View
    replaced: bool


def find_place(tx: Snapshot, actor: Actor, names: Sequence[str]) -> tuple[Sight, str, Sight | None]:
    """Return the folder that a path of checked names leads to, the last name, and what has it there now.

    Raises:
        InvalidRequestError: it is the path of the view itself.
        ConflictError: a folder on the way is missing.
    """
    if not names:
        raise InvalidRequestError("Nothing can take the place of the whole view.")
    parent, missing = access.descend(tx, access.home(tx, actor), names[:-1])
    if missing or not parent.node.is_folder:
        raise ConflictError(f"There is no folder {parent.child_path(missing[0]) if missing else parent.path}.")
    node = nodes.find_child(tx, parent.node.id, names[-1])
    return parent, names[-1], None if node is None else parent.child(tx, node)


def require_replaceable(existing: Sight, source: Sight, *, overwrite: bool) -> None:
    """Refuse to let something give way that must not.

    Raises:
        InvalidRequestError: it is the same thing.
        NameTakenError: nobody said that it may.
        ConflictError: what would take its place is in it.
        LimitReachedError: it is a shared folder.
    """
    if existing.node.id == source.node.id:
        raise InvalidRequestError("That is where it is.")
    if not overwrite:
        raise NameTakenError("There is already something of this name in this folder.", existing.node.id)
    if existing.node.id in (*source.above, *source.above_entry):
        raise ConflictError("It is in the folder that it would replace.", existing.node.id)
    if existing.entry is not existing.node:
        raise LimitReachedError("A shared folder is not replaced: leave or delete it first.")


def put_in_trash(tx: Transaction, actor: Actor, guard: Guard, sight: Sight) -> None:
    """Put a node with all below it into the trash, with one row.

    Raises:
        ForbiddenError: the actor may not.
        LimitReachedError: there are shared folders in it.
        LockedError: somebody's lock binds it, something in it, or the folder that it is in.
    """
    sight.require(Right.WRITE)
    refuse_mounts_below(tx, sight.within, sight.node, "deleted")
    guard.delete(sight)
    _leave(tx, sight, deletions.trash(tx, sight.node, actor_id=actor.id))
    guard.ended(tx, sight.node.id)


def move_content(tx: Transaction, actor: Actor, guard: Guard, source: Sight, target: Sight) -> None:
    """Make a file's content the newest version of another one, and let the file go, which the actor may change.

    What was made less than an hour ago, is in the same space, never had another content and has no links leaves no
    trace of its own: its one version is the other's from now on, and a program stays one, for what makes such files
    has no word for that. Everything else goes to the trash with its own history.

    Raises:
        ForbiddenError: the actor may not change the other one.
        QuotaExceededError: the quota has no room for what is now there twice.
        LockedError: somebody's lock binds one of them, or the folder that the file leaves.
    """
    target.require(Right.WRITE)
    guard.leave(source)
    guard.change(target)
    version = current_version(tx, source.node)
    if not _is_passing(tx, source, target, version):
        _copy_content(tx, actor, source, target)
        put_in_trash(tx, actor, guard, source)
        return
    hand_over(tx, source.node, target.node)
    seq = deletions.trash(tx, source.node, actor_id=actor.id)
    deletions.purge(tx, [source.node.id], dead_seq=seq)
    _leave(tx, source, seq)
    executable = source.node.executable or target.node.executable
    content = Content(
        version.id, version.tag, version.size, source.node.mtime_ms or 0, executable, version.content_type
    )
    versions.hand_over(tx, content, node_id=target.node.id, base_id=target.node.version_id)
    _set_content(tx, actor, target, content)


def copy_content(tx: Transaction, actor: Actor, guard: Guard, source: Sight, target: Sight) -> None:
    """Make a file's content the newest version of another one.

    Raises:
        ForbiddenError: the actor may not read the one or change the other.
        QuotaExceededError: the quota has no room for it.
        LockedError: somebody's lock binds the other.
    """
    source.require(Right.READ)
    target.require(Right.WRITE)
    guard.change(target)
    _copy_content(tx, actor, source, target)


def _copy_content(tx: Transaction, actor: Actor, source: Sight, target: Sight) -> None:
    node = source.node
    version = current_version(tx, node)
    put_content(tx, actor, target, version, mtime_ms=node.mtime_ms or 0, executable=node.executable)
    lay_over(tx, node, target.node)
    possess_copied(tx, version, came_from=node.space_id, space_id=target.space.id)


def put_content(
    tx: Transaction, actor: Actor, target: Sight, version: Version, *, mtime_ms: int, executable: bool
) -> None:
    """Make a new version of a file from what a version holds; no byte is moved.

    Raises:
        QuotaExceededError: the quota has no room for it.
    """
    ledger = Ledger(tx)
    ledger.require(target.space.id, size=version.size, reserved=0)
    content = Content(tx.next_id(), tx.next_tag(), version.size, mtime_ms, executable, version.content_type)
    versions.copy(tx, version, content, node_id=target.node.id, base_id=target.node.version_id, actor_id=actor.id)
    seq = _set_content(tx, actor, target, content)
    ledger.charge(target.space.id, size=version.size, reserved=0, seq=seq)
    ledger.apply()


def possess_copied(tx: Transaction, version: Version, *, came_from: int, space_id: int) -> None:
    """Note that a space holds the chunks of a version that was copied into it from another space."""
    if came_from != space_id and version.manifest is not None:
        versions.possess(tx, ((space_id, chunk_id) for chunk_id in set(version.manifest.ids())))


def current_version(tx: Snapshot, node: Node) -> Version:
    """Return the version that a live file is at."""
    version = None if node.version_id is None else versions.find(tx, node.version_id)
    if version is None:
        raise AssertionError(f"file {node.id} has no version")
    return version


def _is_passing(tx: Transaction, source: Sight, target: Sight, version: Version) -> bool:
    """Tell whether a file is one that a program made to move it over another.

    Its version must be newer than the other's, for a history is in the order of its versions' numbers.
    """
    return (
        source.node.space_id == target.node.space_id
        and tx.now_ms() - source.node.created_ms < PASSING_MS
        and version.id > (target.node.version_id or 0)
        and versions.count_of(tx, source.node.id, most=2) == 1
        and not links.list_of_node(tx, source.node.id, after=0, limit=1)
    )


def _leave(tx: Transaction, sight: Sight, seq: int) -> None:
    """Take the figures of what was just deleted from the folders above it."""
    size, items = nodes.figures(tx, sight.node)
    sums = Sums()
    sums.add(sight.above, seq=seq, size=-size, items=-items)
    sums.apply(tx)
    spaces.adjust(tx, sight.space.id, seq=seq)


def _set_content(tx: Transaction, actor: Actor, target: Sight, content: Content) -> int:
    changed = nodes.set_content(tx, target.node, content, actor_id=actor.id)
    sums = Sums()
    sums.add(target.above, seq=changed.seq, size=content.size - (target.node.size or 0))
    sums.apply(tx)
    spaces.adjust(tx, target.space.id, seq=changed.seq)
    return changed.seq
