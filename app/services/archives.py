"""Folders and selections as zips that are written while they are sent, with their size known before."""

import logging
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from pathlib import Path

from app.auth.identity import Actor
from app.db.database import Database, Use
from app.db.transaction import Snapshot
from app.errors import NotFoundError, RateLimitedError, UnauthenticatedError, UnavailableError
from app.repositories import actors, checksums, users
from app.services import access
from app.services.access import Right
from app.services.archive_content import Check, Contents, Piece
from app.services.archive_plan import HOME, Plan, Walk, name_of
from app.services.archive_stream import ArchiveStream
from app.services.budget import Lease
from app.services.views import View
from storage.errors import StorageError
from storage.offload import Offload
from storage.store import ChunkStore

logger = logging.getLogger(__name__)

OF_ONE, IN_ALL = 2, 8
RETRY_S = 5
WALKS = 3
KEPT_AT_ONCE = 1_000
LOOKED_AT_ONCE = 500


class ArchiveService:
    """Plans zips, and reads what goes into them."""

    def __init__(self, database: Database, store: ChunkStore, offload: Offload, folder: Path, epoch: str) -> None:
        """Take the parts it works with.

        Args:
            offload: has the threads that write plans down, and hash.
            folder: where long plans are written down.
            epoch: of the journal; etags carry it.
        """
        self._database = database
        self._store = store
        self._offload = offload
        self._folder = folder
        self._epoch = epoch
        self._running: Counter[str] = Counter()

    @asynccontextmanager
    async def open(
        self, owner: str, actor: Actor, file_ids: Sequence[str], check: Check, *, is_folder: bool = False
    ) -> AsyncIterator["Archive"]:
        """Plan the zip of entries with all below them, and keep the plan while entered.

        Args:
            owner: who may have two zips under way.
            actor: who reads.
            file_ids: on the wire; one entry or more.
            check: asked, beside the rights, while the zip is read; see `Check`.
            is_folder: it must be folders.

        Raises:
            NotFoundError: there is no such entry.
            RateLimitedError: the owner has two under way.
            UnavailableError: there are eight under way.
            LimitReachedError: there is too much in the folders.
        """
        with self._place(owner):
            archive = await self._plan(actor, file_ids, check, is_folder=is_folder)
            try:
                yield archive
            finally:
                archive.plan.close()

    async def keep(self, learned: list[tuple[int, checksums.Checksum]]) -> None:
        """Keep CRCs, so that no resume reads for them again; on a disk that takes none, they are read again."""
        if not learned:
            return
        try:
            await self._database.write(lambda tx: checksums.keep(tx, learned), use=Use.NOTES)
        except StorageError as error:
            logger.debug("checksums could not be kept: %s", error)

    def contents(self, actor: Actor, check: Check, lease: Lease) -> Contents:
        """Return a reader for one answer."""
        return Contents(actor, check, self._database, self._store, self._offload, lease)

    async def _plan(self, actor: Actor, file_ids: Sequence[str], check: Check, *, is_folder: bool) -> "Archive":
        """Walk the tree, and once more if it changed meanwhile. What changes all the time is taken as it was met."""
        tries = 0
        while True:
            tries, plan = tries + 1, Plan(self._folder)
            try:
                name, before = await self._look(actor, file_ids, is_folder=is_folder)
                walk = Walk(actor, file_ids)
                while not walk.is_done:
                    found = await self._database.read(walk.step)
                    await self._offload.run(partial(plan.add_all, found))
                _, after = await self._look(actor, file_ids, is_folder=is_folder)
            except BaseException:
                plan.close()
                raise
            if before == after or tries == WALKS:
                return Archive(name, plan, actor, check, self, self._offload)
            plan.close()

    async def _look(self, actor: Actor, file_ids: Sequence[str], *, is_folder: bool) -> tuple[str, list[str]]:
        """Return what the zip is called, and the etags of all that comes into it."""

        def work(tx: Snapshot, part: Sequence[str]) -> tuple[str, list[str]]:
            name, etags = "", []
            for file_id in part:
                sight = access.look(tx, actor, file_id)
                sight.require(Right.READ)
                if is_folder and not sight.node.is_folder:
                    raise NotFoundError("There is no folder with this id.")
                view = View.of(tx, sight)
                etags.append(view.etag(self._epoch))
                name = name or (name_of(tx, sight) if len(file_ids) == 1 else _folder_of(view.path))
            return name, etags

        name, etags = "", list[str]()
        for start in range(0, len(file_ids), LOOKED_AT_ONCE):
            part = file_ids[start : start + LOOKED_AT_ONCE]
            found, more = await self._database.read(partial(work, part=part))
            name, etags = name or found, etags + more
        return name, etags

    @contextmanager
    def _place(self, owner: str) -> Iterator[None]:
        """Take one of the places for zips, which are few: each may read a whole disk."""
        if self._running[owner] >= OF_ONE:
            raise RateLimitedError("Two zips of yours are under way: wait for one to end.", RETRY_S)
        if self._running.total() >= IN_ALL:
            raise UnavailableError("Too many zips are under way: try again in a while.")
        self._running[owner] += 1
        try:
            yield
        finally:
            self._running[owner] -= 1
            if not self._running[owner]:
                del self._running[owner]


class Archive:
    """One zip, planned and ready to be read.

    Attributes:
        name: of the folder, or of the one that a selection is in.
    """

    def __init__(
        self, name: str, plan: Plan, actor: Actor, check: Check, service: ArchiveService, offload: Offload
    ) -> None:
        """Only `ArchiveService.open` makes these."""
        self.name = name
        self.plan = plan
        self._actor = actor
        self._check = check
        self._service = service
        self._offload = offload

    async def read(self, start: int, stop: int, lease: Lease) -> AsyncGenerator[bytes | Piece, None]:
        """Yield bytes `start` to `stop` as `ArchiveStream.read` does, and keep what was learned on the way."""
        contents = self._service.contents(self._actor, self._check, lease)
        try:
            async for piece in ArchiveStream(self.plan, contents, self._offload).read(start, stop):
                yield piece
                await self._service.keep(contents.learned(KEPT_AT_ONCE))
        finally:
            await self._service.keep(contents.learned())


def _folder_of(path: str) -> str:
    """Return the name of the folder that a path is in; the home has none of its own."""
    return path.split("/")[-2] or HOME


def still_working(actor: Actor) -> Check:
    """Return a check that the actor's credential and its user still work."""

    def check(tx: Snapshot) -> None:
        row, user = actors.find(tx, actor.id), users.get(tx, actor.user_id)
        if row is None or row.revoked_ms is not None or user.disabled_ms is not None:
            raise UnauthenticatedError("This call's token has ended meanwhile.")

    return check
