"""A lost password: an admin gives a code, and its holder chooses a new password with it, once (security.md, A6)."""

from dataclasses import dataclass

from app.auth import onetime, tokens
from app.auth.endings import Ended, Endings
from app.auth.identity import Actor
from app.auth.throttle import Throttle
from app.auth.usernames import fold
from app.clock import now_ms
from app.db.database import Database, Use
from app.db.transaction import Snapshot, Transaction
from app.errors import UnauthenticatedError
from app.repositories import resets, users
from app.repositories.audit import Event
from app.repositories.users import User
from app.services.accounts import AccountService
from app.services.audit import note
from app.services.holdings import end_all

LIFETIME_MS = 24 * 3600 * 1000


@dataclass(frozen=True, slots=True)
class NewCode:
    """A code that was just made, shown this once; `expires_ms` in Unix milliseconds."""

    code: str
    expires_ms: int

    def __repr__(self) -> str:
        """Show no code, whatever this lands in."""
        return f"NewCode({self.expires_ms})"


class ResetService:
    """Gives codes, and takes them."""

    def __init__(self, database: Database, accounts: AccountService, throttle: Throttle, endings: Endings) -> None:
        """Take the parts it works with."""
        self._database = database
        self._accounts = accounts
        self._throttle = throttle
        self._endings = endings

    async def begin(self, name: str, *, by: Actor | None) -> NewCode:
        """Make a code in place of an earlier one; until it is used the account stays as it is.

        Args:
            by: the admin who asks, None on the machine itself.

        Raises:
            NotFoundError: there is no such user.
        """
        code = onetime.make_code()

        def work(tx: Transaction) -> int:
            user = users.require(tx, fold(name))
            expires_ms = tx.now_ms() + LIFETIME_MS
            made_by = None if by is None else by.user_id
            resets.put(tx, user.id, digest=tokens.digest_of(code), made_by=made_by, expires_ms=expires_ms)
            note(tx, Event.RESET_STARTED, actor=by, about=user.name)
            return expires_ms

        return NewCode(code, await self._database.write(work, use=Use.FREES))

    async def finish(self, name: str, code: str, password: str, network: str) -> None:
        """Set a new password by a code, turn the second factor off, and end all that the user holds.

        A disabled account takes the password too and stays disabled: after a break-in it is locked, reset, and only
        then enabled.

        Args:
            network: where the request comes from, as `addresses.network_of` names it.

        Raises:
            InvalidRequestError: this cannot be a password; the code stays good.
            UnauthenticatedError: unknown user, wrong code, used or expired one, one whose maker is no admin any more,
                or one that a change of the password ended, all alike.
            RateLimitedError: too many tries failed.
            UnavailableError: too many people sign in at this moment.
        """
        self._accounts.check_password(password, name)
        code = onetime.read_code(code)
        # A bucket of its own: who comes for a reset has often tried the lost password too often.
        with self._throttle.attempt(f"/reset/{fold(name)}", network) as attempt:
            user, digest = await self._database.read(lambda tx: _find(tx, fold(name)))
            if user is None or not tokens.is_digest_of(code, digest):
                verifier = "" if digest is None else digest.hex()
                if not attempt.repeats(code, verifier):
                    attempt.failed(code, verifier)
                    await self._note_failure(name, network)
                raise _wrong()
            await self._set(user, code, await self._accounts.hash(password, user.name), network)
            attempt.succeeded()

    async def _set(self, user: User, code: str, encoded: str, network: str) -> None:
        def work(tx: Transaction) -> Ended:
            digest = tokens.digest_of(code)
            if _open_digest(tx, user, tx.now_ms()) != digest or not resets.take(tx, user.id, digest):
                raise _wrong()
            users.set_password(tx, user, encoded)
            users.forget_second_factor(tx, user)
            note(tx, Event.RESET_FINISHED, actor=None, about=user.name, address=network)
            return end_all(tx, user)

        self._endings.announce(await self._database.write(work, use=Use.FREES))

    async def _note_failure(self, name: str, network: str) -> None:
        """Note a wrong code, as often as the throttle lets anybody try; a name is no longer than names are."""

        def work(tx: Transaction) -> None:
            note(tx, Event.RESET_FINISHED, actor=None, about=name[:64], outcome="refused", address=network)

        await self._database.write(work, use=Use.NOTES)


def _find(tx: Snapshot, folded: str) -> tuple[User | None, bytes | None]:
    user = users.find(tx, folded)
    return user, None if user is None else _open_digest(tx, user, now_ms())


def _open_digest(tx: Snapshot, user: User, at_ms: int) -> bytes | None:
    """Return the digest of the user's code while whoever made it may still make one."""
    found = resets.find(tx, user.id, now_ms=at_ms)
    return found.digest if found is not None and users.still_manages(tx, found.made_by) else None


def _wrong() -> UnauthenticatedError:
    return UnauthenticatedError("The user name or the code is wrong, or the code's time is over.")
