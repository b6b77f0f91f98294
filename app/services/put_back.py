"""Puts nodes back as a plan says, as ordinary changes of who asked; no chunk moves.

Each change is held against the seq that the plan saw: what changed since is left alone, and stays in the plan with the
reason. So a slice that was committed is never done twice, and a rerun goes on where the last one was.
"""

import sqlite3
import time
from collections.abc import Callable
from dataclasses import dataclass

from app.auth.identity import Actor
from app.db.transaction import Transaction
from app.errors import AppError, QuotaExceededError
from app.repositories import deletions, jobs, moments, nodes, plans, versions
from app.repositories.jobs import JobKind
from app.repositories.nodes import Content, Kind, Node, Sums
from app.repositories.nodes import Step as Above
from app.repositories.plans import Entry, Outcome, Step
from app.services.guard import Guard
from app.services.jobs import StepError
from app.services.ledger import Ledger
from app.services.names import DEPTH, PATH_SIZE, free_name
from app.services.reveal import reveal_below

SLICE = 1000
SLICE_S = 0.012
"""After this long a slice ends: people's commits wait no longer for it than for each other."""


@dataclass(frozen=True, slots=True)
class Restorable:
    """What a file's content is to be: of which version, and whether that is what it has."""

    version: versions.Version
    is_same: bool


