"""One node, or one entry without a node: does it exist on both sides, and who says what comes next."""

from client.sync.model import Kind
from client.sync.operations import Adopt, Forget
from client.sync.plan.absent import settle_absent
from client.sync.plan.content import settle_content
from client.sync.plan.context import Context, Step, agreed_row
from client.sync.plan.excluded import settle_excluded
from client.sync.plan.gone import settle_both_gone, settle_gone
from client.sync.plan.place import settle_place
from client.sync.plan.rings import Tied
from client.sync.plan.unbased import settle_new_entry, settle_new_node
from client.sync.plan.view import Standing


def merge_node(context: Context, node_id: str) -> None:
    """Plan for a node; it agrees if there is nothing to do."""
    if node_id == context.view.trees.root_id or _step_of(context, node_id) is Step.AGREED:
        context.draft.agree(node_id)


def _step_of(context: Context, node_id: str) -> Step:  # noqa: PLR0911 - a line for each case of the table
    view = context.view
    base, node, standing = view.base(node_id), view.node(node_id), view.standing(node_id)
    if view.is_busy(node_id) or standing is Standing.UNKNOWN:
        return Step.WAITS
    if base is None:
        return settle_new_node(context, node) if node is not None and standing is Standing.IN else Step.AGREED
    entry = view.entry(base.lid)
    if view.is_busy(base.lid):
        return Step.WAITS
    if node is None or standing in {Standing.GONE, Standing.OUTSIDE}:
        if entry is None:
            return settle_both_gone(context, base, standing)
        return settle_gone(context, entry, base, standing)
    if standing is Standing.EXCLUDED:
        return settle_excluded(context, node, entry, base)
    if entry is None:
        return settle_absent(context, node, base)
    return _settle_both(context, Tied(node, entry, base))


def _settle_both(context: Context, it: Tied) -> Step:
    view, draft = context.view, context.draft
    if view.is_entry_ignored(it.entry):
        return Step.AGREED
    if not view.is_certain(it.entry.lid):
        return Step.WAITS
    step = _merge_both(context, it)
    if step is not Step.AGREED:
        return step
    at = (it.entry.parent, it.entry.name)
    if it.base == agreed_row(it.node, it.base, at, it.entry.sha256):
        return Step.AGREED
    draft.add(Adopt(node=it.node, entry=it.entry, base=it.base))
    return Step.PLANNED


def _merge_both(context: Context, it: Tied) -> Step:
    """Merge what is on both sides: its place, then its content."""
    if it.entry.stat.kind is not it.node.kind or it.base.kind is not it.node.kind:
        context.draft.add(Forget(node=it.node, entry=it.entry, base=it.base))
        return Step.PLANNED
    place = settle_place(context, it)
    if place is Step.PLANNED:
        return place
    content = settle_content(context, it) if it.node.kind is Kind.FILE else Step.AGREED
    return place if content is Step.AGREED else content


def merge_entry(context: Context, lid: int) -> None:
    """Plan for an entry without a node; it agrees if there is nothing to do."""
    entry = context.view.entry(lid)
    if entry is None or context.view.is_busy(lid):
        return
    if settle_new_entry(context, entry) is Step.AGREED:
        context.draft.agree_entry(lid)
