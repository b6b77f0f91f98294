"""What is not known for certain: an unknown is never a delete (section 6 of the design)."""

from dataclasses import dataclass, field

from client.sync.model import PARKED_LID, ROOT_LID, Path, Problem
from client.sync.trees.state import State

MOUNT = "Another disk was mounted here, or one is gone: what is below is left alone until that is as before."


@dataclass(slots=True)
class Unknown:
    """The entries, by lid, that are not known as they are on disk, and what a person is told of.

    Args:
        missing: not at their place, since that monotonic second; not yet taken for absent.
        left: of those, the ones that were found again at an ignored place.
        odd: something that is never synced stands in their place.
        restless: files that change.
        pending: folders that wait to be listed; with True all that is below them is.
        broken: folders that could not be listed, with what was in the way; and mounts that came or went.
        problems: of names in folders, by the path of the folder.
        others: folders that hold what has no row: ignored things, links, special files.
        lost: the root is not there, or is another.
    """

    missing: dict[int, float] = field(default_factory=dict)
    left: dict[int, Path] = field(default_factory=dict)
    odd: set[int] = field(default_factory=set)
    restless: dict[int, Path] = field(default_factory=dict)
    pending: dict[int, bool] = field(default_factory=dict)
    broken: dict[int, Problem] = field(default_factory=dict)
    problems: dict[Path, dict[str, Problem]] = field(default_factory=dict)
    others: set[int] = field(default_factory=set)
    lost: bool = False

    def is_certain(self, state: State, lid: int) -> bool:
        """Tell whether an entry, and each folder above it, is known as it is on disk."""
        if self.lost or lid in self.restless:
            return False
        if not (self.missing or self.odd or self.pending or self.broken):
            return True
        while True:
            if lid in self.missing or lid in self.odd or lid in self.pending or lid in self.broken:
                return False
            if lid in {ROOT_LID, PARKED_LID} or (entry := state.local(lid)) is None:
                return True
            lid = entry.parent

    def can_list(self, lid: int) -> bool:
        """Tell whether there is something to list: not where a folder is missing, or left alone as another mount."""
        if lid in self.missing or lid in self.odd:
            return False
        problem = self.broken.get(lid)
        return problem is None or problem.message != MOUNT

    def is_noted(self, lid: int) -> bool:
        """Tell whether anything is noted of an entry itself."""
        return lid in self.missing or lid in self.odd or lid in self.restless or lid in self.broken

    def seen(self, lid: int) -> None:
        """Take note that an entry is at its place."""
        self.missing.pop(lid, None)
        self.left.pop(lid, None)
        self.odd.discard(lid)

    def forget(self, lid: int) -> None:
        """Forget an entry that has no row any more."""
        self.seen(lid)
        self.restless.pop(lid, None)
        self.pending.pop(lid, None)
        self.broken.pop(lid, None)
        self.others.discard(lid)

    def set_problem(self, folder: Path, name: str, problem: Problem | None) -> None:
        """Note what is wrong with a name in a folder; None: nothing."""
        if problem is not None:
            self.problems.setdefault(folder, {})[name] = problem
        elif (there := self.problems.get(folder)) is not None:
            there.pop(name, None)
            if not there:
                del self.problems[folder]

    def keep_problems(self, folder: Path, names: set[str]) -> None:
        """Drop the problems of names that a folder, listed whole, does not hold."""
        for name in [each for each in self.problems.get(folder, {}) if each not in names]:
            self.set_problem(folder, name, None)

    def drop_problems_below(self, folder: Path) -> None:
        """Drop the problems in a folder that is gone, and below it."""
        for path in [each for each in self.problems if each[: len(folder)] == folder]:
            del self.problems[path]
