"""What somebody is signed in with: devices, sessions and app passwords, listed, made and ended."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import msgspec

from app.auth import tokens
from app.auth.endings import Ended, Endings
from app.auth.identity import Actor, ActorKind
from app.auth.recent import RecentActors
from app.db.database import Database, Use
from app.db.transaction import Snapshot, Transaction
from app.errors import (
    ForbiddenError,
    InstallUnknownError,
    InvalidRequestError,
    LimitReachedError,
    NameTakenError,
    NoRoomError,
    NotFoundError,
    UnavailableError,
)
from app.ids import decode_id, encode_id, number_after
from app.repositories import actors
from app.repositories.actors import ActorRow, Live
from app.repositories.audit import Event
from app.services import access
from app.services.app_scope import AppScope
from app.services.audit import note
from app.services.authentication import live_at
from app.services.others import OthersEnded, end_others
from storage.errors import StorageError

logger = logging.getLogger(__name__)

APP_PASSWORDS = 100
_TRIES = 8
_COPIED = (
    "Another machine uses this login: this one is a copy of it, or was put back from an older state. The other one goes"
    " on; log in here anew."
)


@dataclass(frozen=True, slots=True)
class NewAppPassword:
    """An app password, shown this once."""

    device_id: str
    password: str

    def __repr__(self) -> str:
        """Show no password, whatever this lands in."""
        return f"NewAppPassword({self.device_id!r})"


def may_vouch(tx: Snapshot, actor: Actor, live: Live) -> bool:
    """Tell whether an actor may say of others that their user knows them: a new one not, while one that is not can."""
    asks = actors.find(tx, actor.id)
    return (asks is not None and not asks.is_new) or not actors.has_known_session(tx, actor.user_id, live)


class DeviceService:
    """Keeps what somebody is signed in with."""

    def __init__(
        self, database: Database, endings: Endings, recent: RecentActors, *, clock_ms: Callable[[], int]
    ) -> None:
        """Take the parts it works with; `clock_ms` is the wall clock, Unix milliseconds."""
        self._database = database
        self._endings = endings
        self._recent = recent
        self._clock_ms = clock_ms

    async def list_page(self, actor: Actor, *, after: str | None, limit: int) -> list[ActorRow]:
        """Return up to `limit` of what the user is signed in with, behind the id `after`.

        Raises:
            InvalidRequestError: `after` is no id.
        """
        number, now_ms = number_after(after), self._clock_ms()
        return await self._database.read(
            lambda tx: actors.list_live(tx, actor.user_id, live_at(now_ms), after=number, limit=limit)
        )

    async def revoke(self, actor: Actor, device_id: str) -> None:
        """End one of the user's devices, sessions and app passwords at once.

        Raises:
            NotFoundError: the user has none of this id, or it has ended.
        """
        number, tag = decode_id(device_id)

        def work(tx: Transaction) -> None:
            _own(tx, actor, number, tag)
            actors.revoke(tx, number)
            note(tx, Event.DEVICE_REVOKED, actor=actor, about=device_id)

        await self._database.write(work, use=Use.FREES)
        self._endings.announce(Ended(actor.user_id, number))

    async def know(self, actor: Actor, device_id: str) -> None:
        """Note that the user knows one of what they are signed in with: nothing else of theirs is told of it any more.

        Raises:
            NotFoundError: the user has none of this id, or it has ended.
            ForbiddenError: it is the actor itself, which does not vouch for itself, nor for what it made; or the actor
                is new too, and a browser is signed in that is not: two of a stranger could vouch for each other.
        """
        number, tag = decode_id(device_id)

        def work(tx: Transaction) -> None:
            row = _own(tx, actor, number, tag)
            if actor.id in (row.id, row.made_by):
                raise ForbiddenError("A sign-in does not vouch for itself: say so where you are signed in beside it.")
            if not may_vouch(tx, actor, live_at(tx.now_ms())):
                raise ForbiddenError("This sign-in is new itself: say so where you were signed in before.")
            actors.know(tx, number)

        await self._database.write(work, use=Use.FREES)

    async def revoke_others(self, actor: Actor, *, app_passwords: bool) -> None:
        """End at once all sessions and devices of the user but the actor's own; app passwords too, if named."""

        def work(tx: Transaction) -> OthersEnded:
            note(
                tx,
                Event.OTHERS_REVOKED,
                actor=actor,
                about=actor.username,
                detail={"app_passwords": int(app_passwords)},
            )
            return end_others(tx, actor, devices=True, app_passwords=app_passwords)

        ended = await self._database.write(work, use=Use.FREES)
        ended.announce(self._endings, self._recent)

    async def meet(self, actor: Actor, names: Sequence[str]) -> bool:
        """Tell whether a device's installation is known by the newest of its names from now on.

        It shows those of its last starts, the newest last, and must know the one by which it was last known: a copy
        that was started in its place, or it in the copy's, has shown a newer one. False if it cannot be kept now, and
        for what is no device.

        Raises:
            InstallUnknownError: it does not.
        """
        if actor.kind is not ActorKind.DEVICE:
            return False

        def is_known(tx: Snapshot) -> bool:
            known = actors.find_install_name(tx, actor.id)
            if known is not None and known not in names:
                raise InstallUnknownError(_COPIED)
            return known == names[-1]

        def work(tx: Transaction) -> None:
            if not is_known(tx):
                actors.name_install(tx, actor.id, names[-1])

        if not await self._database.read(is_known):
            try:
                await self._database.write(work, use=Use.FREES)
            except (StorageError, NoRoomError, UnavailableError) as error:  # a server that only reads is still read
                logger.warning("the name of an installation could not be kept: %s", error)
                return False
        return True

    async def make_app_password(self, actor: Actor, name: str, scope: AppScope) -> NewAppPassword:
        """Make an app password with a scope that it keeps for ever.

        Raises:
            LimitReachedError: the user has as many as allowed.
            NotFoundError: the scope's folder is not there for this user.
            InvalidRequestError: it is a file.
        """
        for _ in range(_TRIES):
            password = tokens.make_app_password()
            try:
                row = await self._database.write(lambda tx: _make(tx, actor, name, scope, password), use=Use.FREES)  # noqa: B023
            except NameTakenError:  # the part by which it is found is another's: one in millions
                continue
            return NewAppPassword(encode_id(row.id, row.tag), password)
        raise LimitReachedError("This server has no room for more app passwords.")


