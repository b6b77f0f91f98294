"""What has no base: paired by its mapped path. Nothing is ever deleted from here (spec section 11)."""

from client.sync import names
from client.sync.model import PARKED_LID, Kind, LocalEntry, RemoteNode
from client.sync.operations import Adopt, MakeFolderThere, ReadHash, Upload
from client.sync.plan.absent import bring_here
from client.sync.plan.content import settle_difference, settle_state
from client.sync.plan.context import Context, Step
from client.sync.plan.excluded import NEW_IN_LEFT, is_below_excluded
from client.sync.plan.place import READ_ONLY, bring_out, set_aside
from client.sync.plan.view import Standing
from client.sync.trees.doubt import DEEPEST

TOO_DEEP = f"It lies deeper than {DEEPEST} folders, the most that a server keeps in one another: move it further up."


def settle_new_node(context: Context, node: RemoteNode) -> Step:
    """Decide about a node in view without a synced row."""
    view = context.view
    home = view.home(node)
    if home is None:
        return Step.AGREED if view.is_in_ignored(node) else Step.WAITS
    if view.is_ignored(home, is_folder=node.kind is Kind.FOLDER):
        return Step.AGREED
    entry = view.stands_at(home)
    if entry is None:
        return bring_here(context, node, None, home)
    if view.tie(entry.lid) is not None or view.is_busy(entry.lid) or not view.is_certain(entry.lid):
        return Step.WAITS
    return _meet(context, node, entry)


def _meet(context: Context, node: RemoteNode, entry: LocalEntry) -> Step:
    """Decide about a node and an entry that have one path and no base."""
    if entry.stat.kind is not node.kind:
        return set_aside(context, node, entry)
    if not context.draft.claim_here((entry.parent, entry.name)):
        return Step.WAITS
    if entry.is_folder:
        return _adopt(context, node, entry)
    if entry.sha256 is None:
        context.draft.add(ReadHash(node=node, entry=entry))
        return Step.PLANNED
    if entry.sha256 == node.sha256:
        step = settle_state(context, node, entry, None)
    else:
        step = settle_difference(context, node, entry, None)
    return _adopt(context, node, entry) if step is Step.AGREED else step


def _adopt(context: Context, node: RemoteNode, entry: LocalEntry) -> Step:
    context.draft.add(Adopt(node=node, entry=entry))
    return Step.PLANNED


def settle_new_entry(context: Context, entry: LocalEntry) -> Step:
    """Decide about an entry without a synced row."""
    view = context.view
    if view.is_entry_ignored(entry):
        return Step.AGREED
    if not view.is_certain(entry.lid):
        return Step.WAITS
    if entry.parent == PARKED_LID:
        return bring_out(context, entry)
    if entry.is_folder and context.fates.holds_only_unsynced(entry):
        return Step.AGREED
    return _settle_where_it_is(context, entry)


def _settle_where_it_is(context: Context, entry: LocalEntry) -> Step:
    """Send an entry, or pair it with what has its name."""
    view, draft = context.view, context.draft
    parent_id = view.id_of(entry.parent)
    if parent_id is None and not entry.is_folder and is_below_excluded(view, entry):
        draft.problem(entry, "other", NEW_IN_LEFT)
    if parent_id is None or view.is_busy(parent_id, entry.parent) or not view.stands_for(entry):
        return Step.WAITS
    name = names.server_name(entry.name)
    if name is None:
        draft.problem(entry, "name", "The server cannot hold this name: rename it.")
        return Step.WAITS
    parent = view.node(parent_id)
    if len(view.path((entry.parent, entry.name))) > DEEPEST:
        draft.problem(entry, "other", TOO_DEEP)
        return Step.WAITS
    if parent is not None and not parent.writable:
        draft.problem(entry, "read_only", READ_ONLY)
        return Step.WAITS
    partner = view.child_shown_as(parent_id, name, entry.name)
    if partner is not None:
        return _settle_beside(context, entry, parent_id, partner)
    return _send_new(context, entry, parent_id, name)


def _settle_beside(context: Context, entry: LocalEntry, parent_id: str, partner: RemoteNode) -> Step:
    """Pair with a node of the same name; where it belongs to another entry, wait or go beside it."""
    view = context.view
    if view.standing(partner.id) is Standing.EXCLUDED:
        return _send_beside(context, entry, parent_id)
    base = view.base(partner.id)
    if view.standing(partner.id) is not Standing.IN:
        return Step.WAITS
    if base is None:
        home = view.home(partner)
        is_it = home is not None and (met := view.stands_at(home)) is not None and met.lid == entry.lid
        if is_it:
            return Step.WAITS if view.is_busy(partner.id) else settle_new_node(context, partner)
        return _send_beside(context, entry, parent_id) if _is_twin(context, entry, partner) else Step.WAITS
    return _send_beside(context, entry, parent_id) if _is_twin(context, entry, partner) else Step.WAITS


def _is_twin(context: Context, entry: LocalEntry, partner: RemoteNode) -> bool:
    """Tell whether another entry, whose name is the same in another Unicode form, stands for the node for good."""
    view = context.view
    base, home = view.base(partner.id), view.home(partner)
    other = view.entry(base.lid) if base is not None else (None if home is None else view.stands_at(home))
    if other is None or other.lid == entry.lid or other.parent != entry.parent:
        return False
    return other.name != entry.name and view.is_same_name(other.name, entry.name)


def _send_beside(context: Context, entry: LocalEntry, parent_id: str) -> Step:
    """Send an entry under a free name, since its own stands for something else at the server."""
    name = names.server_name(entry.name)
    if name is None:
        return Step.WAITS
    return _send(context, entry, parent_id, context.draft.free_name_there(parent_id, name))


def _send_new(context: Context, entry: LocalEntry, parent_id: str, name: str) -> Step:
    if not context.draft.claim_there(parent_id, name):  # another entry here has the name in another Unicode form
        return Step.WAITS
    return _send(context, entry, parent_id, name)


def _send(context: Context, entry: LocalEntry, parent_id: str, name: str) -> Step:
    if entry.is_folder:
        context.draft.add(MakeFolderThere(entry=entry, parent_id=parent_id, name=name))
    else:
        context.draft.add(Upload(entry=entry, how="new", parent_id=parent_id, name=name))
    return Step.PLANNED
