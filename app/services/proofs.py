"""Proof of identity by password and second factor. All doors that take these come here (security.md, A, T)."""

from app.auth.passwords import PasswordHasher, is_too_long
from app.auth.throttle import Attempt, Throttle
from app.auth.usernames import fold
from app.db.database import Database, Use
from app.db.transaction import Snapshot, Transaction
from app.errors import TotpRequiredError, UnauthenticatedError
from app.repositories import users
from app.repositories.users import User
from app.services.failures import FailureNotes
from app.services.second_factor import SecondFactor


class Proofs:
    """Tells whether somebody is who they say."""

    def __init__(
        self,
        database: Database,
        hasher: PasswordHasher,
        throttle: Throttle,
        second_factor: SecondFactor,
        failures: FailureNotes,
    ) -> None:
        """Take the parts it works with."""
        self._database = database
        self._hasher = hasher
        self._throttle = throttle
        self._second_factor = second_factor
        self._failures = failures
        self._decoy = hasher.decoy()

    async def prove(self, username: str, password: str, totp: str | None, network: str) -> User:
        """Return the enabled user who has this password; every other case fails alike and costs alike (A3).

        Args:
            totp: a code of the second factor, or a recovery code; counts only where the user has one.
            network: where the request comes from, as `addresses.network_of` names it.

        Raises:
            UnauthenticatedError: unknown user, wrong password or disabled user, all alike.
            TotpRequiredError: the password is right, and the code is missing, wrong or used.
            RateLimitedError: too many tries failed.
            UnavailableError: too many people sign in at this moment.
        """
        account = fold(username)
        self._throttle.check(account, network)
        if is_too_long(password):
            with self._throttle.attempt(account, network) as attempt:
                attempt.failed(password, "")
                raise wrong()
        async with self._hasher.turn():
            with self._throttle.attempt(account, network) as attempt:
                user = await self._check(account, password, network, attempt)
                await self._check_second(user, totp, network, attempt)
                attempt.succeeded()
                return await self._rehash(user, password) if self._hasher.is_outdated(user.password_hash) else user

    async def _check(self, account: str, password: str, network: str, attempt: Attempt) -> User:
        user = await self._database.read(lambda tx: users.find(tx, account))
        encoded = self._decoy if user is None else user.password_hash
        verifier = encoded if user is None else f"{encoded} {user.generation} {user.disabled_ms}"
        if attempt.repeats(password, verifier):
            raise wrong()
        right = await self._hasher.verify(password, encoded)
        if user is None or user.disabled_ms is not None or not right:
            attempt.failed(password, verifier)
            await self._failures.note(account, user, network, "password")
            raise wrong()
        return user

    async def _check_second(self, user: User, totp: str | None, network: str, attempt: Attempt) -> None:
        """Ask for the code after the password, so that only its owner learns that there is a second factor."""
        if not await self._second_factor.is_on(user.id):
            return
        if not totp:  # most clients ask for it only now, so this is no failed try
            raise TotpRequiredError("This account has a second factor: send its code as `totp`, or a recovery code.")
        if not await self._second_factor.use(user, totp, network):
            attempt.failed(totp, "totp")  # also a repeated one: what is wrong now may be the next step's code
            await self._failures.note(user.folded, user, network, "totp")
            raise TotpRequiredError("This code is wrong, or was used already: wait for the next one.")

    async def _rehash(self, user: User, password: str) -> User:
        encoded = await self._hasher.hash(password)

        def work(tx: Transaction) -> User:
            users.rehash(tx, user, encoded)
            return users.get(tx, user.id)

        return await self._database.write(work, use=Use.FREES)


def check_unchanged(tx: Snapshot, proven: User) -> None:
    """Refuse if the account was disabled or its password changed while the proof was being checked."""
    now = users.get(tx, proven.id)
    if (now.password_hash, now.generation, now.disabled_ms) != (proven.password_hash, proven.generation, None):
        raise wrong()


def wrong() -> UnauthenticatedError:
    """Return the one refusal for all that may be wrong about name and password."""
    return UnauthenticatedError("The user name or the password is wrong.")
