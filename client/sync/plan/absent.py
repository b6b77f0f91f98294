"""What was in step and is here no more: deleted at the server, unless it has changed there (spec section 4)."""

from client.sync.model import Kind, RemoteNode, SyncedNode
from client.sync.operations import DeleteThere, Fetch, Forget, MakeFolderHere, TakeOver
from client.sync.plan.context import Context, Step
from client.sync.plan.fates import Fate
from client.sync.plan.place import set_aside
from client.sync.plan.view import Place


def settle_absent(context: Context, node: RemoteNode, base: SyncedNode) -> Step:
    """Decide about a live node whose entry is gone: a delete takes only what its author had seen."""
    view = context.view
    if _is_left_out(context, node, base):
        context.draft.add(Forget(node=node, base=base))
        return Step.PLANNED
    home = view.home(node)
    fate = context.fates.there(node)
    if fate is Fate.WAITS or not view.is_certain(base.lid) or not _is_place_known(context, node, home):
        return Step.WAITS
    step = None if home is None else _meet_newcomer(context, node, base, home, fate)
    if step is not None:
        return step
    if fate is Fate.KEPT:
        return Step.WAITS if home is None else bring_here(context, node, base, home)
    return _delete_there(context, node, base)


def _is_left_out(context: Context, node: RemoteNode, base: SyncedNode) -> bool:
    """Tell whether the rules leave out the place where it was, or a folder that it is in."""
    view = context.view
    return view.is_ignored(view.place_then(base), is_folder=node.kind is Kind.FOLDER) or view.is_in_ignored(node)


def _is_place_known(context: Context, node: RemoteNode, home: Place | None) -> bool:
    """Tell whether the folder that it would stand in was looked through, or was in step and is gone as well.

    A folder that the rules take in again is neither, before it has been listed: then what is in it seems gone.
    """
    view = context.view
    if home is not None:
        return view.is_certain(home[0])
    return node.parent_id is None or view.base(node.parent_id) is not None


def _meet_newcomer(context: Context, node: RemoteNode, base: SyncedNode, home: Place, fate: Fate) -> Step | None:
    """Let what a person made anew under the same name take the node over: that deletes nothing, and is an edit.

    Where the node has come there from elsewhere, both are but met: it was not to be that.
    """
    view = context.view
    entry = view.stands_at(home)
    if entry is None or view.tie(entry.lid) is not None:
        return None
    if entry.stat.kind is not node.kind:
        return set_aside(context, node, entry) if fate is Fate.KEPT else None
    if view.is_busy(entry.lid):
        return Step.WAITS
    if view.is_moved_there(base, node):
        context.draft.add(Forget(node=node, base=base))
    else:
        context.draft.add(TakeOver(node=node, entry=entry, base=base))
    return Step.PLANNED


def bring_here(context: Context, node: RemoteNode, base: SyncedNode | None, home: Place) -> Step:
    """Fetch a file, or make a folder, where nothing may stand."""
    view, draft = context.view, context.draft
    if view.is_busy(home[0]) or not view.is_certain(home[0]) or view.is_parked(home[0]):
        return Step.WAITS
    if view.stands_at(home) is not None or not draft.claim_here(home):
        return Step.WAITS
    if node.kind is Kind.FOLDER:
        draft.add(MakeFolderHere(node=node, base=base, parent=home[0], name=home[1]))
    else:
        draft.add(Fetch(node=node, base=base, parent=home[0], name=home[1]))
    return Step.PLANNED


def _delete_there(context: Context, node: RemoteNode, base: SyncedNode) -> Step:
    view, draft = context.view, context.draft
    if _goes_with_its_folder(context, node):
        return Step.WAITS
    if node.kind is Kind.FILE:
        draft.add_delete(DeleteThere(node=node, base=base, files=1))
        return Step.PLANNED
    if node.id in view.known.split and view.live_children(node.id):
        return Step.WAITS
    files = context.fates.files_below(node)
    draft.add_delete(DeleteThere(node=node, base=base, below_seq=view.known.below_seq, files=files))
    return Step.PLANNED


def _goes_with_its_folder(context: Context, node: RemoteNode) -> bool:
    """Tell whether the folder above goes as a whole, with all that is below it."""
    view = context.view
    above = None if node.parent_id is None else view.node(node.parent_id)
    if above is None or above.id == view.trees.root_id or above.id in view.known.split:
        return False
    base = view.base(above.id)
    return base is not None and view.entry(base.lid) is None and context.fates.there(above) is Fate.GOES
