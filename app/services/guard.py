"""What every unit of work asks before it changes something: whether the locks of others leave it free.

A lock binds whoever does not show its token with the credential that it was made with: other devices of the same person
as well, and every call of the JSON API, which shows none. It binds a node with its properties, of a folder also which
names are in it, and if it is deep all below, up to where another space is mounted. For that it is looked for on the way
up from what changes, and nothing of it is stored with the nodes below.
"""

from app.auth.identity import Actor, ActorKind
from app.db.transaction import Snapshot, Transaction
from app.errors import LockedError, NotFoundError, PreconditionFailedError
from app.repositories import locks, members, nodes, spaces, users
from app.repositories.locks import Lock
from app.services import access
from app.services.access import Role, Sight
from app.services.lock_state import ABSENT, NOTHING_SHOWN, Names, Shown, State
from app.services.views import View

_TOKEN_PREFIX = "urn:uuid:"  # noqa: S105 - no secret


class Locks:
    """Finds the locks that bind something; each node that has some is asked about once."""

    def __init__(self, tx: Snapshot) -> None:
        """Look in one unit of work. Where there is no lock at all, that costs one query, and nothing else any."""
        self._tx = tx
        self.is_any = locks.is_any(tx)
        self._locked = locks.node_ids(tx) if self.is_any else frozenset()
        self._at: dict[int, list[Lock]] = {}
        self._rights: dict[tuple[int, int], bool] = {}

    def binding(self, chain: tuple[int, ...]) -> list[Lock]:
        """Return the locks that bind a node.

        Args:
            chain: the node, then the folders above it up to the root of its space, nearest first.
        """
        if not self.is_any:
            return []
        deep = [lock for folder_id in chain[1:] for lock in self._of(folder_id, chain) if lock.is_deep]
        return self._of(chain[0], chain) + deep

    def binding_seen(self, sight: Sight) -> list[Lock]:
        """Return the locks that bind what a person sees: of a mount, the folder behind it, and its place."""
        found = self.binding((sight.node.id, *sight.above))
        return found if sight.entry is sight.node else found + self.binding((sight.entry.id, *sight.above_entry))

    def below(self, top_id: int) -> list[tuple[Lock, tuple[int, ...]]]:
        """Return the locks of what is below a folder, each with its node and the folders above that."""
        if not self.is_any:
            return []
        found = [lock for lock in locks.at_or_below(self._tx, top_id) if lock.node_id != top_id]
        chains = ((lock, tuple(step.id for step in nodes.way_up(self._tx, lock.node_id))) for lock in found)
        return [(lock, chain) for lock, chain in chains if self._has_right(lock, chain[-1])]

    def _of(self, node_id: int, chain: tuple[int, ...]) -> list[Lock]:
        if node_id not in self._locked:
            return []
        if node_id not in self._at:
            found = locks.of_node(self._tx, node_id)
            self._at[node_id] = [lock for lock in found if self._has_right(lock, chain[-1])]
        return self._at[node_id]

    def _has_right(self, lock: Lock, root_id: int) -> bool:
        """Tell whether who holds a lock may still change what it binds: else it binds nobody."""
        key = (lock.user_id, root_id)
        if key not in self._rights:
            space = spaces.get(self._tx, nodes.space_of(self._tx, root_id))
            role = members.role_of(self._tx, lock.user_id, space.id) if space.is_shared else None
            may_write = role is not None and role >= Role.EDITOR
            self._rights[key] = may_write if space.is_shared else space.owner_id == lock.user_id
        return self._rights[key]


