"""What was in step and is at the server no more, or left the view: deleted here, unless it has changed here."""

from collections.abc import Iterator

from client.sync import names
from client.sync.model import PARKED_LID, LocalEntry, SyncedNode
from client.sync.operations import DeleteHere, Forget, MakeFolderThere, ReadHash, Upload
from client.sync.plan.context import Context, Step
from client.sync.plan.fates import Fate
from client.sync.plan.place import READ_ONLY, bring_out
from client.sync.plan.view import Standing


def settle_both_gone(context: Context, base: SyncedNode, standing: Standing) -> Step:
    """Forget what is on neither side; what is about to leave the server first leaves it."""
    if base.id in context.view.known.leaving and context.view.node(base.id) is not None:
        return Step.WAITS
    context.draft.add(Forget(base=base, node=None if standing is Standing.GONE else context.view.node(base.id)))
    return Step.PLANNED


def settle_gone(  # noqa: PLR0911 - a line for each fate
    context: Context, entry: LocalEntry, base: SyncedNode, standing: Standing
) -> Step:
    """Decide about an entry whose node is gone: a delete takes only what its author had seen."""
    view = context.view
    if base.id in view.known.leaving and view.node(base.id) is not None:
        return Step.WAITS
    if entry.parent == PARKED_LID:
        return bring_out(context, entry)
    if view.is_entry_ignored(entry):
        return _forget(context, entry, base)
    fate = context.fates.here(entry)
    if fate is Fate.GOES:
        return _delete_here(context, entry, base)
    if fate is Fate.STAYS:
        return _forget(context, entry, base)
    if fate is Fate.WAITS:
        return _look(context, entry, base)
    if standing is Standing.OUTSIDE:  # it lives elsewhere, and is not brought back: what was made of it here is new
        return _forget(context, entry, base)
    return _bring_back(context, entry, base)


def _forget(context: Context, entry: LocalEntry, base: SyncedNode) -> Step:
    context.draft.add(Forget(entry=entry, base=base))
    return Step.PLANNED


def _look(context: Context, entry: LocalEntry, base: SyncedNode) -> Step:
    if entry.is_folder or entry.sha256 is not None or not context.view.is_certain(entry.lid):
        return Step.WAITS
    context.draft.add(ReadHash(entry=entry, base=base))
    return Step.PLANNED


def _delete_here(context: Context, entry: LocalEntry, base: SyncedNode) -> Step:
    if not entry.is_folder:
        # What only may not be seen any more counts too: nobody here asked for that, and it is nowhere else for them.
        context.draft.add_delete(DeleteHere(entry=entry, base=base, files=1))
        return Step.PLANNED
    if context.view.local_children(entry.lid):
        return Step.WAITS
    context.draft.add(DeleteHere(entry=entry, base=base))
    return Step.PLANNED


def _bring_back(context: Context, entry: LocalEntry, base: SyncedNode) -> Step:
    """Bring a node back: a file under its id, a folder anew. What lies in a folder that was moved here is all new."""
    view = context.view
    above = view.entry(entry.parent)
    if above is not None and context.fates.is_moved_with(above):
        return _forget(context, entry, base)
    if entry.is_folder and view.is_moved_here(base, entry):
        return _forget_all(context, entry)
    parent_id, name = view.id_of(entry.parent), names.server_name(entry.name)
    if parent_id is None or name is None:
        return Step.WAITS
    parent = view.node(parent_id)
    if parent is not None and not parent.writable:
        context.draft.problem(entry, "read_only", READ_ONLY)
        return Step.WAITS
    if entry.is_folder:
        return _remake(context, entry, base, parent_id, name)
    return _restore(context, entry, base, parent_id, name)


def _restore(context: Context, entry: LocalEntry, base: SyncedNode, parent_id: str, name: str) -> Step:
    """Bring a file back under its id. The server puts it where it was, from where it is moved.

    If it was moved here out of a folder that is gone, or is about to go, it becomes a new file: nobody wants that
    folder again.
    """
    view, draft = context.view, context.draft
    old_parent = parent_id
    if view.is_moved_here(base, entry):
        old_parent = base.parent_id
        folder = view.node(old_parent)
        if folder is None or view.standing(old_parent) is not Standing.IN or not folder.writable:
            return _forget(context, entry, base)
        if view.lid_of(old_parent) is None:
            return _forget(context, entry, base)
    if not draft.claim_there(old_parent, base.name):
        return Step.WAITS
    restore = Upload(
        entry=entry, base=base, how="restore", parent_id=parent_id, name=name, base_version=base.version_id
    )
    draft.add(restore)
    return Step.PLANNED


def _remake(context: Context, entry: LocalEntry, base: SyncedNode, parent_id: str, name: str) -> Step:
    if context.view.live_child(parent_id, name) is not None:  # it is met as a new folder meets what has its name
        return _forget(context, entry, base)
    if not context.draft.claim_there(parent_id, name):
        return Step.WAITS
    context.draft.add(MakeFolderThere(entry=entry, base=base, parent_id=parent_id, name=name))
    return Step.PLANNED


def _forget_all(context: Context, folder: LocalEntry) -> Step:
    """Forget a folder with all below that is gone as well: one step, so that none of it is taken for unchanged."""
    for entry, base in _gone_below(context, folder):
        context.draft.add(Forget(entry=entry, base=base))
    return Step.PLANNED


def _gone_below(context: Context, entry: LocalEntry) -> Iterator[tuple[LocalEntry, SyncedNode]]:
    todo = [entry]
    for each in todo:
        base = context.view.tie(each.lid)
        if base is not None and context.view.standing(base.id) is Standing.GONE:
            yield each, base
        todo += context.view.local_children(each.lid)
