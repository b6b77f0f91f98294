"""Hints of a simulated disk: late, doubled, lost, or with a mark that some were lost."""

import random
from collections.abc import Callable
from dataclasses import dataclass

from client.sync.model import Path
from client.sync.seams.files import Hint
from tests.sim.fs_tree import Inode, SimTree


@dataclass(frozen=True, slots=True)
class WatchFaults:
    """Chances of one hint, and how late it may be. `lost` goes without a mark, `overflow` tells."""

    late_ns: int = 0
    doubled: float = 0.0
    lost: float = 0.0
    overflow: float = 0.0
    limit: int = 1_000_000


class SimWatch:
    """Implements files.Watch. The harness calls `deliver`; hints name the path that a folder had when it was added."""

    def __init__(
        self, tree: SimTree, hint: Callable[[Hint], None], chance: random.Random, faults: WatchFaults | None = None
    ) -> None:
        """Tell `hint` of changes."""
        self.faults = faults or WatchFaults()
        self._tree = tree
        self._hint = hint
        self._chance = chance
        self._folders: dict[Inode, Path] = {}
        self._waiting: list[tuple[int, Hint]] = []
        tree.on_event.append(self._happened)

    def add(self, folder: Path) -> bool:
        """Watch a folder, not what is below it; False if the system allows no more, or it is not there."""
        try:
            inode = self._tree.folder(folder)
        except Exception:  # noqa: BLE001 - as a real watch: whatever is wrong, it is to be polled
            return False
        if inode not in self._folders and len(self._folders) >= self.faults.limit:
            return False
        self._folders[inode] = folder
        return True

    def forget(self, folder: Path) -> None:
        """Watch a folder and all below it no more."""
        self._folders = {inode: at for inode, at in self._folders.items() if at[: len(folder)] != folder}

    def close(self) -> None:
        """End."""
        if self._happened in self._tree.on_event:
            self._tree.on_event.remove(self._happened)
        self._folders.clear()
        self._waiting.clear()

    @property
    def next_ns(self) -> int | None:
        """When the next hint is due, by the clock of the disk; None if there is none."""
        return min((due for due, _ in self._waiting), default=None)

    def deliver(self) -> int:
        """Give the hints that are due; return how many."""
        now = self._tree.clock_ns()
        due = [hint for at, hint in self._waiting if at <= now]
        self._waiting = [(at, hint) for at, hint in self._waiting if at > now]
        for hint in due:
            self._hint(hint)
        return len(due)

    def _happened(self, folder: Inode, name: str, closed: bool) -> None:  # noqa: FBT001 - a listener
        at = self._folders.get(folder)
        if at is None or not self._tree.mode.events:
            return
        chance = self._chance.random()
        if chance < self.faults.lost:
            return
        if chance < self.faults.lost + self.faults.overflow:
            self._waiting = [(self._due_ns(), Hint(None))]
            return
        hint = Hint((*at, name), closed) if name else Hint(None)  # of the root itself
        for _ in range(2 if self._chance.random() < self.faults.doubled else 1):
            self._waiting.append((self._due_ns(), hint))

    def _due_ns(self) -> int:
        return self._tree.clock_ns() + self._chance.randint(0, self.faults.late_ns)
