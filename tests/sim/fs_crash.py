"""What a power cut leaves of that which a simulated disk was not told to keep."""

import random

from tests.sim.fs_inodes import Inode, NameChange, Slot

PIECE = 512  # what a disk writes whole or not at all


def surviving(changes: list[NameChange], chance: random.Random, *, journal: bool) -> list[NameChange]:
    """Choose which unsynced changes of names came to the disk."""
    operations = sorted({change.operation for change in changes})
    if not operations:
        return []
    if journal:
        last = chance.choice([operations[0] - 1, *operations])
        return [change for change in changes if change.operation <= last]
    return _surviving_without_journal(changes, operations, chance)


def _surviving_without_journal(
    changes: list[NameChange], operations: list[int], chance: random.Random
) -> list[NameChange]:
    """Keep folders in order up to some operation, and names of files each by chance, where their folder is kept."""
    by_operation = {
        operation: [change for change in changes if change.operation == operation] for operation in operations
    }
    drawn = {
        operation: _drawn(group, chance)
        for operation, group in by_operation.items()
        if not any(change.is_of_folders for change in group)
    }
    until = chance.choice([operations[0] - 1, *operations])
    while True:
        made_later = {
            change.entry[1]
            for change in changes
            if change.entry is not None and change.is_of_folders and change.operation > until
        }
        kept: list[NameChange] = []
        void: set[Slot] = set()  # names that an operation would have changed that is lost: no later one may
        too_early: int | None = None
        for operation, group in by_operation.items():
            slots = {change.slot for change in group}
            wanted = drawn.get(operation, group if operation <= until else [])
            if operation not in drawn and wanted and slots & void:
                too_early = operation
                break
            if slots & void or any(c.folder in made_later and c.entry is not None for c in group):
                wanted = []
            if not wanted:
                void |= slots
            kept += wanted
        if too_early is None:
            too_early = _removed_too_early(changes, kept)
        if too_early is None:
            return kept
        until = too_early - 1


def _removed_too_early(changes: list[NameChange], kept: list[NameChange]) -> int | None:
    """Return the first operation that removed a folder though not all that had left it is kept elsewhere."""
    for removal in kept:
        if removal.removes_folder:
            before = [c for c in changes if c.operation < removal.operation and c.folder is removal.before]
            if not all(any(change is one for one in kept) for change in before):
                return removal.operation
    return None


def _drawn(changes: list[NameChange], chance: random.Random) -> list[NameChange]:
    """Choose what is left of one operation on names of files: never less than one name of each."""
    if chance.random() < 0.5:
        return []
    arrivals = sum(change.entry is not None for change in changes)
    if arrivals != 1:  # an exchange, or a removal
        return changes
    return [change for change in changes if change.entry is not None or chance.random() < 0.5]


def torn(inode: Inode, chance: random.Random) -> tuple[bytes, int, int, int]:
    """Choose what of a file with unsynced bytes came to the disk: pieces, zeros, a length without the data."""
    seen, durable = bytes(inode.data), inode.durable[0]
    kept = bytearray(durable.ljust(chance.choice([len(durable), len(seen)]), b"\0"))
    if len(seen) < len(kept) and chance.random() < 0.5:
        del kept[len(seen) :]
    for start in range(0, len(kept), PIECE):
        if chance.random() < 0.5:
            piece = seen[start : start + PIECE][: len(kept) - start]
            kept[start : start + len(piece)] = piece
    state = (inode.mode, inode.mtime_ns, inode.ctime_ns) if chance.random() < 0.5 else inode.durable[1:]
    return (bytes(kept), *state)
