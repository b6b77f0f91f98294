"""Copies: new nodes with new versions of the same chunks; no byte is moved."""

from collections.abc import Iterator

from app.auth.identity import Actor
from app.db.database import Database
from app.db.transaction import Transaction
from app.errors import ConflictError, LimitReachedError, NameTakenError, NotFoundError
from app.repositories import nodes, versions
from app.repositories.nodes import Content, Kind, Node, Sums
from app.services import access
from app.services.access import Right, Sight
from app.services.folders import make_folder
from app.services.ledger import Ledger
from app.services.memberships import refuse_mounts_below
from app.services.names import check_name, check_place
from app.services.views import View

COPY_NODES = 10_000
PAGE = 1000


class CopyService:
    """Copies files, and folders of up to 10,000 nodes."""

    def __init__(self, database: Database) -> None:
        """Take the database."""
        self._database = database

    async def copy(self, actor: Actor, file_id: str, parent_id: str, name: str) -> View:
        """Copy a node into a folder under a name, in one step.

        Raises:
            NotFoundError: there is no such node or folder.
            NameTakenError: the name is in use there.
            ConflictError: a folder would be copied into itself.
            LimitReachedError: a folder has too many nodes, or shared folders in it.
            InvalidRequestError: something would lie too deep, or its path be too long.
            QuotaExceededError: the quota has no room for the copy.
        """
        name = check_name(name)

        def work(tx: Transaction) -> View:
            source, target = access.look(tx, actor, file_id), access.look(tx, actor, parent_id)
            if not target.node.is_folder:
                raise NotFoundError("There is no folder with this id.")
            target.require(Right.WRITE)
            _check(tx, source, target, name)
            copy = _Copy(tx, actor)
            made = copy.copy(source.node, target, name)
            copy.finish()
            return View.of(tx, access.look_number(tx, actor, made.id))

        return await self._database.write(work)


def _check(tx: Transaction, source: Sight, target: Sight, name: str) -> None:
    """Refuse what can be refused before anything is written."""
    node = source.node
    if node.id in target.below:
        raise ConflictError("A folder can not be copied into itself.", node.id)
    source.require(Right.READ)
    refuse_mounts_below(tx, source.within, node, "copied")
    taken = nodes.name_in_use(tx, target.node.id, name)
    if taken is not None:
        raise NameTakenError("There is already something of this name in this folder.", taken)
    size, items = nodes.figures(tx, node)
    if items > COPY_NODES:
        raise LimitReachedError(f"A folder of more than {COPY_NODES} nodes is not copied in one step.")
    check_place(target.place, target.depth, [name])
    Ledger(tx).require(target.space.id, size=size, reserved=0)


class _Copy:
    """One copy under way, and what it adds up to."""

    def __init__(self, tx: Transaction, actor: Actor) -> None:
        self._tx = tx
        self._actor = actor
        self._sums = Sums()
        self._ledger = Ledger(tx)

    def copy(self, source: Node, target: Sight, name: str) -> Node:
        """Copy a node and all below it."""
        if not source.is_folder:
            return self._copy_file(source, target, name)
        top = make_folder(self._tx, self._actor, target, name, self._sums)
        waiting = [(source.id, top)]
        while waiting:
            old, new = waiting.pop()
            for child in self._children(old):
                check_place(new.place, new.depth, [child.name])
                if child.kind is Kind.MOUNT:  # of somebody who does not own what is copied
                    raise LimitReachedError("There are shared folders in it: move them elsewhere before it is copied.")
                if child.is_folder:
                    waiting.append((child.id, make_folder(self._tx, self._actor, new, child.name, self._sums)))
                else:
                    self._copy_file(child, new, child.name)
        return top.node

    def finish(self) -> None:
        """Write the sums and what the space is charged."""
        self._sums.apply(self._tx)
        self._ledger.apply()

    def _children(self, folder_id: int) -> Iterator[Node]:
        after = ""
        while page := nodes.live_children(self._tx, folder_id, after=after, limit=PAGE):
            yield from page
            after = page[-1].name

    def _copy_file(self, source: Node, target: Sight, name: str) -> Node:
        """Copy a file as it is now; whoever copies it can read its chunks."""
        tx, actor_id = self._tx, self._actor.id
        version = None if source.version_id is None else versions.find(tx, source.version_id)
        if version is None:
            raise AssertionError(f"file {source.id} has no version")
        content = Content(tx.next_id(), tx.next_tag(), version.size, source.mtime_ms or 0, source.executable)
        made = nodes.create(
            tx,
            space_id=target.space.id,
            parent_id=target.node.id,
            name=name,
            kind=Kind.FILE,
            actor_id=actor_id,
            content=content,
        )
        versions.copy(tx, version, content, node_id=made.id, base_id=None, actor_id=actor_id)
        if source.space_id != made.space_id and version.manifest is not None:
            versions.possess(tx, ((made.space_id, chunk_id) for chunk_id in set(version.manifest.ids())))
        self._ledger.charge(target.space.id, size=version.size, reserved=0, seq=made.seq)
        self._sums.add(target.below, seq=made.seq, size=version.size, items=1)
        return made
