"""Locks: taken, refreshed, given back, and shown (RFC 4918, 6 and 7; decision 0024)."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.auth.identity import Actor
from app.config import Limits
from app.db.database import Database, Use
from app.db.transaction import Snapshot, Transaction
from app.errors import (
    ConflictError,
    LockConflictError,
    LockTokenError,
    NoRoomError,
    NotFoundError,
    PreconditionFailedError,
)
from app.repositories import locks, uptime, users
from app.repositories.locks import Lock, NewLock
from app.services import access
from app.services.access import Right, Sight
from app.services.empty_files import make_empty_file
from app.services.guard import Guard, Locks, locker, wire_token
from app.services.lock_state import NOTHING_SHOWN, Names, Shown
from app.services.names import check_place
from app.services.uptime import Uptime

BESIDE = 16
"""Shared locks that bind one thing: each answer about it, and about whatever is in it, tells of all."""
SHOWN_AT_ONCE = 100
"""Of the locks that a new one meets so many are named."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A lock that somebody asks for.

    Attributes:
        owner_xml: what they say of themselves; "" for nothing.
        timeout_s: for how long; None where they do not say, or say for ever.
        is_folder: they named it as a folder is named: nothing else is locked, nor made.
    """

    is_exclusive: bool = True
    is_deep: bool = True
    owner_xml: str = ""
    timeout_s: int | None = None
    is_folder: bool = False


@dataclass(frozen=True, slots=True)
class Place:
    """A node by its path in somebody's view."""

    path: str
    is_folder: bool


@dataclass(frozen=True, slots=True)
class LockView:
    """A lock as one person is shown it.

    Attributes:
        token: None where it is not this credential's.
        username: whose it is, where this credential may know.
        root: what is locked; None where this credential sees a part of it only.
        left_s: seconds until it ends, if nobody refreshes it.
    """

    is_exclusive: bool
    is_deep: bool
    owner_xml: str
    token: str | None
    username: str
    root: Place | None
    left_s: int


@dataclass(frozen=True, slots=True)
class Granted:
    """A lock that was just given, with all that bind the same; `created` where an empty file was made for it."""

    token: str
    locks: Sequence[LockView]
    created: bool


class Discovery:
    """Shows the locks that bind nodes, within one unit of work; where there is none at all, it costs one query."""

    def __init__(self, tx: Snapshot, actor: Actor) -> None:
        """Show them to an actor."""
        self._tx = tx
        self._actor = actor
        self._locks = Locks(tx)
        self._uptime_s = uptime.read(tx) if self._locks.is_any else 0
        self._shown: dict[int, LockView] = {}

    def of(self, chain: tuple[int, ...]) -> tuple[LockView, ...]:
        """Return the locks that bind a node, which stands before the folders above it, nearest first."""
        return tuple(map(self._show, self._locks.binding(chain))) if self._locks.is_any else ()

    def _show(self, lock: Lock) -> LockView:
        if lock.id not in self._shown:
            self._shown[lock.id] = self._view_of(lock)
        return self._shown[lock.id]

    def _view_of(self, lock: Lock) -> LockView:
        is_own = (lock.actor_id, lock.user_id) == (self._actor.id, self._actor.user_id)
        # Who sees one folder only does not learn who else is there, as `locker` says.
        is_told = lock.user_id == self._actor.user_id or self._actor.scope.root_id is None
        return LockView(
            lock.is_exclusive,
            lock.is_deep,
            lock.owner_xml,
            wire_token(lock.token) if is_own else None,
            users.get(self._tx, lock.user_id).name if is_told else "Somebody",
            _place_of(self._tx, self._actor, lock.node_id),
            max(1, min(lock.timeout_s, lock.expires_uptime_s - self._uptime_s)),
        )


