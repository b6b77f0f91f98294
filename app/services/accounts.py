"""Accounts: who has one, with which password and quota, and what people are told of their own."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import Enum

from app.auth.endings import Ended, Endings
from app.auth.identity import Actor, ActorKind
from app.auth.passwords import PasswordHasher, check_policy
from app.auth.recent import RecentActors
from app.auth.usernames import check_username, fold
from app.db.database import Database, Use
from app.db.transaction import Snapshot, Transaction
from app.errors import ForbiddenError, InvalidRequestError, NotFoundError
from app.ids import encode_id
from app.repositories import actors, nodes, preferences, spaces, users
from app.repositories.actors import ActorRow
from app.repositories.audit import Event
from app.repositories.preferences import Preferences
from app.repositories.spaces import Space
from app.repositories.users import User
from app.services import access
from app.services.audit import note
from app.services.authentication import live_at
from app.services.devices import may_vouch
from app.services.holdings import end_all

LARGEST_QUOTA = 2**53
NEW_DEVICES = 20
"""How many new sign-ins somebody is told of at once."""


class Unchanged(Enum):
    """Stands where None means something."""

    UNCHANGED = "unchanged"


@dataclass(frozen=True, slots=True)
class Changes:
    """What shall be another way about an account; the rest stays."""

    quota: int | Unchanged | None = Unchanged.UNCHANGED
    is_admin: bool | None = None
    is_disabled: bool | None = None


@dataclass(frozen=True, slots=True)
class Account:
    """A user with quota (None: no limit) and use, in bytes.

    Attributes:
        last_used_ms: when one of the user's devices, sessions and app passwords was used last; None where none was, and
            where nobody asked.
    """

    user: User
    quota: int | None
    used: int
    last_used_ms: int | None = None


@dataclass(frozen=True, slots=True)
class SpaceView:
    """A space that somebody can read, as the wire shows it; sizes in bytes."""

    space_id: str
    root_id: str
    name: str
    role: str
    quota: int | None
    used: int


@dataclass(frozen=True, slots=True)
class Profile:
    """What people are told of themselves; the first space is their home.

    Attributes:
        actor_id: who asks.
        new_devices: sign-ins that who asks is to be told of, newest first.
        vouches: who asks may say of these that they are known.
    """

    device_id: str
    account: Account
    spaces: list[SpaceView]
    preferences: Preferences
    actor_id: int
    new_devices: list[ActorRow]
    vouches: bool


def _nothing(_: Transaction) -> None:
    """Do nothing."""


class AccountService:
    """Makes, changes and ends accounts. In every call `by` is the admin who asks, None on the machine itself."""

    def __init__(
        self,
        database: Database,
        hasher: PasswordHasher,
        endings: Endings,
        recent: RecentActors,
        *,
        clock_ms: Callable[[], int],
        server_name: str,
    ) -> None:
        """Take the parts it works with; call `start` before anything else. `clock_ms` is the wall clock."""
        self._database = database
        self._hasher = hasher
        self._endings = endings
        self._recent = recent
        self._clock_ms = clock_ms
        self._server_name = server_name
        self._has_admin = False

    async def start(self) -> None:
        """Read whether there is an admin."""
        self._has_admin = await self._database.read(users.has_enabled_admin)

    @property
    def has_admin(self) -> bool:
        """Whether anybody can manage accounts; while not, the server only lets itself be set up."""
        return self._has_admin

    async def create(
        self,
        name: str,
        password: str,
        *,
        is_admin: bool = False,
        quota: int | None = None,
        by: Actor | None = None,
        address: str = "",
        first: bool = False,
        inside: Callable[[Transaction], None] = _nothing,
    ) -> User:
        """Make an account with an empty home.

        Args:
            quota: bytes, or None for no limit.
            address: the network of a guest who makes it.
            first: only if there is no admin yet.
            inside: done in the same transaction before; what it raises undoes all.

        Raises:
            InvalidRequestError: this cannot be a name, a password or a quota.
            NameTakenError: there is already a user of this name.
            NotFoundError: `first`, and another was faster.
            NoRoomError: not `first`, and the disk has no room for more.
        """
        name = check_username(name)
        check_quota(quota)
        encoded = await self.hash(password, name)

        def work(tx: Transaction) -> User:
            inside(tx)
            if first and users.has_enabled_admin(tx):
                raise NotFoundError("This server has been set up already.")
            user = users.create(tx, name=name, folded=fold(name), password_hash=encoded, is_admin=is_admin)
            server = actors.create(tx, user_id=user.id, kind=ActorKind.SERVER, name=self._server_name)
            spaces.create_home(tx, owner_id=user.id, actor_id=server.id, quota=quota)
            detail = {"is_admin": int(is_admin), "quota": quota}
            note(tx, Event.USER_CREATED, actor=by, about=name, detail=detail, address=address)
            return user

        user = await self._database.write(work, use=Use.FREES if first else Use.GROWS)
        self._has_admin |= is_admin
        return user

    async def list_page(self, *, after: str, limit: int) -> list[Account]:
        """Return up to `limit` accounts behind the name `after`, in order of name; "" begins."""

        def work(tx: Snapshot) -> list[Account]:
            return [_managed(tx, user) for user in users.list_page(tx, after=fold(after), limit=limit)]

        return await self._database.read(work)

    async def get(self, name: str) -> Account:
        """Return one account.

        Raises:
            NotFoundError: there is no such user.
        """
        return await self._database.read(lambda tx: _managed(tx, users.require(tx, fold(name))))

    async def change(self, name: str, changes: Changes, *, by: Actor | None = None) -> Account:
        """Change an account, all at once or not at all; whoever is disabled loses all that they hold at once.

        Raises:
            NotFoundError: there is no such user.
            InvalidRequestError: this cannot be a quota.
            ForbiddenError: no enabled admin would be left, and without one the server would serve nobody.
        """
        if not isinstance(changes.quota, Unchanged):
            check_quota(changes.quota)

        def work(tx: Transaction) -> tuple[Account, Ended | None, bool]:
            user = users.require(tx, fold(name))
            ended = _Change(tx, user, by).make(changes)
            return _managed(tx, users.get(tx, user.id)), ended, users.has_enabled_admin(tx)

        account, ended, self._has_admin = await self._database.write(work, use=Use.FREES)
        self._recent.forget(Ended(account.user.id))  # what is remembered of them may say that they are an admin
        if ended is not None:
            self._endings.announce(ended)
        return account

    async def disable(self, name: str, *, by: Actor | None = None) -> None:
        """Take an account out of use and end all it holds at once: devices, open uploads, what was signed for it.

        Raises:
            NotFoundError: there is no such user.
            ForbiddenError: this is the last enabled admin.
        """
        await self.change(name, Changes(is_disabled=True), by=by)

    async def enable(self, name: str, *, by: Actor | None = None) -> None:
        """Take an account back into use; its devices log in anew.

        Raises:
            NotFoundError: there is no such user.
        """
        await self.change(name, Changes(is_disabled=False), by=by)

    async def set_quota(self, name: str, quota: int | None, *, by: Actor | None = None) -> None:
        """Limit an account to `quota` bytes, or lift the limit with None; what is there stays.

        Raises:
            NotFoundError: there is no such user.
            InvalidRequestError: this cannot be a quota.
        """
        await self.change(name, Changes(quota=quota), by=by)

    async def set_admin(self, name: str, *, is_admin: bool, by: Actor | None = None) -> None:
        """Let a user manage accounts, or no more.

        Raises:
            NotFoundError: there is no such user.
            ForbiddenError: this is the last enabled admin.
        """
        await self.change(name, Changes(is_admin=is_admin), by=by)

    async def sign_out(self, name: str, *, by: Actor | None = None) -> None:
        """End all that an account holds: devices, sessions, app passwords, open uploads, what was signed for it.

        Raises:
            NotFoundError: there is no such user.
        """

        def work(tx: Transaction) -> Ended:
            user = users.require(tx, fold(name))
            note(tx, Event.SIGNED_OUT, actor=by, about=user.name)
            return end_all(tx, user)

        self._endings.announce(await self._database.write(work, use=Use.FREES))

    async def set_password(self, name: str, password: str, *, keep_devices: bool = False) -> None:
        """Give an account a new password, on the machine itself, and end its devices unless they shall stay.

        Raises:
            NotFoundError: there is no such user.
            InvalidRequestError: this cannot be a password.
        """
        user = await self._database.read(lambda tx: users.require(tx, fold(name)))
        encoded = await self.hash(password, user.name)

        def work(tx: Transaction) -> Ended | None:
            users.set_password(tx, user, encoded)
            note(tx, Event.PASSWORD_CHANGED, actor=None, about=user.name)
            return None if keep_devices else end_all(tx, user)

        ended = await self._database.write(work, use=Use.FREES)
        if ended is not None:
            self._endings.announce(ended)

    def check_password(self, password: str, name: str) -> None:
        """Refuse what cannot be a new password of the user `name`.

        Raises:
            InvalidRequestError: it is too short, too long, or easily guessed.
        """
        check_policy(password, (name, self._server_name))

    async def hash(self, password: str, name: str) -> str:
        """Return the hash of a new password of the user `name`.

        Raises:
            InvalidRequestError: this cannot be a password.
            UnavailableError: too many people sign in at this moment.
        """
        self.check_password(password, name)
        async with self._hasher.turn():
            return await self._hasher.hash(password)

    async def profile(self, actor: Actor) -> Profile:
        """Return what the actor's user is told of the own account."""

        def work(tx: Snapshot) -> Profile:
            user = users.get(tx, actor.user_id)
            device = actors.find(tx, actor.id)
            device_id = "" if device is None else encode_id(device.id, device.tag)
            seen = [_space_view(tx, actor, space) for space in access.spaces_of(tx, actor)]
            live = live_at(self._clock_ms())
            new = actors.list_new(tx, user.id, live, asks=actor.id, limit=NEW_DEVICES)
            vouches, chosen = may_vouch(tx, actor, live), preferences.get(tx, user.id)
            return Profile(device_id, _account(tx, user), seen, chosen, actor.id, new, vouches)

        return await self._database.read(work)


