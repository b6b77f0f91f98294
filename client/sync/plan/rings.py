"""What waits for what: names that are taken, folders that lie in each other, and the rings that these can make."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from client.sync import names
from client.sync.model import Kind, LocalEntry, RemoteNode, SyncedNode
from client.sync.plan.view import Place, Standing, View

T = TypeVar("T", str, int)


@dataclass(frozen=True, slots=True)
class Tied:
    """A node that is on both sides."""

    node: RemoteNode
    entry: LocalEntry
    base: SyncedNode


@dataclass(frozen=True, slots=True)
class Blocker:
    """What a node waits for: another that has the name which it is to get, or that must first leave it."""

    node_id: str
    has_name: bool


def tied(view: View, node_id: str) -> Tied | None:
    """Return a node that is in view and here."""
    base, node = view.base(node_id), view.node(node_id)
    if base is None or node is None or view.standing(node_id) is not Standing.IN:
        return None
    entry = view.entry(base.lid)
    return None if entry is None else Tied(node, entry, base)


def _tied_at(view: View, lid: int) -> Tied | None:
    base = view.tie(lid)
    return None if base is None else tied(view, base.id)


def is_at(view: View, it: Tied, home: Place) -> bool:
    """Tell whether an entry is where its node belongs, its name perhaps in another Unicode form."""
    if it.entry.parent != home[0]:
        return False
    if view.is_same_name(it.entry.name, home[1]):
        return True
    is_still = not view.is_moved_here(it.base, it.entry) and not view.is_moved_there(it.base, it.node)
    return is_still and _has_twin(view, it)


def _has_twin(view: View, it: Tied) -> bool:
    """Tell whether another entry beside it has its name in another form: then the name here is not changed."""
    if it.entry.name.isascii():
        return False
    return any(
        child.lid != it.entry.lid and view.is_same_name(child.name, it.entry.name)
        for child in view.local_children(it.entry.parent)
    )


def _is_in_place(view: View, it: Tied) -> bool:
    home = view.home(it.node)
    return home is not None and is_at(view, it, home)


def is_to_move_there(view: View, it: Tied) -> bool:
    """Tell whether only this device moved a node."""
    return view.is_moved_here(it.base, it.entry) and not view.is_moved_there(it.base, it.node)


def target_there(view: View, it: Tied) -> tuple[str, str] | None:
    """Return the place at the server that answers an entry's place here, if there is one yet."""
    parent_id, name = view.id_of(it.entry.parent), names.server_name(it.entry.name)
    return None if parent_id is None or name is None else (parent_id, name)


# Folders in each other


def is_ring_of_folders(view: View, it: Tied) -> bool:
    """Tell whether moves of this device, with those at the server, would put a folder into itself."""
    seen: set[str] = set()
    at: str | None = it.node.id
    while at is not None and at not in seen and at != view.trees.root_id:
        seen.add(at)
        at = _parent_to_be(view, at)
    return at is not None and at in seen


def _parent_to_be(view: View, node_id: str) -> str | None:
    it = tied(view, node_id)
    if it is not None and is_to_move_there(view, it):
        target = target_there(view, it)
        if target is not None:
            return target[0]
    node = view.node(node_id)
    return None if node is None else node.parent_id


def is_to_come_home(view: View, it: Tied) -> bool:
    """Tell whether an entry goes where the server has it: also one whose own move would make a ring, and is undone."""
    return not is_to_move_there(view, it) or is_ring_of_folders(view, it)


def way_there(view: View, start: str, node: RemoteNode) -> list[str] | None:
    """Return what lies between a folder at the server and a node above it, now or after moves still to come.

    None if the node is not above it: only then may it move there, whatever else moves before or after.
    """
    if node.kind is not Kind.FOLDER:
        return None
    return _way(start, node.id, lambda at: _parents_there(view, at))


def _parents_there(view: View, node_id: str) -> list[str]:
    node = view.node(node_id)
    parents = [] if node is None or node.parent_id is None else [node.parent_id]
    to_be = _parent_to_be(view, node_id)
    return parents if to_be is None else [*parents, to_be]


def way_here(view: View, start: int, entry: LocalEntry) -> list[int] | None:
    """Return what lies between a folder here and an entry above it, now or after moves still to come; None as above."""
    if not entry.is_folder:
        return None
    return _way(start, entry.lid, lambda at: _parents_here(view, at))


def _parents_here(view: View, lid: int) -> list[int]:
    entry, it = view.entry(lid), _tied_at(view, lid)
    parents = [] if entry is None else [entry.parent]
    home = view.home(it.node) if it is not None and is_to_come_home(view, it) else None
    return parents if home is None else [*parents, home[0]]


def _way(start: T, goal: T, parents: Callable[[T], list[T]]) -> list[T] | None:
    """Return a way up from `start` to below `goal`."""
    came: dict[T, T | None] = {start: None}
    todo = [start]
    while todo:
        at = todo.pop()
        if at == goal:
            way = []
            step = came[at]
            while step is not None:
                way.append(step)
                step = came[step]
            return way[::-1]
        for parent in parents(at):
            if parent not in came:
                came[parent] = at
                todo.append(parent)
    return None


