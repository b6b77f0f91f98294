"""Where a node is: followed if one side moved it; if both did, the server's place wins (spec section 4).

A name that is taken is waited for. Where things wait for each other in a ring, one of them is parked.
"""

from client.sync import names
from client.sync.model import PARKED_LID, LocalEntry, RemoteNode
from client.sync.observe.parked import parked_name
from client.sync.operations import MoveHere, MoveThere, SetAside
from client.sync.plan.context import Context, Step
from client.sync.plan.fates import Fate
from client.sync.plan.rings import (
    Tied,
    blocker_here,
    blocker_there,
    is_at,
    is_first_of_ring,
    is_ring_of_folders,
    is_to_move_there,
    target_there,
    tied,
    way_here,
    way_there,
)
from client.sync.plan.view import Place, Standing

READ_ONLY = "You may only read this folder: what you changed in it stays on this device."


def settle_place(context: Context, it: Tied) -> Step:
    """Bring a node to one place on both sides."""
    view = context.view
    home = view.home(it.node)
    if home is not None and is_at(view, it, home):
        return Step.AGREED
    return _move_there(context, it, home) if is_to_move_there(view, it) else _move_here(context, it, home)


# There


def _move_there(  # noqa: PLR0911 - a line for each thing in the way
    context: Context, it: Tied, home: Place | None
) -> Step:
    view, draft = context.view, context.draft
    if it.node.writable and is_first_of_ring(view, it.node.id, blocker_there):
        return _park_there(context, it)
    target = target_there(view, it)
    if target is None:
        if names.server_name(it.entry.name) is None:
            draft.problem(it.entry, "name", "The server cannot hold this name: rename it.")
        return Step.WAITS
    parent_id, name = target
    parent = view.node(parent_id)
    if not it.node.writable or (parent is not None and not parent.writable):
        draft.problem(it.entry, "read_only", READ_ONLY)
        return _move_here(context, it, home)
    if is_ring_of_folders(view, it):
        return _move_here(context, it, home)
    occupant = view.live_child(parent_id, name)
    if occupant is not None and occupant.id != it.node.id:
        return _move_to_taken(context, it, occupant, parent_id)
    if way_there(view, parent_id, it.node) is not None:
        return Step.WAITS
    if not draft.claim_there(parent_id, name):
        return Step.WAITS
    draft.add(MoveThere(node=it.node, entry=it.entry, base=it.base, parent_id=parent_id, name=name))
    return Step.PLANNED


def _move_to_taken(context: Context, it: Tied, occupant: RemoteNode, parent_id: str) -> Step:
    """Wait for a name at the server that will be free; take another where it will not."""
    draft = context.draft
    if _will_leave_there(context, occupant) or way_there(context.view, parent_id, it.node) is not None:
        return Step.WAITS
    name = names.server_name(draft.conflict_name(it.entry.parent, it.entry.name))
    if name is None or not draft.claim_there(parent_id, name):
        return Step.WAITS
    draft.add(MoveThere(node=it.node, entry=it.entry, base=it.base, parent_id=parent_id, name=name))
    return Step.PLANNED


def _park_there(context: Context, it: Tied) -> Step:
    """Let a node wait under a free name: where it is to go if it can, since the folder that it is in may be to go."""
    target = target_there(context.view, it)
    where = it.node.parent_id or context.view.trees.root_id
    if target is not None and way_there(context.view, target[0], it.node) is None:
        where = target[0]
    apart = context.draft.free_name_there(where, it.node.name)
    move = MoveThere(node=it.node, entry=it.entry, base=it.base, parent_id=where, name=apart, is_parking=True)
    context.draft.add(move)
    return Step.PLANNED


def _will_leave_there(context: Context, occupant: RemoteNode) -> bool:
    """Tell whether what has a name at the server is, or may be, about to be moved or deleted by this device."""
    view = context.view
    if occupant.id in view.known.leaving:
        return True
    base = view.base(occupant.id)
    if base is None:
        return False
    it = tied(view, occupant.id)
    if it is not None and not view.is_certain(it.entry.lid):
        return True  # it was here under another name, which it seems to have left: soon it is known for where
    if it is not None:
        target = target_there(view, it)
        return is_to_move_there(view, it) and target != (occupant.parent_id, occupant.name)
    if view.standing(occupant.id) is not Standing.IN:
        return False
    return context.fates.there(occupant) is not Fate.KEPT


# Here


def _move_here(context: Context, it: Tied, home: Place | None) -> Step:
    view, draft = context.view, context.draft
    if it.entry.parent != PARKED_LID and is_first_of_ring(view, it.node.id, blocker_here):
        return _park_here(context, it)
    if home is None or view.is_busy(home[0]) or not view.is_certain(home[0]):
        return Step.WAITS
    if way_here(view, home[0], it.entry) is not None:
        return Step.WAITS
    occupant = view.stands_at(home)
    if occupant is not None:
        return _make_way(context, it, occupant)
    if not draft.claim_here(home):
        return Step.WAITS
    draft.add(MoveHere(node=it.node, entry=it.entry, base=it.base, parent=home[0], name=home[1]))
    return Step.PLANNED


def _make_way(context: Context, it: Tied, occupant: LocalEntry) -> Step:
    """Wait for a name here that will be free, or let a newcomer that has it make way.

    Where this disk takes the old and the new name for one, there is no way from one to the other in one step.
    """
    if occupant.lid == it.entry.lid:
        return _park_here(context, it)
    if context.view.tie(occupant.lid) is None:
        return set_aside(context, it.node, occupant)
    return Step.WAITS


def _park_here(context: Context, it: Tied) -> Step:
    """Let an entry wait out of the way."""
    name = parked_name(it.entry.lid)
    context.draft.add(MoveHere(node=it.node, entry=it.entry, base=it.base, parent=PARKED_LID, name=name))
    return Step.PLANNED


def set_aside(context: Context, node: RemoteNode, entry: LocalEntry) -> Step:
    """Give a local newcomer a conflict name, since the server has `node` under its name."""
    view = context.view
    if view.is_busy(entry.lid) or not view.is_certain(entry.lid):
        return Step.WAITS
    if not context.draft.claim_here((entry.parent, entry.name)):
        return Step.WAITS
    name = context.draft.conflict_name(entry.parent, entry.name)
    context.draft.add(SetAside(node=node, entry=entry, name=name))
    return Step.PLANNED


def bring_out(context: Context, entry: LocalEntry) -> Step:
    """Bring an entry that waits apart, and that belongs nowhere any more, back to where people look."""
    draft = context.draft
    base = context.view.tie(entry.lid)
    wanted = (0, entry.name) if base is None else (base.local_parent, base.local_name)
    parent = wanted[0] if wanted[0] == 0 or context.view.entry(wanted[0]) is not None else 0
    is_free = context.view.stands_at((parent, wanted[1])) is None and draft.claim_here((parent, wanted[1]))
    name = wanted[1] if is_free else draft.conflict_name(parent, wanted[1])
    draft.add(MoveHere(entry=entry, base=base, parent=parent, name=name))
    return Step.PLANNED
