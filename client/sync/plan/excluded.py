"""What selective sync left out: what is unchanged leaves this device, all else stays. The server keeps everything."""

from client.sync.model import LocalEntry, RemoteNode, SyncedNode
from client.sync.operations import DeleteHere, Forget, ReadHash
from client.sync.plan.context import Context, Step
from client.sync.plan.view import Standing, View

LEFT = "It was left out, but has changed on this device: it stays here and is not synced."
NEW_IN_LEFT = (
    "It is new in a folder that was left out and stays here for what has changed in it: it is not sent. Move it out of"
    " there, or take the folder again with `cairn select take`."
)


def settle_excluded(context: Context, node: RemoteNode, entry: LocalEntry | None, base: SyncedNode) -> Step:
    """Take an excluded node away from this device, from the bottom up."""
    view, draft = context.view, context.draft
    if entry is None or view.is_entry_ignored(entry):
        draft.add(Forget(node=node, entry=entry, base=base))
        return Step.PLANNED
    if not view.is_certain(entry.lid):
        return Step.WAITS
    if entry.is_folder:
        return _leave_folder(context, node, entry, base)
    if entry.sha256 is None:
        draft.add(ReadHash(node=node, entry=entry, base=base))
    elif entry.sha256 == base.sha256 and not view.is_moved_here(base, entry):
        draft.add(DeleteHere(node=node, entry=entry, base=base))
    else:
        draft.problem(entry, "other", LEFT)
        return Step.WAITS
    return Step.PLANNED


def _leave_folder(context: Context, node: RemoteNode, entry: LocalEntry, base: SyncedNode) -> Step:
    """Remove a folder when it is empty. One that holds new things only is a new folder, beside the one left out."""
    view, draft = context.view, context.draft
    children = view.local_children(entry.lid)
    if any(view.tie(child.lid) is not None for child in children):
        return Step.WAITS
    if children or view.known.holds_others(entry.lid):
        draft.add(Forget(node=node, entry=entry, base=base))
    else:
        draft.add(DeleteHere(node=node, entry=entry, base=base))
    return Step.PLANNED


def is_below_excluded(view: View, entry: LocalEntry) -> bool:
    """Tell whether the nearest folder above an entry that is tied to a node was left out."""
    parent: LocalEntry | None = view.entry(entry.parent)
    while parent is not None:
        base = view.tie(parent.lid)
        if base is not None:
            return view.standing(base.id) is Standing.EXCLUDED
        parent = view.entry(parent.parent)
    return False
