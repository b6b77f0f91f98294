"""Proof of identity: passwords become device tokens, tokens become actors (security.md, A, S, T)."""

import hmac
import logging
from collections.abc import Callable
from dataclasses import dataclass

from app.auth import tokens
from app.auth.endings import Ended, Endings
from app.auth.identity import Actor, ActorKind
from app.auth.passwords import PasswordHasher, is_too_long
from app.auth.recent import RecentActors
from app.auth.throttle import Attempt, Throttle
from app.auth.tokens import Presented
from app.auth.usernames import fold
from app.db.database import Database, Use
from app.db.transaction import Snapshot, Transaction
from app.errors import LimitReachedError, NotFoundError, UnauthenticatedError
from app.ids import decode_id, encode_id, number_after
from app.repositories import actors, users
from app.repositories.actors import ActorRow
from app.repositories.users import User
from storage.errors import StorageError

logger = logging.getLogger(__name__)

IDLE_MS = 180 * 24 * 3600 * 1000
NOTE_USE_MS = 3600 * 1000
_KINDS = tuple(ActorKind)


@dataclass(frozen=True, slots=True)
class NewDevice:
    """A device that has just logged in; the token is shown this once."""

    token: str
    device_id: str
    user: User

    def __repr__(self) -> str:
        """Show no token, whatever this lands in."""
        return f"NewDevice({self.device_id!r})"


