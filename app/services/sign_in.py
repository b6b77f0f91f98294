"""Signing in and out: a password becomes a device's token or a browser's session (security.md, A6, S1 to S3)."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from app.auth import tokens
from app.auth.endings import Ended, Endings
from app.auth.identity import Actor, ActorKind
from app.auth.passwords import PasswordHasher, check_policy
from app.auth.recent import RecentActors
from app.db.database import Database, Use
from app.db.transaction import Transaction
from app.errors import LimitReachedError
from app.ids import encode_id
from app.repositories import actors, users
from app.repositories.actors import ActorRow
from app.repositories.audit import Event
from app.repositories.users import User
from app.services.audit import note
from app.services.authentication import actor_from, find_live, live_at
from app.services.others import OthersEnded, end_others
from app.services.proofs import Proofs, check_unchanged


@dataclass(frozen=True, slots=True)
class NewDevice:
    """A device or session that has just signed in; the token is shown this once."""

    token: str
    device_id: str
    user: User

    def __repr__(self) -> str:
        """Show no token, whatever this lands in."""
        return f"NewDevice({self.device_id!r})"


class SignInService:
    """Lets people in with what they know, and out again."""

    def __init__(
        self,
        database: Database,
        proofs: Proofs,
        hasher: PasswordHasher,
        endings: Endings,
        recent: RecentActors,
        *,
        clock_ms: Callable[[], int],
        devices_per_user: int,
        server_name: str,
    ) -> None:
        """Take the parts it works with; `clock_ms` is the wall clock, Unix milliseconds."""
        self._database = database
        self._proofs = proofs
        self._hasher = hasher
        self._endings = endings
        self._recent = recent
        self._clock_ms = clock_ms
        self._devices_per_user = devices_per_user
        self._server_name = server_name

    async def login(
        self,
        username: str,
        password: str,
        network: str,
        *,
        device_name: str,
        install_id: str | None,
        totp: str | None = None,
    ) -> NewDevice:
        """Make a device for whoever knows the password; one of the same `install_id` is replaced.

        Args:
            network: where the request comes from, as `addresses.network_of` names it.

        Raises:
            LimitReachedError: the user has as many devices as allowed.
            and all that `Proofs.prove` does.
        """
        user = await self._proofs.prove(username, password, totp, network)
        secret = tokens.make_secret()

        def work(tx: Transaction) -> tuple[ActorRow, list[int]]:
            check_unchanged(tx, user)
            replaced = [] if install_id is None else actors.revoke_install(tx, user.id, install_id)
            if actors.count_live(tx, user.id, ActorKind.DEVICE, live_at(tx.now_ms())) >= self._devices_per_user:
                raise LimitReachedError("This user has too many devices: revoke one first.")
            return _make(tx, user, ActorKind.DEVICE, device_name, secret, network, install_id), replaced

        row, replaced = await self._database.write(work, use=Use.FREES)
        return self._made(row, user, secret, replaced)

    async def open_session(
        self, username: str, password: str, totp: str | None, network: str, *, name: str, presented: str | None
    ) -> NewDevice:
        """Make a session for a browser; the one that it showed ends, and past the limit the one used least recently.

        Args:
            presented: the cookie that came with the request, if any.

        Raises: what `Proofs.prove` does.
        """
        user = await self._proofs.prove(username, password, totp, network)
        secret = tokens.make_secret()
        before = None if presented is None else tokens.read(presented)

        def work(tx: Transaction) -> tuple[ActorRow, list[Ended]]:
            check_unchanged(tx, user)
            now_ms, ended = tx.now_ms(), []
            old = None if before is None else find_live(tx, before, ActorKind.SESSION, now_ms=now_ms)
            if old is not None:
                ended.append(Ended(old[0].user_id, old[0].id))
                actors.revoke(tx, old[0].id)
            while actors.count_live(tx, user.id, ActorKind.SESSION, live_at(now_ms)) >= self._devices_per_user:
                oldest = actors.find_oldest(tx, user.id, ActorKind.SESSION, live_at(now_ms))
                if oldest is None:
                    raise AssertionError("sessions are counted, and none is found")
                ended.append(Ended(user.id, oldest))
                actors.revoke(tx, oldest)
            return _make(tx, user, ActorKind.SESSION, name, secret, network, None), ended

        row, ended = await self._database.write(work, use=Use.FREES)
        for one in ended:
            self._endings.announce(one)
        return self._made(row, user, secret, [])

    async def reauth(self, actor: Actor, password: str, totp: str | None, network: str) -> None:
        """Take the password again as proof that its owner sits at this device; refuses as `login` does."""
        user = await self._proofs.prove(actor.username, password, totp, network)

        def work(tx: Transaction) -> None:
            check_unchanged(tx, user)
            actors.note_proof(tx, actor.id)
            note(tx, Event.REAUTH, actor=actor)

        await self._database.write(work, use=Use.FREES)
        self._recent.forget(Ended(actor.user_id, actor.id))  # nothing ends but the old time of its proof

    async def logout(self, actor: Actor) -> None:
        """End the actor's own token or session."""

        def work(tx: Transaction) -> None:
            actors.revoke(tx, actor.id)
            note(tx, Event.LOGOUT, actor=actor)

        await self._database.write(work, use=Use.FREES)
        self._endings.announce(Ended(actor.user_id, actor.id))

    async def change_password(
        self, actor: Actor, current: str, new: str, *, totp: str | None, end_devices: bool
    ) -> None:
        """Change one's own password and end all other sessions, with `end_devices` the devices and app passwords too.

        Raises:
            InvalidRequestError: `new` cannot be a password.
            and all that `Proofs.prove` does about `current`.
        """
        check_policy(new, (actor.username, self._server_name))
        user = await self._proofs.prove(actor.username, current, totp, actor.address)
        async with self._hasher.turn():
            encoded = await self._hasher.hash(new)

        def work(tx: Transaction) -> OthersEnded:
            check_unchanged(tx, user)
            users.set_password(tx, user, encoded)
            actors.note_proof(tx, actor.id)
            note(tx, Event.PASSWORD_CHANGED, actor=actor, about=user.name, detail={"end_devices": int(end_devices)})
            return end_others(tx, actor, devices=end_devices, app_passwords=end_devices)

        ended = await self._database.write(work, use=Use.FREES)
        ended.announce(self._endings, self._recent)

    def _made(self, row: ActorRow, user: User, secret: str, replaced: list[int]) -> NewDevice:
        for actor_id in replaced:
            self._endings.announce(Ended(user.id, actor_id))
        device_id = encode_id(row.id, row.tag)
        return NewDevice(tokens.write(device_id, secret), device_id, user)


def _make(
    tx: Transaction, user: User, kind: ActorKind, name: str, secret: str, network: str, install_id: str | None
) -> ActorRow:
    made = actors.create(
        tx,
        user_id=user.id,
        kind=kind,
        name=name,
        install_id=install_id,
        token_hash=tokens.digest_of(secret),
        address=network,
    )
    note(tx, Event.LOGIN, actor=replace(actor_from(made, user), address=network), about=encode_id(made.id, made.tag))
    return made
