"""Which nodes and entries a plan looks at: those that may differ, and those that hang on them."""

from collections.abc import Iterable, Iterator

from client.sync.plan.view import Standing, View


def widen(view: View, ids: Iterable[str], lids: Iterable[int], left: Iterable[str]) -> tuple[list[str], list[int]]:
    """Return all candidates in a fixed order: nodes by id, then entries that belong to none."""
    nodes = set(ids)
    entries = set()
    for lid in lids:
        base = view.tie(lid)
        if base is None:
            entries.add(lid)
        else:
            nodes.add(base.id)
    for node_id in sorted(nodes):
        nodes.update(_below_what_left(view, node_id))
    if not view.is_plain:
        for folder in sorted({*_folders_of(view, nodes), *left}):
            nodes.update(_renamed_beside(view, folder))
    return sorted(nodes), sorted(entries)


def _below_what_left(view: View, node_id: str) -> Iterator[str]:
    """Yield what was in step below a node that left the view, although nothing changed with it itself."""
    todo, seen = [node_id], {node_id}
    for each in todo:
        if view.base(each) is None or view.standing(each) not in {Standing.OUTSIDE, Standing.EXCLUDED}:
            continue
        below = [row.id for row in view.trees.synced_children(each) if row.id not in seen]
        seen.update(below)
        todo += below
        yield from below


def _folders_of(view: View, ids: Iterable[str]) -> Iterator[str]:
    """Yield the folders at the server that candidates are in, or were in."""
    found = set()
    for node_id in ids:
        node, base = view.node(node_id), view.base(node_id)
        if node is not None and node.parent_id is not None:
            found.add(node.parent_id)
        if base is not None:
            found.add(base.parent_id)
    yield from found


def _renamed_beside(view: View, folder: str) -> Iterator[str]:
    """Yield nodes that get another name on this disk, since something beside them came or went."""
    for row in view.trees.synced_children(folder):
        node = view.node(row.id)
        if node is not None and view.name_here(node) != row.local_name:
            yield row.id
