"""The trash: a delete is one row whatever lies below, a restore one row and a slow reveal, a purge goes in slices."""

from dataclasses import dataclass

from app.auth.identity import Actor
from app.db.database import Database
from app.db.transaction import Snapshot, Transaction
from app.errors import ConflictError, InvalidRequestError
from app.ids import encode_id
from app.repositories import jobs, listings, nodes, spaces, versions
from app.repositories.jobs import Job, JobKind, Walk
from app.repositories.journal import Operation
from app.repositories.nodes import Kind, Sums
from app.services import access
from app.services.access import Right, Sight
from app.services.folders import make_folder
from app.services.jobs import JobService
from app.services.names import check_depth, free_name
from app.services.views import View

REVEAL_SLICE = 2000
PURGE_SLICE = 300
NEWEST = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Seen:
    """What the author of a delete had seen; what is None is not asked.

    Attributes:
        base_version: wire id of the file's version.
        if_seq: seq of the node itself.
        if_below_seq: no change at or below the node may be newer.
        if_etag: the node's etag.
    """

    base_version: str | None = None
    if_seq: int | None = None
    if_below_seq: int | None = None
    if_etag: str | None = None


@dataclass(frozen=True, slots=True)
class Trashed:
    """One entry of the trash."""

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
            if access.is_trashed(tx, actor, file_id):
                return
            sight = access.look(tx, actor, file_id)
            sight.require(Right.WRITE)
            if sight.node.parent_id is None:
                raise InvalidRequestError("The home itself can not be deleted.")
            self._check(tx, sight, seen)
            node = sight.node
            seq = nodes.trash(tx, node, actor_id=actor.id)
            size, items = _figures(tx, sight)
            sums = Sums()
            sums.add(sight.above, seq=seq, size=-size, items=-items)
            sums.apply(tx)
            spaces.adjust(tx, sight.space.id, seq=seq)

        await self._database.write(work)

    async def list_page(self, actor: Actor, *, before: int | None, limit: int) -> tuple[list[Trashed], int | None]:
        """Return up to `limit` entries of the trash, the latest first, and where they end; None at the end."""

        def work(tx: Snapshot) -> tuple[list[Trashed], int | None]:
            home = access.home(tx, actor)
            start = NEWEST if before is None else before
            found = listings.trash(tx, home.space.id, before=start, limit=limit + 1)
            page = [_trashed(tx, home, listed) for listed in found[:limit]]
            return page, page[-1].view.listed.node.dead_seq if len(found) > limit else None

        return await self._database.read(work)

    async def restore(self, actor: Actor, trash_id: str) -> View:
        """Bring a node back to its old place; missing folders above it are made, a free name is chosen.

        Raises:
            NotFoundError: the trash holds no such entry.
        """

        def work(tx: Transaction) -> View:
            sight = access.look_trashed(tx, actor, trash_id)
            sight.require(Right.WRITE)
            node, sums = sight.node, Sums()
            parent = _old_place(tx, actor, sight, sums)
            check_depth(parent.depth + 1)
            name = free_name(node.name, lambda name: nodes.name_in_use(tx, parent.node.id, name) is not None)
            seq = nodes.restore(tx, node, parent_id=parent.node.id, name=name, actor_id=actor.id)
            size, items = _figures(tx, sight)
            sums.add(parent.below, seq=seq, size=size, items=items)
            sums.apply(tx)
            spaces.adjust(tx, sight.space.id, seq=seq)
            if node.is_folder:
                jobs.add(
                    tx,
                    kind=JobKind.REVEAL,
                    user_id=actor.user_id,
                    actor_id=actor.id,
                    node_id=node.id,
                    walk=Walk((node.id,)),
                )
            return View.of(tx, access.look_number(tx, actor, node.id))

        view = await self._database.write(work)
        self._jobs.added()
        return view

    async def purge(self, actor: Actor, trash_id: str) -> None:
        """Remove an entry of the trash for good; its space comes back in slices.

        Raises:
            NotFoundError: the trash holds no such entry.
        """

        def work(tx: Transaction) -> None:
            sight = access.look_trashed(tx, actor, trash_id)
            sight.require(Right.WRITE)
            tx.record(node_id=sight.node.id, operation=Operation.PURGE, actor_id=actor.id)
            nodes.hide_from_trash(tx, sight.node.id)
            walk = Walk((sight.node.id,), dead_seq=sight.node.dead_seq)
            jobs.add(
                tx,
                kind=JobKind.PURGE,
                user_id=actor.user_id,
                actor_id=actor.id,
                node_id=sight.node.id,
                walk=walk,
            )

        await self._database.write(work)
        self._jobs.added()

    def _check(self, tx: Snapshot, sight: Sight, seen: Seen) -> None:
        view = View.of(tx, sight)
        newest = max(sight.node.seq, view.listed.below_seq)
        stale = (
            (seen.base_version is not None and seen.base_version != view.version_id)
            or (seen.if_seq is not None and seen.if_seq != sight.node.seq)
            or (seen.if_below_seq is not None and newest > seen.if_below_seq)
            or (seen.if_etag is not None and seen.if_etag != view.etag(self._epoch))
        )
        if stale:
            raise ConflictError("It, or something in it, changed since it was looked at.", sight.node.id)


