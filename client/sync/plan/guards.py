"""Deletes and shrinks that no person is likely to have meant: held until one says so (spec section 12)."""

from client.sync.known import Held
from client.sync.model import LocalEntry, RemoteNode
from client.sync.operations import DeleteHere, Operation, empties
from client.sync.plan.draft import Draft

EXAMPLES = 10
NEARLY_ALL = 9  # of ten: who empties a folder may have put something else there since


def hold(draft: Draft) -> None:
    """Take out of a plan what is held. All else goes on."""
    held: set[int] = set()
    for side, is_here in (("here", True), ("there", False)):
        indexes = [n for n in draft.files_of if isinstance(draft.plan.operations[n], DeleteHere) is is_here]
        files = sum(draft.files_of[n] for n in indexes)
        if files and not is_here:
            files += draft.view.known.missing_files()
        if _is_mass_delete(draft, side, files):
            held.update(indexes)
            _note(draft, "held_deletes", side, files, indexes)
    shrinks = [n for n, operation in enumerate(draft.plan.operations) if _is_shrink(draft, operation)]
    is_confirmed = _is_confirmed(draft, "held_shrinks", "there", len(shrinks))
    if len(shrinks) > draft.view.known.limits.shrinks and not is_confirmed:
        held.update(shrinks)
        _note(draft, "held_shrinks", "there", len(shrinks), shrinks)
    if held:
        draft.plan.operations = [each for n, each in enumerate(draft.plan.operations) if n not in held]


def _is_confirmed(draft: Draft, reason: str, side: str, files: int) -> bool:
    """Tell whether a person was shown that, and said yes. The other side, or more files, is another question."""
    confirmed = draft.view.known.may_delete
    return any((each.reason, each.side) == (reason, side) and files <= each.files for each in confirmed)


def _is_mass_delete(draft: Draft, side: str, files: int) -> bool:
    """Tell whether so many deletes, with those that went before them one by one, are too many to be meant."""
    known = draft.view.known
    limits, deleted = known.limits, known.deleted.get(side, 0)
    total = files + known.deleting.get(side, 0) + deleted
    if not files or total < min(limits.whole_from, limits.deletes + 1):
        return False
    if _is_confirmed(draft, "held_deletes", side, files + known.deleting.get(side, 0)):
        return False
    tracked = draft.view.trees.tracked_files() + deleted
    is_most = total > limits.deletes and total * 100 > tracked * limits.deletes_percent
    return is_most or (total * 10 >= tracked * NEARLY_ALL and total >= limits.whole_from)


def _is_shrink(draft: Draft, operation: Operation) -> bool:
    """Tell whether a file went to zero bytes while its time stayed: no program does that, a torn disk does."""
    if not empties(operation) or operation.node is None or operation.entry is None:
        return False
    return draft.view.is_same_time(operation.entry.stat.mtime_ms, operation.node.mtime_ms)


def _note(draft: Draft, reason: str, side: str, files: int, indexes: list[int]) -> None:
    examples = [_path(draft, draft.plan.operations[n]) for n in indexes[:EXAMPLES]]
    tracked = draft.view.trees.tracked_files()
    draft.plan.held.append(Held(reason=reason, side=side, files=files, tracked=tracked, examples=examples))


def _path(draft: Draft, operation: Operation) -> str:
    entry: LocalEntry | None = operation.entry
    if entry is not None:
        return "/".join(draft.view.path((entry.parent, entry.name)))
    if operation.base is not None:
        return "/".join(draft.view.path((operation.base.local_parent, operation.base.local_name)))
    node: RemoteNode | None = operation.node
    return "" if node is None else node.name
