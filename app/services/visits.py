"""Links as those use them who hold one: each use judges anew whether the link is good (security.md, P5 and P6)."""

import logging
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

from app.auth import tokens
from app.auth.identity import Actor, ActorKind, Reach, Scope
from app.auth.link_passes import LinkPasses
from app.auth.passwords import PasswordHasher, is_too_long
from app.auth.throttle import SHORT_SECRET, Throttle
from app.db.database import Database, Use
from app.db.transaction import Snapshot
from app.errors import AppError, ForbiddenError, NotFoundError
from app.link_mode import Mode
from app.listing import Order, Place, Sort
from app.repositories import links, listings, users
from app.repositories.links import Link
from app.services import access
from app.services.access import Right, Sight
from app.services.media import is_viewable
from app.services.views import View
from storage.errors import StorageError

logger = logging.getLogger(__name__)

RECHECK_SIZE = 64 * 1024 * 1024
RESUME_S = 24 * 3600.0
MOST_STARTS = 10_000


@dataclass(frozen=True, slots=True)
class Visit:
    """Somebody who came through a link that is good.

    Attributes:
        actor: acts for the link: in its name, with the scope of what it leads to.
        digest: of the token that was shown.
        view: what the link leads to, as its maker sees it.
        is_open: no password is needed, or it was shown.
    """

    link: Link
    actor: Actor
    digest: bytes
    view: View
    is_open: bool

    @property
    def name(self) -> str:
        """What the link leads to is called so."""
        return self.view.path.rpartition("/")[2]

    @property
    def title(self) -> str:
        """Visitors read this at the head: what the maker wrote, else the name."""
        return self.link.title or self.name

    def require_content(self, view: View, *, download: bool) -> None:
        """Refuse a file to be kept, or that no page can show, where the link is for looking alone.

        Raises:
            ForbiddenError: it is.
        """
        shows = not download and is_viewable(view.path.rpartition("/")[2] or self.name, view.listed.content_type or "")
        if not shows:
            self.require_download()

    def require_download(self) -> None:
        """Refuse what is to be kept, where the link is for looking alone.

        Raises:
            ForbiddenError: it is.
        """
        if not self.link.allows_download:
            raise ForbiddenError("This link is for looking alone: nothing is downloaded through it.")

    def require(self, mode: Mode) -> None:
        """Refuse what the link is not for, and whoever has not shown its password.

        Raises:
            NotFoundError: it is for something else.
            ForbiddenError: the password is wanted first.
        """
        if self.link.mode is not mode:
            raise dead()
        if not self.is_open:
            raise ForbiddenError("This link wants its password first.")


