"""A folder as it was at any moment: its files with their versions of then, under the rights of now."""

from dataclasses import dataclass

from app.auth.identity import Actor
from app.db.database import Database
from app.db.transaction import Snapshot
from app.errors import InvalidRequestError, NotFoundError
from app.ids import encode_id
from app.repositories import feed, moments
from app.repositories.moments import ChildThen, Kept
from app.services import access
from app.services.access import Sight
from app.services.past_sight import look_ever

DAY_MS = 24 * 3_600_000
MOST_COUNTED = 50_000
"""Changes that are looked at for counting, the latest of the whole server: those before are taken for none."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page of a folder as it was ends: whether the last one was a file, and its name."""

    is_file: bool
    name: str


@dataclass(frozen=True, slots=True)
class ViewThen:
    """A file or folder as it was.

    Attributes:
        shown: of a file, the version whose content is shown: the one of then, or the nearest that is kept; else the
            one of then, whose content is gone.
    """

    child: ChildThen
    shown: Kept | None
    is_gone: bool
    path: str
    space_id: str
    parent_id: str
    rights: tuple[access.Right, ...]


class MomentService:
    """Shows what was."""

    def __init__(self, database: Database) -> None:
        """Take the database."""
        self._database = database

    async def children_at(
        self, actor: Actor, file_id: str, *, time_ms: int, after: Place | None, limit: int
    ) -> tuple[list[ViewThen], Place | None]:
        """Return a page of a folder as it was at a time, folders first, and where it ends; None at the end.

        Raises:
            NotFoundError: there is no such folder, or it was not there then.
            InvalidRequestError: that is longer ago than the history reaches.
        """

        def work(tx: Snapshot) -> tuple[list[ViewThen], Place | None]:
            folder = look_ever(tx, actor, file_id)
            if not folder.node.is_folder:
                raise NotFoundError("There is no folder with this id.")
            seq = seq_at(tx, folder.space.id, time_ms)
            path = _path_then(tx, actor, folder, seq)
            place = None if after is None else (after.is_file, after.name)
            found = moments.children_at(tx, folder.node.id, seq, after=place, limit=limit + 1)
            readable = {folder.space.id, *(space.id for space in access.spaces_of(tx, actor))}
            page = [_shown(tx, folder, path, child) for child in found[:limit] if child.space_id in readable]
            return page, _place_of(found[limit - 1]) if len(found) > limit else None

        return await self._database.read(work)

    async def activity(self, actor: Actor, file_id: str, *, from_ms: int, days: int) -> list[int]:
        """Return how many changes there were at and below a folder, day by day of 24 hours from a time on.

        Raises:
            NotFoundError: there is no such folder.
        """

        def work(tx: Snapshot) -> list[int]:
            folder = access.look(tx, actor, file_id)
            if not folder.node.is_folder:
                raise NotFoundError("There is no folder with this id.")
            after = seq_before(tx, from_ms)
            found = moments.latest_in(tx, folder.space.id, after=after, limit=MOST_COUNTED)
            is_below: dict[int | None, bool] = {folder.node.id: True, None: False}
            counts = [0] * days
            for node_id, parent_id, at_ms in found:
                day = (at_ms - from_ms) // DAY_MS
                if day < days and (node_id == folder.node.id or _is_below(tx, parent_id, is_below)):
                    counts[day] += 1
            return counts

        return await self._database.read(work)


def _is_below(tx: Snapshot, node_id: int | None, known: dict[int | None, bool]) -> bool:
    """Tell whether a node lies at or below what is known to; what is learned on the way up is known from then on."""
    way: list[int | None] = []
    while node_id not in known:
        way.append(node_id)
        node_id = None if node_id is None else moments.parent_of(tx, node_id)
    for passed in way:
        known[passed] = known[node_id]
    return known[node_id]


def seq_at(tx: Snapshot, space_id: int, time_ms: int) -> int:
    """Return the last seq of no later than a time.

    Raises:
        InvalidRequestError: the history of the space does not reach back to it.
    """
    seq = feed.seq_before(tx, time_ms + 1, feed.head(tx))
    if seq is None or seq < moments.history_seq(tx, space_id):
        raise InvalidRequestError("The history does not reach back to that time.")
    return seq


def seq_before(tx: Snapshot, time_ms: int) -> int:
    """Return the last seq of before a time, or the one before all that the journal still knows."""
    head = feed.head(tx)
    seq = feed.seq_before(tx, time_ms, head)
    return head.oldest_seq - 1 if seq is None else seq


def _path_then(tx: Snapshot, actor: Actor, folder: Sight, seq: int) -> str:
    """Return where a folder was, as the actor would have seen it: below the root of its space, or of the actor's scope.

    Raises:
        NotFoundError: it was not there, or was in the trash.
    """
    ends = {folder.within.root_id, actor.scope.root_id}
    names: list[str] = []
    at: int | None = folder.node.id
    while at is not None and at not in ends:
        then = moments.state_at(tx, at, seq)
        if then is None or then.dead_seq:
            raise NotFoundError("This folder was not there at that time.")
        names.append(then.name)
        at = then.parent_id
    if at is None or moments.state_at(tx, at, seq) is None:
        raise NotFoundError("This folder was not there at that time.")
    top = access.look_number(tx, actor, at).path
    return top.rstrip("/") + "".join(f"/{name}" for name in reversed(names))


def kept_of(tx: Snapshot, child: ChildThen) -> Kept | None:
    """Return the version whose content stands for what a file held then; None of a folder, and where all is gone.

    It is the one of then, or where retention took that, the one made nearest in time.
    """
    if child.version is None or child.is_kept:
        return child.version
    return moments.nearest_kept(tx, child.id, child.version.id)


def _shown(tx: Snapshot, folder: Sight, path: str, child: ChildThen) -> ViewThen:
    kept = kept_of(tx, child)
    shown, is_gone = kept or child.version, child.version is not None and kept is None
    return ViewThen(
        child,
        shown,
        is_gone,
        f"{path}/{child.name}",
        encode_id(folder.space.id, folder.space.tag),
        encode_id(folder.node.id, folder.node.tag),
        folder.rights,
    )


def _place_of(child: ChildThen) -> Place:
    return Place(child.version is not None, child.name)
