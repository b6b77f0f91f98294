"""The feed of one person: pages of what changed behind a cursor, and word that there is more.

Pages are read on a reader's connection, so that they never wait for the writer.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable
from typing import TypeVar

from app.auth.identity import Actor
from app.db.database import Reads
from app.db.transaction import Snapshot
from app.errors import NotFoundError, UnauthenticatedError
from app.services.budget import ENTRY_SIZE, Lease
from app.services.cursor import Cursor
from app.services.feed_page import Change, Page, read_page
from app.services.feed_view import Asked, Reader, revoked
from app.services.notify import News, Notifier

T = TypeVar("T")


class FeedService:
    """Reads feeds, and lets readers wait for more."""

    def __init__(self, database: Reads, notifier: Notifier) -> None:
        """Take the database, and who knows of changes."""
        self._database = database
        self._notifier = notifier

    async def poll(
        self,
        actor: Actor,
        asked: Asked,
        *,
        wait_s: float,
        is_gone: Callable[[], bool],
        show: Callable[[Change], T],
        lease: Lease,
    ) -> Page[T]:
        """Return a page; if there is nothing new, once there is or `wait_s` is over.

        Args:
            is_gone: tells whether the peer has left.
            show: turns a change into what stands in the page; called in the reader's thread, for a large page would
                hold up the event loop.
            lease: holds the page's memory; nothing while there is no page.

        Raises:
            InvalidRequestError: the cursor is none.
            CursorResetError: the cursor is of another journal, or too old.
            NotFoundError: there is no such space.
            UnauthenticatedError: the credential has ended meanwhile.
            ForbiddenError: it was made for one folder, or for putting files only.
            RateLimitedError: too many connections of this user wait.
        """
        cursor = None if asked.cursor is None else Cursor.decode(asked.cursor)
        page = await self._read(actor, asked, cursor, show, lease)
        if not wait_s or not page.is_empty:
            return page
        until_s = asyncio.get_running_loop().time() + wait_s
        with self._notifier.waiting(actor, page.heard_of, is_gone) as waiter:
            while True:
                # Read again first: what changed before the waiter was there, nobody told it.
                page = await self._read(actor, asked, page.cursor, show, lease)
                if not page.is_empty:
                    return page
                if self._notifier.follow(waiter, page.heard_of):
                    continue
                lease.rests()
                news = await waiter.wait(until_s - asyncio.get_running_loop().time())
                if news is News.REVOKED:
                    raise revoked()
                if news is not News.CHANGE:
                    return page

    async def watch(
        self, actor: Actor, asked: Asked, *, alive_s: float, is_gone: Callable[[], bool]
    ) -> AsyncGenerator[tuple[Cursor, Cursor] | None, None]:
        """Yield two cursors each time there is something new: behind the first it is, the second is behind it.

        Yields None at once and after each `alive_s` seconds without news; ends with the credential or the server.
        Without a cursor it begins now. Raises before the first yield, as `poll` does.
        """
        before = None if asked.cursor is None else Cursor.decode(asked.cursor)
        before, _, heard_of = await self._look(actor, asked, before)
        with self._notifier.waiting(actor, heard_of, is_gone) as waiter:
            yield None
            while True:
                try:
                    _, now, heard_of = await self._look(actor, asked, before)
                except (NotFoundError, UnauthenticatedError):  # the one space that it was about has gone, or who asked
                    return
                if now is not None:
                    yield before, now
                    before = now
                if self._notifier.follow(waiter, heard_of):
                    continue
                news = await waiter.wait(alive_s)
                if news is News.SILENCE:
                    yield None
                elif news is not News.CHANGE:
                    return

    @property
    def waiting_now(self) -> int:
        """How many connections wait for news."""
        return self._notifier.waiting_now

    def close(self) -> None:
        """End every wait, now and from now on."""
        self._notifier.close()

    async def _read(
        self, actor: Actor, asked: Asked, cursor: Cursor | None, show: Callable[[Change], T], lease: Lease
    ) -> Page[T]:
        await lease.hold(asked.limit * ENTRY_SIZE)
        page = await self._database.read(lambda tx: read_page(tx, actor, asked, cursor, show))
        if page.is_empty:
            lease.keep(0)
        return page

    async def _look(
        self, actor: Actor, asked: Asked, cursor: Cursor | None
    ) -> tuple[Cursor, Cursor | None, frozenset[int]]:
        """Return the cursor, by default one of now; one behind the news if there is any; what spaces to hear of."""

        def work(tx: Snapshot) -> tuple[Cursor, Cursor | None, frozenset[int]]:
            reader = Reader(tx, actor, asked.space_id)
            now = Cursor.at(reader.head, reader.space_id, reader.head.seq, reader.head.mark)
            if cursor is None:
                return now, None, reader.heard_of
            reader.check(cursor)
            return cursor, now if reader.has_news(cursor) else None, reader.heard_of

        return await self._database.read(work)
