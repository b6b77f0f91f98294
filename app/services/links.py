"""Links as their makers, and the owners of what they show, manage them (security.md, P5 and P6)."""

import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import TypeVar

from app.auth import tokens
from app.auth.endings import Ended, Endings
from app.auth.identity import Actor, ActorKind
from app.auth.passwords import PasswordHasher, check_policy
from app.auth.sealing import Sealer
from app.db.database import Database, Use
from app.db.transaction import Snapshot, Transaction
from app.errors import AppError, ForbiddenError, InvalidRequestError, LimitReachedError, NotFoundError
from app.ids import decode_id, encode_id, number_after
from app.link_mode import Mode
from app.repositories import actors, links
from app.repositories.audit import Event
from app.repositories.links import Link
from app.services import access
from app.services.access import Right, Sight
from app.services.audit import note
from app.services.views import View
from storage.errors import KeyFileError

T = TypeVar("T")

LINKS_PER_USER = 5_000
_PLACE = ("links", "sealed_token")
TOKEN_SIZE = 18
"""Random bytes of a link's token: 144 bits, 24 characters."""


class Keep(Enum):
    """What a change leaves as it is."""

    AS_IS = "as is"


@dataclass(frozen=True, slots=True)
class Terms:
    """What a link allows; `Keep.AS_IS` where a change says nothing.

    Attributes:
        password: None for none.
        expires_ms: Unix milliseconds; None for never.
        max_downloads: None for any number.
        allows_download: else what is there is shown, and never given as a file.
        title: what visitors read in place of the name; None for that itself.
    """

    password: str | Keep | None = None
    expires_ms: int | Keep | None = None
    max_downloads: int | Keep | None = None
    is_paused: bool | Keep = False
    allows_download: bool | Keep = True
    title: str | Keep | None = None


@dataclass(frozen=True, slots=True)
class LinkView:
    """A link and what it leads to, as one who may know of it sees that.

    Attributes:
        view: None where it is gone for them.
        token: None where it is not known any more: of a link from before these were kept, or with the key lost.
    """

    link: Link
    view: View | None
    token: str | None = None

    def __repr__(self) -> str:
        """Show no token, whatever this lands in."""
        return f"LinkView({self.link.id})"

    @property
    def link_id(self) -> str:
        """The link's id on the wire."""
        return encode_id(self.link.id, self.link.tag)


class LinkService:
    """Makes, lists, changes and ends links."""

    def __init__(
        self,
        database: Database,
        hasher: PasswordHasher,
        endings: Endings,
        sealer: Sealer,
        *,
        clock_ms: Callable[[], int],
        server_name: str,
    ) -> None:
        """Take the parts it works with; `endings` hears of links that end, `server_name` is no password."""
        self._database = database
        self._sealer = sealer
        self._hasher = hasher
        self._endings = endings
        self._clock_ms = clock_ms
        self._server_name = server_name

    async def make(self, actor: Actor, file_id: str, mode: Mode, terms: Terms) -> LinkView:
        """Make a link, and return it with its token.

        Raises:
            NotFoundError: there is no such node.
            ForbiddenError: the actor may not share it.
            InvalidRequestError: this cannot be linked so.
            LimitReachedError: the user has too many links.
        """
        self._check(terms)
        await self._database.read(lambda tx: _shareable(tx, actor, file_id, mode))  # before a hash is worked out
        password_hash = await self._hash(terms.password)
        token = secrets.token_urlsafe(TOKEN_SIZE)

        def work(tx: Transaction) -> LinkView:
            sight = _shareable(tx, actor, file_id, mode)
            _check_mode(mode, terms)
            if links.count_of(tx, actor.user_id) >= LINKS_PER_USER:
                raise LimitReachedError(f"A user may have {LINKS_PER_USER} links: end some first.")
            name = sight.path.rpartition("/")[2]
            made = actors.create(tx, user_id=actor.user_id, kind=ActorKind.LINK, name=name)
            links.add(
                tx,
                actor_id=made.id,
                node_id=sight.node.id,
                user_id=actor.user_id,
                mode=mode,
                digest=tokens.digest_of(token),
                sealed_token=self._sealer.seal(token.encode(), *_PLACE, made.id),
                password_hash=password_hash,
                expires_ms=_given(terms.expires_ms, None),
                max_downloads=_given(terms.max_downloads, None),
                allows_download=_given(terms.allows_download, before=True),
                title=_given(terms.title, None),
            )
            shown = self._shown(tx, actor, _must_find(tx, made.id))
            _note(tx, Event.LINK_MADE, actor, shown)
            return shown

        return await self._database.write(work)

    async def list_page(self, actor: Actor, *, file_id: str | None, after: str | None, limit: int) -> list[LinkView]:
        """Return up to `limit` links behind the link id `after`, oldest first.

        Args:
            file_id: only those on this node; else all that the user made, and all in spaces of theirs.

        Raises:
            NotFoundError: there is no such node.
            ForbiddenError: the actor may not share it.
        """
        number = number_after(after)

        def work(tx: Snapshot) -> list[LinkView]:
            if file_id is None:
                found = links.list_known_to(tx, actor.user_id, after=number, limit=limit)
            else:
                sight = access.look(tx, actor, file_id)
                sight.require(Right.SHARE)
                found = links.list_of_node(tx, sight.node.id, after=number, limit=limit)
            return [self._shown(tx, actor, link) for link in found]

        return await self._database.read(work)

    async def change(self, actor: Actor, link_id: str, terms: Terms) -> LinkView:
        """Change what a link allows.

        Raises:
            NotFoundError: there is no such link that the actor may manage.
            InvalidRequestError: this cannot be its password, its end or its number of downloads.
        """
        self._check(terms)
        await self._database.read(lambda tx: _managed(tx, actor, link_id))
        password_hash = await self._hash(terms.password)

        def work(tx: Transaction) -> LinkView:
            link = _managed(tx, actor, link_id)
            _check_mode(link.mode, terms)
            if terms.password is not Keep.AS_IS:
                links.set_password(tx, link.id, password_hash)
            links.set_terms(
                tx,
                link.id,
                expires_ms=_given(terms.expires_ms, link.expires_ms),
                max_downloads=_given(terms.max_downloads, link.max_downloads),
                is_paused=_given(terms.is_paused, link.is_paused),
                allows_download=_given(terms.allows_download, link.allows_download),
                title=_given(terms.title, link.title),
            )
            shown = self._shown(tx, actor, _must_find(tx, link.id))
            _note(tx, Event.LINK_CHANGED, actor, shown)
            return shown

        shown = await self._database.write(work, use=Use.FREES)
        if terms.password is not Keep.AS_IS or terms.is_paused is True:
            self._endings.announce(Ended(shown.link.user_id, shown.link.id))
        return shown

    async def end(self, actor: Actor, link_id: str) -> None:
        """End a link for good.

        Raises:
            NotFoundError: there is no such link that the actor may manage.
        """

        def work(tx: Transaction) -> Link:
            link = _managed(tx, actor, link_id)
            _note(tx, Event.LINK_ENDED, actor, LinkView(link, None))
            links.remove(tx, link.id)
            actors.revoke(tx, link.id)
            return link

        link = await self._database.write(work, use=Use.FREES)
        self._endings.announce(Ended(link.user_id, link.id))

    def _shown(self, tx: Snapshot, actor: Actor, link: Link) -> LinkView:
        try:
            view = View.of(tx, access.look_number(tx, actor, link.node_id))
        except AppError:  # in the trash, or shared with them no more
            view = None
        return LinkView(link, view, self._token_of(link))

    def _token_of(self, link: Link) -> str | None:
        if link.sealed_token is None:
            return None
        try:
            return self._sealer.unseal(link.sealed_token, *_PLACE, link.id).decode()
        except KeyFileError:  # the link itself works on by its digest
            return None

    def _check(self, terms: Terms) -> None:
        if isinstance(terms.password, str):
            check_policy(terms.password, (self._server_name,))
        if isinstance(terms.expires_ms, int) and terms.expires_ms <= self._clock_ms():
            raise InvalidRequestError("expires_ms lies in the past: a link ends later than now, or is deleted.")

    async def _hash(self, password: str | Keep | None) -> str | None:
        if not isinstance(password, str):
            return None
        async with self._hasher.turn():
            return await self._hasher.hash(password)


