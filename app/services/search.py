"""Search by name: where candidates come from, which of them are looked for, and what one request may cost.

The newest come first, by the order in which nodes were made. A request looks at so many nodes and no more, whoever owns
them: what it did not come to is told by where to go on (decision 0019).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from app.auth.identity import Actor
from app.db.database import Database
from app.db.transaction import Snapshot
from app.errors import InvalidRequestError, NotFoundError
from app.listing import fold
from app.repositories import found_names, nodes
from app.repositories.found_names import GRAM, Candidate
from app.repositories.nodes import Kind
from app.services import access
from app.services.access import Right, Sight
from app.services.views import View

NEWEST = 2**63 - 1
EFFORT = 24_000
"""What one request may cost; looking at a name counts one."""
LOOK_COST = 20
"""What finding out who may see a node costs beside that."""
TYPE_COST = 3
FEW = 4_000
"""Nodes of a tree that is walked through rather than asked of the index, which knows nobody's rights."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is looked for; None where it does not matter.

    Attributes:
        text: part of the name; case and accents do not count, and no sign means anything but itself.
        content_type: such as `image/png`, or `image/*`; only files have one.
        changed_from_ms, changed_before_ms: bounds of the mtime; of a folder, of its last change.
        min_size, max_size: in bytes; of a folder with all below it.
    """

    text: str = ""
    kind: Literal["file", "folder"] | None = None
    content_type: str | None = None
    changed_from_ms: int | None = None
    changed_before_ms: int | None = None
    min_size: int | None = None
    max_size: int | None = None


class SearchService:
    """Finds nodes in one person's view."""

    def __init__(self, database: Database) -> None:
        """Take the database."""
        self._database = database

    async def find(
        self, actor: Actor, wanted: Wanted, *, folder_id: str | None, before: int | None, limit: int
    ) -> tuple[list[View], int | None]:
        """Return up to `limit` nodes, the newest first, and where to go on; None at the end.

        There may be fewer than `limit`, or none, and still more to come: the request had cost enough.

        Args:
            folder_id: only what is below this folder.
            before: where an earlier page ended.

        Raises:
            NotFoundError: there is no such folder.
            ForbiddenError: this credential sees one folder alone, and did not name one to look in.
            InvalidRequestError: the text holds what no name can.
        """
        if any(ord(sign) < ord(" ") for sign in wanted.text):
            raise InvalidRequestError("No name holds a control character.")
        if folder_id is None:
            access.require_whole_view(actor)

        def work(tx: Snapshot) -> tuple[list[View], int | None]:
            top = access.home(tx, actor) if folder_id is None else access.look(tx, actor, folder_id)
            if not top.node.is_folder:
                raise NotFoundError("There is no folder with this id.")
            top.require(Right.READ)
            return _Search(tx, actor, wanted, top).page(NEWEST if before is None else before, limit)

        return await self._database.read(work)


class _Search:
    """One request."""

    def __init__(self, tx: Snapshot, actor: Actor, wanted: Wanted, top: Sight) -> None:
        self._tx = tx
        self._actor = actor
        self._wanted = wanted
        self._folded = fold(wanted.text)
        self._top = top
        self._mounted = _mounted_below(tx, actor, top)
        self._spaces = {top.space.id, *(sight.space.id for sight in self._mounted)}
        self._folders: dict[int, Sight | None] = {}
        self._spent = 0

    def page(self, before: int, limit: int) -> tuple[list[View], int | None]:
        """Return a page of what is found below the id `before`, and the id where it ends; None at the end."""
        found: list[View] = []
        for candidate in self._candidates(before):
            view = self._judged(candidate)
            if view is not None:
                found.append(view)
            if len(found) == limit or self._spent >= EFFORT:
                return found, candidate.id
        return found, None

    def _candidates(self, before: int) -> Iterator[Candidate]:
        tops = [self._top.node.id, *(sight.node.id for sight in self._mounted)]
        if sum(nodes.folder_sums(self._tx, top)[1] for top in tops) <= FEW:
            return found_names.below(self._tx, tops, before=before)
        if len(self._folded) >= GRAM:
            return found_names.named_like(self._tx, self._folded, before=before)
        return found_names.newest(self._tx, before=before)

    def _judged(self, candidate: Candidate) -> View | None:
        """Return the node as this person sees it, if it is looked for and theirs to see."""
        self._spent += 1
        if candidate.space_id not in self._spaces or candidate.dead_seq or candidate.parent_id is None:
            return None
        if not self._may_be(candidate) or self._folded not in fold(candidate.name):
            return None
        self._spent += LOOK_COST
        sight = self._sight_of(candidate.id, candidate.parent_id)
        if sight is None:
            return None
        view = View.of(self._tx, sight)
        is_below = view.path.startswith(self._top.child_path("")) and view.path != self._top.path
        return view if is_below and self._has_size(view.listed.size) else None

    def _sight_of(self, node_id: int, parent_id: int) -> Sight | None:
        """Return a node as this person sees it; each folder is walked up from once."""
        if parent_id not in self._folders:
            try:
                self._folders[parent_id] = access.look_number(self._tx, self._actor, parent_id)
            except NotFoundError:
                self._folders[parent_id] = None
        folder, node = self._folders[parent_id], nodes.find(self._tx, node_id)
        return None if folder is None or node is None else folder.child(self._tx, node)

    def _may_be(self, candidate: Candidate) -> bool:
        """Tell what the columns of a node say already."""
        wanted, is_file = self._wanted, candidate.kind == Kind.FILE
        if wanted.kind is not None and is_file != (wanted.kind == "file"):
            return False
        if wanted.changed_from_ms is not None and candidate.changed_ms < wanted.changed_from_ms:
            return False
        if wanted.changed_before_ms is not None and candidate.changed_ms >= wanted.changed_before_ms:
            return False
        if is_file and not self._has_size(candidate.size or 0):
            return False
        return wanted.content_type is None or (is_file and self._has_type(candidate, wanted.content_type.lower()))

    def _has_size(self, size: int) -> bool:
        wanted = self._wanted
        return (wanted.min_size or 0) <= size and (wanted.max_size is None or size <= wanted.max_size)

    def _has_type(self, candidate: Candidate, pattern: str) -> bool:
        self._spent += TYPE_COST
        whole = found_names.content_type_of(self._tx, candidate.version_id or 0)
        content_type = whole.partition(";")[0].strip().lower()
        return content_type.startswith(pattern[:-1]) if pattern.endswith("/*") else content_type == pattern


def _mounted_below(tx: Snapshot, actor: Actor, top: Sight) -> list[Sight]:
    """Return the roots of other spaces that this person has mounted below a folder."""
    found = []
    for space in access.spaces_of(tx, actor):
        if space.id == top.space.id:
            continue
        try:
            root = access.look_number(tx, actor, space.root_id)
        except NotFoundError:  # not in this credential's view, or being deleted
            continue
        if root.path.startswith(top.child_path("")):
            found.append(root)
    return found
