"""A plan while it is made: its operations, and the places that they take, each of which only one may have."""

from client.sync import names
from client.sync.known import Plan
from client.sync.model import LocalEntry, Problem
from client.sync.operations import DeleteHere, DeleteThere, Operation
from client.sync.plan.view import Place, View


class Draft:
    """Collects what is planned."""

    def __init__(self, view: View) -> None:
        """Begin an empty plan."""
        self.view = view
        self.plan = Plan()
        self.files_of: dict[int, int] = {}
        """For deletes that are guarded: how many files go with the operation of that index."""

        self._here: set[tuple[int, str]] = set()
        self._there: set[tuple[str, str]] = set()

    def add(self, operation: Operation) -> None:
        """Plan something."""
        self.plan.operations.append(operation)

    def add_delete(self, operation: DeleteHere | DeleteThere) -> None:
        """Plan a delete, which may be held for a person."""
        if operation.files:
            self.files_of[len(self.plan.operations)] = operation.files
        self.add(operation)

    def agree(self, node_id: str) -> None:
        """Note that there is nothing to do for a node."""
        self.plan.agreed_ids.add(node_id)

    def agree_entry(self, lid: int) -> None:
        """Note that there is nothing to do for an entry without a synced row."""
        self.plan.agreed_lids.add(lid)

    def claim_here(self, place: Place) -> bool:
        """Take a name here for an operation of this plan; False if another has it."""
        key = (place[0], names.key(place[1], self.view.known.traits))
        if key in self._here:
            return False
        self._here.add(key)
        return True

    def claim_there(self, parent_id: str, name: str) -> bool:
        """Take a name at the server for an operation of this plan; False if another has it."""
        if (parent_id, name) in self._there:
            return False
        self._there.add((parent_id, name))
        return True

    def problem(self, entry: LocalEntry, code: str, message: str) -> None:
        """Tell a person of an entry."""
        path = "/".join(self.view.path((entry.parent, entry.name)))
        self.plan.problems.append(Problem(path=path, code=code, message=message))

    def conflict_name(self, parent: int, name: str) -> str:
        """Return a free name for a copy to keep beside the winner, and take it."""
        known = self.view.known
        stem = names.conflict_stem(name) or name
        parent_id = self.view.id_of(parent)

        def is_taken(candidate: str) -> bool:
            if (parent, names.key(candidate, known.traits)) in self._here:
                return True
            if self.view.stands_at((parent, candidate)) is not None:
                return True
            return parent_id is not None and self._is_taken_there(parent_id, candidate)

        free = names.conflict_name(stem, known.device_name, known.stamp, is_taken, known.traits)
        self.claim_here((parent, free))
        return free

    def free_name_there(self, parent_id: str, name: str) -> str:
        """Return a free name in a folder at the server, and take it."""
        free = names.free_name(name, lambda candidate: self._is_taken_there(parent_id, candidate))
        self.claim_there(parent_id, free)
        return free

    def _is_taken_there(self, parent_id: str, name: str) -> bool:
        return (parent_id, name) in self._there or self.view.live_child(parent_id, name) is not None
