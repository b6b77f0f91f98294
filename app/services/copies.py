"""Copies: new nodes with new versions of the same chunks; no byte is moved."""

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
from app.services.names import check_depth, check_name
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
            LimitReachedError: a folder has too many nodes.
            QuotaExceededError: the quota has no room for the copy.
        """
        name = check_name(name)

        def work(tx: Transaction) -> View:
            source, target = access.look(tx, actor, file_id), access.look(tx, actor, parent_id)
            if not target.node.is_folder:
                raise NotFoundError("There is no folder with this id.")
            target.require(Right.WRITE)
            self._check(tx, source, target, name)
            sums, ledger = Sums(), Ledger(tx)
            made = _copy(tx, actor, source.node, target, name, sums, ledger)
            sums.apply(tx)
            ledger.apply()
            return View.of(tx, access.look_number(tx, actor, made.id))

        return await self._database.write(work)

    def _check(self, tx: Transaction, source: Sight, target: Sight, name: str) -> None:
        """Refuse before anything is written."""
        node = source.node
        if node.id in target.below:
            raise ConflictError("A folder can not be copied into itself.", node.id)
        taken = nodes.name_in_use(tx, target.node.id, name)
        if taken is not None:
            raise NameTakenError("There is already something of this name in this folder.", taken)
        size, items, _ = nodes.folder_sums(tx, node.id) if node.is_folder else (node.size or 0, 0, 0)
        if items >= COPY_NODES:
            raise LimitReachedError(f"A folder of more than {COPY_NODES} nodes is not copied in one step.")
        check_depth(target.depth + 1)
        Ledger(tx).require(target.space.id, size=size, reserved=0)


def _copy(tx: Transaction, actor: Actor, source: Node, target: Sight, name: str, sums: Sums, ledger: Ledger) -> Node:
    """Copy a node, and all below it, level by level."""
    if not source.is_folder:
        return _copy_file(tx, actor, source, target, name, sums, ledger)
    top = make_folder(tx, actor, target, name, sums)
    waiting = [(source.id, top)]
    while waiting:
        old, new = waiting.pop()
        check_depth(new.depth + 1)
        after = ""
        while children := nodes.live_children(tx, old, after=after, limit=PAGE):
            for child_id, kind, child_name in children:
                if kind is Kind.FOLDER:
                    waiting.append((child_id, make_folder(tx, actor, new, child_name, sums)))
                elif (child := nodes.find(tx, child_id)) is not None:
                    _copy_file(tx, actor, child, new, child_name, sums, ledger)
            after = children[-1][2]
    return top.node


def _copy_file(
    tx: Transaction, actor: Actor, source: Node, target: Sight, name: str, sums: Sums, ledger: Ledger
) -> Node:
    version = None if source.version_id is None else versions.find(tx, source.version_id)
    if version is None or version.manifest is None:
        raise NotFoundError("The content of this file is gone.")
    content = Content(tx.next_id(), tx.next_tag(), version.size, source.mtime_ms or 0, source.executable)
    made = nodes.create(
        tx,
        space_id=target.space.id,
        parent_id=target.node.id,
        name=name,
        kind=Kind.FILE,
        actor_id=actor.id,
        content=content,
    )
    versions.copy(tx, version, content, node_id=made.id, base_id=None, actor_id=actor.id)
    if target.space.id != source.space_id:
        versions.possess(tx, ((target.space.id, chunk_id) for chunk_id in set(version.manifest.ids())))
    ledger.charge(target.space.id, size=version.size, reserved=0, seq=made.seq)
    sums.add(target.below, seq=made.seq, size=version.size, items=1)
    return made