class _Change:
    """Changes one account in one transaction, and notes what it did; what is so already is no change."""

    def __init__(self, tx: Transaction, user: User, by: Actor | None) -> None:
        self._tx = tx
        self._user = user
        self._by = by

    def make(self, changes: Changes) -> Ended | None:
        """Do all; return what ended by it."""
        if not isinstance(changes.quota, Unchanged):
            self._set_quota(changes.quota)
        if changes.is_admin is not None and changes.is_admin != bool(self._user.is_admin):
            self._set_admin(is_admin=changes.is_admin)
        if changes.is_disabled is not None and changes.is_disabled != (self._user.disabled_ms is not None):
            return self._set_disabled(is_disabled=changes.is_disabled)
        return None

    def _set_quota(self, quota: int | None) -> None:
        spaces.set_quota(self._tx, spaces.home_of(self._tx, self._user.id).id, quota)
        self._note(Event.QUOTA_SET, {"quota": quota})

    def _set_admin(self, *, is_admin: bool) -> None:
        users.set_admin(self._tx, self._user, is_admin=is_admin)
        if self._user.disabled_ms is None:
            require_admin(self._tx, self._user)
        self._note(Event.ADMIN_SET, {"is_admin": int(is_admin)})

    def _set_disabled(self, *, is_disabled: bool) -> Ended | None:
        users.set_disabled(self._tx, self._user, disabled=is_disabled)
        self._note(Event.USER_DISABLED if is_disabled else Event.USER_ENABLED, {})
        if not is_disabled:
            return None
        require_admin(self._tx, self._user)
        return end_all(self._tx, self._user)

    def _note(self, event: Event, detail: Mapping[str, str | int | None]) -> None:
        note(self._tx, event, actor=self._by, about=self._user.name, detail=detail)