class LockService:
    """Gives locks and takes them back."""

    def __init__(self, database: Database, uptime_: Uptime, limits: Limits) -> None:
        """Take the parts it works with."""
        self._database = database
        self._uptime = uptime_
        self._limits = limits

    async def lock(self, actor: Actor, names: Names, wanted: Wanted, shown: Shown = NOTHING_SHOWN) -> Granted:
        """Lock what is at a path; where there is nothing, an empty file is made (RFC 4918, 7.3).

        Raises:
            ConflictError: there is no folder that it would be in.
            ForbiddenError: the actor may not write there.
            LockConflictError: there is a lock that this one can not stand beside.
            LockedError: the folder that a new file would be in is locked.
            NoRoomError: the user, or what is to be locked, has as many locks as one may have.
            PreconditionFailedError: what the request says of resources is not so.
        """

        def work(tx: Transaction) -> Granted:
            guard = Guard(tx, actor, shown)
            sight, missing = access.descend(tx, access.home(tx, actor), names)
            if len(missing) > 1 or (missing and not sight.node.is_folder):
                raise ConflictError("There is no folder that it would be in.")
            sight.require(Right.WRITE)
            if wanted.is_folder and (missing or not sight.node.is_folder):
                raise ConflictError("There is no folder at this path: make it first.")
            if missing:
                sight = _make(tx, actor, guard, sight, missing[0])
            _refuse_beside(tx, actor, sight, wanted)
            if locks.count_of_user(tx, actor.user_id) >= self._limits.locks_per_user:
                raise NoRoomError(f"You hold {self._limits.locks_per_user} locks: release some of them.")
            timeout_s = self._granted_s(wanted.timeout_s)
            made = locks.create(
                tx,
                NewLock(
                    node_id=sight.node.id,
                    actor_id=actor.id,
                    user_id=actor.user_id,
                    is_exclusive=wanted.is_exclusive,
                    is_deep=wanted.is_deep,
                    owner_xml=wanted.owner_xml,
                    timeout_s=timeout_s,
                    expires_uptime_s=self._uptime.now_s() + timeout_s,
                ),
            )
            return Granted(wire_token(made.token), _discovered(tx, actor, sight), created=bool(missing))

        return await self._database.write(work)

    async def refresh(self, actor: Actor, names: Names, timeout_s: int | None, shown: Shown) -> Sequence[LockView]:
        """Let the locks live on whose tokens are shown and that bind what is at a path; return all that bind it.

        Raises:
            NotFoundError: there is nothing at this path.
            PreconditionFailedError: none of them is the actor's and binds it.
        """

        def work(tx: Transaction) -> Sequence[LockView]:
            _ = Guard(tx, actor, shown)
            sight = access.look_path(tx, actor, names)
            own = [lock for lock in _own(tx, actor, sight) if wire_token(lock.token) in shown.tokens]
            if not own:
                raise PreconditionFailedError("You have no lock of this token here.")
            for lock in own:
                granted_s = lock.timeout_s if timeout_s is None else self._granted_s(timeout_s)
                locks.renew(tx, lock, timeout_s=granted_s, expires_uptime_s=self._uptime.now_s() + granted_s)
            return _discovered(tx, actor, sight)

        return await self._database.write(work, use=Use.NOTES)

    async def unlock(self, actor: Actor, names: Names, token: str, shown: Shown = NOTHING_SHOWN) -> None:
        """End a lock of the actor's that binds what is at a path.

        Raises:
            NotFoundError: there is nothing at this path.
            LockTokenError: the actor has no lock of this token that binds it.
        """

        def work(tx: Transaction) -> None:
            _ = Guard(tx, actor, shown)
            sight = access.look_path(tx, actor, names)
            found = next((lock for lock in _own(tx, actor, sight) if wire_token(lock.token) == token), None)
            if found is None:
                raise LockTokenError("You have no lock of this token here.")
            locks.end(tx, found)

        await self._database.write(work, use=Use.FREES)

    async def check(self, actor: Actor, shown: Shown) -> None:
        """Refuse a request that says of resources what is not so.

        Raises:
            PreconditionFailedError: it does.
        """
        if shown.condition is not None:
            await self._database.read(lambda tx: Guard(tx, actor, shown))

    async def places(self, actor: Actor, node_ids: Sequence[int]) -> list[Place]:
        """Return where the actor sees nodes that a refusal names; those outside of the view are left out."""

        def work(tx: Snapshot) -> list[Place]:
            return [place for node_id in node_ids if (place := _place_of(tx, actor, node_id)) is not None]

        return await self._database.read(work)

    async def sweep(self) -> None:
        """Forget the locks that have ended."""
        if await self._database.read(locks.is_any):
            await self._database.write(locks.sweep, use=Use.FREES)

    def _granted_s(self, timeout_s: int | None) -> int:
        most = self._limits.lock_lifetime_s
        return most if timeout_s is None else max(1, min(timeout_s, most))


def _make(tx: Transaction, actor: Actor, guard: Guard, folder: Sight, name: str) -> Sight:
    guard.members(folder)
    check_place(folder.place, folder.depth, [name])
    return make_empty_file(tx, actor, folder, name)


def _refuse_beside(tx: Snapshot, actor: Actor, sight: Sight, wanted: Wanted) -> None:
    """Refuse a lock that can not stand beside one that there is: of two on the same, both must be shared."""
    known = Locks(tx)
    found = known.binding((sight.node.id, *sight.above))
    most = len(found)
    if wanted.is_deep:
        below = known.below(sight.node.id)
        found = [*found, *(lock for lock, _ in below)]
        most = max(most, *(len(known.binding(chain)) for _, chain in below), 0)
    met = [lock for lock in found if wanted.is_exclusive or lock.is_exclusive]
    if met:
        node_ids = tuple(dict.fromkeys(lock.node_id for lock in met))[:SHOWN_AT_ONCE]
        raise LockConflictError(f"{locker(tx, actor, met[0])} has locked it.", node_ids)
    if most >= BESIDE:
        raise NoRoomError(f"It has {BESIDE} locks already, or something in it has: wait for some to end.")


def _discovered(tx: Snapshot, actor: Actor, sight: Sight) -> tuple[LockView, ...]:
    return Discovery(tx, actor).of((sight.node.id, *sight.above))


def _place_of(tx: Snapshot, actor: Actor, node_id: int) -> Place | None:
    try:
        sight = access.look_number(tx, actor, node_id)
    except NotFoundError:
        return None
    return Place(sight.path, sight.node.is_folder)


def _own(tx: Snapshot, actor: Actor, sight: Sight) -> list[Lock]:
    bound = Locks(tx).binding_seen(sight)
    return [lock for lock in bound if (lock.actor_id, lock.user_id) == (actor.id, actor.user_id)]