class PutBack:
    """One slice of the work, inside its transaction."""

    def __init__(
        self, tx: Transaction, job_id: int, actor: Actor, upto: int, may_change: Callable[[int], bool]
    ) -> None:
        """Begin a slice.

        Args:
            actor: in whose name it is done.
            upto: what changed behind this seq is left alone.
            may_change: tells of a space, by its id, whether who asked may change what hangs from its root, now.
        """
        self._tx = tx
        self._job_id = job_id
        self._actor = actor
        self._upto = upto
        self._may_change = may_change
        self._guard = Guard(tx, actor)
        self._sums = Sums()
        self._ledger = Ledger(tx)
        self._ways: dict[int, list[Above]] = {}
        self._under_way: set[int] = set()

    def run(self, *, limit: int = SLICE) -> int:
        """Try up to `limit` entries, or as many as there is time for; return how many are done with.

        Raises:
            StepError: one of them was refused; the transaction is to be undone, and that one left alone.
        """
        start_s, tried = time.perf_counter(), 0
        while tried < limit:
            entries = plans.pending(self._tx, self._job_id, limit=min(limit - tried, 100))
            for entry in entries:
                current = plans.find_pending(self._tx, self._job_id, entry.node_id)
                if current is not None:  # else it was done on the way to another
                    self._try(current)
                tried += 1
                if time.perf_counter() - start_s > SLICE_S:
                    return self._finish(tried)
            if not entries:
                break
        return self._finish(tried)

    def _finish(self, tried: int) -> int:
        self._sums.apply(self._tx)
        self._ledger.apply()
        return tried

    def _try(self, entry: Entry) -> None:
        """Do one entry, or note why not."""
        try:
            self._do(entry)
        except (AppError, AssertionError, sqlite3.IntegrityError) as error:
            raise StepError(lambda tx: _leave_alone(tx, self._job_id, entry.node_id, Outcome.FAILED)) from error

    def _do(self, entry: Entry) -> None:
        self._under_way.add(entry.node_id)
        node = nodes.find(self._tx, entry.node_id)
        outcome = self._judge(node, entry)
        if outcome is None and node is not None:
            outcome = self._trash(node) if entry.step is Step.TRASH else self._restore(node, entry)
        self._under_way.discard(entry.node_id)
        if outcome is None:
            plans.done(self._tx, self._job_id, entry.node_id)
            return
        _leave_alone(self._tx, self._job_id, entry.node_id, outcome)

    def _judge(self, node: Node | None, entry: Entry) -> Outcome | None:
        """Return why a node is not to be touched."""
        if node is None or (node.dead_seq and node.dead_ms is None) or self._goes_with_a_purge(node):
            return Outcome.PURGED
        if node.seq != entry.if_seq:
            return Outcome.CHANGED
        # By the walk up, as access decides: while a job carries a moved folder over, rows name another space.
        if not self._may_change(self._way_up(_parent_of(node))[-1].space_id):
            return Outcome.FORBIDDEN
        return Outcome.LOCKED if self._is_locked(node, entry.step) else None

    def _is_locked(self, node: Node, step: Step) -> bool:
        """Tell whether somebody's lock keeps a node where and as it is; one in the trash has none."""
        if node.dead_seq:
            return False
        above = tuple(folder.id for folder in self._way_up(_parent_of(node)))
        if self._guard.find((node.id, *above)) is not None:
            return True
        if step is Step.CONTENT:
            return False
        return self._guard.find(above) is not None or self._guard.find_below(node.id) is not None

    def _goes_with_a_purge(self, node: Node) -> bool:
        """Tell whether a folder above a node was deleted for good, so that a purge under way will come to it."""
        dead = [nodes.find(self._tx, step.id) for step in self._way_up(_parent_of(node)) if step.dead_seq]
        return any(folder is not None and folder.dead_ms is None for folder in dead)

    # Into the trash

    def _trash(self, node: Node) -> Outcome | None:
        self._trash_first(_parent_of(node))
        return self._trash_alone(node)

    def _trash_alone(self, node: Node) -> Outcome | None:
        if node.dead_seq:
            return None
        above = self._way_up(_parent_of(node))
        if any(step.dead_seq for step in above):
            return None  # it went with a folder above it
        if node.is_folder:
            self._sums.apply(self._tx)
            if plans.has_news_below(self._tx, self._job_id, node.id, since=self._upto):
                return Outcome.CHANGED
        seq = deletions.trash(self._tx, node, actor_id=self._actor.id)
        size, items = nodes.figures(self._tx, node)
        self._note(node, [step.id for step in above], seq, size=-size, items=-items)
        return None

    # Back to life, and to its place and content

    def _restore(self, node: Node, entry: Entry) -> Outcome | None:
        if entry.step is Step.PLACE and entry.parent_id is not None:
            outcome = self._place(node, entry, entry.parent_id)
            if outcome is not None:
                return outcome
            placed = nodes.find(self._tx, node.id)
            if placed is None:
                raise AssertionError(f"node {node.id} is gone inside the transaction that moved it")
            node = placed
        return self._content(node, entry) if node.kind is Kind.FILE else None

    def _place(self, node: Node, entry: Entry, parent_id: int) -> Outcome | None:
        self._prepare(parent_id)
        node = nodes.find(self._tx, node.id) or node  # who came to life first may have had it make way
        parent, above = nodes.find(self._tx, parent_id), self._way_up(parent_id)
        if parent is None or not parent.is_folder or not self._fits(node, entry.name, above):
            return Outcome.NO_PLACE
        if parent.space_id != node.space_id:
            return Outcome.OTHER_SPACE
        if not self._may_change(above[-1].space_id):
            return Outcome.FORBIDDEN
        if self._guard.find(tuple(step.id for step in above)) is not None:
            return Outcome.LOCKED
        before = self._left_by(node)
        if (node.parent_id, node.name, node.dead_seq) == (parent_id, entry.name, 0) and not before.is_hidden:
            return None
        name = self._free(node, parent_id, entry.name)
        self._sums.apply(self._tx)
        size, items = nodes.figures(self._tx, node)
        if node.dead_seq or before.is_hidden:
            placed = deletions.restore(self._tx, node, parent_id=parent_id, name=name, actor_id=self._actor.id)
            if items > 1:
                reveal_below(self._tx, self._actor, placed)
        else:
            placed = nodes.set_place(
                self._tx,
                node,
                parent_id=parent_id,
                name=name,
                mtime_ms=node.mtime_ms,
                executable=node.executable,
                actor_id=self._actor.id,
            )
            self._follow(node, before.folders)
        if node.is_folder:
            self._ways.clear()
        self._note(placed, list(before.folders), placed.seq, size=-size, items=-items)
        self._note(placed, [step.id for step in above], placed.seq, size=size, items=items)
        return None

    def _fits(self, node: Node, name: str, above: list[Above]) -> bool:
        """Tell whether a node can lie below these folders: they live, are not in it, and are not too deep."""
        if not above or any(step.dead_seq or step.id == node.id for step in above):
            return False
        depth = len(above)
        path = sum(len(step.name.encode()) + 1 for step in above[:-1]) + len(name.encode()) + 1
        is_too_deep = depth > DEPTH or (node.is_folder and nodes.reaches(self._tx, node.id, DEPTH + 1 - depth))
        return not is_too_deep and path <= PATH_SIZE

    def _left_by(self, node: Node) -> "_Left":
        """Return the folders whose sums count a node now: up to the dead one that it went with, if it did."""
        above = self._way_up(_parent_of(node))
        dead = next((n for n, step in enumerate(above) if step.dead_seq), None)
        if node.dead_seq:
            return _Left((), is_hidden=dead is not None)
        kept_by = above if dead is None else above[: dead + 1]
        return _Left(tuple(step.id for step in kept_by), is_hidden=dead is not None)

    def _free(self, node: Node, parent_id: int, name: str) -> str:
        """Return the name if nobody has it, or who has it is to leave and makes way; else one that is free."""
        taken = nodes.name_in_use(self._tx, parent_id, name)
        if taken is None or taken == node.id:
            return name
        self._make_way(taken)
        return free_name(name, lambda name: nodes.name_in_use(self._tx, parent_id, name) not in (None, node.id))

    def _make_way(self, node_id: int) -> None:
        """Let a node go whose own turn would come later: a file to the trash, all else under a free name meanwhile."""
        entry, node = plans.find_pending(self._tx, self._job_id, node_id), nodes.find(self._tx, node_id)
        if entry is None or node is None or entry.step is Step.CONTENT or self._judge(node, entry) is not None:
            return
        if entry.step is Step.TRASH and not node.is_folder:
            self._trash_alone(node)
            plans.done(self._tx, self._job_id, node_id)
            return
        parent_id = _parent_of(node)
        parked = nodes.set_place(
            self._tx,
            node,
            parent_id=parent_id,
            name=free_name(node.name, lambda name: nodes.name_in_use(self._tx, parent_id, name) is not None),
            mtime_ms=node.mtime_ms,
            executable=node.executable,
            actor_id=self._actor.id,
        )
        self._ways.clear()
        self._note(parked, [step.id for step in self._way_up(parent_id)], parked.seq)
        plans.expect(self._tx, self._job_id, node_id, parked.seq)

    def _content(self, node: Node, entry: Entry) -> Outcome | None:
        if entry.version_id is None:
            return None
        mtime_ms, executable = entry.mtime_ms, entry.executable
        wanted = self._restorable(node, entry.version_id)
        if wanted is None:
            return Outcome.NO_CONTENT
        left = self._left_by(node)
        if left.is_hidden or node.dead_seq:
            return Outcome.NO_PLACE
        above = list(left.folders)
        if wanted.is_same:
            if (node.mtime_ms, node.executable) != (mtime_ms, executable):
                dated = nodes.set_place(
                    self._tx,
                    node,
                    parent_id=node.parent_id,
                    name=node.name,
                    mtime_ms=mtime_ms,
                    executable=executable,
                    actor_id=self._actor.id,
                )
                self._note(dated, above, dated.seq)
            return None
        version = wanted.version
        try:
            self._ledger.require(node.space_id, size=version.size, reserved=0)
        except QuotaExceededError:
            return Outcome.NO_ROOM
        times = version.mtime_ms if mtime_ms is None else mtime_ms
        content = Content(
            self._tx.next_id(), self._tx.next_tag(), version.size, times, executable, version.content_type
        )
        changed = nodes.set_content(self._tx, node, content, actor_id=self._actor.id)
        versions.copy(self._tx, version, content, node_id=node.id, base_id=node.version_id, actor_id=self._actor.id)
        self._ledger.charge(node.space_id, size=version.size, reserved=0, seq=changed.seq)
        self._sums.add(tuple(above), seq=changed.seq, size=version.size - (node.size or 0))
        return None

    def _restorable(self, node: Node, version_id: int) -> Restorable | None:
        """Return the version whose content a file is to get: the one meant, or the nearest that is kept."""
        version = versions.find(self._tx, version_id)
        if version is None or version.manifest is None:
            kept = moments.nearest_kept(self._tx, node.id, version_id)
            version = None if kept is None else versions.find(self._tx, kept.id)
        if version is None or version.manifest is None:
            return None
        if version.id == node.version_id:
            return Restorable(version, is_same=True)
        now = None if node.version_id is None or node.size != version.size else versions.find(self._tx, node.version_id)
        is_same = now is not None and now.manifest is not None and now.manifest.packed == version.manifest.packed
        return Restorable(version, is_same=is_same)

    # What is shared

    def _trash_first(self, folder_id: int) -> None:
        """Let a folder that is to go take along what is in it, as one entry of the trash."""
        entry = self._waiting(folder_id)
        if entry is not None and entry.step is Step.TRASH:
            self._try(entry)

    def _prepare(self, folder_id: int) -> None:
        """Put a folder where it is to be before something goes into it; it then stays, whatever was planned."""
        entry = self._waiting(folder_id)
        if entry is not None and entry.step is Step.PLACE:
            self._try(entry)
        elif entry is not None and entry.step is Step.TRASH:
            keep_above(self._tx, self._job_id, folder_id)

    def _waiting(self, folder_id: int) -> Entry | None:
        """Return a folder's entry, unless its turn has come already."""
        return None if folder_id in self._under_way else plans.find_pending(self._tx, self._job_id, folder_id)

    def _follow(self, node: Node, folders: tuple[int, ...]) -> None:
        """Let a reveal of its own go after a folder that leaves its place below one that is being revealed."""
        if node.is_folder and not jobs.nodes_of(self._tx, JobKind.REVEAL).isdisjoint(folders):
            reveal_below(self._tx, self._actor, node)

    def _note(self, node: Node, folders: list[int], seq: int, *, size: int = 0, items: int = 0) -> None:
        """Note a change in the sums above, and that the space has news."""
        if node.is_folder:
            self._ways.clear()
        self._sums.add(tuple(folders), seq=seq, size=size, items=items)
        self._ledger.charge(node.space_id, size=0, reserved=0, seq=seq)

    def _way_up(self, folder_id: int) -> list[Above]:
        """Return a folder and all above it; many nodes share their folder, so each is walked up from once."""
        if folder_id not in self._ways:
            self._ways[folder_id] = nodes.way_up(self._tx, folder_id)
        return self._ways[folder_id]


@dataclass(frozen=True, slots=True)
class _Left:
    """Where a node is counted now; `is_hidden` where a folder above it is dead."""

    folders: tuple[int, ...]
    is_hidden: bool


def keep_above(tx: Transaction, job_id: int, folder_id: int) -> None:
    """Keep the folders above something that stays: none of them may take it along to the trash."""
    for step in nodes.way_up(tx, folder_id):
        entry = plans.find_pending(tx, job_id, step.id)
        if entry is not None and entry.step is Step.TRASH:
            plans.keep(tx, job_id, step.id, Outcome.IN_USE)


def _leave_alone(tx: Transaction, job_id: int, node_id: int, outcome: Outcome) -> None:
    """Leave a node as it is, with the folders above it."""
    plans.keep(tx, job_id, node_id, outcome)
    node = nodes.find(tx, node_id)
    if node is not None and node.parent_id is not None:
        keep_above(tx, job_id, node.parent_id)


def _parent_of(node: Node) -> int:
    if node.parent_id is None:
        raise AssertionError(f"the root of space {node.space_id} is in a plan")
    return node.parent_id