class Guard:
    """Refuses changes of what others have locked; make one for each unit of work, and ask it before the first row."""

    def __init__(self, tx: Snapshot, actor: Actor, shown: Shown = NOTHING_SHOWN) -> None:
        """Take what the request shows.

        Raises:
            PreconditionFailedError: what it says of resources is not so, now.
        """
        self._tx = tx
        self._actor = actor
        self._shown = shown
        self._locks = Locks(tx)
        if shown.condition is not None and not shown.condition(self._state):
            raise PreconditionFailedError("What the request says of locks and etags is not so.")

    def change(self, sight: Sight) -> None:
        """Refuse a change of a node's content or properties.

        Raises:
            LockedError: somebody's lock binds it.
        """
        self.require((sight.node.id, *sight.above))

    def members(self, folder: Sight) -> None:
        """Refuse that a name comes into a folder or goes from it; raises as `change` does."""
        self.require(folder.below)

    def leave(self, sight: Sight) -> None:
        """Refuse that a node leaves its place with all below it: to another, or to the trash; raises as `change` does.

        Of a mount only its place is asked about, which is its user's own: what is behind it stays where it is.
        """
        if not self._locks.is_any:
            return
        self.require((sight.entry.id, *sight.above_entry))
        if sight.above_entry:
            self.require(sight.above_entry)
        if sight.entry is sight.node:
            self.require_below(sight.node.id)

    def delete(self, sight: Sight) -> None:
        """Refuse that a node goes to the trash with all below it, of a shared folder also with what is in that."""
        if not self._locks.is_any:
            return
        self.leave(sight)
        if sight.entry is not sight.node:
            self.change(sight)
            self.require_below(sight.node.id)

    def require(self, chain: tuple[int, ...]) -> None:
        """Refuse a change of the first node of a chain, which stands before the folders above it.

        Raises:
            LockedError: somebody's lock binds it.
        """
        lock = self.find(chain)
        if lock is not None:
            raise self._refusal(lock)

    def require_below(self, folder_id: int) -> None:
        """Refuse that all below a folder changes its place; raises as `require` does."""
        lock = self.find_below(folder_id)
        if lock is not None:
            raise self._refusal(lock)

    def find(self, chain: tuple[int, ...]) -> Lock | None:
        """Return a lock that keeps the actor from a change of the first node of a chain.

        One of several shared locks is as good as the others: whoever holds one is free.
        """
        binding = self._locks.binding(chain)
        return None if not binding or any(self._holds(lock) for lock in binding) else binding[0]

    def find_below(self, folder_id: int) -> Lock | None:
        """Return a lock below a folder that keeps the actor from moving it."""
        return next((lock for lock, chain in self._locks.below(folder_id) if self.find(chain) is not None), None)

    def ended(self, tx: Transaction, node_id: int) -> None:
        """End the locks of a node that has left its place, and of what is below it: none goes along."""
        if self._locks.is_any:
            locks.end_at_or_below(tx, node_id)

    def _holds(self, lock: Lock) -> bool:
        is_own = (lock.actor_id, lock.user_id) == (self._actor.id, self._actor.user_id)
        return is_own and wire_token(lock.token) in self._shown.tokens

    def _state(self, names: Names) -> State:
        return _state_at(self._tx, self._actor, self._locks, names)

    def _refusal(self, lock: Lock) -> LockedError:
        return LockedError(f"{locker(self._tx, self._actor, lock)} has locked it: try again later.", (lock.node_id,))


def locker(tx: Snapshot, actor: Actor, lock: Lock) -> str:
    """Return who holds a lock, for a sentence; whoever sees one folder only does not learn who else is there."""
    if lock.user_id == actor.user_id and actor.kind is not ActorKind.LINK:
        return "Another program of yours"
    if actor.kind is ActorKind.LINK or actor.scope.root_id is not None:
        return "Somebody"
    return users.get(tx, lock.user_id).name


def wire_token(token: bytes) -> str:
    """Return a lock token as clients see it (RFC 4918, 6.5)."""
    text = token.hex()
    return f"{_TOKEN_PREFIX}{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def _state_at(tx: Snapshot, actor: Actor, known: Locks, names: Names) -> State:
    """Return what is at a path now; of one that is free, the locks of the folder that it would be in."""
    try:
        sight, missing = access.descend(tx, access.home(tx, actor), names)
    except NotFoundError:
        return ABSENT
    if len(missing) > 1 or (missing and not sight.node.is_folder):
        return ABSENT
    tokens = frozenset(wire_token(lock.token) for lock in known.binding_seen(sight))
    return State(None if missing else View.of(tx, sight).etag(tx.identity().epoch), tokens)
