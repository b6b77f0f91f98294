"""Accounts: who has one, with which password and quota, and what people are told of their own."""

from dataclasses import dataclass

from app.auth.endings import Ended, Endings
from app.auth.identity import Actor, ActorKind
from app.auth.passwords import PasswordHasher, check_policy
from app.auth.usernames import check_username, fold
from app.db.database import Database, Use
from app.db.transaction import Snapshot, Transaction
from app.errors import ForbiddenError, InvalidRequestError, NotFoundError
from app.ids import encode_id
from app.repositories import actors, nodes, spaces, uploads, users
from app.repositories.spaces import Space
from app.repositories.users import User
from app.services import access
from app.services.open_uploads import wire_id
from app.services.uploads import drop

LARGEST_QUOTA = 2**53


@dataclass(frozen=True, slots=True)
class Account:
    """A user with quota (None: no limit) and use, in bytes."""

    user: User
    quota: int | None
    used: int


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
    """What people are told of themselves; the first space is their home."""

    device_id: str
    account: Account
    spaces: list[SpaceView]


class AccountService:
    """Makes, changes and ends accounts."""

    def __init__(self, database: Database, hasher: PasswordHasher, endings: Endings, *, server_name: str) -> None:
        """Take the parts it works with; call `start` before anything else."""
        self._database = database
        self._hasher = hasher
        self._endings = endings
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
        self, name: str, password: str, *, is_admin: bool = False, quota: int | None = None, first: bool = False
    ) -> User:
        """Make an account with an empty home.

        Args:
            quota: bytes, or None for no limit.
            first: only if there is no admin yet.

        Raises:
            InvalidRequestError: this cannot be a name, a password or a quota.
            NameTakenError: there is already a user of this name.
            NotFoundError: `first`, and another was faster.
            NoRoomError: not `first`, and the disk has no room for more.
        """
        name = check_username(name)
        _check_quota(quota)
        encoded = await self._hash(password, name)

        def work(tx: Transaction) -> User:
            if first and users.has_enabled_admin(tx):
                raise NotFoundError("This server has been set up already.")
            user = users.create(tx, name=name, folded=fold(name), password_hash=encoded, is_admin=is_admin)
            server = actors.create(tx, user_id=user.id, kind=ActorKind.SERVER, name=self._server_name)
            spaces.create_home(tx, owner_id=user.id, actor_id=server.id, quota=quota)
            return user

        user = await self._database.write(work, use=Use.FREES if first else Use.GROWS)
        self._has_admin |= is_admin
        return user

    async def list_page(self, *, after: str, limit: int) -> list[Account]:
        """Return up to `limit` accounts behind the name `after`, in order of name; "" begins."""

        def work(tx: Snapshot) -> list[Account]:
            return [_account(tx, user) for user in users.list_page(tx, after=fold(after), limit=limit)]

        return await self._database.read(work)

    async def disable(self, name: str) -> None:
        """Take an account out of use and end all it holds at once: devices, open uploads, what was signed for it.

        Raises:
            NotFoundError: there is no such user.
            ForbiddenError: this is the last enabled admin; without one the server would serve nobody.
        """

        def work(tx: Transaction) -> Ended:
            user = users.require(tx, fold(name))
            was_enabled = user.disabled_ms is None
            users.set_disabled(tx, user, disabled=True)
            if user.is_admin and was_enabled and not users.has_enabled_admin(tx):
                raise ForbiddenError(f"{user.name} is the last enabled admin: add or enable another one first.")
            return _end_all(tx, user)

        self._endings.announce(await self._database.write(work, use=Use.FREES))

    async def enable(self, name: str) -> None:
        """Take an account back into use; its devices log in anew.

        Raises:
            NotFoundError: there is no such user.
        """

        def work(tx: Transaction) -> bool:
            users.set_disabled(tx, users.require(tx, fold(name)), disabled=False)
            return users.has_enabled_admin(tx)

        self._has_admin = await self._database.write(work, use=Use.FREES)

    async def set_password(self, name: str, password: str, *, keep_devices: bool = False) -> None:
        """Give an account a new password and end its devices, unless they shall stay.

        Raises:
            NotFoundError: there is no such user.
            InvalidRequestError: this cannot be a password.
        """
        user = await self._database.read(lambda tx: users.require(tx, fold(name)))
        encoded = await self._hash(password, user.name)

        def work(tx: Transaction) -> Ended | None:
            users.set_password(tx, user, encoded)
            return None if keep_devices else _end_all(tx, user)

        ended = await self._database.write(work, use=Use.FREES)
        if ended is not None:
            self._endings.announce(ended)

    async def set_quota(self, name: str, quota: int | None) -> None:
        """Limit an account's home to `quota` bytes, or lift the limit with None; what is there stays.

        Raises:
            NotFoundError: there is no such user.
            InvalidRequestError: this cannot be a quota.
        """
        _check_quota(quota)

        def work(tx: Transaction) -> None:
            user = users.require(tx, fold(name))
            spaces.set_quota(tx, spaces.home_of(tx, user.id).id, quota)

        await self._database.write(work, use=Use.FREES)

    async def profile(self, actor: Actor) -> Profile:
        """Return what the actor's user is told of the own account."""

        def work(tx: Snapshot) -> Profile:
            user = users.get(tx, actor.user_id)
            device = actors.find(tx, actor.id)
            device_id = "" if device is None else encode_id(device.id, device.tag)
            seen = [_space_view(tx, actor, space) for space in access.spaces_of(tx, actor)]
            return Profile(device_id, _account(tx, user), seen)

        return await self._database.read(work)

    async def _hash(self, password: str, name: str) -> str:
        check_policy(password, (name, self._server_name))
        async with self._hasher.turn():
            return await self._hasher.hash(password)


def _end_all(tx: Transaction, user: User) -> Ended:
    actors.revoke_all(tx, user.id)
    users.end_all(tx, user)
    dropped = uploads.open_of_user(tx, user.id)
    for upload in dropped:
        drop(tx, upload)
    ids = tuple(wire_id(upload) for upload in dropped)
    bundles = {upload.bundle for upload in dropped if upload.bundle is not None}
    return Ended(user.id, upload_ids=ids, claims=(*ids, *sorted(bundles)))


def _account(tx: Snapshot, user: User) -> Account:
    home = spaces.home_of(tx, user.id)
    return Account(user, home.quota, home.used)


def _space_view(tx: Snapshot, actor: Actor, space: Space) -> SpaceView:
    root, role = nodes.find(tx, space.root_id), access.role_in(actor, space)
    if root is None or role is None:
        raise AssertionError(f"space {space.id} is read and has no root or no reader")
    return SpaceView(
        encode_id(space.id, space.tag),
        encode_id(root.id, root.tag),
        root.name,
        role.name.lower(),
        space.quota,
        space.used,
    )


def _check_quota(quota: int | None) -> None:
    if quota is not None and not 0 <= quota <= LARGEST_QUOTA:
        raise InvalidRequestError("A quota is a whole number of bytes, from 0 on.")