def require_admin(tx: Snapshot, user: User) -> None:
    """Refuse to leave nobody who can manage accounts; called after `user` was changed.

    Raises:
        ForbiddenError: nobody is left.
    """
    if not users.has_enabled_admin(tx):
        raise ForbiddenError(f"{user.name} is the last enabled admin: add or enable another one first.")


def check_quota(quota: int | None) -> None:
    """Refuse what cannot be a quota in bytes; None is no limit.

    Raises:
        InvalidRequestError: it is out of range.
    """
    if quota is not None and not 0 <= quota <= LARGEST_QUOTA:
        raise InvalidRequestError("A quota is a whole number of bytes, from 0 on.")


def _account(tx: Snapshot, user: User) -> Account:
    usage = spaces.usage_of(tx, user.id)
    return Account(user, usage.quota, usage.used)


def _managed(tx: Snapshot, user: User) -> Account:
    return replace(_account(tx, user), last_used_ms=actors.last_use(tx, user.id))


def _space_view(tx: Snapshot, actor: Actor, space: Space) -> SpaceView:
    root, role = nodes.find(tx, space.root_id), access.role_in(tx, actor, space)
    if root is None or role is None:
        raise AssertionError(f"space {space.id} is read and has no root or no reader")
    return SpaceView(
        encode_id(space.id, space.tag),
        encode_id(root.id, root.tag),
        root.name,
        role.name.lower(),
        space.quota,
        space.taken,
    )