def _own(tx: Snapshot, actor: Actor, number: int, tag: bytes) -> ActorRow:
    row = actors.find(tx, number)
    if row is None or row.user_id != actor.user_id or row.tag != tag or row.token_hash is None:
        raise NotFoundError("There is no device with this id.")
    return row


def _make(tx: Transaction, actor: Actor, name: str, scope: AppScope, password: str) -> ActorRow:
    if actors.count_live(tx, actor.user_id, ActorKind.APP_PASSWORD, live_at(tx.now_ms())) >= APP_PASSWORDS:
        raise LimitReachedError("You have too many app passwords: revoke one first.")
    if scope.folder_id is not None:
        node = access.look(tx, actor, scope.folder_id).node
        if not node.is_folder:
            raise InvalidRequestError("The scope of an app password is a folder, not a file.")
        scope = msgspec.structs.replace(scope, folder_id=encode_id(node.id, node.tag))
    presented = tokens.read_app_password(password)
    if presented is None:
        raise AssertionError("an app password that was just made has not the form of one")
    made = actors.create(
        tx,
        user_id=actor.user_id,
        kind=ActorKind.APP_PASSWORD,
        name=name,
        token_hash=presented.digest,
        scope=None if scope == AppScope() else msgspec.json.encode(scope),
        locator=presented.public_id,
        made_by=actor.id,
    )
    note(tx, Event.APP_PASSWORD_MADE, actor=actor, about=encode_id(made.id, made.tag), detail={"reach": scope.reach})
    return made
