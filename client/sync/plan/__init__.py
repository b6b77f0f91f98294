"""The planner: from three trees to what is to be done. Pure: it looks at nothing but its arguments, and draws nothing.

Each node is merged on three questions: does it exist, where is it, what does it hold (spec section 4). Only candidates
are looked at. All operations of a plan are independent; what has to come after another waits for the next plan.
"""

from collections.abc import Iterable

from client.sync.known import Known, Plan
from client.sync.plan.candidates import widen
from client.sync.plan.context import Context
from client.sync.plan.draft import Draft
from client.sync.plan.fates import Fates
from client.sync.plan.guards import hold
from client.sync.plan.merge import merge_entry, merge_node
from client.sync.plan.view import View
from client.sync.trees.protocol import Trees

__all__ = ["plan"]


def plan(trees: Trees, known: Known, ids: Iterable[str], lids: Iterable[int], left: Iterable[str]) -> Plan:
    """Plan what brings the candidates nearer to each other.

    Args:
        trees: as they are; they must stand still until this returns.
        known: what else the planner goes by.
        ids: nodes that may differ, at the server or from their entries.
        lids: entries without a synced row.
        left: folders at the server that something left, so that others in them may be called otherwise here.
    """
    view = View(trees, known)
    draft = Draft(view)
    context = Context(view, Fates(view), draft)
    nodes, entries = widen(view, ids, lids, left)
    for node_id in nodes:
        merge_node(context, node_id)
    for lid in entries:
        merge_entry(context, lid)
    draft.plan.found_ids = set(nodes) - draft.plan.agreed_ids
    hold(draft)
    return draft.plan
