"""What is still coming into view, bit by bit: nobody can have seen all of it."""

from app.db.transaction import Snapshot
from app.repositories import jobs, nodes
from app.repositories.jobs import JobKind
from app.services import conversion
from app.services.access import Sight


def is_arriving(tx: Snapshot, sight: Sight) -> bool:
    """Tell whether something at, above or below a node is still shown to its readers by a job.

    That is so while what came back from the trash is revealed, and while what came from another space is carried over.
    """
    tops = jobs.nodes_of(tx, JobKind.REVEAL) | conversion.being_carried(tx)
    return not tops.isdisjoint(sight.below) or any(
        sight.node.id in (step.id for step in nodes.way_up(tx, top)) for top in tops
    )