class VisitService:
    """Opens links, checks their passwords, counts what is fetched through them."""

    def __init__(
        self,
        database: Database,
        hasher: PasswordHasher,
        throttle: Throttle,
        passes: LinkPasses,
        *,
        clock_ms: Callable[[], int],
        clock_s: Callable[[], float],
    ) -> None:
        """Take the parts it works with; `clock_ms` is the wall clock, `clock_s` never goes back."""
        self._database = database
        self._hasher = hasher
        self._throttle = throttle
        self._passes = passes
        self._clock_ms = clock_ms
        self._clock_s = clock_s
        self._starts: OrderedDict[tuple[int, str], float] = OrderedDict()

    async def open(self, token: str, shown_pass: str | None, network: str) -> Visit:
        """Return the visit of whoever holds a token.

        Args:
            shown_pass: from the cookie, if there is one.
            network: where the request comes from.

        Raises:
            NotFoundError: no link that is good has this token; the same whatever the reason. One that is used up is
                good only for the network that began a download with it, for a day, so that it can be finished.
        """
        digest = tokens.digest_of(token)
        link, view = await self._database.read(lambda tx: self._good(tx, digest))
        if link.is_used_up and self._starts.get((link.id, network), -RESUME_S) + RESUME_S <= self._clock_s():
            raise dead()  # else it gives the rest of what this network began to fetch
        is_open = link.password_hash is None or (
            shown_pass is not None and self._passes.is_good(shown_pass, link.id, link.password_generation)
        )
        return Visit(link, _actor_of(link, network), digest, view, is_open)

    def check(self, visit: Visit) -> Callable[[Snapshot], None]:
        """Return a check that a link is still as good as it was when the visit began."""

        def work(tx: Snapshot) -> None:
            link, _ = self._good(tx, visit.digest)
            if link.password_generation != visit.link.password_generation:
                raise dead()

        return work

    async def show_password(self, visit: Visit, password: str, network: str) -> str:
        """Check a link's password, and return the pass for its cookie.

        Raises:
            ForbiddenError: it is wrong.
            RateLimitedError: too many tries failed.
            UnavailableError: too many people wait for theirs to be checked.
        """
        link, account = visit.link, f"/s/{visit.link.id}"  # no user can be called so
        if link.password_hash is not None:
            self._throttle.check(account, network, SHORT_SECRET)
            if is_too_long(password):
                with self._throttle.attempt(account, network, SHORT_SECRET) as attempt:
                    attempt.failed(password, "")
                    raise _wrong()
            async with self._hasher.turn():
                with self._throttle.attempt(account, network, SHORT_SECRET) as attempt:
                    if attempt.repeats(password, link.password_hash):
                        raise _wrong()
                    if not await self._hasher.verify(password, link.password_hash):
                        attempt.failed(password, link.password_hash)
                        raise _wrong()
                    attempt.succeeded()
        return self._passes.make(link.id, link.password_generation)

    async def look(self, visit: Visit, file_id: str | None) -> View:
        """Return a node at or below what the link leads to, that itself for None.

        Raises:
            NotFoundError: there is none of this id there.
        """
        return await self._database.read(lambda tx: View.of(tx, _within(tx, visit, file_id)))

    async def children(
        self, visit: Visit, file_id: str | None, *, sort: Sort, order: Order, after: Place | None, limit: int
    ) -> tuple[list[View], Place | None]:
        """Return a page of a folder at or below what the link leads to, and where it ends; None at the end.

        Raises:
            NotFoundError: there is no such folder there.
        """

        def work(tx: Snapshot) -> tuple[list[View], Place | None]:
            folder = _within(tx, visit, file_id)
            if not folder.node.is_folder:
                raise NotFoundError("There is no folder with this id.")
            page, end = listings.children(tx, folder.node.id, sort=sort, order=order, after=after, limit=limit)
            return View.of_children(tx, folder, page), end

        return await self._database.read(work)

    async def count(self, visit: Visit, first: int, network: str) -> None:
        """Count a download that begins at byte `first`; one that goes on with what was begun before does not count.

        Raises:
            NotFoundError: the link is used up.
        """
        if first > 0:
            return
        try:
            counted = await self._database.write(lambda tx: links.count_download(tx, visit.link.id), use=Use.NOTES)
        except StorageError as error:
            if visit.link.max_downloads is not None:
                raise
            logger.debug("a download could not be counted: %s", error)
            counted = True
        if not counted:
            raise dead()
        self._starts[visit.link.id, network] = self._clock_s()
        self._starts.move_to_end((visit.link.id, network))
        if len(self._starts) > MOST_STARTS:
            self._starts.popitem(last=False)

    async def watched(self, visit: Visit, body: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """Yield a body as it comes, while the link is good: looked at every 64 MiB, and when all has come.

        Raises:
            NotFoundError: the link has ended meanwhile.
        """
        size = 0
        async for piece in body:
            size += len(piece)
            if size >= RECHECK_SIZE:
                size = 0
                await self._database.read(self.check(visit))
            yield piece
        await self._database.read(self.check(visit))

    def _good(self, tx: Snapshot, digest: bytes) -> tuple[Link, View]:
        """Return a link that is good now, and what it leads to as its maker sees that."""
        link = links.find_by_digest(tx, digest)
        if link is None or link.is_paused or (link.expires_ms is not None and link.expires_ms <= self._clock_ms()):
            raise dead()
        maker = users.get(tx, link.user_id)
        if maker.disabled_ms is not None:
            raise dead()
        try:
            sight = access.look_number(tx, _maker_of(link), link.node_id)
            sight.require(Right.SHARE)
        except AppError as error:
            raise dead() from error
        return link, View.of(tx, sight)


def dead() -> NotFoundError:
    """Return the one refusal of a link: whether it never was, has ended or is paused is nobody's business."""
    return NotFoundError("There is nothing here. Ask whoever sent you this link for another.")


def _within(tx: Snapshot, visit: Visit, file_id: str | None) -> Sight:
    """Return a node by its id, if the scope of the link's actor holds it."""
    return access.home(tx, visit.actor) if file_id is None else access.look(tx, visit.actor, file_id)


def _actor_of(link: Link, network: str) -> Actor:
    reach = Reach.READ if link.mode is Mode.VIEW else Reach.DROP
    return _actor(link, Scope(reach, link.node_id), network)


def _maker_of(link: Link) -> Actor:
    """Return the maker as somebody who asks without a limit: what they may today is what the link may at most."""
    return _actor(link, Scope(), "")


def _actor(link: Link, scope: Scope, network: str) -> Actor:
    return Actor(
        id=link.id,
        user_id=link.user_id,
        username=link.username,
        generation=0,
        kind=ActorKind.LINK,
        is_admin=False,
        proved_ms=0,
        scope=scope,
        address=network,
    )


def _wrong() -> ForbiddenError:
    return ForbiddenError("The password is wrong.")
