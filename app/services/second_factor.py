"""The second factor: an authenticator app's codes, and recovery codes for the day it is lost (security.md, A4)."""

from collections.abc import Callable
from dataclasses import dataclass

from app.auth import totp
from app.auth.endings import Endings
from app.auth.identity import Actor
from app.auth.recent import RecentActors
from app.auth.sealing import Sealer
from app.auth.throttle import Throttle
from app.auth.usernames import fold
from app.db.database import Database, Use
from app.db.transaction import Snapshot, Transaction
from app.errors import ConflictError, TotpRequiredError
from app.repositories import second_factors, users
from app.repositories.audit import Event
from app.repositories.second_factors import Factor
from app.repositories.users import User
from app.services.audit import note
from app.services.others import OthersEnded, end_others

_PLACE = ("users", "totp_secret")


@dataclass(frozen=True, slots=True)
class Enrolment:
    """A secret to be put into an authenticator app, shown this once."""

    secret: str
    uri: str

    def __repr__(self) -> str:
        """Show no secret, whatever this lands in."""
        return "Enrolment()"


class SecondFactor:
    """Turns second factors on and off, and uses up their codes."""

    def __init__(
        self,
        database: Database,
        sealer: Sealer,
        throttle: Throttle,
        endings: Endings,
        recent: RecentActors,
        *,
        clock_ms: Callable[[], int],
        issuer: str,
    ) -> None:
        """Take the parts it works with; `issuer` is the server's name, as authenticator apps show it."""
        self._database = database
        self._sealer = sealer
        self._throttle = throttle
        self._endings = endings
        self._recent = recent
        self._clock_ms = clock_ms
        self._issuer = issuer

    async def is_on(self, user_id: int) -> bool:
        """Say whether a user must show a code beside the password."""
        factor = await self._find(user_id)
        return factor is not None and factor.is_on

    async def use(self, user: User, typed: str, network: str) -> bool:
        """Say whether this is a code of the user's app or a recovery code, and use it up: none counts twice."""
        factor = await self._find(user.id)
        if factor is None or not factor.is_on:
            return False
        if (digest := totp.digest_of_recovery(typed)) is not None:
            return await self._spend(user, digest, network)
        step = self._step(user.id, factor, typed)
        if step is None:
            return False
        return await self._database.write(lambda tx: second_factors.use_step(tx, user.id, factor, step), use=Use.FREES)

    async def enrol(self, actor: Actor) -> Enrolment:
        """Make a secret, which counts once a code of it is shown to `confirm`; one made before and not confirmed ends.

        Raises:
            ConflictError: a second factor is on already.
        """
        secret = totp.make_secret()
        sealed = self._sealer.seal(secret, *_PLACE, actor.user_id)

        def work(tx: Transaction) -> None:
            factor = second_factors.find(tx, actor.user_id)
            if factor is not None and factor.is_on:
                raise ConflictError("Your second factor is on already: turn it off first to change it.")
            second_factors.begin(tx, actor.user_id, sealed)

        await self._database.write(work, use=Use.FREES)
        uri = totp.uri_of(secret, username=actor.username, issuer=self._issuer)
        return Enrolment(totp.write_secret(secret), uri)

    async def confirm(self, actor: Actor, typed: str, *, end_devices: bool) -> list[str]:
        """Turn the second factor on, end all other sessions, and return the recovery codes, shown this once.

        Raises:
            ConflictError: it is on already, or none was begun.
            TotpRequiredError: the code is wrong.
            RateLimitedError: too many tries failed.
        """
        factor = await self._find(actor.user_id)
        if factor is None or factor.is_on:
            raise ConflictError("There is no second factor to confirm: begin with POST /api/v1/totp.")
        codes = totp.make_recovery_codes()
        with self._throttle.attempt(fold(actor.username), actor.address) as attempt:
            step = self._step(actor.user_id, factor, typed)
            if step is None:
                attempt.failed(typed, "totp")  # also a repeated one, as in `Proofs`
                raise _wrong_code()

        def work(tx: Transaction) -> OthersEnded:
            if not second_factors.use_step(tx, actor.user_id, factor, step):
                raise ConflictError("Another was faster: begin again.")
            second_factors.set_recovery(tx, actor.user_id, _digests(codes))
            note(tx, Event.TOTP_ENABLED, actor=actor, about=actor.username)
            return end_others(tx, actor, devices=end_devices, app_passwords=end_devices)

        ended = await self._database.write(work, use=Use.FREES)
        ended.announce(self._endings, self._recent)
        return codes

    async def remove(self, actor: Actor, typed: str, *, end_devices: bool) -> None:
        """Turn the second factor off with one of its codes or a recovery code, and end all other sessions.

        Raises:
            ConflictError: there is none.
            TotpRequiredError: the code is wrong.
            RateLimitedError: too many tries failed.
        """
        await self._require(actor, typed)

        def work(tx: Transaction) -> OthersEnded:
            second_factors.remove(tx, actor.user_id)
            note(tx, Event.TOTP_DISABLED, actor=actor, about=actor.username)
            return end_others(tx, actor, devices=end_devices, app_passwords=end_devices)

        ended = await self._database.write(work, use=Use.FREES)
        ended.announce(self._endings, self._recent)

    async def renew_recovery(self, actor: Actor, typed: str) -> list[str]:
        """Return new recovery codes in place of the old ones; refuses as `remove` does."""
        await self._require(actor, typed)
        codes = totp.make_recovery_codes()

        def work(tx: Transaction) -> None:
            second_factors.set_recovery(tx, actor.user_id, _digests(codes))
            note(tx, Event.RECOVERY_RENEWED, actor=actor, about=actor.username)

        await self._database.write(work, use=Use.FREES)
        return codes

    async def status(self, actor: Actor) -> tuple[bool, int]:
        """Return whether the actor's user has a second factor, and how many recovery codes are left."""

        def work(tx: Snapshot) -> tuple[bool, int]:
            factor = second_factors.find(tx, actor.user_id)
            return factor is not None and factor.is_on, second_factors.count_recovery(tx, actor.user_id)

        return await self._database.read(work)

    async def _require(self, actor: Actor, typed: str) -> None:
        user = await self._database.read(lambda tx: users.get(tx, actor.user_id))
        if not await self.is_on(user.id):
            raise ConflictError("There is no second factor on this account.")
        with self._throttle.attempt(user.folded, actor.address) as attempt:
            if not await self.use(user, typed, actor.address):
                attempt.failed(typed, "totp")  # also a repeated one, as in `Proofs`
                raise _wrong_code()

    async def _spend(self, user: User, digest: bytes, network: str) -> bool:
        def work(tx: Transaction) -> bool:
            if not second_factors.spend_recovery(tx, user.id, digest):
                return False
            left = second_factors.count_recovery(tx, user.id)
            note(tx, Event.RECOVERY_USED, actor=None, about=user.name, address=network, detail={"left": left})
            return True

        return await self._database.write(work, use=Use.FREES)

    async def _find(self, user_id: int) -> Factor | None:
        return await self._database.read(lambda tx: second_factors.find(tx, user_id))

    def _step(self, user_id: int, factor: Factor, typed: str) -> int | None:
        secret = self._sealer.unseal(factor.sealed, *_PLACE, user_id)
        return totp.step_of(secret, typed, now_s=self._clock_ms() / 1000, after=factor.step)


def _digests(codes: list[str]) -> list[bytes]:
    return [digest for digest in map(totp.digest_of_recovery, codes) if digest is not None]


def _wrong_code() -> TotpRequiredError:
    return TotpRequiredError("This code is wrong, or was used already: wait for the next one.")
