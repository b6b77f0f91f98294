"""Invitations: a link with which a guest makes one account, on the terms of the admin who sent it."""

from dataclasses import dataclass

from app.auth import onetime, tokens
from app.auth.identity import Actor
from app.auth.onetime import Shown
from app.auth.throttle import Throttle
from app.auth.usernames import check_username, fold
from app.clock import now_ms
from app.db.database import Database, Use
from app.db.transaction import Snapshot, Transaction
from app.errors import InvalidRequestError, LimitReachedError, NameTakenError, NotFoundError
from app.ids import decode_id, encode_id, number_after
from app.repositories import invitations, resets, users
from app.repositories.audit import Event
from app.repositories.invitations import Invitation, Terms
from app.repositories.users import User
from app.services.accounts import AccountService, check_quota
from app.services.audit import note

DAYS = 7
MOST_DAYS = 90
MOST_OPEN = 1000
DAY_MS = 24 * 3600 * 1000


@dataclass(frozen=True, slots=True)
class Invited:
    """An open invitation as admins see it; `made_by` is a user's name, None for the server's machine."""

    invitation_id: str
    invitation: Invitation
    made_by: str | None


@dataclass(frozen=True, slots=True)
class NewInvitation:
    """An invitation that was just made; its link is shown this once.

    Attributes:
        path: of the link, from the server's own address on.
    """

    invited: Invited
    path: str

    def __repr__(self) -> str:
        """Show no link, whatever this lands in."""
        return f"NewInvitation({self.invited.invitation_id!r})"


class InvitationService:
    """Makes and ends invitations, and lets guests accept them."""

    def __init__(self, database: Database, accounts: AccountService, throttle: Throttle) -> None:
        """Take the parts it works with."""
        self._database = database
        self._accounts = accounts
        self._throttle = throttle

    async def make(self, terms: Terms, *, days: int = DAYS, by: Actor | None) -> NewInvitation:
        """Make an invitation that is open for `days`; `by` is None on the machine itself.

        Raises:
            InvalidRequestError: this cannot be a name, a quota or a time.
            NameTakenError: there is already a user of the name that is fixed.
            LimitReachedError: as many are open as may be.
        """
        check_quota(terms.quota)
        if not 0 < days <= MOST_DAYS:
            raise InvalidRequestError(f"An invitation is open for 1 to {MOST_DAYS} days.")
        name = None if terms.username is None else check_username(terms.username)
        terms, secret = Terms(name, terms.quota, terms.is_admin), onetime.make_secret()

        def work(tx: Transaction) -> Invited:
            if name is not None and users.find(tx, fold(name)) is not None:
                raise NameTakenError("There is already a user of this name.")
            if invitations.count_open(tx, tx.now_ms()) >= MOST_OPEN:
                raise LimitReachedError(f"{MOST_OPEN} invitations are open: end some first.")
            made = invitations.add(
                tx,
                terms,
                digest=tokens.digest_of(secret),
                made_by=None if by is None else by.user_id,
                expires_ms=tx.now_ms() + days * DAY_MS,
            )
            invited = _invited(tx, made)
            detail = {"username": name, "quota": terms.quota, "is_admin": int(terms.is_admin), "days": days}
            note(tx, Event.INVITED, actor=by, about=invited.invitation_id, detail=detail)
            return invited

        invited = await self._database.write(work)
        return NewInvitation(invited, f"/invite/{invited.invitation_id}{secret}")

    async def list_page(self, *, after: str | None, limit: int) -> list[Invited]:
        """Return up to `limit` open invitations behind the id `after`, oldest first.

        Raises:
            InvalidRequestError: `after` is no id.
        """
        number = number_after(after)

        def work(tx: Snapshot) -> list[Invited]:
            found = invitations.list_page(tx, now_ms=now_ms(), after=number, limit=limit)
            return [_invited(tx, invitation) for invitation in found]

        return await self._database.read(work)

    async def end(self, invitation_id: str, *, by: Actor | None) -> None:
        """End an invitation that nobody has accepted.

        Raises:
            NotFoundError: there is none of this id.
        """
        number, tag = decode_id(invitation_id)

        def work(tx: Transaction) -> None:
            found = invitations.find(tx, number)
            if found is None or found.tag != tag:
                raise NotFoundError("There is no open invitation with this id.")
            invitations.take(tx, number)
            note(tx, Event.INVITATION_ENDED, actor=by, about=invitation_id, outcome="revoked")

        await self._database.write(work, use=Use.FREES)

    async def look(self, token: str, network: str) -> Invitation:
        """Return the invitation whose link has this token.

        Args:
            network: where the request comes from, as `addresses.network_of` names it.

        Raises:
            NotFoundError: it is wrong, used, revoked or expired, or whoever made it is no admin any more.
            RateLimitedError: too many tries failed.
        """
        shown = onetime.read_link(token)
        account = "/invite" if shown is None else f"/invite/{shown.invitation_id}"  # no user can be called so
        with self._throttle.attempt(account, network) as attempt:
            found = None if shown is None else await self._database.read(lambda tx: _find(tx, shown))
            if found is None:
                if not attempt.repeats(token, ""):
                    attempt.failed(token, "")
                raise _absent()
            return found

    async def accept(self, token: str, username: str | None, password: str, network: str) -> User:
        """Make the account; the link is dead from then on.

        Args:
            username: may be None where the invitation names it.

        Raises:
            NotFoundError, RateLimitedError: as `look`, or another was faster.
            InvalidRequestError: this cannot be a name or a password, or is another name than the invitation's; the
                link stays good.
            NameTakenError: there is already a user of this name; the link stays good.
        """
        found = await self.look(token, network)
        terms = found.terms
        name = terms.username if username is None else check_username(username)
        if name is None:
            raise InvalidRequestError("Choose a user name.")
        if terms.username not in (None, name):
            raise InvalidRequestError(f"This invitation is for the user name {terms.username}.")

        def take(tx: Transaction) -> None:
            if not _is_open(tx, found, tx.now_ms()) or not invitations.take(tx, found.id):
                raise _absent()
            about = encode_id(found.id, found.tag)
            detail = {"username": name}
            note(
                tx, Event.INVITATION_ENDED, actor=None, about=about, outcome="accepted", detail=detail, address=network
            )

        return await self._accounts.create(
            name, password, is_admin=terms.is_admin, quota=terms.quota, inside=take, address=network
        )

    async def forget_expired(self) -> None:
        """Remove invitations and codes of resets whose time is over."""

        def work(tx: Transaction) -> None:
            invitations.forget_expired(tx)
            resets.forget_expired(tx)

        await self._database.write(work, use=Use.FREES)


def _find(tx: Snapshot, shown: Shown) -> Invitation | None:
    try:
        number, tag = decode_id(shown.invitation_id)
    except NotFoundError:
        return None
    found = invitations.find(tx, number)
    if found is None or found.tag != tag or not tokens.is_digest_of(shown.secret, found.digest):
        return None
    return found if _is_open(tx, found, now_ms()) else None


def _is_open(tx: Snapshot, invitation: Invitation, at_ms: int) -> bool:
    """Nobody grants more than they hold: with the right of its maker an invitation ends too (security.md, P5)."""
    return at_ms < invitation.expires_ms and users.still_manages(tx, invitation.made_by)


def _invited(tx: Snapshot, invitation: Invitation) -> Invited:
    made_by = None if invitation.made_by is None else users.get(tx, invitation.made_by).name
    return Invited(encode_id(invitation.id, invitation.tag), invitation, made_by)


def _absent() -> NotFoundError:
    return NotFoundError("There is nothing here. An invitation works once, until its time is over: ask for a new one.")