class AuthenticationService:
    """Says who is asking. All doors come here, so that one limiter counts for them all."""

    def __init__(
        self,
        database: Database,
        hasher: PasswordHasher,
        throttle: Throttle,
        recent: RecentActors,
        endings: Endings,
        *,
        clock_ms: Callable[[], int],
        devices_per_user: int,
    ) -> None:
        """Take the parts it works with; `clock_ms` is the wall clock, Unix milliseconds."""
        self._database = database
        self._hasher = hasher
        self._throttle = throttle
        self._recent = recent
        self._endings = endings
        self._clock_ms = clock_ms
        self._devices_per_user = devices_per_user
        self._decoy = hasher.decoy()
        endings.listen(recent.forget)

    async def actor_of(self, token: str) -> Actor:
        """Return who holds a token.

        Raises:
            UnauthenticatedError: it is no token, was revoked, lay idle for 180 days, or its user is disabled.
        """
        presented = tokens.read(token)
        if presented is None:
            raise _refused()
        actor = self._recent.find(presented)
        if actor is not None:
            return actor
        endings = self._recent.endings
        found = await self._database.read(lambda tx: _find(tx, presented))
        if found is None or found[0].last_used_ms + IDLE_MS <= self._clock_ms():
            raise _refused()
        row, user = found
        actor = Actor(
            row.id, row.user_id, user.name, user.generation, _KINDS[row.kind], bool(user.is_admin), row.proved_ms
        )
        self._recent.keep(presented, actor, endings=endings)
        if row.last_used_ms + NOTE_USE_MS <= self._clock_ms():
            await self._note_use(row)
        return actor

    async def login(
        self, username: str, password: str, network: str, *, device_name: str, install_id: str | None
    ) -> NewDevice:
        """Make a device for whoever knows the password; one of the same `install_id` is replaced.

        Args:
            network: where the request comes from, as `addresses.network_of` names it.

        Raises:
            UnauthenticatedError: unknown user, wrong password or disabled user, all alike.
            RateLimitedError: too many tries failed.
            UnavailableError: too many people sign in at this moment.
            LimitReachedError: the user has as many devices as allowed.
        """
        user = await self._prove(username, password, network)
        secret = tokens.make_secret()

        def work(tx: Transaction) -> tuple[ActorRow, list[int]]:
            _check_unchanged(tx, user)
            replaced = [] if install_id is None else actors.revoke_install(tx, user.id, install_id)
            since = tx.now_ms() - IDLE_MS
            if actors.count_live(tx, user.id, ActorKind.DEVICE, used_since_ms=since) >= self._devices_per_user:
                raise LimitReachedError("This user has too many devices: revoke one first.")
            made = actors.create(
                tx,
                user_id=user.id,
                kind=ActorKind.DEVICE,
                name=device_name,
                install_id=install_id,
                token_hash=tokens.digest_of(secret),
            )
            return made, replaced

        row, replaced = await self._database.write(work, use=Use.FREES)
        for actor_id in replaced:
            self._endings.announce(Ended(user.id, actor_id))
        device_id = encode_id(row.id, row.tag)
        return NewDevice(tokens.write(device_id, secret), device_id, user)

    async def reauth(self, actor: Actor, password: str, network: str) -> None:
        """Take the password again as proof that its owner sits at this device; refuses as `login` does."""
        user = await self._prove(actor.username, password, network)

        def work(tx: Transaction) -> None:
            _check_unchanged(tx, user)
            actors.note_proof(tx, actor.id)

        await self._database.write(work, use=Use.FREES)
        self._recent.forget(Ended(actor.user_id, actor.id))  # nothing ends but the old time of its proof

    async def logout(self, actor: Actor) -> None:
        """End the actor's own token."""
        await self._database.write(lambda tx: actors.revoke(tx, actor.id), use=Use.FREES)
        self._endings.announce(Ended(actor.user_id, actor.id))

    async def list_devices(self, actor: Actor, *, after: str | None, limit: int) -> list[ActorRow]:
        """Return up to `limit` of the user's devices whose tokens work, behind the device id `after`.

        Raises:
            InvalidRequestError: `after` is no id.
        """
        number, since = number_after(after), self._clock_ms() - IDLE_MS
        return await self._database.read(
            lambda tx: actors.list_live(tx, actor.user_id, used_since_ms=since, after=number, limit=limit)
        )

    async def revoke_device(self, actor: Actor, device_id: str) -> None:
        """End one of the user's devices at once.

        Raises:
            NotFoundError: the user has no such device, or it has ended.
        """
        number, tag = decode_id(device_id)

        def work(tx: Transaction) -> None:
            row = actors.find(tx, number)
            if row is None or row.user_id != actor.user_id or row.tag != tag or row.token_hash is None:
                raise NotFoundError("There is no device with this id.")
            actors.revoke(tx, number)

        await self._database.write(work, use=Use.FREES)
        self._endings.announce(Ended(actor.user_id, number))

    async def _prove(self, username: str, password: str, network: str) -> User:
        """Return the enabled user who has this password; every other case fails alike and costs alike (A3)."""
        account = fold(username)
        self._throttle.check(account, network)
        if is_too_long(password):
            with self._throttle.attempt(account, network) as attempt:
                attempt.failed(password, "")
                raise _wrong()
        async with self._hasher.turn():
            with self._throttle.attempt(account, network) as attempt:
                return await self._check(account, password, attempt)

    async def _check(self, account: str, password: str, attempt: Attempt) -> User:
        user = await self._database.read(lambda tx: users.find(tx, account))
        encoded = self._decoy if user is None else user.password_hash
        verifier = encoded if user is None else f"{encoded} {user.generation} {user.disabled_ms}"
        if attempt.repeats(password, verifier):
            raise _wrong()
        right = await self._hasher.verify(password, encoded)
        if user is None or user.disabled_ms is not None or not right:
            attempt.failed(password, verifier)
            raise _wrong()
        attempt.succeeded()
        if self._hasher.is_outdated(encoded):
            return await self._rehash(user, password)
        return user

    async def _rehash(self, user: User, password: str) -> User:
        encoded = await self._hasher.hash(password)

        def work(tx: Transaction) -> User:
            users.rehash(tx, user, encoded)
            return users.get(tx, user.id)

        return await self._database.write(work, use=Use.FREES)

    async def _note_use(self, row: ActorRow) -> None:
        try:
            await self._database.write(lambda tx: actors.note_use(tx, row.id), use=Use.NOTES)
        except StorageError as error:  # a full disk must not lock those out who come to delete something
            logger.warning("the last use of a device could not be noted: %s", error)


def _find(tx: Snapshot, presented: Presented) -> tuple[ActorRow, User] | None:
    try:
        number, tag = decode_id(presented.public_id)
    except NotFoundError:
        return None
    row = actors.find(tx, number)
    if row is None or row.revoked_ms is not None or not presented.proves(row.token_hash):
        return None
    user = users.get(tx, row.user_id)
    return (row, user) if user.disabled_ms is None and hmac.compare_digest(row.tag, tag) else None


def _check_unchanged(tx: Snapshot, proven: User) -> None:
    """Refuse if the account was disabled or its password changed while the proof was being checked."""
    now = users.get(tx, proven.id)
    if (now.password_hash, now.generation, now.disabled_ms) != (proven.password_hash, proven.generation, None):
        raise _wrong()


def _wrong() -> UnauthenticatedError:
    return UnauthenticatedError("The user name or the password is wrong.")


def _refused() -> UnauthenticatedError:
    return UnauthenticatedError("This call needs a device's token, and this one is none that works: log in again.")
