"""What a file holds: three-way by hash, then the executable bit, then the time (spec sections 4, 8 and 11)."""

from client.sync.model import LocalEntry, RemoteNode, SyncedNode, Verdict
from client.sync.operations import Compare, ReadHash, Replace, SetHere, SetThere, Upload
from client.sync.plan.context import Context, Step
from client.sync.plan.place import READ_ONLY
from client.sync.plan.rings import Tied


def settle_content(context: Context, it: Tied) -> Step:
    """Bring the content of a file that has a base to agree."""
    node, entry, base = it.node, it.entry, it.base
    is_changed_there = node.version_id != base.version_id
    if entry.sha256 is None and (is_changed_there or not node.writable):
        return _read(context, node, entry, base)
    is_changed_here = entry.sha256 is None or entry.sha256 != base.sha256
    if not is_changed_there:
        return _send(context, it) if is_changed_here else settle_state(context, node, entry, base)
    if entry.sha256 == node.sha256:
        return settle_state(context, node, entry, base)
    if is_changed_here:
        return settle_difference(context, node, entry, base)
    return _take(context, it)


def _read(context: Context, node: RemoteNode, entry: LocalEntry, base: SyncedNode | None) -> Step:
    context.draft.add(ReadHash(node=node, entry=entry, base=base))
    return Step.PLANNED


def _send(context: Context, it: Tied) -> Step:
    """Send a new version grown from the base; first take an executable bit that was changed there meanwhile."""
    node, entry, base = it.node, it.entry, it.base
    if not node.writable:
        return _keep_mine_beside(context, node, entry, base)
    keeps_bits = context.view.known.traits.keeps_bits
    if keeps_bits and node.executable != base.executable and entry.stat.executable == base.executable:
        context.draft.add(SetHere(node=node, entry=entry, base=base))
        return Step.PLANNED
    return _upload(context, node, entry, base, base.version_id)


def _upload(
    context: Context, node: RemoteNode, entry: LocalEntry, base: SyncedNode | None, version_id: str | None
) -> Step:
    known = () if base is None or base.sha256 is None else (base.sha256,)
    context.draft.add(
        Upload(
            node=node,
            entry=entry,
            base=base,
            how="version",
            parent_id=node.parent_id or "",
            name=node.name,
            base_version=version_id,
            ancestors=known,
        )
    )
    return Step.PLANNED


def _take(context: Context, it: Tied) -> Step:
    """Take the server's version; first tell it of an executable bit that was changed here meanwhile."""
    node, entry, base = it.node, it.entry, it.base
    is_set_here = entry.stat.executable != base.executable and node.executable == base.executable
    if is_set_here and node.writable and context.view.known.traits.keeps_bits:
        context.draft.add(SetThere(node=node, entry=entry, base=base))
    else:
        context.draft.add(Replace(node=node, entry=entry, base=base))
    return Step.PLANNED


def settle_difference(context: Context, node: RemoteNode, entry: LocalEntry, base: SyncedNode | None) -> Step:
    """Decide between two contents by what a comparison found; the hash of `entry` is known."""
    verdict = _verdict(context, node, entry, base)
    if verdict is None:
        context.draft.add(Compare(node=node, entry=entry, base=base))
    elif verdict is Verdict.EQUAL:
        return settle_state(context, node, entry, base)
    elif verdict is Verdict.ANCESTOR:
        context.draft.add(Replace(node=node, entry=entry, base=base))
    elif verdict is Verdict.DESCENDANT and node.writable:
        return _upload(context, node, entry, base, node.version_id)
    else:
        return _keep_mine_beside(context, node, entry, base)
    return Step.PLANNED


def _verdict(context: Context, node: RemoteNode, entry: LocalEntry, base: SyncedNode | None) -> Verdict | None:
    """Return how both compare, if that is known. With a base, two hashes that differ are enough."""
    if entry.sha256 is None or node.version_id is None:
        return None
    if entry.sha256 == node.sha256:
        return Verdict.EQUAL
    if base is not None and node.sha256 is not None:
        return Verdict.UNRELATED
    return context.view.known.verdicts.get((node.version_id, entry.sha256))


def _keep_mine_beside(context: Context, node: RemoteNode, entry: LocalEntry, base: SyncedNode | None) -> Step:
    """Put the server's version under the name, and what was here beside it, unless a copy of it is there already."""
    if not node.writable:
        context.draft.problem(entry, "read_only", READ_ONLY)
    keep_as = None if _has_copy(context, entry) else context.draft.conflict_name(entry.parent, entry.name)
    context.draft.add(Replace(node=node, entry=entry, base=base, keep_as=keep_as))
    return Step.PLANNED


def _has_copy(context: Context, entry: LocalEntry) -> bool:
    """Tell whether a conflict copy of this file holds the same bytes, and will stay."""
    from_names = context.view.copies_of(entry)
    return any(copy.sha256 == entry.sha256 and context.view.is_certain(copy.lid) for copy in from_names)


# Executable bit and time


def settle_state(context: Context, node: RemoteNode, entry: LocalEntry, base: SyncedNode | None) -> Step:
    """Bring the executable bit and the time of files with one content to agree; this is never a conflict."""
    view = context.view
    is_same_bit = not view.known.traits.keeps_bits or entry.stat.executable == node.executable
    is_same_time = view.is_same_time(entry.stat.mtime_ms, node.mtime_ms)
    if is_same_bit and is_same_time:
        return Step.AGREED
    mine = base is not None and node.writable and _is_mine(context, node, base, is_same_bit=is_same_bit)
    operation = SetThere(node=node, entry=entry, base=base) if mine else SetHere(node=node, entry=entry, base=base)
    context.draft.add(operation)
    return Step.PLANNED


def _is_mine(context: Context, node: RemoteNode, base: SyncedNode, *, is_same_bit: bool) -> bool:
    """Tell whose state counts: of the bit the side that changed it; of the time the server if it changed it.

    Both are set together. Where each side changed one of them, the bit decides, since a program may need it.
    """
    if not is_same_bit:
        return node.executable == base.executable
    return context.view.is_same_time(node.mtime_ms, base.mtime_ms)
