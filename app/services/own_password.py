"""The account's own password in place of an app password, for programs that know Basic alone (security.md, A4, S6).

It is verified once with the slow hash, behind the throttle; for a moment after that a keyed digest finds who it was. A
program that asks a thousand times a minute so costs one hash a minute.
"""

import asyncio
import hashlib
import secrets
from weakref import WeakValueDictionary

import msgspec

from app.auth import tokens
from app.auth.identity import Actor, ActorKind
from app.auth.recent import RecentActors
from app.auth.throttle import Throttle
from app.auth.tokens import Presented
from app.auth.usernames import fold
from app.db.database import Database, Use
from app.db.transaction import Transaction
from app.errors import TotpRequiredError, UnauthenticatedError
from app.repositories import actors
from app.repositories.actors import ActorRow
from app.repositories.users import User
from app.services.app_scope import AppScope
from app.services.authentication import AuthenticationService, actor_from
from app.services.proofs import Proofs, check_unchanged

INSTALL_ID = "webdav"
NAME = "WebDAV with the account's password"
_SCOPE = msgspec.json.encode(AppScope(webdav_only=True))
_VERIFIER = "no app password, and the password opens nothing beside a second factor"


class OwnPassword:
    """Lets an account's own password in at the doors that take Basic alone."""

    def __init__(
        self,
        database: Database,
        authentication: AuthenticationService,
        proofs: Proofs,
        throttle: Throttle,
        recent: RecentActors,
    ) -> None:
        """Take the parts it works with."""
        self._database = database
        self._authentication = authentication
        self._proofs = proofs
        self._throttle = throttle
        self._recent = recent
        self._key = secrets.token_bytes(32)
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def actor_of_basic(self, username: str, password: str, network: str) -> Actor:
        """Return who shows an app password, or where there is no second factor the account's own password.

        Args:
            network: where the request comes from, as `addresses.network_of` names it.

        Raises:
            UnauthenticatedError: it is neither, alike for every cause.
            RateLimitedError: it is wrong, and too many tries failed.
            UnavailableError: too many people sign in at this moment.
        """
        actor = await self._authentication.find_app_password(username, password, network)
        if actor is not None:
            return actor
        shown = self._fingerprint(fold(username), password)
        actor = self._recent.find(shown)
        if actor is not None:
            return actor
        turn = self._turns.setdefault(shown.public_id, asyncio.Lock())
        async with turn:  # of many requests at once, as such programs begin, one is hashed for
            return self._recent.find(shown) or await self._prove(username, password, network, shown)

    async def _prove(self, username: str, password: str, network: str, shown: Presented) -> Actor:
        account, endings = fold(username), self._recent.endings
        if self._throttle.has_seen(account, network, password, _VERIFIER):
            raise _refused()
        try:
            user = await self._proofs.prove(username, password, None, network)
        except TotpRequiredError as error:
            with self._throttle.attempt(account, network) as attempt:
                attempt.failed(password, _VERIFIER)
            raise _refused() from error
        except UnauthenticatedError as error:
            raise _refused() from error
        row = await self._database.write(lambda tx: _row_of(tx, user, network), use=Use.FREES)
        actor = actor_from(row, user)
        self._recent.keep(shown, actor, endings=endings)
        return actor

    def _fingerprint(self, account: str, password: str) -> Presented:
        """Return what a shown password is found by: digested under a key of this process alone."""
        digest = hashlib.blake2b(key=self._key, digest_size=32)
        for part in (account.encode("utf-8", "surrogatepass"), password.encode("utf-8", "surrogatepass")):
            digest.update(len(part).to_bytes(8, "big") + part)
        return Presented(digest.hexdigest(), digest.digest())


def _row_of(tx: Transaction, user: User, network: str) -> ActorRow:
    """Return the actor in whose name the journal tells what was done so; at the first time it is made."""
    check_unchanged(tx, user)
    found = actors.find_install(tx, user.id, ActorKind.APP_PASSWORD, INSTALL_ID)
    if found is not None:
        actors.note_use(tx, found.id, network)
        return found
    return actors.create(
        tx,
        user_id=user.id,
        kind=ActorKind.APP_PASSWORD,
        name=NAME,
        install_id=INSTALL_ID,
        token_hash=tokens.digest_of(tokens.make_secret()),  # of a secret that nobody has: it only shows that this works
        scope=_SCOPE,
        address=network,
    )


def _refused() -> UnauthenticatedError:
    return UnauthenticatedError(
        "Show the user name with an app password; the account's own password works where no second factor is on."
    )