# Who waits for whom


def blocker_there(view: View, node_id: str) -> Blocker | None:
    """Return what has to move at the server before a node can: it has the name, or lies between."""
    it = tied(view, node_id)
    if it is None or not is_to_move_there(view, it):
        return None
    target = target_there(view, it)
    if target is None:
        return _blocker_of_folder_to_make(view, it)
    occupant = view.live_child(*target)
    if occupant is not None and occupant.id != node_id:
        return Blocker(_to_move_out_of(view, occupant) or occupant.id, has_name=True)
    return _blocker_between(view, it, target[0])


def _blocker_of_folder_to_make(view: View, it: Tied) -> Blocker | None:
    """Return what the first folder waits for that has to be made there before an entry can go where it is."""
    made = _folder_to_make_there(view, it.entry)
    if made is None:
        return None
    parent_id, name, here = made
    occupant = view.child_shown_as(parent_id, name, here)
    if occupant is not None:
        return Blocker(_to_move_out_of(view, occupant) or occupant.id, has_name=True)
    return _blocker_between(view, it, parent_id)


def _blocker_between(view: View, it: Tied, parent_id: str) -> Blocker | None:
    """Return what has to move before a node can go into a folder that lies below it."""
    between = (tied(view, at) for at in way_there(view, parent_id, it.node) or ())
    moving = (each.node.id for each in between if each is not None and is_to_move_there(view, each))
    first = next(moving, None)
    return None if first is None else Blocker(first, has_name=False)


def _to_move_out_of(view: View, folder: RemoteNode) -> str | None:
    """Return what has to move out of a folder at the server first, if that is to be deleted since it is gone here."""
    todo, seen = [folder.id], {folder.id}
    for each in todo:
        base = view.base(each)
        if base is None or view.entry(base.lid) is not None:
            continue
        for child in view.live_children(each):
            it = tied(view, child.id)
            if it is not None and is_to_move_there(view, it):
                return child.id
            if it is None and child.id not in seen:
                seen.add(child.id)
                todo.append(child.id)
    return None


def _folder_to_make_there(view: View, entry: LocalEntry) -> tuple[str, str, str] | None:
    """Return the first folder to be made before an entry can go where it is: its parent, its name, and that here."""
    above = view.entry(entry.parent)
    while above is not None and view.tie(above.lid) is None:
        parent_id, name = view.id_of(above.parent), names.server_name(above.name)
        if parent_id is not None:
            return None if name is None else (parent_id, name, above.name)
        above = view.entry(above.parent)
    return None


def blocker_here(view: View, node_id: str) -> Blocker | None:
    """Return what has to move here before a node can: it has the name, or lies between."""
    it = tied(view, node_id)
    home = None if it is None else view.home(it.node)
    if it is None or (home is not None and is_at(view, it, home)) or not is_to_come_home(view, it):
        return None
    place = home or _folder_to_make_here(view, it.node)
    if place is None:
        return None
    occupant = view.stands_at(place)
    if occupant is not None and (occupant.lid != it.entry.lid or home is None):
        base = view.tie(occupant.lid)
        return None if base is None else Blocker(_to_move_out_from(view, occupant) or base.id, has_name=True)
    between = (_tied_at(view, lid) for lid in way_here(view, place[0], it.entry) or ())
    moving = (each.node.id for each in between if each is not None and not _is_in_place(view, each))
    first = next(moving, None)
    return None if first is None else Blocker(first, has_name=False)


def _to_move_out_from(view: View, folder: LocalEntry) -> str | None:
    """Return what has to move out of a folder here first, if that is to go since it has left the view."""
    todo = [folder.lid]
    for each in todo:
        base = view.tie(each)
        if base is None or view.standing(base.id) is Standing.IN:
            continue
        for child in view.local_children(each):
            it = _tied_at(view, child.lid)
            if it is not None and not _is_in_place(view, it) and not is_to_move_there(view, it):
                return it.node.id
            if it is None:
                todo.append(child.lid)
    return None


def _folder_to_make_here(view: View, node: RemoteNode) -> Place | None:
    """Return the place here of the first folder that has to be made before a node can come to where it belongs."""
    above = None if node.parent_id is None else view.node(node.parent_id)
    while above is not None and view.lid_of(above.id) is None:
        home = view.home(above)
        if home is not None:
            return home
        above = None if above.parent_id is None else view.node(above.parent_id)
    return None


def is_first_of_ring(view: View, start: str, blocker: Callable[[View, str], Blocker | None]) -> bool:
    """Tell whether nodes wait for each other in a ring, and `start` is to make way.

    It is the first by id of those that have a name which another of the ring waits for.
    """
    ring: list[Blocker] = []
    seen: set[str] = set()
    at = blocker(view, start)
    while at is not None and at.node_id not in seen:
        seen.add(at.node_id)
        ring.append(at)
        if at.node_id == start:
            return start == min((each.node_id for each in ring if each.has_name), default=None)
        at = blocker(view, at.node_id)
    return False
