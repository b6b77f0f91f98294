"""Who is asking: a token, an app password or a session's cookie becomes an actor (security.md, S and T).

How people get these is `app.services.sign_in`'s matter.
"""

import hmac
import logging
from collections.abc import Awaitable, Callable

from app.auth import tokens
from app.auth.endings import Endings
from app.auth.identity import Actor, ActorKind
from app.auth.lifetimes import LIFETIMES, PROOF_MS, is_over
from app.auth.recent import RecentActors
from app.auth.throttle import Throttle
from app.auth.tokens import Presented
from app.auth.usernames import fold
from app.db.database import Database, Reads, Use
from app.db.transaction import Snapshot
from app.errors import NotFoundError, ReauthRequiredError, UnauthenticatedError
from app.ids import decode_id
from app.repositories import actors, users
from app.repositories.actors import ActorRow, Live
from app.repositories.users import User
from app.services.app_scope import scope_of
from storage.errors import StorageError

logger = logging.getLogger(__name__)

NOTE_USE_MS = 3600 * 1000
NOTE_MOVE_MS = 60 * 1000
"""A use from elsewhere than the last is noted sooner: it may not be the owner's."""
_KINDS = tuple(ActorKind)

NoteUse = Callable[[int, str | None], Awaitable[None]]
"""Notes that the credential in a row of `actors` was used now, and from which network if that is known."""


class AuthenticationService:
    """Says who is asking, whichever door they come through. It never says what they may."""

    def __init__(
        self,
        database: Reads,
        throttle: Throttle,
        recent: RecentActors,
        endings: Endings,
        *,
        note_use: NoteUse,
        clock_ms: Callable[[], int],
    ) -> None:
        """Take the parts it works with; `clock_ms` is the wall clock, Unix milliseconds."""
        self._database = database
        self._note_use = note_use
        self._throttle = throttle
        self._recent = recent
        self._clock_ms = clock_ms
        endings.listen(recent.forget)

    async def actor_of(self, token: str, network: str | None = None) -> Actor:
        """Return who holds a device's token or an app password, as a Bearer shows it.

        Args:
            network: where the request comes from, as `addresses.network_of` names it; noted as the place of the use.

        Raises:
            UnauthenticatedError: it is neither, was revoked, lay idle too long, or its user is disabled.
        """
        presented, kind = tokens.read(token), ActorKind.DEVICE
        if presented is None:
            presented, kind = tokens.read_app_password(token), ActorKind.APP_PASSWORD
        actor = None if presented is None else await self._find(presented, kind, network)
        if actor is None:
            raise _refused()
        return actor

    async def actor_of_session(self, cookie: str, network: str | None = None) -> Actor:
        """Return whose browser shows this cookie; refuses as `actor_of` does."""
        presented = tokens.read(cookie)
        actor = None if presented is None else await self._find(presented, ActorKind.SESSION, network)
        if actor is None:
            raise UnauthenticatedError("This session has ended: sign in again.")
        return actor

    async def actor_of_basic(self, username: str, password: str, network: str) -> Actor:
        """Return who holds an app password, shown with the user's name; the account's own password opens nothing here.

        A right one is not throttled: it has too many bits to be guessed, and a stale one in the same house must not
        lock it out.

        Args:
            network: where the request comes from, as `addresses.network_of` names it.

        Raises:
            UnauthenticatedError: it is none that works, or another user's.
            RateLimitedError: it is wrong, and too many tries failed.
        """
        actor = await self.find_app_password(username, password, network)
        if actor is not None:
            return actor
        with self._throttle.attempt(fold(username), network) as attempt:
            if not attempt.repeats(password, "app"):
                attempt.failed(password, "app")
        raise UnauthenticatedError("Here Basic takes a user name with an app password, and these are none that work.")

    async def find_app_password(self, username: str, password: str, network: str) -> Actor | None:
        """Return who holds an app password, shown with the user's name; None if it is none that works."""
        presented = tokens.read_app_password(password)
        actor = None if presented is None else await self._find(presented, ActorKind.APP_PASSWORD, network)
        return actor if actor is not None and fold(actor.username) == fold(username) else None

    def require_proof(self, actor: Actor) -> None:
        """Refuse what needs the password within the last ten minutes (security.md, A6).

        Raises:
            ReauthRequiredError: it was shown before that.
        """
        if actor.proved_ms + PROOF_MS <= self._clock_ms():
            raise ReauthRequiredError("This needs your password once more: show it at /api/v1/reauth, then try again.")

    async def _find(self, presented: Presented, kind: ActorKind, network: str | None) -> Actor | None:
        actor = self._recent.find(presented)
        if actor is not None:
            return actor if actor.kind is kind else None
        endings = self._recent.endings
        now_ms = self._clock_ms()
        found = await self._database.read(lambda tx: find_live(tx, presented, kind, now_ms=now_ms))
        if found is None:
            return None
        row, user = found
        actor = actor_from(row, user)
        self._recent.keep(presented, actor, endings=endings)
        has_moved = network not in (None, row.address)
        if row.last_used_ms + (NOTE_MOVE_MS if has_moved else NOTE_USE_MS) <= now_ms:
            await self._note_use(row.id, network)
        return actor


def noting_uses(database: Database) -> NoteUse:
    """Return what writes uses down; a full disk must not lock those out who come to delete something."""

    async def note(actor_id: int, network: str | None) -> None:
        try:
            await database.write(lambda tx: actors.note_use(tx, actor_id, network), use=Use.NOTES)
        except StorageError as error:
            logger.warning("the last use of a device could not be noted: %s", error)

    return note


def has_ended(tx: Snapshot, actor: Actor) -> bool:
    """Tell whether a credential that worked has been ended since, or its user disabled."""
    row = actors.find(tx, actor.id)
    return row is None or row.revoked_ms is not None or users.get(tx, row.user_id).disabled_ms is not None


def live_at(now_ms: int) -> Live:
    """Return since when credentials must have been used or made to work at `now_ms`."""
    device, session = LIFETIMES[ActorKind.DEVICE], LIFETIMES[ActorKind.SESSION]
    return Live(now_ms - device.idle_ms, now_ms - session.idle_ms, now_ms - session.whole_ms)


def actor_from(row: ActorRow, user: User) -> Actor:
    """Return the actor that a row of a user stands for."""
    return Actor(
        row.id,
        row.user_id,
        user.name,
        user.generation,
        _KINDS[row.kind],
        bool(user.is_admin),
        row.proved_ms,
        scope_of(row.scope),
    )


def find_live(tx: Snapshot, presented: Presented, kind: ActorKind, *, now_ms: int) -> tuple[ActorRow, User] | None:
    """Return whose credential this is, None unless it works and its user is enabled."""
    row = _row_of(tx, presented, kind)
    if row is None or row.kind != kind or row.revoked_ms is not None or not presented.proves(row.token_hash):
        return None
    if is_over(kind, created_ms=row.created_ms, last_used_ms=row.last_used_ms, now_ms=now_ms):
        return None
    user = users.get(tx, row.user_id)
    return (row, user) if user.disabled_ms is None else None


def _row_of(tx: Snapshot, presented: Presented, kind: ActorKind) -> ActorRow | None:
    if kind is ActorKind.APP_PASSWORD:
        return actors.find_by_locator(tx, presented.public_id)
    try:
        number, tag = decode_id(presented.public_id)
    except NotFoundError:
        return None
    row = actors.find(tx, number)
    return row if row is not None and hmac.compare_digest(row.tag, tag) else None


def _refused() -> UnauthenticatedError:
    return UnauthenticatedError("This call needs a device's token, and this one is none that works: log in again.")