def reveal_slice(tx: Transaction, job: Job) -> Walk:
    """Give up to 2,000 nodes below a restored folder a new place in the feed, for devices have forgotten them."""
    folders, after = list(job.walk.folders), job.walk.after
    room, revealed = REVEAL_SLICE, list[int]()
    while folders and room:
        children = nodes.live_children(tx, folders[-1], after=after, limit=room)
        revealed += (child for child, _, _ in children)
        below = [child for child, kind, _ in children if kind is Kind.FOLDER]
        if len(children) == room:
            folders[-1:] = [*below, folders[-1]]
            after = children[-1][2]
            room = 0
        else:
            room -= len(children)
            folders[-1:] = below
            after = ""
    if revealed:
        seq = tx.record(node_id=job.node_id, operation=Operation.REVEAL, actor_id=job.actor_id)
        nodes.reveal(tx, revealed, seq)
        top = nodes.find(tx, job.node_id)
        if top is not None:
            spaces.adjust(tx, top.space_id, seq=seq)
    return Walk(tuple(folders), after)


def purge_slice(tx: Transaction, job: Job) -> Walk:
    """Forget up to 300 nodes of a purged subtree, leaves first."""
    folders, room = list(job.walk.folders), PURGE_SLICE
    while folders and room:
        children = nodes.live_children(tx, folders[-1], after="", limit=room)
        below = [child for child, kind, _ in children if kind is Kind.FOLDER]
        gone = [child for child, kind, _ in children if kind is not Kind.FOLDER]
        if not children:
            gone = [folders.pop()]
        _forget(tx, gone, job.walk.dead_seq)
        folders += below
        room -= max(1, len(gone))
    return Walk(tuple(folders), dead_seq=job.walk.dead_seq)


def _forget(tx: Transaction, node_ids: list[int], dead_seq: int) -> None:
    if not node_ids:
        return
    first = nodes.find(tx, node_ids[0])
    size = versions.delete_of_nodes(tx, node_ids)
    nodes.purge(tx, node_ids, dead_seq=dead_seq)
    if first is not None:
        spaces.adjust(tx, first.space_id, used=-size)


def _figures(tx: Snapshot, sight: Sight) -> tuple[int, int]:
    """Return bytes and nodes that a node brings to the folders above it, itself included."""
    if not sight.node.is_folder:
        return sight.node.size or 0, 1
    size, items, _ = nodes.folder_sums(tx, sight.node.id)
    return size, items + 1


def _old_place(tx: Transaction, actor: Actor, sight: Sight, sums: Sums) -> Sight:
    """Return the folder where a trashed node was; those of its folders that are gone are made again by name."""
    steps = nodes.way_up(tx, sight.above[0])
    alive = len(steps) - next((n for n, step in enumerate(reversed(steps)) if step.dead_seq), len(steps))
    at = access.look_number(tx, actor, steps[alive].id)
    for step in reversed(steps[:alive]):
        at = _enter(tx, actor, at, step.name, sums)
    return at


def _enter(tx: Transaction, actor: Actor, folder: Sight, name: str, sums: Sums) -> Sight:
    """Return the folder of this name in `folder`, a new one if need be; a file of that name keeps it."""
    child = nodes.find_child(tx, folder.node.id, name)
    if child is not None and child.is_folder:
        return access.look_number(tx, actor, child.id)
    free = free_name(name, lambda name: nodes.name_in_use(tx, folder.node.id, name) is not None)
    return make_folder(tx, actor, folder, free, sums)


def _trashed(tx: Snapshot, home: Sight, listed: listings.Listed) -> Trashed:
    node = listed.node
    steps = nodes.way_up(tx, node.id)
    path = "/" + "/".join(step.name for step in reversed(steps[:-1]))
    parent = None if node.parent_id is None else nodes.find(tx, node.parent_id)
    view = View(
        listed,
        path,
        encode_id(home.space.id, home.space.tag),
        None if parent is None else encode_id(parent.id, parent.tag),
        None if node.version_id is None or node.version_tag is None else encode_id(node.version_id, node.version_tag),
        home.rights,
    )
    return Trashed(view, node.dead_ms or 0, listed.username)