def _given(value: T | Keep, before: T) -> T:
    return before if isinstance(value, Keep) else value


def _check_mode(mode: Mode, terms: Terms) -> None:
    """Refuse terms about downloads where there are none.

    Raises:
        InvalidRequestError: they are of a drop link.
    """
    if mode is Mode.DROP and (isinstance(terms.max_downloads, int) or terms.allows_download is False):
        raise InvalidRequestError("Nothing is downloaded from a drop link: terms about it go with view.")


def _shareable(tx: Snapshot, actor: Actor, file_id: str, mode: Mode) -> Sight:
    """Return what a link may be made for."""
    sight = access.look(tx, actor, file_id)
    sight.require(Right.SHARE)
    if sight.path == "/":
        raise InvalidRequestError("The home itself has no link: make one for a folder in it.")
    if mode is Mode.DROP and not sight.node.is_folder:
        raise InvalidRequestError("Only a folder takes files in: a drop link needs one.")
    return sight


def _managed(tx: Snapshot, actor: Actor, link_id: str) -> Link:
    """Return a link that the actor made, or that leads to what they may share."""
    number, tag = decode_id(link_id)
    link = links.find(tx, number)
    if link is None or not hmac.compare_digest(link.tag, tag):
        raise _absent()
    if link.user_id != actor.user_id:
        try:
            access.look_number(tx, actor, link.node_id).require(Right.SHARE)
        except (NotFoundError, ForbiddenError) as error:
            raise _absent() from error
    return link


def _must_find(tx: Snapshot, link_id: int) -> Link:
    link = links.find(tx, link_id)
    if link is None:
        raise AssertionError(f"link {link_id} is gone inside the transaction that wrote it")
    return link


def _note(tx: Transaction, event: Event, actor: Actor, shown: LinkView) -> None:
    link = shown.link
    detail: dict[str, str | int | None] = {
        "file_id": None if shown.view is None else shown.view.file_id,
        "mode": link.mode.name.lower(),
        "has_password": int(link.password_hash is not None),
        "expires_ms": link.expires_ms,
        "max_downloads": link.max_downloads,
        "paused": int(link.is_paused),
        "allow_download": int(link.allows_download),
        "title": link.title,
    }
    note(tx, event, actor=actor, about=shown.link_id, detail=detail)


def _absent() -> NotFoundError:
    return NotFoundError("There is no link with this id.")
