"""The plan of a rewind: how what is below a folder differs from what was below it after some seq.

What changed since stands at the end of the space's feed, a row a node however often it changed. So the plan is read
from there, in slices, and what nobody touched is never looked at.
"""

from app.db.transaction import Snapshot, Transaction
from app.repositories import moments, nodes, plans
from app.repositories.moments import State
from app.repositories.nodes import Kind, Node
from app.repositories.plans import Entry, Outcome, Step
from app.services.planned import Planned

SLICE = 200


def plan_rewind(tx: Transaction, job_id: int, top: Node, planned: Planned, *, limit: int = SLICE) -> tuple[int, int]:
    """Plan for up to `limit` changed nodes; return how far that came, (0, 0) at the end."""
    place = planned.place if planned.place != (0, 0) else (planned.since, 2**62)
    # By places in the feed, which a reveal or a carry may have moved behind the head that the plan keeps to.
    found = moments.changed_after(tx, top.space_id, place, upto=tx.counters.seq, limit=limit)
    plan = _Difference(tx, top.id, planned)
    entries = (plan.entry_of(node_id) for _, node_id in found)
    plans.add(tx, job_id, [entry for entry in entries if entry is not None])
    return found[-1] if len(found) == limit else (0, 0)


class _Difference:
    """Compares nodes with what they were; many lie in the same folders, so what is found of those is remembered."""

    def __init__(self, tx: Snapshot, top_id: int, planned: Planned) -> None:
        self._tx = tx
        self._since = planned.since
        self._upto = planned.upto
        self._was_here: dict[int | None, bool] = {None: False, top_id: True}
        self._was_alive: dict[int | None, bool] = {None: True}
        self._is_here: dict[int | None, bool] = {None: False, top_id: True}
        self._top_id = top_id

    def entry_of(self, node_id: int) -> Entry | None:
        """Return what is to be done about a node; None if that is nothing."""
        node = nodes.find(self._tx, node_id)
        if node is None or node_id == self._top_id or not self._since < node.seq <= self._upto:
            return None
        if node.dead_seq and node.dead_ms is None:
            return self._of_purged(node)
        then = moments.state_at(self._tx, node_id, self._since)
        if then is not None and not then.dead_seq and self._was_in(then.parent_id):
            return self._of_kept(node, then)
        return self._of_new(node, then)

    def _of_purged(self, node: Node) -> Entry | None:
        if not node.created_seq <= self._since < node.dead_seq or not self._is_in(node.parent_id):
            return None
        return entry(node, Step.PLACE, None, Outcome.SHARED if node.kind is Kind.MOUNT else Outcome.PURGED)

    def _of_kept(self, node: Node, then: State) -> Entry | None:
        """Return what brings back a node that was there."""
        outcome = Outcome.SHARED if node.kind is Kind.MOUNT else Outcome.PENDING
        if node.dead_seq or (node.parent_id, node.name) != (then.parent_id, then.name):
            return entry(node, Step.PLACE, then, outcome)
        if (node.version_id, node.mtime_ms, node.executable) != (then.version_id, then.mtime_ms, then.executable):
            return entry(node, Step.CONTENT, then, outcome)
        return None

    def _of_new(self, node: Node, then: State | None) -> Entry | None:
        """Return what takes away a node that was not there: to where it was, or to the trash."""
        if node.dead_seq or not self._is_in(node.parent_id):
            return None
        if node.kind is Kind.MOUNT:
            return entry(node, Step.TRASH, None, Outcome.SHARED)
        if then is None or then.dead_seq or not self._was_outside(then):
            return entry(node, Step.TRASH, None)
        if (then.parent_id, then.name) == (node.parent_id, node.name):
            return None  # it came along with a folder above it, and goes back with that
        came_in = State(
            then.node_id,
            then.space_id,
            then.parent_id,
            then.name,
            None,  # what it holds now was made where it is none of the rewind's business
            node.mtime_ms,
            node.executable,
            0,
            then.actor_id,
            then.from_seq,
        )
        return entry(node, Step.PLACE, came_in)

    def _was_in(self, folder_id: int | None) -> bool:
        """Tell whether a folder was, alive, at or below the top."""
        if folder_id not in self._was_here:
            then = None if folder_id is None else moments.state_at(self._tx, folder_id, self._since)
            self._was_here[folder_id] = then is not None and not then.dead_seq and self._was_in(then.parent_id)
        return self._was_here[folder_id]

    def _was_outside(self, then: State) -> bool:
        """Tell whether a node was alive, somewhere else in the same space."""
        return self._was_live(then.parent_id) and then.parent_id is not None

    def _was_live(self, folder_id: int | None) -> bool:
        if folder_id not in self._was_alive:
            then = None if folder_id is None else moments.state_at(self._tx, folder_id, self._since)
            self._was_alive[folder_id] = then is not None and not then.dead_seq and self._was_live(then.parent_id)
        return self._was_alive[folder_id]

    def _is_in(self, folder_id: int | None) -> bool:
        """Tell whether a folder will be at or below the top: it is there, dead or alive, or comes back there."""
        if folder_id not in self._is_here:
            folder = None if folder_id is None else nodes.find(self._tx, folder_id)
            self._is_here[folder_id] = folder is not None and (self._was_in(folder_id) or self._is_in(folder.parent_id))
        return self._is_here[folder_id]


def entry(node: Node, step: Step, target: State | None, outcome: Outcome = Outcome.PENDING) -> Entry:
    """Return a line of a plan: bring about `target`, or with none leave name and place as they are."""
    return Entry(
        node_id=node.id,
        step=step,
        outcome=outcome,
        if_seq=node.seq,
        parent_id=node.parent_id if target is None else target.parent_id,
        name=node.name if target is None else target.name,
        version_id=None if target is None else target.version_id,
        mtime_ms=node.mtime_ms if target is None else target.mtime_ms,
        executable=node.executable if target is None else target.executable,
    )
